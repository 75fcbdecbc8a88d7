// The rooms of src stand in an order, and no import of values points back; nor is there a circle of them.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { full } from "acorn-walk";
import { parseJavaScript } from "../src/kernel/cell/parse.ts";

const root = path.join(import.meta.dirname, "../src");
/** Each may import those before it. */
const ORDER = [
  "student",
  "base",
  "formats",
  "display",
  "graph",
  "tensor",
  "datasets",
  "models",
  "tasks",
  "distillation",
  "training",
].concat(["experiments", "cluster", "figures", "deployment", "kernel", "notebook", "cli"]);
const TOP = ["index.ts", "paper.ts", "cli.ts", "tskernel.ts"];

/** What a text imports to run, at once or later; types leave no trace. */
function importsIn(text: string): string[] {
  const found: string[] = [];
  const note = (source: unknown): void => {
    const { value } = (source ?? {}) as { value?: unknown };
    if (typeof value === "string" && value.startsWith(".")) found.push(value);
  };
  full(parseJavaScript(stripTypeScriptTypes(text)), (node) => {
    if ("source" in node) note(node.source);
  });
  return found;
}

function importsOf(file: string): string[] {
  const found = importsIn(readFileSync(path.join(root, file), "utf8"));
  return found.map((to) => path.join(path.dirname(file), to));
}

const files = globSync("**/*.ts", { cwd: root }).filter((file) => !/assembly|\.d\.ts$/.test(file));
const imports = new Map(files.map((file) => [file, importsOf(file)]));
const room = (file: string): string => file.split("/")[0]!;

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

test("an import is seen in every form, a type's in none", () => {
  const text = `
    import "./effect.ts";
    import one, { type Two, two } from "./names.ts";
    import * as all from "./all.ts";
    import type { Three } from "./types.ts";
    import tf from "@tensorflow/tfjs";
    export { four } from "./four.ts";
    export * from "./five.ts";
    export type { Six } from "./six.ts";
    type Seven = typeof import("./seven.ts");
    // import("./eight.ts")
    export const later = async () => [await import("./nine.ts"), import.meta.resolve("./ten.ts")];
    await import(one);`;
  const seen = ["./effect.ts", "./names.ts", "./all.ts", "./four.ts", "./five.ts", "./nine.ts"];
  assert.deepEqual(importsIn(text).sort(), seen.sort());
});
