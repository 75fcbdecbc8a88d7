// Turns rows of a matrix of cosines into the contrastive loss and its gradient.
import { exp4, firstLanes, lanes, loadSome, storeSome } from "./vector";

/**
 * For rows begin <= r < end of L (rows x columns, cosines): LOSSES[r] = -log softmax(s L[r])[t],
 * t = first + r, and L[r] becomes that loss's gradient with respect to the cosines, times `scale`.
 */
export function contrastRows(
  begin: i32, end: i32, L: usize, LOSSES: usize, columns: i32, first: i32, s_: f32, scale: f32,
): void {
  const s = f32x4.splat(s_);
  for (let r = begin; r < end; r++) {
    const row = L + (<usize>r * <usize>columns << 2), end4 = columns & ~3;
    let most = f32x4.splat(load<f32>(row)), most2 = most, c = 0;
    for (; c + 8 <= columns; c += 8) {
      const at = row + (<usize>c << 2);
      most = f32x4.pmax(most, v128.load(at)); most2 = f32x4.pmax(most2, v128.load(at, 16));
    }
    most = f32x4.pmax(most, most2);
    let top = max(
      max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
      max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
    );
    for (; c < columns; c++) top = max(top, load<f32>(row + (<usize>c << 2)));
    const target = row + (<usize>(first + r) << 2), own = <f64>(load<f32>(target) - top);
    const shift = f32x4.splat(top);
    let total: f64 = 0;
    for (let from = 0; from < columns; from += 1024) {
      const to = min(end4, from + 1024);
      let sum = f32x4.splat(0);
      for (c = from; c < to; c += 4) {
        const at = row + (<usize>c << 2);
        const e = exp4(f32x4.mul(s, f32x4.sub(v128.load(at), shift)));
        sum = f32x4.add(sum, e);
        v128.store(at, e);
      }
      total += <f64>lanes(sum);
    }
    if (end4 < columns) {
      const at = row + (<usize>end4 << 2), count = columns - end4;
      const e = firstLanes(exp4(f32x4.mul(s, f32x4.sub(loadSome(at, count), shift))), count);
      storeSome(at, e, count);
      total += <f64>lanes(e);
    }
    store<f32>(LOSSES + (<usize>r << 2), <f32>(NativeMath.log(total) - own * <f64>s_));
    const factor = <f32>(<f64>(s_ * scale) / total), factors = f32x4.splat(factor);
    for (c = 0; c < end4; c += 4) {
      const at = row + (<usize>c << 2);
      v128.store(at, f32x4.mul(factors, v128.load(at)));
    }
    for (; c < columns; c++) {
      const at = row + (<usize>c << 2);
      store<f32>(at, factor * load<f32>(at));
    }
    store<f32>(target, load<f32>(target) - s_ * scale);
  }
}
