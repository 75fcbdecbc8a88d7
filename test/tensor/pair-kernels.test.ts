// The WebAssembly kernels over rows, arcs and all pairs of nodes, in both flavours, against double precision.
import { describe, test } from "node:test";
import type { Similarity } from "../../src/tensor/index.ts";
import {
  absoluteDistance,
  entries,
  KINDS,
  row,
  similarity,
  squaredDistance,
} from "./pair-cases.ts";
import { dot, type Numbers, numbers, ROUNDING, randomAdjacency } from "./support.ts";
import { check, engineOf, FLAVOURS, type Trial } from "./trial.ts";

const WIDTHS = [1, 3, 4, 7, 64, 65];

/** Arranges x in groups of four nodes, as the kernels read it. */
function groupsOf(x: Numbers, nodes: number, width: number): Float32Array {
  const out = new Float32Array(Math.ceil(nodes / 4) * 4 * width);
  for (let i = 0; i < nodes; i++) {
    const group = Math.floor(i / 4);
    for (let d = 0; d < width; d++) out[(group * width + d) * 4 + (i % 4)] = x[i * width + d]!;
  }
  return out;
}

function unitTrials(rows: number, width: number): Trial[] {
  const x = numbers(rows * width, 1);
  // The middle row has zero length.
  x.fill(0, width * (rows >> 1), width * (rows >> 1) + (rows > 2 ? width : 0));
  const dy = numbers(rows * width, 2);
  const lengths = Array.from({ length: rows }, (_, r) =>
    Math.sqrt(dot(row(x, r, width), row(x, r, width))),
  );
  const inverse = lengths.map((length) => (length === 0 ? 0 : 1 / length));
  const y = Float32Array.from(x, (v, k) => v * inverse[Math.floor(k / width)]!);
  const gradient = Float64Array.from(dy, (v, k) => {
    const r = Math.floor(k / width);
    return inverse[r]! * (v - y[k]! * dot(row(y, r, width), row(dy, r, width)));
  });
  const tolerance = gradient.map(
    (_, k) => 1e-6 * (1 + 4 * inverse[Math.floor(k / width)]!) * width,
  );
  const title = `${rows} x ${width}`;
  return [
    {
      ...{ title, kernel: "unitRows", units: rows },
      inputs: { x },
      outputs: { y: x.length, inverse: rows },
      args: ["x", "y", "inverse", width],
      expected: {
        y: { values: y, tolerance: width * 2 * ROUNDING },
        inverse: { values: inverse, tolerance: inverse.map((v) => width * 4 * ROUNDING * v) },
      },
    },
    {
      ...{ title, kernel: "unitRowsGradient", units: rows },
      inputs: { y, inverse: Float32Array.from(inverse), dy },
      outputs: { dx: x.length },
      args: ["y", "inverse", "dy", "dx", width],
      expected: { dx: { values: gradient, tolerance } },
    },
  ];
}

function arcTrials(nodes: number, width: number): Trial[] {
  const graph = randomAdjacency(nodes, 3);
  const ends = entries(graph);
  const { indptr, indices } = graph;
  const [x, w, s] = [numbers(nodes * width, 4), numbers(ends.length, 5), numbers(ends.length, 6)];
  const raw = numbers(ends.length, 7).map(Math.abs);
  const rowSum = (values: Numbers, i: number): number =>
    ends.reduce((sum, [from], k) => sum + (from === i ? values[k]! : 0), 0);
  const targets = raw.map((v, k) => v / rowSum(raw, ends[k]![0]));
  const exponentials = Array.from(s, (v) => Math.exp(4 * v));
  const softmax = exponentials.map((v, k) => v / rowSum(exponentials, ends[k]![0]));
  const scores = s.map((v) => 4 * v);
  const losses = Array.from({ length: nodes }, (_, i) =>
    ends.reduce(
      (sum, [from], k) => sum - (from === i ? targets[k]! * Math.log(softmax[k]!) : 0),
      0,
    ),
  );
  const pulls = new Float64Array(nodes * width);
  for (const [k, [i, j]] of ends.entries()) {
    for (let d = 0; d < width; d++)
      pulls[i * width + d]! += w[k]! * (x[i * width + d]! - x[j * width + d]!);
  }
  const common = { title: `${nodes} nodes, width ${width}`, units: nodes };
  const signed = new Float64Array(nodes * width);
  for (const [k, [i, j]] of ends.entries()) {
    for (let d = 0; d < width; d++)
      signed[i * width + d]! += w[k]! * Math.sign(x[i * width + d]! - x[j * width + d]!);
  }
  const measures = [dot, absoluteDistance, squaredDistance];
  const pairs = (measure: number): Trial => ({
    ...{ ...common, kernel: "arcPairs" },
    inputs: { indptr, indices, x },
    outputs: { out: ends.length },
    args: ["indptr", "indices", "x", "out", width, measure],
    expected: {
      out: {
        values: ends.map(([i, j]) => measures[measure]!(row(x, i, width), row(x, j, width))),
        tolerance: width * 8 * ROUNDING,
      },
    },
  });
  const entropy = (target: boolean): Trial => ({
    ...{ ...common, kernel: "arcCrossEntropy" },
    inputs: { indptr, scores, targets },
    outputs: { losses: nodes, rest: ends.length },
    args: ["indptr", "scores", target ? "targets" : 0, "losses", "rest"],
    expected: {
      ...(target && { losses: { values: losses, tolerance: 1e-5 } }),
      rest: { values: softmax.map((v, k) => v - (target ? targets[k]! : 0)), tolerance: 1e-6 },
    },
  });
  return [
    pairs(0),
    pairs(1),
    pairs(2),
    entropy(false),
    entropy(true),
    {
      ...{ ...common, kernel: "arcDifferences" },
      inputs: { indptr, indices, w, x },
      outputs: { out: x.length },
      args: ["indptr", "indices", "w", "x", "out", width],
      expected: { out: { values: pulls, tolerance: 60 * nodes * ROUNDING } },
    },
    {
      ...{ ...common, kernel: "arcSigns" },
      inputs: { indptr, indices, w, x },
      outputs: { out: x.length },
      args: ["indptr", "indices", "w", "x", "out", width],
      expected: { out: { values: signed, tolerance: 60 * nodes * ROUNDING } },
    },
  ];
}

function similarityTrials(nodes: number, width: number, kind: Similarity): Trial[] {
  // Small enough that exp does not vanish, and with two equal nodes.
  const x = numbers(nodes * width, 8).map((v) => v / Math.sqrt(width));
  if (nodes > 2) x.copyWithin(width, 0, width);
  const size = nodes + 3;
  const target = numbers(size * size, 9);
  const chosen = Int32Array.from({ length: nodes }, (_, i) => size - 1 - i);
  const rows = Array.from({ length: nodes }, (_, i) => row(x, i, width));
  const values = rows.flatMap((a) => rows.map((b) => similarity(kind, a, b)));
  const losses = new Float64Array(nodes);
  const gradient = new Float64Array(nodes * width);
  rows.forEach((a, i) => {
    rows.forEach((b, j) => {
      const k = values[i * nodes + j]!;
      const e = k - target[chosen[i]! * size + chosen[j]!]!;
      losses[i]! += e * e;
      for (let d = 0; d < width; d++) {
        const off = a[d]! - b[d]!;
        const distance = Math.sqrt(squaredDistance(a, b));
        const direction = distance === 0 ? 0 : off / distance;
        const slope = {
          poly: 2 * dot(a, b) * b[d]!,
          tanh: (1 - k * k) * b[d]!,
          rbf: -k * off,
          exp: -k * direction,
          l2: direction,
        }[kind];
        gradient[i * width + d]! += 0.5 * e * slope;
      }
    });
  });
  const at = KINDS.indexOf(kind);
  const grouped = groupsOf(x, nodes, width);
  const blocks = Math.ceil(nodes / engineOf("simd").rowsABlock);
  const title = `${kind}, ${nodes} nodes, width ${width}`;
  return [
    {
      ...{ title, kernel: "similarities", units: nodes },
      inputs: { grouped },
      outputs: { out: nodes * nodes },
      args: ["grouped", "out", nodes, width, at],
      expected: { out: { values, tolerance: 4e-6 } },
    },
    {
      ...{ title, kernel: "similarityMismatch", units: blocks },
      inputs: { grouped, target, chosen },
      outputs: {
        losses: nodes,
        gradient: nodes * width,
        scratch: blocks * Math.ceil(nodes / 4) * 4,
      },
      args: [
        ...["grouped", "target", "chosen", "losses", "gradient", "scratch"],
        ...[nodes, width, size, at, 0.5],
      ],
      expected: {
        losses: { values: losses, tolerance: losses.map((v) => 1e-5 * v + 1e-6) },
        gradient: { values: gradient, tolerance: 2e-5 * (1 + Math.sqrt(nodes)) },
      },
    },
  ];
}

for (const flavour of FLAVOURS) {
  describe(flavour, () => {
    test("rows of length 1, and their gradient", () => {
      for (const rows of [0, 1, 3, 33]) {
        for (const width of WIDTHS)
          for (const trial of unitTrials(rows, width)) check(flavour, trial);
      }
    });

    test("pairs along arcs, differences, softmaxes", () => {
      for (const nodes of [0, 1, 2, 5, 33]) {
        for (const width of WIDTHS)
          for (const trial of arcTrials(nodes, width)) check(flavour, trial);
      }
    });

    test("similarity matrices of all pairs, and their mismatch", () => {
      for (const kind of KINDS) {
        for (const nodes of [0, 1, 3, 4, 5, 33, 70]) {
          for (const width of [1, 3, 4, 7, 65]) {
            for (const trial of similarityTrials(nodes, width, kind)) check(flavour, trial);
          }
        }
      }
    });

    test("the exponential, from where it vanishes to where it is 1", () => {
      const distances = [0, 1e-6, 0.5, 1, 2, 3.3, 5, 8, 11, 13, 13.15, 13.3, 20, 1e4, 1e19];
      const trial = similarityTrials(3, 1, "rbf")[0]!;
      const nodes = distances.length + 1;
      const x = Float32Array.of(0, ...distances);
      const values = [...x].flatMap((a) => [...x].map((b) => Math.exp(-0.5 * (a - b) ** 2)));
      check(flavour, {
        ...{ ...trial, units: nodes },
        inputs: { grouped: groupsOf(x, nodes, 1) },
        outputs: { out: nodes * nodes },
        args: ["grouped", "out", nodes, 1, 2],
        // |x|^2 / 2 is rounded first, by up to this many units of its own size.
        expected: { out: { values, tolerance: values.map((v) => 100 * ROUNDING * v + 2e-38) } },
      });
    });
  });
}
