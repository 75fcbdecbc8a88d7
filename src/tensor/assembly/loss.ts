// Softmax cross-entropy over chosen nodes or against soft labels, with its gradient and the hits.
import { lossesOf, lossOf } from "./logarithm";
import { exp4, lanes, loadSome, storeSome } from "./vector";

/** The largest of the four lanes, unless one is NaN. */
@inline
function largestLane(v: v128): f32 {
  const m = f32x4.pmax(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(m, v128.shuffle<f32>(m, m, 1, 0, 3, 2)), 0);
}

/** A mask of the lanes in use in the last vector of a row of `classes`. */
@inline
function lastLanes(classes: i32): v128 {
  return i32x4.gt_s(i32x4.splat(((classes - 1) & 3) + 1), i32x4(0, 1, 2, 3));
}

/** Loads numbers c .. c + 3 of a row of `classes`; those beyond its end become `other`. */
@inline
function part(row: usize, c: i32, classes: i32, last: v128, other: v128): v128 {
  // This may read beyond the row, but never beyond its block's slack.
  const v = v128.load(row + (<usize>c << 2));
  return c + 4 < classes ? v : v128.bitselect(v, other, last);
}

/** The largest of a row, unless one is NaN: `pmax` ignores NaN, and is one instruction. */
@inline
function largestOf(row: usize, classes: i32, last: v128): f32 {
  const low = f32x4.splat(-Infinity);
  let m = part(row, 0, classes, last, low);
  for (let c = 4; c < classes; c += 4) m = f32x4.pmax(m, part(row, c, classes, last, low));
  return largestLane(m);
}

/** exp(beta (x - largest)) of numbers c .. c + 3 of a row; 0 beyond its end. */
@inline
function exponentials(row: usize, c: i32, classes: i32, last: v128, largest: v128, beta: v128): v128 {
  const x = f32x4.mul(beta, f32x4.sub(v128.load(row + (<usize>c << 2)), largest)), e = exp4(x);
  return c + 4 < classes ? e : v128.and(e, last);
}

/** Returns the second lane of `two`, then x. */
@inline
function pushed(two: v128, x: f64): v128 {
  return v128.shuffle<f64>(two, f64x2.splat(x), 1, 2);
}

/** Stores, at every second node of a range and at the last, the losses of `sums` and `targets`; `to` is the last's. */
@inline
function putLosses(sums: v128, targets: v128, to: usize, node: i32, last: bool): void {
  if (node & 1) v128.store64_lane(to - 4, lossesOf(sums, targets), 0);
  else if (last) store<f32>(to, lossOf(f64x2.extract_lane(sums, 1), f64x2.extract_lane(targets, 1)));
}

/**
 * For entries begin <= k < end of NODES: LOSSES[k] = -log softmax(LOGITS[node])[label]. If
 * GRADIENT (nodes x classes, zeroed before) is given, that node's row becomes
 * scale * (softmax - one hot). If HITS is given, HITS[k] = 1 if the first largest logit
 * is the label's, otherwise 0.
 */
export function crossEntropy(
  begin: i32, end: i32, LOGITS: usize, LABELS: usize, NODES: usize, LOSSES: usize, GRADIENT: usize,
  HITS: usize, classes: i32, scale: f32,
): void {
  const one = f32x4.splat(1), last = lastLanes(classes);
  let sums = f64x2.splat(1), targets = f64x2.splat(0);
  for (let k = begin; k < end; k++) {
    const node = <usize>load<i32>(NODES + (<usize>k << 2));
    const label = load<i32>(LABELS + (node << 2));
    const first = (node * <usize>classes) << 2, row = LOGITS + first;
    const out = GRADIENT ? GRADIENT + first : 0;
    const largest = largestOf(row, classes, last), own = load<f32>(row + (<usize>label << 2));
    const shift = f32x4.splat(largest);
    // A row of up to eight stays in registers; the rest of a longer one waits in memory.
    const e = exponentials(row, 0, classes, last, shift, one);
    const f = classes > 4 ? exponentials(row, 4, classes, last, shift, one) : f32x4.splat(0);
    let all = f32x4.add(e, f);
    for (let c = 8; c < classes; c += 4) {
      const g = exponentials(row, c, classes, last, shift, one);
      all = f32x4.add(all, g);
      if (out) storeSome(out + (<usize>c << 2), g, classes - c);
    }
    const sum = lanes(all), to = LOSSES + (<usize>k << 2);
    sums = pushed(sums, <f64>sum);
    targets = pushed(targets, <f64>own - <f64>largest);
    putLosses(sums, targets, to, k - begin, k + 1 == end);
    if (HITS) {
      let hit = own == largest && sum == sum;
      for (let c = 0; hit && c < label; c++) hit = load<f32>(row + (<usize>c << 2)) < largest;
      store<f32>(HITS + (<usize>k << 2), hit ? 1 : 0);
    }
    if (!out) continue;
    const factor = f32x4.splat(scale / sum);
    storeSome(out, f32x4.mul(factor, e), classes);
    if (classes > 4) storeSome(out + 16, f32x4.mul(factor, f), classes - 4);
    for (let c = 8; c < classes; c += 4) {
      const at = out + (<usize>c << 2), count = classes - c;
      storeSome(at, f32x4.mul(factor, loadSome(at, count)), count);
    }
    const at = out + (<usize>label << 2);
    store<f32>(at, load<f32>(at) - scale);
  }
}

/**
 * For rows begin <= r < end: LOSSES[r] = -sum over classes of P[r] log softmax(beta LOGITS[r]), where P's
 * rows are probabilities, and GRADIENT[r] = scale * (softmax - P[r]).
 */
export function softCrossEntropy(
  begin: i32, end: i32, LOGITS: usize, P: usize, LOSSES: usize, GRADIENT: usize, classes: i32,
  beta_: f32, scale: f32,
): void {
  const q = f32x4.splat(scale), beta = f32x4.splat(beta_), zero = f32x4.splat(0);
  const last = lastLanes(classes);
  let sums = f64x2.splat(1), targets = f64x2.splat(0);
  for (let r = begin; r < end; r++) {
    const first = (<usize>r * <usize>classes) << 2;
    const row = LOGITS + first, own = P + first, out = GRADIENT + first;
    const largest = largestOf(row, classes, last), shift = f32x4.splat(largest);
    let all = zero, target = zero;
    for (let c = 0; c < classes; c += 4) {
      const at = <usize>c << 2, p = part(own, c, classes, last, zero);
      // A probability of 0 contributes nothing, however extreme its logit.
      const x = v128.and(f32x4.gt(p, zero), f32x4.sub(v128.load(row + at), shift));
      target = f32x4.add(target, f32x4.mul(p, x));
      const e = exponentials(row, c, classes, last, shift, beta);
      all = f32x4.add(all, e);
      storeSome(out + at, e, classes - c);
    }
    const sum = lanes(all), factor = f32x4.splat(1 / sum);
    for (let c = 0; c < classes; c += 4) {
      const at = out + (<usize>c << 2), count = classes - c;
      const share = f32x4.mul(factor, loadSome(at, count));
      storeSome(at, f32x4.mul(q, f32x4.sub(share, part(own, c, classes, last, zero))), count);
    }
    sums = pushed(sums, <f64>sum);
    targets = pushed(targets, <f64>(beta_ * lanes(target)));
    putLosses(sums, targets, LOSSES + (<usize>r << 2), r - begin, r + 1 == end);
  }
}
