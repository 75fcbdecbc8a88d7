// The forward passes of the kinds of models that a student may be of; src/models has them on the engine.
import { addRow, batchNorm, blend, type Matrix, relu, times } from "./matrix.ts";
import type { Region } from "./region.ts";
import type { Student } from "./student.ts";

/** A kind of model: how far a node sees, the weights that features meet first, and the forward pass. */
export interface Kind {
  hops(layers: number): number;
  forward(student: Student, region: Region): Matrix;
}

/** What a layer's H W becomes along the arcs. @param part a matrix of the layer, if it has that */
type Gather = (
  region: Region,
  sent: Matrix,
  hops: number,
  part: (name: string) => Matrix | undefined,
  student: Student,
) => Matrix;

/** @param gather absent for an MLP */
const layered = (gather?: Gather): Kind => ({
  hops: (layers) => (gather ? layers : 0),
  /** What is gathered, plus H R and a bias where there are; after all but the last: normalised, ReLU. */
  forward(student, region) {
    const layers = student.option("layers");
    const normalised = student.options["batchNorm"] === true;
    let x: Matrix = { columns: 0, values: new Float64Array() };
    for (let l = 0; l < layers; l++) {
      const part = (name: string): Matrix | undefined => student.optional(`layer.${l}.${name}`);
      const of = (name: string): Matrix =>
        l === 0
          ? region.product(`layer.0.${name}`)
          : times(x, student.weight(`layer.${l}.${name}`));
      const sent = of("weight");
      const own = ["root", "residual"].filter(part).map(of);
      x = gather ? gather(region, sent, layers - 1 - l, part, student) : sent;
      for (const more of own) blend(x, 1, more, 1);
      const bias = part("bias");
      if (bias) addRow(x, bias);
      if (l === layers - 1) continue;
      if (normalised) batchNorm(x, (name) => student.weight(`norm.${l}.${name}`).values);
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
  gat: layered((region, sent, hops, part, { options }) =>
    region.attend(sent, hops, part("source")!, part("target"), options["symmetric"] === true),
  ),
  gcn: layered((region, sent, hops) => region.propagate(sent, hops)),
  mlp: layered(),
  sage: layered((region, sent, hops) => region.mean(sent, hops)),
  gcnii: gcnii((l) => `convolution.${l}.weight`),
  mustad: gcnii(() => "convolution.weight"),
};
