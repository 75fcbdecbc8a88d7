// Linear layers with a bias: from sparse features, and from the last layer map to logits.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { dropValues, reluDropout } from "./dropout.ts";
import { type DropoutStream, dropoutArguments, groups, keptScale } from "./dropout-stream.ts";
import { lastMap } from "./gcnii.ts";
import { isNarrow } from "./narrow.ts";
import type { NarrowRows } from "./narrow-rows.ts";
import { type SparseMatrix, spmm } from "./sparse.ts";

type Gradient = (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[];

/** Works around tf's types, which only know gradients with respect to one input. */
const withGradient = (value: tf.Tensor, gradFunc: Gradient) => ({
  value,
  gradFunc: gradFunc as unknown as () => tf.Tensor,
});

/**
 * A W + b, differentiable with respect to W and b. With `dropout`, A's stored entries are dropped first, as
 * in spmm.
 *
 * @param matrix A, rows x inputs
 * @param weight W, inputs x outputs
 * @param bias b, [outputs]
 * @returns rows x outputs
 * @throws {RangeError} for shapes that do not match
 */
export function sparseLinear(
  matrix: SparseMatrix,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D,
  dropout?: DropoutStream,
): tf.Tensor2D {
  const [inputs, outputs] = weight.shape;
  checkBias("sparseLinear", weight, bias);
  if (nativeIsCurrent() || !isNarrow(outputs) || matrix.dense())
    return tf.add(spmm(matrix, weight, dropout), bias);
  if (inputs !== matrix.columns) {
    throw new RangeError(
      `sparseLinear: ${matrix.rows} x ${matrix.columns} times [${weight.shape}]`,
    );
  }
  const backend = runningBackend();
  const { engine } = backend;
  const layer = tf.customGrad((...args: unknown[]) => {
    const [w, b, save] = args as [tf.Tensor2D, tf.Tensor1D, tf.GradSaveFunc];
    const dropped = dropout?.rate ? dropValues(matrix, dropout) : undefined;
    if (dropped) save([dropped]);
    const rows = dropped ? matrix.rowsAsTheyLie() : matrix.productRows();
    const values = dropped ? backend.address(dropped) : rows.values.address;
    const value = narrowProduct(rows, values, w, backend.address(b));
    return withGradient(value, (dy, [kept]) => {
      const other = matrix.transposed().matrix.productRows();
      const biasGradient = backend.allocate([outputs]);
      const [from, to] = [backend.address(dy), backend.address(biasGradient)];
      engine.run("sumColumns", outputs, from, to, matrix.rows, outputs, 1);
      if (!kept) return [narrowProduct(other, other.values.address, dy), asTensor(biasGradient)];
      const moved = backend.allocate([matrix.nonzeros]);
      const at = backend.address(moved);
      const position = matrix.productPosition().address;
      engine.run("gather", matrix.nonzeros, backend.address(kept), position, at);
      const gradient = narrowProduct(other, at, dy);
      backend.disposeData(moved.dataId);
      return [gradient, asTensor(biasGradient)];
    });
  });
  return layer(weight, bias) as tf.Tensor2D;
}

function checkBias(what: string, weight: tf.Tensor2D, bias: tf.Tensor1D): void {
  if (bias.shape.length === 1 && bias.shape[0] === weight.shape[1]) return;
  throw new RangeError(`${what}: weight [${weight.shape}], bias [${bias.shape}]`);
}

/** Y = A X + b for a narrow X; `values` and `bias` are addresses (bias 0: none). */
function narrowProduct(rows: NarrowRows, values: number, x: tf.Tensor, bias = 0): tf.Tensor2D {
  const backend = runningBackend();
  const { count, blocks, starts, order, indices, indexBytes } = rows;
  const width = x.shape[1]!;
  const out = backend.allocate([count, width]);
  const sums = blocks > 1 ? backend.allocate([count, 16]) : undefined;
  backend.engine.run(
    ...(["narrowProduct", count, starts.address, order.address, indices.address, values] as const),
    ...[backend.address(x), backend.address(out), width, bias],
    ...[count, blocks, sums ? backend.address(sums) : 0, indexBytes],
  );
  if (sums) backend.disposeData(sums.dataId);
  return asTensor(out) as tf.Tensor2D;
}

/**
 * dropout(ReLU(M)) W + b with M the last of a stack of maps, differentiable with respect to maps, W and b.
 *
 * @param maps layers x nodes x width
 * @param weight W, width x classes
 * @param bias b, [classes]
 * @returns nodes x classes
 * @throws {RangeError} for shapes that do not match
 */
export function mapLinear(
  maps: tf.Tensor3D,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D,
  dropout?: DropoutStream,
): tf.Tensor2D {
  const [layers, nodes, width] = maps.shape;
  const classes = weight.shape[1];
  checkBias("mapLinear", weight, bias);
  if (weight.shape[0] !== width) {
    throw new RangeError(`mapLinear: maps [${maps.shape}], weight [${weight.shape}]`);
  }
  if (nativeIsCurrent() || !isNarrow(width)) {
    const top = reluDropout(lastMap(maps), dropout);
    return tf.add(tf.matMul(top, weight), bias);
  }
  const backend = runningBackend();
  const { engine } = backend;
  const size = nodes * width;
  const layer = tf.customGrad((...args: unknown[]) => {
    const [stack, w, b, save] = args as [tf.Tensor3D, tf.Tensor2D, tf.Tensor1D, tf.GradSaveFunc];
    // One tensor holds what the gradient needs: the layer's input, and W transposed.
    const kept = backend.allocate([size + classes * width]);
    const out = backend.allocate([nodes, classes]);
    const [top, from] = [backend.address(kept), backend.address(stack) + (layers - 1) * size * 4];
    engine.run("dropout", groups(size), from, top, 0, size, 1, ...dropoutArguments(dropout));
    const [wAt, bAt] = [backend.address(w), backend.address(b)];
    engine.run("narrowHead", nodes, top, wAt, bAt, backend.address(out), width, classes);
    engine.run("transposeDense", width, wAt, top + size * 4, width, classes);
    save([asTensor(kept)]);
    return withGradient(asTensor(out), (dy, [saved]) => {
      const mapsGradient = backend.allocate(stack.shape);
      backend.floats(mapsGradient).fill(0, 0, (layers - 1) * size);
      const dx = backend.address(mapsGradient) + (layers - 1) * size * 4;
      const x = backend.address(saved!);
      const sums = headGradient(
        backend.address(dy),
        x,
        dx,
        stack.shape,
        classes,
        keptScale(dropout),
      );
      return [asTensor(mapsGradient), ...sums.map(asTensor)];
    });
  });
  return layer(maps, weight, bias) as tf.Tensor2D;
}

/** Writes the gradient with respect to X to `dx`; returns those with respect to W and b. */
function headGradient(
  dy: number,
  x: number,
  dx: number,
  [, nodes, width]: readonly [number, number, number],
  classes: number,
  scale: number,
): tf.TensorInfo[] {
  const backend = runningBackend();
  const { engine } = backend;
  const units = Math.ceil(nodes / engine.nodesAUnit);
  const stride = Math.ceil(classes / 4) * 4;
  const length = (width + 1) * stride;
  const parts = backend.allocate([units + 1, length]);
  const at = backend.address(parts);
  const transposed = x + nodes * width * 4;
  engine.run(
    "narrowHeadGradient",
    ...[units, dy, x, transposed, dx, at, nodes, width, classes],
    scale,
  );
  engine.run("sumColumns", length, at, at + units * length * 4, units, length, 1);
  const sums = backend.floats(parts).subarray(units * length);
  const [weight, bias] = [backend.allocate([width, classes]), backend.allocate([classes])];
  const to = backend.floats(weight);
  for (let k = 0; k < width; k++) {
    to.set(sums.subarray(k * stride, k * stride + classes), k * classes);
  }
  backend.floats(bias).set(sums.subarray(width * stride, width * stride + classes));
  backend.disposeData(parts.dataId);
  return [weight, bias];
}
