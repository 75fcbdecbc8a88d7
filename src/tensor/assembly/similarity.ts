// Similarity matrices k(x_i, x_j) of all pairs of nodes, where k is a kernel function, and the mean square
// difference of two such matrices, four nodes at a time. X4 holds the nodes' vectors in groups of four:
// group, then element of the vector, then node; zeros fill the last group. So a group is read in one
// go, whereas rows of X transposed would be powers of two apart and evict each other from the cache.
import { tanh4 } from "./tanh";
import { exp4, fma, lanes } from "./vector";

/** The function k. POLY: (x . y)^2; L2: |x - y|; RBF: exp(-|x - y|^2 / 2); EXP: exp(-|x - y|); TANH: tanh(x . y). */
const POLY = 0, L2 = 1, RBF = 2, EXP = 3, TANH = 4;

/** Whether k is a function of the inner product; otherwise it is one of the distance. */
@inline
function isOfProduct(kind: i32): bool {
  return kind == POLY || kind == TANH;
}

/** Rows that share a row of scratch memory; fixed, so that the bits do not depend on threads. */
export const ROWS_A_BLOCK: i32 = 32;

/** Bytes of one number per node, including the padding of the last group. */
@inline
function padded(n: i32): usize {
  return ((<usize>n + 3) & ~3) << 2;
}

/** Where node i's numbers begin, in bytes; they are 16 bytes apart. */
@inline
function place(i: i32, width: i32): usize {
  return ((<usize>(i & ~3) * <usize>width) << 2) + (<usize>(i & 3) << 2);
}

/** x . y or |x - y|^2 between the node at byte `x` and the four nodes from byte `y` on. */
@inline
function pairs4(x: usize, y: usize, width: i32, kind: i32): v128 {
  let acc = f32x4.splat(0);
  for (const end = y + (<usize>width << 4); y < end; y += 16) {
    const a = v128.load_splat<f32>(x), b = v128.load(y);
    if (isOfProduct(kind)) {
      acc = fma(a, b, acc);
    } else {
      const e = f32x4.sub(a, b);
      acc = fma(e, e, acc);
    }
    x += 16;
  }
  return acc;
}

@inline
function value4(pair: v128, kind: i32): v128 {
  if (kind == POLY) return f32x4.mul(pair, pair);
  if (kind == TANH) return tanh4(pair);
  if (kind == L2) return f32x4.sqrt(pair);
  if (kind == EXP) return exp4(f32x4.neg(f32x4.sqrt(pair)));
  return exp4(f32x4.mul(pair, f32x4.splat(-0.5)));
}

/** e times dk / d(x . y), or times 2 dk / d(|x - y|^2); k is the function's value at `pair`. */
@inline
function slope4(e: v128, k: v128, pair: v128, kind: i32): v128 {
  if (kind == POLY) return f32x4.mul(f32x4.mul(e, pair), f32x4.splat(2));
  if (kind == L2) return v128.andnot(f32x4.div(e, k), f32x4.eq(k, f32x4.splat(0)));
  if (kind == TANH) return f32x4.mul(e, f32x4.sub(f32x4.splat(1), f32x4.mul(k, k)));
  if (kind == EXP) {
    const slope = f32x4.div(f32x4.mul(e, k), f32x4.sqrt(pair));
    return v128.andnot(f32x4.neg(slope), f32x4.eq(pair, f32x4.splat(0)));
  }
  return f32x4.neg(f32x4.mul(e, k));
}

/** A mask of those of the four numbers from byte j on that are before byte `count`. */
@inline
function before(j: usize, count: usize): v128 {
  return i32x4.lt_u(
    i32x4.add(i32x4.splat(<i32>(j >> 2)), i32x4(0, 1, 2, 3)),
    i32x4.splat(<i32>(count >> 2)),
  );
}

/** OUT[i, j] = k(x_i, x_j), n x n, for rows begin <= i < end. */
export function similarities(
  begin: i32, end: i32, X4: usize, OUT: usize, n: i32, width: i32, kind: i32,
): void {
  const last = <usize>n << 2, step = <usize>width;
  for (let i = begin; i < end; i++) {
    const x = X4 + place(i, width), out = OUT + <usize>i * last;
    let j: usize = 0;
    for (; j + 16 <= last; j += 16) {
      v128.store(out + j, value4(pairs4(x, X4 + j * step, width, kind), kind));
    }
    if (j == last) continue;
    let rest = value4(pairs4(x, X4 + j * step, width, kind), kind);
    for (; j < last; j += 4) {
      store<f32>(out + j, f32x4.extract_lane(rest, 0));
      rest = v128.shuffle<i32>(rest, rest, 1, 2, 3, 3);
    }
  }
}

/**
 * With e_ij = k(x_i, x_j) - T[s_i, s_j], for blocks of rows begin <= b < end:
 * LOSSES[i] = sum_j e_ij^2, and G[i] = scale sum_j e_ij (dk(x_i, x_j) / dx_i), n x width, where the
 * derivative of |x - y| and of EXP at 0 is 0. T is a square matrix of `size` columns; s is S, or s_i = i if
 * S is 0 (absent). SCRATCH has a row of padded(n) for each block.
 */
export function similarityMismatch(
  begin: i32, end: i32, X4: usize, T: usize, S: usize, LOSSES: usize, G: usize, SCRATCH: usize,
  n: i32, width: i32, size: i32, kind: i32, scale: f32,
): void {
  const row = padded(n), count = <usize>n << 2;
  for (let block = begin; block < end; block++) {
    const scratch = SCRATCH + <usize>block * row;
    const first = block * ROWS_A_BLOCK, last = min(n, first + ROWS_A_BLOCK);
    if (width == 4) {
      if (kind == POLY) mismatch4(first, last, X4, T, S, LOSSES, G, scratch, count, size, POLY, scale);
      else if (kind == L2) mismatch4(first, last, X4, T, S, LOSSES, G, scratch, count, size, L2, scale);
      else if (kind == EXP) mismatch4(first, last, X4, T, S, LOSSES, G, scratch, count, size, EXP, scale);
      else if (kind == TANH) mismatch4(first, last, X4, T, S, LOSSES, G, scratch, count, size, TANH, scale);
      else mismatch4(first, last, X4, T, S, LOSSES, G, scratch, count, size, RBF, scale);
      continue;
    }
    for (let i = first; i < last; i++) {
      const at = <usize>i << 2;
      const source = S ? load<i32>(S + at) : i;
      const t = T + ((<usize>source * <usize>size) << 2);
      const x = X4 + place(i, width);
      store<f32>(LOSSES + at, coefficients(X4, x, t, S, scratch, count, width, kind));
      for (let d = 0; d < width; d++) {
        const from = <usize>d << 4;
        const sum = pull(X4 + from, x + from, scratch, row, width, kind);
        store<f32>(G + ((<usize>i * <usize>width + d) << 2), scale * sum);
      }
    }
  }
}

/**
 * Does rows first <= i < last of `similarityMismatch` for vectors of four numbers (a student's), with the
 * same bits. Callers pass `kind` as a constant. Pairs, k and gradient take turns over some
 * nodes at a time, because short loops let a processor overlap more of their steps.
 */
@inline
function mismatch4(
  first: i32, last: i32, X4: usize, T: usize, S: usize, LOSSES: usize, G: usize, scratch: usize,
  count: usize, size: i32, kind: i32, scale: f32,
): void {
  for (let i = first; i < last; i++) {
    const at = <usize>i << 2, x = X4 + place(i, 4);
    const t = T + ((<usize>(S ? load<i32>(S + at) : i) * <usize>size) << 2);
    const x0 = v128.load_splat<f32>(x), x1 = v128.load_splat<f32>(x, 16);
    const x2 = v128.load_splat<f32>(x, 32), x3 = v128.load_splat<f32>(x, 48);
    let g0 = f32x4.splat(0), g1 = g0, g2 = g0, g3 = g0;
    let total: f64 = 0;
    for (let from: usize = 0; from < count; from += SOME) {
      const to = min(count, from + SOME);
      for (let j = from; j < to; j += 16) {
        const y = X4 + (j << 2);
        let d0 = v128.load(y), d1 = v128.load(y, 16), d2 = v128.load(y, 32), d3 = v128.load(y, 48);
        let pair: v128;
        if (isOfProduct(kind)) {
          pair = fma(x3, d3, fma(x2, d2, fma(x1, d1, fma(x0, d0, f32x4.splat(0)))));
        } else {
          d0 = f32x4.sub(x0, d0); d1 = f32x4.sub(x1, d1); d2 = f32x4.sub(x2, d2); d3 = f32x4.sub(x3, d3);
          pair = fma(d3, d3, fma(d2, d2, fma(d1, d1, fma(d0, d0, f32x4.splat(0)))));
        }
        v128.store(scratch + j, pair);
      }
      total += <f64>lanes(slopes(from, to, t, S, scratch, count, kind));
      for (let j = from; j < to; j += 16) {
        const y = X4 + (j << 2), c = v128.load(scratch + j);
        let d0 = v128.load(y), d1 = v128.load(y, 16), d2 = v128.load(y, 32), d3 = v128.load(y, 48);
        if (!isOfProduct(kind)) {
          d0 = f32x4.sub(x0, d0); d1 = f32x4.sub(x1, d1); d2 = f32x4.sub(x2, d2); d3 = f32x4.sub(x3, d3);
        }
        g0 = fma(c, d0, g0); g1 = fma(c, d1, g1); g2 = fma(c, d2, g2); g3 = fma(c, d3, g3);
      }
    }
    store<f32>(LOSSES + at, <f32>total);
    const g = G + (<usize>i << 4);
    store<f32>(g, scale * lanes(g0)); store<f32>(g, scale * lanes(g1), 4);
    store<f32>(g, scale * lanes(g2), 8); store<f32>(g, scale * lanes(g3), 12);
  }
}

/** C[j] = e_ij times dk / d(x . y), or times 2 dk / d(|x - y|^2); returns the sum of e_ij^2. */
@inline
function coefficients(
  X4: usize, x: usize, t: usize, S: usize, C: usize, count: usize, width: i32, kind: i32,
): f32 {
  let total: f64 = 0;
  for (let from: usize = 0; from < count; from += SOME) {
    const to = min(count, from + SOME);
    for (let j = from; j < to; j += 16) {
      v128.store(C + j, pairs4(x, X4 + j * <usize>width, width, kind));
    }
    total += <f64>lanes(slopes(from, to, t, S, C, count, kind));
  }
  return <f32>total;
}

/** Nodes, in bytes, whose terms are summed before they join the total, to keep the rounding error small. */
const SOME: usize = 2048;

/** Replaces the pairs in C by e_ij times their slope; returns the sum of e_ij^2 by lanes. */
@inline
function slopes(
  from: usize, to: usize, t: usize, S: usize, C: usize, count: usize, kind: i32,
): v128 {
  let sum = f32x4.splat(0);
  for (let j = from; j < to; j += 16) {
    const pair = v128.load(C + j), k = value4(pair, kind), inside = before(j, count);
    const target = S ? gathered(t, S + j, inside) : v128.load(t + j);
    const e = v128.and(f32x4.sub(k, target), inside);
    sum = fma(e, e, sum);
    v128.store(C + j, v128.and(slope4(e, k, pair, kind), inside));
  }
  return sum;
}

/** Loads t[s_j .. s_j+3]; indices after the last are not followed. */
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

/** sum_j C[j] y_j, or sum_j C[j] (x - y_j), in one element of the vectors; `y` is the first node's. */
@inline
function pull(y: usize, x: usize, C: usize, row: usize, width: i32, kind: i32): f32 {
  const step = <usize>width << 4;
  const own = v128.load_splat<f32>(x);
  let acc = f32x4.splat(0);
  for (let j: usize = 0; j < row; j += 16) {
    const other = v128.load(y);
    acc = fma(v128.load(C + j), isOfProduct(kind) ? other : f32x4.sub(own, other), acc);
    y += step;
  }
  return lanes(acc);
}
