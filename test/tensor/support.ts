// Seeded numbers, comparisons and plain double-precision helpers for the engine's tests.
import assert from "node:assert/strict";
import { type Csr, csrFromPairs } from "../../src/graph/csr.ts";
import { randomStream } from "../../src/graph/random.ts";

export type Numbers = ArrayLike<number>;

/** The relative error of one float32 rounding. */
export const ROUNDING = 2 ** -24;

/** Makes `count` float32 numbers in [-1, 1), never 0, so that no ReLU is at its kink. */
export function numbers(count: number, seed: number): Float32Array {
  const random = randomStream(seed);
  return Float32Array.from({ length: count }, () => random.uniform() * 2 - 1 || 0.5);
}

/**
 * @param tolerance the largest absolute difference, for all numbers or for each
 * @throws AssertionError that names the first bad element
 */
export function assertClose(
  actual: Numbers,
  expected: Numbers,
  tolerance: number | Numbers,
  what: string,
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i]!, expected[i]!];
    if (Object.is(a, e) || (Number.isNaN(a) && Number.isNaN(e))) continue;
    const allowed = typeof tolerance === "number" ? tolerance : tolerance[i]!;
    const fits = Math.abs(a - e) <= allowed;
    if (!fits) assert.fail(`${what}: element ${i} is ${a}, not ${e} (allowed: ${allowed})`);
  }
}

/** Like assertClose, with a tolerance relative to the largest expected number. */
export function assertClosely(
  actual: Numbers,
  expected: Numbers,
  relative: number,
  what: string,
): void {
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  assertClose(actual, expected, relative * largest + 1e-30, what);
}

/** Asserts equality bit for bit: NaN equals itself, -0 does not equal 0. */
export function assertSameBits(actual: Float32Array, expected: Float32Array, what: string): void {
  const bits = (x: Float32Array): Uint32Array => new Uint32Array(Float32Array.from(x).buffer);
  const [a, e] = [bits(actual), bits(expected)];
  assert.equal(a.length, e.length, `${what}: length`);
  for (let i = 0; i < e.length; i++) {
    if (a[i] !== e[i]) assert.fail(`${what}: element ${i} is ${actual[i]}, not ${expected[i]}`);
  }
}

/** Makes a sparse matrix with some empty and some full rows, and with values unless `binary`. */
export function randomSparse(rows: number, columns: number, seed: number, binary = false): Csr {
  const random = randomStream(seed);
  const rowOf: number[] = [];
  const columnOf: number[] = [];
  for (let r = 0; r < rows; r++) {
    const density = r % 5 === 3 ? 0 : r % 7 === 6 ? 1 : Math.min(0.5, 4 / columns);
    for (let c = 0; c < columns; c++) {
      if (random.uniform() >= density) continue;
      rowOf.push(r);
      columnOf.push(c);
    }
  }
  const matrix = csrFromPairs(rows, columns, rowOf, columnOf);
  return binary ? matrix : { ...matrix, values: numbers(matrix.indices.length, seed + 1) };
}

/** Makes a graph of a ring and random chords, without self loops, with both directions of each edge. */
export function randomAdjacency(nodes: number, seed: number): Csr {
  const random = randomStream(seed);
  const [from, to]: [number[], number[]] = [[], []];
  const connect = (a: number, b: number): void => {
    if (a === b) return;
    from.push(a, b);
    to.push(b, a);
  };
  for (let n = 0; n < nodes; n++) {
    // The last node stays isolated: it has only its own features.
    if (n + 2 < nodes) connect(n, n + 1);
    if (nodes > 2 && n < nodes - 1) connect(n, random.below(nodes - 1));
  }
  return csrFromPairs(nodes, nodes, from, to);
}

/** Makes a row-major rows x columns matrix, with the entries multiplied by `factor(entry)`. */
export function dense(matrix: Csr, factor: (entry: number) => number = () => 1): Float64Array {
  const out = new Float64Array(matrix.rows * matrix.columns);
  for (let r = 0; r < matrix.rows; r++) {
    for (let k = matrix.indptr[r]!; k < matrix.indptr[r + 1]!; k++) {
      out[r * matrix.columns + matrix.indices[k]!]! += (matrix.values?.[k] ?? 1) * factor(k);
    }
  }
  return out;
}

/** Computes A B in double precision; A is rows x inner, B inner x columns, row-major. */
export function product(
  a: Numbers,
  b: Numbers,
  rows: number,
  inner: number,
  columns: number,
): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < inner; k++) {
      const x = a[r * inner + k]!;
      for (let c = 0; c < columns; c++) out[r * columns + c]! += x * b[k * columns + c]!;
    }
  }
  return out;
}

/** Returns the transpose of a rows x columns matrix. */
export function transposed(a: Numbers, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) out[c * rows + r] = a[r * columns + c]!;
  }
  return out;
}

/** Computes df/dx at the chosen elements by central differences of a function in double precision. */
export function differences(
  f: (x: Float64Array) => number,
  x: Numbers,
  elements: Iterable<number> = Array.from(x, (_, i) => i),
  step = 1e-5,
): Float64Array {
  const point = Float64Array.from(x);
  return Float64Array.from(elements, (i) => {
    const here = point[i]!;
    point[i] = here + step;
    const above = f(point);
    point[i] = here - step;
    const below = f(point);
    point[i] = here;
    return (above - below) / (2 * step);
  });
}

/** Computes the dot product in double precision. */
export function dot(a: Numbers, b: Numbers): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
