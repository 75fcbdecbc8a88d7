// G-CRD and Geometric KD in double precision, loop by loop as their formulas read.
import type { Rows } from "./rivals-naive.ts";

export type Numbers = ArrayLike<number>;
/** Arcs in both directions, without self loops. */
export type ArcList = readonly (readonly [number, number])[];

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const dot = (x: readonly number[], y: readonly number[]): number => sum(x.map((v, d) => v * y[d]!));
const mean = (values: readonly number[]): number => sum(values) / values.length;
const square = (x: number): number => x * x;

/** Returns x W + bias; W is row-major. */
export function times(x: Rows, weight: Numbers, bias?: Numbers): number[][] {
  const outputs = weight.length / x[0]!.length;
  return x.map((row) =>
    Array.from({ length: outputs }, (_, c) =>
      sum([bias?.[c] ?? 0, ...row.map((v, d) => v * weight[d * outputs + c]!)]),
    ),
  );
}

export function standardise(x: Rows): number[][] {
  const means = x[0]!.map((_, d) => mean(x.map((row) => row[d]!)));
  const deviations = means.map((m, d) =>
    Math.sqrt(mean(x.map((row) => square(row[d]! - m))) + 1e-5),
  );
  return x.map((row) => row.map((v, d) => (v - means[d]!) / deviations[d]!));
}

const unit = (x: Rows): number[][] =>
  x.map((row) => {
    const length = Math.sqrt(dot(row, row));
    return row.map((v) => (length === 0 ? 0 : v / length));
  });

function head(x: Rows, [weight, gain, shift]: readonly Numbers[]): number[][] {
  return standardise(times(x, weight!)).map((row) =>
    row.map((v, c) => Math.max(0, v * gain![c]! + shift![c]!)),
  );
}

/** @param parameters those of the student's head, then the teacher's */
export function naiveGcrd(
  s: Rows,
  t: Rows,
  parameters: readonly Numbers[],
  tau: number,
  nodes: Numbers,
): number {
  const z = unit(head(s, parameters.slice(0, 3)));
  const v = unit(head(t, parameters.slice(3)));
  const drawn = Array.from(nodes);
  return mean(
    drawn.map((i) => {
      const scores = drawn.map((j) => dot(z[i]!, v[j]!) / tau);
      return Math.log(sum(scores.map(Math.exp))) - dot(z[i]!, v[i]!) / tau;
    }),
  );
}

/** Sums w (K_t - K_s)^2 over all pairs of the drawn nodes. */
function weighted(
  kernels: readonly ((i: number, j: number) => number)[],
  arcs: ArcList,
  delta: number,
  drawn: readonly number[],
): number {
  const joined = new Set(arcs.map(([i, j]) => `${i} ${j}`));
  return sum(
    drawn.flatMap((i) =>
      drawn.map((j) => {
        const w = i === j || joined.has(`${i} ${j}`) ? 1 : delta;
        return w * square(kernels[0]!(i, j) - kernels[1]!(i, j));
      }),
    ),
  );
}

export function naivePairs(
  s: Rows,
  t: Rows,
  { kernel, time, delta }: { kernel: string; time: number; delta: number },
  arcs: ArcList,
  nodes: Numbers,
): number {
  const kernels = [t, s].map((rows) => {
    const x = standardise(rows);
    return (i: number, j: number): number => {
      if (kernel === "sigmoid") return Math.tanh(dot(x[i]!, x[j]!));
      return Math.exp(-Math.sqrt(sum(x[i]!.map((v, d) => square(v - x[j]![d]!)))) / time);
    };
  });
  return weighted(kernels, arcs, delta, Array.from(nodes));
}

/** Returns the kernel K of features tanh(x W), each draw's columns with its own e. */
function featureKernel(x: Rows, weight: Numbers, signs: Numbers): (i: number, j: number) => number {
  const features = times(x, weight).map((row) => row.map(Math.tanh));
  return (i, j) => sum(features[i]!.map((f, k) => f * signs[k]! * features[j]![k]!));
}

export function naiveFeatures(
  s: Rows,
  t: Rows,
  projection: Numbers,
  expansion: { readonly weight: Numbers; readonly signs: Numbers },
  arcs: ArcList,
  delta: number,
): number {
  const sides = [standardise(t), standardise(times(s, projection))];
  const kernels = sides.map((x) => featureKernel(x, expansion.weight, expansion.signs));
  return weighted(kernels, arcs, delta, [...s.keys()]);
}

/** Returns the parametric kernel's own loss, which trains phi. */
export function naiveReconstruction(
  s: Rows,
  t: Rows,
  first: { readonly s: Rows; readonly t: Rows },
  projection: Numbers,
  phi: Numbers,
): number {
  const ones = new Float64Array(phi.length).fill(1);
  const side = (x: Rows, last: Rows, early: Rows): number => {
    const kernel = featureKernel(x, phi, ones);
    const from = standardise(last);
    const spread = from.map((_, i) =>
      from[0]!.map((_, d) => sum(from.map((row, j) => kernel(i, j) * row[d]!))),
    );
    const to = standardise(early);
    return sum(standardise(spread).map((row, i) => sum(row.map((v, d) => square(v - to[i]![d]!)))));
  };
  return side(standardise(t), t, first.t) + side(standardise(times(s, projection)), s, first.s);
}
