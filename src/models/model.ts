// What every family of models offers to training, distillation, files and the command line.
import * as tf from "@tensorflow/tfjs";
import { needObject } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import type { OptionTable } from "../base/options.ts";
import { lastMap } from "../tensor/ops/gcnii.ts";
import { type SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import type { GraphForms } from "./graph-forms.ts";

/** A graph as GCN and its relatives read it, on the engine. */
export interface GraphInputs {
  /** nodes x nodes, P = D^-1/2 (A + I) D^-1/2. */
  readonly adjacency: SparseMatrix;
  /** nodes x features, rows normalised. */
  readonly features: SparseMatrix;
  /** items x nodes, where not all nodes are the items: what itemLogits() takes. */
  readonly readout?: SparseMatrix | undefined;
}

/** What a model is fitted to. */
export interface GraphShape {
  readonly features: number;
  readonly classes: number;
}

/**
 * Logits of the items that are classified: of a graph's nodes, the mean over each of several graphs, the
 * rows of the first type. A model that is linear behind its last map pools its maps by this.
 * @param logits nodes x classes
 */
export function itemLogits(
  { readout }: Pick<GraphInputs, "readout">,
  logits: tf.Tensor2D,
): tf.Tensor2D {
  return readout ? spmm(readout, logits) : logits;
}

/** A named matrix or vector of a model. */
export interface Parameter {
  /** Unique within the model, e.g. `convolution.3.weight`; the name in a checkpoint. */
  readonly name: string;
  readonly variable: tf.Variable;
}

/** How much of a forward pass is read; each includes those before it. */
export type Reads = "logits" | "hidden" | "layers";

/**
 * What a pass does to a model's numbers where they are read: precision, pruning, masks. Each is given a
 * tensor and gives one of its shape, differentiable.
 */
export interface Hooks {
  /** A parameter, each time that it is read. */
  weight?(parameter: Parameter): tf.Tensor;
  /** What layer `layer`, from 0, reads of the one before it: after activation and dropout. */
  activation?(map: tf.Tensor2D, layer: number): tf.Tensor2D;
  /** What nodes send along arcs in layer `layer`, nodes x width. */
  message?(map: tf.Tensor2D, layer: number): tf.Tensor2D;
}

export interface Pass {
  /**
   * Present while training: dropout draws from the stream (seed, step), and batch normalisation takes
   * the statistics of this pass.
   */
  readonly dropout?: { readonly seed: number; readonly step: number };
  /** "logits" by default: layer maps cost memory in a deep model. */
  readonly reads?: Reads;
  /** Absent: numbers are read as they are. */
  readonly hooks?: Hooks;
}

/** The maps of a model's layers, from first to last. */
export interface Layers {
  readonly widths: readonly number[];
  /** Layer i's map before normalisation and activation, nodes x widths[i]: the paper's T or S. */
  at(i: number): tf.Tensor2D;
  /** The same after the model's own normalisation and activation: what the next layer reads. */
  activated(i: number): tf.Tensor2D;
  /** All maps as one tensor, layers x nodes x width, where the model has them so. */
  readonly stack?: tf.Tensor3D;
}

export interface Outputs {
  /** items x classes: a row for each node, unless the graph says what else its items are. */
  readonly logits: tf.Tensor2D;
  /** What the model's last layer reads, after its own activation, nodes x `Outline.hidden`; on request. */
  readonly hidden?: tf.Tensor2D;
  /** On request. */
  readonly layers?: Layers;
  /** Of the run's other students, where several learn from each other; of the same pass. */
  readonly peers?: readonly Outputs[];
  /**
   * What each of the model's buffers is to hold after this step, by name; while training only. A pass
   * changes nothing itself, so that a step whose loss is not finite leaves the model as it was.
   */
  readonly moved?: ReadonlyMap<string, Float32Array>;
}

/** A model's sizes, as methods need them to make their projections. */
export interface Outline {
  /** Its kind's name. */
  readonly kind: string;
  /** Of each layer map. */
  readonly widths: readonly number[];
  /** Whether the last layer map is the logits themselves, as in a GCN. Absent: they come behind it. */
  readonly endsInLogits?: boolean;
  /** Width of `Outputs.hidden`. */
  readonly hidden: number;
  readonly classes: number;
}

/** What can be known of a model before memory is spent on it. */
export interface Shapes {
  readonly outline: Outline;
  /** By name, in the model's order. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** What is saved and not trained. */
  readonly buffers: ReadonlyMap<string, readonly number[]>;
  /** Numbers that a training step holds for each node at the least, the parameters apart. */
  readonly perNode: number;
}

/** `I`: what its forward pass reads of a graph. */
export interface Model<I = unknown> {
  readonly outline: Outline;
  readonly parameters: readonly Parameter[];
  /** Saved with the parameters and not trained, such as batch normalisation's running means. */
  readonly buffers?: readonly Parameter[];
  /** Its tensors are the caller's. */
  forward(inputs: I, pass?: Pass): Outputs;
  /** Frees parameters and buffers. */
  dispose(): void;
}

/** The same model, its parameters too, with hooks in each of its passes: what train() and evaluate() take. */
export function withHooks<I>(model: Model<I>, hooks: Hooks): Model<I> {
  return {
    outline: model.outline,
    parameters: model.parameters,
    ...(model.buffers && { buffers: model.buffers }),
    forward: (inputs, pass = {}) => model.forward(inputs, { ...pass, hooks }),
    dispose: () => model.dispose(),
  };
}

/** A configuration as every kind has it: its kind's name and its options. */
export interface Configured {
  readonly kind: string;
}

/**
 * A family of models: a file with one of these, and a line in models.ts. `C`: its configuration, which
 * stands in a run's and so decides the run's id. `I`: what its models read of a graph.
 */
export interface ModelKind<C extends Configured, I, M extends Model<I> = Model<I>> {
  readonly name: C["kind"];
  /** In titles: "GCNII". */
  readonly label: string;
  /** One line for `abkd models`. */
  readonly summary: string;
  readonly defaults: Omit<C, "kind">;
  /** Every option's legal values and meaning. */
  readonly options: OptionTable<Omit<C, "kind">>;
  /** Its size as papers write it: "64L-64H". */
  size(config: C): string;
  /** What its models read of a graph; the parts belong to `forms`. */
  prepare(forms: GraphForms): I;
  /** What they read of some nodes, the caller's to free. Absent: a node's output depends on other nodes. */
  ofNodes?(inputs: I, nodes: Int32Array): I & { dispose(): void };
  shapes(config: C, shape: GraphShape): Shapes;
  /** The same configuration, shape and seed give the same bits. */
  create(config: C, shape: GraphShape, seed: number): M;
  /** How the arrays of an exported file give the logits, for whoever has no abkd. */
  readonly forwardText: string;
}

/** @throws OptionError for counts that no graph has */
export function checkShape(label: string, shape: GraphShape): void {
  needObject(shape, `${label}: shape`, "the graph's { features, classes }", "features", "classes");
  const { features, classes } = shape;
  for (const [name, count] of Object.entries({ features, classes })) {
    if (Number.isInteger(count) && count >= 1) continue;
    throw new OptionError(`${label}: ${name} is ${count}, not 1 or more`);
  }
}

/** A parameter as a pass reads it, as tf's types take it. */
export const matrixOf = (parameter: Parameter, hooks?: Hooks): tf.Tensor2D =>
  (hooks?.weight?.(parameter) ?? parameter.variable) as unknown as tf.Tensor2D;
export const vectorOf = (parameter: Parameter, hooks?: Hooks): tf.Tensor1D =>
  (hooks?.weight?.(parameter) ?? parameter.variable) as unknown as tf.Tensor1D;

/** Number of trained scalars. */
export function parameterCount(model: Model): number {
  needObject(model, "parameterCount: model", "a model, such as new Gcnii()", "parameters");
  return model.parameters.reduce((sum, p) => sum + p.variable.size, 0);
}

/**
 * Of a model whose layers have one width and whose maps lie in one tensor; the last is `hidden`.
 * @param stack layers x nodes x width
 * @param activation the model's own
 */
export function stackedOutputs(
  logits: tf.Tensor2D,
  stack: tf.Tensor3D,
  activation: (map: tf.Tensor2D) => tf.Tensor2D,
): Outputs {
  const [count, nodes, width] = stack.shape;
  const at = (i: number): tf.Tensor2D =>
    tf.reshape(tf.slice(stack, [i, 0, 0], [1, nodes, width]), [nodes, width]);
  const activated = (i: number): tf.Tensor2D =>
    // A slice's gradient is a slow padding.
    activation(i === count - 1 ? lastMap(stack) : at(i));
  return {
    logits,
    layers: { widths: new Array<number>(count).fill(width), at, activated, stack },
    // Computed where it is read.
    get hidden() {
      return activated(count - 1);
    },
  };
}
