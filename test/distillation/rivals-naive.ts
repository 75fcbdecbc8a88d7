// The rivals' terms in double precision, loop by loop as their formulas read.
import type { Kernel } from "../../src/distillation/rival.ts";

/** One row per node. */
export type Rows = readonly (readonly number[])[];

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const dot = (x: readonly number[], y: readonly number[]): number => sum(x.map((v, d) => v * y[d]!));
const square = (x: number): number => x * x;

/** Returns x / |x|, or zeros for zeros. */
function unit(x: readonly number[]): number[] {
  const length = Math.sqrt(dot(x, x));
  return x.map((v) => (length === 0 ? 0 : v / length));
}

/** Returns the last of some maps, given flat as layers x nodes x width, after its ReLU. */
export function hiddenOf(maps: ArrayLike<number>, [layers, nodes, width]: number[]): Rows {
  const from = (layers! - 1) * nodes! * width!;
  return Array.from({ length: nodes! }, (_, n) =>
    Array.from({ length: width! }, (_, d) => Math.max(0, maps[from + n * width! + d]!)),
  );
}

export function kernelOf(kind: Kernel, x: readonly number[], y: readonly number[]): number {
  const distance = Math.sqrt(sum(x.map((v, d) => square(v - y[d]!))));
  const cosine = dot(unit(x), unit(y));
  return { cosine, poly: cosine ** 2, l2: distance, rbf: Math.exp(-0.5 * distance ** 2) }[kind];
}

/** @param weight student's width x teacher's width, row-major */
export function naiveFitNet(
  s: Rows,
  t: Rows,
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
): number {
  const width = t[0]!.length;
  const errors = s.map((row, i) => {
    const projected = Array.from({ length: width }, (_, c) =>
      sum([bias[c]!, ...row.map((v, d) => v * weight[d * width + c]!)]),
    );
    const target = unit(t[i]!);
    return sum(unit(projected).map((v, c) => square(v - target[c]!)));
  });
  return sum(errors) / (s.length * width);
}

export function naiveAt(s: Rows, t: Rows): number {
  const [q, target] = [s, t].map((rows) => unit(rows.map((row) => dot(row, row))));
  return sum(q!.map((v, i) => square(v - target![i]!))) / s.length;
}

/** @param arcs in both directions */
export function naiveLsp(
  s: Rows,
  t: Rows,
  kernel: Kernel,
  arcs: readonly (readonly [number, number])[],
): number {
  let total = 0;
  for (let i = 0; i < s.length; i++) {
    const neighbours = arcs.filter(([from]) => from === i).map(([, to]) => to);
    const [q, p] = [s, t].map((rows) => {
      const scores = neighbours.map((j) => Math.exp(kernelOf(kernel, rows[i]!, rows[j]!)));
      return scores.map((x) => x / sum(scores));
    });
    total += sum(p!.map((x, k) => x * Math.log(x / q![k]!)));
  }
  return arcs.length === 0 ? 0 : total / arcs.length;
}

/** @param nodes the drawn ones */
export function naiveGsp(s: Rows, t: Rows, kernel: Kernel, nodes: ArrayLike<number>): number {
  const drawn = Array.from(nodes);
  const errors = drawn.flatMap((i) =>
    drawn.map((j) => square(kernelOf(kernel, s[i]!, s[j]!) - kernelOf(kernel, t[i]!, t[j]!))),
  );
  return sum(errors) / drawn.length ** 2;
}
