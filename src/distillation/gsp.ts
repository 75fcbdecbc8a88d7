// GSP, global structure preserving: the similarities of all pairs of sampled nodes.
// Joshi et al.: On Representation Knowledge Distillation for GNNs, TNNLS 2022; kernels, sample sizes
// and weights as in chaitjo/efficient-gnns.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../models/model.ts";
import { takeRows, unitRows } from "../tensor/ops/rows.ts";
import { similarities, similarityMismatch } from "../tensor/ops/similarity.ts";
import type { TaughtScene } from "./method.ts";
import type { Term } from "./objective.ts";
import { perBatch } from "./per-batch.ts";
import { hiddenOf, KERNELS, type Kernel, rival, softMixture } from "./rival.ts";
import { heldMatrix, keepsMatrix, sampleNodes } from "./sample.ts";

export type GspOptions = { readonly kernel: Kernel; readonly sample: number };

/**
 *     L_gsp = 1 / m^2 sum over i, j of (k(s_i, s_j) - k(t_i, t_j))^2
 *
 * over m nodes drawn at each step, or all nodes (of the graph or the batch) if there are no more; t and s
 * are the rows of the last hidden maps after their activation. There is no projection, because k compares a
 * side with itself (the reference projects on ogbn-arxiv, not on ogbn-mag).
 *
 * The cosine collapses to the maps' Gram matrices and visits no pair. The others visit all m^2 pairs
 * of the student; the teacher's are computed once if the graph has at most 4,096 nodes, else at each
 * step. docs/performance.md says what a step costs.
 */
export const gsp = rival<GspOptions, "poly" | "l2" | "rbf" | "soft-labels">({
  name: "gsp",
  label: "GSP",
  place: 4,
  summary: "global structure: the similarities of all pairs of nodes in a sample",
  source: "Joshi et al.: On Representation Knowledge Distillation for GNNs, TNNLS 2022",
  version: 1,
  teacherParts: () => ["hidden"],
  defaults: { beta: 100, kernel: "cosine", sample: 4096 },
  options: {
    kernel: {
      kind: "choice",
      choices: KERNELS,
      symbol: "k",
      description:
        "similarity of two nodes: cosine; poly, its square; l2, their distance; " +
        "rbf, exp(-distance^2 / 2); each has its own scale, so each has a preset with its beta",
    },
    sample: {
      kind: "number",
      min: 1,
      whole: true,
      symbol: "m",
      description: "nodes drawn at each step; all if the graph has no more",
    },
  },
  presets: {
    // The reference's weight and sample size for each kernel on ogbn-arxiv.
    poly: { kernel: "poly", beta: 100, sample: 4096 },
    l2: { kernel: "l2", beta: 1, sample: 2048 },
    rbf: { kernel: "rbf", beta: 1e5, sample: 2048 },
    "soft-labels": { beta: 10, ...softMixture },
  },
  holds({ kernel, sample }, _teacher, _student, nodes) {
    if (kernel === "cosine") return { trained: 0, start: 0, step: 0 };
    return heldMatrix(nodes, sample);
  },
  byBatch: true,
  term: (scene, options) => perBatch(scene, (own) => similarityTerm(own, options)),
});

/** The term on one graph. */
function similarityTerm(
  { teacher, seed }: Pick<TaughtScene, "teacher" | "seed">,
  { kernel, sample }: GspOptions,
): Term {
  const hidden = tf.tidy(() => prepared(hiddenOf(teacher), kernel));
  const nodes = hidden.shape[0];
  const draw: Draw = (step) =>
    sample >= nodes ? undefined : sampleNodes(nodes, sample, { seed, stream: "gsp", step });
  return kernel === "cosine"
    ? collapsedCosine(hidden, draw)
    : allPairs(hidden, kernel, keepsMatrix(nodes, sample), draw);
}

/** Returns the nodes of a step, or undefined for all. */
type Draw = (step: number) => Int32Array | undefined;

/** Returns the rows whose dot products or distances the kernel takes. */
function prepared(hidden: tf.Tensor2D, kernel: Kernel): tf.Tensor2D {
  return kernel === "cosine" || kernel === "poly" ? unitRows(hidden) : hidden;
}

const taken = (x: tf.Tensor2D, chosen: Int32Array | undefined): tf.Tensor2D =>
  chosen ? takeRows(x, chosen) : x;

/** Computes |S S' - T T'|^2 = |S' S|^2 + |T' T|^2 - 2 |S' T|^2 with unit rows S and T. */
function collapsedCosine(teacher: tf.Tensor2D, draw: Draw): Term {
  const square = (a: tf.Tensor2D, b: tf.Tensor2D): tf.Scalar => {
    const product = tf.matMul(a, b, true, false);
    return tf.sum(tf.mul(product, product));
  };
  const all = draw(0) ? undefined : tf.tidy(() => square(teacher, teacher));
  return {
    parameters: [],
    value(outputs, step) {
      const chosen = draw(step);
      const s = taken(unitRows(outputs.hidden!), chosen);
      const t = taken(teacher, chosen);
      const own = tf.add(square(s, s), all ?? square(t, t));
      return tf.mul(tf.sub(own, tf.mul(square(s, t), 2)), 1 / s.shape[0] ** 2);
    },
    dispose: () => tf.dispose([teacher, ...(all ? [all] : [])]),
  };
}

/** @param kept whether the teacher's matrix is computed once */
function allPairs(
  teacher: tf.Tensor2D,
  kernel: Exclude<Kernel, "cosine">,
  kept: boolean,
  draw: Draw,
): Term {
  const all = kept ? similarities(teacher, kernel) : undefined;
  return {
    parameters: [],
    value(outputs: Outputs, step) {
      const chosen = draw(step);
      const s = taken(prepared(outputs.hidden!, kernel), chosen);
      if (all) return similarityMismatch(s, all, kernel, chosen);
      return similarityMismatch(s, similarities(taken(teacher, chosen), kernel), kernel);
    },
    dispose: () => tf.dispose([teacher, ...(all ? [all] : [])]),
  };
}
