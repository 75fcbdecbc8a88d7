// GCNII's convolutions for widths 4, 8 and 16: a node's numbers are one, two or four vectors, and a
// layer (sparse product, residual, W, ReLU, dropout) is one pass over the nodes.
import { dropout } from "./dropout";
import { fma } from "./vector";

/** Nodes per unit. Within a unit they are ordered so that rows of equal length come together: see `order`. */
export const NODES_A_UNIT: i32 = 256;

/** The plan that both passes read; src/tensor/ops/narrow.ts writes it word by word in this order. */
@unmanaged
class Stack {
  nodes: i32; width: i32; layers: i32;
  /** P forward, its transpose backward, stored as by `byFours` in src/tensor/ops/narrow-rows.ts. */
  starts: usize; order: usize; indices: usize; indexBytes: i32; values: usize;
  /** nodes x width: the first linear layer's output, before its ReLU. */
  input: usize;
  /** Each layer's input, after ReLU and dropout: `dropSlots` matrices used in turn. */
  dropped: usize; dropSlots: i32;
  /** Z of each layer; one matrix for all layers if `zSlots` is 1. */
  z: usize; zSlots: i32;
  /** Forward: each layer's map, or only the last. Backward: their gradients. */
  maps: usize; allMaps: i32;
  /** theta_l W_l + (1 - theta_l) I of each layer; backward: its transpose. */
  weights: usize;
  alpha: f32;
  /** Dropout, as in the kernel `dropout`; layer l draws from site + l. */
  threshold: i32; scale: f32; step: i32; site: i32; seedLow: i32; seedHigh: i32;
  /** Backward only: two matrices that dZ alternates between. */
  dz: usize;
  /** nodes x width: accumulates the residual's gradient, and becomes the input's. */
  dInput: usize;
  /** For each layer and unit: the unit's share of Z' dM, and a row of scratch memory. */
  parts: usize; units: i32;
}

/**
 * Stages first <= stage < last for the nodes of units begin <= u < end. Stage 0 is
 * D_0 = dropout(ReLU(input)); stage l + 1 is layer l:
 * Z = (1 - alpha) P D_l + alpha ReLU(input), M = Z W, D_(l+1) = dropout(ReLU(M)).
 * A stage reads what the one before it wrote for all nodes.
 */
export function narrowForward(begin: i32, end: i32, PLAN: usize, first: i32, last: i32): void {
  const s = changetype<Stack>(PLAN);
  for (let stage = first; stage < last; stage++) {
    if (stage > 0) {
      if (s.width == 4) forwardRows(1, begin, end, s, stage - 1);
      else if (s.width == 8) forwardRows(2, begin, end, s, stage - 1);
      else forwardRows(4, begin, end, s, stage - 1);
      if (stage == s.layers) return;
    }
    const size = s.nodes * s.width, bytes = <usize>size << 2;
    const to = s.dropped + <usize>(stage % s.dropSlots) * bytes;
    if (stage > 0 && !s.threshold) continue;
    // NODES_A_UNIT nodes fill whole groups of 32 elements.
    const groups = (NODES_A_UNIT * s.width) >> 5;
    dropout(
      begin * groups, min(end * groups, (size + 31) >> 5), stage ? to : s.input, to, 0, size, !stage,
      s.threshold, s.scale, s.step, s.site + stage, s.seedLow, s.seedHigh,
    );
  }
}

/** x where it is above 0, otherwise 0. */
@inline
function positive(x: v128): v128 {
  return f32x4.pmax(f32x4.splat(0), x);
}

/** Copies one lane into all four. */
@inline
export function lane(v: v128, k: i32): v128 {
  if (k == 0) return v128.shuffle<f32>(v, v, 0, 0, 0, 0);
  if (k == 1) return v128.shuffle<f32>(v, v, 1, 1, 1, 1);
  if (k == 2) return v128.shuffle<f32>(v, v, 2, 2, 2, 2);
  return v128.shuffle<f32>(v, v, 3, 3, 3, 3);
}

/** TO[r] = sum_k V[k] X[I[k]] over the entries k of row r, for the nodes of one unit. */
function sumRows(s: Stack, u: i32, X: usize, TO: usize): void {
  const step = <usize>s.width << 2;
  if (s.width == 4) {
    if (s.indexBytes == 2) sumFours<u16>(1, s, u, X, TO, 16);
    else sumFours<u32>(1, s, u, X, TO, 16);
  } else for (let j: usize = 0; j < step; j += 32) {
    if (s.indexBytes == 2) sumFours<u16>(2, s, u, X + j, TO + j, step);
    else sumFours<u32>(2, s, u, X + j, TO + j, step);
  }
}

/**
 * The same for `nv` vectors of columns, a compile-time constant. It takes four rows at a time, of which the
 * first is the shortest, because the additions of a single sum would wait for each other.
 */
@inline
function sumFours<Index>(nv: i32, s: Stack, u: i32, X: usize, TO: usize, step: usize): void {
  const I = s.indices, V = s.values, zero = f32x4.splat(0), bytes = sizeof<Index>();
  let o = s.order + (<usize>(u * NODES_A_UNIT) << 2), P = s.starts + (<usize>(u * NODES_A_UNIT) << 2);
  const stop = s.order + (<usize>min((u + 1) * NODES_A_UNIT, s.nodes) << 2);
  let k = <usize>load<i32>(P);
  for (; o + 16 <= stop; o += 16, P += 16) {
    const second = <usize>load<i32>(P, 4), third = <usize>load<i32>(P, 8), fourth = <usize>load<i32>(P, 12);
    const shortest = second - <usize>load<i32>(P);
    let a = zero, b = zero, c = zero, d = zero, e = zero, f = zero, g = zero, h = zero;
    let i = I + k * bytes;
    const all = V + ((k + (shortest << 2)) << 2);
    for (let v = V + (k << 2); v < all; v += 16, i += 4 * bytes) {
      const w = v128.load(v);
      const x = X + <usize>load<Index>(i) * step, y = X + <usize>load<Index>(i, bytes) * step;
      const z = X + <usize>load<Index>(i, 2 * bytes) * step, t = X + <usize>load<Index>(i, 3 * bytes) * step;
      const wx = lane(w, 0), wy = lane(w, 1), wz = lane(w, 2), wt = lane(w, 3);
      a = fma(wx, v128.load(x), a); b = fma(wy, v128.load(y), b);
      c = fma(wz, v128.load(z), c); d = fma(wt, v128.load(t), d);
      if (nv > 1) {
        e = fma(wx, v128.load(x, 16), e); f = fma(wy, v128.load(y, 16), f);
        g = fma(wz, v128.load(z, 16), g); h = fma(wt, v128.load(t, 16), h);
      }
    }
    k += shortest << 2;
    const l = k + third - second - shortest, m = l + fourth - third - shortest, n = <usize>load<i32>(P, 16);
    b = rowFrom<Index>(b, k, l, I, V, X, step);
    c = rowFrom<Index>(c, l, m, I, V, X, step);
    d = rowFrom<Index>(d, m, n, I, V, X, step);
    if (nv > 1) {
      f = rowFrom<Index>(f, k, l, I, V, X + 16, step);
      g = rowFrom<Index>(g, l, m, I, V, X + 16, step);
      h = rowFrom<Index>(h, m, n, I, V, X + 16, step);
    }
    k = n;
    put(nv, TO + <usize>load<i32>(o) * step, a, e, zero, zero);
    put(nv, TO + <usize>load<i32>(o, 4) * step, b, f, zero, zero);
    put(nv, TO + <usize>load<i32>(o, 8) * step, c, g, zero, zero);
    put(nv, TO + <usize>load<i32>(o, 12) * step, d, h, zero, zero);
  }
  for (; o < stop; o += 4, P += 4) {
    const last = <usize>load<i32>(P, 4);
    const a = rowFrom<Index>(zero, k, last, I, V, X, step);
    const e = nv > 1 ? rowFrom<Index>(zero, k, last, I, V, X + 16, step) : zero;
    k = last;
    put(nv, TO + <usize>load<i32>(o) * step, a, e, zero, zero);
  }
}

/** Adds entries first <= k < last to a row's sum. */
@inline
function rowFrom<Index>(
  sum: v128, first: usize, last: usize, I: usize, V: usize, X: usize, step: usize,
): v128 {
  for (let k = first; k < last; k++) {
    const x = X + <usize>load<Index>(I + k * sizeof<Index>()) * step;
    sum = fma(v128.load_splat<f32>(V + (k << 2)), v128.load(x), sum);
  }
  return sum;
}

/** Does one layer. `nv` is the number of vectors per node, a compile-time constant. */
@inline
function forwardRows(nv: i32, begin: i32, end: i32, s: Stack, l: i32): void {
  const step = <usize>nv << 4, size = <usize>s.nodes * step;
  const H = s.input;
  const X = s.dropped + <usize>(l % s.dropSlots) * size;
  const Y = s.dropped + <usize>((l + 1) % s.dropSlots) * size;
  const Z = s.z + <usize>(s.zSlots > 1 ? l : 0) * size;
  const top = l + 1 == s.layers, maps = s.allMaps || top;
  const M = s.maps + <usize>(s.allMaps ? l : 0) * size;
  const W = s.weights + <usize>l * (step * step >> 2);
  const p = f32x4.splat(1 - s.alpha), q = f32x4.splat(s.alpha);
  const w0 = v128.load(W), w1 = v128.load(W, 16), w2 = v128.load(W, 32), w3 = v128.load(W, 48);
  for (let u = begin; u < end; u++) {
    sumRows(s, u, X, Z);
    const stop = <usize>min((u + 1) * NODES_A_UNIT, s.nodes) * step;
    for (let at = <usize>(u * NODES_A_UNIT) * step; at < stop; at += step) {
      const h = H + at, z = Z + at;
      let a = fma(q, positive(v128.load(h)), f32x4.mul(p, v128.load(z))), b = a, c = a, d = a;
      v128.store(z, a);
      for (let j: usize = 16; j < step; j += 16) {
        v128.store(z + j, fma(q, positive(v128.load(h + j)), f32x4.mul(p, v128.load(z + j))));
      }
      if (nv == 1) {
        a = fma(lane(a, 3), w3, fma(lane(a, 2), w2, fma(lane(a, 1), w1, f32x4.mul(lane(a, 0), w0))));
      } else {
        a = f32x4.splat(0); b = a; c = a; d = a;
        for (let k: usize = 0, w = W; k < step; k += 4, w += step) {
          const x = v128.load_splat<f32>(z + k);
          a = fma(x, v128.load(w), a); b = fma(x, v128.load(w, 16), b);
          if (nv > 2) { c = fma(x, v128.load(w, 32), c); d = fma(x, v128.load(w, 48), d); }
        }
      }
      if (maps) put(nv, M + at, a, b, c, d);
      if (!top) put(nv, Y + at, positive(a), positive(b), positive(c), positive(d));
    }
  }
}

@inline
export function put(nv: i32, at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a);
  if (nv > 1) v128.store(at, b, 16);
  if (nv > 2) { v128.store(at, c, 32); v128.store(at, d, 48); }
}

/**
 * Stages first <= stage < last for the nodes of units begin <= u < end. Stage s is layer
 * l = layers - 1 - s: dM = the gradient at its own tap plus, except in the top layer,
 * (1 - alpha) mask(P' dZ_(l+1)); the unit's share of Z' dM; dZ = dM W'; dInput += alpha dZ.
 * The last stage, `layers`, ends with the input's gradient.
 */
export function narrowBackward(begin: i32, end: i32, PLAN: usize, first: i32, last: i32): void {
  const s = changetype<Stack>(PLAN);
  for (let stage = first; stage < last; stage++) {
    for (let u = begin; u < end; u++) {
      if (s.width == 4) backwardRows(1, u, s, s.layers - 1 - stage);
      else if (s.width == 8) backwardRows(2, u, s, s.layers - 1 - stage);
      else backwardRows(4, u, s, s.layers - 1 - stage);
    }
  }
}

/** Computes the gradient of M_l and what follows from it, for the nodes of one unit; l = -1 is the input. */
@inline
function backwardRows(nv: i32, u: i32, s: Stack, l: i32): void {
  const step = <usize>nv << 4, size = <usize>s.nodes * step, square = step * step >> 2;
  const D = s.dInput;
  const top = l + 1 == s.layers;
  const X = s.dz + <usize>((l + 1) & 1) * size, OUT = s.dz + <usize>(l & 1) * size;
  const MASK = s.dropped + <usize>(l + 1) * size, Z = s.z + <usize>l * size;
  const TAP = l < 0 ? s.maps : s.maps + <usize>(s.allMaps ? l : 0) * size;
  const tapped = top || (s.allMaps && l >= 0);
  const W = s.weights + <usize>max(l, 0) * square;
  const PART = s.parts + <usize>(max(l, 0) * s.units + u) * (square + step), ROW = PART + square;
  const p = f32x4.splat((1 - s.alpha) * s.scale), q = f32x4.splat(s.alpha), zero = f32x4.splat(0);
  const w0 = v128.load(W), w1 = v128.load(W, 16), w2 = v128.load(W, 32), w3 = v128.load(W, 48);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  if (nv > 1 && l >= 0) memory.fill(PART, 0, square);
  if (!top) sumRows(s, u, X, OUT);
  const stop = s.order + (<usize>min((u + 1) * NODES_A_UNIT, s.nodes) << 2);
  for (let o = s.order + (<usize>(u * NODES_A_UNIT) << 2); o < stop; o += 4) {
    const r = <usize>load<i32>(o), at = r * step;
    let a = zero, b = zero, c = zero, d = zero;
    if (!top) {
      const sum = OUT + at;
      a = v128.load(sum);
      if (nv > 1) b = v128.load(sum, 16);
      if (nv > 2) { c = v128.load(sum, 32); d = v128.load(sum, 48); }
      const mask = MASK + at;
      a = passed(p, a, mask);
      if (nv > 1) b = passed(p, b, mask + 16);
      if (nv > 2) { c = passed(p, c, mask + 32); d = passed(p, d, mask + 48); }
    }
    if (tapped) {
      const tap = TAP + at;
      a = f32x4.add(a, v128.load(tap));
      if (nv > 1) b = f32x4.add(b, v128.load(tap, 16));
      if (nv > 2) { c = f32x4.add(c, v128.load(tap, 32)); d = f32x4.add(d, v128.load(tap, 48)); }
    }
    const residual = D + at;
    if (l < 0) {
      // H0 = ReLU(input) is the initial residual of every layer.
      const h = s.input + at, one = f32x4.splat(1);
      a = f32x4.add(a, passed(one, v128.load(residual), h));
      if (nv > 1) b = f32x4.add(b, passed(one, v128.load(residual, 16), h + 16));
      if (nv > 2) {
        c = f32x4.add(c, passed(one, v128.load(residual, 32), h + 32));
        d = f32x4.add(d, passed(one, v128.load(residual, 48), h + 48));
      }
      put(nv, residual, a, b, c, d);
      continue;
    }
    const z = Z + at;
    if (nv == 1) {
      const x = v128.load(z);
      s0 = fma(lane(x, 0), a, s0); s1 = fma(lane(x, 1), a, s1);
      s2 = fma(lane(x, 2), a, s2); s3 = fma(lane(x, 3), a, s3);
      a = fma(lane(a, 3), w3, fma(lane(a, 2), w2, fma(lane(a, 1), w1, f32x4.mul(lane(a, 0), w0))));
    } else {
      put(nv, ROW, a, b, c, d);
      let e = zero, f = zero, g = zero, h = zero;
      for (let k: usize = 0, w = W, sum = PART; k < step; k += 4, w += step, sum += step) {
        const x = v128.load_splat<f32>(z + k), y = v128.load_splat<f32>(ROW + k);
        v128.store(sum, fma(x, a, v128.load(sum)));
        v128.store(sum, fma(x, b, v128.load(sum, 16)), 16);
        e = fma(y, v128.load(w), e); f = fma(y, v128.load(w, 16), f);
        if (nv > 2) {
          v128.store(sum, fma(x, c, v128.load(sum, 32)), 32);
          v128.store(sum, fma(x, d, v128.load(sum, 48)), 48);
          g = fma(y, v128.load(w, 32), g); h = fma(y, v128.load(w, 48), h);
        }
      }
      a = e; b = f; c = g; d = h;
    }
    put(nv, OUT + at, a, b, c, d);
    a = f32x4.mul(q, a); b = f32x4.mul(q, b); c = f32x4.mul(q, c); d = f32x4.mul(q, d);
    if (!top) {
      a = f32x4.add(a, v128.load(residual));
      if (nv > 1) b = f32x4.add(b, v128.load(residual, 16));
      if (nv > 2) { c = f32x4.add(c, v128.load(residual, 32)); d = f32x4.add(d, v128.load(residual, 48)); }
    }
    put(nv, residual, a, b, c, d);
  }
  if (nv == 1 && l >= 0) put(4, PART, s0, s1, s2, s3);
}

/** factor * x where the number at `mask` is above 0, otherwise 0. */
@inline
function passed(factor: v128, x: v128, mask: usize): v128 {
  return v128.and(f32x4.gt(v128.load(mask), f32x4.splat(0)), f32x4.mul(factor, x));
}
