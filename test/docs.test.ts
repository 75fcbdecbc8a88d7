// The documents: links lead somewhere, and decisions are dated records of ten lines at the most.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ENTRIES } from "../src/base/library.ts";

const root = path.join(import.meta.dirname, "..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

/** A heading as GitHub makes an anchor of it. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

test("every link from a document to another file, and to a heading of it, leads there", () => {
  const files = globSync(["*.md", "docs/*.md", "notebooks/*.md"], { cwd: root });
  assert.ok(files.length > 10);
  for (const file of files) {
    for (const [, to] of read(file).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(to!)) continue;
      const [target = "", heading] = to!.split("#");
      const found = target === "" ? file : path.join(path.dirname(file), target);
      assert.ok(existsSync(path.join(root, found)), `${file}: ${to}`);
      if (heading === undefined) continue;
      const headings = [...read(found).matchAll(/^#+ (.*)$/gm)].map(([, text]) => anchor(text!));
      assert.ok(headings.includes(heading), `${file}: ${to}`);
    }
  }
});

test("decisions are dated records, each of ten lines at the most", () => {
  const [head, ...parts] = read("docs/decisions.md").split(/^## /m);
  for (const part of parts) assert.ok(head!.includes(`[${part.slice(0, part.indexOf("\n"))}](`));
  const records = parts.flatMap((part) => part.split(/^(?=- )/m).slice(1));
  assert.ok(records.length > 100);
  for (const record of records) {
    assert.match(record, /^- \*\*2026-\d\d-\d\d\. \S/, record);
    assert.ok(record.trimEnd().split("\n").length <= 10, record);
  }
  for (const part of parts) {
    const dates = [...part.matchAll(/^- \*\*([\d-]+)\./gm)].map(([, date]) => date!);
    assert.deepEqual(dates, [...dates].sort(), `newest last in: ${part.slice(0, 40)}`);
  }
});

test("package.json offers what cells and workers find by the same names", () => {
  const { exports, typesVersions } = JSON.parse(read("package.json")) as {
    exports: Record<string, object>;
    typesVersions: object;
  };
  const offered = Object.keys(exports).filter((name) => name !== "./package.json");
  assert.deepEqual(
    offered.map((name) => name.replace(".", "abkd")),
    [...ENTRIES.keys()],
  );
  // For readers of types that know no exports, such as tslab's.
  assert.deepEqual(typesVersions, {
    "*": { paper: ["./dist/paper.d.ts"], student: ["./dist/student/index.d.ts"] },
  });
  for (const [name, file] of ENTRIES) {
    assert.deepEqual(exports[name.replace("abkd", ".")], {
      types: `./dist/${file}.d.ts`,
      default: `./dist/${file}.js`,
    });
  }
});
