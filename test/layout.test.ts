// The rooms of src stand in an order, and no import of values points back; nor is there a circle of them.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

const root = path.join(import.meta.dirname, "../src");
/** Each may import those before it; `.`: files beside the rooms, which all may use. */
const ORDER = [
  ".",
  "display",
  "graph",
  "tensor",
  "datasets",
  "models",
  "distillation",
  "training",
].concat(["experiments", "figures", "kernel", "notebook", "cli"]);
const TOP = ["index.ts", "cli.ts"];

/** What a file imports to run; types leave no trace. */
function importsOf(file: string): string[] {
  const source = readFileSync(path.join(root, file), "utf8");
  const found = source.matchAll(/^(?:import|export) (?!type )([^;]*?) from "(\.[^"]+)";/gms);
  return [...found].flatMap(([, names = "", to = ""]) => {
    const typesOnly = /^\{[^}]*\}$/s.test(names) && !/[{,]\s*(?!type |\s|\})/.test(names);
    return typesOnly ? [] : [path.join(path.dirname(file), to)];
  });
}

const files = globSync("**/*.ts", { cwd: root }).filter((file) => !/assembly|\.d\.ts$/.test(file));
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const room = (file: string): string => (file.includes("/") ? file.split("/")[0]! : ".");

test("no arrow points back", () => {
  for (const [file, all] of imports) {
    if (TOP.includes(file)) continue;
    for (const to of all) {
      const [from, at] = [ORDER.indexOf(room(file)), ORDER.indexOf(room(to))];
      assert.ok(from >= 0 && at >= 0 && at <= from, `${file} imports ${to}`);
    }
  }
});

test("no circle", () => {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    assert.ok(!way.includes(file), [...way.slice(way.indexOf(file)), file].join(" -> "));
    if (done.has(file)) return;
    for (const to of imports.get(file) ?? []) visit(to, [...way, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
});
