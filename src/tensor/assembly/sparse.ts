// The sparse product Y = p A X + q Z with A in compressed rows, the sum optionally masked.
import { fma, fma1, lanes, maskBit, maskLanes } from "./vector";

/**
 * Y[r] = p * sum_k V[k] X[I[k]] + q * Z[r] over the entries k of row r, for some of the rows.
 * If MASK is given, the sum (not Z) becomes 0 in each element whose bit is 0. Z may be 0
 * (absent), or Y itself. X has `columns` columns; P is indptr, I indices. FAR means that X is in memory
 * rather than in the cache, and is read ahead.
 *
 * A unit is a row or an entry, so that ranges are equal work however the degrees are distributed: the rows
 * of begin <= unit < end are those with begin <= P[r] + r < end.
 */
export function sparseProduct(
  begin: i32, end: i32, rows: i32, P: usize, I: usize, V: usize, X: usize, Y: usize, columns: i32,
  p: f32, q: f32, Z: usize, MASK: usize, FAR: bool,
): void {
  sparseRows(
    firstRow(P, rows, begin), firstRow(P, rows, end), P, I, V, X, Y, columns, p, q, Z, MASK, FAR,
  );
}

/** Does the same for the rows from <= r < to. */
export function sparseRows(
  from: i32, to: i32, P: usize, I: usize, V: usize, X: usize, Y: usize, columns: i32,
  p: f32, q: f32, Z: usize, MASK: usize, FAR: bool,
): void {
  if (FAR) farRows(from, to, P, I, V, X, Y, columns, p, q, Z, MASK);
  else nearRows(from, to, P, I, V, X, Y, columns, p, q, Z, MASK);
}

/** The first row r with P[r] + r >= unit; `rows` if there is none. */
export function firstRow(P: usize, rows: i32, unit: i32): i32 {
  let low = 0, high = rows;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<i32>(P + (<usize>middle << 2)) + middle < unit) low = middle + 1;
    else high = middle;
  }
  return low;
}

@inline
function nearRows(
  from: i32, to: i32, P: usize, I: usize, V: usize, X: usize, Y: usize, columns: i32,
  p: f32, q: f32, Z: usize, MASK: usize,
): void {
  const step = <usize>columns << 2;
  for (let r = from; r < to; r++) {
    const first = <usize>load<i32>(P + (<usize>r << 2)) << 2;
    const last = <usize>load<i32>(P + (<usize>r << 2), 4) << 2;
    row(first, last, I, V, X, step, step, <usize>r * step, Y, p, q, Z, MASK);
  }
}

/** How many entries ahead of the one being added the row of X is fetched. */
const AHEAD: usize = 8;

/**
 * Fetches the rows of X that the entries first + AHEAD .. last + AHEAD need, none from `end` on. WebAssembly has no
 * prefetch, but a load whose value nobody waits for acts as one: because it might trap, no compiler removes it.
 */
@inline
export function fetchRows(
  first: usize, last: usize, end: usize, I: usize, X: usize, step: usize,
): void {
  for (let k = first + (AHEAD << 2); k < min(last + (AHEAD << 2), end); k += 4) {
    const x = X + <usize>load<i32>(I + k) * step;
    for (let j: usize = 0; j < step; j += 64) load<i32>(x + j);
  }
}

/** Computes the same numbers. */
@inline
function farRows(
  from: i32, to: i32, P: usize, I: usize, V: usize, X: usize, Y: usize, columns: i32,
  p: f32, q: f32, Z: usize, MASK: usize,
): void {
  const step = <usize>columns << 2;
  const end = <usize>load<i32>(P + (<usize>to << 2)) << 2;
  for (let r = from; r < to; r++) {
    const first = <usize>load<i32>(P + (<usize>r << 2)) << 2;
    const last = <usize>load<i32>(P + (<usize>r << 2), 4) << 2;
    fetchRows(first, last, end, I, X, step);
    row(first, last, I, V, X, step, step, <usize>r * step, Y, p, q, Z, MASK);
  }
}

/** Does `own` bytes of a row, which begin `at` bytes into Y; rows of X are `step` bytes apart. */
@inline
export function row(
  first: usize, last: usize, I: usize, V: usize, X: usize, step: usize, own: usize, at: usize,
  Y: usize, p: f32, q: f32, Z: usize, MASK: usize,
): void {
  let j: usize = 0;
  for (; j + 128 <= own; j += 128) row32(first, last, I, V, X + j, step, at + j, Y, p, q, Z, MASK);
  for (; j + 16 <= own; j += 16) row4(first, last, I, V, X + j, step, at + j, Y, p, q, Z, MASK);
  for (; j < own; j += 4) row1(first, last, I, V, X + j, step, at + j, Y, p, q, Z, MASK);
}

@inline
function put(at: usize, acc: v128, Y: usize, p: v128, q: v128, Z: usize, MASK: usize): void {
  let y = f32x4.mul(p, acc);
  if (MASK) y = v128.and(y, maskLanes(MASK, at >> 2));
  if (Z) y = fma(q, v128.load(Z + at), y);
  v128.store(Y + at, y);
}

@inline
function row32(
  first: usize, last: usize, I: usize, V: usize, X: usize, step: usize, at: usize,
  Y: usize, p_: f32, q_: f32, Z: usize, MASK: usize,
): void {
  let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
  for (let k = first; k < last; k += 4) {
    const w = v128.load_splat<f32>(V + k), x = X + <usize>load<i32>(I + k) * step;
    c0 = fma(w, v128.load(x), c0); c1 = fma(w, v128.load(x, 16), c1);
    c2 = fma(w, v128.load(x, 32), c2); c3 = fma(w, v128.load(x, 48), c3);
    c4 = fma(w, v128.load(x, 64), c4); c5 = fma(w, v128.load(x, 80), c5);
    c6 = fma(w, v128.load(x, 96), c6); c7 = fma(w, v128.load(x, 112), c7);
  }
  const p = f32x4.splat(p_);
  c0 = f32x4.mul(p, c0); c1 = f32x4.mul(p, c1); c2 = f32x4.mul(p, c2); c3 = f32x4.mul(p, c3);
  c4 = f32x4.mul(p, c4); c5 = f32x4.mul(p, c5); c6 = f32x4.mul(p, c6); c7 = f32x4.mul(p, c7);
  // Tested once per eight vectors: with few entries per row the tests took a sixth of the time.
  if (MASK) {
    const bit = at >> 2;
    c0 = v128.and(c0, maskLanes(MASK, bit)); c1 = v128.and(c1, maskLanes(MASK, bit + 4));
    c2 = v128.and(c2, maskLanes(MASK, bit + 8)); c3 = v128.and(c3, maskLanes(MASK, bit + 12));
    c4 = v128.and(c4, maskLanes(MASK, bit + 16)); c5 = v128.and(c5, maskLanes(MASK, bit + 20));
    c6 = v128.and(c6, maskLanes(MASK, bit + 24)); c7 = v128.and(c7, maskLanes(MASK, bit + 28));
  }
  if (Z) {
    const q = f32x4.splat(q_), z = Z + at;
    c0 = fma(q, v128.load(z), c0); c1 = fma(q, v128.load(z, 16), c1);
    c2 = fma(q, v128.load(z, 32), c2); c3 = fma(q, v128.load(z, 48), c3);
    c4 = fma(q, v128.load(z, 64), c4); c5 = fma(q, v128.load(z, 80), c5);
    c6 = fma(q, v128.load(z, 96), c6); c7 = fma(q, v128.load(z, 112), c7);
  }
  const y = Y + at;
  v128.store(y, c0); v128.store(y, c1, 16); v128.store(y, c2, 32); v128.store(y, c3, 48);
  v128.store(y, c4, 64); v128.store(y, c5, 80); v128.store(y, c6, 96); v128.store(y, c7, 112);
}

@inline
function row4(
  first: usize, last: usize, I: usize, V: usize, X: usize, step: usize, at: usize,
  Y: usize, p: f32, q: f32, Z: usize, MASK: usize,
): void {
  let acc = f32x4.splat(0);
  for (let k = first; k < last; k += 4) {
    acc = fma(v128.load_splat<f32>(V + k), v128.load(X + <usize>load<i32>(I + k) * step), acc);
  }
  put(at, acc, Y, f32x4.splat(p), f32x4.splat(q), Z, MASK);
}

@inline
function row1(
  first: usize, last: usize, I: usize, V: usize, X: usize, step: usize, at: usize,
  Y: usize, p: f32, q: f32, Z: usize, MASK: usize,
): void {
  let acc: f32 = 0;
  for (let k = first; k < last; k += 4) {
    acc = fma1(load<f32>(V + k), load<f32>(X + <usize>load<i32>(I + k) * step), acc);
  }
  let y = p * acc;
  if (MASK && !maskBit(MASK, at >> 2)) y = 0;
  if (Z) y = fma1(q, load<f32>(Z + at), y);
  store<f32>(Y + at, y);
}

/** OUT[k] = V[POSITION[k]] for begin <= k < end. */
export function gather(begin: i32, end: i32, V: usize, POSITION: usize, OUT: usize): void {
  for (let k = <usize>begin << 2; k < <usize>end << 2; k += 4) {
    store<f32>(OUT + k, load<f32>(V + (<usize>load<i32>(POSITION + k) << 2)));
  }
}

/**
 * OUT[k] = X[r] . Y[I[k]] over the entries k of the rows begin <= r < end of a sparse matrix:
 * one number per arc. X and Y have `width` columns; P is indptr, I indices.
 */
export function arcProducts(
  begin: i32, end: i32, P: usize, I: usize, X: usize, Y: usize, OUT: usize, columns: i32,
): void {
  const step = <usize>columns << 2;
  for (let r = begin; r < end; r++) {
    const first = <usize>load<i32>(P + (<usize>r << 2)) << 2;
    const last = <usize>load<i32>(P + (<usize>r << 2), 4) << 2;
    const x = X + <usize>r * step;
    for (let k = first; k < last; k += 4) {
      const y = Y + <usize>load<i32>(I + k) * step;
      let sums = f32x4.splat(0), d: usize = 0;
      for (; d + 16 <= step; d += 16) sums = fma(v128.load(x + d), v128.load(y + d), sums);
      let sum = lanes(sums);
      for (; d < step; d += 4) sum = fma1(load<f32>(x + d), load<f32>(y + d), sum);
      store<f32>(OUT + k, sum);
    }
  }
}
