// Equations 3 to 5 as the paper writes them, including the n x d_a products: the tests' oracle.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../../models/model.ts";
import type { MapKind } from "./maps.ts";
import type { AbkdOptions } from "./options.ts";

export interface NaiveResult {
  /** A, T_l x S_l. */
  readonly attention: tf.Tensor2D;
  /** D, T_l x S_l. */
  readonly dissimilarity: tf.Tensor2D;
  /** L_abkd. */
  readonly loss: tf.Scalar;
  /** |t_i|^2 + |s_j|^2 in D's unit: the scale that errors are measured by. */
  readonly sizes: tf.Tensor2D;
}

/**
 * Computes A, D and L_abkd slowly, differentiable with respect to the student's maps and all weights.
 *
 * @param weights by name, as AbkdDistillation.weights holds them
 */
export function naiveAbkd(
  teacher: Outputs,
  student: Outputs,
  weights: ReadonlyMap<string, tf.Tensor>,
  options: AbkdOptions,
): NaiveResult {
  const T = layersOf(teacher, options);
  const S = layersOf(student, options);
  const isLast = (i: number, j: number): boolean =>
    i === lastOf(teacher, T, options) && j === lastOf(student, S, options);
  const attention = naiveAttention(T, S, weights, options, isLast);
  const pt = weights.get("abkd.projection.teacher");
  const ps = weights.get("abkd.projection.student")!;
  const p = weights.get("abkd.projection.subspace");
  const nothing = { distance: tf.scalar(0), size: tf.scalar(0) };
  const pairs = T.map((t, i) =>
    S.map((s, j) => {
      if (options.attention === "last" && !isLast(i, j)) return nothing;
      return naivePair(
        prepared(t, options.teacherMaps),
        prepared(s, options.studentMaps),
        pt && (ofLayer(pt, i) as tf.Tensor2D),
        ofLayer(ps, j) as tf.Tensor2D,
        p && (ofLayer(p, 0) as tf.Tensor2D),
        options,
      );
    }),
  );
  const matrix = (key: "distance" | "size"): tf.Tensor2D =>
    tf.stack(pairs.map((row) => tf.stack(row.map((pair) => pair[key])))) as tf.Tensor2D;
  const dissimilarity = matrix("distance");
  const rows = tf.ones([1, T.length]) as tf.Tensor2D;
  const columns = tf.fill([S.length, 1], 1 / S.length) as tf.Tensor2D;
  const product = tf.matMul(tf.matMul(rows, tf.mul(attention, dissimilarity)), columns);
  return {
    attention,
    dissimilarity,
    loss: tf.reshape(product, []) as tf.Scalar,
    sizes: matrix("size"),
  };
}

/** Whether the logits are a layer map themselves. */
const endsInLogits = ({ layers, logits }: Outputs): boolean =>
  layers!.at(layers!.widths.length - 1) === logits;

/** Returns the index of a side's last map; without `logits`, that of the last hidden map. */
function lastOf(side: Outputs, maps: readonly tf.Tensor2D[], { logits }: AbkdOptions): number {
  return maps.length - (endsInLogits(side) && !logits ? 2 : 1);
}

function layersOf({ layers, logits }: Outputs, options: AbkdOptions): tf.Tensor2D[] {
  const maps = layers!.widths.map((_, i) => layers!.at(i));
  const all = options.logits && !endsInLogits({ layers, logits }) ? [...maps, logits] : maps;
  const width = Math.max(...all.map((x) => x.shape[1]));
  return all.map((x) =>
    tf.pad(x, [
      [0, 0],
      [0, width - x.shape[1]],
    ]),
  );
}

function prepared(x: tf.Tensor2D, kind: MapKind): tf.Tensor2D {
  if (kind === "normalised") return unit(x, 1);
  const scaled = kind.startsWith("scaled")
    ? (tf.div(x, tf.sqrt(tf.mean(tf.square(x)))) as tf.Tensor2D)
    : x;
  return kind.endsWith("centred") ? tf.sub(scaled, tf.mean(scaled, 0, true)) : scaled;
}

/** Divides vectors along the axis by their lengths; not for zero vectors. */
function unit(x: tf.Tensor2D, axis: number): tf.Tensor2D {
  return tf.div(x, tf.sqrt(tf.sum(tf.square(x), axis, true)));
}

/** Returns |(T_i P_t - S_j P_s) P 1/d_a|^2, or the other forms' equivalents. */
function naivePair(
  t: tf.Tensor2D,
  s: tf.Tensor2D,
  pt: tf.Tensor2D | undefined,
  ps: tf.Tensor2D,
  p: tf.Tensor2D | undefined,
  { form, distance }: AbkdOptions,
): { distance: tf.Scalar; size: tf.Scalar } {
  const [nodes, width] = [t.shape[0], ps.shape[1]];
  const reduce = (x: tf.Tensor2D): tf.Tensor2D => {
    const inSubspace: tf.Tensor2D = p ? tf.matMul(x, p) : x;
    if (form === "mse") return inSubspace;
    return tf.matMul(inSubspace, tf.fill([width, 1], 1 / width));
  };
  const embeddedT: tf.Tensor2D = pt ? tf.matMul(t, pt) : t;
  const embeddedS: tf.Tensor2D = tf.matMul(s, ps);
  const a = reduce(embeddedT);
  const b = reduce(embeddedS);
  if (distance === "cosine") {
    const axis = form === "mse" ? 1 : 0;
    const cosines = tf.sum(tf.mul(unit(a, axis), unit(b, axis)), axis);
    return { distance: tf.sub(1, tf.mean(cosines)), size: tf.scalar(1) };
  }
  const divisor = { literal: 1, "node-mean": nodes, mse: nodes * width }[form];
  const square = (x: tf.Tensor): tf.Scalar => tf.div(tf.sum(tf.square(x)), divisor);
  return {
    distance: square(reduce(tf.sub(embeddedT, embeddedS))),
    size: tf.add(square(a), square(b)),
  };
}

/** Returns the layer's own matrix or vector from a stack, or the shared one. */
function ofLayer(stack: tf.Tensor, layer: number): tf.Tensor {
  return tf.squeeze(tf.slice(stack, stack.shape[0] === 1 ? 0 : layer, 1), [0]);
}

function naiveAttention(
  T: readonly tf.Tensor2D[],
  S: readonly tf.Tensor2D[],
  weights: ReadonlyMap<string, tf.Tensor>,
  { attention, softmax, embedding, teacherMaps, studentMaps }: AbkdOptions,
  isLast: (i: number, j: number) => boolean,
): tf.Tensor2D {
  const fixed = (score: (i: number, j: number) => number): tf.Tensor2D =>
    tf.tensor2d(T.map((_, i) => S.map((_, j) => score(i, j))));
  if (attention === "uniform") return fixed(() => 1 / S.length);
  if (attention === "last") {
    return fixed((i, j) => (isLast(i, j) ? 1 : 0));
  }
  if (attention === "diagonal") {
    return fixed((i, j) => (Math.floor((i / T.length) * S.length) === j ? 1 : 0));
  }
  // The means are taken before centring, which makes them 0.
  const uncentred = (kind: MapKind): MapKind =>
    kind === "scaled-centred" ? "scaled" : kind === "centred" ? "raw" : kind;
  const project = (layers: readonly tf.Tensor2D[], side: string, kind: MapKind): tf.Tensor2D => {
    const weight = weights.get(`abkd.attention.${side}.weight`)!;
    const bias = weights.get(`abkd.attention.${side}.bias`)!;
    const rows = layers.map((layer, i) => {
      const mean = tf.mean(prepared(layer, uncentred(kind)), 0, true) as tf.Tensor2D;
      const product = tf.matMul(mean, ofLayer(weight, i) as tf.Tensor2D);
      return tf.add(product, ofLayer(bias, i)) as tf.Tensor2D;
    });
    return tf.concat(rows, 0);
  };
  const Tp = project(T, "teacher", teacherMaps);
  const Sp = project(S, "student", studentMaps);
  const scores = tf.div(tf.matMul(Tp, tf.transpose(Sp)), Math.sqrt(embedding));
  const exp = tf.exp(tf.sub(scores, tf.max(scores)));
  const axis = { "student-layers": 1, "teacher-layers": 0, all: undefined }[softmax];
  return tf.div(exp, tf.sum(exp, axis, true));
}
