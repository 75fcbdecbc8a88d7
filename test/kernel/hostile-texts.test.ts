// Texts that a regular expression could take years for: each is done in time that grows with its length.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCell } from "../../src/kernel/cell/parse.ts";
import { foreignHint, pythonHint } from "../../src/kernel/runner/habits.ts";
import { processorTime } from "../processor-time.ts";

/** Far more than each takes, far less than a quadratic pass over the text does. */
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
    `a cell behind ${before.length} characters, ${JSON.stringify(before.slice(0, 4))} ...`,
    () => {
      assert.equal(parseCell(`${before}\n1`).program.body[0]?.type, "ExpressionStatement");
    },
  );
}

test("an object literal is one behind blanks and comments of all kinds", () => {
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
    assert.equal(pythonHint("SyntaxError", "Unexpected token", line), undefined);
    assert.equal(foreignHint("SyntaxError", "Unexpected token", line), undefined);
  });
}
