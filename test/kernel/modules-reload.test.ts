// Modules that cells load again once they, or what they import, have been edited.
import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ModuleCells } from "./module-cells.ts";

const cells = new ModuleCells();
const { run, write } = cells;

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
    "b.ts": 'import { sum } from "./a.ts"; export const b = 10; export const again = () => sum();',
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
    await run('import { c } from "./c.cjs"; let e = require("./e.cjs"); [c, require("./c.cjs").c]'),
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
  await assert.rejects(run('require("./m.ts")'), /m\.ts has changed.*await import\("\.\/m\.ts"\)/);
  assert.equal(await run('import { m } from "./m.ts"; m'), 2);
});

test("files deleted and restored, broken and fixed", async () => {
  write({ "m.ts": 'export { u } from "./u.ts";', "u.ts": "export const u = 1;" });
  const get = () => run('import { u } from "./m.ts"; u');
  assert.equal(await get(), 1);
  rmSync(join(cells.folder, "u.ts"));
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
  mkdirSync(join(cells.folder, "node_modules"));
  symlinkSync(join(cells.folder, "work"), join(cells.folder, "node_modules/work"));
  write({ "m.ts": 'export { w } from "work";' });
  assert.equal(await run('import { w } from "./m.ts"; w'), 1);
  write({ "work/i.ts": "export const w: number = 2;" });
  assert.equal(await run('import { w } from "./m.ts"; w'), 2);
});
