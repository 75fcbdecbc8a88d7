// GCNII's convolutions: each layer is one pass over blocks of rows that stay in the cache.
import { dropout } from "./dropout";
import { addTransposedA, product } from "./product";
import { addSparseTransposedA, columnMasks, countBits, sparseRowsProduct } from "./skip";
import { sparseRows } from "./sparse";

/** Rows per block, so that its mask by columns takes one word per column. */
const BLOCK: i32 = 64;
/** If more than this many of 64 bits are set, skipping the zeros costs more than it saves. */
const MOST_BITS: i32 = 40;

/**
 * A layer's forward pass, for blocks begin <= b < end of `rows` rows (a multiple of 96) of `nodes`:
 *
 *     Z = (1 - alpha) P X + alpha H0,  M = theta Z W + (1 - theta) Z,  Y = dropout(ReLU(M))
 *
 * Y's bits go to BITS, as in `dropout`, whose arguments follow; if Y is 0 (absent), dropout is skipped. M may
 * be Y, W may be `packed`, X may be `far` (as in `sparseProduct`). X, Z, H0, M, Y are nodes x width; P, I, V are
 * the sparse matrix.
 */
export function gcniiForward(
  begin: i32, end: i32, rows: i32, nodes: i32, width: i32, P: usize, I: usize, V: usize,
  X: usize, H0: usize, W: usize, Z: usize, M: usize, Y: usize, BITS: usize, alpha: f32, theta: f32,
  threshold: i32, scale: f32, step: i32, site: i32, seedLow: i32, seedHigh: i32, packed: bool,
  far: bool,
): void {
  // Dropout draws for 32 numbers at a time, so a piece's rows must fill whole groups.
  const piece = width & 3 ? 96 : 24, last = min(nodes, end * rows), size = nodes * width;
  for (let r = begin * rows; r < last; r += piece) {
    const stop = min(last, r + piece);
    sparseRows(r, stop, P, I, V, X, Z, width, 1 - alpha, alpha, H0, 0, far);
    product(r, stop, Z, W, M, width, width, theta, 1 - theta, Z, 0, 0, packed);
    if (!Y) continue;
    dropout(
      (r * width) >> 5, (stop * width + 31) >> 5, M, Y, BITS, size, true,
      threshold, scale, step, site, seedLow, seedHigh,
    );
  }
}

/** Bytes of scratch memory per block of the backward pass: dM, and its bits by columns. */
@inline
function scratchBytes(width: i32): usize {
  return <usize>width * (BLOCK * 4 + 8);
}

/** Reads one number per cache line, so that what follows does not wait for memory. */
@inline
function prefetch(from: usize, to: usize, scratch: usize): void {
  let all: u32 = 0;
  for (let at = from; at < to; at += 64) all |= load<u32>(at);
  store<u32>(scratch, all);
}

/**
 * A layer's backward pass, for blocks begin <= b < end of `rows` rows (a multiple of 64) of `nodes`:
 *
 *     dM = mask * p P' ABOVE + TAP,  DZ = theta dM W' + (1 - theta) dM,  DH0 += alpha DZ
 *
 * and PARTIAL[b] = dM' Z over the block's rows. ABOVE is the DZ of the layer above; for the last layer it is
 * 0, and dM is TAP; elsewhere TAP may be 0. MASK holds the bits of the dropout that read M. WT is W'.
 * SCRATCH has 264 bytes per column for each block. If DW is given, it becomes the weight gradient of the
 * layer above: each block sums a share of that layer's PARTIAL (PREVIOUS), which saves a command.
 */
export function gcniiBackward(
  begin: i32, end: i32, rows: i32, nodes: i32, width: i32, P: usize, I: usize, V: usize,
  ABOVE: usize, p: f32, MASK: usize, TAP: usize, Z: usize, WT: usize, DZ: usize, DH0: usize,
  PARTIAL: usize, SCRATCH: usize, alpha: f32, theta: f32, PREVIOUS: usize, DW: usize, previousTheta: f32,
  far: bool,
): void {
  const step = <usize>width << 2, square = step * <usize>width;
  const blocks = max(1, (nodes + rows - 1) / rows);
  for (let b = begin; b < end; b++) {
    if (DW) {
      const from = b * width / blocks, to = (b + 1) * width / blocks;
      gcniiWeightGradient(from, to, PREVIOUS, DW, width, blocks, previousTheta);
    }
    const scratch = SCRATCH + <usize>b * scratchBytes(width);
    const partial = PARTIAL + <usize>b * square;
    const last = min(nodes, (b + 1) * rows);
    memory.fill(partial, 0, square);
    for (let r = b * rows; r < last; r += BLOCK) {
      const stop = min(last, r + BLOCK), at = <usize>r * step;
      const z = Z + at, dz = DZ + at, dh0 = DH0 + at;
      if (!ABOVE) {
        products(stop - r, width, TAP + at, z, WT, dz, dh0, partial, alpha, theta);
        continue;
      }
      sparseRows(r, stop, P, I, V, ABOVE, scratch - at, width, p, 1, TAP, MASK, far);
      // Without a tap, dM is 0 where the bit is 0.
      const bits = MASK + (at >> 5), words = (stop - r) * (width >> 6);
      if (TAP || width & 63 || countBits(words, bits) > words * MOST_BITS) {
        products(stop - r, width, scratch, z, WT, dz, dh0, partial, alpha, theta);
        continue;
      }
      const columns = scratch + <usize>BLOCK * step;
      columnMasks(stop - r, width, bits, columns);
      addSparseTransposedA(width, scratch, z, partial, step, columns);
      sparseRowsProduct(stop - r, scratch, WT, dz, step, bits, theta, 1 - theta, alpha, dh0);
    }
  }
}

/** Computes the products of a backward block whose dM has few zeros. */
function products(
  rows: i32, width: i32, dm: usize, z: usize, wt: usize, dz: usize, dh0: usize, partial: usize,
  alpha: f32, theta: f32,
): void {
  addTransposedA(0, width, dm, z, partial, rows, width, width);
  product(0, rows, dm, wt, dz, width, width, theta, 1 - theta, dm, alpha, dh0, false);
}

/** OUT[i, j] = p * the sum of PARTIAL[b][j, i] over `blocks`, for columns begin <= j < end of OUT. */
export function gcniiWeightGradient(
  begin: i32, end: i32, PARTIAL: usize, OUT: usize, width: i32, blocks: i32, p: f32,
): void {
  const step = <usize>width << 2, square = step * <usize>width, factor = f32x4.splat(p);
  for (let j = begin; j < end; j++) {
    let out = OUT + (<usize>j << 2), i: usize = 0;
    const row = PARTIAL + <usize>j * step, last = row + <usize>blocks * square;
    for (; i + 32 <= step; i += 32) {
      let low = f32x4.splat(0), high = low;
      for (let at = row + i; at < last; at += square) {
        low = f32x4.add(low, v128.load(at));
        high = f32x4.add(high, v128.load(at, 16));
      }
      storeColumn(out, step, f32x4.mul(factor, low));
      storeColumn(out + 4 * step, step, f32x4.mul(factor, high));
      out += 8 * step;
    }
    for (; i < step; i += 4) {
      let sum: f32 = 0;
      for (let at = row + i; at < last; at += square) sum += load<f32>(at);
      store<f32>(out, p * sum);
      out += step;
    }
  }
}

/** Loads four numbers of one column. */
@inline
function storeColumn(at: usize, step: usize, v: v128): void {
  store<f32>(at, f32x4.extract_lane(v, 0));
  store<f32>(at + step, f32x4.extract_lane(v, 1));
  store<f32>(at + 2 * step, f32x4.extract_lane(v, 2));
  store<f32>(at + 3 * step, f32x4.extract_lane(v, 3));
}
