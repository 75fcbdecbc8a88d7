// What the console prints for tensors and tables, and which engine tfjs runs on, in a real kernel process.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { ROOT } from "./repl.ts";
import { type Ran, TestRunner } from "./runner-harness.ts";

const IMPORT = 'import * as tf from "@tensorflow/tfjs";\n';

async function inRunner(check: (runner: TestRunner) => Promise<void>): Promise<void> {
  const runner = new TestRunner();
  try {
    await runner.ready;
    await check(runner);
  } finally {
    await runner.close();
  }
}

function assertOk({ outcome, stderr }: Ran): void {
  assert.equal(outcome.status, "ok", JSON.stringify(outcome));
  assert.equal(stderr, "");
}

const resultOf = ({ outcome }: Ran): unknown =>
  outcome.status === "ok" ? outcome.result?.data["text/plain"] : outcome.traceback;

describe("the console in a kernel", () => {
  let runner: TestRunner;
  before(async () => {
    runner = new TestRunner();
    await runner.ready;
    assertOk(await runner.run(`${IMPORT}const grid = tf.tensor2d([[1, 2.5], [3, 4]]);`));
  });
  after(() => runner.close());

  it("prints a tensor as it looks as a cell's result", async () => {
    const shown = "Tensor float32 [2, 2]\n[[  1, 2.5],\n [  3,   4]]";
    assert.equal(resultOf(await runner.run("grid")), shown);
    for (const method of ["log", "info", "debug", "error", "warn"]) {
      const { stdout, stderr } = await runner.run(`console.${method}(grid)`);
      assert.equal(stdout + stderr, `${shown}\n`, method);
    }
    assert.equal(
      resultOf(await runner.run("grid")),
      shown,
      "also after the console has printed it",
    );
    const util = await runner.run(
      'import { inspect } from "node:util"; console.log(inspect(grid))',
    );
    assert.equal(util.stdout, `${shown}\n`);
  });

  it("prints tensors inside other values in one line, and marks variables and disposed tensors", async () => {
    const cell = `
const bias = tf.variable(tf.zeros([3]), true, "bias");
const gone = tf.ones([2]);
gone.dispose();
const value = { grid, list: [tf.scalar(0.25), { bias }], map: new Map([["gone", gone]]) };
console.log(value);
console.log("bias:", bias, gone);
value`;
    const ran = await runner.run(cell);
    assertOk(ran);
    const nested = `{
  grid: Tensor float32 [2, 2],
  list: [ Tensor float32 [] 0.25, { bias: Variable "bias" float32 [3] } ],
  map: Map(1) { 'gone' => Tensor float32 [2] (disposed) }
}`;
    assert.equal(
      ran.stdout,
      `${nested}\nbias: Variable "bias" float32 [3]\n[0, 0, 0] Tensor float32 [2] (disposed)\n`,
    );
    assert.equal(resultOf(ran), nested);
  });

  it("does the same for data frames, tables and elements, and prints everything else as Node does", async () => {
    const frame = await runner.run(
      'import { dataFrame } from "abkd"; import * as dfd from "danfojs-node";\n' +
        "const frame = new dfd.DataFrame([{ a: 1, b: 2 }, { a: 3, b: 4 }]);\n" +
        "console.log(frame); console.log([frame]); frame",
    );
    assertOk(frame);
    const table = String(resultOf(frame));
    assert.match(table, /^ +a +b\n.*\n0 +1 +2\n1 +3 +4\n2 rows × 2 columns$/);
    assert.equal(frame.stdout, `${table}\n[ DataFrame (2 rows × 2 columns) ]\n`);
    const element = await runner.run(
      'import { parseHTML } from "linkedom";\n' +
        'const div = parseHTML("<p><b>a</b></p>").document.querySelector("p");\n' +
        "console.log(div, { div })",
    );
    assertOk(element);
    assert.equal(element.stdout, "<p> (15 characters) { div: <p> (15 characters) }\n");
    const plain = await runner.run(
      'console.log({ a: [1, { b: { c: {} } }] }, "x"); console.log("%d %s %j %%", 1, "a", { a: 1 });' +
        "console.log(); console.log(console.log.name, new (class A { b = 1 })());",
    );
    assert.equal(
      plain.stdout,
      '{ a: [ 1, { b: [Object] } ] } x\n1 a {"a":1} %\n\nlog A { b: 1 }\n',
    );
  });

  it("runs none of a value's code", async () => {
    const hostile = await runner.run(`
let ran = 0;
const trap = () => { ran++; throw new Error("trap"); };
const odd = { get dataSync() { return trap(); }, get outerHTML() { return trap(); }, get nodeType() { return trap(); } };
console.log([odd, new Proxy({ a: 1 }, { get: trap, has: trap, getPrototypeOf: trap })]);
ran`);
    assertOk(hostile);
    assert.equal(resultOf(hostile), "0");
  });
});

describe("tfjs in a cell", () => {
  it("computes on the fast engine, without advice to install another one", () =>
    inRunner(async (runner) => {
      const ran = await runner.run(`${IMPORT}tf.ones([2]).print(); tf.getBackend()`);
      assertOk(ran);
      assert.equal(ran.stdout, "Tensor\n    [1, 1]\n");
      assert.equal(resultOf(ran), "'abkd'");
      const other = await runner.run('await tf.setBackend("cpu"); tf.ones([2]); tf.getBackend()');
      assert.equal(resultOf(other), "'cpu'", "another one can still be asked for");
    }));

  it("also from require()", () =>
    inRunner(async (runner) => {
      const cell = 'const tf = require("@tensorflow/tfjs"); tf.ones([2]); tf.getBackend()';
      const ran = await runner.run(cell);
      assertOk(ran);
      assert.equal(resultOf(ran), "'abkd'");
    }));

  it("also the copy that only abkd brings", () =>
    inRunner(async (runner) => {
      const ran = await runner.run(
        'import "abkd";\nconst tf = process.getBuiltinModule("module").createRequire(process.cwd() + "/")' +
          '("@tensorflow/tfjs");\ntf.ones([2]); tf.getBackend()',
      );
      assertOk(ran);
      assert.equal(resultOf(ran), "'abkd'");
    }));

  it("warns in one line about a copy that the engine does not serve", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "abkd-tfjs-"));
    try {
      // The copy's cpu back end is tfjs's own, which prints its advice at its first operator.
      const copy = path.join(folder, "node_modules/@tensorflow/tfjs");
      await mkdir(copy, { recursive: true });
      await writeFile(
        path.join(copy, "package.json"),
        '{ "name": "@tensorflow/tfjs", "main": "index.js" }',
      );
      const own = path.join(ROOT, "node_modules/@tensorflow/tfjs");
      await writeFile(
        path.join(copy, "index.js"),
        `module.exports = require(${JSON.stringify(own)});`,
      );
      await writeFile(
        path.join(folder, "train.mjs"),
        'import * as tf from "@tensorflow/tfjs"; export const two = () => tf.add(tf.ones([1]), 1);',
      );
      await inRunner(async (runner) => {
        const ran = await runner.run(
          `const { two } = await import(${JSON.stringify(`${folder}/train.mjs`)}); console.log(two())`,
        );
        assertOk(ran);
        const [line = "", ...others] = ran.stdout.split("\n");
        // The path is relative to the runner's folder, because the line may be saved with the notebook.
        const seen = path.relative(process.cwd(), copy);
        assert.ok(line.startsWith(`tfjs in ${seen} is a separate copy`), line);
        assert.match(line, /npm uninstall @tensorflow\/tfjs/);
        assert.deepEqual(others, ["Tensor float32 [1]", "[2]", ""]);
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
