// Local TypeScript modules: types are removed, formats are told apart, places are mapped.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ModuleCells } from "./module-cells.ts";

const cells = new ModuleCells();
const { failure, run, write } = cells;

test("a package.json that is not JSON, or is hostile, is named in one line", async () => {
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  for (const [index, [text, message]] of [
    ["{ type: module }", /^Invalid package config .*package\.json/],
    [deep, /^Invalid package config .*package\.json/],
    ['{ "type": "module", "type": "commonjs" }', /package\.json is JSON that names "type" twice/],
  ].entries()) {
    const folder = `broken-${index}`;
    write({ [`${folder}/package.json`]: String(text), [`${folder}/m.ts`]: "globalThis.x = 1;" });
    const { message: said } = await failure(`await import("./${folder}/m.ts")`);
    assert.match(said, message as RegExp);
    assert.doesNotMatch(said, /\n/);
  }
  // JSON that is not an object has no effect.
  write({ "odd/package.json": "null", "odd/m.ts": "export const odd: number = 3;" });
  assert.equal(await run('(await import("./odd/m.ts")).odd'), 3);
});

test("types that are imported without the word type", async () => {
  write({
    "types.ts":
      "export interface Foo { a: number } export type Bar = string; export const real = 1; export default interface D {}",
    "m.ts":
      'import D, { Foo, real, Bar } from "./types.ts";\nimport { Foo as F } from "./types.ts";\nexport const m = (foo: Foo, bar?: Bar & F & D): number => foo.a + real;',
  });
  assert.equal(
    await run(
      'import { m } from "./m.ts"; import { Foo, Bar } from "./types.ts"; const foo: Foo = { a: 1 }; m(foo)',
    ),
    2,
  );
});

test("a name that is not exported but used: a SyntaxError with module and name", async () => {
  write({
    "types.ts": "export interface Foo {} export const real = 1;",
    "m.ts": 'import { Foo } from "./types.ts";\nconsole.log(Foo);',
  });
  const error = await failure('import { Foo } from "./types.ts"; new Foo()');
  assert.equal(error.name, "SyntaxError");
  assert.match(error.message, /"\.\/types\.ts" does not export "Foo"; it exports real/);
  const inner = await failure('import "./m.ts"');
  assert.equal(inner.name, "SyntaxError");
  assert.match(inner.message, /types\.ts.*Foo/);
});

test("a name that an inner scope redeclares still counts as used", async () => {
  write({
    "t.ts": "export const a = 1, b = 2, c = 3, d = 4;",
    "m.ts": `import { a, b, c, d } from "./t.ts";
      function f() { function g() { var a = 10; return a; } return a + g(); }
      const h = (b: number) => b, k = () => { { let c = 5; void c; } return c; };
      export const all = [f(), h(1) + b, k(), { d }.d];`,
  });
  assert.deepEqual(await run('import { all } from "./m.ts"; all'), [11, 3, 3, 4]);
});

test("types among re-exported names", async () => {
  write({
    "types.ts":
      "export interface Foo {} export const real = 1; export class C {} type T = 1; export { T };",
    "both.ts": 'import { Foo, real } from "./types.ts"; var own = 1; export { Foo, real, own }',
    "index.ts":
      'export { Foo, real, C as D, T } from "./types.ts"; export { Foo as F } from "./types"',
  });
  assert.deepEqual(await run('import { real, D } from "./"; [real, typeof D]'), [1, "function"]);
  assert.deepEqual(await run('Object.keys(await import("./both.ts"))'), ["own", "real"]);
  assert.deepEqual(await run('Object.keys(await import("./index.ts"))'), ["D", "real"]);
});

test("enums, namespaces and parameter properties, with places mapped", async () => {
  write({
    "m.ts":
      "\n\nenum E { A, B }\n\nnamespace N { export const n = 2; }\nexport class P { constructor(readonly x: number) {} }\nexport const all = [E.B, N.n, new P(3).x];\nexport function fail(text: string): never {\n  const x: number = 1;\n      throw new TypeError(text);\n}\n",
  });
  assert.deepEqual(await run('import { all } from "./m.ts"; all'), [1, 2, 3]);
  const { stack } = await failure('import { fail } from "./m.ts"; fail("x")');
  const [, url, line, column] = /(file:[^ ]*m\.ts[^ ]*?):(\d+):(\d+)/.exec(stack!)!;
  assert.deepEqual(cells.repl.modules.place(url!, Number(line), Number(column)), {
    path: join(cells.folder, "m.ts"),
    line: 10,
    column: 13,
  });
});

test("places in a later version have no version in their path", async () => {
  write({ "m.ts": "export const x = 1;" });
  await run('import "./m.ts"');
  write({
    "m.ts": "\nimport { Foo } from './t.ts'; export function f(): Foo { throw new Error('x'); }",
    "t.ts": "export type Foo = 1",
  });
  const { stack } = await failure('import { f } from "./m.ts"; f()');
  const [, url, line, column] = /(file:[^ ]*m\.ts[^ ]*?):(\d+):(\d+)/.exec(stack!)!;
  assert.match(url!, /\?v=/);
  assert.deepEqual(cells.repl.modules.place(url!, Number(line), Number(column)), {
    path: join(cells.folder, "m.ts"),
    line: 2,
    column: 64,
  });
});

test("import.meta and dynamic imports of URLs", async () => {
  write({
    "m.ts":
      'export const all = [import.meta.url, import.meta.filename, import.meta.resolve("./n.ts")]; export const n = async () => (await import(new URL("./n.ts", import.meta.url).href)).n;',
    "n.ts": "export const n: number = 1;",
  });
  const url = `file://${cells.folder}/m.ts`;
  assert.deepEqual(await run('import { all, n } from "./m.ts"; all'), [
    url,
    join(cells.folder, "m.ts"),
    url.replace("m.ts", "n.ts"),
  ]);
  assert.equal(await run("await n()"), 1);
  write({ "n.ts": "export const n: number = 2;" });
  assert.equal(await run('import { n } from "./m.ts"; await n()'), 2);
});

test("a module of types only, in a folder that no package.json is above", async () => {
  write({ "m.ts": "export interface A { a: number }\n(globalThis as any).loaded = true;" });
  await run('import "./m.ts"');
  assert.equal(await run("loaded"), true);
});

test("imports and re-exports that are all marked as types load nothing; the others do", async () => {
  write({
    "types.ts": "throw new Error('loaded'); export type A = 1; export interface B {}",
    "m.ts":
      'import { type A } from "./types.ts";\nexport { type B } from "./types.ts";\nexport const m: A = 1;',
  });
  const types = 'import { type A, type B as C } from "./types.ts"';
  assert.equal(await run(`${types}; const a: A = 1; a`), 1);
  assert.equal(await run(`let x = 4\n${types}\n(x)`), 4);
  assert.equal(await run(`${types}; export { type B } from "./types.ts"; enum E { F = 5 } E.F`), 5);
  assert.equal(await run('import { m } from "./m.ts"; m'), 1);
  for (const code of ['import "./types.ts"', 'import {} from "./types.ts"']) {
    assert.equal((await failure(code)).message, "loaded");
  }
});
