// Adam with L2 weight decay (the decay joins the gradient, as torch.optim.Adam has it).
import { fma, fma1 } from "./vector";

/**
 * For elements begin <= e < end: g = G + decay X; M = beta1 M + (1 - beta1) g;
 * V = beta2 V + (1 - beta2) g^2; OUT = X - rate * M / (sqrt(V) * correction + epsilon),
 * where rate = learning rate / (1 - beta1^t) and correction = 1 / sqrt(1 - beta2^t).
 */
export function adam(
  begin: i32,
  end: i32,
  X: usize,
  G: usize,
  M: usize,
  V: usize,
  OUT: usize,
  decay: f32,
  beta1: f64,
  beta2: f64,
  rate: f32,
  correction: f32,
  epsilon: f32,
): void {
  // In float32, 1 - 0.999 would be off by 1.3e-5 of itself.
  const keep1 = <f32>beta1,
    keep2 = <f32>beta2,
    take1 = <f32>(1 - beta1),
    take2 = <f32>(1 - beta2);
  const d = f32x4.splat(decay),
    b1 = f32x4.splat(keep1),
    b2 = f32x4.splat(keep2);
  const c1 = f32x4.splat(take1),
    c2 = f32x4.splat(take2),
    r = f32x4.splat(rate);
  const cv = f32x4.splat(correction),
    eps = f32x4.splat(epsilon);
  let e = (<usize>begin) << 2;
  const last = (<usize>end) << 2;
  for (; e + 16 <= last; e += 16) {
    const x = v128.load(X + e),
      g = fma(d, x, v128.load(G + e));
    const m = fma(c1, g, f32x4.mul(b1, v128.load(M + e)));
    const v = fma(c2, f32x4.mul(g, g), f32x4.mul(b2, v128.load(V + e)));
    v128.store(M + e, m);
    v128.store(V + e, v);
    const step = f32x4.div(f32x4.mul(r, m), fma(f32x4.sqrt(v), cv, eps));
    v128.store(OUT + e, f32x4.sub(x, step));
  }
  for (; e < last; e += 4) {
    const x = load<f32>(X + e),
      g = fma1(decay, x, load<f32>(G + e));
    const m = fma1(take1, g, keep1 * load<f32>(M + e));
    const v = fma1(take2, g * g, keep2 * load<f32>(V + e));
    store<f32>(M + e, m);
    store<f32>(V + e, v);
    store<f32>(OUT + e, x - (rate * m) / fma1(sqrt<f32>(v), correction, epsilon));
  }
}
