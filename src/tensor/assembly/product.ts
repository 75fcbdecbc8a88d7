// Dense products: C = A B and C = A' B, row-major, any shape. (B' is transposed first.)
import { fma, fma1, inner, lanes } from "./vector";

/**
 * C[r] = p * (A B)[r] + q * Z[r] for rows begin <= r < end; if ACC is given, also
 * ACC[r] += s * C[r]. Z and ACC may be 0 (absent); Z may be A, ACC must not be C.
 * A is rows x inner, B inner x columns, or `packed` by packPanels; C, Z, ACC rows x columns.
 */
export function product(
  begin: i32, end: i32, A: usize, B: usize, C: usize, inner: i32, columns: i32,
  p: f32, q: f32, Z: usize, s: f32, ACC: usize, packed: bool,
): void {
  const aStep = <usize>inner << 2, step = <usize>columns << 2;
  if (columns == 1) {
    for (let r = begin; r < end; r++) {
      dot(A + <usize>r * aStep, aStep, B, <usize>r << 2, C, p, q, Z, s, ACC);
    }
    return;
  }
  // Where column j of B begins, and the step from one of its numbers to the next.
  const each: usize = packed ? <usize>inner : 1;
  const step8: usize = packed ? 32 : step;
  const step4: usize = packed ? 16 : step;
  const step1: usize = packed ? 4 : step;
  let r = begin;
  for (; r + 6 <= end; r += 6) {
    const a0 = A + <usize>r * aStep, at = <usize>r * step;
    let j: usize = 0;
    for (; j + 32 <= step; j += 32) tile6x8(a0, aStep, B + j * each, step8, at + j, step, C, p, q, Z, s, ACC);
    for (; j + 16 <= step; j += 16) tile6x4(a0, aStep, B + j * each, step4, at + j, step, C, p, q, Z, s, ACC);
    for (; j < step; j += 4) {
      for (let i: usize = 0; i < 6; i++) {
        one(a0 + i * aStep, aStep, B + j * each, step1, at + i * step + j, C, p, q, Z, s, ACC);
      }
    }
  }
  for (; r < end; r++) {
    const a0 = A + <usize>r * aStep, at = <usize>r * step;
    let j: usize = 0;
    if (!packed) {
      for (; j + 128 <= step; j += 128) tile1x32(a0, aStep, B + j, step, at + j, C, p, q, Z, s, ACC);
    }
    for (; j + 32 <= step; j += 32) tile1x8(a0, aStep, B + j * each, step8, at + j, C, p, q, Z, s, ACC);
    for (; j + 16 <= step; j += 16) tile1x4(a0, aStep, B + j * each, step4, at + j, C, p, q, Z, s, ACC);
    for (; j < step; j += 4) one(a0, aStep, B + j * each, step1, at + j, C, p, q, Z, s, ACC);
  }
}

/** The epilogue for two adjacent vectors: C = p acc + q Z, ACC += s C, all at byte offset `at`. */
@inline
function put2(
  at: usize, low: v128, high: v128, C: usize, p: v128, q: v128, Z: usize, s: v128, ACC: usize,
): void {
  let c = f32x4.mul(p, low), d = f32x4.mul(p, high);
  if (Z) {
    c = fma(q, v128.load(Z + at), c);
    d = fma(q, v128.load(Z + at, 16), d);
  }
  v128.store(C + at, c);
  v128.store(C + at, d, 16);
  if (ACC) {
    const e = fma(s, c, v128.load(ACC + at)), f = fma(s, d, v128.load(ACC + at, 16));
    v128.store(ACC + at, e);
    v128.store(ACC + at, f, 16);
  }
}

/** The epilogue for one vector. */
@inline
function put(at: usize, acc: v128, C: usize, p: v128, q: v128, Z: usize, s: v128, ACC: usize): void {
  let c = f32x4.mul(p, acc);
  if (Z) c = fma(q, v128.load(Z + at), c);
  v128.store(C + at, c);
  if (ACC) v128.store(ACC + at, fma(s, c, v128.load(ACC + at)));
}

@inline
function tile6x8(
  a0: usize, aStep: usize, b0: usize, bStep: usize, at: usize, step: usize,
  C: usize, p_: f32, q_: f32, Z: usize, s_: f32, ACC: usize,
): void {
  let c00 = f32x4.splat(0), c01 = c00, c10 = c00, c11 = c00, c20 = c00, c21 = c00;
  let c30 = c00, c31 = c00, c40 = c00, c41 = c00, c50 = c00, c51 = c00;
  const a3 = a0 + 3 * aStep;
  let b = b0;
  for (let k: usize = 0; k < aStep; k += 4) {
    const bl = v128.load(b), bh = v128.load(b, 16);
    let t = v128.load_splat<f32>(a0 + k);
    c00 = fma(t, bl, c00); c01 = fma(t, bh, c01);
    t = v128.load_splat<f32>(a0 + aStep + k);
    c10 = fma(t, bl, c10); c11 = fma(t, bh, c11);
    t = v128.load_splat<f32>(a0 + 2 * aStep + k);
    c20 = fma(t, bl, c20); c21 = fma(t, bh, c21);
    t = v128.load_splat<f32>(a3 + k);
    c30 = fma(t, bl, c30); c31 = fma(t, bh, c31);
    t = v128.load_splat<f32>(a3 + aStep + k);
    c40 = fma(t, bl, c40); c41 = fma(t, bh, c41);
    t = v128.load_splat<f32>(a3 + 2 * aStep + k);
    c50 = fma(t, bl, c50); c51 = fma(t, bh, c51);
    b += bStep;
  }
  const p = f32x4.splat(p_), q = f32x4.splat(q_), s = f32x4.splat(s_);
  put2(at, c00, c01, C, p, q, Z, s, ACC); at += step;
  put2(at, c10, c11, C, p, q, Z, s, ACC); at += step;
  put2(at, c20, c21, C, p, q, Z, s, ACC); at += step;
  put2(at, c30, c31, C, p, q, Z, s, ACC); at += step;
  put2(at, c40, c41, C, p, q, Z, s, ACC); at += step;
  put2(at, c50, c51, C, p, q, Z, s, ACC);
}

@inline
function tile6x4(
  a0: usize, aStep: usize, b0: usize, bStep: usize, at: usize, step: usize,
  C: usize, p_: f32, q_: f32, Z: usize, s_: f32, ACC: usize,
): void {
  let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, b = b0;
  const a3 = a0 + 3 * aStep;
  for (let k: usize = 0; k < aStep; k += 4) {
    const v = v128.load(b);
    c0 = fma(v128.load_splat<f32>(a0 + k), v, c0);
    c1 = fma(v128.load_splat<f32>(a0 + aStep + k), v, c1);
    c2 = fma(v128.load_splat<f32>(a0 + 2 * aStep + k), v, c2);
    c3 = fma(v128.load_splat<f32>(a3 + k), v, c3);
    c4 = fma(v128.load_splat<f32>(a3 + aStep + k), v, c4);
    c5 = fma(v128.load_splat<f32>(a3 + 2 * aStep + k), v, c5);
    b += bStep;
  }
  const p = f32x4.splat(p_), q = f32x4.splat(q_), s = f32x4.splat(s_);
  put(at, c0, C, p, q, Z, s, ACC); at += step;
  put(at, c1, C, p, q, Z, s, ACC); at += step;
  put(at, c2, C, p, q, Z, s, ACC); at += step;
  put(at, c3, C, p, q, Z, s, ACC); at += step;
  put(at, c4, C, p, q, Z, s, ACC); at += step;
  put(at, c5, C, p, q, Z, s, ACC);
}

/** Does a single row; eight sums in flight hide the latency of the multiply-add. */
@inline
function tile1x32(
  a0: usize, aStep: usize, b0: usize, step: usize, at: usize,
  C: usize, p_: f32, q_: f32, Z: usize, s_: f32, ACC: usize,
): void {
  let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0, b = b0;
  for (let k: usize = 0; k < aStep; k += 4) {
    const t = v128.load_splat<f32>(a0 + k);
    c0 = fma(t, v128.load(b), c0); c1 = fma(t, v128.load(b, 16), c1);
    c2 = fma(t, v128.load(b, 32), c2); c3 = fma(t, v128.load(b, 48), c3);
    c4 = fma(t, v128.load(b, 64), c4); c5 = fma(t, v128.load(b, 80), c5);
    c6 = fma(t, v128.load(b, 96), c6); c7 = fma(t, v128.load(b, 112), c7);
    b += step;
  }
  const p = f32x4.splat(p_), q = f32x4.splat(q_), s = f32x4.splat(s_);
  put2(at, c0, c1, C, p, q, Z, s, ACC);
  put2(at + 32, c2, c3, C, p, q, Z, s, ACC);
  put2(at + 64, c4, c5, C, p, q, Z, s, ACC);
  put2(at + 96, c6, c7, C, p, q, Z, s, ACC);
}

@inline
function tile1x8(
  a0: usize, aStep: usize, b0: usize, step: usize, at: usize,
  C: usize, p_: f32, q_: f32, Z: usize, s_: f32, ACC: usize,
): void {
  let c0 = f32x4.splat(0), c1 = c0, b = b0;
  for (let k: usize = 0; k < aStep; k += 4) {
    const t = v128.load_splat<f32>(a0 + k);
    c0 = fma(t, v128.load(b), c0); c1 = fma(t, v128.load(b, 16), c1);
    b += step;
  }
  const p = f32x4.splat(p_), q = f32x4.splat(q_), s = f32x4.splat(s_);
  put2(at, c0, c1, C, p, q, Z, s, ACC);
}

@inline
function tile1x4(
  a0: usize, aStep: usize, b0: usize, step: usize, at: usize,
  C: usize, p: f32, q: f32, Z: usize, s: f32, ACC: usize,
): void {
  let acc = f32x4.splat(0), b = b0;
  for (let k: usize = 0; k < aStep; k += 4) {
    acc = fma(v128.load_splat<f32>(a0 + k), v128.load(b), acc);
    b += step;
  }
  put(at, acc, C, f32x4.splat(p), f32x4.splat(q), Z, f32x4.splat(s), ACC);
}

/** Does one element of a matrix times a vector whose numbers are contiguous. */
@inline
function dot(
  a: usize, length: usize, b: usize, at: usize, C: usize, p: f32, q: f32, Z: usize, s: f32, ACC: usize,
): void {
  store1(at, inner(a, b, length), C, p, q, Z, s, ACC);
}

/** Does one element of C; lanes round as in the tiles, so a result does not depend on its place. */
@inline
function one(
  a0: usize, aStep: usize, b0: usize, step: usize, at: usize,
  C: usize, p: f32, q: f32, Z: usize, s: f32, ACC: usize,
): void {
  let acc: f32 = 0, b = b0;
  for (let k: usize = 0; k < aStep; k += 4) {
    acc = fma1(load<f32>(a0 + k), load<f32>(b), acc);
    b += step;
  }
  store1(at, acc, C, p, q, Z, s, ACC);
}

/** The epilogue for one number, as `put` does it for a vector. */
@inline
function store1(at: usize, acc: f32, C: usize, p: f32, q: f32, Z: usize, s: f32, ACC: usize): void {
  let c = p * acc;
  if (Z) c = fma1(q, load<f32>(Z + at), c);
  store<f32>(C + at, c);
  if (ACC) store<f32>(ACC + at, fma1(s, c, load<f32>(ACC + at)));
}

/** Rows of A and B that are summed while they stay in the first-level cache. */
const BLOCK: i32 = 64;

/**
 * C[i] = p * (A' B)[i] for begin <= i < end: the sum over `rows` of A[r, i] B[r, :].
 * A is rows x inner, B rows x columns, C inner x columns.
 */
export function productTransposedA(
  begin: i32, end: i32, A: usize, B: usize, C: usize, rows: i32, inner: i32, columns: i32, p: f32,
): void {
  const aStep = <usize>inner << 2, step = <usize>columns << 2;
  if (columns == 1) {
    transposedTimesVector(begin, end, A, B, C, rows, aStep, p);
    return;
  }
  memory.fill(C + <usize>begin * step, 0, <usize>(end - begin) * step);
  addTransposedA(begin, end, A, B, C, rows, inner, columns);
  if (p == 1) return;
  const last = C + <usize>end * step;
  for (let c = C + <usize>begin * step; c < last; c += 4) store<f32>(c, p * load<f32>(c));
}

/** C[i] += (A' B)[i] for begin <= i < end; shapes as in `productTransposedA`. */
export function addTransposedA(
  begin: i32, end: i32, A: usize, B: usize, C: usize, rows: i32, inner: i32, columns: i32,
): void {
  const aStep = <usize>inner << 2, step = <usize>columns << 2;
  for (let first = 0; first < rows; first += BLOCK) {
    const a0 = A + <usize>first * aStep, b0 = B + <usize>first * step;
    const b1 = B + <usize>min(rows, first + BLOCK) * step;
    let i = begin;
    for (; i + 6 <= end; i += 6) {
      const a = a0 + (<usize>i << 2), c = C + <usize>i * step;
      let j: usize = 0;
      for (; j + 32 <= step; j += 32) outer6x8(a, aStep, b0 + j, b1, step, c + j);
      for (; j + 16 <= step; j += 16) outer6x4(a, aStep, b0 + j, b1, step, c + j);
      for (; j < step; j += 4) {
        for (let k: usize = 0; k < 6; k++) {
          outerOne(a + (k << 2), aStep, b0 + j, b1, step, c + k * step + j);
        }
      }
    }
    for (; i < end; i++) {
      const a = a0 + (<usize>i << 2), c = C + <usize>i * step;
      let j: usize = 0;
      for (; j + 16 <= step; j += 16) outer1x4(a, aStep, b0 + j, b1, step, c + j);
      for (; j < step; j += 4) outerOne(a, aStep, b0 + j, b1, step, c + j);
    }
  }
}

/** C[i] = p * sum over r of A[r, i] B[r], for several i at a time, whose numbers are contiguous. */
function transposedTimesVector(
  begin: i32, end: i32, A: usize, B: usize, C: usize, rows: i32, aStep: usize, p_: f32,
): void {
  const p = f32x4.splat(p_), bEnd = B + (<usize>rows << 2), last = <usize>end << 2;
  let i = <usize>begin << 2;
  for (; i + 64 <= last; i += 64) {
    let c0 = f32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, a = A + i;
    for (let b = B; b < bEnd; b += 4) {
      const t = v128.load_splat<f32>(b);
      c0 = fma(t, v128.load(a), c0); c1 = fma(t, v128.load(a, 16), c1);
      c2 = fma(t, v128.load(a, 32), c2); c3 = fma(t, v128.load(a, 48), c3);
      a += aStep;
    }
    v128.store(C + i, f32x4.mul(p, c0)); v128.store(C + i, f32x4.mul(p, c1), 16);
    v128.store(C + i, f32x4.mul(p, c2), 32); v128.store(C + i, f32x4.mul(p, c3), 48);
  }
  for (; i < last; i += 4) {
    let acc: f32 = 0, a = A + i;
    for (let b = B; b < bEnd; b += 4) {
      acc = fma1(load<f32>(b), load<f32>(a), acc);
      a += aStep;
    }
    store<f32>(C + i, p_ * acc);
  }
}

@inline
function outer6x8(a: usize, aStep: usize, b: usize, b1: usize, step: usize, c: usize): void {
  const d1 = c + step, d2 = d1 + step, d3 = d2 + step, d4 = d3 + step, d5 = d4 + step;
  let c00 = v128.load(c), c01 = v128.load(c, 16), c10 = v128.load(d1), c11 = v128.load(d1, 16);
  let c20 = v128.load(d2), c21 = v128.load(d2, 16), c30 = v128.load(d3), c31 = v128.load(d3, 16);
  let c40 = v128.load(d4), c41 = v128.load(d4, 16), c50 = v128.load(d5), c51 = v128.load(d5, 16);
  while (b < b1) {
    const bl = v128.load(b), bh = v128.load(b, 16);
    let t = v128.load_splat<f32>(a);
    c00 = fma(t, bl, c00); c01 = fma(t, bh, c01);
    t = v128.load_splat<f32>(a, 4);
    c10 = fma(t, bl, c10); c11 = fma(t, bh, c11);
    t = v128.load_splat<f32>(a, 8);
    c20 = fma(t, bl, c20); c21 = fma(t, bh, c21);
    t = v128.load_splat<f32>(a, 12);
    c30 = fma(t, bl, c30); c31 = fma(t, bh, c31);
    t = v128.load_splat<f32>(a, 16);
    c40 = fma(t, bl, c40); c41 = fma(t, bh, c41);
    t = v128.load_splat<f32>(a, 20);
    c50 = fma(t, bl, c50); c51 = fma(t, bh, c51);
    a += aStep; b += step;
  }
  v128.store(c, c00); v128.store(c, c01, 16); v128.store(d1, c10); v128.store(d1, c11, 16);
  v128.store(d2, c20); v128.store(d2, c21, 16); v128.store(d3, c30); v128.store(d3, c31, 16);
  v128.store(d4, c40); v128.store(d4, c41, 16); v128.store(d5, c50); v128.store(d5, c51, 16);
}

@inline
function outer6x4(a: usize, aStep: usize, b: usize, b1: usize, step: usize, c: usize): void {
  const d1 = c + step, d2 = d1 + step, d3 = d2 + step, d4 = d3 + step, d5 = d4 + step;
  let c0 = v128.load(c), c1 = v128.load(d1), c2 = v128.load(d2);
  let c3 = v128.load(d3), c4 = v128.load(d4), c5 = v128.load(d5);
  while (b < b1) {
    const v = v128.load(b);
    c0 = fma(v128.load_splat<f32>(a), v, c0); c1 = fma(v128.load_splat<f32>(a, 4), v, c1);
    c2 = fma(v128.load_splat<f32>(a, 8), v, c2); c3 = fma(v128.load_splat<f32>(a, 12), v, c3);
    c4 = fma(v128.load_splat<f32>(a, 16), v, c4); c5 = fma(v128.load_splat<f32>(a, 20), v, c5);
    a += aStep; b += step;
  }
  v128.store(c, c0); v128.store(d1, c1); v128.store(d2, c2);
  v128.store(d3, c3); v128.store(d4, c4); v128.store(d5, c5);
}

@inline
function outer1x4(a: usize, aStep: usize, b: usize, b1: usize, step: usize, c: usize): void {
  let acc = v128.load(c);
  while (b < b1) {
    acc = fma(v128.load_splat<f32>(a), v128.load(b), acc);
    a += aStep; b += step;
  }
  v128.store(c, acc);
}

@inline
function outerOne(a: usize, aStep: usize, b: usize, b1: usize, step: usize, c: usize): void {
  let acc = load<f32>(c);
  while (b < b1) {
    acc = fma1(load<f32>(a), load<f32>(b), acc);
    a += aStep; b += step;
  }
  store<f32>(c, acc);
}
