// FitNet: the student's last hidden map, projected, regressed on the teacher's.
// Romero et al.: FitNets, ICLR 2015; loss and weights as chaitjo/efficient-gnns has them.
import * as tf from "@tensorflow/tfjs";
import type { Outputs } from "../models/model.ts";
import { meanSquaredError } from "../tensor/ops/loss.ts";
import { unitRows } from "../tensor/ops/rows.ts";
import type { Method } from "./method.ts";
import { Projection } from "./projection.ts";
import {
  hiddenOf,
  Rival,
  type RivalOptions,
  rivalDefaults,
  rivalTable,
  withSoftLabels,
} from "./rival.ts";

export type FitNetOptions = RivalOptions;

/**
 *     L_fitnet = mean over nodes and d_t of (u(h_s W + b) - u(h_t))^2,  u(x) = x / |x|
 *
 * over all n nodes, with h the last hidden maps after their activation. The reference sends both sides through
 * Linear, BatchNorm and ReLU; here the teacher's side is its map itself (docs/decisions.md).
 */
export const fitnet: Method<FitNetOptions, "soft-labels"> = {
  name: "fitnet",
  summary: "FitNet: the last hidden map, projected, regressed on the teacher's, node by node",
  version: 1,
  needsTeacher: true,
  defaults: { beta: 1000, ...rivalDefaults },
  options: rivalTable,
  presets: { "soft-labels": { beta: 100, ...withSoftLabels } },
  create({ teacher, student, seed }, options) {
    const target = tf.tidy(() => unitRows(hiddenOf(teacher)));
    const projection = new Projection("projection", student.hidden, target.shape[1], seed);
    const term = {
      parameters: projection.parameters,
      value: (outputs: Outputs) =>
        meanSquaredError(unitRows(projection.apply(outputs.hidden!)), target),
      dispose() {
        target.dispose();
        projection.dispose();
      },
    };
    return new Rival(term, teacher, options);
  },
};
