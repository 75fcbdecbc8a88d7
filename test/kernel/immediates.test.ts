// The runner's setImmediate compared with Node's own.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { TestRunner } from "./runner-harness.ts";

const runner = new TestRunner();
after(() => runner.close());

/** A program that checks what setImmediate promises by printing the order of its steps. */
const IMMEDIATES = `
  const { AsyncLocalStorage } = await import("node:async_hooks");
  const { promisify } = await import("node:util");
  const { open } = await import("node:fs");
  const store = new AsyncLocalStorage();
  const said = [];
  await new Promise((resolve) => {
    setImmediate((...args) => {
      said.push("first", ...args);
      process.nextTick(() => said.push("tick"));
      Promise.resolve().then(() => process.nextTick(() => said.push("tick of a promise")));
      queueMicrotask(() => said.push("promise"));
      setImmediate(() => { said.push("next turn"); resolve(); });
      clearImmediate(third);
    }, 1, 2);
    store.run("mine", () => setImmediate(function () {
      said.push("second", store.getStore(), this === second, this.hasRef());
    }));
    const second = setImmediate(function () { said.push(this === second, second.hasRef()); });
    said.push(second.hasRef(), second.unref() === second, second.hasRef(), second.ref().hasRef());
    const third = setImmediate(() => said.push("never"));
    clearImmediate(setImmediate(() => said.push("never")));
    setImmediate(() => said.push("never"))[Symbol.dispose]();
    clearImmediate(undefined);
  });
  await new Promise((resolve) => open(".", () => {
    setTimeout(() => { said.push("timer"); resolve(); }, 0);
    setImmediate(() => said.push("before the timer"));
    setImmediate(() => said.push("this one too"));
  }));
  said.push(await promisify(setImmediate)("a promise's value"));
  try { setImmediate("text"); } catch (error) { said.push(error.code); }
  console.log(said.join(", "));`;

test("immediates run in Node's order", async () => {
  const node = spawnSync(process.execPath, ["--input-type=module", "--eval", IMMEDIATES]);
  const expected = node.stdout.toString();
  assert.match(expected, /^true, .*before the timer.*ERR_INVALID_ARG_TYPE\n$/);
  const { stdout } = await runner.run(IMMEDIATES);
  assert.equal(stdout, expected);
  const { stderr, stdout: after } = await runner.run(`await new Promise((resolve) => {
    setImmediate(() => { throw new Error("mine"); });
    setImmediate(() => { console.log("not lost"); resolve(); });
  });`);
  assert.match(stripVTControlCharacters(stderr), /Error: mine/);
  assert.equal(after, "not lost\n");
});
