// FitNet: the student's last hidden map, projected, regressed on the teacher's.
// Romero et al.: FitNets, ICLR 2015; loss and weights as in chaitjo/efficient-gnns.
import { meanSquaredError } from "../tensor/ops/loss.ts";
import { unitRows } from "../tensor/ops/rows.ts";
import { Projection } from "./projection.ts";
import { rival, softMixture } from "./rival.ts";
import { TeacherSide } from "./teacher.ts";

/**
 *     L_fitnet = mean over nodes and d_t of (u(h_s W + b) - u(h_t))^2,  u(x) = x / |x|
 *
 * over all n nodes, where h are the last hidden maps after their activation. The reference sends both sides
 * through Linear, BatchNorm and ReLU; here the teacher's side is the map itself (docs/decisions.md).
 */
export const fitnet = rival({
  name: "fitnet",
  label: "FitNet",
  place: 1,
  summary: "FitNet: the last hidden map, projected, regressed on the teacher's, node by node",
  source: "Romero et al.: FitNets, ICLR 2015",
  version: 1,
  teacherParts: () => ["hidden"],
  byBatch: true,
  defaults: { beta: 1000 },
  options: {},
  presets: { "soft-labels": { beta: 100, ...softMixture } },
  term({ teacher, student, seed }) {
    const side = new TeacherSide(teacher, "hidden", ({ hidden }) => unitRows(hidden!));
    const projection = new Projection("projection", student.hidden, teacher.outline.hidden, seed);
    return {
      parameters: projection.parameters,
      value: ({ hidden }, _step, batch) =>
        meanSquaredError(unitRows(projection.apply(hidden!)), side.of(batch?.nodes)),
      dispose() {
        side.dispose();
        projection.dispose();
      },
    };
  },
});
