// Theorem 1 in numbers: eq. 7 term by term beside autograd, and which teacher weights reach which
// student weights. The paper's layer is Â H W; GCNII's, which runs here, is theta Z W + (1 - theta) Z
// with Z = (1 - alpha) P H + alpha H0, so that its derivative by W has theta Z' in place of (Â H)'.
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
  /** Of the projections. */
  readonly seed: number;
}

/** One pair of layers, counted from 1 as in the paper. Errors are |one - other| / |other|. */
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

const mean0 = (x: tf.Tensor2D): tf.Tensor2D => tf.mean(x, 0, true) as tf.Tensor2D;
const norm = (x: tf.Tensor): number => Math.sqrt(tf.sum(tf.square(x)).dataSync()[0]!);
const error = (one: tf.Tensor, other: tf.Tensor): number => norm(tf.sub(one, other)) / norm(other);

/** A layer's own matrix of a stack. */
const layer = (stack: tf.Tensor, k: number): tf.Tensor2D =>
  tf.squeeze(tf.slice(stack, [k], [1]), [0]) as tf.Tensor2D;

function convolution(model: Gcnii, k: number): tf.Variable {
  return model.parameters.find(({ name }) => name === `convolution.${k}.weight`)!.variable;
}

function theta(model: Gcnii, k: number): number {
  return Math.log(model.config.lambda / (k + 1) + 1);
}

/** A method's loss, as the check of a theorem takes it. */
export interface MethodLoss {
  readonly method: string;
  readonly preset?: string;
  /** Over the preset's, or the defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * Gives the method the teacher's first so many layers alone, so that one that reads the last hidden
   * map reads this layer's, as FitNet's hint of old.
   */
  readonly hint?: number;
}

/** The theorem holds for any d_a; a small one is quick. */
const EMBEDDING = 64;

/** ABKD as written, eqs. 3 to 5. */
export const ABKD_AS_WRITTEN: MethodLoss = {
  method: "abkd",
  preset: "literal",
  options: { embedding: EMBEDDING },
};

/** What a GCNII shows: its maps in one stack, and its logits. */
interface Shown {
  readonly maps: tf.Tensor3D;
  readonly logits: tf.Tensor2D;
}

function shownBy(model: Gcnii, inputs: GraphInputs): Shown {
  const { logits, layers } = model.forward(inputs, { reads: "layers" });
  return { maps: layers!.stack!, logits };
}

/** A method on what this teacher shows. Dispose of it. */
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

/** Z of each student layer: what its convolution's weights multiply. */
function aggregated({ inputs, student }: TheoremCase, maps: readonly tf.Tensor2D[]): tf.Tensor2D[] {
  const find = (name: string): tf.Variable =>
    student.parameters.find((parameter) => parameter.name === name)!.variable;
  const input = spmm(inputs.features, find("input.weight") as unknown as tf.Tensor2D);
  const first = tf.relu(tf.add(input, find("input.bias"))) as tf.Tensor2D;
  const { alpha } = student.config;
  return maps.map((_, j) => {
    const hidden = j === 0 ? first : (tf.relu(maps[j - 1]!) as tf.Tensor2D);
    return tf.add(tf.mul(spmm(inputs.adjacency, hidden), 1 - alpha), tf.mul(first, alpha));
  }) as tf.Tensor2D[];
}

/** @param pairs of layers, counted from 1 */
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
    const weight = (name: string): tf.Tensor =>
      abkd.parameters.find((parameter) => parameter.name === `abkd.${name}`)!.variable;
    const T = layersOf(taught.maps);
    const forward = (): tf.Tensor2D[] => layersOf(shownBy(one.student, one.inputs).maps);
    const P = weight("projection.subspace");
    const width = P.shape.at(-1)!;
    const vector = (side: string, k: number): tf.Tensor2D => {
      const p = tf.reshape(P, [width, width]) as tf.Tensor2D;
      const projected: tf.Tensor2D = tf.matMul(layer(weight(`projection.${side}`), k), p);
      return tf.mean(projected, 1, true) as tf.Tensor2D;
    };
    const embed = (side: string, map: tf.Tensor2D, k: number): tf.Tensor2D => {
      const product: tf.Tensor2D = tf.matMul(
        mean0(map),
        layer(weight(`attention.${side}.weight`), k),
      );
      return tf.add(product, tf.slice(weight(`attention.${side}.bias`), [k, 0], [1, width]));
    };
    checks = pairs.map(([teacherLayer, studentLayer]): TermCheck => {
      const [i, j] = [teacherLayer - 1, studentLayer - 1];
      const Tp = embed("teacher", T[i]!, i); // 1 x d_a, the paper's mean of T_i^p
      const [ut, us] = [vector("teacher", i), vector("student", j)];
      const scores = (S: readonly tf.Tensor2D[]): tf.Tensor1D =>
        tf.concat1d(
          S.map((map, k) => {
            const product: tf.Tensor2D = tf.matMul(Tp, embed("student", map, k), false, true);
            return tf.reshape(tf.div(product, Math.sqrt(width)), [1]) as tf.Tensor1D;
          }),
        );
      const at = (x: tf.Tensor1D): tf.Scalar => tf.reshape(tf.slice(x, j, 1), []) as tf.Scalar;
      const A = (S: readonly tf.Tensor2D[]): tf.Scalar => at(tf.softmax(scores(S)));
      const difference = (S: readonly tf.Tensor2D[]): tf.Tensor2D =>
        tf.sub(tf.matMul(T[i]!, ut), tf.matMul(S[j]!, us));
      const D = (S: readonly tf.Tensor2D[]): tf.Scalar =>
        tf.sum(tf.square(difference(S))) as tf.Scalar;
      const variable = convolution(one.student, j);
      const gradient = (f: (S: readonly tf.Tensor2D[]) => tf.Scalar): tf.Tensor2D =>
        tf.variableGrads(() => f(forward()), [variable]).grads[variable.name] as tf.Tensor2D;
      const S = forward();
      const [a, d] = [A(S).dataSync()[0]!, D(S).dataSync()[0]!];
      const dA = gradient(A);
      const dD = gradient(D);
      const [first, second] = [tf.mul(dA, d), tf.mul(dD, a)];
      const whole = gradient((maps) => tf.mul(A(maps), D(maps)));
      const Z = tf.mul(aggregated(one, S)[j]!, theta(one.student, j)) as tf.Tensor2D;
      const student: tf.Tensor2D = layer(weight("attention.student.weight"), j);
      const back: tf.Tensor2D = tf.matMul(Tp, student, false, true);
      const equation8 = tf.div(tf.matMul(mean0(Z), back, true), Math.sqrt(width));
      const back2: tf.Tensor2D = tf.matMul(difference(S), us, false, true);
      const byHand = tf.mul(tf.matMul(Z, back2, true), -2);
      const [n1, n2] = [norm(first), norm(second)];
      return {
        teacherLayer,
        studentLayer,
        attention: a,
        dissimilarity: d,
        productRule: error(tf.add(first, second), whole),
        equation8: error(
          equation8,
          gradient((maps) => at(scores(maps))),
        ),
        dissimilarityTerm: error(byHand, dD),
        leftOut: error(tf.mul(equation8, a * (1 - a)), dA),
        attentionShare: n1 / (n1 + n2),
      };
    });
    abkd.dispose();
  });
  return checks;
}

/**
 * By how much a teacher's weights are changed to see what depends on them: the norm of the change. One
 * that is relative to the weights would say nothing, for training drives most of GCNII's to zero.
 */
const CHANGE = 1;

/** A gradient that changes by less than this share of itself: rounding in 32 bits. */
export const REACH_NOISE = 1e-6;

/** ABKD as written, SoftKD, that part of ABKD's loss that has one teacher layer, or any method's. */
export type ReachOf = "abkd" | "softkd" | "abkd-row" | MethodLoss;

const methodLoss = (loss: ReachOf): MethodLoss => {
  if (typeof loss === "object") return loss;
  return loss === "softkd" ? { method: "softkd" } : ABKD_AS_WRITTEN;
};

/**
 * How the gradient of a loss by each student convolution changes with each teacher convolution:
 * |dg| / |g|, for a change of norm 1 of the teacher's weights. 0 where nothing arrives.
 *
 * @param layers teacher layers whose weights are changed, counted from 1
 * @param row for "abkd-row": the teacher layer i whose losses L_i1 .. L_iS are summed
 * @returns a row a teacher layer, a column a student layer
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

/** The same of several losses, for which each changed teacher is computed once; one matrix a loss. */
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
    // The maps of a deep teacher are 44 MB on Cora: each change's go before the next's are made.
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

/** Of a loss, by each of the student's convolutions. */
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

/** What `look` sees while a change of norm 1, the same for the same seed, is added to the weights. */
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

/** sum_j A_ij D_ij / S_l by the method's own weights. */
function rowLoss(
  { maps }: Shown,
  method: Distillation,
  S: readonly tf.Tensor2D[],
  i: number,
): tf.Scalar {
  const weight = (name: string): tf.Tensor =>
    method.parameters.find((parameter) => parameter.name === `abkd.${name}`)!.variable;
  const map = layer(maps, i);
  const P = layer(weight("projection.subspace"), 0);
  const d = P.shape[1];
  const linear = (side: string, x: tf.Tensor2D, k: number): tf.Tensor2D =>
    tf.add(
      tf.matMul(mean0(x), layer(weight(`attention.${side}.weight`), k)),
      tf.slice(weight(`attention.${side}.bias`), [k, 0], [1, d]),
    );
  const u = (side: string, k: number): tf.Tensor2D => {
    const projected: tf.Tensor2D = tf.matMul(layer(weight(`projection.${side}`), k), P);
    return tf.mean(projected, 1, true) as tf.Tensor2D;
  };
  const Tp = linear("teacher", map, i);
  const t: tf.Tensor2D = tf.matMul(map, u("teacher", i));
  const scores = S.map((s, k) => {
    const product: tf.Tensor2D = tf.matMul(Tp, linear("student", s, k), false, true);
    return tf.reshape(product, [1]) as tf.Tensor1D;
  });
  const A = tf.softmax(tf.div(tf.concat1d(scores), Math.sqrt(d)) as tf.Tensor1D);
  const D = tf.concat1d(
    S.map((s, k) => {
      const one: tf.Tensor2D = tf.matMul(s, u("student", k));
      return tf.reshape(tf.sum(tf.square(tf.sub(t, one))), [1]) as tf.Tensor1D;
    }),
  );
  return tf.div(tf.sum(tf.mul(A, D)), S.length) as tf.Scalar;
}
