// The kernels over all pairs of teacher and student layers, in both flavours, against double precision.
import { describe, test } from "node:test";
import { numbers, ROUNDING } from "./support.ts";
import { check, engineOf, FLAVOURS, type Trial } from "./trial.ts";

function pairsTrial(block: number, nodes: number, t: number, s: number, width: number): Trial {
  const teacher = numbers(nodes * t * width, 15);
  const projected = numbers(nodes * s * width, 16);
  const weights = numbers(t * s, 17);
  const blocks = Math.ceil(nodes / block);
  const partial = new Float64Array(blocks * t * s);
  const pull = new Float64Array(nodes * s * width);
  for (let n = 0; n < nodes; n++) {
    for (let i = 0; i < t; i++) {
      for (let j = 0; j < s; j++) {
        const place = (Math.floor(n / block) * t + i) * s + j;
        for (let d = 0; d < width; d++) {
          const x = teacher[(n * t + i) * width + d]!;
          const at = (n * s + j) * width + d;
          partial[place]! += (x - projected[at]!) ** 2;
          pull[at]! += weights[i * s + j]! * (x - projected[at]!);
        }
      }
    }
  }
  return {
    title: `${nodes} nodes, ${t} to ${s} layers, width ${width}`,
    kernel: "pairDistances",
    units: blocks,
    inputs: { teacher, projected, weights },
    outputs: { partial: partial.length, pull: pull.length },
    args: ["teacher", "projected", "weights", "partial", "pull", nodes, t, s, width],
    expected: {
      partial: {
        values: partial,
        tolerance: partial.map((v) => (block + width + 4) * ROUNDING * v),
      },
      pull: { values: pull, tolerance: 2 * (t + 2) * t * ROUNDING },
    },
  };
}

/** The sums that pairRegression makes, for which neither R nor U is given. */
function regressionTrial(
  block: number,
  [nodes, t, s, width, studentWidth]: readonly [number, number, number, number, number],
  direct: 0 | 1,
): Trial {
  const teacher = numbers(nodes * t * width, 18);
  const student = numbers(s * nodes * studentWidth, 19);
  const projections = numbers(s * studentWidth * width, 20);
  const weights = numbers(t * s, 21);
  const blocks = Math.ceil(nodes / block);
  const ahead = s + t * s;
  const stride = ahead + projections.length + 2 * s * width;
  const record = new Float64Array(blocks * stride);
  const tolerance = new Float64Array(blocks * stride).fill(Number.POSITIVE_INFINITY);
  const ds = new Float64Array(student.length);
  const rounding = 4 * ROUNDING * (block + t + width) * t * studentWidth;
  for (let b = 0; b < blocks; b++) {
    tolerance.fill(rounding * width, b * stride, b * stride + ahead);
    tolerance.fill(rounding, b * stride + ahead, b * stride + ahead + projections.length);
  }
  for (let n = 0; n < nodes; n++) {
    const at = Math.floor(n / block) * stride;
    for (let j = 0; j < s; j++) {
      const own = student.subarray((j * nodes + n) * studentWidth);
      for (let d = 0; d < width; d++) {
        let r = 0;
        for (let k = 0; k < studentWidth; k++) {
          r += own[k]! * projections[(j * studentWidth + k) * width + d]!;
        }
        record[at + j]! += r * r;
        let u = 0;
        for (let i = 0; i < t; i++) {
          const x = teacher[(n * t + i) * width + d]!;
          const difference = x - r;
          record[at + s + i * s + j]! += direct ? difference ** 2 : x * r;
          u += weights[i * s + j]! * difference;
        }
        for (let k = 0; k < studentWidth; k++) {
          const place = (j * studentWidth + k) * width + d;
          record[at + ahead + place]! += own[k]! * u;
          ds[(j * nodes + n) * studentWidth + k]! += u * projections[place]!;
        }
      }
    }
  }
  const sizes = [nodes, t, s, width, studentWidth];
  return {
    title: `${sizes.join(" ")}, direct ${direct}`,
    kernel: "pairRegression",
    units: blocks,
    inputs: { teacher, student, projections, weights },
    outputs: { record: record.length, ds: ds.length },
    args: ["teacher", "student", "projections", "weights", "record", "ds", ...sizes, direct],
    expected: {
      // The last numbers of a record are scratch memory.
      record: { values: record, tolerance },
      ds: { values: ds, tolerance: rounding * width },
    },
  };
}

/** Equation 4's numbers per node, their distances and the gradients. */
function scalarTrial(
  block: number,
  [nodes, t, s, width, studentWidth]: readonly [number, number, number, number, number],
): Trial {
  const teacher = numbers(nodes * t * width, 22);
  const u = numbers(t * width, 23);
  const student = numbers(s * nodes * studentWidth, 24);
  const v = numbers(s * studentWidth, 25);
  const weights = numbers(t * s, 26);
  const blocks = Math.ceil(nodes / block);
  const [byU, byV] = [t * s, t * s + t * width];
  const summed = byV + s * studentWidth;
  const stride = summed + 4 * t * s + 8 * s;
  const record = new Float64Array(blocks * stride);
  const tolerance = new Float64Array(blocks * stride).fill(Number.POSITIVE_INFINITY);
  const rounding = 2 * ROUNDING * (width + studentWidth + s + block) * s;
  for (let b = 0; b < blocks; b++) {
    tolerance.fill(rounding * (width + studentWidth), b * stride, b * stride + byU);
    tolerance.fill(rounding * block, b * stride + byU, b * stride + byV);
    tolerance.fill(rounding * block * t, b * stride + byV, b * stride + summed);
  }
  const ds = new Float64Array(student.length);
  for (let n = 0; n < nodes; n++) {
    const at = Math.floor(n / block) * stride;
    for (let i = 0; i < t; i++) {
      const own = teacher.subarray((n * t + i) * width, (n * t + i + 1) * width);
      const ti = own.reduce((sum, x, d) => sum + x * u[i * width + d]!, 0);
      for (let j = 0; j < s; j++) {
        let sj = 0;
        const first = (j * nodes + n) * studentWidth;
        for (let k = 0; k < studentWidth; k++) {
          sj += student[first + k]! * v[j * studentWidth + k]!;
        }
        const pull = weights[i * s + j]! * (ti - sj);
        record[at + i * s + j]! += (ti - sj) ** 2;
        for (let d = 0; d < width; d++) record[at + byU + i * width + d]! += pull * own[d]!;
        for (let k = 0; k < studentWidth; k++) {
          record[at + byV + j * studentWidth + k]! += pull * student[first + k]!;
          ds[first + k]! += pull * v[j * studentWidth + k]!;
        }
      }
    }
  }
  const sizes = [nodes, t, s, width, studentWidth];
  return {
    title: sizes.join(" "),
    kernel: "scalarPairs",
    units: blocks,
    inputs: { teacher, u, student, v, weights },
    outputs: { record: record.length, ds: ds.length },
    args: ["teacher", "u", "student", "v", "weights", "record", "ds", ...sizes],
    // The last numbers of a record are scratch.
    expected: {
      record: { values: record, tolerance },
      ds: { values: ds, tolerance: rounding * t },
    },
  };
}

function layerRowsTrials(layers: number, inner: number, columns: number): Trial[] {
  const x = numbers(layers * inner, 27);
  const w = numbers(layers * inner * columns, 28);
  const b = numbers(layers * columns, 29);
  const y = Float64Array.from(b);
  const dw = new Float64Array(w.length);
  const dx = new Float64Array(x.length);
  w.forEach((weight, place) => {
    const row = Math.floor(place / columns);
    const out = Math.floor(row / inner) * columns + (place % columns);
    y[out]! += x[row]! * weight;
    dw[place] = x[row]! * b[out]!;
    dx[row]! += weight * b[out]!;
  });
  const title = `${layers} layers, ${inner} x ${columns}`;
  const back = {
    kernel: "layerRowsGradient",
    units: layers * inner,
    inputs: { x, w, dy: b },
  } as const;
  const byWeights = { values: dw, tolerance: ROUNDING };
  return [
    {
      ...{ title, kernel: "layerRows", units: layers, inputs: { x, w, b } },
      outputs: { y: y.length },
      args: ["x", "w", "b", "y", inner, columns],
      expected: { y: { values: y, tolerance: ROUNDING * (inner + 2) * (inner + 1) } },
    },
    {
      ...{ ...back, title },
      outputs: { dw: dw.length, dx: dx.length },
      args: ["x", "w", "dy", "dw", "dx", inner, columns],
      expected: {
        dw: byWeights,
        dx: { values: dx, tolerance: ROUNDING * (columns + 2) * (columns + 1) },
      },
    },
    {
      ...{ ...back, title: `${title}, only by the weights` },
      outputs: { dw: dw.length },
      args: ["x", "w", "dy", "dw", 0, inner, columns],
      expected: { dw: byWeights },
    },
  ];
}

for (const flavour of FLAVOURS) {
  describe(flavour, () => {
    test("distances from teacher layers to student layers", () => {
      const { nodesABlock } = engineOf(flavour);
      const counts = [0, 1, nodesABlock - 1, nodesABlock, nodesABlock + 1, 65];
      // Each pair of two sizes occurs, and at each width an odd and an even row beside four students.
      for (const [j, students] of [1, 3, 4, 5, 8, 9].entries()) {
        for (const [k, width] of [1, 3, 4, 7, 8, 31, 32, 33, 64].entries()) {
          const teachers = [1, 2, 7, 64][(3 * j + k + Math.floor(j / 3)) % 4]!;
          const nodes = counts[(j + k) % counts.length]!;
          check(flavour, pairsTrial(nodesABlock, nodes, teachers, students, width));
        }
      }
    });

    test("distances through a projection, and the backward pass", () => {
      const { nodesABlock } = engineOf(flavour);
      for (const sizes of [
        [0, 1, 1, 1, 1],
        [1, 2, 4, 64, 4],
        [33, 3, 5, 7, 5],
        [nodesABlock, 4, 4, 36, 9],
        [65, 5, 9, 31, 2],
        [nodesABlock + 1, 7, 8, 35, 8],
      ] as const) {
        for (const direct of [0, 1] as const) {
          check(flavour, regressionTrial(nodesABlock, sizes, direct));
        }
      }
    });

    test("one number per node: distances, and the backward pass", () => {
      const { nodesABlock } = engineOf(flavour);
      for (const sizes of [
        [0, 1, 1, 1, 1],
        [1, 2, 4, 64, 4],
        [2, 1, 3, 5, 2],
        [nodesABlock - 1, 3, 5, 7, 5],
        [nodesABlock, 4, 4, 36, 9],
        [nodesABlock + 1, 7, 1, 35, 8],
        [67, 5, 9, 31, 2],
      ] as const) {
        check(flavour, scalarTrial(nodesABlock, sizes));
      }
    });

    test("one row per layer, and the backward pass", () => {
      for (const [layers, inner, columns] of [
        [1, 1, 1],
        [3, 4, 16],
        [5, 7, 33],
        [2, 64, 256],
        [64, 3, 19],
      ] as const) {
        for (const trial of layerRowsTrials(layers, inner, columns)) check(flavour, trial);
      }
    });
  });
}
