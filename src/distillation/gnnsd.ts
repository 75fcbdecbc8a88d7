// GNN-SD, self-distillation: a model's deeper layers keep as much difference between neighbours as the ones before.
// Chen, Bian, Xiao, Rong, Xu, Huang: On Self-Distilling Graph Neural Network, IJCAI 2021. No code is public, and
// the exact form was not at hand: this is a reconstruction, and no verdict about the paper rests on it.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../models/model.ts";
import { unitRows } from "../tensor/ops/rows.ts";
import { type SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import { comparedLayers } from "./compared-layers.ts";
import { detached } from "./detached.ts";
import type { Method } from "./method.ts";
import { Objective, type Term } from "./objective.ts";

export type GnnSdOptions = { readonly gamma: number };

/** With fewer layers there is nothing to keep. */
const FEWEST = 2;

/**
 *     L = H(y, s) + gamma sum over layers l >= l* of [|d_l| > |d_l+1|] mean over nodes of (d_l+1 - d_l)^2
 *     d_l(v) = 1 - cos(h_l(v), (P h_l)(v)),  l* = the layer whose d is largest
 *
 * d, the neighbourhood discrepancy rate, is how far a node is from its neighbourhood; d_l is a constant here. h are
 * the hidden layers after their activation, [x] is 1 where x holds. Ours: the mean over nodes, P with its self loops, that
 * the logits are no layer, and gamma's default.
 */
export const gnnsd: Method<GnnSdOptions, never> = {
  name: "gnnsd",
  label: "GNN-SD (reconstructed)",
  role: "apart",
  summary: "no teacher: deeper layers keep the difference between neighbours (a reconstruction)",
  source: "Chen et al.: On Self-Distilling Graph Neural Network, IJCAI 2021",
  version: 1,
  needsTeacher: false,
  labelSets: true,
  byBatch: "arcs",
  defaults: { gamma: 1 },
  options: {
    gamma: { kind: "number", min: 0, description: "weight of what deeper layers lose" },
  },
  presets: {},
  checkStudent: (student) => void comparedLayers("gnnsd", student, FEWEST),
  create({ graph, student }, { gamma }) {
    const count = comparedLayers("gnnsd", student, FEWEST);
    const all = (own: Outputs, { adjacency } = graph): tf.Tensor1D[] =>
      Array.from({ length: count }, (_, layer) =>
        discrepancies(adjacency, own.layers!.activated(layer)),
      );
    const term: Term = {
      parameters: [],
      reads: "layers",
      value(own, _step, batch) {
        const rates = all(own, batch?.graph);
        const lengths = rates.map(lengthOf);
        const first = lengths.indexOf(Math.max(...lengths));
        const lost = rates.flatMap((rate, layer) => {
          const next = rates[layer + 1];
          if (!next || layer < first || !(lengths[layer]! > lengths[layer + 1]!)) return [];
          return [tf.mean(tf.square(tf.sub(next, detached(rate)))) as tf.Scalar];
        });
        return lost.length > 0 ? tf.addN(lost) : tf.scalar(0);
      },
      inspect: (own) => ({
        scalars: Object.fromEntries(
          tf
            .tidy(() => all(own).map(lengthOf))
            .map((length, k) => [`discrepancy.layer${k + 1}`, length]),
        ),
        matrices: {},
        warnings: [],
      }),
      dispose() {},
    };
    return new Objective(1, { weight: gamma, term });
  },
};

const lengthOf = (rate: tf.Tensor1D): number =>
  Math.sqrt(rate.dataSync<"float32">().reduce((sum, x) => sum + x * x, 0));

/** 1 - cos of each node's map and its neighbourhood's, [nodes]; 1 where either is zero. */
function discrepancies(adjacency: SparseMatrix, map: tf.Tensor2D): tf.Tensor1D {
  const cosines = tf.sum(tf.mul(unitRows(map), unitRows(spmm(adjacency, map))), 1);
  return tf.sub(1, cosines) as tf.Tensor1D;
}
