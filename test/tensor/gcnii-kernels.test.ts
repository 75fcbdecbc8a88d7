// GCNII's layer kernels in both flavours: forward and backward against double precision, the same
// bits however their blocks are split, and the same bits as the separate kernels that they replace.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { transpose } from "../../src/graph/csr.ts";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import type { Engine } from "../../src/tensor/engine/engine.ts";
import type { Block } from "../../src/tensor/engine/memory.ts";
import { seedWords } from "../../src/tensor/ops/random.ts";
import { sparseTimes } from "../models/reference.ts";
import { type Draw, dropoutFactors } from "./philox.ts";
import { assertSameBits, numbers, product, randomAdjacency, transposed } from "./support.ts";
import { check, engineOf, FLAVOURS, type Trial } from "./trial.ts";

const ALPHA = Math.fround(0.3);
const THETA = Math.fround(0.4);
const DRAW: Draw = { rate: 0.5, seed: 2 ** 40 + 5, step: 3, site: 2 };
const DRAWN = [32_768, 2, DRAW.step, DRAW.site, ...seedWords(DRAW.seed)];
/** How much numbers of order 1 may differ after sums of some hundred products. */
const TOLERANCE = 3e-5;

/** An asymmetric P, so that a mix-up with its transpose is noticed; its last row is empty. */
function graph(nodes: number) {
  const ring = symmetricNormalised(randomAdjacency(nodes, 3));
  const values = ring.values!.map((value, k) => value * (1 + (k % 5) / 10));
  const indptr = ring.indptr.slice();
  const kept = indptr[nodes - 1]!;
  indptr[nodes] = kept;
  const indices = ring.indices.slice(0, kept);
  return { ...ring, indptr, indices, values: values.slice(0, kept) };
}

/** Sets numbers to 0 as GCNII's own activations do: most of the products skip them. */
const thinned = (x: Float32Array, share: number): Float32Array =>
  x.map((value, i) => ((i * 7919) % 1000 < share * 1000 ? Math.abs(value) : 0));

function bitsOf(on: (element: number) => boolean, size: number): Int32Array {
  const words = new Int32Array(Math.ceil(size / 32));
  for (let e = 0; e < size; e++) if (on(e)) words[e >> 5]! |= 1 << (e & 31);
  return words;
}

const near = (values: Float64Array) => ({ values, tolerance: TOLERANCE });

function forwardTrial(nodes: number, width: number, inPlace: boolean): Trial {
  const size = nodes * width;
  const p = graph(nodes);
  const [x, h0] = [thinned(numbers(size, 1), 0.5), thinned(numbers(size, 2), 0.6)];
  const w = numbers(width * width, 3).map((value) => value / Math.sqrt(width));
  const z = sparseTimes(p, x, width).map((sum, i) => (1 - ALPHA) * sum + ALPHA * h0[i]!);
  const m = product(z, w, nodes, width, width).map((v, i) => THETA * v + (1 - THETA) * z[i]!);
  const factors = dropoutFactors(size, DRAW);
  const y = m.map((value, i) => Math.max(0, value) * factors[i]!);
  const bits = bitsOf((e) => y[e]! > 0, size);
  const sparse = { indptr: p.indptr, indices: p.indices, values: p.values };
  return {
    title: `forward, ${nodes} x ${width}${inPlace ? ", in place" : ""}`,
    kernel: "gcniiForward",
    units: Math.ceil(nodes / 96),
    inputs: { ...sparse, x, h0, w },
    outputs: { z: size, y: size, bits: bits.length, ...(!inPlace && { m: size }) },
    args: [
      ...[96, nodes, width, "indptr", "indices", "values", "x", "h0", "w", "z"],
      ...[inPlace ? "y" : "m", "y", "bits", ALPHA, THETA, ...DRAWN],
    ],
    expected: {
      ...{ z: near(z), y: near(y) },
      bits: { values: new Float32Array(bits.buffer), tolerance: 0 },
      ...(!inPlace && { m: near(m) }),
    },
  };
}

type Tap = "first" | "tap" | "none";

/** `first`: the last layer, whose gradient is given; otherwise the gradient comes from above, with or without a tap. */
function backwardTrial(nodes: number, width: number, tap: Tap, share: number): Trial {
  const [size, square] = [nodes * width, width * width];
  const back = transpose(graph(nodes)).matrix;
  const [above, given] = [numbers(size, 4), numbers(size, 5)];
  const [z, start] = [numbers(size, 6), numbers(size, 7)];
  const w = numbers(square, 8).map((value) => value / Math.sqrt(width));
  const scale = Math.fround(1.4);
  const kept = (e: number): boolean => (e * 7919) % 1000 < share * 1000;
  const sum = sparseTimes(back, above, width);
  const dm = Float64Array.from(sum, (value, e) => {
    if (tap === "first") return given[e]!;
    return (kept(e) ? scale * value : 0) + (tap === "tap" ? given[e]! : 0);
  });
  const wt = Float32Array.from(transposed(w, width, width));
  const dz = product(dm, wt, nodes, width, width).map((v, i) => THETA * v + (1 - THETA) * dm[i]!);
  const rows = 64 * Math.ceil(nodes / 64 / 3);
  const blocks = Math.ceil(nodes / rows);
  const partial = new Float64Array(blocks * square);
  for (let b = 0; b < blocks; b++) {
    const [from, to] = [b * rows * width, Math.min(nodes, (b + 1) * rows) * width];
    const count = (to - from) / width;
    const part = product(
      transposed(dm.subarray(from, to), count, width),
      z.subarray(from, to),
      width,
      count,
      width,
    );
    partial.set(part, b * square);
  }
  const sparse = { indptr: back.indptr, indices: back.indices, values: back.values! };
  const mask = bitsOf(kept, size);
  // The weight gradient of the layer above, which is summed along the way.
  const weightAbove = weightTrial(width, blocks);
  return {
    title: `backward, ${nodes} x ${width}, ${tap}, ${share} kept`,
    kernel: "gcniiBackward",
    units: blocks,
    inputs: {
      ...{ ...sparse, z, wt },
      ...(tap !== "first" && { above, mask, previous: weightAbove.inputs["partial"]! }),
      ...(tap !== "none" && { given }),
    },
    outputs: {
      ...{ dz: size, dh0: start, partial: partial.length, scratch: blocks * width * 66 },
      ...(tap !== "first" && { dw: square }),
    },
    args: [
      ...[rows, nodes, width, "indptr", "indices", "values"],
      ...(tap === "first" ? [0, scale, 0] : ["above", scale, "mask"]),
      ...[tap === "none" ? 0 : "given", "z", "wt", "dz", "dh0", "partial", "scratch", ALPHA, THETA],
      ...(tap === "first" ? [0, 0, 0] : ["previous", "dw", THETA]),
    ],
    expected: {
      ...(tap !== "first" && { dw: weightAbove.expected["out"]! }),
      dz: near(dz),
      dh0: near(dz.map((value, i) => start[i]! + ALPHA * value)),
      partial: near(partial),
    },
  };
}

function weightTrial(width: number, blocks: number): Trial {
  const square = width * width;
  const partial = numbers(blocks * square, 9);
  const out = new Float64Array(square);
  for (let b = 0; b < blocks; b++) {
    const part = transposed(partial.subarray(b * square, (b + 1) * square), width, width);
    for (const [i, value] of part.entries()) out[i]! += THETA * value;
  }
  return {
    title: `${blocks} sums of ${width} x ${width}`,
    kernel: "gcniiWeightGradient",
    units: width,
    inputs: { partial },
    outputs: { out: square },
    args: ["partial", "out", width, blocks, THETA],
    expected: { out: near(out) },
  };
}

const NODES = [1, 5, 95, 96, 97, 203];
const WIDTHS = [1, 3, 4, 12, 33, 64, 68, 128];

for (const flavour of FLAVOURS) {
  describe(`${flavour}: GCNII's layers`, () => {
    for (const width of WIDTHS) {
      test(`${width} wide`, () => {
        for (const nodes of width > 64 ? [5, 203] : NODES) {
          check(flavour, forwardTrial(nodes, width, nodes % 2 === 0));
          for (const tap of ["first", "tap", "none"] as const) {
            // A few zeros are not skipped, many are.
            check(flavour, backwardTrial(nodes, width, tap, nodes === 95 ? 0.9 : 0.4));
          }
        }
        check(flavour, weightTrial(width, 1 + (width % 4)));
      });
    }
  });
}

/** Runs the kernels that a layer is made of, one after the other, on the same numbers. */
describe("a layer has the same bits as the kernels that it replaces", () => {
  for (const [nodes, width] of [
    [203, 64],
    [130, 128],
    [97, 37],
  ] as const) {
    for (const flavour of FLAVOURS) {
      test(`${flavour}: ${nodes} x ${width}`, () => {
        const engine = engineOf(flavour);
        const { place, release } = placing(engine);
        const size = nodes * width;
        const { kernels } = engine;
        const csr = graph(nodes);
        const sparse = [place(csr.indptr), place(csr.indices), place(csr.values)] as const;
        const [x, h0, w] = [
          place(numbers(size, 1)),
          place(numbers(size, 2)),
          place(numbers(width * width, 3)),
        ];
        const [z, y, m] = [0, 1, 2].map(() => [place(size), place(size)] as const);
        const bits = [place(size), place(size)];
        const args = [x!.at, h0!.at, w!.at] as const;
        const csrAt = sparse.map(({ at }) => at);
        const draw = DRAWN;
        kernels.gcniiForward(
          ...[0, Math.ceil(nodes / 96), 96, nodes, width],
          ...[...csrAt, ...args, z![0].at, m![0].at, y![0].at, bits[0]!.at, ALPHA, THETA, ...draw],
        );
        const all = nodes + csr.indices.length;
        const forward = [x!.at, z![1].at, width, 1 - ALPHA, ALPHA, h0!.at] as const;
        kernels.sparseProduct(0, all, nodes, ...csrAt, ...forward, 0);
        const identity = [THETA, 1 - THETA, z![1].at, 0, 0] as const;
        kernels.product(0, nodes, z![1].at, w!.at, m![1].at, width, width, ...identity);
        const groups = Math.ceil(size / 32);
        kernels.dropout(0, groups, m![1].at, y![1].at, bits[1]!.at, size, 1, ...draw);
        for (const [name, [fused, plain]] of Object.entries({ z: z!, m: m!, y: y!, bits })) {
          assertSameBits(fused!.numbers(), plain!.numbers(), name);
        }
        const [panels, again] = [place(width * width), place(size)];
        kernels.packPanels(0, Math.ceil(width / 8), w!.at, panels!.at, width, width, 0);
        const packed = [...csrAt, x!.at, h0!.at, panels!.at, z![0].at, again!.at, 0, 0];
        kernels.gcniiForward(
          ...[0, Math.ceil(nodes / 96), 96, nodes, width, ...packed, ALPHA, THETA, ...draw, 1],
        );
        assertSameBits(again!.numbers(), m![1].numbers(), "m by panels");
        // Backward: the gradient of the layer above is x, and the bits are those just drawn.
        const [dz, dh0] = [0, 1].map(() => [place(size), place(size)] as const);
        for (const { fill } of dh0!) fill(0);
        const rows = 64 * Math.ceil(nodes / 64);
        const partial = place(width * width);
        const scratch = place(66 * width);
        const dm = place(size);
        kernels.gcniiBackward(
          ...[0, 1, rows, nodes, width, ...csrAt, x!.at, 1.5, bits[0]!.at, 0, z![0].at, w!.at],
          ...[dz![0].at, dh0![0].at, partial.at, scratch.at, ALPHA, THETA],
        );
        const backward = [x!.at, dm.at, width, 1.5, 1, 0, bits[1]!.at] as const;
        kernels.sparseProduct(0, all, nodes, ...csrAt, ...backward);
        const back = [THETA, 1 - THETA, dm.at, ALPHA, dh0![1].at] as const;
        kernels.product(0, nodes, dm.at, w!.at, dz![1].at, width, width, ...back);
        for (const [name, [fused, plain]] of Object.entries({ dz: dz!, dh0: dh0! })) {
          assertSameBits(fused!.numbers(), plain!.numbers(), name);
        }
        const [dwt, dw] = [place(width * width), place(width * width)];
        const shape = [nodes, width, width, THETA] as const;
        kernels.productTransposedA(0, width, z![1].at, dm.at, dwt!.at, ...shape);
        kernels.gcniiWeightGradient(0, width, partial.at, dw!.at, width, 1, THETA);
        assertSameBits(dw!.numbers(), dwt!.numbers(), "dW");
        release();
      });
    }
  }
});

/** Makes arrays in an engine's memory, which are all released together. */
function placing(engine: Engine) {
  const blocks: Block[] = [];
  const place = (contents: Float32Array | Int32Array | number) => {
    const length = typeof contents === "number" ? contents : contents.length;
    const block = engine.memory.allocate(length * 4, "numbers of a test");
    blocks.push(block);
    const words = engine.memory.integers(block);
    if (typeof contents === "number") words.fill(0);
    else words.set(new Int32Array(contents.buffer, contents.byteOffset, length));
    return {
      at: block.address,
      numbers: (): Float32Array => engine.memory.floats(block).slice(),
      fill: (value: number): void => void engine.memory.floats(block).fill(value),
    };
  };
  const release = (): void => {
    for (const block of blocks) engine.memory.release(block);
    assert.ok(blocks.every(({ live }) => !live));
  };
  return { place, release };
}
