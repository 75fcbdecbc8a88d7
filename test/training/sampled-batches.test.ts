// Batches of sampled neighbours and of random walks: GraphSAGE on them, exact with all neighbours, and a stop within an
// epoch.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import { resolveOptions } from "../../src/base/options.ts";
import { createDistillation, findMethod } from "../../src/distillation/registry.ts";
import { FrozenTeacher } from "../../src/distillation/teacher.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { Model } from "../../src/models/model.ts";
import { createModel, findModel } from "../../src/models/registry.ts";
import type { SageInputs } from "../../src/models/sage.ts";
import { memory, startEngine, type Targets } from "../../src/tensor/index.ts";
import type { TrainingState } from "../../src/training/checkpoint.ts";
import { checkConfig } from "../../src/training/config-check.ts";
import { graphInputs, splitTargets } from "../../src/training/inputs.ts";
import type { RunConfig, SamplerConfig } from "../../src/training/run.ts";
import { sampledBatches } from "../../src/training/sampled-batches.ts";
import { type TrainingOptions, train } from "../../src/training/train.ts";
import { assertClose } from "../tensor/support.ts";
import { smallConfig, smallGraph, smallSplit } from "./small.ts";

startEngine("wasm", { threads: 1 });
const split = smallSplit();
const sparse = smallGraph();
/** The same with features of which most are not 0, which are multiplied as a dense matrix. */
const dense: Graph = {
  ...sparse,
  featuresAsIs: true,
  features: {
    ...{ rows: 60, columns: 5 },
    indptr: Int32Array.from({ length: 61 }, (_, row) => 5 * row),
    indices: Int32Array.from({ length: 300 }, (_, k) => k % 5),
    values: Float32Array.from({ length: 300 }, (_, k) => Math.sin(7 * k)),
  },
};

const model = { kind: "sage", layers: 2, width: 6, dropout: 0.4, batchNorm: true } as const;
/** A node of the small graph has 4 neighbours. */
const all: SamplerConfig = { name: "neighbours", fanOut: "4,4" };
const some: SamplerConfig = { name: "neighbours", fanOut: "3,2" };
const walks: SamplerConfig = { name: "walks", length: 3, steps: 4 };

function parts(graph: Graph) {
  const [forms, targets] = [graphInputs(graph), splitTargets(graph, split)];
  const inputs = findModel("sage").prepare(forms.value) as SageInputs;
  const whole = { inputs, targets: targets.value };
  const drawn = { graph, split, size: 9, model, sampler: some, alone: false };
  return {
    ...{ whole, drawn, forms: forms.value },
    dispose() {
      for (const held of [forms, targets]) held.dispose();
    },
  };
}

/** The loss on a batch's training nodes, and its gradient for each parameter. */
function lossAndGradients(own: Model, inputs: unknown, targets: Targets) {
  const variables = own.parameters.map(({ variable }) => variable);
  return tf.tidy(() => {
    const loss = () => targets.loss(own.forward(inputs).logits);
    const { value, grads } = tf.variableGrads(loss, variables);
    return [value, ...variables.map(({ name }) => grads[name]!)].map((x) => [...x.dataSync()]);
  });
}

for (const [name, graph] of Object.entries({ sparse, dense })) {
  test(`${name} features: with all neighbours, a batch has the whole graph's logits, maps and gradients`, () => {
    const { whole, drawn, dispose } = parts(graph);
    const own = createModel(model, { features: graph.features.columns, classes: 3 }, 2);
    const { logits, hidden, layers } = own.forward(whole.inputs, { reads: "layers" });
    const known = [logits, hidden!, layers!.at(0)].map((x) => x.arraySync());
    const batches = sampledBatches(whole, { ...drawn, sampler: all });
    let count = 0;
    for (const { inputs, nodes, targets } of batches.epoch(3, 0)) {
      const found = own.forward(inputs as SageInputs, { reads: "layers" });
      const maps = [found.logits, found.hidden!, found.layers!.at(0)];
      for (const [k, map] of maps.entries()) {
        assert.equal(map.shape[0], nodes!.length);
        const rows = [...nodes!].map((node) => known[k]![node]!);
        assertClose(map.arraySync().flat(), rows.flat(), 1e-5, `map ${k}`);
      }
      const train = targets.train as Targets;
      const labelled = Int32Array.from(train.chosen, (row) => nodes![row]!);
      const same = splitTargets(graph, { ...split, train: labelled, val: split.val });
      const exact = lossAndGradients(own, whole.inputs, same.value.train as Targets);
      const sampled = lossAndGradients(own, inputs, train);
      for (const [k, numbers] of sampled.entries())
        assertClose(numbers, exact[k]!, 1e-5, `number ${k}`);
      same.dispose();
      count++;
    }
    assert.equal(count, 8);
    dispose();
  });
}

test("an epoch of neighbours deals each node, or each training node, once; equal seeds draw equal parts", () => {
  const { whole, drawn, dispose } = parts(sparse);
  const before = memory().used;
  for (const alone of [false, true]) {
    const batches = sampledBatches(whole, { ...drawn, alone });
    const drawnIn = (seed: number, epoch: number) =>
      [...batches.epoch(seed, epoch)].map(({ nodes, inputs, targets }) => {
        const { layers, batch } = inputs as SageInputs;
        assert.equal(batch, nodes!.length);
        assert.ok((targets.train as Targets).count > 0);
        return { nodes: [...nodes!], arcs: layers!.map(({ host }) => [...host.indices]) };
      });
    const first = drawnIn(3, 0);
    const expected = alone ? [...split.train] : [...Array(60).keys()];
    assert.deepEqual(
      first.flatMap(({ nodes }) => nodes).sort((a, b) => a - b),
      expected,
    );
    assert.deepEqual(drawnIn(3, 0), first);
    assert.notDeepEqual(drawnIn(3, 1), first);
    assert.notDeepEqual(drawnIn(4, 0), first);
  }
  assert.equal(memory().used, before, "each batch frees what it holds");
  dispose();
});

test("each step of walks has a training node, and its own draws", () => {
  const { whole, drawn, dispose } = parts(dense);
  const batches = sampledBatches(whole, { ...drawn, size: 2, sampler: walks });
  const seen = [...batches.epoch(3, 0)].map(({ nodes, inputs, targets }) => {
    const { layers, batch } = inputs as SageInputs;
    assert.equal(batch, nodes!.length);
    assert.equal(layers![0], layers![1]);
    const labelled = [...nodes!.keys()].filter((row) => split.train.includes(nodes![row]!));
    assert.ok(labelled.length > 0);
    assert.deepEqual([...(targets.train as Targets).chosen], labelled);
    return String(nodes);
  });
  assert.equal(new Set(seen).size, 4);
  dispose();
});

async function run(sampler: SamplerConfig, options: TrainingOptions = {}) {
  const { whole, drawn, forms, dispose } = parts(dense);
  const { name, version } = findMethod("softkd");
  const given = resolveOptions(findMethod("softkd"), { hardWeight: 0.3 });
  const config: RunConfig = {
    ...smallConfig({ epochs: 3, batch: 16, sampler }),
    ...{ model, method: { name, version, options: given } },
  };
  checkConfig({ ...config, dataset: "cora", split: "public", method: undefined as never });
  const shape = { features: 5, classes: 3 };
  const known = createModel({ ...model, kind: "gcn" }, shape, 7);
  const teacher = new FrozenTeacher(known, forms);
  const student = createModel(model, shape, config.seed);
  const distillation = createDistillation(config.method!, {
    ...{ teacher, graph: forms, student: student.outline, seed: config.seed },
    train: whole.targets.train,
  });
  const batches = sampledBatches(whole, { ...drawn, size: 16, sampler });
  const task = { ...whole, config, model: student, distillation, batches };
  const { curve } = await train(task as never, options);
  const weights = student.parameters.map(({ variable }) => [...variable.dataSync()]);
  for (const held of [distillation, teacher, student, known]) held.dispose();
  dispose();
  return { curve, weights };
}

for (const sampler of [some, walks]) {
  test(`${sampler.name}: a training stopped after any step ends in the same bits, on 1 and 2 threads`, async () => {
    const whole = await run(sampler);
    const states: TrainingState[] = [];
    const save = (state: TrainingState): void => {
      states.push(structuredClone(state));
    };
    await run(sampler, { checkpoints: { everySeconds: 0, save } });
    assert.equal(states.length, 12);
    for (const from of states.filter(({ within }) => within)) {
      assert.deepEqual(await run(sampler, { from }), whole, `after step ${from.step}`);
    }
    startEngine("wasm", { threads: 2 });
    assert.deepEqual(await run(sampler), whole);
    startEngine("wasm", { threads: 1 });
  });
}

test("what cannot be sampled is refused", () => {
  const config = (training: Partial<RunConfig["training"]>, kind = "sage"): RunConfig => ({
    ...smallConfig(training),
    ...{ dataset: "cora", split: "public" },
    model: { ...findModel(kind).defaults, kind } as RunConfig["model"],
  });
  const refused = (given: RunConfig, message: RegExp) =>
    assert.throws(
      () => checkConfig(given),
      (error) => error instanceof OptionError && message.test(error.message),
    );
  refused(config({ sampler: some }), /sampler needs batch/);
  refused(config({ batch: 9 }), /sage reads arcs: give a sampler too/);
  refused(config({ batch: 9, sampler: some }, "gat"), /gat reads the whole graph.* no sampler/);
  const one: SamplerConfig = { name: "neighbours", fanOut: "5" };
  refused(config({ batch: 9, sampler: one }), /fan-out 5 is for 1 layers, but the model has 2/);
  for (const fanOut of ["", "0", "5,", "5,0", "1e3", "5;5"]) {
    const sampler: SamplerConfig = { name: "neighbours", fanOut };
    refused(config({ batch: 9, sampler }), /fanOut.*legal: whole numbers from 1, as 15,10/);
  }
});
