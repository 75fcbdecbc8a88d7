// A step of gradient descent with two moments: its factors make it Adam, AdamW, RMSprop or SGD.
import { fma, fma1 } from "./vector";

/** Elements per unit; a unit never spans two parameters. */
export const ELEMENTS_A_UNIT: i32 = 64;

/** A parameter: the addresses of its numbers, its gradient, its moments and the result. */
@unmanaged
class Slot {
  x: usize; g: usize; m: usize; v: usize; out: usize;
  size: i32;
  /** The slot's first unit; the next slot's units follow its own. */
  unit: i32;
  decay: f32; rate: f32; shrink: f32;
}

/**
 * For units begin <= u < end of the `count` slots at SLOTS: g = G + decay X;
 * M = keep1 M + take1 g; V = keep2 V + take2 g^2 (if take2 is 0, g is not squared, since that may overflow);
 * OUT = shrink X - rate M / (sqrt(V) correction + epsilon). OUT may be X.
 */
export function descend(
  begin: i32, end: i32, SLOTS: usize, count: i32, keep1: f32, take1: f32, keep2: f32, take2: f32,
  correction: f32, epsilon: f32,
): void {
  for (let k = 0; k < count; k++) {
    const slot = changetype<Slot>(SLOTS + <usize>k * offsetof<Slot>());
    const first = max(begin - slot.unit, 0) * ELEMENTS_A_UNIT;
    const last = min((end - slot.unit) * ELEMENTS_A_UNIT, slot.size);
    if (first < last) {
      descendElements(slot, first, last, keep1, take1, keep2, take2, correction, epsilon);
    }
  }
}

function descendElements(
  slot: Slot, first: i32, last_: i32, keep1: f32, take1: f32, keep2: f32, take2: f32,
  correction: f32, epsilon: f32,
): void {
  const X = slot.x, G = slot.g, M = slot.m, V = slot.v, OUT = slot.out;
  const decay = slot.decay, rate = slot.rate, shrink = slot.shrink;
  const d = f32x4.splat(decay), b1 = f32x4.splat(keep1), b2 = f32x4.splat(keep2);
  const c1 = f32x4.splat(take1), c2 = f32x4.splat(take2), r = f32x4.splat(rate);
  const cv = f32x4.splat(correction), eps = f32x4.splat(epsilon), s = f32x4.splat(shrink);
  const squared = i32x4.splat(take2 == 0 ? 0 : -1);
  let e = <usize>first << 2;
  const last = <usize>last_ << 2;
  for (; e + 16 <= last; e += 16) {
    const x = v128.load(X + e), g = fma(d, x, v128.load(G + e));
    const m = fma(c1, g, f32x4.mul(b1, v128.load(M + e))), h = v128.and(g, squared);
    const v = fma(c2, f32x4.mul(h, h), f32x4.mul(b2, v128.load(V + e)));
    v128.store(M + e, m);
    v128.store(V + e, v);
    const step = f32x4.div(f32x4.mul(r, m), fma(f32x4.sqrt(v), cv, eps));
    v128.store(OUT + e, f32x4.sub(f32x4.mul(s, x), step));
  }
  for (; e < last; e += 4) {
    const x = load<f32>(X + e), g = fma1(decay, x, load<f32>(G + e));
    const m = fma1(take1, g, keep1 * load<f32>(M + e));
    const h: f32 = take2 == 0 ? 0 : g;
    const v = fma1(take2, h * h, keep2 * load<f32>(V + e));
    store<f32>(M + e, m);
    store<f32>(V + e, v);
    store<f32>(OUT + e, shrink * x - (rate * m) / fma1(sqrt<f32>(v), correction, epsilon));
  }
}
