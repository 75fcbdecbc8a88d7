// Imports that lead nowhere: the error says what to do, and shows no path of the machine.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { CellError, Repl, ROOT } from "./repl.ts";

const FILES: Readonly<Record<string, string>> = {
  "tsconfig.json": `{
    // a comment
    "extends": "./base",
    "compilerOptions": { "paths": { "@app/*": ["./lib/*"], "exact": ["./lib/x.ts"], "lib/*": ["./lib/*", "./sub/*"], "#a/*": ["./*"] } }
  }`,
  "base.json": `{ "compilerOptions": { "baseUrl": "./sub", "paths": { "@base/*": ["./*"] } } }`,
  "sub/deep/y.ts": "export const y = 1;",
  "sub/tags.ts": "export const tags = <p>hi</p>;",
  "sub/decorated.ts": "function log() {}\n@log\nexport function f() {}",
  "sub/tags.js": "export const a = 1;\nexport const tags = <p>hi</p>;",
  "sub/decorated.mjs": "export class A {\n  @log m() {}\n}",
  "sub/decorated.cjs": "exports.a = 1;\n@log\nclass A {}",
  "sub/via.ts": 'export { tags } from "./tags.js";',
  "sub/wrong.js": "export const a = ;",
  "sub/view.tsx": "export const view = <p>hi</p>;",
  "sub/x.ts": "export const x = 1;",
  "data.csv": "1,2",
  "bad.json": "{",
  "node_modules/closed/package.json": '{"name":"closed","exports":"./i.js"}',
  "node_modules/closed/i.js": "exports.x = 1;",
  "node_modules/open/package.json": '{"name":"open","main":"./i.js"}',
  "node_modules/open/i.js": "exports.x = 1;",
  "node_modules/empty/package.json": '{"name":"empty","main":"./none.js"}',
  "node_modules/torn/package.json": "{",
};

const folder = mkdtempSync(join(tmpdir(), "abkd specifiers "));
const notebooks = join(folder, "notebooks");
let repl: Repl;
before(() => {
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  mkdirSync(notebooks);
  repl = new Repl(notebooks);
});
after(() => {
  repl.close();
  rmSync(folder, { recursive: true });
});

const PATHS = /"paths" of tsconfig\.json \(.*\) lead to no file$/;

/** Specifiers, and what both import and require report about them. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  [
    "npm:lodash@4/fp",
    /npm install lodash, then import from "lodash\/fp"; or let it install: ABKD_KERNEL_INSTALL=on/,
  ],
  [
    "npm:@scope/pkg@1.2.3/sub/path.js",
    /npm install @scope\/pkg, then import from "@scope\/pkg\/sub\/path\.js"; or/,
  ],
  ["npm:a@file:b", /not a package of npm's registry/],
  ["npm:", /it names no package$/],
  ["HTTPS://example.org/x.js", /Node loads no modules from the web/],
  [
    "deno:kv",
    /"deno:" belongs to another runtime or to a bundler; Node has node:, file: and data:$/,
  ],
  ["virtual:icons", /"virtual:" belongs to another runtime/],
  ["jsr:@std/fs", /npx jsr add @std\/fs/],
  ["https://esm.sh/d3", /no modules from the web/],
  ["bun:sqlite", /runs on Node/],
  ["@/util", /relative path$/],
  ["~/util", /relative path$/],
  ["@app/util", PATHS],
  ["exact", PATHS],
  ["../sub/tags.ts", /\(\.\.\/sub\/tags\.ts:1:\d+\)\. In this kernel: JSX belongs in \.tsx/],
  ["../sub/decorated.ts", /\(\.\.\/sub\/decorated\.ts:2:1\)$/],
  ["../sub/tags.js", /\(\.\.\/sub\/tags\.js:2:\d+\)\. In this kernel: JSX belongs in \.tsx/],
  ["../sub/via.ts", /\(\.\.\/sub\/tags\.js:2:\d+\)\. In this kernel: JSX belongs in \.tsx/],
  ["../sub/decorated.mjs", /decorated\.mjs:2:3\)\. In this kernel: decorators belong in Type/],
  ["../sub/decorated.cjs", /decorated\.cjs:2:1\)\. In this kernel: decorators belong in Type/],
  ["../sub/wrong.js", /^SyntaxError: Unexpected token \(\.\.\/sub\/wrong\.js:1:18\)$/],
  ["../sub/view.tsx", /npm install react$/],
  ["abkd/x", /cells can only import "abkd", "abkd\/paper" and "abkd\/student"$/],
  ["abkd/src/index.ts", /cells can only import "abkd", "abkd\/paper" and "abkd\/student"$/],
  ["tslab/x", /cells can only import "tslab"$/],
  ["closed/x", /the package closed does not export it: .* under "exports"$/],
  ["acorn/x", /the package acorn does not export it: .* under "exports"$/],
  ["#absent", /"imports" in the nearest package\.json, which does not list it/],
  ["@", /neither a package's name nor a path/],
  ["%", /neither a package's name nor a path/],
  ["torn", /the package\.json of torn is not valid JSON$/],
  ["empty", /'empty\/none\.js'/],
  ["absent", /npm install absent$/],
  ["../bad.json", /^SyntaxError: \.\.\/bad\.json: Expected property name/],
];

/** Specifiers that only import refuses. */
const IMPORTED: readonly (readonly [string, RegExp])[] = [
  ["../sub/view", /npm install react$/],
  ["../sub", /it is a folder: import a file in it$/],
  ["../data.csv", /Unknown file extension "\.csv" for \.\.\/data\.csv$/],
  ["open/none.js", /'open\/none\.js'/],
  ["", /neither a package's name nor a path/],
];

async function refusal(code: string): Promise<string> {
  const error = await repl.run(code).then(
    () => assert.fail(`not refused: ${code}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof CellError, String(error));
  for (const text of [error.message, error.thrown.stack ?? ""]) {
    const [head = ""] = text.split("\n    at ");
    assert.ok(!head.includes(folder) && !head.includes(ROOT), head);
  }
  return error.message;
}

for (const [specifier, message] of [...REFUSED, ...IMPORTED]) {
  test(`${specifier} is refused with what to do`, async () => {
    const codes = [`import { x } from "${specifier}"; x`, `await import("${specifier}")`];
    const isRefused = REFUSED.some(([each]) => each === specifier);
    if (isRefused) codes.push(`require("${specifier}")`);
    for (const code of codes) assert.match(await refusal(code), message, code);
  });
}

test("require finds this project's packages, from a folder that has none", async () => {
  assert.equal(await repl.run('typeof require("commander").Command'), "function");
});
