// The storage of sparse matrices for narrow layers, and its kernels: the sums are the same to the bit.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import type { Csr } from "../../src/graph/csr.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { runningBackend } from "../../src/tensor/engine/backend.ts";
import { gcniiConvolutions, SparseMatrix, startEngine } from "../../src/tensor/index.ts";
import {
  convolutionStorage,
  NarrowRows,
  productStorage,
  type Storage,
  storageAsItLies,
} from "../../src/tensor/ops/narrow-rows.ts";
import { sparseProduct } from "../../src/tensor/ops/sparse.ts";
import { assertSameBits, dense, numbers, product, ROUNDING, randomSparse } from "./support.ts";
import { check, FLAVOURS, type Trial } from "./trial.ts";

/** Shapes with and without 16-bit indices, and with rows in one block of columns and in several. */
const SHAPES: readonly (readonly [rows: number, columns: number, blocks: number])[] = [
  [0, 3, 1],
  [1, 1, 1],
  [41, 30, 1],
  [1030, 9, 1],
  [9, 5000, 3],
  [14, 2 ** 16, 32],
  [8, 2 ** 16 + 1, 33],
];

before(() => {
  startEngine("wasm", { threads: 1 });
});

/** A square matrix with hubs of many lengths among short and empty rows. */
function hubs(size: number): Csr {
  const [from, to]: [number[], number[]] = [[], []];
  for (let row = 0; row < size; row++) {
    const length = row % 9 === 0 ? row % 61 : row % 5;
    for (let k = 0; k < length; k++) {
      from.push(row);
      to.push((row * 7 + k * 13) % size);
    }
  }
  const matrix = csrFromPairs(size, size, from, to);
  return { ...matrix, values: numbers(matrix.indices.length, size) };
}

/** Asserts what all storages have in common. */
function assertWhole(host: Csr, { order, blocks, starts, position }: Storage): void {
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...host.indptr.keys()].slice(0, -1),
  );
  assert.equal(starts.length, blocks * host.rows + 1);
  assert.equal(starts.at(-1), host.indices.length);
  assert.deepEqual(
    [...position].sort((a, b) => a - b),
    [...host.indices.keys()],
  );
}

describe("storage", () => {
  for (const [rows, columns, blocks] of SHAPES) {
    test(`of ${rows} x ${columns}: a row's entries are in order, in fours in all blocks but the last`, () => {
      const host = randomSparse(rows, columns, 2);
      const storage = productStorage(host);
      assert.equal(storage.blocks, blocks);
      assertWhole(host, storage);
      for (const [place, row] of storage.order.entries()) {
        const entries = Array.from({ length: blocks }, (_, block) => {
          const at = block * rows + place;
          return [...storage.position.subarray(storage.starts[at]!, storage.starts[at + 1]!)];
        });
        const all = Array.from(
          { length: host.indptr[row + 1]! - host.indptr[row]! },
          (_, k) => host.indptr[row]! + k,
        );
        assert.deepEqual(entries.flat(), all);
        for (const part of entries.slice(0, -1)) assert.equal(part.length % 4, 0);
      }
    });
  }

  test("for convolutions: sorted by length in each unit, four rows at a time", () => {
    const host = hubs(1003);
    const { order, starts, position, blocks } = convolutionStorage(host, 256);
    assertWhole(host, { order, starts, position, blocks });
    const length = (place: number): number => starts[place + 1]! - starts[place]!;
    for (let place = 0; place < 1000; place += 4) {
      const four = [0, 1, 2, 3].map((i) => order[place + i]!);
      for (let i = 1; i < 4; i++) assert.ok(length(place + i) >= length(place + i - 1));
      for (let k = 0; k < length(place); k++) {
        for (const [i, row] of four.entries()) {
          assert.equal(position[starts[place]! + 4 * k + i], host.indptr[row]! + k);
        }
      }
    }
  });

  test("in the matrix's own order: every entry is at its place", () => {
    const host = hubs(100);
    const { order, starts, position } = storageAsItLies(host);
    assert.deepEqual([...order], [...order.keys()]);
    assert.deepEqual(starts, host.indptr);
    assert.deepEqual([...position], [...position.keys()]);
  });
});

/** Packs 16-bit numbers into words. */
function packed(short: Uint16Array): Int32Array {
  const words = new Int32Array(Math.ceil(short.length / 2));
  new Uint16Array(words.buffer).set(short);
  return words;
}

function productTrial(host: Csr, width: number, withBias: boolean): Trial {
  const { rows, columns } = host;
  const { order, blocks, starts, position } = productStorage(host);
  const x = numbers(columns * width, 5);
  const bias = numbers(width, 6);
  const full = dense(host);
  const values = product(full, x, rows, columns, width);
  const absolute = product(full.map(Math.abs), x.map(Math.abs), rows, columns, width);
  if (withBias) {
    for (const i of values.keys()) {
      values[i]! += bias[i % width]!;
      absolute[i]! += Math.abs(bias[i % width]!);
    }
  }
  const indices = position.map((k) => host.indices[k]!);
  const short = columns <= 2 ** 16;
  const widest = Math.max(0, ...order.map((row) => host.indptr[row + 1]! - host.indptr[row]!));
  return {
    title: `${rows} x ${columns} times ${columns} x ${width}`,
    kernel: "narrowProduct",
    units: rows,
    inputs: {
      ...{ starts, order, bias, x },
      indices: short ? packed(Uint16Array.from(indices)) : indices,
      values: Float32Array.from(position, (k) => host.values![k]!),
    },
    outputs: { y: rows * width, ...(blocks > 1 && { sums: rows * 16 }) },
    args: [
      ...["starts", "order", "indices", "values", "x", "y", width, withBias ? "bias" : 0],
      ...[rows, blocks, blocks > 1 ? "sums" : 0, short ? 2 : 4],
    ],
    expected: {
      y: { values, tolerance: absolute.map((sum) => sum * (widest + 4) * ROUNDING) },
    },
  };
}

for (const flavour of FLAVOURS) {
  describe(flavour, () => {
    for (const [rows, columns, blocks] of SHAPES) {
      test(`narrowProduct of ${rows} x ${columns} in ${blocks} blocks`, () => {
        const host = randomSparse(rows, columns, 2);
        for (const width of [4, 8, 16]) {
          if (width > 4 && columns > 2 ** 16) continue;
          check(flavour, productTrial(host, width, width === 8));
          check(flavour, productTrial(host, width, width !== 8));
        }
      });
    }
  });
}

describe("bits", () => {
  function narrowProduct(host: Csr, storage: Storage, x: tf.Tensor2D): Float32Array {
    const backend = runningBackend();
    const rows = new NarrowRows(host, storage);
    const width = x.shape[1];
    const [y, sums] = [tf.zeros([host.rows, width]), tf.zeros([host.rows, 16])];
    backend.engine.run(
      ...(["narrowProduct", host.rows, rows.starts.address, rows.order.address] as const),
      ...[rows.indices.address, rows.values.address, backend.address(x), backend.address(y)],
      ...[width, 0, host.rows, rows.blocks, backend.address(sums), rows.indexBytes],
    );
    rows.dispose();
    return y.dataSync<"float32">();
  }

  for (const [rows, columns, blocks] of SHAPES) {
    test(`${rows} x ${columns}: sums by ${blocks} blocks equal those of rows in their own order`, () => {
      const host = randomSparse(rows, columns, 2);
      for (const width of [4, 8, 16]) {
        tf.tidy(() => {
          const x = tf.tensor2d(numbers(columns * width, 8), [columns, width]);
          const inBlocks = narrowProduct(host, productStorage(host), x);
          const plain = narrowProduct(host, storageAsItLies(host), x);
          assertSameBits(inBlocks, plain, `width ${width}`);
        });
      }
    });
  }

  for (const size of [1, 2, 3, 4, 5, 255, 257, 1003, 2 ** 16 + 3]) {
    test(`convolutions of ${size} nodes sum like the plain sparse product`, () => {
      const { engine } = runningBackend();
      const matrix = SparseMatrix.from(hubs(size));
      const alpha = Math.fround(0.3);
      for (const width of [4, 8, 16]) {
        tf.tidy(() => {
          const backend = runningBackend();
          const input = tf.tensor2d(numbers(size * width, 9), [size, width]);
          const weight = tf.zeros([width, width]) as tf.Tensor2D;
          // With theta 0, the map is Z itself.
          const options = { adjacency: matrix, alpha, thetas: [0], maps: false };
          const map = gcniiConvolutions(input, [weight], options);
          const [hidden, expected] = [tf.relu(input), tf.zeros([size, width])];
          sparseProduct(engine, matrix, {
            ...{ values: matrix.values.address, x: backend.address(hidden), columns: width },
            ...{ y: backend.address(expected), p: Math.fround(1 - alpha), q: alpha },
            z: backend.address(hidden),
          });
          const [mine, plain] = [map, expected].map((y) => y.dataSync<"float32">());
          assertSameBits(mine!, plain!, `width ${width}`);
        });
      }
      matrix.dispose();
    });
  }
});
