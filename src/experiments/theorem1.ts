// Theorem 1 in numbers: its proof beside autograd, step by step, and which teacher weights reach which student
// weights. The paper's layer is Â H W. GCNII's, which runs here, is theta Z W + (1 - theta) Z with
// Z = (1 - alpha) P H + alpha H_0, so its derivative by W has theta Z' in place of (Â H)'.
//
// Shapes: n nodes; maps T_i of n x d_t and S_j of n x d_s; L_s student layers; d_a embedding dimensions. A prime
// transposes. Layers count from 1 in the paper and in what is exported, from 0 inside.
import * as tf from "@tensorflow/tfjs";
import { needArray, needObject } from "../base/arguments.ts";
import { resolveOptions } from "../base/options.ts";
import { layersOf } from "../distillation/abkd/blocks.ts";
import type { Distillation } from "../distillation/method.ts";
import { createDistillation, findMethod } from "../distillation/registry.ts";
import type { Gcnii } from "../models/gcnii.ts";
import { type GraphInputs, stackedOutputs } from "../models/model.ts";
import type { TaskTargets } from "../tasks/task.ts";
import { reluDropout, spmm } from "../tensor/index.ts";

/** A teacher and a student on one graph. */
export interface TheoremCase {
  readonly inputs: GraphInputs;
  readonly train: TaskTargets;
  readonly teacher: Gcnii;
  readonly student: Gcnii;
  /** Draws the projections. */
  readonly seed: number;
}

/** What the proof's equations give for one pair of layers. Errors are |one - other| / |other|. */
export interface TermCheck {
  readonly teacherLayer: number;
  readonly studentLayer: number;
  readonly attention: number;
  readonly dissimilarity: number;
  /** dL_ij/dW_j by autograd against dA_ij/dW_j D_ij + A_ij dD_ij/dW_j: eq. 7. */
  readonly productRule: number;
  /** The derivative of the score before softmax against eq. 8, which contains T_i^p. */
  readonly equation8: number;
  /** dD_ij/dW_j against -2 theta Z' (T_i u_t - S_j u_s) u_s'. */
  readonly dissimilarityTerm: number;
  /** How far A_ij (1 - A_ij) times eq. 8 is from dA_ij/dW_j: what "~" leaves out (later layers). */
  readonly leftOut: number;
  /** |dA_ij/dW_j D_ij| / (|dA_ij/dW_j D_ij| + |A_ij dD_ij/dW_j|). */
  readonly attentionShare: number;
}

/** The mean over nodes, 1' x / n: n x d to 1 x d. */
const mean0 = (x: tf.Tensor2D): tf.Tensor2D => tf.mean(x, 0, true) as tf.Tensor2D;
const norm = (x: tf.Tensor): number => Math.sqrt(tf.sum(tf.square(x)).dataSync()[0]!);
const error = (one: tf.Tensor, other: tf.Tensor): number => norm(tf.sub(one, other)) / norm(other);

/** Returns a layer's own matrix from a stack. */
const layer = (stack: tf.Tensor, k: number): tf.Tensor2D =>
  tf.squeeze(tf.slice(stack, [k], [1]), [0]) as tf.Tensor2D;

/** W_k: d x d. */
function convolution(model: Gcnii, k: number): tf.Variable {
  return model.parameters.find(({ name }) => name === `convolution.${k}.weight`)!.variable;
}

/** The weight of Z W in layer k: log(lambda / k + 1), with k from 1. */
function theta(model: Gcnii, k: number): number {
  return Math.log(model.config.lambda / (k + 1) + 1);
}

/** The loss of a method, for teacherReach(). */
export interface MethodLoss {
  readonly method: string;
  readonly preset?: string;
  /** Options that override the preset's, or the defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * Shows the method only this many of the teacher's first layers, so that a method that reads the last hidden
   * map reads this layer's, like FitNet's original hint.
   */
  readonly hint?: number;
}

/** The embedding dimension d_a: the theorem holds for any, and a small one is quick. */
const EMBEDDING = 64;

/** ABKD as written, eqs. 3 to 5. */
export const ABKD_AS_WRITTEN: MethodLoss = {
  method: "abkd",
  preset: "literal",
  options: { embedding: EMBEDDING },
};

/** What a GCNII shows: its maps in one stack (layers x n x d), and its logits (n x classes). */
interface Shown {
  readonly maps: tf.Tensor3D;
  readonly logits: tf.Tensor2D;
}

function shownBy(model: Gcnii, inputs: GraphInputs): Shown {
  const { logits, layers } = model.forward(inputs, { reads: "layers" });
  return { maps: layers!.stack!, logits };
}

/** Creates a method for what this teacher shows. The caller disposes of it. */
function distillation(
  { inputs, train, teacher, student, seed }: TheoremCase,
  { maps, logits }: Shown,
  { method, preset, options = {}, hint }: MethodLoss,
): Distillation {
  const seen = hint === undefined ? maps : (tf.slice(maps, 0, hint) as tf.Tensor3D);
  const outline = { ...teacher.outline, widths: teacher.outline.widths.slice(0, hint) };
  return createDistillation(
    { name: method, options: resolveOptions(findMethod(method), options, preset) },
    {
      teacher: { outline, outputs: () => stackedOutputs(logits, seen, reluDropout) },
      graph: inputs,
      student: student.outline,
      train,
      seed,
    },
  );
}

/** Returns Z of each student layer, which its convolution's weights multiply: L_s matrices of n x d_s. */
function aggregated({ inputs, student }: TheoremCase, maps: readonly tf.Tensor2D[]): tf.Tensor2D[] {
  const find = (name: string): tf.Variable =>
    student.parameters.find((parameter) => parameter.name === name)!.variable;
  const input = spmm(inputs.features, find("input.weight") as unknown as tf.Tensor2D);
  const first = tf.relu(tf.add(input, find("input.bias"))) as tf.Tensor2D; // H_0
  const { alpha } = student.config;
  return maps.map((_, j) => {
    const hidden = j === 0 ? first : (tf.relu(maps[j - 1]!) as tf.Tensor2D); // H_{j-1}
    return tf.add(tf.mul(spmm(inputs.adjacency, hidden), 1 - alpha), tf.mul(first, alpha));
  }) as tf.Tensor2D[];
}

/** Eqs. 3 to 5 as written, for one teacher layer i: what the proof differentiates. */
interface TeacherRow {
  /** The mean over nodes of T_i^p: 1 x d_a. */
  readonly meanTp: tf.Tensor2D;
  /** W_j^ps, which projects a student map for its score: d_s x d_a. */
  projection(j: number): tf.Tensor2D;
  /** Row i of eq. 3 before softmax: L_s scores. */
  scores(S: readonly tf.Tensor2D[]): tf.Tensor1D;
  /** u_s of student layer j: d_s x 1. */
  direction(j: number): tf.Tensor2D;
  /** T_i u_t - S_j u_s: n x 1. Eq. 4 is the sum of its squares, since its mean over d_a is linear. */
  difference(S: readonly tf.Tensor2D[], j: number): tf.Tensor2D;
}

/** @param T the map of teacher layer i: n x d_t */
function teacherRow(abkd: Distillation, T: tf.Tensor2D, i: number): TeacherRow {
  const weight = (name: string): tf.Tensor =>
    abkd.parameters.find((parameter) => parameter.name === `abkd.${name}`)!.variable;
  const P = layer(weight("projection.subspace"), 0); // d_a x d_a
  const width = P.shape[1]; // d_a
  // 1' x W / n + b: (1 x d) (d x d_a) + (1 x d_a).
  const meanProjected = (side: string, map: tf.Tensor2D, k: number): tf.Tensor2D =>
    tf.add(
      tf.matMul(mean0(map), layer(weight(`attention.${side}.weight`), k)),
      tf.slice(weight(`attention.${side}.bias`), [k, 0], [1, width]),
    );
  // u = P_side P 1 / d_a: (d x d_a) (d_a x d_a), then the mean of each row, d x 1.
  const directionOf = (side: string, k: number): tf.Tensor2D => {
    const projected: tf.Tensor2D = tf.matMul(layer(weight(`projection.${side}`), k), P);
    return tf.mean(projected, 1, true) as tf.Tensor2D;
  };
  const meanTp = meanProjected("teacher", T, i);
  const t: tf.Tensor2D = tf.matMul(T, directionOf("teacher", i)); // T_i u_t: n x 1
  const direction = (j: number): tf.Tensor2D => directionOf("student", j);
  const score = (map: tf.Tensor2D, j: number): tf.Tensor1D => {
    const meanSp = meanProjected("student", map, j);
    const product: tf.Tensor2D = tf.matMul(meanTp, meanSp, false, true); // 1 x 1
    return tf.reshape(tf.div(product, Math.sqrt(width)), [1]) as tf.Tensor1D;
  };
  return {
    meanTp,
    projection: (j) => layer(weight("attention.student.weight"), j),
    scores: (S) => tf.concat1d(S.map(score)),
    direction,
    difference: (S, j) => tf.sub(t, tf.matMul(S[j]!, direction(j))),
  };
}

/**
 * Checks the proof's equations 7 and 8 against autograd, on ABKD as written.
 * @param pairs of a teacher's and a student's layer, from 1
 */
export function checkTerms(
  one: TheoremCase,
  pairs: readonly (readonly [teacherLayer: number, studentLayer: number])[],
): TermCheck[] {
  needArray(pairs, "checkTerms: pairs", "pairs of a teacher's and a student's layer, from 1");
  needObject(
    one,
    "checkTerms: one",
    "{ inputs, train, teacher, student, seed }",
    "inputs",
    "train",
    "teacher",
    "student",
  );
  let checks: TermCheck[] = [];
  tf.tidy(() => {
    const taught = shownBy(one.teacher, one.inputs);
    const abkd = distillation(one, taught, ABKD_AS_WRITTEN);
    checks = pairs.map(([teacherLayer, studentLayer]) => {
      const i = teacherLayer - 1;
      const row = teacherRow(abkd, layer(taught.maps, i), i);
      return { teacherLayer, studentLayer, ...checkPair(one, row, studentLayer - 1) };
    });
    abkd.dispose();
  });
  return checks;
}

/** Goes through the proof for teacher layer i, whose row is given, and student layer j, in its order. */
function checkPair(
  one: TheoremCase,
  row: TeacherRow,
  j: number,
): Omit<TermCheck, "teacherLayer" | "studentLayer"> {
  const W = convolution(one.student, j); // W_j: d_s x d_s
  const maps = (): tf.Tensor2D[] => layersOf(shownBy(one.student, one.inputs).maps); // L_s of n x d_s
  const gradient = (f: (S: readonly tf.Tensor2D[]) => tf.Scalar): tf.Tensor2D =>
    tf.variableGrads(() => f(maps()), [W]).grads[W.name] as tf.Tensor2D; // d_s x d_s
  const pick = (x: tf.Tensor1D): tf.Scalar => tf.reshape(tf.slice(x, j, 1), []) as tf.Scalar;
  const S = maps();

  // L_ij = A_ij D_ij, two scalars.
  const A = (s: readonly tf.Tensor2D[]): tf.Scalar => pick(tf.softmax(row.scores(s)));
  const D = (s: readonly tf.Tensor2D[]): tf.Scalar =>
    tf.sum(tf.square(row.difference(s, j))) as tf.Scalar;
  const [a, d] = [A(S).dataSync()[0]!, D(S).dataSync()[0]!];

  // Eq. 7: dL_ij/dW_j = dA_ij/dW_j D_ij + dD_ij/dW_j A_ij, each d_s x d_s.
  const dA = gradient(A);
  const dD = gradient(D);
  const [first, second] = [tf.mul(dA, d), tf.mul(dD, a)];
  const dL = gradient((s) => tf.mul(A(s), D(s)));

  // Eq. 8, the derivative of the score before softmax: (theta Z' 1 / n) (1' T_i^p / n (W_j^ps)') / sqrt(d_a).
  const Z = tf.mul(aggregated(one, S)[j]!, theta(one.student, j)) as tf.Tensor2D; // theta Z: n x d_s
  const back: tf.Tensor2D = tf.matMul(row.meanTp, row.projection(j), false, true); // 1 x d_s
  const equation8 = tf.div(tf.matMul(mean0(Z), back, true), Math.sqrt(row.meanTp.shape[1]));
  const dScore = gradient((s) => pick(row.scores(s)));

  // The second term, which the proof leaves aside: dD_ij/dW_j = -2 theta Z' (T_i u_t - S_j u_s) u_s'.
  const outer: tf.Tensor2D = tf.matMul(row.difference(S, j), row.direction(j), false, true); // n x d_s
  const byHand = tf.mul(tf.matMul(Z, outer, true), -2);

  const [n1, n2] = [norm(first), norm(second)];
  return {
    attention: a,
    dissimilarity: d,
    productRule: error(tf.add(first, second), dL),
    equation8: error(equation8, dScore),
    dissimilarityTerm: error(byHand, dD),
    // "~" in eq. 8: dA_ij is A_ij (1 - A_ij) times the score's derivative, but for the later layers' scores.
    leftOut: error(tf.mul(equation8, a * (1 - a)), dA),
    attentionShare: n1 / (n1 + n2),
  };
}

/**
 * The norm of the change to a teacher's weights that shows what depends on them. A change relative to the
 * weights would say nothing, for training drives most of GCNII's to zero.
 */
const CHANGE = 1;

/** A gradient that changes by a smaller share of itself than this shows only rounding in 32 bits. */
export const REACH_NOISE = 1e-6;

/** ABKD as written, SoftKD, the part of ABKD's loss that contains one teacher layer, or any method's loss. */
export type ReachOf = "abkd" | "softkd" | "abkd-row" | MethodLoss;

const methodLoss = (loss: ReachOf): MethodLoss => {
  if (typeof loss === "object") return loss;
  return loss === "softkd" ? { method: "softkd" } : ABKD_AS_WRITTEN;
};

/**
 * Measures how much the gradient of a loss by each student convolution changes with each teacher convolution:
 * |dg| / |g| for a change of norm 1 to the teacher's weights, 0 if nothing arrives.
 *
 * @param layers teacher layers whose weights are changed, counted from 1
 * @param row for "abkd-row": the teacher layer i whose losses L_i1 .. L_iS are summed
 * @returns one row per teacher layer, one column per student layer
 */
export function teacherReach(
  one: TheoremCase,
  loss: ReachOf,
  layers: readonly number[],
  row?: number,
): number[][] {
  needArray(layers, "teacherReach: layers", "the teacher's layers, from 1");
  needObject(
    one,
    "teacherReach: one",
    "{ inputs, train, teacher, student, seed }",
    "inputs",
    "train",
    "teacher",
    "student",
  );
  return teacherReaches(one, [loss], layers, row)[0]!;
}

/** Does the same for several losses, computing each changed teacher once; returns one matrix per loss. */
export function teacherReaches(
  one: TheoremCase,
  losses: readonly ReachOf[],
  layers: readonly number[],
  row?: number,
): number[][][] {
  const gradients = (): tf.Tensor[][] => {
    const taught = shownBy(one.teacher, one.inputs);
    return losses.map((loss) => studentGradients(one, taught, loss, row));
  };
  return tf.tidy(() => {
    const before = gradients();
    const change = (after: tf.Tensor, from: tf.Tensor): number => {
      const size = norm(from);
      return size === 0 ? 0 : norm(tf.sub(after, from)) / size;
    };
    // A deep teacher's maps are 44 MB on Cora, so each change's are freed before the next are made.
    const byLayer = layers.map((k) =>
      tf.tidy(() =>
        withChange(convolution(one.teacher, k - 1), k, () =>
          gradients().map((all, l) => all.map((after, j) => change(after, before[l]![j]!))),
        ),
      ),
    );
    return losses.map((_, l) => byLayer.map((all) => all[l]!));
  });
}

/** Returns the gradients of a loss by each of the student's convolutions, L_s matrices of d_s x d_s. */
function studentGradients(
  one: TheoremCase,
  taught: Shown,
  loss: ReachOf,
  row?: number,
): tf.Tensor[] {
  const { student, inputs } = one;
  const method = distillation(one, taught, methodLoss(loss));
  try {
    const variables = Array.from({ length: student.config.layers }, (_, j) =>
      convolution(student, j),
    );
    const { grads } = tf.variableGrads(() => {
      if (loss === "abkd-row") {
        return rowLoss(taught, method, layersOf(shownBy(student, inputs).maps), row! - 1);
      }
      return method.loss(student.forward(inputs, { reads: method.reads }), tf.scalar(0), 0);
    }, variables);
    return variables.map(({ name }) => grads[name]!);
  } finally {
    method.dispose();
  }
}

/** Calls `look` while a change of norm 1, the same for the same seed, is added to the weights. */
function withChange<R>(variable: tf.Variable, seed: number, look: () => R): R {
  const kept = tf.clone(variable);
  const noise = tf.randomUniform(variable.shape, -1, 1, "float32", seed);
  variable.assign(tf.add(kept, tf.mul(noise, CHANGE / norm(noise))));
  try {
    return look();
  } finally {
    variable.assign(kept);
  }
}

/** L_i = sum_j A_ij D_ij / L_s, the part of ABKD's loss that contains teacher layer i, by its own weights. */
function rowLoss(
  { maps }: Shown,
  abkd: Distillation,
  S: readonly tf.Tensor2D[],
  i: number,
): tf.Scalar {
  const { scores, difference } = teacherRow(abkd, layer(maps, i), i);
  const A = tf.softmax(scores(S)); // L_s
  const D = tf.concat1d(
    S.map((_, j) => tf.reshape(tf.sum(tf.square(difference(S, j))), [1]) as tf.Tensor1D),
  );
  return tf.div(tf.sum(tf.mul(A, D)), S.length) as tf.Scalar;
}
