// Epochs of several steps: what they learn from, and the same bits after a stop within an epoch.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Distillation } from "../../src/distillation/method.ts";
import { randomStream } from "../../src/graph/random.ts";
import { createModel } from "../../src/models/registry.ts";
import { memory, startEngine, Targets } from "../../src/tensor/index.ts";
import { type Batches, wholeGraph } from "../../src/training/batches.ts";
import {
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "../../src/training/checkpoint.ts";
import { evaluate } from "../../src/training/evaluate.ts";
import { graphInputs, type SplitTargets, splitTargets } from "../../src/training/inputs.ts";
import type { RunConfig } from "../../src/training/run.ts";
import {
  DivergedError,
  InterruptedError,
  type TrainingOptions,
  type TrainingOutcome,
  train,
} from "../../src/training/train.ts";
import { smallConfig, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

before(() => startEngine());

const PARTS = 3;

/** Training nodes in three sets over the one graph, drawn anew each epoch; evaluation in three as well. */
class NodeSets implements Batches {
  readonly #inputs;
  /** Batches that are held, and all that ever were. */
  held = 0;
  readonly asked: string[] = [];

  constructor(inputs: ReturnType<typeof graphInputs>["value"]) {
    this.#inputs = inputs;
  }

  *epoch(seed: number, epoch: number) {
    this.asked.push(`${epoch}`);
    const nodes = [...smallSplit().train];
    const random = randomStream(1000 * seed + epoch);
    for (let k = nodes.length - 1; k > 0; k--) {
      const other = random.below(k + 1);
      [nodes[k], nodes[other]] = [nodes[other]!, nodes[k]!];
    }
    // Of unequal sizes: 4, 8 and 12.
    for (const [from, to] of [
      [0, 4],
      [4, 12],
      [12, 24],
    ] as const) {
      yield* this.#batch({ train: nodes.slice(from, to) });
    }
  }

  *all(sets: readonly (keyof SplitTargets)[]) {
    const split = smallSplit();
    for (let part = 0; part < PARTS; part++) {
      const parts = sets.map((set) => [set, split[set].filter((node) => node % PARTS === part)]);
      yield* this.#batch(Object.fromEntries(parts));
    }
  }

  *#batch<Sets extends Record<string, readonly number[] | Int32Array>>(sets: Sets) {
    const { labels, classes } = smallGraph();
    const targets = Object.fromEntries(
      Object.entries(sets).map(([set, nodes]) => [
        set,
        new Targets(labels, Int32Array.from(nodes), classes),
      ]),
    ) as { [Name in keyof Sets]: Targets };
    this.held++;
    try {
      yield { inputs: this.#inputs, targets };
    } finally {
      this.held--;
      for (const part of Object.values(targets)) part.dispose();
    }
  }
}

interface Trained {
  readonly outcome: TrainingOutcome;
  readonly weights: Record<string, number[]>;
  readonly batches: NodeSets;
}

interface Step {
  readonly number: number;
  readonly loss: number;
}

/** Notes each step and its loss, and has a parameter of its own. */
function noting(steps: Step[]): Distillation {
  const gain = tf.tidy(() => tf.variable(tf.tensor1d([0.5, -0.25])));
  return {
    parameters: [{ name: "noting.gain", variable: gain }],
    reads: "logits",
    loss(_, crossEntropy, step) {
      const loss = tf.add(crossEntropy, tf.sum(tf.square(tf.sub(gain, step))));
      steps.push({ number: step, loss: loss.dataSync()[0]! });
      return loss as tf.Scalar;
    },
    inspect: () => ({ scalars: {}, matrices: {}, warnings: [] }),
    dispose: () => gain.dispose(),
  };
}

const numbersOf = (steps: readonly Step[]): number[] => steps.map(({ number }) => number);

async function run(
  config: RunConfig,
  options: TrainingOptions = {},
  steps: Step[] = [],
): Promise<Trained> {
  const [inputs, targets] = [graphInputs(smallGraph()), splitTargets(smallGraph(), smallSplit())];
  const model = createModel(config.model, { features: 12, classes: 3 }, config.seed);
  const batches = new NodeSets(inputs.value);
  const distillation = noting(steps);
  const task = { config, model, inputs: inputs.value, targets: targets.value };
  try {
    const outcome = await train({ ...task, batches, distillation }, options);
    const weights = Object.fromEntries(
      model.parameters.map(({ name, variable }) => [name, [...variable.dataSync()]]),
    );
    return { outcome, weights, batches };
  } finally {
    assert.equal(batches.held, 0, "every batch was let go of");
    for (const held of [distillation, model, targets, inputs]) held.dispose();
  }
}

const config = smallConfig({
  ...{ epochs: 4, patience: 4, warmUp: 2, clip: 1 },
  optimiser: { name: "sgd", momentum: 0.9 },
});

test("an epoch has a step a batch; steps count on, and the loss is the mean of the epoch's", async () => {
  const steps: Step[] = [];
  const { outcome, batches } = await run(config, {}, steps);
  assert.deepEqual(numbersOf(steps), [...Array(4 * PARTS).keys()]);
  assert.deepEqual(batches.asked, ["0", "1", "2", "3"]);
  for (const numbers of Object.values(outcome.curve)) assert.equal(numbers.length, 4);
  for (const [epoch, loss] of outcome.curve.loss.entries()) {
    const own = steps.slice(epoch * PARTS, (epoch + 1) * PARTS);
    const mean = own.reduce((sum, step) => sum + step.loss, 0) / PARTS;
    assert.ok(Math.abs(loss - mean) < 1e-9 * mean, `epoch ${epoch}: ${loss}, not ${mean}`);
  }
});

test("scores of three batches are those of the whole graph", () => {
  const [inputs, targets] = [graphInputs(smallGraph()), splitTargets(smallGraph(), smallSplit())];
  const model = createModel(config.model, { features: 12, classes: 3 }, 1);
  const sets = ["train", "val", "test"] as const;
  const parts = evaluate(model, new NodeSets(inputs.value), sets);
  const whole = evaluate(model, wholeGraph({ inputs: inputs.value, targets: targets.value }), sets);
  for (const set of sets) {
    assert.ok(Math.abs(parts[set].loss - whole[set].loss) < 1e-6, set);
    assert.ok(Math.abs(parts[set].accuracy - whole[set].accuracy) < 1e-12, set);
  }
  for (const held of [model, targets, inputs]) held.dispose();
});

test("stopped after any step, through a file, it ends in the same bits", async (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  const owner = { config, data: "0123", flavour: "fma" };
  const whole = await run(config);
  const states: TrainingState[] = [];
  const save = (state: TrainingState): void => {
    writeCheckpoint(path, owner, state);
    states.push(readCheckpoint(path, owner)!);
  };
  await run(config, { checkpoints: { everySeconds: 0, save } });
  assert.deepEqual(
    states.map(({ epoch, step, within }) => [epoch, step, within?.steps ?? 0]),
    Array.from({ length: 4 * PARTS }, (_, k) => [
      Math.floor((k + 1) / PARTS),
      k + 1,
      (k + 1) % PARTS,
    ]),
  );
  for (const from of states) {
    const steps: Step[] = [];
    const resumed = await run(config, { from }, steps);
    assert.deepEqual(numbersOf(steps), [...Array(4 * PARTS).keys()].slice(from.step));
    assert.deepEqual(resumed.weights, whole.weights, `after step ${from.step}`);
    assert.deepEqual(resumed.outcome.curve, whole.outcome.curve);
    assert.equal(resumed.outcome.bestEpoch, whole.outcome.bestEpoch);
  }
});

test("a stop within an epoch keeps its steps, and says where it was", async () => {
  let steps = 0;
  let state: TrainingState | undefined;
  const signal = {
    get aborted() {
      return steps++ === 5;
    },
  };
  const save = (saved: TrainingState): void => {
    state = structuredClone(saved);
  };
  await assert.rejects(
    run(config, { signal, checkpoints: { everySeconds: 3600, save } }),
    (error) =>
      error instanceof InterruptedError &&
      error.message === "stopped after step 2 of epoch 2, which is kept" &&
      error.outcome?.curve.loss.length === 1,
  );
  assert.deepEqual([state?.epoch, state?.step, state?.within?.steps], [1, 5, 2]);
  const whole = await run(config);
  const resumed = await run(config, { from: state! });
  assert.deepEqual(resumed.weights, whole.weights);
  assert.deepEqual(resumed.outcome.curve, whole.outcome.curve);
});

test("a loss that is not finite within an epoch keeps the steps before it", async () => {
  const saved: TrainingState[] = [];
  const hot = smallConfig({ learningRate: 3e38, optimiser: { name: "sgd" } });
  const save = (state: TrainingState): void => void saved.push(state);
  await assert.rejects(
    run(hot, { checkpoints: { everySeconds: 3600, save } }),
    (error) =>
      error instanceof DivergedError &&
      /^the loss is NaN in epoch 1; the checkpoint of step 1 of epoch 1 is kept/.test(
        error.message,
      ),
  );
  assert.deepEqual(
    saved.map(({ step }) => step),
    [1],
  );
});

test("nothing is left behind, however it ends; no batch at all is an error", async () => {
  const before = [tf.memory().numTensors, memory().used];
  await run(config);
  let steps = 0;
  const signal = {
    get aborted() {
      return steps++ === 4;
    },
  };
  await assert.rejects(run(config, { signal }), InterruptedError);
  assert.deepEqual([tf.memory().numTensors, memory().used], before);
  const inputs = graphInputs(smallGraph());
  const targets = splitTargets(smallGraph(), smallSplit());
  const model = createModel(config.model, { features: 12, classes: 3 }, 1);
  const task = { config, model, inputs: inputs.value, targets: targets.value };
  const batches = { epoch: () => [], all: () => [] };
  await assert.rejects(train({ ...task, batches }), /an epoch has no batch after its first 0/);
  for (const held of [model, targets, inputs]) held.dispose();
});
