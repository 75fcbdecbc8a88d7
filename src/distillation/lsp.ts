// LSP, local structure preserving: how similar each node is to each of its neighbours.
// Yang et al.: Distilling Knowledge from Graph Convolutional Networks, CVPR 2020; kernels, loss and
// weights as chaitjo/efficient-gnns has them.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../models/model.ts";
import { Arcs, arcCrossEntropy, arcDistances, arcDots, arcSoftmax } from "../tensor/ops/arcs.ts";
import { mapElements } from "../tensor/ops/elements.ts";
import { unitRows } from "../tensor/ops/rows.ts";
import type { Method } from "./method.ts";
import {
  hiddenOf,
  KERNELS,
  type Kernel,
  Rival,
  type RivalOptions,
  rivalDefaults,
  rivalTable,
  withSoftLabels,
} from "./rival.ts";

export type LspOptions = RivalOptions & { readonly kernel: Kernel };

/**
 *     L_lsp = 1 / |arcs| sum over arcs (i, j) of p_ij log(p_ij / q_ij)
 *     p_i. = softmax over i's neighbours j of k(t_i, t_j), q_i. of k(s_i, s_j)
 *
 * over all arcs, both ways, without self loops; t and s are the rows of the last hidden maps after
 * their activation. No projection: k compares a side with itself.
 */
export const lsp: Method<LspOptions, "soft-labels"> = {
  name: "lsp",
  summary: "local structure: each node's similarities to its neighbours, as a distribution",
  version: 1,
  needsTeacher: true,
  defaults: { beta: 100, kernel: "cosine", ...rivalDefaults },
  options: {
    ...rivalTable,
    kernel: {
      kind: "choice",
      choices: KERNELS,
      symbol: "k",
      description:
        "similarity of two neighbours: cosine; poly, its square; l2, their distance; " +
        "rbf, exp(-distance^2 / 2)",
    },
  },
  presets: { "soft-labels": { beta: 100, ...withSoftLabels } },
  create({ teacher, graph }, options) {
    const { kernel } = options;
    const arcs = Arcs.from(graph.adjacency.host);
    const target = tf.tidy(() => arcSoftmax(arcs, scores(arcs, hiddenOf(teacher), kernel)));
    const entropy = target
      .dataSync<"float32">()
      .reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
    const term = {
      parameters: [],
      value(outputs: Outputs): tf.Scalar {
        const own = scores(arcs, outputs.hidden!, kernel);
        const divergence = tf.sub(arcCrossEntropy(arcs, own, target), entropy);
        return tf.mul(divergence, 1 / Math.max(1, arcs.count));
      },
      dispose() {
        arcs.dispose();
        target.dispose();
      },
    };
    return new Rival(term, teacher, options);
  },
};

/** k of every arc's two ends. */
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
