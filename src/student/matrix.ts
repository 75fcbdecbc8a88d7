// The few operations on dense matrices that a student's forward pass consists of.
import type { Rows } from "./rows.ts";

/** A row-major matrix in double precision, which leaves no rounding to speak of; a vector has one row. */
export interface Matrix {
  readonly columns: number;
  readonly values: Float64Array;
}

/** Adds a row of features, divided by its sum unless that is 0 or `asIs`, times a weight, to a row of `out`. */
export function addProduct(
  out: Matrix,
  to: number,
  weight: Matrix,
  features: Rows,
  row: number,
  asIs: boolean | undefined,
): void {
  const { indptr, indices, values } = features;
  const [begin, end] = [indptr[row]!, indptr[row + 1]!];
  let sum = 0;
  for (let k = begin; k < end; k++) sum += values ? values[k]! : 1;
  const scale = asIs || sum === 0 ? 1 : 1 / sum;
  const width = out.columns;
  const [sums, weights] = [out.values, weight.values];
  for (let k = begin; k < end; k++) {
    const factor = values ? values[k]! * scale : scale;
    const from = indices[k]! * width;
    for (let c = 0; c < width; c++) sums[to * width + c]! += factor * weights[from + c]!;
  }
}

export function times(x: Matrix, w: Matrix): Matrix {
  const { columns: inner, values: from } = x;
  const { columns, values: weights } = w;
  const rows = from.length / inner;
  const values = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < inner; k++) {
      const factor = from[r * inner + k]!;
      for (let c = 0; c < columns; c++) {
        values[r * columns + c]! += factor * weights[k * columns + c]!;
      }
    }
  }
  return { columns, values };
}

/** Adds a vector to each row. */
export function addRow(x: Matrix, row: Matrix): Matrix {
  const { columns, values } = x;
  const more = row.values;
  for (let k = 0; k < values.length; ) {
    for (let c = 0; c < columns; c++, k++) values[k]! += more[c]!;
  }
  return x;
}

/** Adds `share` of `a` to `rest` of `x`; further rows of `a` are left out. */
export function blend({ values }: Matrix, rest: number, a: Matrix, share: number): void {
  const more = a.values;
  for (let k = 0; k < values.length; k++) values[k] = rest * values[k]! + share * more[k]!;
}

export function relu({ values }: Matrix): void {
  for (let k = 0; k < values.length; k++) if (values[k]! < 0) values[k] = 0;
}

/** Applies batch normalisation with running statistics; the variance has 1e-5 added, as in torch.nn.BatchNorm1d. */
export function batchNorm({ columns, values }: Matrix, part: (name: string) => Float64Array): void {
  const [mean, variance] = [part("mean"), part("variance")];
  const [gain, shift] = [part("gain"), part("shift")];
  for (let k = 0; k < values.length; k++) {
    const c = k % columns;
    values[k] = ((values[k]! - mean[c]!) / Math.sqrt(variance[c]! + 1e-5)) * gain[c]! + shift[c]!;
  }
}

/** Returns each row's largest entry and its softmax. @param logits row-major, `count` in a row */
export function softmaxRows(
  logits: ArrayLike<number>,
  count: number,
): { classes: Int32Array; probabilities: Float32Array } {
  const classes = new Int32Array(logits.length / count);
  const probabilities = new Float32Array(logits.length);
  for (let begin = 0; begin < logits.length; begin += count) {
    let best = begin;
    for (let k = begin; k < begin + count; k++) if (logits[k]! > logits[best]!) best = k;
    let sum = 0;
    for (let k = begin; k < begin + count; k++) sum += Math.exp(logits[k]! - logits[best]!);
    for (let k = begin; k < begin + count; k++) {
      probabilities[k] = Math.exp(logits[k]! - logits[best]!) / sum;
    }
    classes[begin / count] = best - begin;
  }
  return { classes, probabilities };
}
