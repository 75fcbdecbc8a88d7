// Models that are a stack of layers: dropout, a linear map, normalisation, ReLU.
import * as tf from "@tensorflow/tfjs";
import { checkOptions, type OptionTable } from "../base/options.ts";
import { batchNorm, normalisedBy } from "../tensor/ops/batch-norm.ts";
import { reluDropout } from "../tensor/ops/dropout.ts";
import type { DropoutStream } from "../tensor/ops/dropout-stream.ts";
import { firstRows } from "../tensor/ops/rows.ts";
import type { GraphForms } from "./graph-forms.ts";
import { evaluatesInBlocks, type MapRows, mapInBlocks } from "./in-blocks.ts";
import {
  checkShape,
  type GraphInputs,
  type GraphShape,
  type Hooks,
  itemLogits,
  type Layers,
  type Model,
  type ModelKind,
  matrixOf,
  type Outline,
  type Outputs,
  type Parameter,
  type Pass,
  type Shapes,
  vectorOf,
} from "./model.ts";
import { filled } from "./start.ts";

export type LayeredConfig<Kind extends string = string> = {
  readonly kind: Kind;
  /** Number of layers, including the one that gives the logits (2L, 3L). */
  readonly layers: number;
  /** Hidden width (16H, 256H). */
  readonly width: number;
  /** Dropout rate of each layer's input, 0 <= rate < 1. */
  readonly dropout: number;
  /** Whether each hidden layer's map is normalised before its ReLU. */
  readonly batchNorm: boolean;
};

export const layeredOptions: OptionTable<Omit<LayeredConfig, "kind">> = {
  layers: {
    kind: "number",
    min: 2,
    max: 4096,
    whole: true,
    description: "number of layers, including the one that gives the logits",
  },
  width: { kind: "number", min: 1, max: 65_536, whole: true, description: "hidden width" },
  dropout: { kind: "number", min: 0, max: 1, below: true, description: "rate before each layer" },
  batchNorm: {
    kind: "switch",
    description: "whether hidden maps are normalised over the nodes before their ReLU",
  },
};

const layeredDefaults = { layers: 2, width: 16, dropout: 0.5, batchNorm: false };

/** The fewest maps that a step holds per layer: product, with bias, activated; measured 4 to 5. */
const MAPS_A_LAYER = 3;
/** The share of a step's statistics in the running ones, as in torch.nn.BatchNorm1d. */
const MOMENTUM = 0.1;

/** A layer's place and sizes. */
export interface LayerSizes {
  readonly inputs: number;
  readonly outputs: number;
  /** Whether it reads the graph's features. */
  readonly first: boolean;
  /** Whether it gives the logits. */
  readonly last: boolean;
}

type Shape = readonly [name: string, shape: readonly number[]];

/** With normalisation, each hidden layer also has a gain and a shift. */
function layeredShapes<I, C extends LayeredConfig>(
  family: Family<I, C>,
  config: C,
  shape: GraphShape,
): Shapes {
  const { features, classes } = shape;
  const { kind, layers } = config;
  const width = family.hidden?.(config) ?? config.width;
  const widths = Array.from({ length: layers }, (_, l) => (l < layers - 1 ? width : classes));
  const each = (parts: (l: number) => readonly Shape[]) =>
    new Map(widths.flatMap((_, l) => parts(l)));
  const norms = (l: number, ...names: string[]) =>
    config.batchNorm && l < layers - 1
      ? names.map((name) => [`norm.${l}.${name}`, [width]] as const)
      : [];
  const own = (l: number): readonly Shape[] => {
    const inputs = l === 0 ? features : width;
    const sizes = { inputs, outputs: widths[l]!, first: l === 0, last: l === layers - 1 };
    const parts = family.parts?.(sizes, config, shape) ?? weightAndBias(sizes);
    return parts.map(([name, shape]) => [`layer.${l}.${name}`, shape]);
  };
  return {
    outline: { kind, widths, endsInLogits: true, hidden: width, classes },
    parameters: each((l) => [...own(l), ...norms(l, "gain", "shift")]),
    buffers: each((l) => norms(l, "mean", "variance")),
    ...(family.perStep && { perStep: family.perStep(config, shape, widths) }),
    perNode: MAPS_A_LAYER * ((layers - 1) * width + itemShare(shape) * classes),
  };
}

/** The share of the nodes whose logits are needed. */
function itemShare({ relational }: GraphShape): number {
  if (!relational) return 1;
  const nodes = relational.types.reduce((sum, type) => sum + type.nodes, 0);
  return relational.types[0]!.nodes / nodes;
}

/** What a layer has if its family says nothing else: a matrix and a bias. */
export const weightAndBias = ({ inputs, outputs }: LayerSizes): readonly Shape[] => [
  ["weight", [inputs, outputs]],
  ["bias", [outputs]],
];

type Readout = Pick<GraphInputs, "readout" | "batch"> & Partial<Pick<GraphInputs, "adjacency">>;

/** What distinguishes the families. `C`: their configuration, which may have options of its own. */
export interface Family<I, C extends LayeredConfig = LayeredConfig> {
  readonly label: string;
  /** Whether its parameters depend on a graph's types and relations. */
  readonly relational?: true;
  /** Defaults that differ from layeredDefaults, and those of options of its own. */
  readonly defaults?: Partial<Omit<C, "kind">>;
  /** If absent, layeredOptions. */
  readonly options?: OptionTable<Omit<C, "kind">>;
  /** Returns the size as papers write it; `2L-16H` if absent. */
  size?(config: C): string;
  /** Returns a layer's parameters by name; a matrix `weight` and a `bias` if absent. */
  parts?(sizes: LayerSizes, config: C, shape: GraphShape): readonly Shape[];
  /** Returns the width of a hidden map; `width` if absent. */
  hidden?(config: C): number;
  /** Returns the fewest numbers that a step holds beside parameters and maps. @param widths of all layers' maps */
  perStep?(config: C, shape: GraphShape, widths: readonly number[]): number;
  /** Returns the initial value of a layer's parameter. */
  start(name: string, shape: readonly number[], inputs: number, seed: number, config: C): Parameter;
  /** Computes layer 0, a tensor of its own, from the graph's features, and applies dropout to their entries. */
  first(inputs: I, layer: Layer<C>, drop?: DropoutStream): tf.Tensor2D;
  /**
   * Computes each later layer, a tensor of its own.
   * @param x nodes x width, after dropout
   * @param items whether only the items' rows are wanted, which come first; only if `itemsApart`
   */
  next(inputs: I, x: tf.Tensor2D, layer: Layer<C>, items?: boolean): tf.Tensor2D;
  /**
   * Starts a layer in evaluation, and returns how rows of its map are computed, to the bits of first() and next().
   * If absent, a large graph is evaluated as a whole too.
   * @param x nodes x width; absent for layer 0
   */
  rows?(inputs: I, x: tf.Tensor2D | undefined, layer: Layer<C>): MapRows;
  /** Whether the items' logits cost less than the last map, which is then computed when it is read. */
  itemsApart?(inputs: I): boolean;
}

/** What a layer computes with. */
export interface Layer<C extends LayeredConfig = LayeredConfig> {
  readonly config: C;
  /** From 0. */
  readonly index: number;
  /** inputs x outputs. */
  readonly weight: tf.Tensor2D;
  /** [outputs]. */
  readonly bias: tf.Tensor1D;
  /** Returns a parameter by name; undefined if this layer has none. */
  readonly part: (name: string) => tf.Tensor2D | undefined;
  /** Applies the hook to the messages that nodes send along arcs, nodes x outputs. */
  readonly sent: (map: tf.Tensor2D) => tf.Tensor2D;
  /** The same, or undefined without a hook. */
  readonly message: ((map: tf.Tensor2D) => tf.Tensor2D) | undefined;
  /** Applies the hook to what the layer multiplies by weights after its messages have met. */
  readonly inner: (map: tf.Tensor2D) => tf.Tensor2D;
  /** A dropout stream of the layer's own, beside its input's; undefined in evaluation. */
  readonly stream: (rate: number) => DropoutStream | undefined;
}

/**
 *     M_0 = first(dropout(X)),  H_l = ReLU([batch norm] M_l),  M_l = next(dropout(H_{l-1}))
 *
 * M_0 .. M_{L-1}, before normalisation and activation, are the layer maps; the last one is the logits.
 * H_{L-2} is `hidden`. For several graphs, a graph's logits are its nodes' mean. Normalisation uses the
 * pass's own statistics while training and the running ones otherwise, as torch.nn.BatchNorm1d does by
 * default.
 */
export class Layered<I extends Readout, C extends LayeredConfig = LayeredConfig>
  implements Model<I>
{
  readonly config: C;
  readonly outline: Outline;
  readonly parameters: readonly Parameter[];
  readonly buffers: readonly Parameter[];
  readonly #family: Family<I, C>;
  readonly #byName: ReadonlyMap<string, Parameter>;

  /** @throws OptionError for a configuration or shape that makes no model */
  constructor(family: Family<I, C>, config: C, shape: GraphShape, seed: number) {
    const { kind: _, ...given } = config;
    checkOptions<object>(family.label, family.options ?? layeredOptions, given);
    checkShape(family.label, shape);
    const { outline, parameters, buffers } = layeredShapes(family, config, shape);
    this.config = config;
    this.outline = outline;
    this.#family = family;
    this.parameters = [...parameters].map(([name, dims]) => {
      if (name.startsWith("norm.")) return filled(name, dims, name.endsWith(".gain") ? 1 : 0);
      const inputs = name.startsWith("layer.0.") ? shape.features : outline.hidden;
      return family.start(name, dims, inputs, seed, config);
    });
    this.buffers = [...buffers].map(([name, dims]) =>
      filled(name, dims, name.endsWith(".variance") ? 1 : 0),
    );
    const all = [...this.parameters, ...this.buffers];
    this.#byName = new Map(all.map((parameter) => [parameter.name, parameter]));
  }

  forward(inputs: I, { dropout, reads = "logits", hooks }: Pass = {}): Outputs {
    const { rows } = this.#family;
    if (rows && reads === "logits" && !dropout && !hooks && evaluatesInBlocks(inputs)) {
      return { logits: itemLogits(inputs, this.#inBlocks(inputs, rows)) };
    }
    const { layers, dropout: rate } = this.config;
    const stream = (site: number) => dropout && { ...dropout, rate, site };
    const moved = new Map<string, Float32Array>();
    const maps: tf.Tensor2D[] = [];
    const normalised: tf.Tensor2D[] = [];
    let logits: tf.Tensor2D | undefined;
    let last = (): tf.Tensor2D => maps[layers - 1]!;
    // The tape keeps what gradients need; where nothing else reads maps, they are freed at once.
    const free = (map: tf.Tensor2D): void => {
      if (reads === "logits" && !hooks) map.dispose();
    };
    for (let l = 0; l < layers; l++) {
      const layer = this.#layer(l, { dropout, hooks });
      const read = (map: tf.Tensor2D): tf.Tensor2D => {
        const x = reluDropout(map, stream(l));
        free(map);
        return hooks?.activation?.(x, l) ?? x;
      };
      if (l === layers - 1) {
        const x = read(normalised[l - 1]!);
        const apart = this.#family.itemsApart?.(inputs) ?? false;
        if (apart) logits = this.#family.next(inputs, x, layer, true);
        else maps.push(this.#family.next(inputs, x, layer));
        free(x);
        last = () => {
          const map = maps[l] ?? this.#family.next(inputs, x, layer);
          maps[l] = map;
          return map;
        };
        break;
      }
      const x = l === 0 ? undefined : read(normalised[l - 1]!);
      const map = x
        ? this.#family.next(inputs, x, layer)
        : this.#family.first(inputs, layer, stream(0));
      if (x) free(x);
      maps.push(map);
      const own = this.#normalised(l, map, hooks, dropout && moved);
      if (own !== map) free(map);
      normalised.push(own);
    }
    // The last map has no activation. Of a sample, methods see the batch's nodes alone.
    const { batch } = inputs;
    const own = (map: tf.Tensor2D): tf.Tensor2D =>
      batch === undefined ? map : firstRows(map, batch);
    const activated = (l: number): tf.Tensor2D =>
      l === layers - 1 ? last() : reluDropout(own(normalised[l]!));
    const at = (l: number): tf.Tensor2D => (l === layers - 1 ? last() : own(maps[l]!));
    const found: Layers = { widths: this.outline.widths, at, activated };
    const base = {
      logits: logits ?? itemLogits(inputs, last()),
      ...(moved.size > 0 && { moved }),
    };
    if (reads === "logits") return base;
    return {
      ...base,
      get hidden() {
        return activated(layers - 2);
      },
      ...(reads === "layers" && { layers: found }),
    };
  }

  dispose(): void {
    for (const { variable } of this.#byName.values()) variable.dispose();
  }

  /** The logits of all nodes, layer by layer. */
  #inBlocks(inputs: I, rows: NonNullable<Family<I, C>["rows"]>): tf.Tensor2D {
    const { widths } = this.outline;
    let map: tf.Tensor2D | undefined;
    for (const [l, width] of widths.entries()) {
      const read = map;
      map = tf.tidy(() => {
        const of = rows(inputs, read, this.#layer(l, {}));
        return mapInBlocks(inputs.adjacency!.rows, width, (first, count) => {
          const own = of(first, count);
          return l === widths.length - 1 ? own : reluDropout(this.#normalised(l, own, undefined));
        });
      });
      read?.dispose();
    }
    return map!;
  }

  #layer(index: number, { dropout, hooks }: Pass): Layer<C> {
    const part = (name: string) => {
      const parameter = this.#get(index, name);
      return parameter && matrixOf(parameter, hooks);
    };
    return {
      config: this.config,
      index,
      get weight() {
        return part("weight")!;
      },
      get bias() {
        return part("bias") as unknown as tf.Tensor1D;
      },
      part,
      sent: (map) => hooks?.message?.(map, index) ?? map,
      inner: (map) => hooks?.inner?.(map, index) ?? map,
      message: hooks?.message && ((map) => hooks.message!(map, index)),
      stream: (own) => dropout && { ...dropout, rate: own, site: this.config.layers + index },
    };
  }

  #get(layer: number, part: string, group = "layer"): Parameter | undefined {
    return this.#byName.get(`${group}.${layer}.${part}`);
  }

  /** @param moved collects the running statistics after this step; if absent, the current ones are used */
  #normalised(
    l: number,
    map: tf.Tensor2D,
    hooks: Hooks | undefined,
    moved?: Map<string, Float32Array>,
  ): tf.Tensor2D {
    if (!this.config.batchNorm) return map;
    const of = (part: string) => vectorOf(this.#get(l, part, "norm")!, hooks);
    // Running statistics are no weights: no hook changes them.
    const kept = (part: string) => vectorOf(this.#get(l, part, "norm")!);
    if (!moved) return normalisedBy(map, of("gain"), of("shift"), kept("mean"), kept("variance"));
    const { value, mean, variance } = batchNorm(map, of("gain"), of("shift"));
    const nodes = map.shape[0];
    // Running variances are sample variances.
    const correction = nodes / Math.max(1, nodes - 1);
    const running = (part: string, now: Float32Array, factor: number): void => {
      const before = kept(part).dataSync<"float32">();
      moved.set(
        `norm.${l}.${part}`,
        before.map((x, k) => (1 - MOMENTUM) * x + MOMENTUM * factor * now[k]!),
      );
    };
    running("mean", mean, 1);
    running("variance", variance, correction);
    return value;
  }
}

/**
 * Makes a kind of layered models.
 * @param words text for exported files: `inputs` says what is read from the graph, `map` a layer's map
 * @param parts how its models read parts of a graph
 */
export function layeredKind<
  Kind extends string,
  I extends Readout,
  C extends LayeredConfig<Kind> = LayeredConfig<Kind>,
>(
  name: Kind,
  family: Family<I, NoInfer<C>>,
  prepare: (forms: GraphForms) => I,
  words: { readonly summary: string; readonly inputs: string; readonly map: string },
  parts: Pick<ModelKind<C, I>, "ofNodes" | "ofSample"> = {},
): ModelKind<C, I> {
  const { label, defaults, options = layeredOptions, size, relational } = family;
  return {
    name,
    label,
    ...(relational && { relational }),
    summary: words.summary,
    prepare,
    ...parts,
    defaults: { ...layeredDefaults, ...defaults } as unknown as Omit<C, "kind">,
    options: options as OptionTable<Omit<C, "kind">>,
    size: (config) => size?.(config) ?? `${config.layers}L-${config.width}H`,
    shapes: (config, shape) => layeredShapes(family, config, shape),
    create: (config, shape, seed) => new Layered(family, config, shape, seed),
    forwardText:
      `X: features, each row divided by its sum${words.inputs}. ` +
      `H = X; for l = 0 .. layers - 1: M = ${words.map}; after all but the ` +
      "last, with batchNorm M = (M - norm.l.mean) / sqrt(norm.l.variance + 1e-5) * norm.l.gain + " +
      "norm.l.shift, then H = relu(M); logits = M",
  };
}
