// Alignahead: students without a teacher, each of whose layers learns how the layer before it sees the
// neighbourhoods in the other students.
// Guo, Chen, Wang: Alignahead: Online Cross-Layer Knowledge Extraction on Graph Neural Networks, IJCNN 2022;
// measures and weights as in GuoJY-eatsTG/Alignahead.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../models/model.ts";
import { Arcs, arcAbsoluteDistances, arcCrossEntropy, arcSoftmax } from "../tensor/ops/arcs.ts";
import { mapElements } from "../tensor/ops/elements.ts";
import { comparedLayers } from "./compared-layers.ts";
import type { Method, Scene } from "./method.ts";
import { Objective, type Term } from "./objective.ts";
import { perBatch } from "./per-batch.ts";

export type AlignaheadOptions = {
  readonly students: number;
  readonly a: number;
  readonly align: "ahead" | "same";
};

/** What divides a distance: at the reference's widths, distances are some tens. */
const SCALE = 100;

/**
 * Student k, in its turn:
 *
 *     L_k = H(y, s_k) + a / (n - 1) sum over peers p and layers i of KL_i
 *     KL_i = 1 / N sum over nodes v, arcs (v, u) of P_uv log(P_uv / Q_uv)
 *     P_v. = softmax over v's neighbours u of exp(-|h_u - h_v|_1 / 100), h: the peer's layer i, a constant
 *     Q_v.: the same of the student's layer i + 1; of its first layer for the peer's last
 *
 * Layers are the hidden ones, before normalisation and activation. `align: "same"` compares equal layers instead, the
 * paper's baseline OC. All students start from the same weights. As in this project's LSP, a node is not its own
 * neighbour.
 */
export const alignahead: Method<AlignaheadOptions, "one-to-one"> = {
  name: "alignahead",
  label: "Alignahead",
  role: "apart",
  summary: "no teacher: students learn each other's local structures, a layer ahead",
  source: "Guo, Chen, Wang: Alignahead, IJCNN 2022",
  version: 1,
  needsTeacher: false,
  labelSets: true,
  turns: true,
  byBatch: "arcs",
  defaults: { students: 3, a: 1, align: "ahead" },
  options: {
    students: {
      kind: "number",
      min: 2,
      max: 6,
      whole: true,
      symbol: "n",
      description: "number of students",
    },
    a: { kind: "number", min: 0, symbol: "a", description: "weight of the local structures" },
    align: {
      kind: "choice",
      choices: ["ahead", "same"],
      description: "a layer learns from the peers' layer before it, or from the same (OC)",
    },
  },
  presets: { "one-to-one": { align: "same" } },
  students: ({ students }) => students,
  checkStudent: (student) => void comparedLayers("alignahead", student, 1),
  create(scene, { a, align }) {
    const term = perBatch<Scene>(scene, (own) => structuresTerm(own, align));
    return new Objective(1, { weight: a, term });
  },
};

/** The term on one graph. */
function structuresTerm(
  { graph, student }: Pick<Scene, "graph" | "student">,
  align: AlignaheadOptions["align"],
): Term {
  const count = comparedLayers("alignahead", student, 1);
  const arcs = Arcs.from(graph.adjacency.host);
  // The peer's layer i teaches the student's layer i + 1, or i.
  const shift = align === "ahead" ? 1 : 0;
  const divergences = (own: Outputs): tf.Scalar[] => {
    const peers = own.peers ?? [];
    return Array.from({ length: count }, (_, i) => {
      const scores = similarities(arcs, own.layers!.at((i + shift) % count));
      const each = peers.map(({ layers }) => divergence(arcs, scores, layers!.at(i)));
      return tf.mul(tf.addN(each), 1 / peers.length);
    });
  };
  return {
    parameters: [],
    reads: "layers",
    value: (own) => tf.addN(divergences(own)),
    inspect: (own) => ({
      scalars: Object.fromEntries(
        tf.tidy(() =>
          divergences(own).map((kl, i) => [
            `kl.layer${((i + shift) % count) + 1}`,
            kl.dataSync()[0]!,
          ]),
        ),
      ),
      matrices: {},
      warnings:
        count === 1
          ? [
              "the students have one hidden layer: there is no layer ahead, both alignments are the same",
            ]
          : [],
    }),
    dispose: () => arcs.dispose(),
  };
}

/** exp(-|h_u - h_v|_1 / 100) of each arc. */
function similarities(arcs: Arcs, map: tf.Tensor2D): tf.Tensor1D {
  return mapElements(
    arcAbsoluteDistances(arcs, map),
    (distance) => Math.exp(-distance / SCALE),
    (_, similarity) => -similarity / SCALE,
  );
}

/** The mean over nodes of KL(softmax of the peer's similarities || softmax of these). */
function divergence(arcs: Arcs, scores: tf.Tensor1D, peer: tf.Tensor2D): tf.Scalar {
  const target = arcSoftmax(arcs, similarities(arcs, peer));
  const entropy = target
    .dataSync<"float32">()
    .reduce((sum, p) => sum - (p > 0 ? p * Math.log(p) : 0), 0);
  return tf.mul(tf.sub(arcCrossEntropy(arcs, scores, target), entropy), 1 / arcs.nodes);
}
