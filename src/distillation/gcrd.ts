// G-CRD, graph contrastive representation distillation: each node's student embedding has to find
// the same node's teacher embedding among those of all nodes.
// Joshi et al.: On Representation Knowledge Distillation for GNNs, TNNLS 2022; heads, sample size and
// weights as in chaitjo/efficient-gnns.
import type * as tf from "@tensorflow/tfjs";
import { infoNce } from "../tensor/ops/contrast.ts";
import { takeRows, unitRows } from "../tensor/ops/rows.ts";
import { rival, softMixture } from "./rival.ts";
import { sampleNodes } from "./sample.ts";
import { centre, ProjectionHead } from "./standardised.ts";
import { TeacherSide } from "./teacher.ts";

export type GcrdOptions = {
  readonly tau: number;
  readonly projection: number;
  readonly sample: number;
};

/**
 *     L_gcrd = mean over i of -log softmax_j(u(z_i) . u(v_j) / tau)[i],  u(x) = x / |x|
 *     z = ReLU(BatchNorm(h_s W_s)),  v = ReLU(BatchNorm(h_t W_t))
 *
 * over m nodes drawn at each step, or all nodes (of the graph or the batch) if there are no more; h are the
 * last hidden maps after their activation. Both heads are trained, then discarded with the method; they have
 * no bias, which the normalisation would cancel.
 *
 * Nothing collapses here: a step costs three products of m x m x projection and m^2 exponentials
 * (docs/performance.md says how long).
 */
export const gcrd = rival<GcrdOptions, "mag" | "soft-labels">({
  name: "gcrd",
  label: "G-CRD",
  place: 5,
  summary: "G-CRD: contrasts each node's embedding with the teacher's of all nodes (InfoNCE)",
  source: "Joshi et al.: On Representation Knowledge Distillation for GNNs, TNNLS 2022",
  version: 1,
  teacherParts: () => ["hidden"],
  byBatch: true,
  defaults: { beta: 0.1, tau: 0.075, projection: 256, sample: 16_384 },
  options: {
    tau: {
      kind: "number",
      min: 0,
      above: true,
      symbol: "tau",
      description: "temperature: divides the cosines",
    },
    projection: {
      kind: "number",
      min: 1,
      whole: true,
      description: "width of the space that both heads project to",
    },
    sample: {
      kind: "number",
      min: 2,
      whole: true,
      symbol: "m",
      description: "nodes drawn at each step; all if the graph has no more",
    },
  },
  // A step holds at least six maps of all nodes and four of the drawn ones, as measured.
  holds({ projection, sample }, teacher, student, nodes) {
    return {
      trained: projection * (teacher.hidden + student.hidden),
      start: 0,
      step: projection * (6 * nodes + 4 * Math.min(sample, nodes)),
    };
  },
  presets: {
    // The reference's numbers for ogbn-mag; the defaults are its numbers for ogbn-arxiv.
    mag: { projection: 128, sample: 24_576 },
    "soft-labels": { beta: 0.01, tau: 0.05, ...softMixture },
  },
  term({ teacher, student, seed }, { tau, projection, sample }) {
    const side = new TeacherSide(teacher, "hidden", ({ hidden }) => ({ ...centre(hidden!) }));
    const width = teacher.outline.hidden;
    const teacherHead = new ProjectionHead("gcrd.teacher", width, projection, seed);
    const studentHead = new ProjectionHead("gcrd.student", student.hidden, projection, seed);
    return {
      parameters: [...studentHead.parameters, ...teacherHead.parameters],
      value({ hidden }, step, batch) {
        const nodes = hidden!.shape[0];
        const chosen =
          sample < nodes ? sampleNodes(nodes, sample, { seed, stream: "gcrd", step }) : undefined;
        const taken = (x: tf.Tensor2D): tf.Tensor2D => (chosen ? takeRows(x, chosen) : x);
        const z = unitRows(taken(studentHead.apply(centre(hidden!))));
        const v = unitRows(taken(teacherHead.apply(side.of(batch?.nodes))));
        return infoNce(z, v, tau);
      },
      dispose() {
        side.dispose();
        studentHead.dispose();
        teacherHead.dispose();
      },
    };
  },
});
