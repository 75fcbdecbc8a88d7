// LSP, local structure preserving: how similar each node is to each of its neighbours.
// Yang et al.: Distilling Knowledge from Graph Convolutional Networks, CVPR 2020; kernels, loss and
// weights as in chaitjo/efficient-gnns.
import * as tf from "@tensorflow/tfjs";
import { Arcs, arcCrossEntropy, arcDistances, arcDots, arcSoftmax } from "../tensor/ops/arcs.ts";
import { mapElements } from "../tensor/ops/elements.ts";
import { unitRows } from "../tensor/ops/rows.ts";
import type { TaughtScene } from "./method.ts";
import type { Term } from "./objective.ts";
import { perBatch } from "./per-batch.ts";
import { hiddenOf, KERNELS, type Kernel, rival, softMixture } from "./rival.ts";

export type LspOptions = { readonly kernel: Kernel };

/**
 *     L_lsp = 1 / |arcs| sum over arcs (i, j) of p_ij log(p_ij / q_ij)
 *     p_i. = softmax over i's neighbours j of k(t_i, t_j), q_i. of k(s_i, s_j)
 *
 * over all arcs, in both directions, without self loops; t and s are the rows of the last hidden maps
 * after their activation. There is no projection, because k compares a side with itself.
 */
export const lsp = rival<LspOptions, "soft-labels">({
  name: "lsp",
  label: "LSP",
  place: 3,
  summary: "local structure: each node's similarities to its neighbours, as a distribution",
  source: "Yang et al.: Distilling Knowledge from Graph Convolutional Networks, CVPR 2020",
  version: 1,
  teacherParts: () => ["hidden"],
  defaults: { beta: 100, kernel: "cosine" },
  options: {
    kernel: {
      kind: "choice",
      choices: KERNELS,
      symbol: "k",
      description:
        "similarity of two neighbours: cosine; poly, its square; l2, their distance; " +
        "rbf, exp(-distance^2 / 2)",
    },
  },
  presets: { "soft-labels": { beta: 100, ...softMixture } },
  byBatch: "arcs",
  term: (scene, { kernel }) => perBatch(scene, (own) => divergenceTerm(own, kernel)),
});

/** The term on one graph. */
function divergenceTerm({ teacher, graph }: TaughtScene, kernel: Kernel): Term {
  const arcs = Arcs.from(graph.adjacency.host);
  const target = tf.tidy(() => arcSoftmax(arcs, scores(arcs, hiddenOf(teacher), kernel)));
  const entropy = target
    .dataSync<"float32">()
    .reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
  return {
    parameters: [],
    value({ hidden }) {
      const own = scores(arcs, hidden!, kernel);
      const divergence = tf.sub(arcCrossEntropy(arcs, own, target), entropy);
      return tf.mul(divergence, 1 / Math.max(1, arcs.count));
    },
    dispose() {
      arcs.dispose();
      target.dispose();
    },
  };
}

/** Returns k of each arc's two ends. */
function scores(arcs: Arcs, hidden: tf.Tensor2D, kernel: Kernel): tf.Tensor1D {
  if (kernel === "cosine" || kernel === "poly") {
    const cosines = arcDots(arcs, unitRows(hidden));
    return kernel === "cosine" ? cosines : (tf.mul(cosines, cosines) as tf.Tensor1D);
  }
  const distances = arcDistances(arcs, hidden);
  return kernel === "l2"
    ? mapElements(distances, Math.sqrt, (_, root) => (root > 0 ? 0.5 / root : 0))
    : mapElements(
        distances,
        (square) => Math.exp(-0.5 * square),
        (_, k) => -0.5 * k,
      );
}
