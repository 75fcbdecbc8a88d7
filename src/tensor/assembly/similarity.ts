// Kernel matrices k(x_i, x_j) of all pairs of nodes, and the mean square of two such matrices'
// difference: four columns at a time, over X transposed.
import { exp4, fma, lanes } from "./vector";

/** What k is. POLY: (x . y)^2; L2: |x - y|; RBF: exp(-|x - y|^2 / 2). */
const POLY = 0, L2 = 1, RBF = 2;

/** Rows that share a row of scratch memory: fixed, so that bits do not depend on threads. */
export const ROWS_A_BLOCK: i32 = 32;

/** Numbers in a row of X transposed: columns padded with zeros to a whole number of vectors. */
@inline
function padded(n: i32): usize {
  return ((<usize>n + 3) & ~3) << 2;
}

/** x . y or |x - y|^2 of row i with the four from byte `at` of the transposed rows XT on. */
@inline
function pairs4(XT: usize, i: usize, at: usize, width: i32, row: usize, kind: i32): v128 {
  let acc = f32x4.splat(0);
  for (let d = 0; d < width; d++) {
    const x = v128.load_splat<f32>(XT + i), y = v128.load(XT + at);
    if (kind == POLY) {
      acc = fma(x, y, acc);
    } else {
      const e = f32x4.sub(x, y);
      acc = fma(e, e, acc);
    }
    XT += row;
  }
  return acc;
}

@inline
function value4(pair: v128, kind: i32): v128 {
  if (kind == POLY) return f32x4.mul(pair, pair);
  if (kind == L2) return f32x4.sqrt(pair);
  return exp4(f32x4.mul(pair, f32x4.splat(-0.5)));
}

/** OUT[i, j] = k(x_i, x_j), n x n, for rows begin <= i < end; XT is width x padded(n). */
export function similarities(
  begin: i32, end: i32, XT: usize, OUT: usize, n: i32, width: i32, kind: i32,
): void {
  const row = padded(n), last = <usize>n << 2;
  for (let i = begin; i < end; i++) {
    const out = OUT + <usize>i * last;
    let j: usize = 0;
    for (; j + 16 <= last; j += 16) {
      v128.store(out + j, value4(pairs4(XT, <usize>i << 2, j, width, row, kind), kind));
    }
    if (j == last) continue;
    let rest = value4(pairs4(XT, <usize>i << 2, j, width, row, kind), kind);
    for (; j < last; j += 4) {
      store<f32>(out + j, f32x4.extract_lane(rest, 0));
      rest = v128.shuffle<i32>(rest, rest, 1, 2, 3, 3);
    }
  }
}

/**
 * With e_ij = k(x_i, x_j) - T[s_i, s_j], for blocks of rows begin <= b < end:
 * LOSSES[i] = sum_j e_ij^2, and G[i] = scale sum_j e_ij (dk(x_i, x_j) / dx_i), n x width, where the
 * derivative of |x - y| at 0 is 0. T is a square matrix of `size` columns; s is S, or s_i = i where
 * S is 0 (absent). SCRATCH has a row of padded(n) for each block.
 */
export function similarityMismatch(
  begin: i32, end: i32, XT: usize, T: usize, S: usize, LOSSES: usize, G: usize, SCRATCH: usize,
  n: i32, width: i32, size: i32, kind: i32, scale: f32,
): void {
  const row = padded(n), count = <usize>n << 2;
  for (let block = begin; block < end; block++) {
    const scratch = SCRATCH + <usize>block * row;
    const first = block * ROWS_A_BLOCK, last = min(n, first + ROWS_A_BLOCK);
    for (let i = first; i < last; i++) {
      const at = <usize>i << 2;
      const source = S ? load<i32>(S + at) : i;
      const t = T + ((<usize>source * <usize>size) << 2);
      store<f32>(LOSSES + at, coefficients(XT, at, t, S, scratch, row, count, width, kind));
      for (let d = 0; d < width; d++) {
        const xt = XT + <usize>d * row;
        const sum = kind == POLY ? products(xt, scratch, row) : differences(xt, at, scratch, row);
        store<f32>(G + ((<usize>i * <usize>width + d) << 2), scale * sum);
      }
    }
  }
}

/** C[j] = e_ij times dk / d(x . y), or dk / d(|x - y|^2) times 2; returns the sum of e_ij^2. */
@inline
function coefficients(
  XT: usize, i: usize, t: usize, S: usize, C: usize, row: usize, count: usize, width: i32,
  kind: i32,
): f32 {
  let total: f64 = 0;
  for (let j: usize = 0; j < count; ) {
    // Some terms together before they join the total: keeps the rounding error small.
    const until = min(count, j + 2048);
    let sum = f32x4.splat(0);
    for (; j < until; j += 16) {
      const inside = i32x4.lt_u(
        i32x4.add(i32x4.splat(<i32>(j >> 2)), i32x4(0, 1, 2, 3)),
        i32x4.splat(<i32>(count >> 2)),
      );
      const pair = pairs4(XT, i, j, width, row, kind), k = value4(pair, kind);
      const target = S ? gathered(t, S + j, inside) : v128.load(t + j);
      const e = v128.and(f32x4.sub(k, target), inside);
      sum = fma(e, e, sum);
      let c = e;
      if (kind == POLY) {
        c = f32x4.mul(f32x4.mul(e, pair), f32x4.splat(2));
      } else if (kind == L2) {
        c = v128.andnot(f32x4.div(e, k), f32x4.eq(k, f32x4.splat(0)));
      } else {
        c = f32x4.neg(f32x4.mul(e, k));
      }
      v128.store(C + j, v128.and(c, inside));
    }
    total += <f64>lanes(sum);
  }
  return <f32>total;
}

/** t[s_j .. s_j+3]; indices behind the last are not followed. */
@inline
function gathered(t: usize, s: usize, inside: v128): v128 {
  const index = i32x4.shl(v128.and(v128.load(s), inside), 2);
  return f32x4(
    load<f32>(t + i32x4.extract_lane(index, 0)),
    load<f32>(t + i32x4.extract_lane(index, 1)),
    load<f32>(t + i32x4.extract_lane(index, 2)),
    load<f32>(t + i32x4.extract_lane(index, 3)),
  );
}

/** sum_j C[j] y_j in one column. */
@inline
function products(xt: usize, C: usize, row: usize): f32 {
  let a = f32x4.splat(0), b = a, j: usize = 0;
  for (; j + 32 <= row; j += 32) {
    a = fma(v128.load(C + j), v128.load(xt + j), a);
    b = fma(v128.load(C + j, 16), v128.load(xt + j, 16), b);
  }
  if (j < row) a = fma(v128.load(C + j), v128.load(xt + j), a);
  return lanes(f32x4.add(a, b));
}

/** sum_j C[j] (x_i - y_j) in one column. */
@inline
function differences(xt: usize, i: usize, C: usize, row: usize): f32 {
  const x = v128.load_splat<f32>(xt + i);
  let a = f32x4.splat(0), b = a, j: usize = 0;
  for (; j + 32 <= row; j += 32) {
    a = fma(v128.load(C + j), f32x4.sub(x, v128.load(xt + j)), a);
    b = fma(v128.load(C + j, 16), f32x4.sub(x, v128.load(xt + j, 16)), b);
  }
  if (j < row) a = fma(v128.load(C + j), f32x4.sub(x, v128.load(xt + j)), a);
  return lanes(f32x4.add(a, b));
}
