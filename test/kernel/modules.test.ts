// Modules as cells load them: from the notebook's folder and from this project, and again once edited.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { CellError, Repl, ROOT } from "./repl.ts";

let folder: string;
let repl: Repl;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "abkd-modules-"));
  repl = new Repl(folder);
});

afterEach(() => {
  repl.close();
  rmSync(folder, { recursive: true });
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const run = (source: string) => repl.run(source);

async function failure(source: string): Promise<Error> {
  try {
    await run(source);
  } catch (error) {
    return error instanceof CellError ? error.thrown : (error as Error);
  }
  throw new Error(`no error: ${source}`);
}

suite("resolution", () => {
  test("local files of all extensions, with and without the extension, from subfolders", async () => {
    write({
      "a.ts": "export const a: number = 1;",
      "b.mts": "export const b: number = 2;",
      "c.cts": "exports.c = 3 as number;",
      "d.js": "export const d = 4;",
      "e.mjs": "export const e = 5;",
      "f.cjs": "module.exports = { f: 6 };",
      "sub/index.ts": 'export { g } from "./g";',
      "sub/g.ts": 'import { a } from "../a.js"; export const g = a + 6;',
    });
    await run(
      'import { a } from "./a.ts"; import { b } from "./b.mts"; import { c } from "./c.cts"',
    );
    await run(
      'import { d } from "./d.js"; import { e } from "./e.mjs"; import { f } from "./f.cjs"',
    );
    await run('import { g } from "./sub"; import { a as again } from "./a"');
    assert.deepEqual(await run("[a, b, c, d, e, f, g, again]"), [1, 2, 3, 4, 5, 6, 7, 1]);
  });

  test("built-in modules, JSON with and without attributes, a file URL, require", async () => {
    write({ "d.json": '{"x": 5}', "m.ts": "export const here = import.meta.dirname;" });
    assert.equal(
      await run(
        'import { sep } from "node:path"; import fs from "fs"; typeof fs.readFileSync + sep',
      ),
      "function/",
    );
    assert.equal(
      await run(
        'import d from "./d.json"; import e from "./d.json" with { type: "json" }; d === e && d.x',
      ),
      5,
    );
    assert.equal(await run('(await import("./d.json")).default.x'), 5);
    assert.equal(await run('(await import(new URL("./m.ts", import.meta.url))).here'), folder);
    assert.equal(await run('require("./d.json").x + require("node:path").sep'), "5/");
    assert.equal(await run('import.meta.resolve("./m.ts")'), `file://${folder}/m.ts`);
    assert.deepEqual(await run("[import.meta.dirname, import.meta.main]"), [folder, true]);
  });

  test("packages: ES modules, CommonJS, exports maps, conditions, top-level await", async () => {
    write({
      "node_modules/esm/package.json":
        '{"name":"esm","type":"module","exports":{".":"./i.js","./deep/*":"./lib/*.js"}}',
      "node_modules/esm/i.js":
        "export const late = await Promise.resolve(1); export default 'esm';",
      "node_modules/esm/lib/x.js": "export default 'deep x';",
      "node_modules/cjs/package.json": '{"name":"cjs","main":"./i.js"}',
      "node_modules/cjs/i.js":
        "const hidden = { hidden: 3 }; module.exports = { seen: 2, ...hidden, ['comp' + 'uted']: 4 };",
      "node_modules/two/package.json":
        '{"name":"two","exports":{"import":"./i.mjs","require":"./i.cjs"}}',
      "node_modules/two/i.mjs": "export default 'import';",
      "node_modules/two/i.cjs": "module.exports = 'require';",
    });
    assert.deepEqual(
      await run('import name, { late } from "esm"; import x from "esm/deep/x"; [name, late, x]'),
      ["esm", 1, "deep x"],
    );
    assert.deepEqual(
      await run('import c, { seen, computed } from "cjs"; [c.hidden, seen, computed]'),
      [3, 2, 4],
    );
    assert.deepEqual(await run('import two from "two"; [two, require("two")]'), [
      "import",
      "require",
    ]);
  });

  test("packages come from the importing file, then from the folder, then from this project", async () => {
    write({
      "node_modules/p/package.json": '{"name":"p","main":"i.js"}',
      "node_modules/p/i.js": "module.exports = 'folder';",
      "sub/node_modules/p/package.json": '{"name":"p","main":"i.js"}',
      "sub/node_modules/p/i.js": "module.exports = 'sub';",
      "sub/m.ts":
        'import p from "p"; import { Command } from "commander"; export const all = [p, typeof Command];',
    });
    assert.deepEqual(
      await run(
        'import p from "p"; import { all } from "./sub/m.ts"; import { Command } from "commander"; [p, all, typeof Command]',
      ),
      ["folder", ["sub", "function"], "function"],
    );
  });

  test("abkd is always available, and in a checkout it is its sources", async () => {
    const code =
      'import { UserError } from "abkd"; import { UserError as same } from "ROOT/src/base/errors.ts"; UserError === same && UserError.name';
    assert.equal(await run(code.replace("ROOT", ROOT)), "UserError");
    write({ "m.ts": 'export { UserError } from "abkd";' });
    assert.equal(
      await run('import { UserError as third } from "./m.ts"; third === UserError'),
      true,
    );
    const both =
      'import { Words } from "abkd/paper"; import { StudyView } from "ROOT/src/figures/study-view.ts"; ';
    assert.equal(
      await run(`${both.replace("ROOT", ROOT)}Words.name + StudyView.name`),
      "WordsStudyView",
    );
  });

  test("tslab is the kernel's own display module", async () => {
    assert.equal(await run('import * as tslab from "tslab"; typeof tslab.display'), "object");
  });

  test("a missing module is named, with where it was looked for and what to do", async () => {
    write({ "m.ts": 'import "absent/deep";' });
    for (const code of ['import "absent"', 'import "./m.ts"', 'await import("absent")']) {
      const { message, code: id } = (await failure(code)) as NodeJS.ErrnoException;
      assert.equal(id, "ERR_MODULE_NOT_FOUND");
      assert.match(message, /"absent"/);
      assert.match(message, /the notebook's folder .* npm install absent$/);
      assert.ok(!message.includes(folder) && !message.includes(ROOT), message);
    }
    const missing = await failure('import { x } from "./none.ts"');
    assert.equal(missing.message, 'Cannot find "./none.ts": there is no file ./none.ts');
  });

  test("a package that lacks a file, and one that lacks a package, report that themselves", async () => {
    write({
      "node_modules/half/package.json": '{"name":"half","exports":"./dist/none.js"}',
      "node_modules/whole/package.json": '{"name":"whole","exports":"./i.mjs"}',
      "node_modules/whole/i.mjs": 'import "inner";',
    });
    assert.match((await failure('import "half"')).message, /dist\/none\.js/);
    assert.match((await failure('require("half")')).message, /dist\/none\.js/);
    assert.match((await failure('import "whole"')).message, /'inner' imported from .*whole/);
  });

  test("a package that is installed later is found", async () => {
    await failure('import "late"');
    write({
      "node_modules/late/package.json": '{"name":"late","exports":"./i.mjs"}',
      "node_modules/late/i.mjs": "export default 1;",
    });
    assert.equal(await run('import late from "late"; late'), 1);
  });
});

suite("reload", () => {
  test("identity is kept as long as nothing changes, whoever imports", async () => {
    write({
      "util.ts": "export const it = {};",
      "a.ts": 'export { it } from "./util.ts";',
      "b.ts": 'export { it } from "./util.ts";',
    });
    await run('import { it as one } from "./a.ts"');
    assert.equal(
      await run(
        'import { it as two } from "./b.ts"; import { it as three } from "./util.ts"; import { it as four } from "./a.ts"; one === two && two === three && three === four',
      ),
      true,
    );
  });

  test("an edit takes effect, also in imported files, in JSON and in dynamic imports", async () => {
    const files = {
      "top.ts": 'export * from "./mid.ts"; export const top = {};',
      "mid.ts":
        'import d from "./d.json"; import { k } from "./util.js"; export const get = async () => [k, d.v, (await import("./lazy.ts")).default];',
      "util.ts": "export const k: number = 1;",
      "d.json": '{"v": 1}',
      "lazy.ts": "export default 1;",
      "other.ts": "export const other = {};",
    };
    write(files);
    const get = () =>
      run(
        'import { get, top } from "./top.ts"; import { other } from "./other.ts"; tops.push(top); others.push(other); await get()',
      );
    await run("let tops: object[] = [], others: object[] = [];");
    assert.deepEqual(await get(), [1, 1, 1]);
    write({ "util.ts": "export const k: number = 2;" });
    assert.deepEqual(await get(), [2, 1, 1]);
    write({ "d.json": '{"v": 2}' });
    assert.deepEqual(await get(), [2, 2, 1]);
    write({ "lazy.ts": "export default 2;" });
    assert.deepEqual(await get(), [2, 2, 2]);
    write(files);
    assert.deepEqual(await get(), [1, 1, 1]);
    assert.deepEqual(await run("[new Set(tops).size, new Set(others).size, tops[0] === tops[4]]"), [
      4,
      1,
      true,
    ]);
  });

  test("cycles, and edits inside them", async () => {
    write({
      "a.ts": 'import { b } from "./b.ts"; export const a = 1; export const sum = () => a + b;',
      "b.ts":
        'import { sum } from "./a.ts"; export const b = 10; export const again = () => sum();',
    });
    assert.equal(await run('import { again } from "./b.ts"; again()'), 11);
    write({
      "a.ts": 'import { b } from "./b.ts"; export const a = 2; export const sum = () => a + b;',
    });
    assert.equal(await run('import { again } from "./b.ts"; again()'), 12);
  });

  test("CommonJS is reloaded as well, by import and by require", async () => {
    write({
      "c.cjs": 'module.exports = { c: require("./d.cjs").d };',
      "d.cjs": "exports.d = 1;",
      "e.cjs": "exports.it = {};",
    });
    assert.deepEqual(
      await run(
        'import { c } from "./c.cjs"; let e = require("./e.cjs"); [c, require("./c.cjs").c]',
      ),
      [1, 1],
    );
    write({ "d.cjs": "exports.d = 2;" });
    assert.deepEqual(
      await run('import { c } from "./c.cjs"; [c, require("./c.cjs").c, require("./e.cjs") === e]'),
      [2, 2, true],
    );
    for (const d of [3, 4]) {
      write({ "d.cjs": `exports.d = ${d};` });
      assert.equal(await run('require("./c.cjs").c'), d);
    }
  });

  test("require of a changed ES module reports that it cannot reload it", async () => {
    write({ "m.ts": "export const m: number = 1;" });
    assert.deepEqual(await run('[require("./m.ts").m, require("./m.ts").m]'), [1, 1]);
    write({ "m.ts": "export const m: number = 2;" });
    await assert.rejects(
      run('require("./m.ts")'),
      /m\.ts has changed.*await import\("\.\/m\.ts"\)/,
    );
    assert.equal(await run('import { m } from "./m.ts"; m'), 2);
  });

  test("files deleted and restored, broken and fixed", async () => {
    write({ "m.ts": 'export { u } from "./u.ts";', "u.ts": "export const u = 1;" });
    const get = () => run('import { u } from "./m.ts"; u');
    assert.equal(await get(), 1);
    rmSync(join(folder, "u.ts"));
    await assert.rejects(get(), /there is no file .*u\.ts/);
    write({ "u.ts": "export const u = 2;" });
    assert.equal(await get(), 2);
    write({ "u.ts": "export const u: = 3;" });
    await assert.rejects(get(), /SyntaxError: Unexpected token .=. \(\.\/u\.ts:1:17\)/);
    write({ "u.ts": "export const u = 3;" });
    assert.equal(await get(), 3);
  });

  test("an import without extension whose file was missing at first", async () => {
    write({ "m.ts": 'export { late } from "./late";' });
    await assert.rejects(run('import { late } from "./m.ts"; late'), /there is no file/);
    await new Promise((resolve) => setTimeout(resolve, 100));
    write({ "late.ts": "export const late = 1;" });
    assert.equal(await run('import { late } from "./m.ts"; late'), 1);
    write({ "late.ts": "export const late = 2;" });
    assert.equal(await run('import { late } from "./m.ts"; late'), 2);
  });

  test("a module that failed while it ran is tried again", async () => {
    write({
      "m.ts": 'import { text } from "./u.ts"; export const m = text;',
      "u.ts":
        'import { readFileSync } from "node:fs"; export const text = readFileSync(new URL("data.txt", import.meta.url), "utf8");',
      "ok.ts": "export const it = {};",
    });
    await run('import { it } from "./ok.ts"');
    await assert.rejects(run('import { m } from "./m.ts"; m'), /ENOENT/);
    write({ "data.txt": "now" });
    assert.equal(await run('import { m } from "./m.ts"; m'), "now");
    assert.equal(await run('import { it as same } from "./ok.ts"; it === same'), true);
  });

  test("a package linked into node_modules from elsewhere is local", async () => {
    write({
      "work/package.json": '{"name":"work","type":"module","exports":"./i.ts"}',
      "work/i.ts": "export const w: number = 1;",
      "nb/.keep": "",
    });
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(folder, "work"), join(folder, "node_modules/work"));
    write({ "m.ts": 'export { w } from "work";' });
    assert.equal(await run('import { w } from "./m.ts"; w'), 1);
    write({ "work/i.ts": "export const w: number = 2;" });
    assert.equal(await run('import { w } from "./m.ts"; w'), 2);
  });
});

suite("TypeScript in local modules", () => {
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
    assert.deepEqual(repl.modules.place(url!, Number(line), Number(column)), {
      path: join(folder, "m.ts"),
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
    assert.deepEqual(repl.modules.place(url!, Number(line), Number(column)), {
      path: join(folder, "m.ts"),
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
    const url = `file://${folder}/m.ts`;
    assert.deepEqual(await run('import { all, n } from "./m.ts"; all'), [
      url,
      join(folder, "m.ts"),
      url.replace("m.ts", "n.ts"),
    ]);
    assert.equal(await run("await n()"), 1);
    write({ "n.ts": "export const n: number = 2;" });
    assert.equal(await run('import { n } from "./m.ts"; await n()'), 2);
  });
});
