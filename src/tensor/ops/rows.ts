// Differentiable operators on the rows of a matrix: rows of length 1, chosen rows.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { nativeTakeRows, nativeUnitRows } from "../native/rows.ts";
import { fresh, read } from "./elements.ts";

/**
 * Divides each row by its length; a row of zero length (its square 1e-24 or less) becomes zero, with
 * gradient zero.
 */
export function unitRows(x: tf.Tensor2D): tf.Tensor2D {
  if (nativeIsCurrent()) return nativeUnitRows(x);
  const [rows, columns] = x.shape;
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const unit = asTensor(backend.allocate([rows, columns]));
    const inverse = asTensor(backend.allocate([rows]));
    backend.engine.run("unitRows", rows, ...backend.addresses(input, unit, inverse), columns);
    save([unit, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const gradient = backend.allocate([rows, columns]);
      const at = backend.addresses(saved[0]!, saved[1]!, dy, gradient);
      backend.engine.run("unitRowsGradient", rows, ...at, columns);
      return asTensor(gradient);
    };
    return { value: unit, gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

/**
 * Scales the rows of z M, z_i = [x_i, 1], to length 1 without forming them: they are y_i M with
 * y_i = z_i / (z_i G z_i')^1/2 and G = M M'. It is a loop on the host, as in elements.ts. A row whose
 * squared length is 1e-24 or less becomes zero, with gradient zero, as in unitRows.
 *
 * @param x rows x columns
 * @param gram G, (columns + 1) x (columns + 1), symmetric
 * @returns y, rows x (columns + 1); differentiable with respect to both
 */
export function unitCoordinates(x: tf.Tensor2D, gram: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = x.shape;
  const width = columns + 1;
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, metric, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const unit = fresh([rows, width]);
    const inverse = fresh([rows]);
    const [from, g] = [read(input), read(metric)];
    for (let i = 0; i < rows; i++) {
      const z = (d: number): number => (d < columns ? from[i * columns + d]! : 1);
      let square = 0;
      for (let d = 0; d < width; d++) {
        let sum = 0;
        for (let e = 0; e < width; e++) sum += g[d * width + e]! * z(e);
        square += sum * z(d);
      }
      const factor = square > NO_LENGTH || Number.isNaN(square) ? 1 / Math.sqrt(square) : 0;
      inverse.numbers[i] = factor;
      for (let d = 0; d < width; d++) unit.numbers[i * width + d] = factor * z(d);
    }
    const [y, factors] = [unit.tensor(), inverse.tensor()];
    save([y, factors, metric]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      coordinateGradients(dy, saved as [tf.Tensor, tf.Tensor, tf.Tensor], columns);
    return { value: y, gradFunc: gradFunc as unknown as () => tf.Tensor };
  });
  return op(x, gram) as tf.Tensor2D;
}

/** With s = y . dy, dz = (dy - (y G) s) / length and dG = -1/2 sum over rows of s y y'. */
function coordinateGradients(
  dy: tf.Tensor,
  [y, factors, gram]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  columns: number,
): tf.Tensor[] {
  const rows = factors.size;
  const width = columns + 1;
  const [byX, byGram] = [fresh([rows, columns]), fresh([width, width])];
  const [given, unit, inverse, g] = [read(dy), read(y), read(factors), read(gram)];
  // A sum over all nodes needs double precision.
  const sums = new Float64Array(width * width);
  for (let i = 0; i < rows; i++) {
    const at = i * width;
    let along = 0;
    for (let d = 0; d < width; d++) along += unit[at + d]! * given[at + d]!;
    for (let d = 0; d < width; d++) {
      let product = 0;
      for (let e = 0; e < width; e++) {
        product += g[d * width + e]! * unit[at + e]!;
        sums[d * width + e]! -= 0.5 * along * unit[at + d]! * unit[at + e]!;
      }
      if (d < columns) {
        byX.numbers[i * columns + d] = inverse[i]! * (given[at + d]! - product * along);
      }
    }
  }
  byGram.numbers.set(sums);
  return [byX.tensor(), byGram.tensor()];
}

/** A row whose squared length is up to this has no direction, as in the kernel. */
const NO_LENGTH = 1e-24;

/**
 * Returns the first rows; the gradient of the others is zero.
 * @param rows how many, as many as there are or fewer
 */
export function firstRows(x: tf.Tensor2D, rows: number): tf.Tensor2D {
  if (rows === x.shape[0]) return x;
  return takeRows(
    x,
    Int32Array.from({ length: rows }, (_, row) => row),
  );
}

/**
 * Returns the rows in `chosen`, in its order; the gradient of all others is zero.
 * @param chosen row numbers, each at most once
 * @throws {RangeError} for a row that does not exist
 */
export function takeRows(x: tf.Tensor2D, chosen: Int32Array): tf.Tensor2D {
  const [rows, columns] = x.shape;
  const beyond = chosen.find((row) => !(row >= 0 && row < rows));
  if (beyond !== undefined) {
    throw new RangeError(`takeRows: row ${beyond} is chosen, not one of 0 to ${rows - 1}`);
  }
  if (nativeIsCurrent()) return nativeTakeRows(x, chosen);
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input] = args as [tf.Tensor2D];
    const taken = backend.allocate([chosen.length, columns]);
    const [from, to] = [backend.floats(input), backend.floats(taken)];
    chosen.forEach((row, k) => {
      to.set(from.subarray(row * columns, (row + 1) * columns), k * columns);
    });
    const gradFunc = (dy: tf.Tensor): tf.Tensor => {
      const gradient = backend.allocate(x.shape);
      const [numbers, given] = [backend.floats(gradient).fill(0), backend.floats(dy)];
      chosen.forEach((row, k) => {
        numbers.set(given.subarray(k * columns, (k + 1) * columns), row * columns);
      });
      return asTensor(gradient);
    };
    return { value: asTensor(taken), gradFunc };
  });
  return op(x) as tf.Tensor2D;
}
