// Cells in V8's REPL mode: declarations stay and can be repeated, and errors tell their places.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { CellSyntaxError, compileCell, HELPER } from "../../src/kernel/cell/compile.ts";
import { sessions } from "./repl.ts";

const { run, failure, resources } = sessions({
  "m.ts": "export const n: number = 7; export default class Late {}\n",
});

suite("declarations", () => {
  /** Every way to declare N, with the type it then has. */
  const kinds: Readonly<Record<string, readonly [code: string, type: string]>> = {
    let: ["let N = 1;", "number"],
    const: ["const N: number = 2;", "number"],
    var: ["var N = 3;", "number"],
    "nested var": ["if (true) { for (var N = 4; N < 5; N++); }", "number"],
    function: ["function N(): void {}", "function"],
    async: ["async function* N() {}", "function"],
    class: ["class N {}", "function"],
    abstract: ["abstract class N { abstract x(): void }", "function"],
    enum: ["enum N { A }", "object"],
    namespace: ["namespace N { export const x = 1 }", "object"],
    import: ['import { n as N } from "./m.ts"', "number"],
    "import default": ['import N from "./m.ts"', "function"],
    "import *": ['import * as N from "./m.ts"', "object"],
    destructured: ["const { a: [N = 1], ...rest } = { a: [] as number[] };", "number"],
    using: ["using N = { [Symbol.dispose]() {} };", "object"],
    export: ["export const N = 1;", "number"],
    "export default function": ["export default function N() {}", "function"],
    "export default class": ["export default class N {}", "function"],
    "await in front": ["await null; let N = 1", "number"],
  };

  test("every kind can be redeclared as every kind", async () => {
    let count = 0;
    for (const [first, [code1, type1]] of Object.entries(kinds)) {
      for (const [second, [code2, type2]] of Object.entries(kinds)) {
        const name = `name${count++}`;
        const cell = (code: string) => code.replaceAll("N", name).replace("Symbol", "Symbol");
        await run(cell(code1));
        assert.equal(await run(`typeof ${name}`), type1, `${first} -> ${second}`);
        await run(`function get${name}() { return ${name} }`);
        await run(cell(code2));
        assert.equal(await run(`typeof get${name}()`), type2, `${first} -> ${second}`);
      }
    }
  });

  test("functions see what names refer to now", async () => {
    await run("let n = 1; const c = 1; function get() { return [n, c] }");
    await run("n = 100");
    assert.deepEqual(await run("get()"), [100, 1]);
    await run("let n = 5; const c = 6;");
    assert.deepEqual(await run("get()"), [5, 6]);
    await run(
      "function even(n: number): boolean { return n === 0 || odd(n - 1) } function odd(n: number): boolean { return n !== 0 && even(n - 1) }",
    );
    await run("let old = even; function odd(n: number) { return 'new' }");
    assert.equal(await run("old(3)"), "new");
  });

  test("in a cell, functions and imports come first, var may be repeated, the last function counts", async () => {
    assert.equal(
      await run("early() + n; function early() { return n } import { n } from './m.ts'"),
      undefined,
    );
    assert.equal(await run("early() + n"), 14);
    assert.equal(
      await run("function twice() { return 1 } function twice() { return 2 }\ntwice()"),
      2,
    );
    assert.deepEqual(
      await run(
        "let seen = [v]; var v = 1; seen.push(v); var v = 2, w; var { v, ...x } = { v: 3, y: 4 }; [...seen, v, w, x]",
      ),
      [undefined, 1, 3, undefined, { y: 4 }],
    );
    assert.equal(
      await run(
        "let total = 0\nvar list = [1, 2]\nfor (var each of list) total += each\nfor (var i = 0, m = 3; i < m; i++) total += i\nfor (var key in { a: 1 }) total += key.length\ntotal + each + i",
      ),
      12,
    );
    assert.equal(
      await run("var named = function () {}, arrow = () => {}; named.name + arrow.name"),
      "namedarrow",
    );
  });

  test("what does not compile in a module does not compile in a cell", async () => {
    for (const code of [
      "let a; let a",
      "let b; var b",
      "import { n } from './m.ts'; let n",
      "class C {} class C {}",
    ]) {
      assert.throws(() => compileCell(code, 1), /has already been declared/, code);
    }
    await assert.rejects(run("undeclared = 1"), /ReferenceError/);
  });

  test("a failed declaration can be repeated", async () => {
    await assert.rejects(run("const broken = (() => { throw new Error('no') })()"), /no/);
    assert.equal(await run("const broken = 1; broken"), 1);
    await assert.rejects(run("const later = await Promise.reject(new Error('no'))"), /no/);
    assert.equal(await run("let later = 2; later"), 2);
  });

  test("exports are declarations; re-exported modules are loaded", async () => {
    assert.deepEqual(
      await run("let p = 1\nexport { p }\nexport const q = 2\nexport default { p, q }"),
      { p: 1, q: 2 },
    );
    assert.equal(await run("let p2 = q\nexport default (p2)"), 2);
    assert.equal(
      await run(
        "export * from './m.ts'; export { n as other } from './m.ts'; export type T = 1; 3",
      ),
      3,
    );
    assert.equal(typeof (await run("export default class {}\nlet unnamed = 1")), "undefined");
    assert.equal(await run("export default (function () { return 4 })()"), 4);
    await assert.rejects(run("export { x } from './none.ts'"), /none\.ts/);
  });

  test("the helper is not visible among the globals", async () => {
    assert.equal(await run(`Object.keys(globalThis).includes("${HELPER}")`), false);
  });
});

suite("values", () => {
  const shown = (code: string) => compileCell(code, 1).showsValue;

  test("only a final expression is a cell's value", async () => {
    for (const code of [
      "1",
      "1;",
      "await x;",
      "f()\n// comment",
      "a = 1",
      "1;;",
      "export default 1",
    ]) {
      assert.equal(shown(code), true, code);
    }
    for (const code of [
      "",
      "// nothing",
      "let a = 1",
      "var v = 1",
      "function f() {}",
      "if (1) 2",
      "class A {}",
      "type A = 1",
      "for (const x of []) x",
      "export default class {}",
      "import 'x'",
    ]) {
      assert.equal(shown(code), false, code);
    }
    // A block at the end counts as well, as in V8's completion value and in Node's REPL.
    const blocks: [string, unknown][] = [
      ["{ let q = 3; q * 2 }", 6],
      ["{ const q: number = 3; await null; { q + 1 } }", 4],
      ["let r = 1\n{ r + 1; }", 2],
      ["{ 5; let t = 1 }", undefined],
      ["{ if (true) 5 }", undefined],
      ["5; {}", undefined],
    ];
    for (const [code, value] of blocks) assert.equal(await run(code), value, code);
    assert.equal(await run("'use strict'"), "use strict");
    assert.equal(await run("let x = 1\n;[x][0]"), 1);
  });
});

suite("a cell in braces", () => {
  test("is an object if it can be one", async () => {
    await run("let p = 1, o = { x: 1 }; type Foo = object");
    const objects: [string, unknown][] = [
      ["{ p: 1, q: 2 }", { p: 1, q: 2 }],
      ["{ p: 1 }", { p: 1 }],
      ["{ p, o }", { p: 1, o: { x: 1 } }],
      ["{ ...o }", { x: 1 }],
      ["{}", {}],
      ["\n// first\n{ p: 1 } // last", { p: 1 }],
      ["/* { */ { p: 1 }\n", { p: 1 }],
      ["{ p: 1 } as Foo", { p: 1 }],
      ["{ p: <number>1, q: [] as Foo[] } satisfies Foo", { p: 1, q: [] }],
      ["{ p: await Promise.resolve(3), ['q']: import.meta.url.length > 0 }", { p: 3, q: true }],
      ["{ p: 1, q: 2 };", { p: 1, q: 2 }],
    ];
    for (const [code, value] of objects) assert.deepEqual(await run(code), value, code);
    assert.equal(await run("typeof p"), "number");
    assert.equal(
      typeof ((await run("{ f(): number { return 1 } }")) as { f: unknown }).f,
      "function",
    );
  });

  test("is a block if it cannot be an object", async () => {
    await run("let done: number[] = []");
    assert.equal(await run("{ let x = 1; done.push(x) }"), 1);
    assert.equal(await run("{ done.push(2) }"), 2);
    assert.equal(await run("{ p: done.push(3) };"), undefined);
    assert.equal(await run("{ done.push(4) } done.length"), 4);
  });

  test("places are as typed", async () => {
    for (const [code, line, column] of [
      ["{ a: 1, b: no() }", 1, 12],
      ["{ a: 1,\n b: no() }", 2, 5],
    ] as const) {
      assert.deepEqual((await failure(code)).place, { line, column }, code);
    }
  });
});

suite("imports", () => {
  test("every form", async () => {
    assert.deepEqual(
      await run(
        `import Late, * as all from "./m.ts"
import Again, { n, n as "m", default as Third } from './m.ts';
import {} from "./m.ts"
import "./m.ts"
import type { Type } from "./types.ts"
import { type Other, n as fourth } from "./m.ts"
import { "n" as quoted } from "./m.ts";
[Late === Again, Again === Third, Late === all.default, n, fourth, quoted]`.replace(
          'n as "m", ',
          "",
        ),
      ),
      [true, true, true, 7, 7, 7],
    );
    assert.deepEqual(
      await run(
        "let { n: x } = await import('./m.ts'); const load = (it: string) => import(it); [x, (await load('./m.ts')).n]",
      ),
      [7, 7],
    );
    assert.equal(await run("class L { static n = import('./m.ts') }; (await L.n).n"), 7);
  });

  test("a name that is only a type is dropped, and a missing value is an error", async () => {
    await run("let Foo = 'mine', Bar = 'mine'");
    assert.equal(await run('import { Foo, n } from "./m.ts"; const foo: Foo = n; foo'), 7);
    assert.equal(await run("Foo"), "mine");
    const { thrown } = await failure('import { Bar } from "./m.ts"; Bar');
    assert.match(`${thrown}`, /^SyntaxError: "\.\/m\.ts" does not export "Bar"; it exports n$/);
    assert.equal(
      await run(
        'import { Bar } from "./m.ts"; function f(Bar: number) { return Bar } f({ Bar: 2 }.Bar)',
      ),
      2,
    );
    await run('import { n, Type } from "./m.ts"');
    await assert.rejects(run("Type"), /ReferenceError: Type is not defined/);
    assert.equal(await run("n"), 7);
  });
});

suite("using", () => {
  test("top-level resources belong to the kernel, others to their block", async () => {
    await run(
      "let log: string[] = []; const open = (name: string) => ({ name, [Symbol.dispose]() { log.push(name) }, async [Symbol.asyncDispose]() { log.push('async ' + name) } })",
    );
    await run(
      "using a = open('a'), b = open('b'); await using c = open('c')\n{ using d = open('d'); await using e = open('e') }",
    );
    assert.deepEqual(await run("log"), ["async e", "d"]);
    assert.deepEqual(
      resources().map((it) => (it as { name: string }).name),
      ["a", "b", "c"],
    );
    assert.equal(await run("b.name"), "b");
  });
});

suite("TypeScript", () => {
  test("types of all kinds are removed", async () => {
    assert.deepEqual(
      await run(`interface A<T = number> { a: T }
type B = A<string> | undefined;
declare const nowhere: number;
function over(x: number): number;
function over(x: string): string;
function over(x: any) { return x }
const id = <T,>(x: T): T => x;
class P<T> implements A<T> { declare hidden: number; private readonly b?: number; constructor(public a: T) {} get x(): T { return this.a! } }
let made = new P<number>(3) satisfies A as A<number>;
[over(1), id<string>("s"), made.a, (made as any)?.x!, 1 < 2, 3 > 2]`),
      [1, "s", 3, 3, true, true],
    );
    assert.equal(await run("let f = (x?: number) => x ?? 4, a = 1, b = 2\nf<number>(5)"), 5);
  });

  test("enums merge within a cell and are new in the next", async () => {
    assert.deepEqual(
      await run("enum E { A, B = 'b' } enum E { C = 5 } const enum K { X = 9 }\n[E, K.X]"),
      [{ 0: "A", A: 0, B: "b", 5: "C", C: 5 }, 9],
    );
    assert.deepEqual(await run("export enum E { Z }\nE"), { 0: "Z", Z: 0 });
    assert.equal(
      await run(
        "namespace N { export const one = 1 } namespace N { export const two = N.one + 1 } N.two",
      ),
      2,
    );
  });
});

suite("what cannot be parsed", () => {
  const cases: readonly (readonly [code: string, line: number, column: number])[] = [
    ["let a = 1\nlet x: number = ;", 2, 17],
    ["let a = 1\nlet xé = 'ü😀' +* 2", 2, 17],
    ["f(", 1, 3],
    ["enum A { B }\n  let x = = 1", 2, 11],
    ["let a = 1;\n enum A {}\n let a = 2;", 3, 6],
    ["function f() { await 1 }", 1, 16],
    ["\n\n  return 1", 3, 3],
    ["'unterminated", 1, 1],
    ["if (x) {\n  y()", 2, 6],
    ["let x: string = 1\nlet x = 2", 2, 5],
    ["@dec function f() {}", 1, 1],
    ["let x = 3 3\nlet y = 2\nlet z", 1, 11],
    ["let ok = 1;\nconst = 3;\nlet z", 2, 7],
    ["const = 3;\n     ^\nlet z", 1, 7],
    ["\tconst = 3\nlet x", 1, 8],
    ["ab\t= = 3\nlet x", 1, 6],
    ["return 1\n  ^\nx", 1, 1],
    ["let a = `b\n  c\nlet d", 1, 1],
    ["let x = 1\r\nclass A {\r\n  private y: = 3;\r\n}", 3, 14],
  ];
  for (const [code, line, column] of cases) {
    test(JSON.stringify(code), () => {
      assert.throws(
        () => compileCell(code, 1),
        (error) => {
          assert.ok(error instanceof CellSyntaxError && error instanceof SyntaxError);
          assert.deepEqual(
            { line: error.line, column: error.column },
            { line, column },
            error.message,
          );
          return true;
        },
      );
    });
  }
});
