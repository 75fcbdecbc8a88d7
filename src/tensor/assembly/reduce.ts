// Sums over adjacent axes: X is seen as outer x reduced x inner, OUT as outer x inner.
import { lanes } from "./vector";

/** Terms that are summed before they join the total, to keep the rounding error small. */
const BLOCK: usize = 128;

/** OUT[o] = scale * sum of the `reduced` numbers of row o, begin <= o < end (inner = 1). */
export function sumRows(
  begin: i32,
  end: i32,
  X: usize,
  OUT: usize,
  reduced: i32,
  scale: f32,
): void {
  const length = <usize>reduced;
  for (let o = begin; o < end; o++) {
    const x = X + ((<usize>o * length) << 2);
    let total: f64 = 0;
    for (let first: usize = 0; first < length; first += 16 * BLOCK) {
      const last = min(length, first + 16 * BLOCK);
      let a = f32x4.splat(0),
        b = a,
        c = a,
        d = a,
        k = first;
      for (; k + 16 <= last; k += 16) {
        const at = x + (k << 2);
        a = f32x4.add(a, v128.load(at));
        b = f32x4.add(b, v128.load(at, 16));
        c = f32x4.add(c, v128.load(at, 32));
        d = f32x4.add(d, v128.load(at, 48));
      }
      let rest: f32 = 0;
      for (; k < last; k++) rest += load<f32>(x + (k << 2));
      total += <f64>(lanes(f32x4.add(f32x4.add(a, b), f32x4.add(c, d))) + rest);
    }
    store<f32>(OUT + ((<usize>o) << 2), <f32>(total * <f64>scale));
  }
}

/** OUT[i] = scale * sum over k of X[k, i] for columns begin <= i < end of one outer slice. */
export function sumColumns(
  begin: i32,
  end: i32,
  X: usize,
  OUT: usize,
  reduced: i32,
  inner: i32,
  scale_: f32,
): void {
  const step = (<usize>inner) << 2,
    rows = <usize>reduced,
    last = (<usize>end) << 2;
  const scale = f32x4.splat(scale_);
  let i = (<usize>begin) << 2;
  for (; i + 16 <= last; i += 16) {
    let total = f32x4.splat(0);
    for (let first: usize = 0; first < rows; first += BLOCK) {
      let part = f32x4.splat(0),
        x = X + i + first * step;
      const stop = X + i + min(rows, first + BLOCK) * step;
      for (; x < stop; x += step) part = f32x4.add(part, v128.load(x));
      total = f32x4.add(total, part);
    }
    v128.store(OUT + i, f32x4.mul(total, scale));
  }
  for (; i < last; i += 4) {
    let total: f32 = 0;
    for (let first: usize = 0; first < rows; first += BLOCK) {
      let part: f32 = 0,
        x = X + i + first * step;
      const stop = X + i + min(rows, first + BLOCK) * step;
      for (; x < stop; x += step) part += load<f32>(x);
      total += part;
    }
    store<f32>(OUT + i, total * scale_);
  }
}
