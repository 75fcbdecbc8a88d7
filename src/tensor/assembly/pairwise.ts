// Matrices over all pairs of nodes: the contrastive loss's rows, and heat kernels compared.
import { exp4, firstLanes, loadSome, storeSome, tanh4 } from "./exponential";
import { fma, lanes } from "./vector";

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

/** The kernels below: e^(-distance / t), and tanh of the inner product. */
const GAUSSIAN: i32 = 0;

/** Rows whose pairs are compared together: fixed, so that bits do not depend on threads. */
export const ROWS_A_BLOCK: i32 = 32;

/**
 * The distance (GAUSSIAN) or inner product of one row x with four that lie side by side from `at` on
 * in Y, which is transposed: width x step bytes.
 */
@inline
function measured(kind: i32, x: usize, Y: usize, at: usize, width: i32, step: usize, count: i32): v128 {
  let sum = f32x4.splat(0), y = Y + at;
  for (let d = 0; d < width; d++) {
    const a = v128.load_splat<f32>(x + (<usize>d << 2)), b = loadSome(y, count);
    if (kind == GAUSSIAN) {
      const e = f32x4.sub(a, b);
      sum = fma(e, e, sum);
    } else {
      sum = fma(a, b, sum);
    }
    y += step;
  }
  return kind == GAUSSIAN ? f32x4.sqrt(sum) : sum;
}

/** K[r, j] = kernel(X[r], X[j]) for rows begin <= r < end; T is X', X is rows x width. */
export function heatKernel(
  begin: i32, end: i32, X: usize, T: usize, K: usize, rows: i32, width: i32, kind: i32, t: f32,
): void {
  const step = <usize>rows << 2, rate = f32x4.splat(-1 / t);
  for (let r = begin; r < end; r++) {
    const x = X + (<usize>r * <usize>width << 2), row = K + <usize>r * step;
    for (let j = 0; j < rows; j += 4) {
      const at = <usize>j << 2, count = rows - j;
      const m = measured(kind, x, T, at, width, step, count);
      storeSome(row + at, kind == GAUSSIAN ? exp4(f32x4.mul(rate, m)) : tanh4(m), count);
    }
  }
}

/** Four numbers of a row of `from` at the places that INDEX names, or side by side without it. */
@inline
function gathered(from: usize, INDEX: usize, at: usize, count: i32): v128 {
  if (!INDEX) return loadSome(from + at, count);
  const i = INDEX + at;
  let v = f32x4.splat(load<f32>(from + (<usize>load<i32>(i) << 2)));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(from + (<usize>load<i32>(i, 4) << 2)));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(from + (<usize>load<i32>(i, 8) << 2)));
  if (count > 3) v = f32x4.replace_lane(v, 3, load<f32>(from + (<usize>load<i32>(i, 12) << 2)));
  return v;
}

/**
 * For blocks of rows begin <= b < end: LOSSES[r] = sum over j of w (k - K_t[r, j])^2, where k is the
 * kernel of X[r] and X[j], and GRADIENT[r] = the gradient of all rows' losses together by X[r].
 * w is 1 where the graph has an arc between the two nodes, else delta.
 *
 * T is X' (width x rows), NODE the node that each row is, PLACE each node's row or -1, P and I the
 * graph's compressed rows. K_t has a row and a column for each node of the graph where `whole`, else
 * for each row of X. SCRATCH has room for `rows` numbers a block. X is rows x width.
 */
export function compareHeat(
  begin: i32, end: i32, X: usize, T: usize, KT: usize, NODE: usize, PLACE: usize, P: usize, I: usize,
  SCRATCH: usize, LOSSES: usize, GRADIENT: usize, rows: i32, width: i32, nodes: i32, whole: i32,
  kind: i32, t: f32, delta: f32,
): void {
  const step = <usize>rows << 2;
  for (let block = begin; block < end; block++) {
    const c0 = SCRATCH + <usize>block * step;
    const last = min(rows, (block + 1) * ROWS_A_BLOCK);
    for (let r = block * ROWS_A_BLOCK; r < last; r++) {
      const node = load<i32>(NODE + (<usize>r << 2));
      weights(c0, node, PLACE, P, I, rows, delta);
      const kt = whole ? KT + (<usize>node * <usize>nodes << 2) : KT + <usize>r * step;
      const loss = compareRow(
        c0, X + (<usize>r * <usize>width << 2), T, kt, whole ? NODE : 0, rows, width, kind, t,
      );
      store<f32>(LOSSES + (<usize>r << 2), loss);
      pull(c0, X, T, GRADIENT, r, rows, width, kind);
    }
  }
}

/** C = delta, and 1 at the places of a node's neighbours. */
@inline
function weights(c: usize, node: i32, PLACE: usize, P: usize, I: usize, rows: i32, delta: f32): void {
  for (let j: usize = 0; j < <usize>rows << 2; j += 4) store<f32>(c + j, delta);
  const last = load<i32>(P + (<usize>node << 2), 4);
  for (let k = load<i32>(P + (<usize>node << 2)); k < last; k++) {
    const place = load<i32>(PLACE + (<usize>load<i32>(I + (<usize>k << 2)) << 2));
    if (place >= 0) store<f32>(c + (<usize>place << 2), 1);
  }
}

/** One row's loss; C's weights become the factors that `pull` sums with. */
@inline
function compareRow(
  c: usize, x: usize, T: usize, kt: usize, INDEX: usize, rows: i32, width: i32, kind: i32, t: f32,
): f32 {
  const step = <usize>rows << 2, rate = f32x4.splat(-1 / t), one = f32x4.splat(1);
  let total: f64 = 0;
  for (let from = 0; from < rows; from += 1024) {
    const to = min(rows, from + 1024);
    let sum = f32x4.splat(0);
    for (let j = from; j < to; j += 4) {
      const at = <usize>j << 2, count = to - j;
      const m = measured(kind, x, T, at, width, step, count);
      const k = kind == GAUSSIAN ? exp4(f32x4.mul(rate, m)) : tanh4(m);
      // Lanes beyond the row have weight 0.
      const w = loadSome(c + at, count), e = f32x4.sub(k, gathered(kt, INDEX, at, count));
      const we = f32x4.mul(w, e);
      sum = fma(we, e, sum);
      // Each pair stands in two rows: 4 rather than 2.
      const g = f32x4.mul(f32x4.splat(4), we);
      let slope: v128;
      if (kind == GAUSSIAN) {
        // By the coordinates, (x_r - x_j) / distance; at distance 0 there is no direction.
        slope = f32x4.div(f32x4.mul(rate, k), m);
        slope = v128.and(slope, f32x4.gt(m, f32x4.splat(0)));
      } else {
        slope = f32x4.sub(one, f32x4.mul(k, k));
      }
      storeSome(c + at, f32x4.mul(g, slope), count);
    }
    total += <f64>lanes(sum);
  }
  return <f32>total;
}

/** GRADIENT[r] = sum over j of C[j] (X[r] - X[j]) (GAUSSIAN), or of C[j] X[j]. */
@inline
function pull(
  c: usize, X: usize, T: usize, GRADIENT: usize, r: i32, rows: i32, width: i32, kind: i32,
): void {
  const step = <usize>rows << 2, at = <usize>r * <usize>width << 2;
  for (let d = 0; d < width; d++) {
    const y = T + <usize>d * step, place = at + (<usize>d << 2), own = load<f32>(X + place);
    const x = f32x4.splat(own);
    let sum = f32x4.splat(0);
    for (let j = 0; j < rows; j += 4) {
      const count = rows - j, k = <usize>j << 2, f = loadSome(c + k, count);
      const v = loadSome(y + k, count);
      sum = fma(f, kind == GAUSSIAN ? f32x4.sub(x, v) : v, sum);
    }
    store<f32>(GRADIENT + place, lanes(sum));
  }
}
