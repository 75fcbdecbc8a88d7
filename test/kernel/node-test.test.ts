// Tests in cells: a cell ends after the tests of node:test that it starts, and a failed one fails it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TestRunner } from "./runner-harness.ts";

const runner = new TestRunner();
before(async () => {
  await runner.ready;
  await runner.run(
    'import check, { suite, it } from "node:test"; import assert from "node:assert/strict";',
  );
});
after(() => runner.close());

/** Returns a cell's traceback without colours; nothing if it did not fail. */
async function failure(code: string): Promise<string | undefined> {
  const { outcome } = await runner.run(code);
  const lines = outcome.status === "error" ? outcome.traceback : undefined;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with it
  return lines?.join("\n").replaceAll(/\u001b\[\d+m/g, "");
}

test("a test that fails, not awaited, fails its cell with the difference and the place", async () => {
  const said = await failure(
    'check("sums", async () => {\n  await null;\n  assert.deepEqual({ a: [1, 2] }, { a: [1, 3] });\n}); 1',
  );
  assert.match(said ?? "", /^AssertionError: .*\+ +2\n- +3\n.*Cell \[2\]:3:10\)?$/s);
  // The next cell is not concerned.
  assert.equal(await failure('check("fine", () => {}); 1'), undefined);
});

test("failures in a suite are collected; those of a subtest and of a timeout count", async () => {
  const suite =
    'suite("s", () => { it("one", () => { assert.equal(1, 2) }); it("two", () => { throw new Error("no") }); it("ok", () => {}) })';
  const said = await failure(suite);
  assert.match(said ?? "", /^AggregateError: 2 tests failed: one, two\n.*1 !== 2.*Error: no/s);
  const inner = 'check("o", (t) => t.test("i", () => { throw new Error("deep") }))';
  assert.match((await failure(inner)) ?? "", /^Error: deep\n/);
  const slow = 'check("slow", { timeout: 1 }, () => new Promise((end) => setTimeout(end, 500)))';
  assert.match((await failure(slow)) ?? "", /timed out after 1ms/);
});

test("what is skipped, still to do or right does not fail a cell; callbacks work", async () => {
  for (const code of [
    'check.skip("s", () => { throw 1 }); check("t", { skip: true }, () => { throw 1 })',
    'check("t", { todo: true }, () => { throw 1 }); check.todo("u", (t, done) => done(new Error("x")))',
    'import { todo, mock, beforeEach, run } from "node:test"; todo("v", () => { throw 1 }); [mock, beforeEach, run].map((each) => each.name)',
    'check("c", (t, done) => { setTimeout(done, 1) }); suite.skip("z", () => { it("y", () => { throw 1 }) })',
  ]) {
    assert.equal(await failure(code), undefined, code);
  }
});

test("an assertion that leaves its difference to its runner is shown with it", async () => {
  // As chai and vitest's expect throw; those of node:assert and jest's expect have theirs in the message.
  await runner.run(`class AssertionError extends Error {
    name = "AssertionError";
    constructor(actual, expected, showDiff = true) {
      super("expected this to equal that");
      Object.assign(this, { actual, expected, showDiff });
    }
  }`);
  const said = await failure("throw new AssertionError({ a: [1, 2] }, { a: [1, 3] })");
  assert.match(
    said ?? "",
    /^AssertionError: expected this to equal that\n.*\n\+ +2\n- +3\n.*:1:7/s,
  );
  const inner =
    'check("t", () => { throw new AssertionError("first line\\nb", "first line\\nsecond") })';
  assert.match((await failure(inner)) ?? "", /\n\+ 'first line\\nb'\n- 'first line\\nsecond'\n/);
  for (const code of ["(1, 2)", "({}, [], false)", "({ get a() { throw 1 } }, null, 1)"]) {
    assert.doesNotMatch((await failure(`throw new AssertionError${code}`)) ?? "", /^[+-]/m);
  }
});
