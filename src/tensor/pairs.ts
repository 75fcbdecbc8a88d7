// Distances of all teacher layers to all student layers in one pass over the teacher's maps.
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "./backend.ts";
import { nativeIsCurrent } from "./native/backend.ts";
import { pairDistancesByOperators } from "./native/pairs.ts";

export interface PairDistances {
  /** [T_l, S_l]: sum over nodes and width of the squared differences. */
  readonly distances: tf.Tensor2D;
  /** [nodes, S_l, width]: sum_i weights[i, j] (T_i - R_j). */
  readonly pull: tf.Tensor3D;
}

/**
 * Squared distances |T_i - R_j|^2 by direct differences (no digits are lost near zero), and
 * the weighted sums of the differences, which are their gradient's direction. Not differentiable by
 * itself: a building block of src/distillation/abkd/fixed-teacher.ts.
 *
 * @param teacher [nodes, T_l, width]
 * @param projected [nodes, S_l, width]: R, the student's maps in the teacher's width
 * @param weights [T_l, S_l]
 */
export function pairDistances(
  teacher: tf.Tensor3D,
  projected: tf.Tensor3D,
  weights: tf.Tensor2D,
): PairDistances {
  const [nodes, teacherLayers, width] = teacher.shape;
  const studentLayers = projected.shape[1];
  const expected = [nodes, studentLayers, width];
  if (
    !tf.util.arraysEqual(projected.shape, expected) ||
    !tf.util.arraysEqual(weights.shape, [teacherLayers, studentLayers])
  ) {
    throw new RangeError(
      `pairDistances: teacher [${teacher.shape}], projected [${projected.shape}], ` +
        `weights [${weights.shape}] do not fit`,
    );
  }
  if (nativeIsCurrent()) return pairDistancesByOperators(teacher, projected, weights);
  const backend = runningBackend();
  const blocks = Math.ceil(nodes / backend.engine.nodesABlock);
  const partial = backend.allocate([blocks, teacherLayers * studentLayers]);
  const distances = backend.allocate([teacherLayers, studentLayers]);
  const weighted = backend.allocate(expected);
  backend.engine.run(
    "pairDistances",
    blocks,
    backend.address(teacher),
    backend.address(projected),
    backend.address(weights),
    backend.address(partial),
    backend.address(weighted),
    nodes,
    teacherLayers,
    studentLayers,
    width,
  );
  const [from, to] = [backend.address(partial), backend.address(distances)];
  const pairs = teacherLayers * studentLayers;
  backend.engine.run("sumColumns", pairs, from, to, blocks, pairs, 1);
  backend.disposeData(partial.dataId);
  return {
    distances: tf.engine().makeTensorFromTensorInfo(distances) as tf.Tensor2D,
    pull: tf.engine().makeTensorFromTensorInfo(weighted) as tf.Tensor3D,
  };
}
