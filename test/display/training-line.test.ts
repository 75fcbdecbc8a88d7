// What training shows in a notebook by itself, the live curve, and runTrials and distill interrupted.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { formatTable } from "../../src/base/table.ts";
import { loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { findChromium } from "../../src/display/chromium.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { resultsTable } from "../../src/experiments/results-table.ts";
import { runRecorded } from "../../src/experiments/run-study.ts";
import { liveCurve } from "../../src/figures/live-curve.ts";
import { openRun } from "../../src/figures/open-run.ts";
import { type PlotlyFigure, plot } from "../../src/figures/plot.ts";
import { createModel } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/training/apply.ts";
import { distill } from "../../src/training/distill.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { restoreModel } from "../../src/training/model-file.ts";
import type { Observer } from "../../src/training/observer.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { InterruptedError, type TrainingOutcome, train } from "../../src/training/train.ts";
import { runTrials } from "../../src/training/trials.ts";
import {
  contents,
  smallConfig,
  smallGraph,
  smallSplit,
  temporaryFolder,
} from "../training/small.ts";

type Bundle = Record<string, unknown>;

const keys = ["display", "interrupt"].map((name) => Symbol.for(`Jupyter.${name}`));
const interrupts = new EventTarget();
const shown: Bundle[] = [];

before(() => {
  const display = async (value: object, { raw }: { raw?: boolean }): Promise<void> => {
    const hook = Reflect.get(value, keys[0]!) as () => Promise<Bundle>;
    shown.push(raw ? (value as Bundle) : await hook.call(value));
  };
  Reflect.set(globalThis, keys[0]!, display);
  Reflect.set(globalThis, keys[1]!, interrupts);
  startEngine();
});
after(() => {
  for (const key of keys) Reflect.deleteProperty(globalThis, key);
});
beforeEach(() => {
  shown.length = 0;
});

async function run(observer?: Observer, epochs = 40): Promise<TrainingOutcome> {
  const inputs = graphInputs(smallGraph());
  const targets = splitTargets(smallGraph(), smallSplit());
  const config = smallConfig({ epochs, patience: epochs });
  const model = createModel(config.model, { features: 12, classes: 3 }, config.seed);
  const task = { config, model, inputs: inputs.value, targets: targets.value };
  return train(task, observer ? { observer } : {});
}

test("a line shows epochs, and at the end the best one", async () => {
  const { bestEpoch, interrupted } = await run();
  assert.equal(interrupted, false);
  const texts = shown.map((bundle) => bundle["text/plain"] as string);
  assert.match(texts[0]!, /^model seed 3: epoch 1\/40, loss .*, val [\d.]+ %, ≤ \d+:\d\d left$/);
  assert.match(
    texts.at(-1)!,
    new RegExp(`^model seed 3: trained for \\d+:\\d\\d: best epoch ${bestEpoch} of 40, val`),
  );
});

test("who brings an observer sees no line", async () => {
  await run(() => {});
  assert.deepEqual(shown, []);
});

test("a training that is interrupted between two epochs ends with what is done", async () => {
  let prevented = false;
  const outcome = await run((event) => {
    if (event.type !== "epoch" || event.epoch !== 5) return;
    setImmediate(() => {
      const interrupt = new Event("interrupt", { cancelable: true });
      interrupts.dispatchEvent(interrupt);
      prevented = interrupt.defaultPrevented;
    });
  }, 100_000);
  assert.ok(prevented);
  assert.ok(outcome.interrupted);
  assert.ok(outcome.curve.loss.length >= 5 && outcome.curve.loss.length <= 6);
  const at = `epoch ${outcome.curve.loss.length}`;
  assert.deepEqual(outcome.stop, { at, kept: "; nothing is kept" });
  const { valLoss } = outcome.curve;
  assert.equal(outcome.bestEpoch, valLoss.indexOf(Math.min(...valLoss)) + 1);
});

test("the live curve grows in place, and ends with every epoch", async () => {
  const ended = new Promise<void>((resolve) => {
    const curve = liveCurve();
    void run((event) => {
      curve(event);
      if (event.type === "end") resolve();
    });
  });
  await ended;
  for (let k = 0; k < 600 && shown.length < 2; k++) await new Promise((r) => setTimeout(r, 50));
  const figures = shown.map(
    (bundle) => bundle["application/vnd.plotly.v1+json"] as PlotlyFigure,
  ) as { data: { name: string; y: number[]; yaxis?: string }[] }[];
  assert.equal(figures[0]!.data[0]!.y.length, 1);
  assert.deepEqual(
    figures.at(-1)!.data.map(({ name, y, yaxis }) => [name, y.length, yaxis]),
    [
      ["validation accuracy", 40, undefined],
      ["training accuracy", 40, undefined],
      ["validation loss", 40, "y2"],
      ["training loss", 40, "y2"],
    ],
  );
});

/** Two students of a teacher, small; `epochs` are the teacher's. */
function students(epochs: number): RunConfig[] {
  const training = { epochs: 60, patience: 60 };
  const teacher = teacherConfig(
    { dataset: "synthetic", seed: 1 },
    { model: { layers: 3, width: 8 }, training: { epochs, patience: epochs } },
  );
  return [1, 2].map((seed) =>
    studentConfig({ dataset: "synthetic", seed }, "abkd", teacher, { training }),
  );
}

/** Stops the cell when a line shows this. */
function interruptAt(text: string): void {
  const stop = setInterval(() => {
    if (!shown.some((bundle) => String(bundle["text/plain"]).includes(text))) return;
    clearInterval(stop);
    interrupts.dispatchEvent(new Event("interrupt", { cancelable: true }));
  }, 1);
}

test("many runs: done, running and left; an interrupt gives what is there and says how to go on", async (t) => {
  const [runsDir, whole] = [temporaryFolder(t), temporaryFolder(t)];
  const configs = students(6);
  interruptAt("abkd seed 1: epoch");
  const results = await runTrials(configs, { runsDir, workers: 1 });
  assert.match(
    String(shown.at(-1)!["text/plain"]),
    /^0\/2 runs done.*stopped, \d+:\d\d; the teacher .* is dead: /,
  );
  const words = String(shown.at(-2)!["text/plain"]);
  assert.match(
    words,
    /^0 of 2 runs done, 1 stopped, with the best epoch so far \(\d+ of \d+\), 1 without any; /,
  );
  assert.ok(words.includes(`kept in ${runsDir}: the same call with { resume: true } goes on`));

  // What was stopped is the run at its best epoch, and says that it is no finished one.
  const [stopped] = results;
  assert.ok(stopped);
  assert.deepEqual(
    results.map(({ id, interrupted }) => [id, interrupted]),
    [[runId(configs[0]!), true]],
  );
  const { valLoss, valAccuracy } = stopped.curve;
  assert.ok(valLoss.length > 0 && valLoss.length < 60);
  assert.equal(stopped.bestEpoch, valLoss.indexOf(Math.min(...valLoss)) + 1);
  assert.equal(stopped.accuracy.val, valAccuracy[stopped.bestEpoch - 1]);
  assert.match(stopped.warnings.join(), new RegExp(`stopped .* after epoch ${valLoss.length}:`));
  assert.match(formatTable(resultsTable(results)), /\d( died)? stopped/);
  const files = runFiles(runsDir, stopped.config);
  const graph = await loadDataset("synthetic");
  const targets = splitTargets(graph, await loadSplit(graph, stopped.config.split));
  const best = restoreModel(readModel(files.stopped));
  const { logits } = best.forward(graphInputs(graph).value);
  assert.equal(targets.value.test.scores(logits).accuracy, stopped.accuracy.test);
  assert.ok(existsSync(files.checkpoint));
  assert.ok(!existsSync(files.result), "a stopped run has no result on disk");

  await runTrials(configs, { runsDir, workers: 1, resume: true });
  const texts = shown.map((bundle) => String(bundle["text/plain"]));
  assert.ok(texts.some((text) => /^0\/2 runs done, 1 running, 1 left; abkd seed 1/.test(text)));
  assert.match(texts.at(-1)!, /^2\/2 runs done, \d+:\d\d; the teacher .* is dead: /);
  await runTrials(configs, { runsDir: whole, workers: 1 });
  assert.deepEqual(contents(runsDir), contents(whole));
});

test("one call of distill() that is interrupted gives the student at its best epoch so far", async (t) => {
  const runsDir = temporaryFolder(t);
  const training = { epochs: 60, patience: 60 };
  const teacher = { model: { layers: 3, width: 8 }, training: { epochs: 6 } };
  const request = { dataset: "synthetic", teacher, student: { training }, runsDir } as const;
  interruptAt("abkd seed 1: epoch");
  const student = await distill(request);
  const { result } = student;
  assert.equal(result.interrupted, true);
  assert.ok(result.curve.loss.length < 60);
  assert.equal((await evaluate(student)).accuracy.test, result.accuracy.test);
  const { result: whole } = await distill({ ...request, resume: true });
  assert.equal(whole.interrupted, undefined);
  assert.deepEqual(whole.curve.loss.slice(0, result.curve.loss.length), result.curve.loss);
});

test("an interrupt before any run that was asked for has an epoch says what is kept", async (t) => {
  const runsDir = temporaryFolder(t);
  interruptAt("teacher seed 1: epoch");
  await assert.rejects(runTrials(students(100_000), { runsDir, workers: 1 }), (error: Error) => {
    assert.ok(error instanceof InterruptedError);
    assert.match(error.message, /stopped after epoch \d+, which is kept; best epoch so far: \d+/);
    assert.ok(error.message.includes(`kept in ${runsDir}: the same call with { resume: true }`));
    return true;
  });
});

test("a signal rejects as before, and its error has what is there", async (t) => {
  const controller = new AbortController();
  const options = { runsDir: temporaryFolder(t), workers: 1, signal: controller.signal };
  const observer: Observer = (event) => {
    if (event.type === "epoch" && event.epochs === 60) controller.abort();
  };
  await assert.rejects(runTrials(students(6), { ...options, observer }), (error: Error) => {
    assert.ok(error instanceof InterruptedError);
    assert.ok(error.results.length > 0 && error.results.every(({ interrupted }) => interrupted));
    return true;
  });
});

test("nobody takes a stopped run for a finished one: not a study, not openRun", async (t) => {
  const root = temporaryFolder(t);
  const [config] = students(100_000);
  const teacher = config!.teacher!;
  interruptAt("teacher seed 1: epoch");
  await assert.rejects(openRun(teacher, root), InterruptedError);

  shown.length = 0;
  const store = new ResultsStore(temporaryFolder(t));
  const trials = new Map(students(6).map((one) => [runId(one), one]));
  const options = { store, runsDir: temporaryFolder(t), workers: 1 };
  const observer: Observer = (event) => {
    if (event.type !== "epoch" || event.epochs !== 60) return;
    interrupts.dispatchEvent(new Event("interrupt", { cancelable: true }));
  };
  await assert.rejects(runRecorded(trials, { ...options, observer }, runTrials), (error: Error) => {
    assert.ok(error instanceof InterruptedError);
    assert.match(
      error.message,
      /^stopped: \d of 2 trials are recorded, and the same call continues/,
    );
    return true;
  });
  const { records, problems } = store.read(trials.keys());
  assert.ok(records.size < 2);
  assert.deepEqual(problems, []);
});

const skip = (await findChromium()) === undefined ? "no Chromium on this machine" : false;

test("a drawing that is interrupted ends, and the next plot has its picture", {
  skip,
}, async () => {
  const draw = (): Promise<void> => plot({ data: [{ y: [1, 2] }] }).show();
  for (const milliseconds of [0, 30, 400, 1200]) {
    const interrupted = draw();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    interrupts.dispatchEvent(new Event("interrupt", { cancelable: true }));
    await interrupted;
    shown.length = 0;
    await draw();
    assert.ok(shown[0]!["image/png"], `after ${milliseconds} ms: ${shown[0]!["text/plain"]}`);
  }
});
