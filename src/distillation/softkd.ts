// SoftKD: the teacher's class probabilities as soft labels (Hinton et al. 2015; eq. 1).
import type { Method } from "./method.ts";
import { Objective, weightOptions } from "./objective.ts";
import { type Divergence, SoftLabels } from "./soft-labels.ts";

export type SoftKdOptions = {
  readonly hardWeight: number;
  readonly alpha: number;
  readonly temperature: number;
  readonly divergence: Divergence;
};

/**
 *     L = hardWeight H(s_p, y) + alpha T^2 divergence(softmax(t / T), softmax(s / T))
 *
 * where the first term is over the labelled training nodes, the second over all nodes.
 */
export const softkd: Method<SoftKdOptions, "equation-1" | "temperature"> = {
  name: "softkd",
  label: "SoftKD",
  role: "control",
  look: { colour: "#d55e00", symbol: "square" },
  summary: "soft labels: the teacher's class probabilities, over all nodes (eq. 1)",
  source: "Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015",
  version: 1,
  needsTeacher: true,
  teacherParts: () => ["logits"],
  byBatch: true,
  defaults: { hardWeight: 0, alpha: 1, temperature: 1, divergence: "kl" },
  options: {
    hardWeight: {
      ...weightOptions.hardWeight,
      description: "weight of the cross-entropy on labels; 1 in eq. 1, 0 for soft labels only",
    },
    alpha: { ...weightOptions.softWeight, description: "weight of the soft labels" },
    temperature: weightOptions.temperature,
    divergence: {
      kind: "choice",
      choices: ["cross-entropy", "kl"],
      symbol: "H(s_p, t_p)",
      description: "H as in eq. 1, or minus the teacher's entropy: same gradient, 0 at a match",
    },
  },
  presets: {
    // Eq. 1; the paper does not state its alpha.
    "equation-1": { hardWeight: 1, alpha: 1, temperature: 1, divergence: "cross-entropy" },
    // The usual form, (1 - alpha) CE + alpha T^2 KL, with the numbers of chaitjo/efficient-gnns.
    temperature: { hardWeight: 0.1, alpha: 0.9, temperature: 4, divergence: "kl" },
  },
  create({ teacher }, { hardWeight, alpha, temperature, divergence }) {
    const term = new SoftLabels(teacher, temperature, divergence);
    return new Objective(hardWeight, { weight: alpha, term });
  },
};
