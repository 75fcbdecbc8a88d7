// Thrown values whose own code throws when they are described: the cell ends, and the kernel lives.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { sleep, TestRunner } from "./runner-harness.ts";

const runner = new TestRunner();
after(() => runner.close());

const HOSTILE = [
  "new Proxy(new Error('p'), { get() { throw new Error('trap'); } })",
  "new Proxy({}, { getPrototypeOf() { throw 1; } })",
  "(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()",
  "Object.defineProperty(new Error('x'), 'cause', { get() { throw new Error('c'); } })",
  "({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error('insp'); } })",
  "Object.assign(new Error('x'), { message: { toString() { throw 1; } } })",
  "Object.assign(new Error('x'), { stack: { toString() { throw 1; } } })",
  "Object.assign(new Error('x'), { name: Symbol('s') })",
];

for (const value of HOSTILE) {
  test(value, { timeout: 20_000 }, async () => {
    const { outcome } = await runner.run(`throw ${value};`);
    assert.equal(outcome.status, "error");
    await runner.run(`setTimeout(() => { throw ${value}; }, 1); Promise.reject(${value}); 0`);
    await sleep(30);
    assert.equal(await runner.value("6 * 7"), "42");
  });
}

test("a cell that replaces what replies are made with loses nothing but its own use of it", {
  timeout: 20_000,
}, async () => {
  await runner.run(`
    JSON.stringify = () => { throw new Error("mine"); }; JSON.parse = undefined;
    for (const name of ["load", "store", "notify", "compareExchange", "wait"]) Atomics[name] = () => 0;`);
  assert.equal(await runner.value("6 * 7"), "42");
  const { ran } = runner.start("for (;;);");
  await sleep(50);
  runner.interrupt();
  assert.equal((await ran).outcome.status, "error");
  assert.equal(await runner.value("6 * 7"), "42");
});
