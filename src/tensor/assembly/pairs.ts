// Squared distances of every teacher layer's map to every student layer's, in one pass.
import { fma, fma1, squaredDistance } from "./vector";

/** Nodes whose distances are summed together: fixed, so that bits do not depend on threads. */
export const NODES_A_BLOCK: i32 = 32;

/**
 * For node blocks begin <= b < end: PARTIAL[b, i, j] = sum over the block's nodes n and over
 * d of (T[n, i, d] - R[n, j, d])^2, and U[n, j, d] = sum_i W[i, j] (T[n, i, d] - R[n, j, d]).
 * T is nodes x teacherLayers x width, R and U nodes x studentLayers x width,
 * W teacherLayers x studentLayers.
 */
export function pairDistances(
  begin: i32, end: i32, T: usize, R: usize, W: usize, PARTIAL: usize, U: usize,
  nodes: i32, teacherLayers: i32, studentLayers: i32, width: i32,
): void {
  const step = <usize>width << 2;
  const tNode = <usize>teacherLayers * step, rNode = <usize>studentLayers * step;
  const pairs = (<usize>teacherLayers * <usize>studentLayers) << 2;
  const wStep = <usize>studentLayers << 2;
  for (let block = begin; block < end; block++) {
    const partial = PARTIAL + <usize>block * pairs;
    memory.fill(partial, 0, pairs);
    const first = block * NODES_A_BLOCK, last = min(nodes, first + NODES_A_BLOCK);
    for (let n = first; n < last; n++) {
      const t0 = T + <usize>n * tNode, r0 = R + <usize>n * rNode, u0 = U + <usize>n * rNode;
      let j = 0;
      for (; j + 4 <= studentLayers; j += 4) {
        const r = r0 + <usize>j * step;
        let t = t0, out = partial + (<usize>j << 2);
        for (let i = 0; i < teacherLayers; i++) {
          distances4(t, r, step, out);
          t += step; out += wStep;
        }
        weighted4(t0, tNode, step, W + (<usize>j << 2), wStep, r, u0 + <usize>j * step);
      }
      for (; j < studentLayers; j++) {
        const r = r0 + <usize>j * step;
        let t = t0, out = partial + (<usize>j << 2);
        for (let i = 0; i < teacherLayers; i++) {
          store<f32>(out, load<f32>(out) + squaredDistance(t, r, step));
          t += step; out += wStep;
        }
        weightedFrom(0, t0, t0 + tNode, step, W + (<usize>j << 2), wStep, r, u0 + <usize>j * step);
      }
    }
  }
}

/** OUT[0..3] += the squared distances of t to four consecutive rows from r on. */
@inline
function distances4(t: usize, r: usize, step: usize, out: usize): void {
  let a = f32x4.splat(0), b = a, c = a, d = a, k: usize = 0;
  const r1 = r + step, r2 = r1 + step, r3 = r2 + step;
  for (; k + 16 <= step; k += 16) {
    const x = v128.load(t + k);
    const e0 = f32x4.sub(x, v128.load(r + k)), e1 = f32x4.sub(x, v128.load(r1 + k));
    const e2 = f32x4.sub(x, v128.load(r2 + k)), e3 = f32x4.sub(x, v128.load(r3 + k));
    a = fma(e0, e0, a); b = fma(e1, e1, b); c = fma(e2, e2, c); d = fma(e3, e3, d);
  }
  // Transpose and add: lane j of the sum is the distance to row j.
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab2 = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd2 = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  const s = f32x4.add(ab, ab2), u = f32x4.add(cd, cd2);
  let sum = f32x4.add(
    v128.shuffle<i32>(s, u, 0, 1, 4, 5),
    v128.shuffle<i32>(s, u, 2, 3, 6, 7),
  );
  for (; k < step; k += 4) {
    const x = f32x4.splat(load<f32>(t + k));
    const y = f32x4(load<f32>(r + k), load<f32>(r1 + k), load<f32>(r2 + k), load<f32>(r3 + k));
    const e = f32x4.sub(x, y);
    sum = fma(e, e, sum);
  }
  v128.store(out, f32x4.add(v128.load(out), sum));
}

/** Rows j..j+3 of U, by direct differences as well. */
@inline
function weighted4(
  t0: usize, tNode: usize, step: usize, w0: usize, wStep: usize, r: usize, u: usize,
): void {
  const end = t0 + tNode, r1 = r + step, r2 = r1 + step, r3 = r2 + step;
  const u1 = u + step, u2 = u1 + step, u3 = u2 + step;
  let k: usize = 0;
  for (; k + 16 <= step; k += 16) {
    const x0 = v128.load(r + k), x1 = v128.load(r1 + k);
    const x2 = v128.load(r2 + k), x3 = v128.load(r3 + k);
    let a = f32x4.splat(0), b = a, c = a, d = a, w = w0;
    for (let t = t0 + k; t < end; t += step) {
      const x = v128.load(t);
      a = fma(v128.load_splat<f32>(w), f32x4.sub(x, x0), a);
      b = fma(v128.load_splat<f32>(w, 4), f32x4.sub(x, x1), b);
      c = fma(v128.load_splat<f32>(w, 8), f32x4.sub(x, x2), c);
      d = fma(v128.load_splat<f32>(w, 12), f32x4.sub(x, x3), d);
      w += wStep;
    }
    v128.store(u + k, a); v128.store(u1 + k, b); v128.store(u2 + k, c); v128.store(u3 + k, d);
  }
  if (k == step) return;
  for (let j: usize = 0; j < 4; j++) {
    weightedFrom(k, t0, end, step, w0 + (j << 2), wStep, r + j * step, u + j * step);
  }
}

/** One row of U, from byte `from` on. */
function weightedFrom(
  from: usize, t0: usize, end: usize, step: usize, w0: usize, wStep: usize, r: usize, u: usize,
): void {
  for (let k = from; k < step; k += 4) {
    const x = load<f32>(r + k);
    let sum: f32 = 0, w = w0;
    for (let t = t0 + k; t < end; t += step) {
      sum = fma1(load<f32>(w), load<f32>(t) - x, sum);
      w += wStep;
    }
    store<f32>(u + k, sum);
  }
}
