// Graph attention (GAT): a softmax over each row's arcs, weighted sums of its neighbours, their gradients.
// A map of `heads` heads has `width` columns for each of them, side by side; scores L and D have one
// number per node and head, ALPHA one per arc and head: those of head 0 first, in the arcs' order. P is indptr, I
// indices, `arcs` their number. A unit is a row or an entry, as in sparse.ts.
import { fetchRows, firstRow, row } from "./sparse";
import { exp1, exp4, fma, fma1, inner, lanes } from "./vector";

@inline
function start(P: usize, r: i32): usize {
  return <usize>load<i32>(P + (<usize>r << 2)) << 2;
}

/**
 * ALPHA of an arc from row i to j is the softmax over row i's arcs of LeakyReLU(L[j] + D[i]), times C[j].
 * Arcs whose KEPT is 0 have none. D, KEPT and C may be 0 (absent). Stable for any scores, because a row's
 * largest is subtracted; sums are in double precision.
 */
export function gatWeights(
  begin: i32, end: i32, rows: i32, P: usize, I: usize, L: usize, D: usize, KEPT: usize, C: usize,
  ALPHA: usize, heads: i32, arcs: i32, slope: f32,
): void {
  const step = <usize>heads << 2, to = firstRow(P, rows, end);
  for (let i = firstRow(P, rows, begin); i < to; i++) {
    const first = start(P, i), last = start(P, i + 1);
    for (let h = 0; h < heads; h++) {
      const own = <usize>h << 2, A = ALPHA + ((<usize>h * <usize>arcs) << 2);
      const d: f32 = D ? load<f32>(D + <usize>i * step + own) : 0;
      let most: f32 = -Infinity;
      for (let k = first; k < last; k += 4) {
        let e: f32 = -Infinity;
        if (!KEPT || load<f32>(KEPT + k) != 0) {
          e = load<f32>(L + <usize>load<i32>(I + k) * step + own) + d;
          e = max(e, slope * e);
          most = max(most, e);
        }
        store<f32>(A + k, e);
      }
      if (most == -Infinity) {
        memory.fill(A + first, 0, last - first);
        continue;
      }
      normalise(first, last, I, A, C, most);
    }
  }
}

/** Makes a softmax of a row's scores, the largest of which is `most`. */
@inline
function normalise(first: usize, last: usize, I: usize, A: usize, C: usize, most: f32): void {
  const top = f32x4.splat(most);
  let sums = f64x2.splat(0), k = first;
  for (; k + 16 <= last; k += 16) {
    const e = exp4(f32x4.sub(v128.load(A + k), top));
    v128.store(A + k, e);
    sums = f64x2.add(sums, f64x2.promote_low_f32x4(e));
    sums = f64x2.add(sums, f64x2.promote_low_f32x4(v128.shuffle<i32>(e, e, 2, 3, 2, 3)));
  }
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  for (; k < last; k += 4) {
    const e = exp1(load<f32>(A + k) - most);
    store<f32>(A + k, e);
    sum += <f64>e;
  }
  const inverse = <f32>(1.0 / sum);
  for (k = first; k < last; k += 4) {
    let a = load<f32>(A + k) * inverse;
    if (C) a *= load<f32>(C + (<usize>load<i32>(I + k) << 2));
    store<f32>(A + k, a);
  }
}

/** Y[i] = R[i] * sum of ALPHA Z[j] over row i's arcs, head by head; R may be 0 (absent: ones). */
export function gatForward(
  begin: i32, end: i32, rows: i32, P: usize, I: usize, ALPHA: usize, Z: usize, R: usize, Y: usize,
  heads: i32, width: i32, arcs: i32, FAR: bool,
): void {
  const own = <usize>width << 2, step = <usize>heads * own, to = firstRow(P, rows, end);
  const ahead = start(P, to);
  for (let i = firstRow(P, rows, begin); i < to; i++) {
    const first = start(P, i), last = start(P, i + 1);
    if (FAR) fetchRows(first, last, ahead, I, Z, step);
    const r: f32 = R ? load<f32>(R + (<usize>i << 2)) : 1;
    for (let h = 0; h < heads; h++) {
      const at = <usize>h * own, A = ALPHA + ((<usize>h * <usize>arcs) << 2);
      row(first, last, I, A, Z + at, step, own, <usize>i * step + at, Y, r, 0, 0, 0);
    }
  }
}

/**
 * The gradients of gatForward(gatWeights()) with respect to its sources, by rows j of the transposed matrix,
 * whose P and I are given; POSITION has each of its entries' place in ALPHA. G is the gradient of Y, DOTS[i]
 * the heads' G[i] . Y[i].
 *
 *     x = R[i] G[i] . Z[j],  u = LeakyReLU'(L[j] + D[i]) (ALPHA x - ALPHA / C[j] DOTS[i])
 *     DL[j] = C[j] sum u,  DZ[j] = sum ALPHA R[i] G[i] + DL[j] A,  U = u in the arcs' own order
 *
 * A are the heads' vectors, with L = C Z . A. U may be 0 (not wanted). SCRATCH has
 * one number per arc and head; nothing has arcs x heads x width.
 */
export function gatBackward(
  begin: i32, end: i32, rows: i32, P: usize, I: usize, POSITION: usize, ALPHA: usize, Z: usize,
  G: usize, L: usize, D: usize, DOTS: usize, R: usize, C: usize, A: usize, DZ: usize, DL: usize,
  U: usize, SCRATCH: usize, heads: i32, width: i32, arcs: i32, slope: f32, FAR: bool,
): void {
  const own = <usize>width << 2, step = <usize>heads * own, to = firstRow(P, rows, end);
  const ahead = start(P, to);
  for (let j = firstRow(P, rows, begin); j < to; j++) {
    const first = start(P, j), last = start(P, j + 1);
    if (FAR) fetchRows(first, last, ahead, I, G, step);
    const c: f32 = C ? load<f32>(C + (<usize>j << 2)) : 1;
    for (let h = 0; h < heads; h++) {
      const at = <usize>h * own, score = <usize>(j * heads + h) << 2;
      const z = Z + <usize>j * step + at;
      const offset = (<usize>h * <usize>arcs) << 2, V = SCRATCH + offset, l = load<f32>(L + score);
      let dl: f32 = 0;
      for (let k = first; k < last; k += 4) {
        const place = offset + (<usize>load<i32>(POSITION + k) << 2);
        const a = load<f32>(ALPHA + place), i = load<i32>(I + k);
        let u: f32 = 0, weight: f32 = 0;
        if (a != 0) {
          const target = <usize>(i * heads + h) << 2;
          weight = R ? a * load<f32>(R + (<usize>i << 2)) : a;
          const x = inner(G + <usize>i * step + at, z, own);
          u = weight * x - (a / c) * load<f32>(DOTS + target);
          if (l + (D ? load<f32>(D + target) : 0) <= 0) u *= slope;
          dl += u;
        }
        store<f32>(V + k, weight);
        if (U) store<f32>(U + place, u);
      }
      dl *= c;
      store<f32>(DL + score, dl);
      // The head's rows of G are in the cache now.
      row(first, last, I, V, G + at, step, own, <usize>j * step + at, DZ, 1, 0, 0, 0);
      add(dl, A + at, DZ + <usize>j * step + at, own);
    }
  }
}

/** Y += w X for two vectors of `step` bytes. */
@inline
function add(w: f32, X: usize, Y: usize, step: usize): void {
  const weight = f32x4.splat(w);
  let d: usize = 0;
  for (; d + 16 <= step; d += 16) v128.store(Y + d, fma(weight, v128.load(X + d), v128.load(Y + d)));
  for (; d < step; d += 4) store<f32>(Y + d, fma1(w, load<f32>(X + d), load<f32>(Y + d)));
}

/** OUT[n] = S[n] X[n] . Y[n] for each head of rows begin <= n < end; S may be 0 (absent: ones), Y one row for all. */
export function headDots(
  begin: i32, end: i32, X: usize, Y: usize, OUT: usize, S: usize, heads: i32, width: i32, same: bool,
): void {
  const own = <usize>width << 2, step = <usize>heads * own;
  for (let n = begin; n < end; n++) {
    const s: f32 = S ? load<f32>(S + (<usize>n << 2)) : 1;
    for (let h = 0; h < heads; h++) {
      const at = <usize>h * own, y = same ? Y + at : Y + <usize>n * step + at;
      store<f32>(OUT + (<usize>(n * heads + h) << 2), s * inner(X + <usize>n * step + at, y, own));
    }
  }
}

/** Y[n] += W[n] A for each head of rows begin <= n < end, with A one row for all. */
export function addHeads(
  begin: i32, end: i32, W: usize, A: usize, Y: usize, heads: i32, width: i32,
): void {
  const own = <usize>width << 2, step = <usize>heads * own;
  for (let n = begin; n < end; n++) {
    for (let h = 0; h < heads; h++) {
      const w = load<f32>(W + (<usize>(n * heads + h) << 2)), at = <usize>h * own;
      add(w, A + at, Y + <usize>n * step + at, own);
    }
  }
}

/** OUT[i] = sum of X over the arcs of rows begin <= i < end, head by head, as ALPHA; in double precision. */
export function arcSums(
  begin: i32, end: i32, P: usize, X: usize, OUT: usize, heads: i32, arcs: i32,
): void {
  for (let i = begin; i < end; i++) {
    const first = start(P, i), last = start(P, i + 1);
    for (let h = 0; h < heads; h++) {
      const x = X + ((<usize>h * <usize>arcs) << 2);
      let sum: f64 = 0;
      for (let k = first; k < last; k += 4) sum += <f64>load<f32>(x + k);
      store<f32>(OUT + (<usize>(i * heads + h) << 2), <f32>sum);
    }
  }
}
