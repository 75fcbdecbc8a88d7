// Whether code is complete, as TypeScript's parser sees it.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are code
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkComplete } from "../../src/kernel/types/complete-code.ts";

const COMPLETE = [
  "",
  "// only a comment",
  "1 + 1",
  "await fetch('x')",
  "for await (const x of y) console.log(x)",
  "if (x) f()",
  "function f() {\n  return 1;\n}",
  "const re = /[{(]/; const t = `a ${ { b: 1 }.b } {`",
  "interface A<T> { x: T }",
  "import { a } from 'b'",
  "using x = open()",
  "enum E { A }",
  "'😀'",
  "{ a: 1, b: 2 }",
  "{\n  ...o,\n  f() {}\n}",
  "const e = <p title='a'>don't {1 < 2 ? <b /> : <></>}</p>",
  "type A = { [K in keyof B]: `${K & string}!` }",
  "%%html\n<p>don't {",
];

const INVALID = [
  "}",
  "f(x))",
  "foo bar",
  "'abc",
  '"abc\n"',
  "/abc",
  "var 1",
  "function f() { foo bar",
  "else",
  "x = = 1",
  "<p></q>",
  "😀",
];

/** Incomplete code, and what the next line begins with. */
const INCOMPLETE: [string, string][] = [
  ["if (x)", "  "],
  ["{ a: 1,\n  b: 2,", "  "],
  ["if (x) {", "  "],
  ["if (x) { // why", "  "],
  ["for (const x of y)", "  "],
  ["while (true)", "  "],
  ["function f(", "  "],
  ["function f() {\n  g(a,", "    "],
  ["function f() {\n  g();", "  "],
  ["class A {\n  m() {\n    if (x) {\n    }", "    "],
  ["switch (x) {\n  case 1:", "    "],
  ["a +", "  "],
  ["a\n/* b */ &&\n", "  "],
  ["foo.", "  "],
  ["x =>", "  "],
  ["const f = (x: number) => {", "  "],
  ["const x =", "  "],
  ["x ? 1 :", "  "],
  ["[1,\n 2,", "  "],
  ["const { a", "  "],
  ["import {", "  "],
  ["import { a } from", "  "],
  ["type X =", "  "],
  ["let a: Array<", "  "],
  ["try {\n}", "  "],
  ["const e = (\n  <p>", "    "],
  ["`abc", ""],
  ["`a ${b} c\n", ""],
  ["/* abc", ""],
];

describe("is_complete", () => {
  test("code that can run", () => {
    for (const code of COMPLETE) {
      assert.deepEqual(checkComplete(code), { status: "complete", indent: "" }, code);
    }
  });

  test("code that no further line can fix", () => {
    for (const code of INVALID) assert.equal(checkComplete(code).status, "invalid", code);
  });

  test("code that continues, and with which indent", () => {
    for (const [code, indent] of INCOMPLETE) {
      assert.deepEqual(checkComplete(code), { status: "incomplete", indent }, code);
    }
  });
});
