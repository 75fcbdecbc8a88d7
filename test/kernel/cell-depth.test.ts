// Code that nests too deep for Node's type stripper is refused in plain words; what only looks deep is not.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { CellSyntaxError, compileCell } from "../../src/kernel/cell/compile.ts";
import { firstTooDeep } from "../../src/kernel/cell/depth.ts";
import { ROOT, sessions } from "./repl.ts";

const { run } = sessions({});

for (const brackets of ["(", "[", "{", "[]", "f(", "`${"]) {
  test(`${brackets} two thousand times, and cells with types still run`, async () => {
    const [open = "", close = ""] = brackets === "[]" ? brackets : [brackets];
    for (const before of ["", "let a: number = 1; "]) {
      const code = before + open.repeat(2_000) + close.repeat(2_000);
      assert.throws(() => compileCell(code, 1), /nest deeper than 500/);
    }
    assert.equal(await run("let b: number = 2; b"), 2);
  });
}

for (const [what, code] of [
  ["type arguments", `type T = ${"A<".repeat(1_500)}B${">".repeat(1_500)};`],
  ["brackets after x! / 2", `let x: any = 4; x! / 2; @f class A {} ${"(".repeat(1_000)}`],
  ["type arguments that stay open", `let a: ${"A<".repeat(1_500)}`],
  ["type arguments over lines", `type T = ${"A<\n".repeat(1_500)}B${">\n".repeat(1_500)};`],
  ["type arguments and brackets", `let a: ${"A<[".repeat(300)}B${"]>".repeat(300)};`],
  ["type arguments that end in shifts", `f<${"A<".repeat(600)}B${">>".repeat(300)}>(1);`],
] as const) {
  test(`${what} nested too deep, and cells with types still run`, async () => {
    assert.throws(() => compileCell(code, 1), /nest deeper than 500/);
    assert.equal(await run("let b: number = 2; b"), 2);
  });
}

const many = (text: string): string => text.repeat(600);
for (const [what, code] of [
  ["a string", `const s: string = "${many("(")}"; s.length`],
  ["a string with quotes in it", `const s: string = '\\'"${many("(").slice(2)}'; s.length`],
  ["a template", `const s: string = \`${many("(").slice(1)}\${"{"}\`; s.length`],
  ["a comment", `const s: number = 600; // ${many("(")}\n/* ${many("[")} */ s`],
  ["a regular expression", `const s: RegExp = /${many("\\(")}/; s.source.length / 2`],
  ["comparisons", `let s: number = 0, a = 1, n = 2;\n${many("if (a<n) s++;\n")}s`],
  ["comparisons in lines", `let s: any = 0, a = 1, n = 2\n${many("s = a<n\n")}s = 600`],
  ["comparisons with &&", `let a: number = 1, n = 2; ${many("a<n && ")} 600`],
  ["type arguments in a row", `let s: number = 600; ${many("var m: Map<Set<1>, Set<2>>;")} s`],
] as const) {
  test(`600 brackets or < in ${what} do not count as nested`, async () => {
    assert.equal(await run(code), 600);
  });
}

test("other code that nests too deep for Node's type stripper is refused in plain words", async () => {
  const code = `let f: any = ${"a=>".repeat(1_500)}1`;
  assert.throws(
    () => compileCell(code, 1),
    (error: Error) => {
      assert.ok(error instanceof CellSyntaxError);
      assert.equal(error.message, "the code is too deeply nested for Node's type stripper");
      return true;
    },
  );
  assert.equal(await run("let b: number = 2; b"), 2);
});

// This runs in a process of its own, which cannot strip types afterwards.
test("a type stripper that is broken for good asks for a restart", async () => {
  const url = import.meta.resolve("../../src/kernel/cell/compile.ts");
  const script = `
    import { compileCell } from ${JSON.stringify(url)};
    for (const code of ["type T = " + "A <".repeat(1500) + "B" + ">".repeat(1500), "let x: 1"]) {
      try { compileCell(code, 1); } catch ({ name, message }) { console.log(name + ": " + message); }
    }
    console.log(compileCell("let x = 1", 1).showsValue);`;
  const args = ["--no-warnings", "--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const said =
    "SyntaxError: Node's type stripper broke on code that is too deeply nested for it, in this cell or an " +
    "earlier one, and cannot read types any more: restart the kernel\n";
  assert.equal(stdout, `${said}${said}false\n`);
});

test("none of this project's own files looks nested deeper than people write", () => {
  const files = globSync("{src,test,scripts}/**/*.ts", { cwd: ROOT });
  assert.ok(files.length > 300);
  for (const file of files) {
    assert.equal(firstTooDeep(readFileSync(`${ROOT}/${file}`, "utf8"), 20), undefined, file);
  }
});
