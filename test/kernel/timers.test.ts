// The runner's timers take and refuse the arguments that Node's own do, with the same errors.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { TestRunner } from "./runner-harness.ts";

const runner = new TestRunner();
after(() => runner.close());

const ARGUMENTS = `
  const promised = await import("node:timers/promises");
  const { setTimeout: wait, setImmediate: turn, setInterval: ticks, scheduler } = promised;
  const tell = async (name, start) => {
    const said = await Promise.resolve().then(start).then(String, (e) => e.code + ": " + e.message);
    console.log(name, said);
  };
  const first = async (values) => { for await (const value of values) return value; };
  for (const delay of [undefined, 1, "text", {}, null, 1n, Symbol("s")]) {
    const name = String(delay);
    await tell("setTimeout " + name, () => wait(delay, "value"));
    await tell("setInterval " + name, () => first(ticks(delay, "value")));
    await tell("scheduler.wait " + name, () => scheduler.wait(delay));
  }
  const aborted = AbortSignal.abort();
  for (const options of [undefined, {}, 3, "text", null, [], () => {},
    ...[3, null, {}, aborted].map((signal) => ({ signal })), ...[1, null, true].map((ref) => ({ ref }))]) {
    const name = JSON.stringify(options) + typeof options;
    await tell("setTimeout " + name, () => wait(1, "value", options));
    await tell("setImmediate " + name, () => turn("value", options));
    await tell("setInterval " + name, () => first(ticks(1, "value", options)));
    await tell("scheduler.wait " + name, () => scheduler.wait(1, options));
  }
  for (const each of [wait, turn, ticks, scheduler.wait, setTimeout, setInterval, setImmediate,
    clearTimeout, clearInterval, clearImmediate]) {
    console.log(each.name, each.length);
  }`;

test("arguments, names and lengths are those of Node's timers", async () => {
  const node = spawnSync(process.execPath, ["--input-type=module", "--eval", ARGUMENTS], {
    timeout: 60_000,
  });
  const expected = node.stdout.toString();
  assert.match(expected, /ERR_INVALID_ARG_TYPE: The "options.ref" property/);
  const { stdout, stderr } = await runner.run(ARGUMENTS);
  assert.equal(stdout, expected);
  assert.equal(stderr, "");
});
