// Products of small integers, exact in 32 bits, and the steps between them and float32.
// Rows of codes are padded to `stride`, a multiple of 16: bytes of codes, words of sums.
import { firstRow } from "./sparse";

/**
 * Y[r] = sum_k V[k] X[I[k]] - zero SUMS[r] over the entries k of row r: int32 from bytes. SUMS[r] is the sum of the
 * row's V. Units are rows and entries, as in sparseProduct.
 */
export function integerSparse(
  begin: i32, end: i32, rows: i32, P: usize, I: usize, V: usize, SUMS: usize, X: usize, Y: usize,
  stride: i32, zero: i32,
): void {
  const step = <usize>stride, to = firstRow(P, rows, end);
  for (let r = firstRow(P, rows, begin); r < to; r++) {
    const first = <usize>load<i32>(P + (<usize>r << 2)), last = <usize>load<i32>(P + (<usize>r << 2), 4);
    const start = -zero * load<i32>(SUMS + (<usize>r << 2));
    const y = Y + <usize>r * (step << 2);
    let j: usize = 0;
    for (; j + 32 <= step; j += 32) bytes32(first, last, I, V, X + j, step, start, y + (j << 2));
    if (j < step) bytes16(first, last, I, V, X + j, step, start, y + (j << 2));
  }
}

/** Two entries of a row as eight 16-bit factors: v, w, v, w ... */
@inline
function factors(v: i32, w: i32): v128 {
  return i32x4.splat((v & 0xffff) | (w << 16));
}

/** The numbers of two rows in turn: a0, b0, a1, b1 ... of the first or the last eight. */
@inline
function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
@inline
function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
@inline
function dotLow(pairs: v128, w: v128, c: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(pairs), w));
}
@inline
function dotHigh(pairs: v128, w: v128, c: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(pairs), w));
}

@inline
function bytes32(
  first: usize, last: usize, I: usize, V: usize, X: usize, step: usize, start: i32, y: usize,
): void {
  let c0 = i32x4.splat(start), c1 = c0, c2 = c0, c3 = c0, c4 = c0, c5 = c0, c6 = c0, c7 = c0;
  let k = first;
  for (; k + 2 <= last; k += 2) {
    const a = X + <usize>load<i32>(I + (k << 2)) * step, b = X + <usize>load<i32>(I + (k << 2), 4) * step;
    const w = factors(load<i8>(V + k), load<i8>(V + k, 1));
    const a0 = v128.load(a), b0 = v128.load(b), a1 = v128.load(a, 16), b1 = v128.load(b, 16);
    const p = lowPairs(a0, b0), q = highPairs(a0, b0), s = lowPairs(a1, b1), t = highPairs(a1, b1);
    c0 = dotLow(p, w, c0); c1 = dotHigh(p, w, c1); c2 = dotLow(q, w, c2); c3 = dotHigh(q, w, c3);
    c4 = dotLow(s, w, c4); c5 = dotHigh(s, w, c5); c6 = dotLow(t, w, c6); c7 = dotHigh(t, w, c7);
  }
  if (k < last) {
    const a = X + <usize>load<i32>(I + (k << 2)) * step, w = factors(load<i8>(V + k), 0);
    const a0 = v128.load(a), a1 = v128.load(a, 16);
    const p = lowPairs(a0, a0), q = highPairs(a0, a0), s = lowPairs(a1, a1), t = highPairs(a1, a1);
    c0 = dotLow(p, w, c0); c1 = dotHigh(p, w, c1); c2 = dotLow(q, w, c2); c3 = dotHigh(q, w, c3);
    c4 = dotLow(s, w, c4); c5 = dotHigh(s, w, c5); c6 = dotLow(t, w, c6); c7 = dotHigh(t, w, c7);
  }
  v128.store(y, c0); v128.store(y, c1, 16); v128.store(y, c2, 32); v128.store(y, c3, 48);
  v128.store(y, c4, 64); v128.store(y, c5, 80); v128.store(y, c6, 96); v128.store(y, c7, 112);
}

@inline
function bytes16(
  first: usize, last: usize, I: usize, V: usize, X: usize, step: usize, start: i32, y: usize,
): void {
  let c0 = i32x4.splat(start), c1 = c0, c2 = c0, c3 = c0;
  let k = first;
  for (; k + 2 <= last; k += 2) {
    const a = v128.load(X + <usize>load<i32>(I + (k << 2)) * step);
    const b = v128.load(X + <usize>load<i32>(I + (k << 2), 4) * step);
    const w = factors(load<i8>(V + k), load<i8>(V + k, 1));
    const p = lowPairs(a, b), q = highPairs(a, b);
    c0 = dotLow(p, w, c0); c1 = dotHigh(p, w, c1); c2 = dotLow(q, w, c2); c3 = dotHigh(q, w, c3);
  }
  if (k < last) {
    const a = v128.load(X + <usize>load<i32>(I + (k << 2)) * step);
    const w = factors(load<i8>(V + k), 0);
    const p = lowPairs(a, a), q = highPairs(a, a);
    c0 = dotLow(p, w, c0); c1 = dotHigh(p, w, c1); c2 = dotLow(q, w, c2); c3 = dotHigh(q, w, c3);
  }
  v128.store(y, c0); v128.store(y, c1, 16); v128.store(y, c2, 32); v128.store(y, c3, 48);
}

/**
 * C = A B, int32 from 16-bit integers: A has `pairs` pairs of numbers a row; B is in panels of 4 columns, in each of
 * which a pair of rows is 8 numbers, the two of a column side by side. C has `stride` columns, 4 a panel at least.
 */
export function integerProduct(
  begin: i32, end: i32, A: usize, B: usize, C: usize, pairs: i32, panels: i32, stride: i32,
): void {
  const step = <usize>pairs << 2, panel = <usize>pairs << 4, row = <usize>stride << 2;
  let r = begin;
  for (; r + 4 <= end; r += 4) {
    const a = A + <usize>r * step, c = C + <usize>r * row;
    let p = 0;
    for (; p + 2 <= panels; p += 2) {
      tile4x8(a, step, B + <usize>p * panel, panel, c + (<usize>p << 4), row);
    }
    if (p < panels) {
      for (let i: usize = 0; i < 4; i++) {
        tile1x4(a + i * step, step, B + <usize>p * panel, c + i * row + (<usize>p << 4));
      }
    }
  }
  for (; r < end; r++) {
    for (let p = 0; p < panels; p++) {
      tile1x4(A + <usize>r * step, step, B + <usize>p * panel, C + <usize>r * row + (<usize>p << 4));
    }
  }
}

@inline
function dot(a: v128, b: v128, c: v128): v128 {
  return i32x4.add(c, i32x4.dot_i16x8_s(a, b));
}

@inline
function tile4x8(A: usize, step: usize, B: usize, panel: usize, C: usize, row: usize): void {
  let c0 = i32x4.splat(0), c1 = c0, c2 = c0, c3 = c0, d0 = c0, d1 = c0, d2 = c0, d3 = c0;
  const a1 = A + step, a2 = a1 + step, a3 = a2 + step;
  for (let k: usize = 0; k < step; k += 4) {
    const b = v128.load(B + (k << 2)), e = v128.load(B + panel + (k << 2));
    let a = v128.load32_splat(A + k);
    c0 = dot(a, b, c0); d0 = dot(a, e, d0);
    a = v128.load32_splat(a1 + k);
    c1 = dot(a, b, c1); d1 = dot(a, e, d1);
    a = v128.load32_splat(a2 + k);
    c2 = dot(a, b, c2); d2 = dot(a, e, d2);
    a = v128.load32_splat(a3 + k);
    c3 = dot(a, b, c3); d3 = dot(a, e, d3);
  }
  v128.store(C, c0); v128.store(C, d0, 16);
  v128.store(C + row, c1); v128.store(C + row, d1, 16);
  v128.store(C + 2 * row, c2); v128.store(C + 2 * row, d2, 16);
  v128.store(C + 3 * row, c3); v128.store(C + 3 * row, d3, 16);
}

@inline
function tile1x4(A: usize, step: usize, B: usize, C: usize): void {
  let c = i32x4.splat(0);
  for (let k: usize = 0; k < step; k += 4) {
    c = dot(v128.load32_splat(A + k), v128.load(B + (k << 2)), c);
  }
  v128.store(C, c);
}

/** Y[r] = C[r] (ROWS[r] scale) + BIAS, without ROWS or BIAS if they are 0; Y has `columns` float32 a row. */
export function integerFloats(
  begin: i32, end: i32, C: usize, Y: usize, ROWS: usize, BIAS: usize, columns: i32, stride: i32,
  scale: f32,
): void {
  const row = <usize>stride << 2, step = <usize>columns << 2;
  for (let r = begin; r < end; r++) {
    const factor = ROWS ? load<f32>(ROWS + (<usize>r << 2)) * scale : scale;
    const c = C + <usize>r * row, y = Y + <usize>r * step, f = f32x4.splat(factor);
    let j: usize = 0;
    for (; j + 16 <= step; j += 16) {
      let value = f32x4.mul(f32x4.convert_i32x4_s(v128.load(c + j)), f);
      if (BIAS) value = f32x4.add(value, v128.load(BIAS + j));
      v128.store(y + j, value);
    }
    for (; j < step; j += 4) {
      let value = <f32>load<i32>(c + j) * factor;
      if (BIAS) value += load<f32>(BIAS + j);
      store<f32>(y + j, value);
    }
  }
}

/** clamp(nearest(x inverse + zero), least, most) of four numbers, as int32. */
@inline
function place(x: v128, inverse: v128, zero: v128, least: v128, most: v128): v128 {
  const at = f32x4.nearest(f32x4.add(f32x4.mul(x, inverse), zero));
  return i32x4.trunc_sat_f32x4_s(f32x4.min(f32x4.max(at, least), most));
}

/**
 * The codes of X, bytes in rows of `stride`; if VALUES is given, also the float32 numbers that they stand for, as X lies.
 * Padding is left as it is.
 */
export function integerCodes(
  begin: i32, end: i32, X: usize, CODES: usize, VALUES: usize, columns: i32, stride: i32,
  inverse: f32, scale: f32, zero: f32, least: f32, most: f32,
): void {
  const step = <usize>columns << 2, columns_ = <usize>columns;
  const i = f32x4.splat(inverse), z = f32x4.splat(zero), s = f32x4.splat(scale);
  const from = f32x4.splat(least), to = f32x4.splat(most);
  for (let r = begin; r < end; r++) {
    const x = X + <usize>r * step, codes = CODES + <usize>r * <usize>stride;
    let j: usize = 0;
    for (; j + 4 <= columns_; j += 4) {
      const code = place(v128.load(x + (j << 2)), i, z, from, to);
      const bytes = i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(code, code), code);
      v128.store32_lane(codes + j, bytes, 0);
      if (VALUES) {
        const value = f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(code), z), s);
        v128.store(VALUES + <usize>r * step + (j << 2), value);
      }
    }
    for (; j < columns_; j++) {
      const code = i32x4.extract_lane(place(v128.load32_splat(x + (j << 2)), i, z, from, to), 0);
      store<i8>(codes + j, <i8>code);
      if (VALUES) store<f32>(VALUES + <usize>r * step + (j << 2), (<f32>code - zero) * scale);
    }
  }
}

/**
 * The codes of X less zero, 16-bit integers, `pairs` pairs a row; an odd last one is 0. VALUES as above. What is below
 * `floor` counts as that: 0 for a ReLU.
 */
export function integerOffsets(
  begin: i32, end: i32, X: usize, OFFSETS: usize, VALUES: usize, columns: i32, pairs: i32,
  inverse: f32, scale: f32, zero: f32, least: f32, most: f32, floor: f32,
): void {
  const step = <usize>columns << 2, columns_ = <usize>columns, zeroCode = <i32>zero;
  const ground = f32x4.splat(floor);
  const i = f32x4.splat(inverse), z = f32x4.splat(zero), s = f32x4.splat(scale);
  const from = f32x4.splat(least), to = f32x4.splat(most), away = i32x4.splat(zeroCode);
  for (let r = begin; r < end; r++) {
    const x = X + <usize>r * step, offsets = OFFSETS + <usize>r * (<usize>pairs << 2);
    let j: usize = 0;
    for (; j + 4 <= columns_; j += 4) {
      const offset = i32x4.sub(place(f32x4.max(v128.load(x + (j << 2)), ground), i, z, from, to), away);
      v128.store64_lane(offsets + (j << 1), i16x8.narrow_i32x4_s(offset, offset), 0);
      if (VALUES) {
        const value = f32x4.mul(f32x4.convert_i32x4_s(offset), s);
        v128.store(VALUES + <usize>r * step + (j << 2), value);
      }
    }
    for (; j < columns_; j++) {
      const own = f32x4.max(v128.load32_splat(x + (j << 2)), ground);
      const code = i32x4.extract_lane(place(own, i, z, from, to), 0);
      store<i16>(offsets + (j << 1), <i16>(code - zeroCode));
      if (VALUES) store<f32>(VALUES + <usize>r * step + (j << 2), <f32>(code - zeroCode) * scale);
    }
    if (j & 1) store<i16>(offsets + (j << 1), 0);
  }
}
