// The debugger over the kernel's own sockets: sessions as JupyterLab and VS Code open them, replayed.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import type { Content, KernelClient } from "../../src/notebook/client.ts";
import { DebugClient, textsOf } from "./debug-client.ts";
import { resultOf, start, textOf } from "./protocol-kernel.ts";
import { until } from "./runner-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "abkd-debugger-"));
let kernel: KernelClient;
let client: DebugClient;

before(async () => {
  kernel = await start({ cwd: folder });
  client = new DebugClient(kernel);
});
after(async () => {
  await kernel.shutdown();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  client.skip();
  await client.start();
});
/** Whatever a test has left stopped runs on. */
afterEach(() => client.send("disconnect"));

const go = (command: string) => client.ask(command, { threadId: 1 });

const CELL = `// adds a base
const base = 10;
function add(a: number): number {
  const sum: number = a + base;
  return sum;
}

const both = [1, 2].map((x) => add(x));
await 0;
both`;

suite("a debugger", () => {
  test("JupyterLab's order: initialize, attach; a breakpoint set before its cell has run", async () => {
    await client.ask("disconnect");
    client.skip();
    const { hashSeed, tmpFilePrefix } = await client.ask("debugInfo");
    const capabilities = await client.start();
    const filters = capabilities["exceptionBreakpointFilters"] as { filter: string }[];
    assert.deepEqual(
      filters.map(({ filter }) => filter),
      ["uncaught", "all"],
    );
    await client.event("initialized");
    const info = await client.ask("debugInfo");
    assert.deepEqual(
      [info["isStarted"], info["hashSeed"], info["tmpFilePrefix"]],
      [true, hashSeed, tmpFilePrefix],
    );
    const path = await client.breakpoints(CELL, 4);
    const running = kernel.execute(CELL);
    assert.equal(await client.stop(), "breakpoint add:4:27");
    const frames = await client.frames();
    assert.deepEqual(
      frames.map(({ name, line, source }) => [name, line, source.path]),
      [
        ["add", 4, path],
        ["(anonymous)", 8, path],
        ["Cell [1]", 8, path],
      ],
    );
    const { Locals, Globals } = await client.scopes(frames[0]!.id);
    assert.deepEqual(Locals, { a: "1", sum: "[no value yet]" });
    assert.equal(Globals?.["base"], "10");
    assert.equal(Globals?.["both"], "[no value yet]");
    const stopped = await client.ask("debugInfo");
    assert.deepEqual(stopped["stoppedThreads"], [1]);
    assert.deepEqual(stopped["breakpoints"], [{ source: path, breakpoints: [{ line: 4 }] }]);
    await go("next");
    assert.equal(await client.stop(), "step add:5:14");
    await client.breakpoints(CELL);
    await go("continue");
    assert.equal(resultOf(await running), "[ 11, 12 ]");
    await client.event("continued");
  });

  test("expressions see the frame, with types; the variable pane sees the session", async () => {
    const code =
      "const scale = (v: number[], by: number) => {\n  const n = v.length;\n  return v.map((x) => x * by);\n};\nscale([1, 2], 3)";
    await client.breakpoints(code, 3);
    const running = kernel.execute(code);
    await client.stop();
    const [inner, outer] = await client.frames();
    const evaluate = (expression: string, frameId: number) =>
      client.ask("evaluate", { expression, frameId, context: "repl" });
    assert.equal((await evaluate("(n as number) + by", inner!.id))["result"], "5");
    assert.match(
      await client.refusal("evaluate", { expression: "n", frameId: outer!.id }),
      /ReferenceError: n/,
    );
    assert.match(
      await client.refusal("evaluate", { expression: "by = 9", context: "hover" }),
      /side-effect/,
    );
    assert.equal((await evaluate("by = 5", inner!.id))["result"], "5");
    const rich = await client.ask("richInspectVariables", {
      variableName: "v",
      frameId: inner!.id,
    });
    assert.deepEqual(rich["data"], { "text/plain": "[ 1, 2 ]" });
    const { variables } = await client.ask<{ variables: [] }>("inspectVariables");
    assert.equal(textsOf(variables)["base"], "10");
    assert.match(await client.refusal("scopes", { frameId: 1 }), /earlier stop/);
    await client.breakpoints(code);
    await go("continue");
    assert.equal(resultOf(await running), "[ 5, 10 ]");
  });

  test("steps go over, in and out; the kernel's own code is never seen", async () => {
    const code =
      "const one = 1;\nlet two = one + 1;\ntwo = add(two);\nawait 0;\nif (two > 0) {\n  two = 0;\n}\ntwo";
    await client.breakpoints(code, 1);
    const running = kernel.execute(code);
    assert.equal(await client.stop(), "breakpoint Cell [3]:1:13");
    await go("next");
    assert.equal(await client.stop(), "step Cell [3]:2:11");
    await go("next");
    assert.equal(await client.stop(), "step Cell [3]:3:1");
    await go("stepIn");
    assert.equal(await client.stop(), "step add:4:27");
    await go("stepOut");
    assert.match(await client.stop(), /^step Cell \[3\]:[34]:/);
    const lines = new Set<string>();
    for (;;) {
      await go("next");
      const next = await client.stopBefore(running);
      if (next === undefined) break;
      lines.add(next.replace(/:\d+$/, ""));
    }
    const at = (line: number) => `step Cell [3]:${line}`;
    assert.deepEqual(
      [...lines].filter((each) => each !== at(4)),
      [5, 6, 8].map(at),
    );
    assert.equal(resultOf(await running), "0");
    assert.equal(resultOf(await kernel.execute("two + 1")), "1");
  });

  test("a view of all variables that was asked for before a stop is answered before the stop is told", async () => {
    const code =
      "console.log('begun');\nconst from = Date.now();\nwhile (Date.now() - from < 300);\nlet there = 1;\nthere";
    await client.breakpoints(code, 4);
    client.published.length = 0;
    const running = kernel.execute(code);
    await until(() => client.published.includes("stream of execute_request"), "its first line");
    let isAnswered = false;
    const asked = client.ask("inspectVariables").then(() => {
      isAnswered = true;
    });
    // JupyterLab would show its answer in place of the locals that it asks for now.
    await client.stop();
    assert.ok(isAnswered);
    await asked;
    const { variables } = await client.ask<{ variables: [] }>("inspectVariables");
    assert.equal(textsOf(variables)["there"], "[no value yet]");
    await go("continue");
    assert.equal(resultOf(await running), "1");
  });

  test("breakpoints in local files, before and after they are loaded, with a condition", async () => {
    const types = 'import type { T } from "./types.ts";\nenum Unit { One, Two }\n';
    writeFileSync(join(folder, "types.ts"), "export type T = number;\n");
    writeFileSync(
      join(folder, "local.ts"),
      `${types}export function twice(x: T): number {\n  const y: T = x * Unit.Two;\n  return y + x;\n}\n`,
    );
    writeFileSync(join(folder, "plain.mjs"), "export function less(x) {\n  return x - 1;\n}\n");
    const set = (name: string, line: number, condition: string) =>
      client.ask<{ breakpoints: Content[] }>("setBreakpoints", {
        source: { path: join(folder, name) },
        breakpoints: [{ line, condition }],
      });
    await set("local.ts", 4, "x > 1");
    await set("plain.mjs", 2, "x > 2");
    const code =
      'import { twice } from "./local.ts";\nimport { less } from "./plain.mjs";\n[1, 2, 3].map((x) => less(twice(x)))';
    const running = kernel.execute(code);
    assert.equal(await client.stop(), "breakpoint twice:4:16");
    const [frame] = await client.frames();
    assert.equal(frame?.source.path, join(folder, "local.ts"));
    assert.deepEqual((await client.scopes(frame!.id))["Locals"], { x: "2", y: "[no value yet]" });
    const { breakpoints } = await set("local.ts", 5, "x > 2");
    const { verified, line, source } = breakpoints[0]!;
    assert.deepEqual([verified, line, source], [true, 5, { path: join(folder, "local.ts") }]);
    await go("continue");
    assert.equal(await client.stop(), "breakpoint less:2:3");
    await go("continue");
    assert.equal(await client.stop(), "breakpoint twice:5:3");
    await set("plain.mjs", 2, "false");
    await go("continue");
    assert.equal(resultOf(await running), "[ 1, 3, 5 ]");
    const { modules } = await client.ask<{ modules: { name: string }[] }>("modules");
    assert.deepEqual(modules.map(({ name }) => name).sort(), ["local.ts", "plain.mjs"]);
    const shown = await client.ask("source", { source: { path: join(folder, "types.ts") } });
    assert.equal(shown["content"], "export type T = number;\n");
  });

  test("an interrupt ends the cell where it stands, and keeps variables", async () => {
    const code = "let turns = 0;\nwhile (true) {\n  turns++;\n}";
    await client.breakpoints(code, 3);
    const running = kernel.execute(code);
    await client.stop();
    await go("continue");
    await client.stop();
    await kernel.request("control", "interrupt_request");
    assert.equal((await running).reply.content["ename"], "KeyboardInterrupt");
    assert.equal(resultOf(await kernel.execute("turns")), "1");
  });

  test("uncaught exceptions, all exceptions, a debugger statement, pause", async () => {
    const filter = (...filters: string[]) => client.ask("setExceptionBreakpoints", { filters });
    const code =
      'try { null.x; } catch {}\nconst fail = () => {\n  throw new RangeError("oops");\n};\nfail();';
    client.skip();
    await filter("uncaught");
    const uncaught = kernel.execute(code);
    assert.equal(await client.stop(), "exception fail:3:3");
    assert.equal((await client.ask("exceptionInfo"))["description"], "RangeError: oops");
    await go("continue");
    assert.equal((await uncaught).reply.content["ename"], "RangeError");
    await filter("all");
    client.skip();
    const all = kernel.execute(code);
    assert.match(await client.stop(), /^exception Cell \[\d+\]:1:/);
    await filter();
    await go("continue");
    await all;
    client.skip();
    const running = kernel.execute("debugger;\nlet spins = 0;\nwhile (spins >= 0) spins++;\nspins");
    assert.match(await client.stop(), /^breakpoint Cell \[\d+\]:1:1$/);
    await go("continue");
    await go("pause");
    assert.match(await client.stop(), /^pause Cell \[\d+\]:3:/);
    await client.ask("evaluate", { expression: "spins = -7", context: "repl" });
    await go("continue");
    assert.match(String(resultOf(await running)), /^-[67]$/);
  });

  test("changed built-ins and strange values do not disturb a stop", async () => {
    const code = `const originals = [Function.prototype.apply, Array.prototype.map, Array.prototype[Symbol.iterator]];
const odd = new Proxy({}, { get() { throw 1; } });
Function.prototype.apply = Array.prototype.map = Array.prototype[Symbol.iterator] = () => { throw new Error("sabotage"); };
const kept = 1;
kept`;
    await client.breakpoints(code, 4);
    const running = kernel.execute(code);
    await client.stop();
    const [frame] = await client.frames();
    assert.equal((await client.scopes(frame!.id))["Globals"]?.["odd"], "Proxy");
    await go("continue");
    assert.equal(resultOf(await running), "1");
    await kernel.execute(`Function.prototype.apply = originals[0];
Array.prototype.map = originals[1];
Array.prototype[Symbol.iterator] = originals[2];`);
  });

  test("disconnect lets a stopped cell run on and keeps variables; nothing stops any more", async () => {
    await client.breakpoints(CELL, 4);
    const running = kernel.execute(CELL);
    await client.stop();
    await client.ask("disconnect", { restart: false, terminateDebuggee: false });
    await client.event("terminated");
    assert.equal(resultOf(await running), "[ 11, 12 ]");
    assert.equal((await client.ask("debugInfo"))["isStarted"], false);
    assert.equal(resultOf(await kernel.execute(CELL)), "[ 11, 12 ]");
    assert.equal(resultOf(await kernel.execute("turns")), "1");
  });

  test("VS Code's order, a breakpoint on a blank line, and the kernel's end while a cell is stopped", async () => {
    await client.ask("disconnect");
    client.skip();
    await client.ask("initialize", { clientID: "vscode", supportsVariableType: true });
    await client.ask("debugInfo");
    await client.ask("attach", { justMyCode: true });
    await client.event("initialized");
    const code = "let first = 1;\n\nfirst = 2;\nprocess.exit(3);";
    const { sourcePath: path } = await client.ask<{ sourcePath: string }>("dumpCell", { code });
    const { breakpoints } = await client.ask<{ breakpoints: Content[] }>("setBreakpoints", {
      source: { path },
      lines: [2],
      breakpoints: [{ line: 2 }],
      sourceModified: false,
    });
    assert.equal(breakpoints[0]?.["verified"], true);
    await client.ask("setExceptionBreakpoints", { filters: [] });
    await client.ask("configurationDone");
    assert.deepEqual((await client.ask("threads"))["threads"], [{ id: 1, name: "Cells" }]);
    const running = kernel.execute(code);
    assert.match(await client.stop(), /^breakpoint Cell \[\d+\]:3:1$/);
    // The kernel may end before it replies.
    await go("continue").catch(() => {});
    const ended = await running;
    assert.match(String(ended.reply.content["evalue"]), /process\.exit\(3\)/);
    assert.equal(textOf(ended, "stderr"), "");
    await client.event("terminated");
    await kernel.kill();
    kernel = await start({ cwd: folder });
    client = new DebugClient(kernel);
  });
});
