// The runner: values, output in order, errors with their places, timers, input, resources.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import type { Event, Failure } from "../../src/kernel/channel.ts";
import { sleep, TestRunner, until } from "./runner-harness.ts";

let runner: TestRunner;
const folder = mkdtempSync(path.join(tmpdir(), "runner-"));

before(async () => {
  runner = new TestRunner();
  await runner.ready;
});
after(async () => {
  await runner.close();
  rmSync(folder, { recursive: true });
});

async function failure(code: string): Promise<Failure & { readonly text: string }> {
  const { outcome } = await runner.run(code);
  assert.equal(outcome.status, "error");
  const failed = outcome as Failure;
  return { ...failed, text: stripVTControlCharacters(failed.traceback.join("\n")) };
}

test("a cell's last expression is its result, and nothing else is", async () => {
  assert.equal(await runner.value("1 + 1"), "2");
  assert.equal(await runner.value("let a: number = 4; a"), "4");
  assert.equal(await runner.value("let b = 5"), undefined);
  assert.equal(await runner.value("undefined"), undefined);
  assert.equal(await runner.value("null"), "null");
  assert.equal(await runner.value("-0"), "-0");
  assert.equal(await runner.value("10n ** 20n"), "100000000000000000000n");
  assert.equal(await runner.value("await Promise.resolve(a + b)"), "9");
  const silent = await runner.run("1 + 1", { silent: true });
  assert.deepEqual(silent.outcome, { status: "ok", userExpressions: {} });
});

test("variables stay, in closures too, and can be redeclared", async () => {
  await runner.run("let n = 1; function get() { return n; }");
  await runner.run("n = 100");
  assert.equal(await runner.value("get()"), "100");
  await runner.run("const n = 7; class Point { x = 1 }");
  await runner.run("class Point { x = 2 }");
  assert.equal(await runner.value("[get(), new Point().x]"), "[ 7, 2 ]");
});

test("user expressions give values and errors", async () => {
  const { outcome } = await runner.run("let u = 3;", {
    userExpressions: { good: "u * 2", bad: "nowhere", broken: "(" },
  });
  assert.equal(outcome.status, "ok");
  const { good, bad, broken } = (outcome as { userExpressions: Record<string, Failure> })
    .userExpressions;
  assert.deepEqual(good, { status: "ok", data: { "text/plain": "6" }, metadata: {} });
  assert.equal(bad?.ename, "ReferenceError");
  assert.equal(broken?.ename, "SyntaxError");
});

test("50,000 lines of one synchronous loop arrive, in order, before the end", async () => {
  const { stdout } = await runner.run("for (let i = 0; i < 50_000; i++) console.log(i)");
  const lines = stdout.split("\n");
  assert.equal(lines.length, 50_001);
  assert.ok(lines.slice(0, -1).every((line, index) => line === String(index)));
});

test("10 MB in one write arrive", async () => {
  const { stdout } = await runner.run(`
    process.stdout.write(Array.from({ length: 1_000_000 }, (_, i) => String(i % 1e9).padStart(9) + "ü").join(""))`);
  assert.equal(Buffer.byteLength(stdout), 11_000_000);
  assert.ok(stdout.endsWith("   999999ü"));
});

test("native writes, children and the console keep their order", async () => {
  const { stdout, stderr } = await runner.run(`
    import { writeSync } from "node:fs";
    import { execFileSync, spawn } from "node:child_process";
    import { once } from "node:events";
    console.log("1");
    writeSync(1, "2\\n");
    console.log("3");
    execFileSync("sh", ["-c", "echo 4; echo error >&2"], { stdio: "inherit" });
    console.log("5");
    await once(spawn("sh", ["-c", "sleep 0.05; echo 6"], { stdio: "inherit" }), "close");
    process.stdout.write(new Uint8Array([0xc3]));
    process.stdout.write(Buffer.from([0xbc, 10]));
    console.error("at last");`);
  assert.equal(stdout, "1\n2\n3\n4\n5\n6\nü\n");
  assert.equal(stderr.replace("at last\n", ""), "error\n");
});

test("children that make the pipe non-blocking neither lose nor tear anything", async () => {
  const { stdout, outcome } = await runner.run(`
    let child = spawn(
      process.execPath,
      ["-e", "setInterval(() => process.stdout.write('c'.repeat(100)), 1); setTimeout(process.exit, 200)"],
      { stdio: "inherit" },
    );
    let closed = once(child, "close");
    for (let i = 0; i < 200; i++) {
      process.stdout.write("m".repeat(50_000));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await closed;`);
  assert.equal(outcome.status, "ok");
  const count = (letter: string) => stdout.split(letter).length - 1;
  assert.equal(count("m"), 10_000_000);
  assert.equal(count("c") % 100, 0);
  assert.equal(count("m") + count("c"), stdout.length);
});

test("a worker thread's output arrives", async () => {
  const { stdout } = await runner.run(`
    import { Worker } from "node:worker_threads";
    let worker = new Worker("console.log('from a worker')", { eval: true });
    await new Promise((resolve) => worker.on("exit", resolve));`);
  assert.equal(stdout, "from a worker\n");
});

test("piping into standard output does not end it; standard input is empty", async () => {
  const { stdout, stderr } = await runner.run(`
    import { Readable } from "node:stream";
    import { pipeline } from "node:stream/promises";
    await pipeline(Readable.from(["piped\\n"]), process.stdout, { end: false });
    process.stdout.end("ended\\n");
    for await (const chunk of process.stdin) console.log("never", chunk);
    console.log("after");`);
  assert.equal(stdout, "piped\nended\nafter\n");
  assert.match(stderr, ASKING);
});

const ASKING = /^In this kernel: process\.stdin is empty; await input\("Your name\? "\) asks\n$/;

test("a question through readline gets the hint, each time", async () => {
  for (const module of ["node:readline", "node:readline/promises"]) {
    const { stdout, stderr } = await runner.run(`{
      const { createInterface } = await import("${module}");
      const asking = createInterface({ input: process.stdin, output: process.stdout });
      const closed = new Promise((resolve) => asking.once("close", resolve));
      asking.question("name? ", () => {});
      await closed;
    }`);
    assert.match(stdout, /^name\? /);
    assert.match(stderr, ASKING);
  }
});

test("timers print into the cell that started them, and so do their errors", async () => {
  const { cell } = await runner.run(`
    setTimeout(() => console.log("late"), 30);
    setTimeout(() => { throw new TypeError("in a timer"); }, 40);
    setTimeout(() => Promise.reject(new RangeError("of nobody")), 50);
    0`);
  const other = await runner.run("await new Promise((resolve) => setTimeout(resolve, 100)); 1");
  await until(() => runner.output(cell).stderr.includes("of nobody"), "the rejection");
  const { stdout, stderr } = runner.output(cell);
  assert.equal(stdout, "late\n");
  assert.match(stripVTControlCharacters(stderr), /TypeError: in a timer[\s\S]*Cell \[\d+\]:3:/);
  assert.match(stripVTControlCharacters(stderr), /Unhandled rejection: RangeError: of nobody/);
  assert.equal(other.outcome.status, "ok");
  assert.equal(other.stdout + other.stderr, "");
});

test("displays belong to their cell as well", async () => {
  const first = await runner.run(`setTimeout(() => display("later"), 20); display(1);`);
  const second = await runner.run("await new Promise((resolve) => setTimeout(resolve, 60))");
  const shown = runner.events.filter((event) => event.type === "display");
  assert.deepEqual(
    shown.map(({ cell, data }) => [cell, data["text/plain"]]),
    [
      [first.cell, "1"],
      [first.cell, "'later'"],
    ],
  );
  assert.notEqual(first.cell, second.cell);
});

test("errors show the place in the cell as typed, and no frame of the kernel", async () => {
  const { ename, evalue, text } = await failure(
    "interface Options { a: number }\nfunction broken(o: Options): never {\n" +
      '  throw new TypeError("bad");\n}\nawait null;\nbroken({ a: 1 });',
  );
  assert.deepEqual([ename, evalue], ["TypeError", "bad"]);
  assert.match(text, /at broken \(Cell \[\d+\]:3:9\)/);
  assert.match(text, /at Cell \[\d+\]:6:1/);
  assert.match(text, /> 3 \| {3}throw new TypeError\("bad"\);\n {4}\| {9}\^/);
  assert.doesNotMatch(text, /node:|src.kernel/);
});

test("classes of errors, causes, aggregates, and thrown values that are not errors", async () => {
  const own = await failure(`
    class LossError extends Error {}
    throw new LossError("diverged", { cause: new RangeError("too far", { cause: "why" }) });`);
  assert.equal(own.ename, "LossError");
  assert.match(own.text, /Caused by: RangeError: too far[\s\S]*Caused by: Uncaught: 'why'/);
  const many = await failure(
    "await Promise.any([Promise.reject(new Error('one')), Promise.reject(2)])",
  );
  assert.equal(many.ename, "AggregateError");
  assert.match(many.text, /\[0\] Error: one[\s\S]*\[1\] Uncaught: 2/);
  assert.equal((await failure("throw 3")).evalue, "3");
  assert.equal((await failure("throw null")).evalue, "null");
  assert.equal((await failure("await Promise.reject(undefined)")).evalue, "undefined");
});

test("syntax errors point at their place, in cells and in modules", async () => {
  const { ename, text } = await failure("let ok = 1;\nlet x = ;");
  assert.equal(ename, "SyntaxError");
  assert.match(text, /> 2 \| let x = ;\n {4}\| {9}\^\n {4}at Cell \[\d+\]:2:9/);
  const early = await failure("let twice = 1;\nlet twice = 2;");
  assert.match(early.text, /twice[\s\S]*Cell \[\d+\]:2:/);
  const file = path.join(folder, "broken.ts");
  writeFileSync(file, "export const a = 1;\nexport const b = ;\n");
  const inModule = await failure(`import { a } from ${JSON.stringify(file)};`);
  assert.match(inModule.text, /broken\.ts:2/);
});

test("frames of the user's modules stay, with their files", async () => {
  const file = path.join(folder, "thrower.ts");
  writeFileSync(file, 'export function fail(): never {\n  throw new Error("of a module");\n}\n');
  const { text } = await failure(`import { fail } from ${JSON.stringify(file)};\nfail();`);
  assert.match(text, /at fail \(.*thrower\.ts:2:9\)\n {4}at Cell \[\d+\]:2:1$/);
});

test("prompt, confirm and input ask; with a front end without input they throw", async () => {
  const asked = (): Extract<Event, { type: "input" }>[] =>
    runner.events.filter((event) => event.type === "input");
  const count = asked().length;
  const { ran } = runner.start(
    `[prompt("name? "), confirm("sure?"), await input("pass", { password: true })]`,
  );
  const replies = ["Ada", "y", "secret"];
  for (const [index, value] of replies.entries()) {
    await until(() => asked().length === count + index + 1, "a question");
    runner.process.send({ type: "input", value });
  }
  const { outcome } = await ran;
  assert.equal(
    outcome.status === "ok" && outcome.result?.data["text/plain"],
    "[ 'Ada', true, 'secret' ]",
  );
  assert.deepEqual(
    asked()
      .slice(count)
      .map(({ prompt, password }) => [prompt, password]),
    [
      ["name? ", false],
      ["sure? [y/N] ", false],
      ["pass", true],
    ],
  );
  const without = await runner.run(`prompt("?")`, { allowInput: false });
  assert.match((without.outcome as Failure).evalue, /takes no input/);
});

test("using ends with the cell, also after an error or an interrupt", async () => {
  const resource = (name: string) => `{ [Symbol.dispose]() { console.log("${name} ended") } }`;
  const fine = await runner.run(`using r = ${resource("r")}; console.log("used");`);
  assert.equal(fine.stdout, "used\nr ended\n");
  const wrong = await runner.run(`
    await using s = { async [Symbol.asyncDispose]() { await null; console.log("s ended"); } };
    throw new Error("wrong")`);
  assert.equal(wrong.stdout, "s ended\n");
  assert.equal(wrong.outcome.status, "error");
  const stopped = runner.start(`using t = ${resource("t")}; console.log("started"); for (;;);`);
  await until(() => runner.output(stopped.cell).stdout.includes("started"), "the start");
  runner.interrupt();
  assert.equal((await stopped.ran).stdout, "started\nt ended\n");
});

test("comms work both ways", async () => {
  const { cell } = await runner.run(`
    let host = globalThis[Symbol.for("Jupyter.comm")];
    let comm = host.open("echo", { first: 1 }, { id: "c1" });
    comm.onMessage(({ data, buffers }) => comm.send({ got: data, bytes: buffers[0].length }));
    host.registerTarget("mine", (opened, { data }) => opened.send({ hello: data }));`);
  runner.process.send({ type: "comm", kind: "msg", commId: "c1", data: 5, buffers: ["AAAA"] });
  runner.process.send({ type: "comm", kind: "open", commId: "c2", target: "mine", data: 6 });
  runner.process.send({ type: "comm", kind: "open", commId: "c3", target: "nobody", data: 7 });
  const sent = () => runner.events.filter((event) => event.type === "comm");
  await until(() => sent().length === 4, "four comm messages");
  assert.deepEqual(
    sent().map(({ kind, commId, data }) => [kind, commId, data]),
    [
      ["open", "c1", { first: 1 }],
      ["msg", "c1", { got: 5, bytes: 3 }],
      ["msg", "c2", { hello: 6 }],
      ["close", "c3", {}],
    ],
  );
  assert.equal(sent()[0]?.cell, cell);
});

test("names of values, found without running any code", async () => {
  await runner.run(
    "let probe = { alpha: 1, get beta() { console.log('ran'); return 1 } }, gone = 0;",
  );
  const names = async (expression: string) => {
    const request = 1000 + runner.events.length;
    runner.process.send({ type: "members", request, expression });
    const found = () => runner.events.find((e) => e.type === "members" && e.request === request);
    await until(() => found() !== undefined, "names");
    return (found() as Extract<Event, { type: "members" }>).names;
  };
  assert.deepEqual((await names("probe")).slice(0, 2), ["alpha", "beta"]);
  assert.deepEqual(await names("gone = 1"), []);
  assert.equal(await runner.value("gone"), "0");
  assert.ok((await names("")).includes("probe"));
  // Node's own globals are included too, before any cell has named them.
  for (const [expression, member] of [
    ["process", "cwd"],
    ["process.versions", "node"],
    ["Buffer", "from"],
    ["globalThis.process", "exit"],
  ] as const)
    assert.ok((await names(expression)).includes(member), `${expression}.${member}`);
});

test("500 cells leave nothing behind, and the last is as fast as the first", async (t) => {
  const memory = async () => Number(await runner.value("gc(); process.memoryUsage().heapUsed"));
  await runner.run(`
    import { setFlagsFromString } from "node:v8";
    import { runInNewContext } from "node:vm";
    setFlagsFromString("--expose-gc");
    globalThis.gc = runInNewContext("gc");`);
  const cell = (i: number) =>
    runner.run(
      `let v${i % 5} = new Float64Array(20_000); console.log(v${i % 5}.length); ({ v: ${i} })`,
    );
  // Processor time of the runner: on a busy machine it stays the same.
  const spent = async () =>
    Number(await runner.value("Object.values(process.cpuUsage()).reduce((a, b) => a + b) / 1000"));
  const time = async (from: number) => {
    const start = await spent();
    for (let i = from; i < from + 50; i++) await cell(i);
    return ((await spent()) - start) / 50;
  };
  const first = await time(0);
  const before = await memory();
  for (let i = 50; i < 450; i++) await cell(i);
  const last = await time(450);
  const grown = (await memory()) - before;
  t.diagnostic(`${first.toFixed(2)} ms a cell at first, ${last.toFixed(2)} ms at last`);
  t.diagnostic(`${(grown / 1e6).toFixed(2)} MB more after 450 cells`);
  assert.ok(last < 3 * first + 5, `${first} and ${last} ms`);
  assert.ok(grown < 8e6, `${grown} bytes`); // keeping one array per cell would be 72 MB
});

test("the runner ends when it is told to, and when its supervisor is gone", async () => {
  const told = new TestRunner();
  await told.ready;
  told.process.send({ type: "exit" });
  await told.process.ended;
  const busy = new TestRunner();
  await busy.ready;
  busy.start("for (;;);");
  await sleep(50);
  busy.process.send({ type: "exit" });
  await busy.process.ended;
});
