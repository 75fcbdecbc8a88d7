// A student as an ONNX model: features and arcs in, logits and probabilities out; normalisation included.
import { OptionError } from "../base/errors.ts";
import { modelTitle } from "../models/registry.ts";
import { type ModelFile, modelMetadata } from "../training/model-file.ts";
import { encodeOnnx, OnnxGraph } from "./onnx-file.ts";

/** Scatter with addition, which the sparse product is, is there from 16 on; PyTorch's exporter writes 18. */
const OPSET = 18;

/** Turns the features, nodes x features with rows as the model reads them, into logits. */
type Forward = (net: Network) => string;

interface Arcs {
  readonly from: string;
  readonly ends: string;
  readonly to: string;
  readonly degree: string;
}

/** LeakyReLU's slope below 0. */
const SLOPE = 0.2;
/** The type that Cast makes of what is true or false: ONNX's number of float32. */
const FLOAT = 1;

/** The file with its arrays as constants, and the operators that the kinds share. */
class Network {
  readonly graph = new OnnxGraph();
  readonly features: string;
  readonly #file: ModelFile;
  #arcs: Arcs | undefined;

  constructor(file: ModelFile) {
    this.#file = file;
    const { graph } = this;
    const { features: kept } = file.config;
    const formed = this.#formed();
    const taken = kept
      ? graph.add("Gather", [formed, graph.integers(...kept)], { axis: 1 })
      : formed;
    const read = this.#standardised(taken);
    if (file.featuresAsIs) {
      this.features = read;
      return;
    }
    const sum = graph.add("ReduceSum", [read, graph.integers(1)], { keepdims: 1 });
    const empty = graph.add("Equal", [sum, graph.scalar(0)]);
    this.features = graph.add("Div", [read, graph.add("Where", [empty, graph.scalar(1), sum])]);
  }

  /** The features in their form, if that is made of each node's row. */
  #formed(): string {
    const { graph } = this;
    const made = this.#file.featuresMade;
    const zero = (x: string): string => graph.add("Equal", [x, graph.scalar(0)]);
    if (made === "binary") {
      return graph.add("Cast", [graph.add("Not", [zero("x")])], { to: FLOAT });
    }
    if (made !== "unit") return "x";
    const squares = graph.add("Mul", ["x", "x"]);
    const length = graph.add("Sqrt", [
      graph.add("ReduceSum", [squares, graph.integers(1)], { keepdims: 1 }),
    ]);
    return graph.add("Div", ["x", graph.add("Where", [zero(length), graph.scalar(1), length])]);
  }

  /** The columns that the model reads, standardised if those that it learned from were. */
  #standardised(read: string): string {
    const { graph } = this;
    const { featureScales } = this.#file;
    if (!featureScales) return read;
    const row = (name: string, values: readonly number[]): string =>
      graph.constant(name, { shape: [values.length], values: Float32Array.from(values) });
    const factors = featureScales.deviations.map((deviation) =>
      deviation > 0 ? 1 / deviation : 0,
    );
    const gaps = graph.add("Sub", [read, row("features.mean", featureScales.means)]);
    return graph.add("Mul", [gaps, row("features.factor", factors)]);
  }

  /** Whether the model reads edge_index. */
  get readsArcs(): boolean {
    return this.#arcs !== undefined;
  }

  get layers(): number {
    return this.option("layers");
  }

  option(name: string): number {
    return Number((this.#file.config.model as unknown as Record<string, unknown>)[name]);
  }

  shape(name: string): readonly number[] {
    return this.#file.parameters.get(name)!.shape;
  }

  isNormalised(): boolean {
    return "batchNorm" in this.#file.config.model && this.#file.config.model.batchNorm;
  }

  has(name: string): boolean {
    return this.#file.parameters.has(name);
  }

  weight(name: string): string {
    return this.graph.constant(name, this.#file.parameters.get(name)!);
  }

  add(a: string, b: string): string {
    return this.graph.add("Add", [a, b]);
  }

  scaled(x: string, factor: number): string {
    return this.graph.add("Mul", [x, this.graph.scalar(factor)]);
  }

  times(x: string, weight: string): string {
    return this.graph.add("MatMul", [x, this.weight(weight)]);
  }

  relu(x: string): string {
    return this.graph.add("Relu", [x]);
  }

  /** Sources and targets of all arcs, the latter arcs x 1 for scatters too, and each node's arcs in, nodes. */
  get arcs(): Arcs {
    if (!this.#arcs) {
      const { graph } = this;
      const end = (k: number): string =>
        graph.add("Gather", ["edge_index", graph.constant(`end_${k}`, integer(k))], { axis: 0 });
      const [from, to] = [end(0), end(1)];
      const filled = (shape: string, value: number): string =>
        graph.add("ConstantOfShape", [shape], {
          value: { shape: [1], values: Float32Array.of(value) },
        });
      const nodes = graph.add("Shape", ["x"], { start: 0, end: 1 });
      const ones = filled(graph.add("Shape", [to]), 1);
      const degree = graph.add("ScatterElements", [filled(nodes, 0), to, ones], {
        axis: 0,
        reduction: "add",
      });
      const column = graph.add("Unsqueeze", [to, graph.integers(1)]);
      this.#arcs = { from, ends: to, to: column, degree };
    }
    return this.#arcs;
  }

  /** `start` plus, at each arc's target, what its source sends; or the largest of these. */
  #scattered(start: string, sent: string, reduction: "add" | "max" = "add"): string {
    return this.graph.add("ScatterND", [start, this.arcs.to, sent], { reduction });
  }

  /** P x, P = D^-1/2 (A + I) D^-1/2: each node sends x / d^1/2, and divides what it gets likewise. */
  propagated(x: string): string {
    const { graph, arcs } = this;
    const loops = this.add(arcs.degree, graph.scalar(1));
    const scale = graph.add("Unsqueeze", [
      graph.add("Reciprocal", [graph.add("Sqrt", [loops])]),
      graph.integers(1),
    ]);
    const sent = graph.add("Mul", [x, scale]);
    const sum = this.#scattered(sent, graph.add("Gather", [sent, arcs.from], { axis: 0 }));
    return graph.add("Mul", [sum, scale]);
  }

  /** The mean over each node's neighbours, 0 without any. */
  neighbourMean(x: string): string {
    const { graph, arcs } = this;
    const sum = this.#scattered(
      this.scaled(x, 0),
      graph.add("Gather", [x, arcs.from], { axis: 0 }),
    );
    const degree = graph.add("Max", [arcs.degree, graph.scalar(1)]);
    return graph.add("Div", [sum, graph.add("Unsqueeze", [degree, graph.integers(1)])]);
  }

  /**
   * For each head and node i the mean of c_j z_j over its neighbours and itself, weighted by the softmax over j of
   * LeakyReLU(a . c_j z_j + b . z_i), times r_i; c = (d + 1)^-1/2 and r = 1 / c with `symmetric`, else both are 1.
   */
  attended(flat: string, l: number): string {
    const { graph, arcs } = this;
    const [heads, width] = this.shape(`layer.${l}.source`) as [number, number];
    const at = (x: string, ends: string): string => graph.add("Gather", [x, ends], { axis: 0 });
    const times = (x: string, y: string): string => graph.add("Mul", [x, y]);
    const own = graph.add("Reshape", [flat, graph.integers(-1, heads, width)]);
    const dots = (x: string, vectors: string): string =>
      graph.add("ReduceSum", [times(x, this.weight(vectors)), graph.integers(2)], { keepdims: 1 });
    const root = (): string => {
      const loops = this.add(arcs.degree, graph.scalar(1));
      return graph.add("Unsqueeze", [graph.add("Sqrt", [loops]), graph.integers(1, 2)]);
    };
    const scale = this.option("symmetric") ? root() : undefined;
    const z = scale ? graph.add("Div", [own, scale]) : own;
    const sent = dots(z, `layer.${l}.source`);
    const target = `layer.${l}.target`;
    const received = this.has(target) ? dots(own, target) : undefined;
    const score = (from: string, to?: string): string => {
      const e = to === undefined ? from : this.add(from, to);
      return graph.add("Max", [e, this.scaled(e, SLOPE)]);
    };
    const loops = score(sent, received);
    const along = score(at(sent, arcs.from), received && at(received, arcs.ends));
    const most = this.#scattered(loops, along, "max");
    const power = (e: string, top: string): string =>
      graph.add("Exp", [graph.add("Sub", [e, top])]);
    const kept = power(loops, most);
    const given = power(along, at(most, arcs.ends));
    const all = this.#scattered(kept, given);
    const sums = this.#scattered(times(z, kept), times(at(z, arcs.from), given));
    const mean = graph.add("Div", [sums, all]);
    const out = scale ? times(mean, scale) : mean;
    return graph.add("Reshape", [out, graph.integers(-1, heads * width)]);
  }

  /** Batch normalisation with running statistics, as a factor and a shift per column. */
  normalised(x: string, l: number): string {
    const part = (name: string): ArrayLike<number> =>
      this.#file.parameters.get(`norm.${l}.${name}`)!.values;
    const [mean, variance, gain, shift] = ["mean", "variance", "gain", "shift"].map(part) as [
      ...[ArrayLike<number>, ArrayLike<number>, ArrayLike<number>, ArrayLike<number>],
    ];
    const factors = Array.from(gain, (g, c) => g / Math.sqrt(variance[c]! + 1e-5));
    const shifts = factors.map((factor, c) => shift[c]! - mean[c]! * factor);
    const row = (name: string, values: readonly number[]): string =>
      this.graph.constant(`norm.${l}.${name}`, {
        shape: [values.length],
        values: Float32Array.from(values),
      });
    const grown = this.graph.add("Mul", [x, row("factor", factors)]);
    return this.add(grown, row("offset", shifts));
  }
}

const integer = (value: number) => ({ shape: [], values: BigInt64Array.of(BigInt(value)) });

const layered =
  (map: (net: Network, x: string, l: number) => string): Forward =>
  (net) => {
    let x = net.features;
    for (let l = 0; l < net.layers; l++) {
      const [input, residual, bias] = [x, `layer.${l}.residual`, `layer.${l}.bias`];
      x = map(net, input, l);
      if (net.has(residual)) x = net.add(x, net.times(input, residual));
      if (net.has(bias)) x = net.add(x, net.weight(bias));
      if (l === net.layers - 1) continue;
      if (net.isNormalised()) x = net.normalised(x, l);
      x = net.relu(x);
    }
    return x;
  };

const gcnii =
  (weightOf: (l: number) => string): Forward =>
  (net) => {
    const first = net.add(net.times(net.features, "input.weight"), net.weight("input.bias"));
    const alpha = net.option("alpha");
    const initial = net.relu(first);
    let x = initial;
    for (let l = 0; l < net.layers; l++) {
      const theta = Math.log(net.option("lambda") / (l + 1) + 1);
      const z = net.add(net.scaled(net.propagated(x), 1 - alpha), net.scaled(initial, alpha));
      const map = net.scaled(net.times(z, weightOf(l)), theta);
      x = net.relu(net.add(map, net.scaled(z, 1 - theta)));
    }
    return net.add(net.times(x, "output.weight"), net.weight("output.bias"));
  };

const FORWARD: Readonly<Record<string, Forward>> = {
  gat: layered((net, x, l) => net.attended(net.times(x, `layer.${l}.weight`), l)),
  gcn: layered((net, x, l) => net.propagated(net.times(x, `layer.${l}.weight`))),
  mlp: layered((net, x, l) => net.times(x, `layer.${l}.weight`)),
  sage: layered((net, x, l) =>
    net.add(net.neighbourMean(net.times(x, `layer.${l}.weight`)), net.times(x, `layer.${l}.root`)),
  ),
  gcnii: gcnii((l) => `convolution.${l}.weight`),
  mustad: gcnii(() => "convolution.weight"),
};

/**
 * Encodes a trained model for ONNX runtimes, opset 18. Inputs: `x`, float32, nodes x features, as files have them (the
 * form that an import gave them is part of the model, where it is made of a node's row);
 * `edge_index`, int64, 2 x arcs as in PyG: both directions of each edge, no loops, none twice (an MLP has no
 * such input). Outputs: `logits` and `probabilities`, nodes x classes.
 * @throws OptionError for a kind of model that has no such form
 */
export function encodeOnnxModel(file: ModelFile): Uint8Array {
  const { model, training } = file.config;
  const forward = FORWARD[model.kind];
  if (training.precision) {
    throw new OptionError("a model of low precision has no ONNX form: export it as safetensors");
  }
  if (!forward) {
    const known = Object.keys(FORWARD).join(", ");
    throw new OptionError(`a model of the kind "${model.kind}" has no ONNX form; known: ${known}`);
  }
  const net = new Network(file);
  const { graph } = net;
  graph.add("Identity", [forward(net)], {}, "logits");
  graph.add("Softmax", ["logits"], { axis: 1 }, "probabilities");
  const { features, classes } = file.shape;
  const result = { type: "float32", shape: ["nodes", classes] } as const;
  return encodeOnnx({
    name: modelTitle(model),
    opset: OPSET,
    graph,
    inputs: [
      { name: "x", type: "float32", shape: ["nodes", features] },
      ...(net.readsArcs
        ? [{ name: "edge_index", type: "int64", shape: [2, "arcs"] } as const]
        : []),
    ],
    outputs: [
      { name: "logits", ...result },
      { name: "probabilities", ...result },
    ],
    metadata: modelMetadata(file),
  });
}
