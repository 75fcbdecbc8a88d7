// Students' linear layers: from sparse features to a width of 4, 8 or 16, and from there to classes.
import { fma, storeSome } from "./vector";
import { lane, NODES_A_UNIT, put } from "./narrow";

/**
 * Y[r] = BIAS + sum_k V[k] X[I[k]] over the entries k of rows r, at the places begin <= p < end of ORDER.
 * X has `width` columns: 4, 8 or 16; BIAS may be 0 (absent). The entries are stored by blocks of columns, so
 * that a block's rows of X stay in the nearest cache: those of block b at place p begin at
 * P[b * rows + p]. With several blocks SUMS holds a place's sums from one block to the next, 4 or more vectors
 * per place. An index has `indexBytes` bytes, 2 or 4.
 */
export function narrowProduct(
  begin: i32, end: i32, P: usize, ORDER: usize, I: usize, V: usize, X: usize, Y: usize, width: i32,
  BIAS: usize, rows: i32, blocks: i32, SUMS: usize, indexBytes: i32,
): void {
  if (indexBytes == 2) productOf<u16>(begin, end, P, ORDER, I, V, X, Y, width, BIAS, rows, blocks, SUMS);
  else productOf<u32>(begin, end, P, ORDER, I, V, X, Y, width, BIAS, rows, blocks, SUMS);
}

function productOf<Index>(
  begin: i32, end: i32, P: usize, ORDER: usize, I: usize, V: usize, X: usize, Y: usize, width: i32,
  BIAS: usize, rows: i32, blocks: i32, SUMS: usize,
): void {
  if (width == 4) productBlocks<Index>(1, begin, end, P, ORDER, I, V, X, Y, BIAS, rows, blocks, SUMS);
  else if (width == 8) productBlocks<Index>(2, begin, end, P, ORDER, I, V, X, Y, BIAS, rows, blocks, SUMS);
  else productBlocks<Index>(4, begin, end, P, ORDER, I, V, X, Y, BIAS, rows, blocks, SUMS);
}

@inline
function productBlocks<Index>(
  nv: i32, begin: i32, end: i32, P: usize, ORDER: usize, I: usize, V: usize, X: usize, Y: usize,
  BIAS: usize, rows: i32, blocks: i32, SUMS: usize,
): void {
  if (blocks == 1) {
    productRows<Index>(nv, begin, end, P, ORDER, I, V, X, Y, BIAS, SUMS, false, true);
    return;
  }
  for (let b = 0; b < blocks; b++, P += <usize>rows << 2) {
    productRows<Index>(nv, begin, end, P, ORDER, I, V, X, Y, BIAS, SUMS, b > 0, b + 1 == blocks);
  }
}

/** Does one block; `nv` is the number of vectors per row, a compile-time constant. */
@inline
function productRows<Index>(
  nv: i32, begin: i32, end: i32, P: usize, ORDER: usize, I: usize, V: usize, X: usize, Y: usize,
  BIAS: usize, SUMS: usize, resumed: bool, top: bool,
): void {
  const shift: usize = nv == 1 ? 4 : nv == 2 ? 5 : 6, zero = f32x4.splat(0);
  let bias0 = zero, bias1 = zero, bias2 = zero, bias3 = zero;
  if (BIAS) {
    bias0 = v128.load(BIAS);
    if (nv > 1) bias1 = v128.load(BIAS, 16);
    if (nv > 2) { bias2 = v128.load(BIAS, 32); bias3 = v128.load(BIAS, 48); }
  }
  for (let p = <usize>begin; p < <usize>end; p++) {
    const first = <usize>load<i32>(P + (p << 2)), last = V + (<usize>load<i32>(P + (p << 2), 4) << 2);
    const sums = SUMS + (p << 6);
    let v = V + (first << 2), i = I + first * sizeof<Index>();
    let a = bias0, b = nv == 1 ? zero : bias1, c = nv == 1 ? zero : bias2, d = nv == 1 ? zero : bias3;
    if (resumed) {
      a = v128.load(sums); b = v128.load(sums, 16);
      c = v128.load(sums, 32); d = v128.load(sums, 48);
    }
    if (nv == 1) {
      // With a single sum, each addition would wait for the one before.
      for (; v + 16 <= last; v += 16, i += 4 * sizeof<Index>()) {
        const w = v128.load(v);
        a = fma(lane(w, 0), v128.load(X + (<usize>load<Index>(i) << 4)), a);
        b = fma(lane(w, 1), v128.load(X + (<usize>load<Index>(i, sizeof<Index>()) << 4)), b);
        c = fma(lane(w, 2), v128.load(X + (<usize>load<Index>(i, 2 * sizeof<Index>()) << 4)), c);
        d = fma(lane(w, 3), v128.load(X + (<usize>load<Index>(i, 3 * sizeof<Index>()) << 4)), d);
      }
      if (top) a = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    }
    for (; v < last; v += 4, i += sizeof<Index>()) {
      const w = v128.load_splat<f32>(v), x = X + (<usize>load<Index>(i) << shift);
      a = fma(w, v128.load(x), a);
      if (nv > 1) b = fma(w, v128.load(x, 16), b);
      if (nv > 2) { c = fma(w, v128.load(x, 32), c); d = fma(w, v128.load(x, 48), d); }
    }
    if (top) put(nv, Y + (<usize>load<i32>(ORDER + (p << 2)) << shift), a, b, c, d);
    else put(4, sums, a, b, c, d);
  }
}

/** Y[r] = BIAS + X[r] W for rows begin <= r < end; W is width x classes. */
export function narrowHead(
  begin: i32, end: i32, X: usize, W: usize, BIAS: usize, Y: usize, width: i32, classes: i32,
): void {
  const step = <usize>width << 2, row = <usize>classes << 2;
  for (let r = begin; r < end; r++) {
    const x = X + <usize>r * step, y = Y + <usize>r * row;
    for (let c = 0; c < classes; c += 4) {
      const at = <usize>c << 2;
      // Lanes beyond the last class are read from the next row and never stored.
      let sum = v128.load(BIAS + at), w = W + at;
      for (let k: usize = 0; k < step; k += 4, w += row) {
        sum = fma(v128.load_splat<f32>(x + k), v128.load(w), sum);
      }
      storeSome(y + at, sum, classes - c);
    }
  }
}

/**
 * The backward pass for the nodes of units begin <= u < end: DX = scale * (G WT) where X is above 0,
 * otherwise 0, and PARTS[u] = [X' G; sum of G]: (width + 1) x stride, of which `classes` columns are used.
 * WT is classes x width.
 */
export function narrowHeadGradient(
  begin: i32, end: i32, G: usize, X: usize, WT: usize, DX: usize, PARTS: usize, nodes: i32,
  width: i32, classes: i32, scale_: f32,
): void {
  const step = <usize>width << 2, row = <usize>classes << 2, stride = <usize>((classes + 3) & ~3) << 2;
  const scale = f32x4.splat(scale_), zero = f32x4.splat(0);
  for (let u = begin; u < end; u++) {
    const part = PARTS + <usize>u * stride * <usize>(width + 1);
    const first = u * NODES_A_UNIT, last = min(first + NODES_A_UNIT, nodes);
    for (let at: usize = 0; at < row; at += 16) {
      let sum = zero;
      // Four of X's columns at a time, so that their sums stay in registers.
      for (let k: usize = 0; k < step; k += 16) {
        let a = zero, b = zero, c = zero, d = zero;
        let g = G + <usize>first * row + at, x = X + <usize>first * step + k;
        sum = zero;
        for (let r = first; r < last; r++, g += row, x += step) {
          const own = v128.load(g);
          a = fma(v128.load_splat<f32>(x), own, a); b = fma(v128.load_splat<f32>(x, 4), own, b);
          c = fma(v128.load_splat<f32>(x, 8), own, c); d = fma(v128.load_splat<f32>(x, 12), own, d);
          sum = f32x4.add(own, sum);
        }
        const to = part + at + (k >> 2) * stride;
        v128.store(to, a); v128.store(to + stride, b);
        v128.store(to + 2 * stride, c); v128.store(to + 3 * stride, d);
      }
      v128.store(part + at + <usize>width * stride, sum);
    }
    for (let r = first; r < last; r++) {
      const g = G + <usize>r * row, x = X + <usize>r * step, dx = DX + <usize>r * step;
      for (let j: usize = 0; j < step; j += 16) {
        let sum = zero, w = WT + j;
        for (let at: usize = 0; at < row; at += 4, w += step) {
          sum = fma(v128.load_splat<f32>(g + at), v128.load(w), sum);
        }
        v128.store(dx + j, v128.and(f32x4.gt(v128.load(x + j), zero), f32x4.mul(scale, sum)));
      }
    }
  }
}
