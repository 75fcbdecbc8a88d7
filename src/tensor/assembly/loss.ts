// Softmax cross-entropy over chosen nodes or against soft labels, with its gradient; and scores.
import { exp4, firstLanes, lanes, loadSome, storeSome } from "./vector";

/** The largest of `classes` numbers; NaN where there is one. */
@inline
function largestOf(row: usize, classes: i32): f32 {
  let m = f32x4.splat(-Infinity), c = 0;
  for (; c + 4 <= classes; c += 4) m = f32x4.max(m, v128.load(row + (<usize>c << 2)));
  m = f32x4.max(m, v128.shuffle<f32>(m, m, 2, 3, 0, 1));
  let x = f32x4.extract_lane(f32x4.max(m, v128.shuffle<f32>(m, m, 1, 0, 3, 2)), 0);
  for (; c < classes; c++) x = max<f32>(x, load<f32>(row + (<usize>c << 2)));
  return x;
}

/** Sum of exp(beta (x - largest)) over a row; the terms go to OUT where it is given. */
@inline
function exponentials(row: usize, OUT: usize, classes: i32, largest: f32, beta_: f32): f64 {
  const shift = f32x4.splat(largest), beta = f32x4.splat(beta_);
  let sum: f64 = 0;
  for (let c = 0; c < classes; c += 4) {
    const at = <usize>c << 2, count = classes - c;
    const x = f32x4.mul(beta, f32x4.sub(loadSome(row + at, count), shift));
    const e = firstLanes(exp4(x), count);
    sum += <f64>lanes(e);
    if (OUT) storeSome(OUT + at, e, count);
  }
  return sum;
}

/**
 * For entries begin <= k < end of NODES: LOSSES[k] = -log softmax(LOGITS[node])[label], and
 * where GRADIENT (nodes x classes, zeroed before) is given, its row of that node becomes
 * scale * (softmax - one hot). Where HITS is given, HITS[k] = 1 if the first largest logit
 * is the label's, else 0.
 */
export function crossEntropy(
  begin: i32, end: i32, LOGITS: usize, LABELS: usize, NODES: usize, LOSSES: usize, GRADIENT: usize,
  HITS: usize, classes: i32, scale: f32,
): void {
  for (let k = begin; k < end; k++) {
    const node = <usize>load<i32>(NODES + (<usize>k << 2));
    const label = load<i32>(LABELS + (node << 2));
    const first = (node * <usize>classes) << 2, row = LOGITS + first;
    const largest = largestOf(row, classes), own = load<f32>(row + (<usize>label << 2));
    const out = GRADIENT ? GRADIENT + first : 0;
    const sum = exponentials(row, out, classes, largest, 1);
    const target = <f64>own - <f64>largest;
    store<f32>(LOSSES + (<usize>k << 2), <f32>(NativeMath.log(sum) - target));
    if (HITS) {
      let hit = own == largest;
      for (let c = 0; hit && c < label; c++) hit = load<f32>(row + (<usize>c << 2)) < largest;
      store<f32>(HITS + (<usize>k << 2), hit ? 1 : 0);
    }
    if (!GRADIENT) continue;
    const factor = f32x4.splat(scale * <f32>(1 / sum));
    for (let c = 0; c < classes; c += 4) {
      const at = out + (<usize>c << 2), count = classes - c;
      storeSome(at, f32x4.mul(factor, loadSome(at, count)), count);
    }
    const at = out + (<usize>label << 2);
    store<f32>(at, load<f32>(at) - scale);
  }
}

/**
 * For rows begin <= r < end: LOSSES[r] = -sum over classes of P[r] log softmax(beta LOGITS[r]), P's
 * rows being probabilities, and GRADIENT[r] = scale * (softmax - P[r]).
 */
export function softCrossEntropy(
  begin: i32, end: i32, LOGITS: usize, P: usize, LOSSES: usize, GRADIENT: usize, classes: i32,
  beta: f32, scale: f32,
): void {
  const q = f32x4.splat(scale);
  for (let r = begin; r < end; r++) {
    const first = (<usize>r * <usize>classes) << 2, row = LOGITS + first, out = GRADIENT + first;
    const largest = largestOf(row, classes);
    const sum = exponentials(row, out, classes, largest, beta);
    const factor = f32x4.splat(<f32>(1 / sum)), shift = f32x4.splat(largest);
    let target = f32x4.splat(0);
    for (let c = 0; c < classes; c += 4) {
      const at = <usize>c << 2, count = classes - c;
      const p = loadSome(P + first + at, count);
      // A probability of 0 counts nothing, however far its logit.
      const x = v128.and(f32x4.gt(p, f32x4.splat(0)), f32x4.sub(loadSome(row + at, count), shift));
      target = f32x4.add(target, f32x4.mul(p, x));
      const share = f32x4.mul(factor, loadSome(out + at, count));
      storeSome(out + at, f32x4.mul(q, f32x4.sub(share, p)), count);
    }
    store<f32>(LOSSES + (<usize>r << 2), <f32>(NativeMath.log(sum) - <f64>(beta * lanes(target))));
  }
}
