// Types flow from cell to cell, and type errors are shown as warnings.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { TypedNotebook } from "./types-kit.ts";

describe("type errors", () => {
  const notebook = new TypedNotebook();
  after(() => notebook.close());
  const errors = (code: string): Promise<number[]> => notebook.errors(code);

  test("a line of text for each error, with its place in the cell", async () => {
    const { text, problems } = await notebook.check("const n = 1;\n/* é😀 */ const s: string = n;");
    assert.equal(
      text,
      "Cell [1]:2:17 - warning TS2322: Type 'number' is not assignable to type 'string'.\n",
    );
    assert.equal(problems.length, 1);
  });

  test("the next cells know every kind of name", async () => {
    notebook.run(
      "const one = 1; let text = 'a'; var old = true; interface Shape { area: number }\n" +
        "type Pair = [number, string]; enum Color { Red, Green } class Point { x = 1 }\n" +
        "function twice(v: number) { return 2 * v } namespace N { export const deep = 1 }\n" +
        "const { a, b: [first, ...rest], ...others } = { a: 1, b: [1, 2], c: 'c' };\n" +
        "if (one) { var hoisted = 's' } import * as path from 'node:path'; import fs from 'node:fs';\n" +
        "import { parse, type Node } from 'acorn'; async function later() { return 1 }",
    );
    notebook.run("// a cell in between");
    assert.deepEqual(
      await errors(
        "one.toFixed(); text.trim(); old.valueOf(); const shape: Shape = { area: 1 };\n" +
          "const pair: Pair = [1, '']; Color.Red.toFixed(); new Point().x; twice(1); N.deep;\n" +
          "a.toFixed(); first.toFixed(); rest.map(Number); others.c.trim(); hoisted.trim();\n" +
          "path.join('a'); fs.readFileSync('a'); const node: Node = parse('1', { ecmaVersion: 2022 });\n" +
          "(await later()).toFixed(); for await (const x of [node]) x.start;",
      ),
      [],
    );
    assert.deepEqual(
      await errors(
        "one.trim(); const p: Pair = [1, 2]; twice('a'); path.join(1); Color.Blue; shape.x",
      ),
      [2339, 2322, 2345, 2345, 2339, 2339],
    );
  });

  test("a cell may redeclare what another cell declared", async () => {
    notebook.run(
      "const again = 1; class Thing { size = 1 } function use(t: Thing) { return t.size }",
    );
    assert.deepEqual(await errors("const again = 'text'; again.trim()"), []);
    assert.deepEqual(await errors("again.trim(); class Thing { size = 1; more = 2 }"), []);
    assert.deepEqual(await errors("use(new Thing()); new Thing().more; again.toFixed()"), [2551]);
  });

  test("variables of earlier cells can be assigned to, within their types", async () => {
    notebook.run(
      "let total = 0; let best; let none = null; import { tokTypes } from 'acorn'; function f() {}",
    );
    assert.deepEqual(
      await errors(
        "total = 1; total += 2; total++; best = { loss: 1 }; none = 1; tokTypes = null; f = () => {}",
      ),
      [],
    );
    assert.deepEqual(await errors("best.loss; total = 'text'"), [2322]);
    notebook.run("const fixed = 1");
    assert.deepEqual(await errors("fixed = 2"), [2588]);
  });

  test("a cell that failed still declares; one that cannot be parsed is not reported twice", async () => {
    assert.deepEqual(await errors("const broken: number = 'x'; throw new Error('no')"), [2322]);
    assert.deepEqual(await errors("let half = 1; const bad = (("), []);
    assert.deepEqual(await errors("const d = 1; const d = 2"), []);
    assert.deepEqual(await errors("return 1"), []);
    assert.deepEqual(await errors("half.trim()"), [2339]);
  });

  test("each cell is checked against the cells before it", async () => {
    const first = notebook.run("const late = 1");
    const code = "late.toFixed()";
    const second = notebook.run(code);
    notebook.run("const late = 'text'");
    assert.ok(second > first);
    assert.deepEqual((await notebook.service.diagnostics(second, code)).problems, []);
  });

  test("@ts-nocheck and @ts-ignore", async () => {
    assert.deepEqual(await errors("// first\n// @ts-nocheck\nconst q: string = 1"), []);
    assert.deepEqual(await errors("// @ts-ignore\nconst q: string = 1; const r = 1"), []);
    assert.deepEqual(await errors("const s = '// @ts-nocheck'; s.x"), [2339]);
  });

  test("packages: types if there are some, silence if not, an error if there is no package", async () => {
    notebook.write("node_modules/bare/package.json", '{"name":"bare","main":"index.js"}');
    notebook.write("node_modules/bare/index.js", "exports.x = 1");
    notebook.write(
      "node_modules/mapped/package.json",
      '{"name":"mapped","exports":{"./sub":{"types":"./lib/sub.d.ts","import":"./lib/sub.js"}}}',
    );
    notebook.write("node_modules/mapped/lib/sub.d.ts", "export declare const deep: number;");
    assert.deepEqual(await errors("import { x } from 'bare'; x.y"), []);
    assert.deepEqual(await errors("import { deep } from 'mapped/sub'; deep.trim()"), [2339]);
    assert.deepEqual(
      await errors("import 'mapped/other'; import z from 'not-there'; z.y"),
      [2307, 2307],
    );
  });

  test("a package installed later is found", async () => {
    assert.deepEqual(await errors("import { value } from 'late-package'; value.trim()"), [2307]);
    notebook.write(
      "node_modules/late-package/package.json",
      '{"name":"late-package","types":"index.d.ts"}',
    );
    notebook.write("node_modules/late-package/index.d.ts", "export declare const value: number;");
    assert.deepEqual(await errors("import { value } from 'late-package'; value.trim()"), [2339]);
  });

  test("local modules and JSON are read again when they change", async () => {
    notebook.write("lib/util.ts", "export const unit = 1;");
    notebook.write("lib/mid.ts", 'export { unit } from "./util.ts";');
    notebook.write("data.json", '{ "k": 1 }');
    const code =
      'import { unit } from "./lib/mid.ts"; import data from "./data.json"; unit.toFixed(); data.k.toFixed()';
    assert.deepEqual(await errors(code), []);
    notebook.write("lib/util.ts", "export const unit = 'longer text';");
    assert.deepEqual(await errors(code), [2551]);
    notebook.write("data.json", '{ "other": 1 }');
    assert.deepEqual(await errors("unit.trim(); data.k"), [2339]);
    assert.deepEqual(await errors('import { nope } from "./lib/new.ts"; nope.trim()'), [2307]);
    notebook.write("lib/new.ts", "export const nope = 'x';");
    assert.deepEqual(await errors('import { nope } from "./lib/new.ts"; nope.trim()'), []);
  });

  test("Node, the kernel's globals, abkd and tslab are typed from anywhere", async () => {
    assert.deepEqual(
      await errors(
        "process.argv; Buffer.from(''); setTimeout(() => {}, 1); console.log(import.meta.dirname);\n" +
          "require('node:fs'); display(1); const p = prompt('a'); const q: boolean = confirm('b');\n" +
          "import * as tslab from 'tslab'; tslab.display.html('x'); import { DATASET_NAMES } from 'abkd'; DATASET_NAMES.join();" +
          "import { tf } from 'abkd'; tf.scalar(1).dispose(); import { published } from 'abkd/paper'; published.table3.cora",
      ),
      [],
    );
    assert.deepEqual(await errors("tslab.nope; process.nope"), [2339, 2339]);
  });

  test("a widget's value has the widget's type", async () => {
    const imports = "import { dropdown, interact, slider, tabs, widget } from 'tskernel/widgets';";
    assert.deepEqual(
      await errors(
        `${imports} slider(0, 1).value.toFixed(); const front: "one" | "two" = tabs({ one: 1, two: 2 }).value;
const counter = widget({ render({ model, el }) { el.append(model.get("n").toFixed()); } }, { n: 1 }); counter.state.n++;
interact(({ n, kind }) => n.toFixed() + kind.trim(), { n: slider(0, 1), kind: dropdown(["a", "b"]) })`,
      ),
      [],
    );
    assert.deepEqual(
      await errors(
        `${imports} slider(0, 1).value.trim(); dropdown(["a", "b"]).value = "c";
interact(({ n }) => n.trim(), { n: slider(0, 1) });
widget({ render({ model }) { model.get("nope"); } }, { n: 1 });`,
      ),
      [2339, 2322, 2339, 2345],
    );
  });

  test("messages name cells and packages, and no path of this machine", async () => {
    notebook.run("class Same { #x = 1 }");
    notebook.run("const same = new Same()");
    notebook.run("class Same { #x = 1 }");
    const { text } = await notebook.check(
      "const other: Same = same; import * as t from 'tslab'; t.nope; import * as a from 'acorn'; a.nope",
    );
    assert.match(text, /import\("Cell \[\d+\]"\)\.Same/);
    assert.match(text, /acorn\/dist/);
    assert.doesNotMatch(text, /"\//);
  });

  test("cells with JSX are TSX, those without keep their type assertions", async () => {
    const runtime = (tag: string): string =>
      `export const jsx: unknown; export { jsx as jsxs }; export namespace JSX { interface Element { tag: string } interface IntrinsicElements { ${tag}: { n?: number; children?: unknown } } }`;
    for (const [name, tag] of [
      ["react", "p"],
      ["other", "q"],
    ] as const) {
      notebook.write(`node_modules/${name}/package.json`, `{ "name": "${name}" }`);
      notebook.write(`node_modules/${name}/jsx-runtime.d.ts`, runtime(tag));
    }
    notebook.run("const word = <string>('w' as unknown);");
    assert.deepEqual(await errors("const tagged = <p n={1}>a's</p>; tagged.tag.trim()"), []);
    assert.deepEqual(await errors("tagged.tag.nope; <p n='1'>{word.nope}</p>"), [2339, 2322, 2339]);
    assert.deepEqual(await errors("/** @jsxImportSource other */\n<q n={2} />"), []);
    assert.deepEqual(await errors("const html = '</p>'; (<string>(html as unknown)).trim()"), []);
    assert.deepEqual(
      await errors("const log = (c: unknown, d: DecoratorContext) => {}; @log class L {}"),
      [],
    );
  });

  test("no more than a screenful", async () => {
    const { text, problems } = await notebook.check(`const u = 1;${"u.x;\n".repeat(100)}`);
    assert.equal(problems.length, 100);
    assert.ok(text.split("\n").length < 60);
    assert.match(text, /and 90 more warnings\n$/);
  });
});

test("a folder's own settings: no types of Node anywhere, paths and decorators of tsconfig.json", async () => {
  const notebook = new TypedNotebook({ projectRoot: "/nowhere" });
  notebook.write(
    "tsconfig.json",
    '{ "compilerOptions": { "paths": { "@/*": ["./lib/*"] }, "experimentalDecorators": true } }',
  );
  notebook.write("lib/a.ts", "export const a = 1;");
  try {
    const mapped = 'import { a } from "@/a"; a.nope';
    assert.deepEqual(await notebook.errors(mapped), [2339]);
    const legacy = "const p = (t: object, key: string) => {}; class C { @p x = 1 }";
    assert.deepEqual(await notebook.errors(legacy), []);
    const errors = await notebook.errors("console.log(1); setTimeout(() => {}, 1).x; process.argv");
    assert.deepEqual(errors, [2339, 2591]);
  } finally {
    await notebook.close();
  }
});
