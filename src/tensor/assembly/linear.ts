// Linear layers of students: sparse features to a width of 4, 8 or 16, and from there to classes.
import { fma, storeSome } from "./vector";
import { NODES_A_UNIT } from "./narrow";

/**
 * Y[r] = BIAS + sum_k V[k] X[I[k]] over the entries k of row r, begin <= r < end. X has `width`
 * columns: 4, 8 or 16; BIAS may be 0 (absent).
 */
export function narrowProduct(
  begin: i32, end: i32, P: usize, I: usize, V: usize, X: usize, Y: usize, width: i32, BIAS: usize,
): void {
  if (width == 4) productRows(1, begin, end, P, I, V, X, Y, BIAS);
  else if (width == 8) productRows(2, begin, end, P, I, V, X, Y, BIAS);
  else productRows(4, begin, end, P, I, V, X, Y, BIAS);
}

/** `nv` is the number of vectors a row, known when this is compiled. */
@inline
function productRows(
  nv: i32, begin: i32, end: i32, P: usize, I: usize, V: usize, X: usize, Y: usize, BIAS: usize,
): void {
  const shift: usize = nv == 1 ? 4 : nv == 2 ? 5 : 6, zero = f32x4.splat(0);
  let bias0 = zero, bias1 = zero, bias2 = zero, bias3 = zero;
  if (BIAS) {
    bias0 = v128.load(BIAS);
    if (nv > 1) bias1 = v128.load(BIAS, 16);
    if (nv > 2) { bias2 = v128.load(BIAS, 32); bias3 = v128.load(BIAS, 48); }
  }
  for (let r = <usize>begin; r < <usize>end; r++) {
    const y = Y + (r << shift);
    const last = <usize>load<i32>(P + (r << 2), 4) << 2;
    let k = <usize>load<i32>(P + (r << 2)) << 2;
    let a = bias0, b = nv == 1 ? zero : bias1, c = nv == 1 ? zero : bias2, d = nv == 1 ? zero : bias3;
    if (nv == 1) {
      // One sum's additions would wait for each other.
      for (; k + 16 <= last; k += 16) {
        const v = v128.load(V + k);
        a = fma(v128.shuffle<f32>(v, v, 0, 0, 0, 0), v128.load(X + (<usize>load<i32>(I + k) << 4)), a);
        b = fma(v128.shuffle<f32>(v, v, 1, 1, 1, 1), v128.load(X + (<usize>load<i32>(I + k, 4) << 4)), b);
        c = fma(v128.shuffle<f32>(v, v, 2, 2, 2, 2), v128.load(X + (<usize>load<i32>(I + k, 8) << 4)), c);
        d = fma(v128.shuffle<f32>(v, v, 3, 3, 3, 3), v128.load(X + (<usize>load<i32>(I + k, 12) << 4)), d);
      }
      a = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
    }
    for (; k < last; k += 4) {
      const v = v128.load_splat<f32>(V + k), x = X + (<usize>load<i32>(I + k) << shift);
      a = fma(v, v128.load(x), a);
      if (nv > 1) b = fma(v, v128.load(x, 16), b);
      if (nv > 2) { c = fma(v, v128.load(x, 32), c); d = fma(v, v128.load(x, 48), d); }
    }
    v128.store(y, a);
    if (nv > 1) v128.store(y, b, 16);
    if (nv > 2) { v128.store(y, c, 32); v128.store(y, d, 48); }
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
      // Lanes beyond the last class are read from the next row, and not stored.
      let sum = v128.load(BIAS + at), w = W + at;
      for (let k: usize = 0; k < step; k += 4, w += row) {
        sum = fma(v128.load_splat<f32>(x + k), v128.load(w), sum);
      }
      storeSome(y + at, sum, classes - c);
    }
  }
}

/**
 * The way back for the nodes of units begin <= u < end: DX = scale * (G WT) where X is above 0, else
 * 0, and PARTS[u] = [X' G; sum of G]: (width + 1) x stride, of which `classes` columns count. WT is
 * classes x width.
 */
export function narrowHeadGradient(
  begin: i32, end: i32, G: usize, X: usize, WT: usize, DX: usize, PARTS: usize, nodes: i32,
  width: i32, classes: i32, scale_: f32,
): void {
  const step = <usize>width << 2, row = <usize>classes << 2, stride = <usize>((classes + 3) & ~3) << 2;
  const scale = f32x4.splat(scale_), zero = f32x4.splat(0);
  for (let u = begin; u < end; u++) {
    const part = PARTS + <usize>u * stride * <usize>(width + 1);
    memory.fill(part, 0, stride * <usize>(width + 1));
    const last = min((u + 1) * NODES_A_UNIT, nodes);
    for (let r = u * NODES_A_UNIT; r < last; r++) {
      const g = G + <usize>r * row, x = X + <usize>r * step, dx = DX + <usize>r * step;
      for (let at: usize = 0; at < row; at += 16) {
        const own = v128.load(g + at);
        let to = part + at;
        for (let k: usize = 0; k < step; k += 4, to += stride) {
          v128.store(to, fma(v128.load_splat<f32>(x + k), own, v128.load(to)));
        }
        v128.store(to, f32x4.add(own, v128.load(to)));
      }
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
