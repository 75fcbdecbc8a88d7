// A process of its own for interrupt.test.ts: trains in cells that are killed at random moments.
// Prints what it saw as one JSON line.
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { resolveOptions } from "../../src/base/options.ts";
import type { Teacher } from "../../src/distillation/method.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { randomStream } from "../../src/graph/random.ts";
import { Gcnii } from "../../src/models/gcnii.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { freeDropped, memory, startEngine } from "../../src/tensor/index.ts";
import type { TrainingState } from "../../src/training/checkpoint.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { type TrainingOptions, type TrainingOutcome, train } from "../../src/training/train.ts";
import { NodeSets } from "../training/node-sets.ts";
import { smallConfig, smallGraph, smallSplit } from "../training/small.ts";
import { Notebook } from "./notebook.ts";

const kills = Number(process.argv[2]);
const threads = Number(process.argv[3] ?? 1);
const seed = Number(process.argv[4] ?? 1);
/** Epochs of three steps instead of one, by the student alone: a method takes no batches. */
const several = process.argv[5] === "batches";

// Killed trainings and undisturbed ones are the same but for the host.
const notebook = kills > 0 ? new Notebook(/Training\.step|spin/) : undefined;
startEngine("wasm", { threads });
// Even the smallest operator is split, so that kills come while threads are at work.
if (threads > 1) runningBackend().engine.smallestChunk = 0;

const epochs = several ? 15 : 40;
const shape = { features: 12, classes: 3 };
const config = {
  ...smallConfig({ epochs, patience: epochs }),
  // A student: its layers and all of its parameters are one command each.
  model: { ...smallConfig().model, width: 4 },
  ...(!several && { method: { name: "abkd", version: 1, options: {} } }),
};
const graph = smallGraph();
const inputs = graphInputs(graph);
const targets = splitTargets(graph, smallSplit());
const large = new Gcnii({ ...config.model, layers: 5, width: 8 }, shape, 1);
const teacher: Teacher = {
  outline: large.outline,
  outputs: (reads) => large.forward(inputs.value, { reads }),
};
const method = findMethod("abkd");
const options = resolveOptions(method, {}) as Record<string, unknown>;

interface Killed {
  model: Gcnii;
  outcome?: TrainingOutcome;
  saved?: TrainingState;
}

/** Everything of a training on an object, so that a killed cell leaves it behind. */
async function begin(into: Partial<Killed>, more: TrainingOptions = {}): Promise<void> {
  const model = new Gcnii(config.model, shape, config.seed);
  into.model = model;
  const scene = {
    ...{ teacher, graph: inputs.value, student: model.outline },
    ...{ train: targets.value.train, seed: config.seed },
  };
  const distillation = several ? undefined : createDistillation({ name: "abkd", options }, scene);
  const task = {
    ...{ config, model, inputs: inputs.value, targets: targets.value },
    ...(distillation ? { distillation } : { batches: new NodeSets(inputs.value) }),
  };
  try {
    into.outcome = await train(task, {
      observer: () => notebook?.hold(),
      checkpoints: {
        everySeconds: several ? 0 : 3600,
        save: (state) => {
          into.saved = structuredClone(state);
          // The observer is told of epochs alone; a step that is to be killed does not end.
          if (several) notebook?.hold();
        },
      },
      ...more,
    });
  } finally {
    distillation?.dispose();
  }
}

const digest = ({ model, outcome }: Partial<Killed>): string => {
  const hash = createHash("sha256");
  for (const { variable } of model!.parameters) hash.update(variable.dataSync());
  return hash.update(JSON.stringify(outcome!.curve)).digest("hex");
};

/** A whole training's bits. */
async function whole(more: TrainingOptions = {}): Promise<string> {
  const run: Partial<Killed> = {};
  await begin(run, more);
  const bits = digest(run);
  run.model!.dispose();
  return bits;
}

const result = {
  whole: await whole(),
  different: 0,
  resumed: 0,
  resumedDifferent: 0,
  unsettled: 0,
  early: 0,
  notBest: 0,
  keptLost: 0,
  grown: 0,
  tensors: 0,
};

if (notebook) {
  const spin = (): void => {
    while (true);
  };
  Object.assign(globalThis, { begin, spin });
  const random = randomStream(seed);
  const kept = tf.tensor1d([1, 2, 3]);
  const alias = kept.reshape([3, 1]);
  const variable = tf.variable(tf.tensor1d([4, 5]));
  const inside = tf.tidy(() => tf.keep(tf.tensor1d([6])));
  const sound = (): boolean =>
    `${kept.dataSync()} ${alias.dataSync()} ${variable.dataSync()} ${inside.dataSync()}` ===
    "1,2,3 1,2,3 4,5 6";
  await whole();
  await freeDropped();
  const before = memory();
  const tensors = tf.memory().numTensors;
  for (let kill = 0; kill < kills; kill++) {
    const run: Partial<Killed> = {};
    Object.assign(globalThis, { run });
    // The kill comes anywhere in an epoch, or after the last.
    await notebook.cell(
      "await begin(run); if (!run.outcome.interrupted) spin();",
      90 * random.uniform(),
    );
    // What a cell's `await train()` gets to do before the cell is settled.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const { outcome, saved, model } = run;
    if (!outcome) result.unsettled++;
    else if (outcome.interrupted) {
      result.early++;
      const { valLoss } = outcome.curve;
      const best = valLoss.length > 0 ? valLoss.indexOf(Math.min(...valLoss)) + 1 : 0;
      if (outcome.bestEpoch !== best) result.notBest++;
      if (saved && kill % 3 === 0) {
        result.resumed++;
        if ((await whole({ from: saved })) !== result.whole) result.resumedDifferent++;
      }
    }
    model?.dispose();
    if (kill % 5 === 0 && (await whole()) !== result.whole) result.different++;
    if (!sound()) result.keptLost++;
  }
  await freeDropped();
  const after = memory();
  result.grown = after.used - before.used;
  result.tensors = tf.memory().numTensors - tensors;
  if ((await whole()) !== result.whole) result.different++;
}
await notebook?.close();
process.stdout.write(`${JSON.stringify(result)}\n`);
