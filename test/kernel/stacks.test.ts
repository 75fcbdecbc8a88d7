// Stacks that cells read themselves: places as typed, no frames of the kernel or of Node, no machine's paths.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, suite, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { TestRunner } from "./runner-harness.ts";

const folder = mkdtempSync(path.join(tmpdir(), "stacks-"));
let runner: TestRunner;
before(async () => {
  writeFileSync(
    path.join(folder, "thrower.ts"),
    "interface A {\n  a: number;\n}\n\nexport function fail(a: A): never {\n  throw new Error(String(a));\n}\n",
  );
  writeFileSync(path.join(folder, "thrower.cjs"), "exports.bad = () => { throw new Error('c') }\n");
  writeFileSync(path.join(folder, "wrong.ts"), "export const x: number = ;\n");
  writeFileSync(path.join(folder, "wrong.cjs"), "exports.x = ;\n");
  const home = process.cwd();
  process.chdir(folder);
  runner = new TestRunner();
  process.chdir(home);
  await runner.ready;
});
after(async () => {
  await runner.close();
  rmSync(folder, { recursive: true });
});

/** Names from inside the kernel, from Node and from this machine. */
const INNER = /node:|src\/kernel|file:|__cell__|cell-\d/;

/** Returns what a cell prints, with its own number replaced by #. */
async function printed(code: string): Promise<string> {
  const { cell: number, stdout, stderr, outcome } = await runner.run(code);
  assert.equal(outcome.status, "ok", JSON.stringify(outcome));
  const text = stdout + stderr;
  assert.doesNotMatch(text, INNER);
  assert.ok(!text.includes(folder), text);
  return text.replaceAll(`Cell [${number}]`, "Cell [#]");
}

/** Ways to read a stack; each prints it. */
const READERS: Readonly<Record<string, string>> = {
  stack: "console.log(e.stack)",
  "console.log": "console.log(e)",
  "console.error": "console.error(e)",
  "util.inspect": "process.stdout.write((await import('node:util')).inspect(e))",
  format: "process.stdout.write((await import('node:util')).format('%s', e))",
  JSON: "process.stdout.write(JSON.parse(JSON.stringify({ s: e.stack })).s)",
  clone: "console.log(structuredClone(e).stack)",
};

suite("the stack is the same, whoever reads it", () => {
  for (const [name, reader] of Object.entries(READERS)) {
    test(name, async () => {
      const text = await printed(
        `const made: number = 1;\n  try { null!.x } catch (e: any) { ${reader} }`,
      );
      assert.match(text, /TypeError: Cannot read properties of null/);
      assert.deepEqual(text.match(/ at .*/g), [" at Cell [#]:2:15"]);
    });
  }

  test("console.trace", async () => {
    assert.match(
      await printed("await null;\n console.trace('here')"),
      /^Trace: here\n +at Cell \[#\]:2:10\n$/,
    );
  });
});

/** Expressions that produce an error, with its frames. */
const ORIGINS: readonly (readonly [code: string, frames: readonly string[]])[] = [
  ["new Error('x')", ["Cell [#]:1:15"]],
  ["earlier()", ["earlier (Cell [<]:2:10)", "Cell [#]:1:15"]],
  ["await later()", ["later (Cell [<]:5:22)", "Cell [#]:1:15"]],
  [
    "await new Promise((f) => setTimeout(() => f(new Error()), 1))",
    ["Timeout._onTimeout (Cell [#]:1:59)"],
  ],
  ["await Promise.reject(new TypeError()).catch((e) => e)", ["Cell [#]:1:36"]],
  ["[1].map(() => new Error())[0]", ["Cell [#]:1:29", "Array.map (<anonymous>)", "Cell [#]:1:19"]],
  [
    "(() => { const o: any = {}; Error.captureStackTrace(o); return o })()",
    ["Cell [#]:1:49", "Cell [#]:1:82"],
  ],
  ["new (class Own extends Error {})()", ["Cell [#]:1:15"]],
  ["new Error('x', { cause: earlier() }).cause", ["earlier (Cell [<]:2:10)", "Cell [#]:1:39"]],
  ["new AggregateError([new Error()]).errors[0]", ["Cell [#]:1:35"]],
  [
    "caught(() => fail({ a: 1 }))",
    ["fail (./thrower.ts:6:9)", "Cell [#]:1:28", "caught (Cell [<]:8:9)", "Cell [#]:1:15"],
  ],
  [
    "caught(() => bad())",
    ["exports.bad (./thrower.cjs:1:29)", "Cell [#]:1:28", "caught (Cell [<]:8:9)", "Cell [#]:1:15"],
  ],
  [
    "caught(() => JSON.parse('{'))",
    ["JSON.parse (<anonymous>)", "Cell [#]:1:33", "caught (Cell [<]:8:9)", "Cell [#]:1:15"],
  ],
  [
    "caught(() => readFileSync('none'))",
    ["Cell [#]:1:28", "caught (Cell [<]:8:9)", "Cell [#]:1:15"],
  ],
  [
    "caught(() => eval('throw new Error()'))",
    [
      "eval (eval at <anonymous>, <anonymous>:1:7)",
      "Cell [#]:1:28",
      "caught (Cell [<]:8:9)",
      "Cell [#]:1:15",
    ],
  ],
];

test("wherever the error comes from", async () => {
  const { cell: first, outcome } = await runner.run(`function earlier(): Error {
  return new Error("earlier");
}
async function later() {
  await null; return new Error("later");
}
function caught(f: () => unknown): unknown {
  try { f() } catch (e) { return e }
}
import { fail } from "./thrower.ts"; import { bad } from "./thrower.cjs";
import { readFileSync } from "node:fs";`);
  assert.equal(outcome.status, "ok");
  for (const [code, frames] of ORIGINS) {
    const text = await printed(`let e: any = (${code}); console.log(e.stack)`);
    const found = [...text.matchAll(/^ +at (.*)$/gm)].map(([, frame]) => frame);
    assert.deepEqual(
      found,
      frames.map((frame) => frame.replace("[<]", `[${first}]`)),
      code,
    );
  }
});

test("errors of loading name files as seen from the notebook", async () => {
  const text =
    await printed(`for (const name of ["./wrong.ts", "./wrong.cjs", "./none.ts", "absent"]) {
  try { await import(name) } catch (e: any) { console.log(e.stack); console.log(e) }
}
try { require("./wrong.cjs") } catch (e) { console.log(e) }`);
  assert.match(text, /\(\.\/wrong\.ts:1:26\)\n +at Cell \[#\]:2:9/);
  assert.match(text, /\(\.\/wrong\.cjs:1:13\)\n +at Cell \[#\]:2:9/);
});

suite("a user's own hook", () => {
  test("gets call sites with places as typed, and none of the kernel's", async () => {
    const text = await printed(`Error.prepareStackTrace = (_, sites) => sites;
const sites: any = (function own() { return new Error().stack })();
Error.prepareStackTrace = undefined;
console.log(sites.map((s: any) =>
  [s.getFunctionName(), s.getFileName(), s.getLineNumber(), s.getColumnNumber(), String(s), s.isEval()].join()).join(" "))`);
    assert.equal(
      text,
      "own,Cell [#],2,45,own (Cell [#]:2:45),false ,Cell [#],2,65,Cell [#]:2:65,false\n",
    );
  });

  test("may call the previous hook, and can be removed", async () => {
    const text = await printed(`const before = Error.prepareStackTrace;
Error.prepareStackTrace = (error, sites) => "mine: " + before!(error, sites);
console.log(new Error("a").stack);
Error.prepareStackTrace = before;
console.log(new Error("b").stack);`);
    assert.equal(text, "mine: Error: a\n    at Cell [#]:3:13\nError: b\n    at Cell [#]:5:13\n");
  });

  test("does not hide where an uncaught error was, nor keep a loop from being stopped", async () => {
    const { outcome, cell } = await runner.run(
      "Error.prepareStackTrace = (_, sites) => sites;\nthrow new Error('x')",
    );
    const lines = outcome.status === "error" ? outcome.traceback : [];
    assert.equal(lines.at(-1), `    at Cell [${cell}]:2:7`);
    const loop = runner.start("for (;;);");
    runner.interrupt();
    assert.equal((await loop.ran).outcome.status, "error");
    await printed("Error.prepareStackTrace = undefined");
  });

  test("util.getCallSites and Error.stackTraceLimit", async () => {
    const text = await printed(`import { getCallSites } from "node:util";
function where() { return getCallSites().map((s) => [s.functionName, s.scriptName, s.lineNumber, s.columnNumber].join()) }
console.log(...[1].map(where)[0]!);
Error.stackTraceLimit = 1;
console.log((() => new Error("short"))().stack);
Error.stackTraceLimit = 10;`);
    assert.equal(text, "where,Cell [#],2,27 ,Cell [#],3,20\nError: short\n    at Cell [#]:5:20\n");
  });
});

test("errors of a worker that runs a text show its frames, and none of Node's", async () => {
  const runner = new TestRunner();
  try {
    await runner.ready;
    const failure = (code: string) => `import { Worker } from "node:worker_threads";
      const error: any = await new Promise((resolve) => {
        new Worker(${JSON.stringify(code)}, { eval: true }).on("error", resolve);
      });`;
    const { stdout, stderr } = await runner.run(
      `${failure("function f() { null.x }\nf()")} console.log(error.stack); console.error(error)`,
    );
    for (const text of [stdout, stderr]) {
      assert.doesNotMatch(text, /node:|wrapper/);
      assert.match(text, /at f \(\[worker eval\]:1:21\)\n {4}at \[worker eval\]:2:1\n/);
    }
    const { outcome } = await runner.run(
      `${failure("\n  require('fs').readFileSync('/nope')")} throw error`,
    );
    const text =
      outcome.status === "error" ? stripVTControlCharacters(outcome.traceback.join("\n")) : "";
    assert.equal(
      text,
      "Error: ENOENT: no such file or directory, open '/nope'\n    at [worker eval]:2:17",
    );
  } finally {
    await runner.close();
  }
});
