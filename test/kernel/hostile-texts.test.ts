// Texts that a regular expression could take years for: the time for each must grow linearly.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { hint } from "../../src/kernel/cell/habits.ts";
import { parseCell } from "../../src/kernel/cell/parse.ts";
import { Versions } from "../../src/kernel/cell/versions.ts";
import { shortStacks } from "../../src/kernel/display/errors.ts";
import { wordAround } from "../../src/kernel/types/completions.ts";
import { calleeOf } from "../../src/kernel/types/inspection.ts";
import { processorTime } from "../processor-time.ts";

/** Far more than any of them takes, and far less than a quadratic pass over the text would. */
const MOST_MILLISECONDS = 1_000;

function takesNoTime(name: string, work: () => unknown): void {
  test(name, () => {
    const took = processorTime(work);
    assert.ok(took < MOST_MILLISECONDS, `${took} ms of processor time`);
  });
}

const LENGTH = 100_000;

for (const before of [
  "/".repeat(38),
  "/".repeat(LENGTH),
  " ".repeat(LENGTH),
  "/**/".repeat(LENGTH),
]) {
  takesNoTime(
    `a cell after ${before.length} characters, ${JSON.stringify(before.slice(0, 4))} ...`,
    () => {
      assert.equal(parseCell(`${before}\n1`).program.body[0]?.type, "ExpressionStatement");
    },
  );
}

test("an object literal is recognised after blanks and comments of all kinds", () => {
  for (const before of ["", " \n", "// {\n", "//\r", "///*\n", "/* } */ /**/\t", "//a\u2028"]) {
    const [statement] = parseCell(`${before}{ a: 1 }`).program.body;
    assert.equal(statement?.type, "ExpressionStatement", JSON.stringify(before));
  }
});

for (const line of [
  `{${":".repeat(LENGTH)}`,
  `f"${" ".repeat(LENGTH)}`,
  `if ${": ".repeat(LENGTH)}x`,
]) {
  takesNoTime(`a hint for a line of ${JSON.stringify(line.slice(0, 8))} ...`, () => {
    assert.equal(hint("SyntaxError", "Unexpected token", line), undefined);
  });
}

for (const code of ["a", "é", "\u{1d465}", "#"].map((each) => each.repeat(LENGTH))) {
  takesNoTime(
    `the word at the cursor in ${code.length} characters like ${code.slice(0, 2)}`,
    () => {
      const between = { start: code.length + 1, end: code.length + 1 };
      assert.deepEqual(wordAround(`${code} `, code.length + 1), between);
      assert.deepEqual(wordAround(`(${code}`, code.length + 1), { start: 1, end: code.length + 1 });
    },
  );
}

test("the called function is found, without what follows its name", () => {
  for (const code of ["f(", "f (", "f<A, B<C>>(", "f <A>\n ( ", "f<A>", "f "]) {
    assert.equal(calleeOf(`g(1); h.${code}`), "g(1); h.f", code);
  }
  assert.equal(calleeOf("a >("), "a >");
});

for (const code of [" ".repeat(LENGTH), "<".repeat(LENGTH), "< ".repeat(LENGTH)]) {
  takesNoTime(`the function that is called behind ${JSON.stringify(code.slice(0, 4))} ...`, () => {
    assert.equal(calleeOf(`${code}f(`), `${code}f`);
    assert.equal(calleeOf(`f${code}) + `), `f${code}) +`);
  });
}

for (const part of [" ", "(node:", "<anonymous>", "{", "] ", ":1"]) {
  takesNoTime(`stacks whose frames are of ${JSON.stringify(part)} ...`, () => {
    const frame = `    at f${part.repeat(LENGTH)} x (/a.ts:1:1)`;
    const stack = shortStacks(Array(7).fill(frame).join("\n"));
    assert.equal(stack.split("\n").at(-1), "    ... 1 more");
  });
}

const folder = mkdtempSync(path.join(tmpdir(), "abkd-hostile-"));
after(() => rmSync(folder, { recursive: true }));

for (const part of [" ", "(", "/*", "from ", "import ("]) {
  takesNoTime(`a module with from and ${JSON.stringify(part)} ...`, () => {
    const file = path.join(folder, "module.ts");
    writeFileSync(file, `from${part.repeat(LENGTH)}`);
    assert.deepEqual([...new Versions(() => undefined).filesOf(file)], [file]);
  });
}
