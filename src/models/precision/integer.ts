// Inference in integers: what a model of low precision says when its products are those of 8-bit codes.
// Sums are exact; between them a map is float32, as long as it takes to add a bias, to normalise and to round it.
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../base/errors.ts";
import { normalisedBy } from "../../tensor/ops/batch-norm.ts";
import { reluDropout } from "../../tensor/ops/dropout.ts";
import { read } from "../../tensor/ops/elements.ts";
import { codesOf, type Grid, gridOf } from "../../tensor/ops/grid.ts";
import {
  type CodeRows,
  codeRows,
  IntegerWeights,
  integerMatMul,
  integerSpmm,
  type OffsetRows,
  offsetRows,
} from "../../tensor/ops/integer.ts";
import type { SparseMatrix } from "../../tensor/ops/sparse.ts";
import { type GraphInputs, itemLogits } from "../model.ts";
import {
  MAP_RANGES,
  mapSlot,
  type Part,
  type Quantised,
  roundedNames,
  WEIGHT_RANGES,
} from "./quantised.ts";
import { rangeAt } from "./ranges.ts";

type Options = Readonly<Record<string, unknown>>;
type Forward = (net: IntegerModel, inputs: GraphInputs) => tf.Tensor2D;

/** What is multiplied by weights: the graph's features, or codes of a map. */
type Operand = SparseMatrix | OffsetRows;

/** A trained model of low precision as integers. It copies the weights; dispose() frees them. */
export class IntegerModel {
  readonly options: Options;
  readonly layers: number;
  readonly #forward: Forward;
  readonly #weights = new Map<string, IntegerWeights>();
  /** What is not rounded, by name: biases, what normalises. */
  readonly #floats = new Map<string, tf.Tensor>();
  readonly #maps: Float32Array;
  readonly #bits: Quantised<unknown>["precision"]["bits"];

  /**
   * @param options the model's kind and options
   * @throws UserError for a kind that has float products, or ranges that were never set
   */
  constructor(model: Quantised<unknown>, options: Options) {
    const forward = FORWARDS[String(options["kind"])];
    if (!forward) throw new UserError(noIntegers(String(options["kind"])));
    const { bits } = model.precision;
    const all = new Map(
      [...model.parameters, ...model.buffers].map(({ name, variable }) => [name, variable]),
    );
    const shapes = new Map(model.parameters.map(({ name, variable }) => [name, variable.shape]));
    const ranges = all.get(WEIGHT_RANGES)!.dataSync<"float32">();
    for (const [slot, name] of roundedNames(shapes).entries()) {
      const variable = all.get(name)!;
      const grid = gridOf(...needRange(ranges, slot, name), bits);
      const codes = codesOf(read(variable as unknown as tf.Tensor), grid);
      this.#weights.set(name, new IntegerWeights(codes, shapes.get(name)!.at(-1)!, grid));
    }
    for (const [name, variable] of all) {
      if (this.#weights.has(name) || name.startsWith("ranges.")) continue;
      this.#floats.set(name, tf.keep(tf.clone(variable as unknown as tf.Tensor)));
    }
    this.options = options;
    this.layers = Number(options["layers"]);
    this.#forward = forward;
    this.#maps = all.get(MAP_RANGES)!.dataSync<"float32">();
    this.#bits = bits;
  }

  /** Computes the logits, items x classes; the caller owns them. @param inputs what the model's kind reads */
  logits(inputs: GraphInputs): tf.Tensor2D {
    return tf.tidy(() => itemLogits(inputs, this.#forward(this, inputs)));
  }

  /** H W of rounded numbers, or H W + b. @param bias its name */
  product(x: Operand, name: string, bias?: string): tf.Tensor2D {
    const weights = this.#weights.get(name)!;
    const b = bias === undefined ? undefined : this.float(bias);
    return "host" in x ? integerSpmm(x, weights.gathered(), b) : integerMatMul(x, weights, b);
  }

  has(name: string): boolean {
    return this.#weights.has(name) || this.#floats.has(name);
  }

  float(name: string): tf.Tensor1D {
    return this.#floats.get(name) as tf.Tensor1D;
  }

  grid(part: Part, layer: number): Grid {
    const slot = mapSlot(part, layer);
    return gridOf(...needRange(this.#maps, slot, `${part} ${layer}`), this.#bits);
  }

  /** The codes of ReLU(M). */
  activation(map: tf.Tensor2D, layer: number): OffsetRows {
    return offsetRows(map, this.grid("activation", layer), { relu: true }).codes;
  }

  message(map: tf.Tensor2D, layer: number): CodeRows {
    return codeRows(map, this.grid("message", layer)).codes;
  }

  dispose(): void {
    for (const weights of this.#weights.values()) weights.dispose();
    tf.dispose([...this.#floats.values()]);
  }
}

const noIntegers = (kind: string): string =>
  `a model of the kind "${kind}" has no integer inference; kinds that have: ${Object.keys(FORWARDS).join(", ")}`;

function needRange(ranges: Float32Array, slot: number, what: string): readonly [number, number] {
  const found = rangeAt(ranges, slot);
  if (found) return found;
  throw new UserError(`the model has no range for ${what}: train it for an epoch at least`);
}

/** Whether a kind of model has integer inference. */
export const hasIntegers = (kind: string): boolean => Object.hasOwn(FORWARDS, kind);

/** A layer's map. @param x what the layer reads @param of a name within the layer */
type Layer = (
  net: IntegerModel,
  l: number,
  x: Operand,
  of: (name: string) => string,
  inputs: GraphInputs,
) => tf.Tensor2D;

/** As Layered.forward() in evaluation. */
const layered =
  (layer: Layer): Forward =>
  (net, inputs) => {
    let x: Operand = inputs.features;
    for (let l = 0; ; l++) {
      const map = layer(net, l, x, (name) => `layer.${l}.${name}`, inputs);
      if (l === net.layers - 1) return map;
      const norm = (part: string): tf.Tensor1D => net.float(`norm.${l}.${part}`);
      const normalised = net.has(`norm.${l}.gain`)
        ? normalisedBy(map, norm("gain"), norm("shift"), norm("mean"), norm("variance"))
        : map;
      x = net.activation(normalised, l + 1);
    }
  };

/** As Gcnii.forward() in evaluation. @param weightOf the name of layer l's weights */
const gcnii =
  (weightOf: (l: number) => string): Forward =>
  (net, { features, adjacency }) => {
    const { alpha, lambda } = net.options as { readonly alpha: number; readonly lambda: number };
    let map = net.product(features, "input.weight", "input.bias");
    const initial = tf.mul(reluDropout(map), alpha);
    for (let l = 0; l < net.layers; l++) {
      const { values } = codeRows(reluDropout(map), net.grid("activation", l), true);
      const sums = integerSpmm(adjacency, net.message(values!, l));
      const met: tf.Tensor2D = tf.add(tf.mul(sums, 1 - alpha), initial);
      const { codes, values: z } = offsetRows(met, net.grid("inner", l), { withValues: true });
      const theta = Math.log(lambda / (l + 1) + 1);
      map = tf.add(tf.mul(net.product(codes, weightOf(l)), theta), tf.mul(z!, 1 - theta));
    }
    return net.product(net.activation(map, net.layers), "output.weight", "output.bias");
  };

const FORWARDS: Readonly<Record<string, Forward>> = {
  gcn: layered((net, l, x, of, { adjacency }) => {
    const message = net.message(net.product(x, of("weight")), l);
    return integerSpmm(adjacency, message, net.float(of("bias")));
  }),
  sage: layered((net, l, x, of, { adjacency }) => {
    const message = net.message(net.product(x, of("weight")), l);
    return tf.add(integerSpmm(adjacency, message), net.product(x, of("root"), of("bias")));
  }),
  gin: layered((net, l, x, of, { adjacency }) => {
    const message = net.product(x, of("weight"));
    const { codes, values } = codeRows(message, net.grid("message", l), true);
    const epsilon = of("epsilon");
    const self = net.has(epsilon) ? tf.mul(values!, tf.add(net.float(epsilon), 1)) : values!;
    const sums = tf.add(tf.add(integerSpmm(adjacency, codes), self), net.float(of("bias")));
    const inner = offsetRows(sums as tf.Tensor2D, net.grid("inner", l), { relu: true }).codes;
    return net.product(inner, of("second"), of("secondBias"));
  }),
  mlp: layered((net, _l, x, of) => net.product(x, of("weight"), of("bias"))),
  gcnii: gcnii((l) => `convolution.${l}.weight`),
  mustad: gcnii(() => "convolution.weight"),
};
