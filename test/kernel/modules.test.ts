// Modules as cells find them: from the notebook's folder, then from this project.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ModuleCells } from "./module-cells.ts";
import { ROOT } from "./repl.ts";

const cells = new ModuleCells();
const { failure, run, write } = cells;

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
  await run('import { a } from "./a.ts"; import { b } from "./b.mts"; import { c } from "./c.cts"');
  await run('import { d } from "./d.js"; import { e } from "./e.mjs"; import { f } from "./f.cjs"');
  await run('import { g } from "./sub"; import { a as again } from "./a"');
  assert.deepEqual(await run("[a, b, c, d, e, f, g, again]"), [1, 2, 3, 4, 5, 6, 7, 1]);
});

test("built-in modules, JSON with and without attributes, a file URL, require", async () => {
  write({ "d.json": '{"x": 5}', "m.ts": "export const here = import.meta.dirname;" });
  assert.equal(
    await run('import { sep } from "node:path"; import fs from "fs"; typeof fs.readFileSync + sep'),
    "function/",
  );
  assert.equal(
    await run(
      'import d from "./d.json"; import e from "./d.json" with { type: "json" }; d === e && d.x',
    ),
    5,
  );
  assert.equal(await run('(await import("./d.json")).default.x'), 5);
  assert.equal(await run('(await import(new URL("./m.ts", import.meta.url))).here'), cells.folder);
  assert.equal(await run('require("./d.json").x + require("node:path").sep'), "5/");
  assert.equal(await run('import.meta.resolve("./m.ts")'), `file://${cells.folder}/m.ts`);
  assert.deepEqual(await run("[import.meta.dirname, import.meta.main]"), [cells.folder, true]);
});

test("packages: ES modules, CommonJS, exports maps, conditions, top-level await", async () => {
  write({
    "node_modules/esm/package.json":
      '{"name":"esm","type":"module","exports":{".":"./i.js","./deep/*":"./lib/*.js"}}',
    "node_modules/esm/i.js": "export const late = await Promise.resolve(1); export default 'esm';",
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
  assert.equal(await run('import { UserError as third } from "./m.ts"; third === UserError'), true);
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

test("import * of a CommonJS module has all its names, as with esModuleInterop", async () => {
  write({
    "node_modules/low/package.json": '{"name":"low"}',
    // Like lodash: a function, whose names Node cannot detect.
    "node_modules/low/index.js":
      "const low = (x) => [x]; for (const name of ['chunk', 'map']) low[name] = () => name; low.VERSION = 1; module.exports = low;",
  });
  assert.deepEqual(
    await run(
      'import * as _ from "low"; [_.chunk(), _.VERSION, _.default(2), typeof _, "length" in _]',
    ),
    ["chunk", 1, [2], "object", false],
  );
  assert.deepEqual(
    await run("_.default.VERSION = 3; [_.VERSION, Object.keys(_).includes('map')]"),
    [3, true],
  );
});

test("a package that was missing is found once it has been installed", async () => {
  write({ "node_modules/other/index.js": "" });
  for (const name of ["young", "young/part"]) await failure(`import "${name}"`);
  write({
    "node_modules/young/package.json":
      '{"name":"young","exports":{".":"./i.js","./part":"./p.js"}}',
    "node_modules/young/i.js": "exports.age = 1;",
    "node_modules/young/p.js": "exports.age = 2;",
  });
  assert.equal(await run('import { age } from "young"; age'), 1);
  assert.equal(await run('require("young/part").age'), 2);
});

test("a package can import itself", async () => {
  write({ "package.json": '{"name":"self","exports":"./self.js"}', "self.js": "exports.me = 5;" });
  assert.equal(await run('import { me } from "self"; me'), 5);
});

test("a missing module is named, with where it was looked for and what to do", async () => {
  write({ "m.ts": 'import "absent/deep";' });
  for (const code of ['import "absent"', 'import "./m.ts"', 'await import("absent")']) {
    const { message, code: id } = (await failure(code)) as NodeJS.ErrnoException;
    assert.equal(id, "ERR_MODULE_NOT_FOUND");
    assert.match(message, /"absent"/);
    assert.match(message, /the notebook's folder .* npm install absent$/);
    assert.ok(!message.includes(cells.folder) && !message.includes(ROOT), message);
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
