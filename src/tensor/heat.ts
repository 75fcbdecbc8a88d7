// Heat kernels over all pairs of nodes, and how far two sides' are from each other.
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "./backend.ts";
import { Buffer } from "./buffer.ts";
import type { SparseMatrix } from "./sparse.ts";

/** `gaussian`: e^(-|x_i - x_j| / t). `sigmoid`: tanh(x_i . x_j). */
export type HeatKernel =
  | { readonly kind: "gaussian"; readonly t: number }
  | { readonly kind: "sigmoid" };

/** The kernel's number and its t, as the engine's kernels take them. */
function kernelArguments(kernel: HeatKernel): [kind: number, t: number] {
  return kernel.kind === "gaussian" ? [0, kernel.t] : [1, 1];
}

/** X', [width, rows]. */
function transpose(x: tf.Tensor2D): tf.Tensor2D {
  const backend = runningBackend();
  const [rows, width] = x.shape;
  const out = backend.allocate([width, rows]);
  backend.engine.run("transposeDense", rows, backend.address(x), backend.address(out), rows, width);
  return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor2D;
}

/** The kernel of all pairs of rows: [rows, rows]. Not differentiable: it is for the teacher. */
export function heatKernel(x: tf.Tensor2D, kernel: HeatKernel): tf.Tensor2D {
  const backend = runningBackend();
  const [rows, width] = x.shape;
  return tf.tidy(() => {
    const out = backend.allocate([rows, rows]);
    backend.engine.run(
      "heatKernel",
      rows,
      backend.address(x),
      backend.address(transpose(x)),
      backend.address(out),
      rows,
      width,
      ...kernelArguments(kernel),
    );
    return tf.engine().makeTensorFromTensorInfo(out) as tf.Tensor2D;
  });
}

/** Which rows of a graph are compared, and with what. */
export interface HeatComparison {
  /** The teacher's kernel: of all nodes of the graph, or of the drawn nodes alone. */
  readonly teacher: tf.Tensor2D;
  /** The node that each row of x is. */
  readonly nodes: Int32Array;
  /** Nodes x nodes: pairs with an entry weigh 1, all others delta. Symmetric. */
  readonly graph: SparseMatrix;
  readonly delta: number;
  readonly kernel: HeatKernel;
}

/**
 * The sum over all pairs (i, j) of rows of w_ij (k(x_i, x_j) - teacher_ij)^2, differentiable by x;
 * w_ij is 1 along the graph's arcs, else delta. One pass over the pairs gives loss and gradient,
 * and no matrix of pairs is made. At distance 0 the Gaussian kernel's gradient is taken as 0.
 *
 * @param x rows x width
 */
export function heatDistance(x: tf.Tensor2D, comparison: HeatComparison): tf.Scalar {
  const { teacher, nodes, graph } = comparison;
  const rows = x.shape[0];
  const [kernelRows, kernelColumns] = teacher.shape;
  const whole = kernelRows === graph.rows;
  if (nodes.length !== rows || kernelRows !== kernelColumns || !(whole || kernelRows === rows)) {
    throw new RangeError(
      `heatDistance: [${x.shape}] for ${nodes.length} nodes, teacher [${teacher.shape}]`,
    );
  }
  const backend = runningBackend();
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const width = input.shape[1];
    const place = new Int32Array(graph.rows).fill(-1);
    nodes.forEach((node, row) => {
      place[node] = row;
    });
    const nodeBuffer = Buffer.integers(nodes, "drawn nodes");
    const placeBuffer = Buffer.integers(place, "the drawn nodes' rows");
    const blocks = Math.ceil(rows / backend.engine.rowsABlock);
    const transposed = transpose(input);
    const scratch = backend.allocate([blocks, rows]);
    const losses = backend.allocate([rows]);
    const gradient = backend.allocate(input.shape);
    const [kind, t] = kernelArguments(comparison.kernel);
    backend.engine.run(
      "compareHeat",
      blocks,
      backend.address(input),
      backend.address(transposed),
      backend.address(teacher),
      nodeBuffer.address,
      placeBuffer.address,
      graph.indptr.address,
      graph.indices.address,
      backend.address(scratch),
      backend.address(losses),
      backend.address(gradient),
      rows,
      width,
      graph.rows,
      whole ? 1 : 0,
      kind,
      t,
      comparison.delta,
    );
    backend.disposeData(scratch.dataId);
    nodeBuffer.dispose();
    placeBuffer.dispose();
    save([tf.engine().makeTensorFromTensorInfo(gradient)]);
    const value = tf.sum(tf.engine().makeTensorFromTensorInfo(losses));
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => tf.mul(saved[0]!, dy);
    return { value, gradFunc };
  });
  return op(x) as tf.Scalar;
}
