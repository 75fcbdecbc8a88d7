// Inference in integers: the kernels and whole models, bit for bit those of plain loops.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { IntegerModel } from "../../src/models/precision/integer.ts";
import { precisionOf } from "../../src/models/precision/precision.ts";
import {
  MAP_RANGES,
  mapSlot,
  Quantised,
  roundedNames,
  WEIGHT_RANGES,
} from "../../src/models/precision/quantised.ts";
import { createModel, findModel, type ModelConfig } from "../../src/models/registry.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { memory, startEngine } from "../../src/tensor/index.ts";
import { codesOf, gridOf } from "../../src/tensor/ops/grid.ts";
import {
  codeRows,
  IntegerWeights,
  integerMatMul,
  integerSpmm,
  offsetRows,
} from "../../src/tensor/ops/integer.ts";
import { SparseMatrix } from "../../src/tensor/ops/sparse.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { numbers, randomSparse } from "../tensor/support.ts";
import { smallGraph } from "../training/small.ts";
import { plainLogits } from "./integer-oracle.ts";

before(() => startEngine());

const graph = smallGraph();

test("products are exact for every shape, beyond what float32 sums can hold", () => {
  for (const rows of [1, 3, 4, 9]) {
    for (const inner of [1, 2, 7, 1040]) {
      for (const columns of [1, 4, 7, 8, 19, 40]) {
        // All at the grid's ends: 1,040 products of 255 x 255 pass 2^24.
        const [x, w] = [numbers(rows * inner, rows), numbers(inner * columns, columns)].map((all) =>
          all.map((value) => Math.sign(value) * 9 + 1e-3),
        ) as [Float32Array, Float32Array];
        const [xGrid, wGrid] = [gridOf(0, 1, 8), gridOf(-3, 3, 8)];
        const weights = new IntegerWeights(codesOf(w, wGrid), columns, wGrid);
        const found = tf.tidy(() => {
          const { codes } = offsetRows(tf.tensor2d(x, [rows, inner]), xGrid);
          return integerMatMul(codes, weights).dataSync();
        });
        const [a, b] = [codesOf(x, xGrid), codesOf(w, wGrid)];
        for (let k = 0; k < found.length; k++) {
          const [r, c] = [Math.trunc(k / columns), k % columns];
          let sum = 0;
          for (let i = 0; i < inner; i++) {
            sum += (a[r * inner + i]! - xGrid.zero) * (b[i * columns + c]! - wGrid.zero);
          }
          const expected = Math.fround(Math.fround(sum) * Math.fround(xGrid.scale * wGrid.scale));
          assert.equal(found[k], expected, `${rows} x ${inner} x ${columns} at ${k}`);
        }
        weights.dispose();
      }
    }
  }
});

test("sums along rows are exact for every width, rows of any number of entries", () => {
  const matrix = SparseMatrix.from(randomSparse(23, 17, 5));
  const { codes, scales } = matrix.codes();
  for (const bits of [4, 8] as const) {
    for (const columns of [1, 5, 16, 17, 32, 40, 70]) {
      const x = numbers(17 * columns, columns);
      const grid = gridOf(-0.4, 0.9, bits);
      const { found, values } = tf.tidy(() => {
        const coded = codeRows(tf.tensor2d(x, [17, columns]), grid, true);
        return {
          found: integerSpmm(matrix, coded.codes).dataSync(),
          values: coded.values!.dataSync(),
        };
      });
      const own = codesOf(x, grid);
      assert.deepEqual(
        values,
        Float32Array.from(own, (code) => (code - grid.zero) * grid.scale),
      );
      const { indptr, indices } = matrix.host;
      for (let k = 0; k < found.length; k++) {
        const [r, c] = [Math.trunc(k / columns), k % columns];
        let sum = 0;
        for (let e = indptr[r]!; e < indptr[r + 1]!; e++) {
          sum += codes[e]! * (own[indices[e]! * columns + c]! - grid.zero);
        }
        assert.equal(
          found[k],
          Math.fround(Math.fround(sum) * Math.fround(scales[r]! * grid.scale)),
        );
      }
    }
  }
  matrix.dispose();
});

test("rows and products that may pass 32 bits are refused", () => {
  const entries = 70_000;
  const indptr = Int32Array.of(0, entries);
  const wide = SparseMatrix.from({
    rows: 1,
    columns: entries,
    indptr,
    indices: Int32Array.from({ length: entries }, (_, k) => k),
  });
  assert.throws(() => wide.integerRows(), /70000 entries: their integer sum may not fit 32 bits/);
  const grid = gridOf(-1, 1, 8);
  assert.throws(() => new IntegerWeights(new Int8Array(40_000), 1, grid).panels(), /may not fit/);
  wide.dispose();
});

test("the same bits on 1, 2 and 5 threads, with work split anywhere", () => {
  const { engine } = runningBackend();
  const { threads, smallestChunk } = engine;
  const matrix = SparseMatrix.from(randomSparse(41, 29, 5));
  const grid = gridOf(-0.4, 0.9, 8);
  const weights = new IntegerWeights(codesOf(numbers(29 * 21, 2), grid), 21, grid);
  const bias = tf.tensor1d(numbers(21, 4));
  const all = [1, 2, 5].map((count) => {
    engine.threads = count;
    engine.smallestChunk = 1;
    return tf.tidy(() => {
      const x = tf.tensor2d(numbers(33 * 29, 3), [33, 29]);
      const product = integerMatMul(offsetRows(x, grid, { relu: true }).codes, weights, bias);
      const message = codeRows(tf.slice(product, [0, 0], [29, 21]), grid, true);
      const sums = integerSpmm(matrix, message.codes, bias);
      return [product, message.values!, sums].map((one) => one.dataSync());
    });
  });
  engine.threads = threads;
  engine.smallestChunk = smallestChunk;
  assert.deepEqual(all[1], all[0]);
  assert.deepEqual(all[2], all[0]);
  for (const held of [matrix, weights, bias]) held.dispose();
});

const KINDS = ["gcn", "sage", "gin", "mlp", "gcnii", "mustad"] as const;
for (const kind of KINDS) {
  describe(kind, () => {
    for (const name of ["int8", "int4"] as const) {
      test(`${name}: logits are the plain loops', bit for bit, and near the simulation's`, () => {
        const blocks = memory().blocks;
        const forms = graphInputs(graph);
        const { defaults } = findModel(kind);
        const sizes = { layers: 3, width: 5, dropout: 0.2 };
        const options = {
          ...defaults,
          ...sizes,
          ...("batchNorm" in defaults && { batchNorm: kind !== "mlp" }),
        };
        const config = { kind, ...options } as unknown as ModelConfig;
        const shape = { features: graph.features.columns, classes: 3 };
        const model = new Quantised<unknown>(createModel(config, shape, 3), precisionOf({ name }));
        for (const parameter of [...model.parameters, ...model.buffers]) {
          if (parameter.name.startsWith("ranges.")) continue;
          const { variable } = parameter;
          const drawn = numbers(variable.size, parameter.name.length);
          const values = drawn.map((x) => (parameter.name.endsWith("variance") ? 0.5 + x * x : x));
          tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
        }
        const inputs = findModel(kind).prepare(forms.value) as never;
        // Two training passes set the ranges; statistics stay as they were drawn.
        for (const step of [0, 1]) {
          tf.tidy(() => {
            const { moved } = model.forward(inputs, { dropout: { seed: 1, step } });
            for (const { name: buffer, variable } of model.buffers) {
              if (!buffer.startsWith("ranges.")) continue;
              variable.assign(tf.tensor(moved!.get(buffer)!, variable.shape));
            }
          });
        }
        const integers = new IntegerModel(model, config as never);
        const found = tf.tidy(() => integers.logits(inputs).dataSync<"float32">());
        const all = [...model.parameters, ...model.buffers];
        const parameters = new Map(
          all.map((one) => [
            one.name,
            { shape: one.variable.shape, values: one.variable.dataSync() },
          ]),
        );
        const names = roundedNames(
          new Map(model.parameters.map((p) => [p.name, p.variable.shape])),
        );
        const ends = (of: string, slot: number): [number, number] => {
          const { values } = parameters.get(of)!;
          assert.equal(values[3 * slot + 2], 1);
          return [values[3 * slot]!, values[3 * slot + 1]!];
        };
        const { adjacency, features } = inputs as Record<string, SparseMatrix>;
        const expected = plainLogits({
          ...{ kind, layers: 3, bits: name === "int8" ? 8 : 4, parameters },
          ...{
            alpha: Number(options["alpha" as never]),
            lambda: Number(options["lambda" as never]),
          },
          features: features!.host,
          adjacency: (adjacency ?? features)!.host,
          weightRange: (one) => ends(WEIGHT_RANGES, names.indexOf(one)),
          mapRange: (part, layer) => ends(MAP_RANGES, mapSlot(part as "inner", layer)),
        });
        assert.deepEqual(found, expected);
        const simulated = tf.tidy(() => model.forward(inputs).logits.dataSync());
        const size = Math.max(...simulated.map(Math.abs));
        // A number on a grid's edge may fall to the other side: a step of few is much, but most agree.
        const near = found.filter((x, k) => Math.abs(x - simulated[k]!) < 1e-4 * size).length;
        assert.ok(near > 0.5 * found.length, `${near} of ${found.length} near`);
        for (const held of [integers, model, forms]) held.dispose();
        assert.equal(memory().blocks, blocks, "dispose() frees everything");
      });
    }
  });
}

test("kinds with float products are refused by name", () => {
  const config = { kind: "gat", ...findModel("gat").defaults } as never;
  const model = new Quantised(
    createModel(config, { features: 4, classes: 3 }, 1),
    precisionOf({ name: "int8" }),
  );
  assert.throws(
    () => new IntegerModel(model, config),
    /kind "gat" has no integer inference; .*gcn, sage/,
  );
  const mlp = { kind: "mlp", ...findModel("mlp").defaults } as never;
  const fresh = new Quantised(
    createModel(mlp, { features: 4, classes: 3 }, 1),
    precisionOf({ name: "int8" }),
  );
  assert.throws(() => new IntegerModel(fresh, mlp), /no range for layer.0.weight: train it/);
  for (const each of [model, fresh]) each.dispose();
});
