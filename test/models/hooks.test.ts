// Hooks on weights, activations and messages, for each family of models.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { type Hooks, type Model, withHooks } from "../../src/models/model.ts";
import { createModel, findModel, type ModelConfig, models } from "../../src/models/registry.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import { train } from "../../src/training/train.ts";
import { smallConfig, smallGraph, smallSplit } from "../training/small.ts";

const LAYERS = 3;
const graph = smallGraph();
let forms: ReturnType<typeof graphInputs>["value"];

before(() => {
  startEngine();
  forms = graphInputs(graph).value;
});

/** What a model reads of the graph. */
const inputsOf = <I>(model: Model<I>): I => findModel(model.outline.kind).prepare(forms) as I;

function configOf(kind: string): ModelConfig {
  const options = { ...findModel(kind).defaults, layers: LAYERS, width: 5, dropout: 0.4 };
  return { kind, ...options } as unknown as ModelConfig;
}

function create(kind: string): Model {
  return createModel(configOf(kind), { features: graph.features.columns, classes: 3 }, 5);
}

type Found = { logits: number[]; hidden: number[]; maps: number[][]; gradients: number[] };

/** Logits, maps and gradients of a pass with dropout. */
function passOf(model: Model): Found {
  const dropout = { seed: 2, step: 7 };
  return tf.tidy(() => {
    const { logits, hidden, layers } = model.forward(inputsOf(model), { dropout, reads: "layers" });
    const maps = layers!.widths.map((_, l) => layers!.at(l));
    const { grads } = tf.variableGrads(() =>
      tf.sum(tf.square(model.forward(inputsOf(model), { dropout }).logits)),
    );
    const numbers = (x: tf.Tensor): number[] => [...x.dataSync()];
    const gradients = model.parameters.flatMap(({ variable }) => numbers(grads[variable.name]!));
    return {
      logits: numbers(logits),
      hidden: numbers(hidden!),
      maps: maps.map(numbers),
      gradients,
    };
  });
}

function assertClose(found: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(found.length, expected.length, what);
  const scale = Math.max(1, ...expected.map(Math.abs));
  const off = Math.max(...found.map((x, k) => Math.abs(x - expected[k]!)));
  assert.ok(off < 1e-5 * scale, `${what}: off by ${off}`);
}

for (const { name } of models) {
  describe(name, () => {
    test("hooks that return their input leave logits, maps and gradients unchanged", () => {
      const model = create(name);
      const same: Hooks = {
        weight: ({ variable }) => variable,
        activation: (map) => map,
        message: (map) => map,
      };
      const [hooked, plain] = [passOf(withHooks(model, same)), passOf(model)];
      assertClose(hooked.logits, plain.logits, "logits");
      assertClose(hooked.hidden, plain.hidden, "hidden");
      assertClose(hooked.maps.flat(), plain.maps.flat(), "maps");
      assertClose(hooked.gradients, plain.gradients, "gradients");
    });

    test("a hook on weights acts like changed weights, and sees each one", () => {
      const [model, other] = [create(name), create(name)];
      for (const { variable } of other.parameters) variable.assign(tf.round(tf.mul(variable, 4)));
      const read = new Set<string>();
      const rounded = withHooks(model, {
        weight(parameter) {
          read.add(parameter.name);
          return tf.round(tf.mul(parameter.variable as tf.Tensor, 4));
        },
      });
      const logits = (of: Model): number[] => [...of.forward(inputsOf(of)).logits.dataSync()];
      assertClose(logits(rounded), logits(other), "logits");
      assert.deepEqual([...read].sort(), model.parameters.map((p) => p.name).sort());
    });

    test("hooks see each layer's activations and messages", () => {
      const seen = { activation: [] as number[], message: [] as number[] };
      const note = (kind: keyof typeof seen) => (map: tf.Tensor2D, layer: number) => {
        assert.equal(map.shape[0], graph.nodes);
        seen[kind].push(layer);
        return map;
      };
      const hooks = { activation: note("activation"), message: note("message") };
      const model = withHooks(create(name), hooks);
      model.forward(inputsOf(model));
      const [isDeep, sends] = [["gcnii", "mustad"].includes(name), name !== "mlp"];
      assert.deepEqual(seen.activation, isDeep ? [0, 1, 2, 3] : [1, 2]);
      assert.deepEqual(seen.message, sends ? [0, 1, 2] : []);
    });
  });
}

test("hooks upon hooks are applied in turn; what is no hook is refused", () => {
  const double: Hooks = { weight: ({ variable }) => tf.mul(variable, 2) };
  const none: Hooks = { activation: (map) => tf.zerosLike(map) };
  const logits = (model: Model): number[] => [...model.forward(inputsOf(model)).logits.dataSync()];
  const both = (one: Hooks, other: Hooks): number[] =>
    logits(withHooks(withHooks(create("mlp"), one), other));
  const bias = logits(withHooks(create("mlp"), { ...double, ...none }));
  assertClose(both(double, none), bias, "double, then none");
  assertClose(both(none, double), bias, "none, then double");
  const fourfold: Hooks = { weight: ({ variable }) => tf.mul(variable, 4) };
  const four = logits(withHooks(create("mlp"), fourfold));
  assertClose(both(double, double), four, "double twice");
  assert.throws(
    () => withHooks(create("mlp"), { weights: () => {} } as never),
    /no hook "weights"/,
  );
  assert.throws(() => withHooks(create("mlp"), { weight: 3 } as never), /weight is 3/);
});

test("a GCN that sends nothing depends only on its biases", () => {
  const silent = withHooks(create("gcn"), { message: (map) => tf.zerosLike(map) });
  const logits = silent.forward(inputsOf(silent)).logits.arraySync();
  for (const row of logits) assert.deepEqual(row, logits[0]);
});

test("a model with hooks can be trained: a student whose weights have the same magnitude", async () => {
  const model = create("mlp");
  const signs = tf.customGrad((x) => ({
    value: tf.mul(tf.sign(x as tf.Tensor), 0.3),
    gradFunc: (dy: tf.Tensor) => dy,
  }));
  const binary = withHooks(model, {
    weight: ({ variable }) => signs(variable as unknown as tf.Tensor),
  });
  const targets = splitTargets(graph, smallSplit()).value;
  const training = { epochs: 150, patience: 150, learningRate: 0.05, weightDecay: 0 };
  const config = { ...smallConfig(training), model: configOf("mlp") };
  const { curve } = await train({ config, model: binary, inputs: inputsOf(model), targets });
  assert.ok(
    Math.min(...curve.loss) < curve.loss[0]! - 0.1,
    `${curve.loss[0]} to ${curve.loss.at(-1)}`,
  );
});
