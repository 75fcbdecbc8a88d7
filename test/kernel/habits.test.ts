// Whoever writes Python into a cell is told what to write; other mistakes get no such hint.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TestRunner } from "./runner-harness.ts";

const runner = new TestRunner();
before(() => runner.ready);
after(() => runner.close());

async function hintOf(code: string): Promise<string | undefined> {
  const { outcome } = await runner.run(code);
  assert.equal(outcome.status, "error", code);
  const lines = outcome.status === "error" ? outcome.traceback : [];
  return lines.map((line) => /^In (?:TypeScript|this kernel): (.*)$/.exec(line)?.[1]).find(Boolean);
}

const HABITS: readonly (readonly [string, RegExp])[] = [
  ["x = 3", /^const x = … declares it/],
  ["const a = 1;\nlogits = [a];", /^const logits = /],
  ["print(3)", /console\.log/],
  ["len([1, 2])", /\.length/],
  ["const y = True;", /^true$/],
  ["torch.ones(2)", /@tensorflow\/tfjs/],
  ["import numpy as np", /^import \* as name from "module"/],
  ["import torch", /^import \* as name/],
  ["from torch import nn", /^import \* as name/],
  ["def f(x):\n    return x", /^function f/],
  ["for i in range(3):\n    f(i)", /^for \(const x of xs\)/],
  ["const squares = [x * x for x in xs]", /^xs\.map/],
  ["if y > 1:\n    f()", /^if \(x > 0\) \{/],
  ["%timeit f()", /no magics/],
  ["!ls", /no shell lines/],
  ["console?", /Shift-Tab/],
  ["const z = lambda x: x", /=>/],
  ["const g = a @ b", /tf\.matMul/],
  ["const n = 1 # nodes", /^\/\/ a comment$/],
  ["try:\n    f()\nexcept:\n    g()", /^try \{ … \} catch/],
  ["except ValueError as e:\n    g()", /^try \{ … \} catch/],
  ['with open("x") as f:\n    f.read()', /^using x = …/],
  ["while True:\n    f()", /^while \(/],
  ["if not y: f()", /^if \(x > 0\) \{/],
  ["match y:\n    case 1:", /^switch/],
  ["not y", /!/],
  ["const b = not y", /!/],
  ["del y", /^delete object\.key/],
  ["raise", /^throw new Error/],
  ['raise ValueError("x")', /^throw new Error/],
  ['assert y, "x"', /^assert\(/],
  ["assert(1)", /^assert\(/],
  ['print "x"', /console\.log/],
  ["class A(B):\n    pass", /^class A extends B/],
  ["class A:\n    x = 1", /^class A/],
  ["global y", /leave it out$/],
  ["const q = 1 if y else 2", /^condition \? a : b$/],
  ["const s = y[1:3]", /^xs\.slice/],
  ['const d = """text"""', /^`…`/],
  ["import os, sys", /^import \* as name/],
  ["[].append(3)", /^xs\.push/],
  ["({}).items()", /^Object\.entries/],
  ["self.x = 3", /^this$/],
  ["sorted([2, 1])", /^xs\.toSorted/],
];

for (const [code, hint] of HABITS) {
  test(`${JSON.stringify(code)} gets a hint`, async () => {
    assert.match((await hintOf(code)) ?? "none", hint);
  });
}

const FOREIGN: readonly (readonly [string, RegExp])[] = [
  ["Deno.serve()", /^Node's own modules/],
  ["React.createElement('p')", /^import \* as React from "react"/],
  ["return 3", /last expression/],
  ["document.body", /text\/html/],
  ["__dirname", /import\.meta\.dirname/],
  ["module.exports = 1", /without exports/],
  ["let p = 1\n{ a: 1, b: 2 }", /parentheses/],
];

for (const [code, hint] of FOREIGN) {
  test(`${JSON.stringify(code)} gets a hint`, async () => {
    assert.match((await hintOf(code)) ?? "none", hint);
  });
}

const OTHERS = [
  `throw new ReferenceError("print")`,
  `throw new Error("len is not defined")`,
  "null.shape",
  "const w = missing + 1",
  "const v = ;",
  `throw new SyntaxError("said by a library")`,
  `JSON.parse("{")`,
  "({}).missing()",
  "try { f() } catch: 3",
  "if (y) { z: = 3 }",
  "class A<T> extends B { x: = 1 }",
  "const c = { a: [1][0], b: = 2 }",
  `throw "import numpy as np is not defined"`,
  "function f() {\n  return 1;\n  const = 3;\n}",
  "const f = <T>(x: T) => x;\nconst = 3;",
  "// this is it, and not more\nconst = 3;",
  "const g = () => {\n  return = 3;\n};",
  `{${":".repeat(40_000)}`,
];

for (const code of OTHERS) {
  test(`${JSON.stringify(code).slice(0, 60)} gets no hint`, async () => {
    assert.equal(await hintOf(code), undefined);
  });
}
