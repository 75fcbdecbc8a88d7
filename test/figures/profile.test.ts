// A timing profile of training: its parts add up, its trace nests, and it does not affect the result.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import * as tf from "@tensorflow/tfjs";
import { profile } from "../../src/figures/profile.ts";
import { createModel } from "../../src/models/registry.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { startEngine, startProfile } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { type TrainingOutcome, train } from "../../src/training/train.ts";
import { smallConfig, smallGraph, smallSplit, temporaryFolder } from "../training/small.ts";

interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  readonly ph: string;
  readonly ts?: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
}

startEngine("wasm", { threads: 2 });
const graph = smallGraph();
const shape = { features: graph.features.columns, classes: graph.classes };
const inputs = graphInputs(graph).value;
const targets = splitTargets(graph, smallSplit()).value;

async function training(config: RunConfig): Promise<TrainingOutcome> {
  const model = createModel(config.model, shape, config.seed);
  const outcome = await train({ config, model, inputs, targets });
  model.dispose();
  return outcome;
}

const PHASES = ["forward", "backward", "optimiser", "evaluation", "the rest of the epoch"];

test("the times of operators and between them add up to the wall time", async () => {
  let inside = 0;
  const began = performance.now();
  const recorded = await profile(async () => {
    const start = performance.now();
    const outcome = await training(smallConfig({ epochs: 30, patience: 30 }));
    inside = (performance.now() - start) / 1000;
    return outcome;
  });
  const outside = (performance.now() - began) / 1000;
  // Measured on both sides of the recording, so it holds at any load, to the microsecond.
  assert.ok(inside > 0 && inside <= recorded.seconds && recorded.seconds <= outside);
  const sum = recorded.operators.reduce((total, { seconds }) => total + seconds, 0);
  assert.ok(Math.abs(sum + recorded.between - recorded.seconds) < 1e-6);
  assert.ok(recorded.between > 0 && sum > 0);

  const phases = recorded.phases.reduce((total, { seconds }) => total + seconds, 0);
  assert.ok(phases <= recorded.seconds);
  assert.deepEqual(
    recorded.phases.map(({ name }) => name),
    PHASES,
  );
  for (const { seconds, operators } of recorded.phases) assert.ok(operators <= seconds);
});

test("bytes and operations follow from the arguments of the WebAssembly kernels", async () => {
  const a = tf.ones([30, 20]);
  const b = tf.ones([20, 10]);
  const { operators, value } = await profile(() =>
    tf.tidy(() => {
      const c = tf.matMul(a, b);
      return tf.concat([c, c]).dataSync()[0];
    }),
  );
  assert.equal(value, 20);
  const found = (wanted: string) => operators.find(({ name }) => name === wanted);
  const { calls, bytes, operations } = found("product")!;
  assert.deepEqual(
    { calls, bytes, operations },
    {
      ...{ calls: 1, bytes: 4 * (30 * 20 + 20 * 10 + 30 * 10), operations: 2 * 30 * 20 * 10 },
    },
  );
  // An operator of tfjs's own: it reads both inputs and writes their concatenation.
  assert.equal(found("tfjs Concat")?.bytes, 4 * (2 * 300 + 600));
  tf.dispose([a, b]);
});

test("an operator inside another counts once", async () => {
  const { operators, seconds } = await profile(() => {
    tf.tidy(() => tf.add(tf.ones([5]), 1));
    const stop = performance.now() + 30;
    while (performance.now() < stop);
  });
  const sum = operators.reduce((total, one) => total + one.seconds, 0);
  assert.ok(sum <= seconds - 0.03, `${sum} of ${seconds} s`);
});

test("the trace parses, nests, covers the steps, and is bounded", async (t) => {
  const recorded = await profile(() => training(smallConfig({ epochs: 60, patience: 60 })));
  assert.deepEqual([recorded.steps, recorded.tracedSteps], [60, 20]);
  const file = join(temporaryFolder(t), "trace.json");
  recorded.saveTrace(file);
  const trace = JSON.parse(readFileSync(file, "utf8")) as {
    readonly traceEvents: readonly TraceEvent[];
    readonly otherData: { readonly operators: readonly unknown[] };
  };
  assert.equal(trace.otherData.operators.length, recorded.operators.length);
  const spans = trace.traceEvents.filter(({ ph }) => ph === "X");
  assert.ok(spans.every(({ ts, dur, pid, tid }) => ts! >= 0 && dur! >= 0 && pid === 1 && tid >= 1));
  assert.deepEqual(
    trace.traceEvents.filter(({ ph }) => ph !== "X").map(({ ph, name }) => [ph, name]),
    [
      ["M", "process_name"],
      ["M", "thread_name"],
    ],
  );

  // Read as in a viewer: sorted by begin, the longer first; each event lies within the open one.
  const open: { readonly name: string; readonly end: number }[] = [];
  const inStep = new Map<string, number>();
  const steps: { readonly duration: number; covered: number }[] = [];
  for (const { name, cat, ts = 0, dur = 0 } of spans.toSorted(
    (p, q) => p.ts! - q.ts! || q.dur! - p.dur!,
  )) {
    while (open.length > 0 && open.at(-1)!.end <= ts + 1e-9) open.pop();
    const end = ts + dur;
    if (open.length > 0) assert.ok(end <= open.at(-1)!.end + 1e-6, `${name} juts out`);
    if (cat === "step") steps.push({ duration: dur, covered: 0 });
    if (cat === "phase") {
      assert.match(open.at(-1)!.name, /^step /);
      steps.at(-1)!.covered += dur;
      inStep.set(name, (inStep.get(name) ?? 0) + 1);
    }
    open.push({ name, end });
  }
  assert.equal(steps.length, 20);
  assert.deepEqual(
    [...inStep],
    PHASES.map((name) => [name, 20]),
  );
  const total = (of: "duration" | "covered") => steps.reduce((sum, step) => sum + step[of], 0);
  assert.ok(total("covered") <= total("duration") && total("covered") > 0.9 * total("duration"));
});

test("profiling changes no bit, and nothing is recorded afterwards", async () => {
  const config = smallConfig({ epochs: 5 });
  const { value } = await profile(() => training(config));
  assert.equal(runningBackend().engine.profiler, undefined);
  assert.deepEqual(value.curve, (await training(config)).curve);
});

test("only one profile is recorded at a time, and a failing function ends its own", async () => {
  const stop = startProfile();
  await assert.rejects(
    profile(() => 1),
    /already being recorded/,
  );
  const data = stop();
  assert.equal(stop(), data);
  await assert.rejects(
    profile(() => {
      throw new RangeError("mine");
    }),
    { message: "mine" },
  );
  assert.equal((await profile(() => 2)).value, 2);
});

test("a notebook's interrupt ends the recording of the call that it killed", async () => {
  const interrupts = new EventTarget();
  const symbol = Symbol.for("Jupyter.interrupt");
  Reflect.set(globalThis, symbol, interrupts);
  try {
    const stop = startProfile();
    const { engine } = runningBackend();
    // The state after a kill: inside an operator, whose `finally` never ran.
    engine.profiler!.begin("kernel", "product");
    interrupts.dispatchEvent(new Event("interrupt"));
    assert.equal(engine.profiler, undefined);
    const { operators, seconds, between } = stop();
    assert.equal(operators[0]?.name, "product");
    assert.ok(Math.abs(operators[0].seconds + between - seconds) < 1e-6);
    startProfile()();
  } finally {
    Reflect.deleteProperty(globalThis, symbol);
  }
});

test("a profile shows itself as tables, in a terminal and in a notebook", async () => {
  const recorded = await profile(() => training(smallConfig({ epochs: 2 })));
  const text = inspect(recorded);
  assert.match(text, /^operator +calls +time +share +a call +bytes +GB\/s +GFLOP\/s\n/);
  assert.match(text, /\nsparseProduct +\d+ +[\d.]+ (µs|ms) +[\d.]+ % .* MB/);
  assert.match(text, /\nJavaScript between operators /);
  assert.match(text, /\nforward +[\d.]+ (µs|ms) /);
  const bundle = recorded[Symbol.for("Jupyter.display") as unknown as keyof typeof recorded];
  const shown = (bundle as unknown as () => Record<string, string>).call(recorded);
  assert.equal(shown["text/plain"], text);
  assert.equal(shown["text/html"]!.match(/<table>/g)?.length, 2);
});
