// Integer inference in plain loops, from a model's weights and ranges: no code of the project's, integers in doubles.
import type { Csr } from "../../src/graph/csr.ts";

type Numbers = ArrayLike<number>;
const f = Math.fround;

/** A map: rows x columns of float32 numbers. */
export interface Plain {
  readonly columns: number;
  readonly values: Float32Array;
}

interface Grid {
  readonly scale: number;
  readonly zero: number;
  readonly bits: number;
}

/** Half to even. */
function rint(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

function gridOf([low, high]: readonly [number, number], bits: number): Grid {
  const least = -(2 ** (bits - 1));
  const [from, to] = [Math.min(0, low), Math.max(0, high)];
  if (from === to) return { scale: 1, zero: 0, bits };
  const scale = f(Math.max((to - from) / (2 ** bits - 1), 2 ** -23));
  return { scale, zero: Math.min(-least - 1, Math.max(least, least - rint(from / scale))), bits };
}

/** Codes less their zero: what products are of. */
function offsets(x: Numbers, { scale, zero, bits }: Grid): Int32Array {
  const [least, most] = [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
  return Int32Array.from(x, (value) => {
    const place = rint(f(f(value * f(1 / scale)) + zero));
    return Math.min(most, Math.max(least, place)) - zero;
  });
}

/** Rows of a sparse matrix as integers, and their steps. */
function rowIntegers({ rows, indptr, values }: Csr): { codes: Int32Array; scales: Float32Array } {
  const codes = new Int32Array(indptr[rows]!);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const places = Array.from({ length: indptr[r + 1]! - indptr[r]! }, (_, k) => indptr[r]! + k);
    const largest = Math.max(0, ...places.map((k) => Math.abs(values?.[k] ?? 1)));
    if (largest === 0) continue;
    scales[r] = largest / 127;
    for (const k of places) codes[k] = rint((values?.[k] ?? 1) / scales[r]!);
  }
  return { codes, scales };
}

/** What is known about the model and the graph. */
export interface Subject {
  readonly kind: string;
  readonly layers: number;
  readonly bits: number;
  readonly alpha: number;
  readonly lambda: number;
  readonly features: Csr;
  /** As the kind reads it. */
  readonly adjacency: Csr;
  readonly parameters: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly values: Numbers }
  >;
  readonly weightRange: (name: string) => readonly [number, number];
  readonly mapRange: (part: string, layer: number) => readonly [number, number];
}

/** A x as float32: sums of integers, then the row's step times x's. */
function gathered(matrix: Csr, x: Int32Array, columns: number, scale: number): Plain {
  const { codes, scales } = rowIntegers(matrix);
  const values = new Float32Array(matrix.rows * columns);
  for (let r = 0; r < matrix.rows; r++) {
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = matrix.indptr[r]!; k < matrix.indptr[r + 1]!; k++) {
        sum += codes[k]! * x[matrix.indices[k]! * columns + c]!;
      }
      values[r * columns + c] = f(sum) * f(scales[r]! * scale);
    }
  }
  return { columns, values };
}

export function plainLogits(subject: Subject): Float32Array {
  const { kind, layers, bits, features, adjacency, parameters, weightRange, mapRange } = subject;
  const of = (name: string): Numbers => parameters.get(name)!.values;
  const weightOf = (name: string) => {
    const grid = gridOf(weightRange(name), bits);
    const { shape, values } = parameters.get(name)!;
    return { columns: shape.at(-1)!, integers: offsets(values, grid), scale: grid.scale };
  };
  const first = (name: string): Plain => {
    const { columns, integers, scale } = weightOf(name);
    return gathered(features, integers, columns, scale);
  };
  const times = (x: Int32Array, scale: number, name: string): Plain => {
    const { columns, integers, scale: own } = weightOf(name);
    const inner = integers.length / columns;
    const values = new Float32Array((x.length / inner) * columns);
    for (let k = 0; k < values.length; k++) {
      const [r, c] = [Math.trunc(k / columns), k % columns];
      let sum = 0;
      for (let i = 0; i < inner; i++) sum += x[r * inner + i]! * integers[i * columns + c]!;
      values[k] = f(sum) * f(scale * own);
    }
    return { columns, values };
  };
  const map = ({ columns, values }: Plain, change: (x: number, k: number) => number): Plain => ({
    columns,
    values: values.map((x, k) => change(x, k)),
  });
  const plus = (x: Plain, bias: Numbers): Plain =>
    map(x, (value, k) => value + bias[k % x.columns]!);
  const relu = (x: Plain): Plain => map(x, (value) => Math.max(0, value));
  const rounded = (x: Plain, part: string, layer: number) => {
    const grid = gridOf(mapRange(part, layer), bits);
    const integers = offsets(x.values, grid);
    const values = Float32Array.from(integers, (offset) => offset * grid.scale);
    return { integers, scale: grid.scale, columns: x.columns, values };
  };
  const sent = (x: Plain, layer: number) => {
    const message = rounded(x, "message", layer);
    return { message, sums: gathered(adjacency, message.integers, x.columns, message.scale) };
  };
  if (kind === "gcnii" || kind === "mustad") {
    const { alpha, lambda } = subject;
    let x = plus(first("input.weight"), of("input.bias"));
    const initial = map(relu(x), (value) => value * f(alpha));
    for (let l = 0; l < layers; l++) {
      const { sums } = sent(rounded(relu(x), "activation", l), l);
      const met = map(sums, (value, k) => f(value * f(1 - alpha)) + initial.values[k]!);
      const z = rounded(met, "inner", l);
      const theta = Math.log(lambda / (l + 1) + 1);
      const product = times(
        z.integers,
        z.scale,
        kind === "gcnii" ? `convolution.${l}.weight` : "convolution.weight",
      );
      x = map(product, (value, k) => f(value * f(theta)) + f(z.values[k]! * f(1 - theta)));
    }
    const { integers, scale } = rounded(relu(x), "activation", layers);
    return plus(times(integers, scale, "output.weight"), of("output.bias")).values;
  }
  let read: ReturnType<typeof rounded> | undefined;
  for (let l = 0; ; l++) {
    const product = (name: string): Plain =>
      read ? times(read.integers, read.scale, `layer.${l}.${name}`) : first(`layer.${l}.${name}`);
    const bias = of(`layer.${l}.bias`);
    let x = product("weight");
    if (kind === "gcn") x = plus(sent(x, l).sums, bias);
    else if (kind === "mlp") x = plus(x, bias);
    else if (kind === "sage") {
      const own = plus(product("root"), bias);
      x = map(sent(x, l).sums, (value, k) => value + own.values[k]!);
    } else {
      const { message, sums } = sent(x, l);
      const self = f(1 + of(`layer.${l}.epsilon`)[0]!);
      const met = map(sums, (value, k) => value + f(message.values[k]! * self));
      const inner = rounded(relu(plus(met, bias)), "inner", l);
      x = plus(
        times(inner.integers, inner.scale, `layer.${l}.second`),
        of(`layer.${l}.secondBias`),
      );
    }
    if (l === layers - 1) return x.values;
    if (parameters.has(`norm.${l}.gain`)) {
      const [gain, shift] = [of(`norm.${l}.gain`), of(`norm.${l}.shift`)];
      const [mean, variance] = [of(`norm.${l}.mean`), of(`norm.${l}.variance`)];
      const factor = Float32Array.from(
        gain,
        (g, c) => g * f(1 / Math.sqrt(f(variance[c]! + f(1e-5)))),
      );
      const offset = Float32Array.from(shift, (s, c) => s - f(mean[c]! * factor[c]!));
      const { columns } = x;
      x = map(x, (value, k) => f(value * factor[k % columns]!) + offset[k % columns]!);
    }
    read = rounded(relu(x), "activation", l + 1);
  }
}
