// Rows of a matrix of cosines to the contrastive loss and its gradient.
import { exp4, firstLanes, lanes, loadSome, storeSome } from "./vector";

/**
 * For rows begin <= r < end of L (rows x columns, cosines): LOSSES[r] = -log softmax(s L[r])[t],
 * t = first + r, and L[r] becomes that loss's gradient by the cosines, times `scale`.
 */
export function contrastRows(
  begin: i32, end: i32, L: usize, LOSSES: usize, columns: i32, first: i32, s_: f32, scale: f32,
): void {
  const s = f32x4.splat(s_);
  for (let r = begin; r < end; r++) {
    const row = L + (<usize>r * <usize>columns << 2);
    let largest = f32x4.splat(load<f32>(row)), c = 0;
    for (; c + 4 <= columns; c += 4) largest = f32x4.max(largest, v128.load(row + (<usize>c << 2)));
    let top = max(
      max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
      max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
    );
    for (; c < columns; c++) top = max(top, load<f32>(row + (<usize>c << 2)));
    const target = row + (<usize>(first + r) << 2), own = <f64>(load<f32>(target) - top);
    const shift = f32x4.splat(top);
    let total: f64 = 0;
    for (let from = 0; from < columns; from += 1024) {
      const to = min(columns, from + 1024);
      let sum = f32x4.splat(0);
      for (c = from; c < to; c += 4) {
        const at = row + (<usize>c << 2), count = to - c;
        const e = firstLanes(exp4(f32x4.mul(s, f32x4.sub(loadSome(at, count), shift))), count);
        sum = f32x4.add(sum, e);
        storeSome(at, e, count);
      }
      total += <f64>lanes(sum);
    }
    store<f32>(LOSSES + (<usize>r << 2), <f32>(NativeMath.log(total) - own * <f64>s_));
    const factor = f32x4.splat(<f32>(<f64>(s_ * scale) / total));
    for (c = 0; c < columns; c += 4) {
      const at = row + (<usize>c << 2), count = columns - c;
      storeSome(at, f32x4.mul(factor, loadSome(at, count)), count);
    }
    store<f32>(target, load<f32>(target) - s_ * scale);
  }
}
