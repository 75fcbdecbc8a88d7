// Inference in integers beside float32's, both of this engine on one thread, in one run: products, sums, models.
//
//   node bench/precision.ts [--graph generated:1e6] [--milliseconds 2000]
//
// Float32 and integers take turns, and the quickest sample of each counts, in processor time: other programs only add
// to it.
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs";
import { columnsOf, formatTable } from "../src/base/table.ts";
import { symmetricNormalised } from "../src/graph/normalise.ts";
import type { GraphInputs } from "../src/models/model.ts";
import { IntegerModel } from "../src/models/precision/integer.ts";
import { precisionOf } from "../src/models/precision/precision.ts";
import { Quantised } from "../src/models/precision/quantised.ts";
import { createModel, findModel, type ModelConfig, modelTitle } from "../src/models/registry.ts";
import { SparseMatrix, spmm, startEngine, uniform } from "../src/tensor/index.ts";
import { codesOf, gridOf } from "../src/tensor/ops/grid.ts";
import {
  codeRows,
  IntegerWeights,
  integerMatMul,
  integerSpmm,
  offsetRows,
} from "../src/tensor/ops/integer.ts";
import { graphInputs } from "../src/training/inputs.ts";
import { graphOf } from "./graphs.ts";

const { values: given } = parseArgs({
  options: {
    graph: { type: "string", default: "generated:1e6" },
    milliseconds: { type: "string", default: "2000" },
  },
});
const ROWS = 4096;
const WARM_UP = 3;
/** Milliseconds that a sample lasts at least. */
const SAMPLE = 30;
const WIDTHS = [64, 256, 1024] as const;
const SUMS = [16, 64, 128] as const;
const MODELS: readonly ModelConfig[] = (["gcn", "sage", "mlp"] as const).map((kind) => ({
  ...{ kind, layers: 3, width: 128, dropout: 0, batchNorm: false },
}));

startEngine("wasm", { threads: 1 });
const [kind, variant] = given.graph.split(":") as [string, string?];
const { graph } = await graphOf(kind, variant);
const grid = gridOf(-1, 1, 8);
const matrix = (rows: number, columns: number): tf.Tensor2D => {
  const numbers = uniform(1, `${rows} x ${columns}`, rows * columns);
  return tf.tensor2d(
    numbers.map((u) => 2 * u - 1),
    [rows, columns],
  );
};

/** Milliseconds of processor time of each, a call's mean over a sample of some; the quickest sample, in turns. */
function quickest(...calls: readonly (() => unknown)[]): number[] {
  const sample = (call: () => unknown, repeats: number): number => {
    const before = process.cpuUsage();
    for (let k = 0; k < repeats; k++) tf.tidy(() => void call());
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / repeats;
  };
  const repeats = calls.map((call) => {
    for (let k = 0; k < WARM_UP; k++) sample(call, 1);
    return Math.max(1, Math.ceil(SAMPLE / Math.max(0.01, sample(call, 3))));
  });
  const best = calls.map(() => Number.POSITIVE_INFINITY);
  const until = performance.now() + Number(given.milliseconds);
  for (let turn = 0; turn < 3 || performance.now() < until; turn++) {
    for (const [k, call] of calls.entries()) {
      best[k] = Math.min(best[k]!, sample(call, repeats[k]!));
    }
  }
  return best;
}

interface Line {
  readonly what: string;
  readonly float32: number;
  readonly int8: number;
}
const lines: Line[] = [];
const add = (what: string, [float32, int8]: number[]): void => {
  lines.push({ what, float32: float32!, int8: int8! });
};

for (const width of WIDTHS) {
  const [x, w] = [matrix(ROWS, width), matrix(width, width)];
  const weights = new IntegerWeights(codesOf(w.dataSync(), grid), width, grid);
  const { codes } = offsetRows(x, grid);
  const what = `product, ${ROWS} x ${width} x ${width}`;
  add(
    what,
    quickest(
      () => tf.matMul(x, w),
      () => integerMatMul(codes, weights),
    ),
  );
  add(
    `${what}, and x rounded`,
    quickest(
      () => tf.matMul(x, w),
      () => integerMatMul(offsetRows(x, grid).codes, weights),
    ),
  );
}

const adjacency = SparseMatrix.from(symmetricNormalised(graph.adjacency));
for (const width of SUMS) {
  const x = matrix(graph.nodes, width);
  const { codes } = codeRows(x, grid);
  const what = `sums along ${adjacency.nonzeros} arcs, ${width} wide`;
  add(
    what,
    quickest(
      () => spmm(adjacency, x),
      () => integerSpmm(adjacency, codes),
    ),
  );
}

for (const config of MODELS) {
  const shape = { features: graph.features.columns, classes: graph.classes };
  const plain = createModel(config, shape, 1);
  const low = new Quantised<unknown>(
    createModel(config, shape, 1),
    precisionOf({ name: "int8", scheme: "after" }),
  );
  const inputs = findModel(config.kind).prepare(graphInputs(graph).value);
  low.calibrate(inputs);
  const integers = new IntegerModel(low, { ...config });
  add(
    `${modelTitle(config)}, all nodes`,
    quickest(
      () => plain.forward(inputs as never),
      () => integers.logits(inputs as GraphInputs),
    ),
  );
}

console.log(
  `${graph.nodes} nodes, ${graph.adjacency.indices.length} arcs; one thread; milliseconds of processor time`,
);
const rows = lines.map(({ what, float32, int8 }) => [
  what,
  ...[float32, int8, float32 / int8].map((x) => x.toFixed(2)),
]);
console.log(formatTable({ columns: columnsOf("what", "float32 | int8 | times as fast"), rows }));
