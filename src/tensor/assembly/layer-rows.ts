// Sends one row through each of many linear layers: attention's projections of the layers' means.
import { dot, fma, fma1 } from "./vector";

/** For layers begin <= i < end: Y[i] = X[i] W[i] + B[i]; X is layers x inner, W layers x inner x columns. */
export function layerRows(
  begin: i32, end: i32, X: usize, W: usize, B: usize, Y: usize, inner: i32, columns: i32,
): void {
  const step = <usize>columns << 2, xStep = <usize>inner << 2;
  for (let i = <usize>begin; i < <usize>end; i++) {
    const x = X + i * xStep, xEnd = x + xStep, w0 = W + i * (<usize>inner * step);
    const b = B + i * step, y = Y + i * step;
    let k: usize = 0;
    for (; k + 64 <= step; k += 64) {
      let c0 = v128.load(b + k), c1 = v128.load(b + k, 16);
      let c2 = v128.load(b + k, 32), c3 = v128.load(b + k, 48), w = w0 + k;
      for (let at = x; at < xEnd; at += 4) {
        const t = v128.load_splat<f32>(at);
        c0 = fma(t, v128.load(w), c0); c1 = fma(t, v128.load(w, 16), c1);
        c2 = fma(t, v128.load(w, 32), c2); c3 = fma(t, v128.load(w, 48), c3);
        w += step;
      }
      v128.store(y + k, c0); v128.store(y + k, c1, 16);
      v128.store(y + k, c2, 32); v128.store(y + k, c3, 48);
    }
    for (; k < step; k += 4) {
      let sum = load<f32>(b + k), w = w0 + k;
      for (let at = x; at < xEnd; at += 4) {
        sum = fma1(load<f32>(at), load<f32>(w), sum);
        w += step;
      }
      store<f32>(y + k, sum);
    }
  }
}

/**
 * The backward pass, for rows begin <= r < end of all layers' W; row k of layer i is r = i inner + k:
 * DW[r] = X[r] DY[i] and, unless DX is 0, DX[r] = W[r] . DY[i].
 */
export function layerRowsGradient(
  begin: i32, end: i32, X: usize, W: usize, DY: usize, DW: usize, DX: usize, inner: i32, columns: i32,
): void {
  const step = <usize>columns << 2;
  for (let r = begin; r < end; r++) {
    const at = <usize>r << 2, row = <usize>r * step, dy = DY + <usize>(r / inner) * step;
    const x = load<f32>(X + at), t = f32x4.splat(x), dw = DW + row;
    let k: usize = 0;
    for (; k + 16 <= step; k += 16) v128.store(dw + k, f32x4.mul(t, v128.load(dy + k)));
    for (; k < step; k += 4) store<f32>(dw + k, x * load<f32>(dy + k));
    if (DX) store<f32>(DX + at, dot(W + row, dy, step));
  }
}
