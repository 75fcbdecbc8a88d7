// What training shows in a notebook by itself, the live curve, and runTrials interrupted.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { findChromium } from "../../src/figures/chromium.ts";
import { liveCurve } from "../../src/figures/live-curve.ts";
import { type PlotlyFigure, plot } from "../../src/figures/plot.ts";
import { Gcnii } from "../../src/models/gcnii.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { Observer } from "../../src/training/observer.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
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
  const model = new Gcnii(config.model, { features: 12, classes: 3 }, config.seed);
  const task = { config, model, inputs: inputs.value, targets: targets.value };
  return train(task, observer ? { observer } : {});
}

test("a line shows epochs, and at the end the best one", async () => {
  const { bestEpoch, interrupted } = await run();
  assert.equal(interrupted, false);
  const texts = shown.map((bundle) => bundle["text/plain"] as string);
  assert.match(texts[0]!, /^model seed 3: epoch 1\/40, loss .*, val [\d.]+ %, ≤ 0:\d\d left$/);
  assert.match(
    texts.at(-1)!,
    new RegExp(`^model seed 3: trained for 0:0\\d: best epoch ${bestEpoch} of 40, val`),
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

test("many runs: done, running and left; an interrupt keeps checkpoints and says how to go on", async (t) => {
  const [runsDir, whole] = [temporaryFolder(t), temporaryFolder(t)];
  const training = { epochs: 60, patience: 60 };
  const teacher = teacherConfig(
    { dataset: "synthetic", seed: 1 },
    { model: { layers: 3, width: 8 }, training: { epochs: 6 } },
  );
  const configs = [1, 2].map((seed) =>
    studentConfig({ dataset: "synthetic", seed }, "abkd", teacher, { training }),
  );
  const work = runTrials(configs, { runsDir, workers: 1 });
  const stop = setInterval(() => {
    if (!shown.some((bundle) => String(bundle["text/plain"]).includes("abkd seed"))) return;
    clearInterval(stop);
    interrupts.dispatchEvent(new Event("interrupt", { cancelable: true }));
  }, 1);
  await assert.rejects(work, (error: Error) => {
    assert.ok(error instanceof InterruptedError);
    assert.match(
      error.message,
      /stopped after epoch \d+.*runTrials\(configs, \{ resume: true \}\)/,
    );
    assert.ok(error.message.includes(runsDir));
    return true;
  });
  assert.match(String(shown.at(-1)!["text/plain"]), /^0\/2 runs done.*stopped, 0:\d\d$/);
  assert.ok([...contents(runsDir).keys()].some((file) => file.endsWith("checkpoint.safetensors")));

  await runTrials(configs, { runsDir, workers: 1, resume: true });
  const texts = shown.map((bundle) => String(bundle["text/plain"]));
  assert.ok(texts.some((text) => /^0\/2 runs done, 1 running, 1 left; abkd seed 1/.test(text)));
  assert.match(texts.at(-1)!, /^2\/2 runs done, 0:\d\d$/);
  await runTrials(configs, { runsDir: whole, workers: 1 });
  assert.deepEqual(contents(runsDir), contents(whole));
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
