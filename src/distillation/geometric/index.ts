// Geometric KD: pulls the student's neural heat kernel between all pairs of nodes towards the teacher's.
// Yang, Wu, Yan: Geometric Knowledge Distillation: Topology Compression for Graph Neural Networks;
// kernels, losses and weights as in chr26195/GKD.
import * as tf from "@tensorflow/tfjs";
import { perBatch } from "../per-batch.ts";
import { hiddenOf, rival, softMixture } from "../rival.ts";
import { heldMatrix } from "../sample.ts";
import { standardised } from "../standardised.ts";
import { featuresTerm, heldFeatures } from "./features.ts";
import { pairsTerm } from "./pairs.ts";

export type GeometricOptions = {
  readonly kernel: "gaussian" | "sigmoid" | "random" | "parametric";
  readonly t: number;
  readonly delta: number;
  readonly sample: number;
  readonly features: number;
  readonly draws: number;
  readonly learningRate: number | null;
};

/**
 *     L_gkd = sum over i, j of w_ij (K_t - K_s)_ij^2,  w = 1 along arcs and for i = j, else delta
 *
 *     gaussian    K_ij = exp(-|x_i - x_j| / t)          (the paper squares the distance)
 *     sigmoid     K_ij = tanh(x_i . x_j)
 *     random      K = sum over a of e_a F_a F_a', F_a = tanh(x W_a); W_a and e_a normal, new at each step
 *     parametric  K = F F', F = tanh(x phi); phi learns to rebuild x_first from K x_last
 *
 * x are the last hidden maps after their activation, each column standardised (the reference's BatchNorm without
 * weights). The student's is projected to the teacher's width for random and parametric, whose W and
 * phi serve both sides. The published beta is for a student with batch normalisation and the
 * teacher's width: our 4-wide students train at 1e-7 or less (Gaussian, sigmoid) or 1e-12 or less
 * (random, parametric; docs/recipes.md). The loss is a sum, not a mean, so beta counts once per pair.
 *
 * The parametric kernel differs from the reference's in three inputs. There x is Â ReLU(BN(.)): the last
 * hidden map propagated once more, as its output layer does, and not standardised after that. The same
 * holds for x_last in phi's own loss. Here both are the last hidden map itself, standardised, as for the
 * other kernels. And x_first, standardised on both sides, is the input layer's output there and the
 * first layer's map after its activation here.
 *
 * Random and parametric collapse exactly to Gram matrices of all nodes' features; gaussian and sigmoid
 * visit all pairs of `sample` nodes drawn at each step. Up to 4,096 nodes, the teacher's kernel is
 * computed only once. docs/performance.md says what a step costs.
 */
export const geometric = rival<
  GeometricOptions,
  "gaussian" | "random" | "parametric" | "soft-labels"
>({
  name: "geometric",
  label: "Geometric KD",
  place: 7,
  summary: "Geometric KD: heat kernels between all pairs of nodes, pulled towards the teacher's",
  source: "Yang, Wu, Yan: Geometric Knowledge Distillation, NeurIPS 2022",
  version: 1,
  byBatch: "arcs",
  teacherParts: ({ kernel }) => (kernel === "parametric" ? ["hidden", "layers"] : ["hidden"]),
  defaults: {
    beta: 0.5,
    hardWeight: 0.5,
    kernel: "sigmoid",
    t: 1,
    delta: 0.1,
    sample: 2048,
    features: 2,
    draws: 1,
    learningRate: 0.001,
  },
  options: {
    kernel: {
      kind: "choice",
      choices: ["gaussian", "sigmoid", "random", "parametric"],
      symbol: "K",
      description: "the neural heat kernel",
    },
    t: {
      kind: "number",
      min: 0,
      above: true,
      symbol: "t",
      description: "the Gaussian kernel's time: distances are divided by it",
    },
    delta: {
      kind: "number",
      min: 0,
      symbol: "delta",
      description: "weight of pairs that no arc joins; 1 along arcs",
    },
    sample: {
      kind: "number",
      min: 2,
      whole: true,
      description:
        "nodes drawn at each step for the Gaussian and sigmoid kernels; the others take all",
    },
    features: {
      kind: "number",
      min: 1,
      whole: true,
      symbol: "s",
      description: "random and parametric: features per column of the teacher's map",
    },
    draws: {
      kind: "number",
      min: 1,
      whole: true,
      symbol: "m",
      description: "random: matrices drawn at each step",
    },
    learningRate: {
      kind: "number",
      min: 0,
      above: true,
      none: "the student's",
      description: "random and parametric: learning rate of the projection and of phi",
    },
  },
  presets: {
    gaussian: { kernel: "gaussian" },
    random: { kernel: "random" },
    parametric: { kernel: "parametric" },
    "soft-labels": softMixture,
  },
  holds({ kernel, ...options }, teacher, _student, nodes) {
    return kernel === "random" || kernel === "parametric"
      ? heldFeatures({ ...options, kernel }, teacher.hidden, nodes)
      : heldMatrix(nodes, options.sample);
  },
  term(scene, options) {
    const { kernel } = options;
    if (kernel === "random" || kernel === "parametric") {
      return featuresTerm(scene, { ...options, kernel });
    }
    return perBatch(scene, ({ teacher, graph, seed }) => {
      const hidden = tf.tidy(() => standardised(hiddenOf(teacher)));
      const term = pairsTerm(hidden, graph, { ...options, kernel }, seed);
      hidden.dispose();
      return term;
    });
  },
});
