// Places of errors: wherever in a cell something throws, the trace shows the place as typed.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compileCell } from "../../src/kernel/cell/compile.ts";
import { CellError, Repl } from "./repl.ts";

const folder = mkdtempSync(join(tmpdir(), "abkd-places-"));
writeFileSync(join(folder, "m.ts"), "export const n: number = 7; export type T = number;\n");

let repl: Repl;
before(() => {
  repl = new Repl(folder);
  const boom = () => {
    throw new RangeError("boom");
  };
  Object.assign(globalThis, { boom });
});
after(() => {
  repl.close();
  rmSync(folder, { recursive: true });
});

/** Statements that do not throw; # becomes a number unique to each. */
const CALM = [
  'import { n as n#, T as U# } from "./m.ts";',
  'import type { T as T# } from "./m.ts"',
  'import * as all# from "./m.ts"',
  'import "./m.ts"',
  "interface I# {\n  a: number;\n}",
  "type A# = Array<string | undefined>;",
  "const é# = 'ü😀漢', rest#: number[] = [1, 2];",
  "function f#<X>(x: X, y?: number): X {\n  return x as X;\n}",
  "async function* g#() { yield import('./m.ts') }",
  "class C#<X> {\n  private a?: X;\n  get b(): number { return 1 }\n}",
  "var v# = 1, w#: number;",
  "for (var i# = 0, j#: number = 2; i# < j#; i#++);",
  "export const e# = { a: 1 as const };",
  "export { }",
  "// a comment: number = 😀",
  "/* several\n lines */",
  "const late# = await Promise.resolve<number>(1);",
  "declare const d#: { x: number };",
  "using u# = { [Symbol.dispose](): void {} };",
  "let text# = `a\n  $" + "{import.meta.url satisfies string}\n`",
];

/** Statements that throw, at `boom`. */
const THROWING = [
  "boom()",
  "  boom();",
  "const x# = (1 as number) + boom(2);",
  "var y# = 1, z#: number = boom()",
  "var { q#, ...r# } = boom();",
  "for (var k# = boom(); ;) {}",
  "function h#(a: number): number { const b: number = a; return b + boom() }\nh#(1)",
  "function p#() { return import.meta.url + boom(import('./m.ts')) }; p#()",
  "using s# = boom()",
  "await using t#: { a: 1 } = boom()",
  "export default boom()",
  "export const o#: Array<number> = [1, boom()]",
  "class D# { static x: number = boom() }",
  "class D# { run<T>(this: D#): T { return boom() } }\nnew D#().run<number>()",
  "if (true) { var m#: any = boom() }",
  "const l# = async (x: number): Promise<void> => { await null; boom() }; await l#(1)",
  "await import(boom())",
  "/* é😀 */ let c#: string = '漢😀'; boom() as any",
];

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * below);
  };
}

async function placeOf(code: string) {
  try {
    await repl.run(code);
  } catch (error) {
    if (error instanceof CellError && error.thrown.message === "boom") return error.place;
    throw new Error(`${(error as Error).message} in:\n${code}`);
  }
  throw new Error(`no error in:\n${code}`);
}

function check(code: string, actual: object | undefined): void {
  const before = code.slice(0, code.indexOf("boom(")).split(/\r?\n/);
  const expected = { line: before.length, column: before.at(-1)!.length + 1 };
  assert.deepEqual(actual, expected, code);
}

test("300 cells of random statements", async () => {
  const pick = random(4);
  let count = 0;
  for (let round = 0; round < 300; round++) {
    const some = () =>
      Array.from({ length: pick(5) }, () => CALM[pick(CALM.length)]!.replaceAll("#", `${count++}`));
    const thrower = THROWING[round % THROWING.length]!.replaceAll("#", `${count++}`);
    const code = [...some(), thrower, ...some()].join(pick(4) === 0 ? "\r\n" : "\n");
    check(code, await placeOf(code));
  }
});

test("code that has to be transformed", async () => {
  const pick = random(5);
  const enums = [
    "enum E# {\n  A,\n  B = 'x',\n}",
    "namespace N# { export const x: number = 1; }",
    "class P# { constructor(private readonly a: number,\n  public b?: string) {} }",
  ];
  let count = 10_000;
  for (let round = 0; round < 100; round++) {
    const name = (code: string) => code.replaceAll("#", `${count++}`);
    const code = [
      name(CALM[pick(CALM.length)]!),
      name(enums[pick(enums.length)]!),
      name(CALM[pick(CALM.length)]!),
      name(THROWING[round % THROWING.length]!),
      name(enums[pick(enums.length)]!),
    ].join("\n");
    check(code, await placeOf(code));
  }
});

test("a failed import points at its statement", async () => {
  const code = 'let a: number = 1\n\n  import { b } from "./none.ts"';
  await assert.rejects(repl.run(code), (error) => {
    assert.deepEqual(error instanceof CellError && error.place, { line: 3, column: 3 });
    return true;
  });
});

test("places outside the code map to nothing", () => {
  const { code, map } = compileCell("a\nb", 1);
  assert.equal(map(100, 1), undefined);
  assert.equal(map(code.split("\n").length, 5), undefined);
  assert.deepEqual(map(2, 1), { line: 2, column: 1 });
});
