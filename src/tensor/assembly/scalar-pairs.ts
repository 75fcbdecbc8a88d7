// Equation 4 reduced to one number per node and layer: distances and gradients in one pass.
import { NODES_A_BLOCK } from "./pairs";
import { firstLanes, fma, fma1, lanes, sums4 } from "./vector";

/**
 * With t[n, i] = T[n, i] . A[i] and s[n, j] = S[j, n] . B[j], for node blocks begin <= b < end the
 * block's shares of D[i, j] = sum over nodes of (t[n, i] - s[n, j])^2,
 * DA[i] = sum over nodes of (sum_j W[i, j] (t[n, i] - s[n, j])) T[n, i], and
 * DB[j] = sum over nodes of c[n, j] S[j, n] with c[n, j] = sum_i W[i, j] (t[n, i] - s[n, j]);
 * and DS[j, n] = c[n, j] B[j].
 * T is nodes x teacherLayers x width, A teacherLayers x width, S and DS studentLayers x nodes x
 * studentWidth, B studentLayers x studentWidth, W teacherLayers x studentLayers. A block's RECORD
 * holds its D, DA and DB, and scratch memory for four nodes side by side: D's sums, s and c.
 */
export function scalarPairs(
  begin: i32, end: i32, T: usize, A: usize, S: usize, B: usize, W: usize, RECORD: usize, DS: usize,
  nodes: i32, teacherLayers: i32, studentLayers: i32, width: i32, studentWidth: i32,
): void {
  const step = <usize>width << 2, sStep = <usize>studentWidth << 2;
  const tNode = <usize>teacherLayers * step, wStep = <usize>studentLayers << 2;
  const pairs = <usize>teacherLayers * wStep, sLayer = <usize>nodes * sStep;
  const size = pairs * 5 + tNode + <usize>studentLayers * sStep + wStep * 8;
  for (let block = begin; block < end; block++) {
    const record = RECORD + <usize>block * size;
    const da = record + pairs, db = da + tNode, sums = db + <usize>studentLayers * sStep;
    const s = sums + 4 * pairs, c = s + 4 * wStep;
    memory.fill(record, 0, s - record);
    const first = block * NODES_A_BLOCK, last = min(nodes, first + NODES_A_BLOCK);
    for (let n = first; n < last; n += 4) {
      const count = min(4, last - n), own = <usize>n * sStep;
      for (let j: usize = 0; j < <usize>studentLayers; j++) {
        v128.store(s + (j << 4), rows4(S + own + j * sLayer, sStep, count, B + j * sStep, sStep));
        v128.store(c + (j << 4), f32x4.splat(0));
      }
      let t = T + <usize>n * tNode, w = W, sum = sums;
      for (let at: usize = 0; at < tNode; at += step) {
        const ti = rows4(t, tNode, count, A + at, step);
        let e = f32x4.splat(0);
        for (let j: usize = 0; j < <usize>studentLayers; j++) {
          const difference = firstLanes(f32x4.sub(ti, v128.load(s + (j << 4))), count);
          const weight = v128.load_splat<f32>(w);
          v128.store(sum, fma(difference, difference, v128.load(sum)));
          e = fma(weight, difference, e);
          v128.store(c + (j << 4), fma(weight, difference, v128.load(c + (j << 4))));
          w += 4; sum += 16;
        }
        addRows4(e, t, tNode, count, da + at, step);
        t += step;
      }
      for (let j: usize = 0; j < <usize>studentLayers; j++) {
        const ours = own + j * sLayer, b = B + j * sStep, to = db + j * sStep;
        for (let m: usize = 0; m < <usize>count; m++) {
          const pull = load<f32>(c + (j << 4) + (m << 2)), row = ours + m * sStep;
          for (let k: usize = 0; k < sStep; k += 4) {
            store<f32>(DS + row + k, pull * load<f32>(b + k));
            store<f32>(to + k, fma1(pull, load<f32>(S + row + k), load<f32>(to + k)));
          }
        }
      }
    }
    for (let p: usize = 0; p < pairs; p += 4) {
      store<f32>(record + p, lanes(v128.load(sums + (p << 2))));
    }
  }
}

/** The products of x with `count` rows, `stride` bytes apart; unused lanes repeat the first row. */
@inline
function rows4(rows: usize, stride: usize, count: i32, x: usize, step: usize): v128 {
  const r1 = rows + select<usize>(stride, 0, count > 1);
  const r2 = rows + select<usize>(2 * stride, 0, count > 2);
  const r3 = rows + select<usize>(3 * stride, 0, count > 3);
  let a = f32x4.splat(0), b = a, c = a, d = a, k: usize = 0;
  for (; k + 16 <= step; k += 16) {
    const y = v128.load(x + k);
    a = fma(y, v128.load(rows + k), a); b = fma(y, v128.load(r1 + k), b);
    c = fma(y, v128.load(r2 + k), c); d = fma(y, v128.load(r3 + k), d);
  }
  let sum = sums4(a, b, c, d);
  for (; k < step; k += 4) {
    const y = f32x4(load<f32>(rows + k), load<f32>(r1 + k), load<f32>(r2 + k), load<f32>(r3 + k));
    sum = fma(v128.load_splat<f32>(x + k), y, sum);
  }
  return sum;
}

/** OUT += the sum of `count` rows, each times its lane of e. */
@inline
function addRows4(e: v128, rows: usize, stride: usize, count: i32, out: usize, step: usize): void {
  const r1 = rows + select<usize>(stride, 0, count > 1);
  const r2 = rows + select<usize>(2 * stride, 0, count > 2);
  const r3 = rows + select<usize>(3 * stride, 0, count > 3);
  const e0 = v128.shuffle<i32>(e, e, 0, 0, 0, 0), e1 = v128.shuffle<i32>(e, e, 1, 1, 1, 1);
  const e2 = v128.shuffle<i32>(e, e, 2, 2, 2, 2), e3 = v128.shuffle<i32>(e, e, 3, 3, 3, 3);
  let k: usize = 0;
  for (; k + 16 <= step; k += 16) {
    const two = fma(e1, v128.load(r1 + k), fma(e0, v128.load(rows + k), v128.load(out + k)));
    v128.store(out + k, fma(e3, v128.load(r3 + k), fma(e2, v128.load(r2 + k), two)));
  }
  for (; k < step; k += 4) {
    const y = f32x4(load<f32>(rows + k), load<f32>(r1 + k), load<f32>(r2 + k), load<f32>(r3 + k));
    store<f32>(out + k, load<f32>(out + k) + lanes(f32x4.mul(e, y)));
  }
}
