// Squared distances from every teacher layer's map to every student layer's, in one pass.
import { dot, fma, fma1, lanes, squaredDistance, sums4 } from "./vector";

/** Nodes whose distances are summed together; fixed, so that the bits do not depend on threads. */
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
  for (let block = begin; block < end; block++) {
    const partial = PARTIAL + <usize>block * pairs;
    memory.fill(partial, 0, pairs);
    const first = block * NODES_A_BLOCK, last = min(nodes, first + NODES_A_BLOCK);
    for (let n = first; n < last; n++) {
      const at = <usize>n * rNode;
      oneNode(T + <usize>n * tNode, tNode, R + at, U + at, W, partial, studentLayers, step, 1);
    }
  }
}

/**
 * Like pairDistances with R[n, j] = S[j, n] P[j], and with the gradients' directions through that product:
 * DS[j, n, k] = U[n, j] . P[j, k] and DP[j, k] = sum over nodes of S[j, n, k] U[n, j].
 * S and DS are studentLayers x nodes x studentWidth, P studentLayers x studentWidth x width.
 * A block's RECORD holds its sums of |R[n, j]|^2, its PARTIAL, its share of DP, and a node's R and U.
 * Unless `direct`, PARTIAL holds the products T[n, i] . R[n, j], and U is sum_i W[i, j] T_i -
 * (sum_i W[i, j]) R_j: half the arithmetic, but all digits cancel where R_j is close to T_i.
 */
export function pairRegression(
  begin: i32, end: i32, T: usize, S: usize, P: usize, W: usize, RECORD: usize, DS: usize,
  nodes: i32, teacherLayers: i32, studentLayers: i32, width: i32, studentWidth: i32, direct: i32,
): void {
  const step = <usize>width << 2, sStep = <usize>studentWidth << 2;
  const tNode = <usize>teacherLayers * step, rNode = <usize>studentLayers * step;
  const pairs = (<usize>teacherLayers * <usize>studentLayers) << 2;
  const layer = <usize>studentWidth * step, sLayer = <usize>nodes * sStep;
  const squares = <usize>studentLayers << 2;
  const size = pairs + squares + <usize>studentLayers * layer + rNode * 2;
  for (let block = begin; block < end; block++) {
    const record = RECORD + <usize>block * size, partial = record + squares, dp = partial + pairs;
    const r = dp + <usize>studentLayers * layer, u = r + rNode;
    memory.fill(record, 0, r - record);
    const first = block * NODES_A_BLOCK, last = min(nodes, first + NODES_A_BLOCK);
    for (let n = first; n < last; n++) {
      const at = <usize>n * sStep;
      for (let j: usize = 0; j < <usize>studentLayers; j++) {
        const row = r + j * step, square = record + (j << 2);
        projected(S + at + j * sLayer, sStep, P + j * layer, step, row);
        store<f32>(square, load<f32>(square) + dot(row, row, step));
      }
      oneNode(T + <usize>n * tNode, tNode, r, u, W, partial, studentLayers, step, direct);
      for (let j: usize = 0; j < <usize>studentLayers; j++) {
        const s = at + j * sLayer, p = j * layer;
        through(u + j * step, S + s, sStep, P + p, step, DS + s, dp + p);
      }
    }
  }
}

/** Adds a node's squared distances, or unless `direct` products, to `partial`; makes its rows of U. */
@inline
function oneNode(
  t0: usize, tNode: usize, r0: usize, u0: usize, W: usize, partial: usize,
  studentLayers: i32, step: usize, direct: i32,
): void {
  const wStep = <usize>studentLayers << 2, end = t0 + tNode;
  let j = 0;
  for (; j + 4 <= studentLayers; j += 4) {
    const r = r0 + <usize>j * step, w0 = W + (<usize>j << 2);
    let t = t0, out = partial + (<usize>j << 2), w = w0, total = f32x4.splat(0);
    for (; t + 2 * step <= end; t += 2 * step) {
      if (direct) distances2x4(t, r, step, out, wStep);
      else products2x4(t, r, step, out, wStep);
      total = f32x4.add(total, f32x4.add(v128.load(w), v128.load(w + wStep)));
      out += 2 * wStep; w += 2 * wStep;
    }
    if (t < end) {
      if (direct) distances4(t, r, step, out);
      else products4(t, r, step, out);
      total = f32x4.add(total, v128.load(w));
    }
    const u = u0 + <usize>j * step;
    if (direct) differences4(t0, end, step, w0, wStep, r, u);
    else pulls4(t0, end, step, w0, wStep, total, r, u);
  }
  for (; j < studentLayers; j++) {
    const r = r0 + <usize>j * step;
    let out = partial + (<usize>j << 2);
    for (let t = t0; t < end; t += step) {
      const more = direct ? squaredDistance(t, r, step) : dot(t, r, step);
      store<f32>(out, load<f32>(out) + more);
      out += wStep;
    }
    pullFrom(0, t0, end, step, W + (<usize>j << 2), wStep, r, u0 + <usize>j * step);
  }
}

/** OUT[0..3] += `sum` and the squared distances of t to four rows from byte k on. */
@inline
function addDistances(
  sum: v128, k: usize, t: usize, r: usize, step: usize, out: usize,
): void {
  for (; k < step; k += 4) {
    const x = f32x4.splat(load<f32>(t + k)), r2 = r + 2 * step + k;
    const y = f32x4(load<f32>(r + k), load<f32>(r + step + k), load<f32>(r2), load<f32>(r2 + step));
    const e = f32x4.sub(x, y);
    sum = fma(e, e, sum);
  }
  v128.store(out, f32x4.add(v128.load(out), sum));
}

/** The squared distances of t, and of the row after it, to four consecutive rows from r on. */
@inline
function distances2x4(t: usize, r: usize, step: usize, out: usize, outStep: usize): void {
  let a = f32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, k: usize = 0;
  const t1 = t + step, r1 = r + step, r2 = r1 + step, r3 = r2 + step;
  // Unrolled twice, because computing addresses costs as much as the arithmetic.
  for (; k + 32 <= step; k += 32) {
    let x = v128.load(t + k), y = v128.load(t1 + k);
    let z = v128.load(r + k), p = f32x4.sub(x, z), q = f32x4.sub(y, z);
    a = fma(p, p, a); e = fma(q, q, e);
    z = v128.load(r1 + k); p = f32x4.sub(x, z); q = f32x4.sub(y, z);
    b = fma(p, p, b); f = fma(q, q, f);
    z = v128.load(r2 + k); p = f32x4.sub(x, z); q = f32x4.sub(y, z);
    c = fma(p, p, c); g = fma(q, q, g);
    z = v128.load(r3 + k); p = f32x4.sub(x, z); q = f32x4.sub(y, z);
    d = fma(p, p, d); h = fma(q, q, h);
    x = v128.load(t + k, 16); y = v128.load(t1 + k, 16);
    z = v128.load(r + k, 16); p = f32x4.sub(x, z); q = f32x4.sub(y, z);
    a = fma(p, p, a); e = fma(q, q, e);
    z = v128.load(r1 + k, 16); p = f32x4.sub(x, z); q = f32x4.sub(y, z);
    b = fma(p, p, b); f = fma(q, q, f);
    z = v128.load(r2 + k, 16); p = f32x4.sub(x, z); q = f32x4.sub(y, z);
    c = fma(p, p, c); g = fma(q, q, g);
    z = v128.load(r3 + k, 16); p = f32x4.sub(x, z); q = f32x4.sub(y, z);
    d = fma(p, p, d); h = fma(q, q, h);
  }
  addDistances(sums4(a, b, c, d), k, t, r, step, out);
  addDistances(sums4(e, f, g, h), k, t1, r, step, out + outStep);
}

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
  addDistances(sums4(a, b, c, d), k, t, r, step, out);
}

/** OUT[0..3] += `sum` and the products of t with four rows from byte k on. */
@inline
function addProducts(
  sum: v128, k: usize, t: usize, r: usize, step: usize, out: usize,
): void {
  for (; k < step; k += 4) {
    const r2 = r + 2 * step + k;
    const y = f32x4(load<f32>(r + k), load<f32>(r + step + k), load<f32>(r2), load<f32>(r2 + step));
    sum = fma(v128.load_splat<f32>(t + k), y, sum);
  }
  v128.store(out, f32x4.add(v128.load(out), sum));
}

/** The products of t, and of the row after it, with four consecutive rows from r on. */
@inline
function products2x4(t: usize, r: usize, step: usize, out: usize, outStep: usize): void {
  let a = f32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, k: usize = 0;
  const t1 = t + step, r1 = r + step, r2 = r1 + step, r3 = r2 + step;
  for (; k + 32 <= step; k += 32) {
    let x = v128.load(t + k), y = v128.load(t1 + k), z = v128.load(r + k);
    a = fma(x, z, a); e = fma(y, z, e);
    z = v128.load(r1 + k); b = fma(x, z, b); f = fma(y, z, f);
    z = v128.load(r2 + k); c = fma(x, z, c); g = fma(y, z, g);
    z = v128.load(r3 + k); d = fma(x, z, d); h = fma(y, z, h);
    x = v128.load(t + k, 16); y = v128.load(t1 + k, 16);
    z = v128.load(r + k, 16); a = fma(x, z, a); e = fma(y, z, e);
    z = v128.load(r1 + k, 16); b = fma(x, z, b); f = fma(y, z, f);
    z = v128.load(r2 + k, 16); c = fma(x, z, c); g = fma(y, z, g);
    z = v128.load(r3 + k, 16); d = fma(x, z, d); h = fma(y, z, h);
  }
  addProducts(sums4(a, b, c, d), k, t, r, step, out);
  addProducts(sums4(e, f, g, h), k, t1, r, step, out + outStep);
}

@inline
function products4(t: usize, r: usize, step: usize, out: usize): void {
  let a = f32x4.splat(0), b = a, c = a, d = a, k: usize = 0;
  const r1 = r + step, r2 = r1 + step, r3 = r2 + step;
  for (; k + 16 <= step; k += 16) {
    const x = v128.load(t + k);
    a = fma(x, v128.load(r + k), a); b = fma(x, v128.load(r1 + k), b);
    c = fma(x, v128.load(r2 + k), c); d = fma(x, v128.load(r3 + k), d);
  }
  addProducts(sums4(a, b, c, d), k, t, r, step, out);
}

/** Rows j..j+3 of U as sum_i W[i, j] T_i - (sum_i W[i, j]) R_j. */
@inline
function pulls4(
  t0: usize, end: usize, step: usize, w0: usize, wStep: usize, total: v128, r: usize, u: usize,
): void {
  const minus = f32x4.neg(total);
  const m0 = v128.shuffle<i32>(minus, minus, 0, 0, 0, 0);
  const m1 = v128.shuffle<i32>(minus, minus, 1, 1, 1, 1);
  const m2 = v128.shuffle<i32>(minus, minus, 2, 2, 2, 2);
  const m3 = v128.shuffle<i32>(minus, minus, 3, 3, 3, 3);
  const r1 = r + step, r2 = r1 + step, r3 = r2 + step;
  const u1 = u + step, u2 = u1 + step, u3 = u2 + step;
  let k: usize = 0;
  for (; k + 32 <= step; k += 32) {
    let a = f32x4.splat(0), b = a, c = a, d = a, e = a, f = a, g = a, h = a, w = w0;
    for (let t = t0 + k; t < end; t += step) {
      const x = v128.load(t), y = v128.load(t, 16);
      let z = v128.load_splat<f32>(w);
      a = fma(z, x, a); e = fma(z, y, e);
      z = v128.load_splat<f32>(w, 4);
      b = fma(z, x, b); f = fma(z, y, f);
      z = v128.load_splat<f32>(w, 8);
      c = fma(z, x, c); g = fma(z, y, g);
      z = v128.load_splat<f32>(w, 12);
      d = fma(z, x, d); h = fma(z, y, h);
      w += wStep;
    }
    v128.store(u + k, fma(m0, v128.load(r + k), a));
    v128.store(u + k, fma(m0, v128.load(r + k, 16), e), 16);
    v128.store(u1 + k, fma(m1, v128.load(r1 + k), b));
    v128.store(u1 + k, fma(m1, v128.load(r1 + k, 16), f), 16);
    v128.store(u2 + k, fma(m2, v128.load(r2 + k), c));
    v128.store(u2 + k, fma(m2, v128.load(r2 + k, 16), g), 16);
    v128.store(u3 + k, fma(m3, v128.load(r3 + k), d));
    v128.store(u3 + k, fma(m3, v128.load(r3 + k, 16), h), 16);
  }
  for (let j: usize = 0; k < step && j < 4; j++) {
    pullFrom(k, t0, end, step, w0 + (j << 2), wStep, r + j * step, u + j * step);
  }
}

/** The same rows of U, by differences. */
@inline
function differences4(
  t0: usize, end: usize, step: usize, w0: usize, wStep: usize, r: usize, u: usize,
): void {
  const r1 = r + step, r2 = r1 + step, r3 = r2 + step;
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
  for (let j: usize = 0; k < step && j < 4; j++) {
    pullFrom(k, t0, end, step, w0 + (j << 2), wStep, r + j * step, u + j * step);
  }
}

/** Makes one row of U, from byte `from` on. */
function pullFrom(
  from: usize, t0: usize, end: usize, step: usize, w0: usize, wStep: usize, r: usize, u: usize,
): void {
  let k = from;
  for (; k + 16 <= step; k += 16) {
    const x = v128.load(r + k);
    let sum = f32x4.splat(0), w = w0;
    for (let t = t0 + k; t < end; t += step) {
      sum = fma(v128.load_splat<f32>(w), f32x4.sub(v128.load(t), x), sum);
      w += wStep;
    }
    v128.store(u + k, sum);
  }
  for (; k < step; k += 4) {
    const x = load<f32>(r + k);
    let sum: f32 = 0, w = w0;
    for (let t = t0 + k; t < end; t += step) {
      sum = fma1(load<f32>(w), load<f32>(t) - x, sum);
      w += wStep;
    }
    store<f32>(u + k, sum);
  }
}

/** R = s P for one row s of `sStep` bytes. */
@inline
function projected(s: usize, sStep: usize, p: usize, step: usize, r: usize): void {
  const end = s + sStep, four = s + (sStep & ~15);
  let k: usize = 0;
  for (; k + 16 <= step; k += 16) {
    let sum = f32x4.splat(0), row = p + k, x = s;
    for (; x < four; x += 16) {
      const r1 = row + step, r2 = r1 + step, r3 = r2 + step;
      sum = fma(v128.load_splat<f32>(x), v128.load(row), sum);
      sum = fma(v128.load_splat<f32>(x, 4), v128.load(r1), sum);
      sum = fma(v128.load_splat<f32>(x, 8), v128.load(r2), sum);
      sum = fma(v128.load_splat<f32>(x, 12), v128.load(r3), sum);
      row = r3 + step;
    }
    for (; x < end; x += 4) {
      sum = fma(v128.load_splat<f32>(x), v128.load(row), sum);
      row += step;
    }
    v128.store(r + k, sum);
  }
  for (; k < step; k += 4) {
    let sum: f32 = 0, row = p + k;
    for (let x = s; x < end; x += 4) {
      sum = fma1(load<f32>(x), load<f32>(row), sum);
      row += step;
    }
    store<f32>(r + k, sum);
  }
}

/** ds = u P' and dP += s' u for one row s. */
@inline
function through(
  u: usize, s: usize, sStep: usize, p: usize, step: usize, ds: usize, dp: usize,
): void {
  let m: usize = 0;
  for (; m + 16 <= sStep; m += 16) {
    v128.store(ds + m, through4(u, s + m, p, step, dp));
    p += 4 * step; dp += 4 * step;
  }
  for (; m < sStep; m += 4) {
    const x = v128.load_splat<f32>(s + m);
    let a = f32x4.splat(0), k: usize = 0;
    for (; k + 16 <= step; k += 16) {
      const y = v128.load(u + k);
      a = fma(y, v128.load(p + k), a);
      v128.store(dp + k, fma(x, y, v128.load(dp + k)));
    }
    let sum = lanes(a);
    for (; k < step; k += 4) {
      const y = load<f32>(u + k);
      sum = fma1(y, load<f32>(p + k), sum);
      store<f32>(dp + k, fma1(load<f32>(s + m), y, load<f32>(dp + k)));
    }
    store<f32>(ds + m, sum);
    p += step; dp += step;
  }
}

/** Makes four numbers of ds, and updates their four rows of dP. */
@inline
function through4(u: usize, s: usize, p: usize, step: usize, dp: usize): v128 {
  const x0 = v128.load_splat<f32>(s), x1 = v128.load_splat<f32>(s, 4);
  const x2 = v128.load_splat<f32>(s, 8), x3 = v128.load_splat<f32>(s, 12);
  const p1 = p + step, p2 = p1 + step, p3 = p2 + step;
  const d1 = dp + step, d2 = d1 + step, d3 = d2 + step;
  let a = f32x4.splat(0), b = a, c = a, d = a, k: usize = 0;
  for (; k + 16 <= step; k += 16) {
    const y = v128.load(u + k);
    a = fma(y, v128.load(p + k), a); b = fma(y, v128.load(p1 + k), b);
    c = fma(y, v128.load(p2 + k), c); d = fma(y, v128.load(p3 + k), d);
    v128.store(dp + k, fma(x0, y, v128.load(dp + k)));
    v128.store(d1 + k, fma(x1, y, v128.load(d1 + k)));
    v128.store(d2 + k, fma(x2, y, v128.load(d2 + k)));
    v128.store(d3 + k, fma(x3, y, v128.load(d3 + k)));
  }
  let sum = sums4(a, b, c, d);
  for (; k < step; k += 4) {
    const y = v128.load_splat<f32>(u + k), at = p2 + k, to = d2 + k;
    const row = f32x4(load<f32>(p + k), load<f32>(p1 + k), load<f32>(at), load<f32>(at + step));
    sum = fma(y, row, sum);
    const one = f32x4.extract_lane(y, 0);
    store<f32>(dp + k, fma1(load<f32>(s), one, load<f32>(dp + k)));
    store<f32>(d1 + k, fma1(load<f32>(s, 4), one, load<f32>(d1 + k)));
    store<f32>(to, fma1(load<f32>(s, 8), one, load<f32>(to)));
    store<f32>(to + step, fma1(load<f32>(s, 12), one, load<f32>(to + step)));
  }
  return sum;
}
