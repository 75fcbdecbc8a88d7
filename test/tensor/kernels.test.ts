// The WebAssembly kernels without products: elementwise, sums, dropout, cross-entropy, an optimiser's step.
import { describe, test } from "node:test";
import { seedWords } from "../../src/tensor/ops/random.ts";
import { dropoutFactors } from "./philox.ts";
import { type Numbers, numbers, ROUNDING } from "./support.ts";
import { check, engineOf, FLAVOURS, type Trial } from "./trial.ts";

const SIZES = [0, 1, 3, 4, 5, 7, 31, 32, 33, 64, 65, 100];

/** Makes numbers that include what breaks careless code: NaN, infinities, both zeros, extremes. */
function wild(count: number, seed: number): Float32Array {
  const special = [Number.NaN, Infinity, -Infinity, 0, -0, 3.4e38, -3.4e38, 1e-45, -1e-45];
  return numbers(count, seed).map((x, i) =>
    i % 3 === 1 ? special[(Math.floor(i / 3) + seed) % 9]! : x,
  );
}

const float32 = (values: Numbers): { values: Float32Array; tolerance: 0 } => ({
  values: Float32Array.from(values),
  tolerance: 0,
});

function elementwiseTrials(size: number): Trial[] {
  const [a, b] = [wild(size, 1), wild(size, 2)];
  const [p, q] = [Math.fround(0.3), Math.fround(-1.7)];
  const [x, y] = [numbers(size, 3), numbers(size, 4)];
  const shared = { title: `${size} elements`, units: size, outputs: { out: size } };
  return [
    ...[1, -1].map(
      (sign): Trial => ({
        ...shared,
        kernel: "combine",
        inputs: { a, b },
        args: ["a", "b", "out", 1, sign],
        expected: { out: float32(a.map((v, i) => v + sign * b[i]!)) },
      }),
    ),
    {
      ...shared,
      kernel: "combine",
      inputs: { x, y },
      args: ["x", "y", "out", p, q],
      expected: {
        out: {
          values: Float64Array.from(x, (v, i) => p * v + q * y[i]!),
          tolerance: 6 * ROUNDING,
        },
      },
    },
    {
      ...shared,
      kernel: "multiply",
      inputs: { a, b },
      args: ["a", "b", "out"],
      expected: { out: float32(Array.from(a, (v, i) => v * b[i]!)) },
    },
    {
      ...shared,
      kernel: "scale",
      inputs: { a },
      args: ["a", "out", q],
      expected: { out: float32(Array.from(a, (v) => v * q)) },
    },
    {
      ...shared,
      kernel: "relu",
      inputs: { a },
      args: ["a", "out"],
      expected: { out: float32(a.map((v) => (v > 0 || Number.isNaN(v) ? v : 0))) },
    },
  ];
}

function rowsTrials(rows: number, columns: number): Trial[] {
  const [a, b] = [numbers(rows * columns, 5), numbers(columns, 6)];
  const shared = {
    title: `${rows} x ${columns}`,
    units: rows,
    inputs: { a, b },
    outputs: { out: rows * columns },
  };
  return [
    {
      ...shared,
      kernel: "combineRows",
      args: ["a", "b", "out", columns, 1, -1],
      expected: { out: float32(a.map((v, i) => v - b[i % columns]!)) },
    },
    {
      ...shared,
      kernel: "multiplyRows",
      args: ["a", "b", "out", columns],
      expected: { out: float32(Array.from(a, (v, i) => v * b[i % columns]!)) },
    },
  ];
}

function sumTrials(outer: number, reduced: number): Trial[] {
  const x = numbers(outer * reduced, 7);
  const factor = 0.25;
  const sums = (at: (o: number, k: number) => number, roundings: number) => {
    const values = new Float64Array(outer);
    const tolerance = new Float64Array(outer).fill(1e-37);
    for (let o = 0; o < outer; o++) {
      for (let k = 0; k < reduced; k++) {
        values[o]! += factor * x[at(o, k)]!;
        tolerance[o]! += factor * Math.abs(x[at(o, k)]!) * roundings * ROUNDING;
      }
    }
    return { values, tolerance };
  };
  const shared = { units: outer, inputs: { x }, outputs: { out: outer } };
  return [
    {
      ...shared,
      title: `${outer} rows of ${reduced}`,
      kernel: "sumRows",
      args: ["x", "out", reduced, factor],
      expected: { out: sums((o, k) => o * reduced + k, 140) },
    },
    {
      ...shared,
      title: `${outer} columns of ${reduced}`,
      kernel: "sumColumns",
      args: ["x", "out", reduced, outer, factor],
      expected: { out: sums((o, k) => k * outer + o, 140 + reduced / 128) },
    },
  ];
}

interface Draws {
  readonly rate: number;
  readonly seed: number;
  readonly step: number;
  readonly site: number;
}

const DRAWS: readonly Draws[] = [
  { rate: 0, seed: 0, step: 0, site: 0 },
  { rate: 0.5, seed: 1, step: 0, site: 0 },
  { rate: 1 / 65_536, seed: 2 ** 53 - 1, step: 2 ** 31 - 1, site: 65 },
  { rate: 65_535 / 65_536, seed: 2 ** 32, step: 1500, site: 1 },
  { rate: 0.1, seed: 2 ** 32 - 1, step: 7, site: 2 ** 31 - 1 },
];

/** Packs element e into bit e % 32 of word e / 32. */
function packed(on: readonly boolean[]): Int32Array {
  const words = new Int32Array(Math.ceil(on.length / 32));
  for (const [e, bit] of on.entries()) if (bit) words[e >> 5]! |= 1 << (e & 31);
  return words;
}

function dropoutTrial(size: number, draws: Draws, relu: boolean, bits: boolean): Trial {
  const x = numbers(size, 8);
  const threshold = Math.round(draws.rate * 65_536);
  const scale = Math.fround(1 / (1 - draws.rate));
  const factors = dropoutFactors(size, draws);
  const on = Array.from(x, (v, e) => factors[e]! > 0 && (!relu || v > 0));
  const mask = packed(on);
  return {
    title: `${size} elements, rate ${draws.rate}${relu ? ", relu" : ""}`,
    kernel: "dropout",
    units: Math.ceil(size / 32),
    inputs: { x },
    outputs: { y: size, ...(bits && { bits: mask.length }) },
    args: [
      ...["x", "y", bits ? "bits" : 0, size, relu ? 1 : 0],
      ...[threshold, scale, draws.step, draws.site, ...seedWords(draws.seed)],
    ],
    expected: {
      y: float32(Array.from(x, (v, e) => (on[e] ? Math.fround(v * scale) : 0))),
      ...(bits && { bits: float32(new Float32Array(mask.buffer)) }),
    },
  };
}

function applyBitsTrial(size: number): Trial {
  const x = numbers(size, 9);
  const on = Array.from(x, (_, e) => (e * 31) % 7 < 3);
  return {
    title: `${size} elements`,
    kernel: "applyBits",
    units: Math.ceil(size / 32),
    inputs: { x, bits: packed(on) },
    outputs: { y: size },
    args: ["x", "y", "bits", size, 1.25],
    expected: { y: float32(Array.from(x, (v, e) => (on[e] ? v * 1.25 : 0))) },
  };
}

function crossEntropyTrial(nodes: number, classes: number, chosen: number): Trial {
  // Multiples of one half, so that some rows have two largest.
  const logits = numbers(nodes * classes, 10).map((v) => Math.round(8 * v) / 2);
  const labels = Int32Array.from({ length: nodes }, (_, n) => (n * 3 + 1) % classes);
  const which = Int32Array.from({ length: chosen }, (_, k) => (k * 5 + 2) % nodes);
  const losses = new Float64Array(chosen);
  const hits = new Float64Array(chosen);
  const gradient = new Float64Array(nodes * classes);
  for (const [k, n] of which.entries()) {
    const row = [...logits.subarray(n * classes, (n + 1) * classes)];
    const sum = row.reduce((total, v) => total + Math.exp(v), 0);
    losses[k] = Math.log(sum) - row[labels[n]!]!;
    hits[k] = row.indexOf(Math.max(...row)) === labels[n] ? 1 : 0;
    for (const [c, v] of row.entries()) {
      gradient[n * classes + c] = 0.5 * (Math.exp(v) / sum - (c === labels[n] ? 1 : 0));
    }
  }
  return {
    title: `${chosen} of ${nodes} nodes, ${classes} classes`,
    kernel: "crossEntropy",
    units: chosen,
    inputs: { logits, labels, which },
    outputs: { losses: chosen, gradient: new Float32Array(nodes * classes), hits: chosen },
    args: ["logits", "labels", "which", "losses", "gradient", "hits", classes, 0.5],
    expected: {
      losses: { values: losses, tolerance: losses.map((v) => 2e-7 + 2 * ROUNDING * v) },
      gradient: { values: gradient, tolerance: 2 * ROUNDING },
      hits: float32(hits),
    },
  };
}

function softCrossEntropyTrial(nodes: number, classes: number): Trial {
  const logits = numbers(nodes * classes, 10).map((v) => 4 * v);
  const raw = numbers(nodes * classes, 11).map((v) => (v > 0 ? v : 0));
  const [beta, scale] = [0.5, 0.25];
  const soft = raw.map((v, i) => {
    const row = raw.subarray(Math.floor(i / classes) * classes).subarray(0, classes);
    return v / (row.reduce((sum, x) => sum + x, 0) || 1);
  });
  const losses = new Float64Array(nodes);
  const gradient = new Float64Array(nodes * classes);
  for (let n = 0; n < nodes; n++) {
    const row = [...logits.subarray(n * classes, (n + 1) * classes)].map((v) => beta * v);
    const sum = row.reduce((total, v) => total + Math.exp(v), 0);
    const largest = Math.max(...row);
    losses[n] = Math.log(sum) - largest;
    for (const [c, v] of row.entries()) {
      const p = soft[n * classes + c]!;
      losses[n]! -= p * (v - largest);
      gradient[n * classes + c] = scale * (Math.exp(v) / sum - p);
    }
  }
  return {
    title: `${nodes} nodes, ${classes} classes, soft`,
    kernel: "softCrossEntropy",
    units: nodes,
    inputs: { logits, soft },
    outputs: { losses: nodes, gradient: nodes * classes },
    args: ["logits", "soft", "losses", "gradient", classes, beta, scale],
    expected: {
      losses: { values: losses, tolerance: losses.map((v) => 4e-7 + 4 * ROUNDING * Math.abs(v)) },
      gradient: { values: gradient, tolerance: 2 * ROUNDING },
    },
  };
}

/** Returns the bits of a float32, as a word of a table. */
const bits = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0]!;

/** Adam's factors, and weight decay in the gradient, for two parameters; the second has one element, in place. */
function descendTrial(size: number, unit: number): Trial {
  const [x, g, m] = [numbers(size, 11), numbers(size, 12), numbers(size, 13)];
  // As small as a step's share, so that an error in 1 - beta2 is noticed.
  const v = numbers(size, 14).map((x) => Math.abs(x) / 1000);
  const [decay, shrink, rate] = [0.05, 0.75, 0.02];
  const factors = [0.9, 1 - 0.9, 0.999, 1 - 0.999, 1.4, 1e-8] as const;
  const [, , , , correction, epsilon] = factors;
  const first = Float64Array.from(x, (xi, i) => 0.9 * m[i]! + 0.1 * (g[i]! + decay * xi));
  const second = Float64Array.from(x, (xi, i) => 0.999 * v[i]! + 0.001 * (g[i]! + decay * xi) ** 2);
  const out = Float64Array.from(
    x,
    (xi, i) => shrink * xi - (rate * first[i]!) / (Math.sqrt(second[i]!) * correction + epsilon),
  );
  const [x2, g2, m2, v2] = [0.25, 0.5, 0.75, 0.125].map((n) => Float32Array.of(n));
  const [first2, second2] = [0.9 * 0.75 + 0.1 * 0.5, 0.999 * 0.125 + 0.001 * 0.25];
  const moved = 0.25 - (rate * first2) / (Math.sqrt(second2) * correction + epsilon);
  return {
    title: `${size} elements`,
    kernel: "descend",
    units: Math.ceil(size / unit) + 1,
    inputs: { x, g, g2: g2! },
    outputs: { m, v, out: size, x2: x2!, m2: m2!, v2: v2! },
    tables: {
      slots: [
        ...["x", "g", "m", "v", "out", size, 0, bits(decay), bits(rate), bits(shrink)],
        ...["x2", "g2", "m2", "v2", "x2", 1, Math.ceil(size / unit), 0, bits(rate), bits(1)],
      ],
    },
    args: ["slots", 2, ...factors],
    expected: {
      m: { values: first, tolerance: 4 * ROUNDING },
      v: { values: second, tolerance: second.map((x) => 8 * ROUNDING * x) },
      x2: { values: [moved], tolerance: 4 * ROUNDING },
      m2: { values: [first2], tolerance: 4 * ROUNDING },
      v2: { values: [second2], tolerance: 2 * ROUNDING },
      // A small v makes a large step, so the error is relative to the step.
      out: {
        values: out,
        tolerance: out.map((o, i) => ROUNDING * (4 + 8 * Math.abs(o - shrink * x[i]!))),
      },
    },
  };
}

for (const flavour of FLAVOURS) {
  describe(flavour, () => {
    test("sums, differences, products, scaling and ReLU, element by element", () => {
      for (const size of SIZES) {
        for (const trial of elementwiseTrials(size)) check(flavour, trial);
      }
    });

    test(`multiply-add rounds ${flavour === "fma" ? "once" : "twice"}, in vectors and tails`, () => {
      // (1 + 2^-13)^2 - (1 + 2^-12) is 2^-26, which is lost if the product is rounded first.
      const p = 1 + 2 ** -13;
      check(flavour, {
        ...{ title: "p a - b", kernel: "combine", units: 7 },
        inputs: { a: new Float32Array(7).fill(p), b: new Float32Array(7).fill(1 + 2 ** -12) },
        outputs: { out: 7 },
        args: ["a", "b", "out", p, -1],
        expected: { out: float32(Array<number>(7).fill(flavour === "fma" ? 2 ** -26 : 0)) },
      });
    });

    test("one row combined with all rows", () => {
      for (const rows of [0, 1, 3, 65]) {
        for (const columns of [1, 3, 4, 7, 64, 65]) {
          for (const trial of rowsTrials(rows, columns)) check(flavour, trial);
        }
      }
    });

    test("sums of rows and of columns", () => {
      for (const outer of [0, 1, 3, 4, 7, 64, 65]) {
        for (const reduced of [0, 1, 3, 15, 16, 17, 65, 128, 129, 300]) {
          for (const trial of sumTrials(outer, reduced)) check(flavour, trial);
        }
      }
      for (const trial of sumTrials(3, 2 * 2048 + 17)) check(flavour, trial);
    });

    for (const draws of DRAWS) {
      test(`dropout of rate ${draws.rate}, seed ${draws.seed} has the reference's mask`, () => {
        for (const [i, size] of [...SIZES, 127, 128, 1000].entries()) {
          check(flavour, dropoutTrial(size, draws, false, i % 2 === 0));
          check(flavour, dropoutTrial(size, draws, true, i % 2 === 1));
        }
      });
    }

    test("masks from bits", () => {
      for (const size of SIZES) check(flavour, applyBitsTrial(size));
    });

    test("cross-entropy, its gradient and hits", () => {
      for (const [nodes, classes, chosen] of [
        [1, 1, 1],
        [7, 3, 0],
        [7, 3, 5],
        [64, 7, 64],
        [66, 40, 65],
      ] as const) {
        check(flavour, crossEntropyTrial(nodes, classes, chosen));
      }
    });

    test("cross-entropy against soft labels", () => {
      for (const nodes of [0, 1, 5, 65]) {
        for (const classes of [1, 2, 3, 4, 7, 8, 9, 40]) {
          check(flavour, softCrossEntropyTrial(nodes, classes));
        }
      }
    });

    test("an optimiser's step", () => {
      const { elementsAUnit } = engineOf(flavour);
      for (const size of [...SIZES, 500]) check(flavour, descendTrial(size, elementsAUnit));
    });
  });
}
