// Built-ins that a cell has replaced or extended: later cells run, results and errors are shown, interrupts work.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sleep, TestRunner, until } from "./runner-harness.ts";

const ALL = (object: string, but = "[]") =>
  `for (const key of Object.getOwnPropertyNames(${object}))
     if (typeof Object.getOwnPropertyDescriptor(${object}, key).value === "function" && !["constructor", ...${but}].includes(key))
       ${object}[key] = () => { throw new Error("no " + key); };`;

/** What a cell does to built-ins, by what it is about. */
const POLLUTIONS: Readonly<Record<string, string>> = {
  "toJSON of all objects": `Object.prototype.toJSON = () => "polluted"`,
  "toJSON of arrays and texts": `Array.prototype.toJSON = String.prototype.toJSON = () => 5`,
  "then of all objects": `Object.prototype.then = () => {}`,
  "names of property descriptors": `for (const key of ["get", "set", "value", "writable"])
    Object.defineProperty(Object.prototype, key, { __proto__: null, value: () => 1, configurable: true, writable: true })`,
  "names of messages": `Object.assign(Object.prototype, { error: { code: 1, message: "no" }, id: 7, result: 3, type: "x", method: "y" })`,
  promises: `Promise.prototype.then = Promise.prototype.constructor = () => { throw new Error("no promises"); }; globalThis.Promise = undefined`,
  "iteration of arrays": `Array.prototype[Symbol.iterator] = () => { throw new Error("no iteration"); }`,
  "an iterator that is always done": `Object.getPrototypeOf([].values()).next = () => ({ done: true })`,
  "arrays that print": `{ const { filter, map } = Array.prototype;
    Array.prototype.filter = function (...work) { console.log("filter"); return Reflect.apply(filter, this, work); };
    Array.prototype.map = function (...work) { console.log("map"); return Reflect.apply(map, this, work); }; }`,
  "methods of functions": `for (const key of ["call", "apply", "bind"]) Function.prototype[key] = () => { throw new Error("no " + key); }`,
  "maps and sets": ["Map", "Set", "WeakMap", "WeakSet"]
    .map((name) => ALL(`${name}.prototype`))
    .join("\n"),
  "regular expressions": `for (const key of ["exec", "test", Symbol.replace, Symbol.split]) RegExp.prototype[key] = () => { throw new Error("no " + String(key)); }`,
  texts: ALL("String.prototype"),
  "functions of Object": ALL("Object", `["getOwnPropertyDescriptor", "prototype"]`),
  "Reflect, JSON, Atomics and Math": ["Reflect", "JSON", "Atomics", "Math"]
    .map((name) => ALL(name))
    .join("\n"),
  instanceof: `Object.defineProperty(Error, Symbol.hasInstance, { value: () => false })`,
  "global names": `for (const key of ["Array", "Map", "Set", "Promise", "Buffer", "process", "Reflect", "Symbol", "Number", "String", "JSON"])
    Object.defineProperty(globalThis, key, { get() { throw new Error("no " + key); }, configurable: true })`,
  "an error's stack": `Error.prepareStackTrace = () => { throw new Error("no stack"); }; Error.stackTraceLimit = 0`,
  emitters: `(await import("node:events")).default.prototype.emit = () => { throw new Error("no emit"); }`,
  events: `EventTarget.prototype.dispatchEvent = () => { throw new Error("no dispatch"); }`,
  buffers: `${ALL("Buffer.prototype")} ${ALL("Buffer", `["prototype"]`)}`,
  timers: `globalThis.queueMicrotask = globalThis.setTimeout = globalThis.setImmediate = globalThis.clearTimeout = process.nextTick = undefined`,
  "V8's inspector": `(await import("node:inspector")).default.Session.prototype.post = () => { throw new Error("no post"); }`,
  "asynchronous storage": `{ const { AsyncLocalStorage: { prototype } } = await import("node:async_hooks");
    prototype.run = prototype.getStore = () => { throw new Error("no storage"); }; }`,
  writing: `{ const fs = (await import("node:fs")).default; fs.writeSync = () => { throw new Error("no fs"); };
    (await import("node:module")).default.syncBuiltinESMExports(); }`,
  "frozen built-ins": `Object.freeze(Object.prototype); Object.freeze(Array.prototype); Object.freeze(globalThis)`,
};

for (const [title, code] of Object.entries(POLLUTIONS)) {
  test(`a cell changes ${title}`, { timeout: 30_000 }, async () => {
    const runner = new TestRunner();
    try {
      await runner.ready;
      await runner.run(`${code}; 0`);
      await check(runner);
    } finally {
      await runner.close();
    }
  });
}

async function check(runner: TestRunner): Promise<void> {
  assert.equal(await runner.value("1 + 1"), "2");
  assert.equal(
    await runner.value("await null; let q: number = 3; const f = (x: number) => x * q; f(2)"),
    "6",
  );
  assert.equal(await runner.value("({ b: [1, 'x'] })"), "{ b: [ 1, 'x' ] }");
  const { outcome } = await runner.run("null.x");
  assert.equal(outcome.status === "error" && outcome.ename, "TypeError");
  assert.equal((await runner.run("console.log({ a: 1 })")).stdout, "{ a: 1 }\n");
  runner.process.send({ type: "members", request: 1, expression: "" });
  await until(
    () => runner.events.some((each) => each.type === "members" && each.names.includes("f")),
    "names",
  );
  const { ran } = runner.start("for (;;);");
  await sleep(100);
  runner.interrupt();
  const stopped = (await ran).outcome;
  assert.equal(stopped.status === "error" && stopped.ename, "KeyboardInterrupt");
  assert.equal(await runner.value("q + 4"), "7");
}

test("an error outside any statement is shown, and the session goes on, whatever a cell has changed", async () => {
  const runner = new TestRunner();
  try {
    await runner.ready;
    const { stderr } = await runner.run(
      `Object.prototype.error = { code: 1 }; Function.prototype.apply = undefined; process.stderr.write = undefined;
       process.nextTick(() => { throw new Error("late"); }); await new Promise((done) => setTimeout(done, 20))`,
    );
    assert.match(stderr, /late/);
    assert.equal(await runner.value("1 + 1"), "2");
  } finally {
    await runner.close();
  }
});

test("the kernel leaves what a cell has changed as it is: cells and their values' own views see it", async () => {
  const runner = new TestRunner();
  try {
    await runner.ready;
    await runner.run(
      `Array.prototype.last = function () { return this.at(-1); }; Object.prototype.shout = () => "hey";
       Array.prototype.at = function (i) { return "own " + this[i < 0 ? this.length + i : i]; }`,
    );
    const own = `({ [Symbol.for("Jupyter.display")]() { return { "text/plain": [1, 2].last() + ({}).shout() }; } })`;
    assert.equal(await runner.value(own), "own 2hey");
    assert.equal(await runner.value("[5].last() + ({}).shout()"), "'own 5hey'");
    assert.equal(await runner.value("await null; [6].last()"), "'own 6'");
  } finally {
    await runner.close();
  }
});
