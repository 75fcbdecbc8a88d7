// Models beside PyTorch Geometric's layers: pyg.json and rgcn.json have what those give; pyg.py and rgcn.py write them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { type GraphArrays, makeGraph } from "../../src/graph/make.ts";
import { createModel, findModel, graphShape, type ModelConfig } from "../../src/models/registry.ts";
import { startEngine, Targets } from "../../src/tensor/index.ts";
import { graphInputs } from "../../src/training/inputs.ts";

type Numbers = number | readonly Numbers[];

/** A graph, and the nodes that train; for all cases, or one. */
interface Subject {
  readonly graph: GraphArrays;
  readonly train: readonly number[];
}

interface Oracle extends Partial<Subject> {
  readonly cases: readonly (Partial<Subject> & {
    readonly name: string;
    readonly model: ModelConfig;
    readonly parameters: Readonly<Record<string, Numbers>>;
    readonly loss: number;
    readonly gradients: Readonly<Record<string, Numbers>>;
    readonly buffers: Readonly<Record<string, Numbers>>;
    readonly logits: Numbers;
  })[];
}

const cases = ["pyg.json", "rgcn.json"].flatMap((name) => {
  const file = new URL(name, import.meta.url);
  const { cases: own, graph, train } = JSON.parse(readFileSync(file, "utf8")) as Oracle;
  return own.map((one) => ({ ...({ graph, train } as Subject), ...one }));
});

before(() => {
  startEngine();
});

const flat = (numbers: Numbers): number[] =>
  typeof numbers === "number" ? [numbers] : numbers.flatMap(flat);

function assertClose(found: ArrayLike<number>, expected: Numbers, what: string): void {
  const wanted = flat(expected);
  assert.equal(found.length, wanted.length, what);
  const off = Math.max(...wanted.map((x, k) => Math.abs(found[k]! - x)));
  assert.ok(off < 1e-5, `${what}: off by ${off}`);
}

for (const { name, model: config, parameters, train, ...expected } of cases) {
  test(`${name}: logits, gradients and running statistics are PyG's`, () => {
    const graph = makeGraph(expected.graph);
    const { classes, labels } = graph;
    const model = createModel(config, graphShape(graph, config.kind), 1);
    const inputs = findModel(config.kind).prepare(graphInputs(graph).value) as never;
    const names = model.parameters.map((parameter) => parameter.name);
    assert.deepEqual(names.sort(), Object.keys(parameters).sort());
    for (const { name, variable } of model.parameters) {
      variable.assign(tf.tensor(flat(parameters[name]!), variable.shape));
    }
    const targets = new Targets(labels, Int32Array.from(train), classes);
    let moved: ReadonlyMap<string, Float32Array> = new Map();
    const { value, grads } = tf.variableGrads(() => {
      const outputs = model.forward(inputs, { dropout: { seed: 1, step: 0 } });
      moved = outputs.moved ?? moved;
      return targets.loss(outputs.logits);
    });
    assertClose(value.dataSync(), expected.loss, "loss");
    for (const { name, variable } of model.parameters) {
      assertClose(grads[variable.name]!.dataSync(), expected.gradients[name]!, name);
    }
    assert.deepEqual([...moved.keys()].sort(), Object.keys(expected.buffers).sort());
    for (const { name, variable } of model.buffers ?? []) {
      assertClose(moved.get(name)!, expected.buffers[name]!, name);
      variable.assign(tf.tensor(moved.get(name)!, variable.shape));
    }
    assertClose(model.forward(inputs).logits.dataSync(), expected.logits, "logits");
  });
}
