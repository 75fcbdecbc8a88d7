// RGCN: parameter counts of its published forms, initial weights, its formula in double precision, gradients of that.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { type GraphArrays, makeGraph } from "../../src/graph/make.ts";
import type { GraphShape } from "../../src/models/model.ts";
import { createModel, findModel, graphShape, modelShapes } from "../../src/models/registry.ts";
import type { RgcnConfig } from "../../src/models/rgcn.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { assertClosely, differences, dot, type Numbers, numbers } from "../tensor/support.ts";

before(() => {
  startEngine();
});

const plain: RgcnConfig = {
  ...{ kind: "rgcn", layers: 2, width: 5, dropout: 0, batchNorm: false },
  ...{ bases: 0, undirected: false, start: "glorot" },
};
const asMag = { undirected: true, start: "linear" } as const;

/** ogbn-mag's types and relations; three types have learned features of 128 numbers. */
const mag: GraphShape = {
  features: 128,
  classes: 349,
  relational: {
    types: [
      { name: "paper", nodes: 736_389 },
      { name: "author", nodes: 1_134_649, featureless: true },
      { name: "field_of_study", nodes: 59_965, featureless: true },
      { name: "institution", nodes: 8_740, featureless: true },
    ],
    relations: [
      { name: "affiliated_with", source: "author", target: "institution" },
      { name: "writes", source: "author", target: "paper" },
      { name: "cites", source: "paper", target: "paper" },
      { name: "has_topic", source: "paper", target: "field_of_study" },
    ],
  },
};
const sizeOf = (dims: readonly number[]): number => dims.reduce((size, side) => size * side, 1);

test("ogbn-mag's models have the published numbers of parameters, and learned features apart", () => {
  // chaitjo/efficient-gnns, mag/: without the 154,029,312 of the three types' learned features.
  for (const [layers, width, count] of [
    [3, 512, 5_575_540],
    [2, 32, 169_428],
    [5, 512, 11_346_804],
    [3, 32, 180_820],
    [2, 16, 85_412],
    [2, 64, 337_460],
    [2, 128, 673_524],
    [2, 256, 1_345_652],
    [2, 512, 2_689_908],
  ] as const) {
    const { parameters } = modelShapes({ ...plain, ...asMag, layers, width }, mag);
    const own = [...parameters].filter(([name]) => !name.includes(".embedding."));
    assert.equal(
      own.reduce((sum, [, dims]) => sum + sizeOf(dims), 0),
      count,
      `${layers}L-${width}`,
    );
    const learned = [...parameters].filter(([name]) => name.includes(".embedding."));
    assert.equal(
      learned.reduce((sum, [, dims]) => sum + sizeOf(dims), 0),
      154_029_312,
    );
  }
});

test("AIFB's, 2L-16H, has a matrix for each of 90 relations, one for the node itself, and a bias", () => {
  const one = { name: "entity", nodes: 8285 };
  const relations = Array.from({ length: 45 }, (_, r) => ({
    ...{ name: String(r), source: "entity", target: "entity" },
  }));
  const shape = { features: 8285, classes: 4, relational: { types: [one], relations } };
  const count = (config: RgcnConfig): number =>
    [...modelShapes(config, shape).parameters.values()].reduce(
      (sum, dims) => sum + sizeOf(dims),
      0,
    );
  // PyG's RGCNConv(8285, 16, 90) and RGCNConv(16, 4, 90): (90 + 1) inputs outputs + outputs each.
  assert.equal(count({ ...plain, width: 16 }), 91 * 8285 * 16 + 16 + 91 * 16 * 4 + 4);
  // With num_bases=30: 30 matrices and 90 x 30 coefficients.
  const bases = 31 * 8285 * 16 + 16 + 31 * 16 * 4 + 4 + 2 * 90 * 30;
  assert.equal(count({ ...plain, width: 16, bases: 30 }), bases);
});

test("what a step needs at least is known beforehand: maps of the nodes that have them, bases' matrices", () => {
  const nodes = 736_389 + 1_134_649 + 59_965 + 8_740;
  // Three numbers for each hidden one, and the logits of the papers alone.
  const { perNode, perStep } = modelShapes({ ...plain, ...asMag, width: 32 }, mag);
  assert.equal(perStep, 0);
  assert.ok(Math.abs(perNode - 3 * (32 + (349 * 736_389) / nodes)) < 1e-6);
  const based = modelShapes({ ...plain, ...asMag, width: 32, bases: 2 }, mag);
  assert.equal(based.perStep, 7 * (128 * 32 + 32 * 349));
});

test("weights start as PyG's RGCNConv, or as the Linear layers of ogbn-mag's", () => {
  const shape = { ...mag, features: 100, classes: 50 };
  const small = {
    ...shape,
    relational: {
      ...mag.relational!,
      types: mag.relational!.types.map((type) => ({ ...type, nodes: 40 })),
    },
  };
  const largest = (of: Partial<RgcnConfig>) => {
    const model = createModel({ ...plain, width: 60, ...of }, small, 1);
    const all = model.parameters.map(({ name, variable }) => {
      const x = variable.dataSync<"float32">();
      return [name, x.reduce((most, v) => Math.max(most, Math.abs(v)), 0)] as const;
    });
    model.dispose();
    return Object.fromEntries(all);
  };
  const close = (found: number, bound: number, name: string): void =>
    assert.ok(found <= bound && found > 0.9 * bound, `${name}: ${found}, not ${bound}`);
  // torch_geometric.nn.inits.glorot, of the last two dimensions; the last layer has 50 outputs.
  const glorot = largest({ bases: 3 });
  close(glorot["layer.0.weight"]!, Math.sqrt(6 / 160), "weight");
  close(glorot["layer.1.root"]!, Math.sqrt(6 / 110), "root");
  close(glorot["layer.1.coefficients"]!, Math.sqrt(6 / (8 + 3)), "coefficients");
  close(glorot["layer.0.embedding.1"]!, Math.sqrt(6 / 140), "embedding");
  assert.equal(glorot["layer.0.bias"], 0);
  // torch.nn.Linear: uniform within inputs^-1/2; torch.nn.init.xavier_uniform_ for learned features.
  const linear = largest({ ...asMag });
  close(linear["layer.0.weight"]!, 1 / 10, "weight");
  close(linear["layer.1.root"]!, 1 / Math.sqrt(60), "root");
  close(linear["layer.1.bias"]!, 1 / Math.sqrt(60), "bias");
  close(linear["layer.0.embedding.3"]!, Math.sqrt(6 / 140), "embedding");
});

type Relations = NonNullable<GraphArrays["relations"]>;
const TYPES = { paper: 6, author: 4, venue: 3 };
/** A hub, an arc to itself, nodes that no arc of a relation reaches; writes has no arc into paper 5. */
const RELATIONS: Relations = {
  cites: { source: "paper", target: "paper", from: [0, 1, 2, 3, 4, 5], to: [1, 2, 1, 1, 1, 5] },
  writes: { source: "author", target: "paper", from: [0, 0, 1, 2], to: [0, 1, 1, 3] },
  at: { source: "paper", target: "venue", from: [0, 1, 2, 5], to: [0, 0, 1, 1] },
};
const INPUTS = 4;

function graphOf(features: readonly number[][]) {
  const labels = [0, 1, 2, 0, 1, 2];
  return makeGraph({ types: TYPES, relations: RELATIONS, features, featuresAsIs: true, labels });
}

const full = Array.from({ length: 13 }, (_, n) => [...numbers(INPUTS, n)]);
/** Venues have none; papers have few, so that they are read as a sparse matrix. */
const some = full.map((row, n) => row.map((x, c) => (n < 10 && (n + c) % 5 === 0 ? x : 0)));

/** The maps of both layers by the paper's eq. 2, in double precision. */
function naive(
  config: RgcnConfig,
  features: readonly number[][],
  weights: Readonly<Record<string, Numbers>>,
  classes: number,
): Float64Array[] {
  const types = Object.entries(TYPES);
  const first = (name: string): number => {
    const at = types.findIndex(([type]) => type === name);
    return types.slice(0, at).reduce((sum, [, size]) => sum + size, 0);
  };
  const read = Object.values(RELATIONS).flatMap(({ source, target, from, to }) => {
    const ways = [
      Array.from(from, (a, k) => [first(source) + a, first(target) + to[k]!] as const),
      Array.from(from, (a, k) => [first(target) + to[k]!, first(source) + a] as const),
    ];
    if (!config.undirected || source !== target) return ways;
    const both = new Map(ways.flat().map((pair) => [pair.join(), pair]));
    return [[...both.values()]];
  });
  const typeOf = types.flatMap(([, size], t) => new Array<number>(size).fill(t));
  let hidden = features.map((row, n) => {
    const own = weights[`layer.0.embedding.${typeOf[n]}`];
    const at = n - first(types[typeOf[n]!]![0]);
    return own ? Array.from({ length: INPUTS }, (_, c) => own[at * INPUTS + c]!) : row;
  });
  const maps: Float64Array[] = [];
  for (let l = 0; l < 2; l++) {
    const [inputs, outputs] = [l === 0 ? INPUTS : config.width, l === 0 ? config.width : classes];
    const part = (name: string): Numbers => weights[`layer.${l}.${name}`]!;
    const matrixOf = (r: number, i: number, o: number): number => {
      const one = (b: number): number => part("weight")[(b * inputs + i) * outputs + o]!;
      if (config.bases === 0) return one(r);
      const bases = Array.from({ length: config.bases }, (_, b) => b);
      return bases.reduce(
        (sum, b) => sum + part("coefficients")[r * config.bases + b]! * one(b),
        0,
      );
    };
    const map = hidden.map((row, n) =>
      Array.from({ length: outputs }, (_, o) => {
        const t = typeOf[n]!;
        const own = row.reduce(
          (sum, x, i) => sum + x * part("root")[(t * inputs + i) * outputs + o]!,
          part("bias")[t * outputs + o]!,
        );
        return read.reduce((sum, arcs, r) => {
          const sources = arcs.filter(([, to]) => to === n).map(([from]) => hidden[from]!);
          const sent = sources.map((x) => x.reduce((all, v, i) => all + v * matrixOf(r, i, o), 0));
          return sum + sent.reduce((all, x) => all + x, 0) / Math.max(1, sent.length);
        }, own);
      }),
    );
    maps.push(Float64Array.from(map.flat()));
    hidden = map.map((row) => row.map((x) => Math.max(0, x)));
  }
  return maps;
}

for (const [name, features, config] of [
  ["with features of all types", full, plain],
  [
    "with learned features, cites both ways, the last layer wider",
    some,
    { ...plain, ...asMag, width: 2 },
  ],
  ["with bases", some, { ...plain, bases: 2 }],
] as const) {
  describe(`RGCN ${name}`, () => {
    const graph = graphOf(features.map((row) => [...row]));
    const shape = graphShape(graph, "rgcn");
    const [items, nodes, classes] = [6, 13, 3];
    const made = () => {
      const model = createModel(config as RgcnConfig, shape, 5);
      for (const { name: own, variable } of model.parameters) {
        variable.assign(tf.tensor(numbers(variable.size, own.length), variable.shape));
      }
      const weights = Object.fromEntries(
        model.parameters.map((own) => [own.name, own.variable.dataSync<"float32">()]),
      );
      return { model, weights };
    };

    test("has the formula's maps; its logits are the first type's", () => {
      const { model, weights } = made();
      const { blocks } = memory();
      const forms = graphInputs(graph);
      const inputs = findModel("rgcn").prepare(forms.value) as never;
      const expected = naive(config, features as never, weights, classes);
      tf.tidy(() => {
        const { logits, layers } = model.forward(inputs, { reads: "layers" });
        expected.forEach((map, l) => {
          assertClosely(layers!.at(l).dataSync(), map, 2e-5, `map ${l}`);
        });
        assert.deepEqual(logits.shape, [items, classes]);
        assertClosely(logits.dataSync(), expected[1]!.slice(0, items * classes), 2e-5, "logits");
        // Where messages are read, each relation's are formed; they change nothing here.
        const message = (map: tf.Tensor2D) => {
          assert.equal(map.shape[0], nodes);
          return map;
        };
        const hooked = model.forward(inputs, { hooks: { message } }).logits;
        assertClosely(hooked.dataSync(), logits.dataSync(), 2e-5, "with a hook");
      });
      forms.dispose();
      assert.equal(memory().blocks, blocks, "dispose() frees the graph");
      model.dispose();
    });

    test("has the formula's gradients, of the items' logits and of all maps", () => {
      const { model, weights } = made();
      const forms = graphInputs(graph);
      const inputs = findModel("rgcn").prepare(forms.value) as never;
      const taps = [
        numbers(items * classes, 21),
        numbers(nodes * config.width, 22),
        numbers(nodes * classes, 23),
      ];
      const loss = (all: Readonly<Record<string, Numbers>>): number => {
        const maps = naive(config, features as never, all, classes);
        const own = maps[1]!.slice(0, items * classes);
        return dot(own, taps[0]!) + dot(maps[0]!, taps[1]!) + dot(maps[1]!, taps[2]!);
      };
      const { grads } = tf.variableGrads(
        () => {
          const { logits, layers } = model.forward(inputs, { reads: "layers" });
          const sum = (x: tf.Tensor, by: Float32Array) => tf.sum(tf.mul(x, tf.tensor(by, x.shape)));
          const [first, last] = [layers!.at(0), layers!.at(1)];
          const taken = [sum(logits, taps[0]!), sum(first, taps[1]!), sum(last, taps[2]!)];
          return tf.addN(taken) as tf.Scalar;
        },
        model.parameters.map(({ variable }) => variable),
      );
      for (const { name: own, variable } of model.parameters) {
        const slope = differences((x) => loss({ ...weights, [own]: x }), weights[own]!);
        assert.ok(
          slope.some((x) => Math.abs(x) > 1e-3),
          `${own} has an effect`,
        );
        assertClosely(grads[variable.name]!.dataSync(), slope, 2e-4, own);
      }
      model.dispose();
      forms.dispose();
    });
  });
}
