// The forward passes of the kinds of models that a student may be of; src/models has them on the engine.
import { addRow, batchNorm, blend, type Matrix, relu, times } from "./matrix.ts";
import type { Region } from "./region.ts";
import type { Student } from "./student.ts";

/** A kind of model: how far a node sees, the weights that features meet first, and the forward pass. */
export interface Kind {
  hops(layers: number): number;
  forward(student: Student, region: Region): Matrix;
}

/** What becomes of H W along the arcs: nothing (an MLP), P H W (a GCN), or A_mean H W + H R (GraphSAGE). */
type Aggregation = "none" | "propagate" | "mean";

const layered = (aggregation: Aggregation): Kind => ({
  hops: (layers) => (aggregation === "none" ? 0 : layers),
  /** M as above, plus a bias; after all but the last: normalised, ReLU. */
  forward(student, region) {
    const layers = student.option("layers");
    const normalised = student.options["batchNorm"] === true;
    let x: Matrix = { columns: 0, values: new Float64Array() };
    for (let l = 0; l < layers; l++) {
      const of = (name: string): Matrix =>
        l === 0
          ? region.product(`layer.0.${name}`)
          : times(x, student.weight(`layer.${l}.${name}`));
      const sent = of("weight");
      const hops = layers - 1 - l;
      if (aggregation === "none") x = sent;
      else if (aggregation === "propagate") x = region.propagate(sent, hops);
      else {
        const own = of("root");
        x = region.mean(sent, hops);
        blend(x, 1, own, 1);
      }
      addRow(x, student.weight(`layer.${l}.bias`));
      if (l === layers - 1) continue;
      if (normalised) batchNorm(x, (part) => student.weight(`norm.${l}.${part}`).values);
      relu(x);
    }
    return x;
  },
});

const gcnii = (weightOf: (l: number) => string): Kind => ({
  hops: (layers) => layers,
  /** H = ReLU(theta Z W + (1 - theta) Z), Z = (1 - alpha) P H + alpha H0. */
  forward(student, region) {
    const [layers, alpha] = [student.option("layers"), student.option("alpha")];
    const initial = region.product("input.weight");
    relu(addRow(initial, student.weight("input.bias")));
    let x = initial;
    for (let l = 0; l < layers; l++) {
      const theta = Math.log(student.option("lambda") / (l + 1) + 1);
      const z = region.propagate(x, layers - 1 - l);
      // In every matrix, the region's nearest nodes come first.
      blend(z, 1 - alpha, initial, alpha);
      x = times(z, student.weight(weightOf(l)));
      blend(x, theta, z, 1 - theta);
      relu(x);
    }
    return addRow(times(x, student.weight("output.weight")), student.weight("output.bias"));
  },
});

export const KINDS: Readonly<Record<string, Kind>> = {
  gcn: layered("propagate"),
  mlp: layered("none"),
  sage: layered("mean"),
  gcnii: gcnii((l) => `convolution.${l}.weight`),
  mustad: gcnii(() => "convolution.weight"),
};
