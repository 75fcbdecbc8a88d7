// The interface of every model family to training, distillation, files and the command line.
import * as tf from "@tensorflow/tfjs";
import { needFunction, needObject } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import type { OptionTable } from "../base/options.ts";
import type { GraphSample } from "../graph/sample.ts";
import { lastMap } from "../tensor/ops/gcnii.ts";
import { type SparseMatrix, spmm } from "../tensor/ops/sparse.ts";
import type { GraphForms } from "./graph-forms.ts";

/** The form of a graph that GCN and its relatives read, on the engine. */
export interface GraphInputs {
  /** nodes x nodes, P = D^-1/2 (A + I) D^-1/2. */
  readonly adjacency: SparseMatrix;
  /** nodes x features, rows normalised. */
  readonly features: SparseMatrix;
  /** items x nodes, for itemLogits(); absent if the items are all the nodes. */
  readonly readout?: SparseMatrix | undefined;
  /** Of a sample: how many of its nodes are the batch's, which come first; absent if all are. */
  readonly batch?: number;
}

/** The sizes of a graph that a model depends on. */
export interface GraphShape {
  readonly features: number;
  readonly classes: number;
  /** For kinds that are `relational`, if the graph has relations. */
  readonly relational?: RelationalShape;
  /** For kinds that are `transductive`. */
  readonly nodes?: number;
}

/** What a transductive model is told of the training items. */
export interface KnownClasses {
  /** The class of every item of the graph. */
  readonly labels: Int32Array;
  /** The training items; a model must not look at the labels of others. */
  readonly items: Int32Array;
}

/** A graph's types and relations, in its order. */
export interface RelationalShape {
  readonly types: readonly {
    readonly name: string;
    readonly nodes: number;
    /** Whether no node of this type has features. */
    readonly featureless?: true;
  }[];
  /** `source` and `target` are types' names. */
  readonly relations: readonly {
    readonly name: string;
    readonly source: string;
    readonly target: string;
  }[];
}

/**
 * Returns the logits of the classified items: all nodes, the mean over each of several graphs, or the
 * rows of the first type. A model that is linear after its last map pools its maps with this.
 * @param logits nodes x classes
 */
export function itemLogits(inputs: Pick<GraphInputs, "readout">, logits: tf.Tensor2D): tf.Tensor2D {
  needObject(inputs, "itemLogits: inputs", "a graph's inputs, as returned by graphInputs()");
  const { readout } = inputs;
  needObject(logits, "itemLogits: logits", "a tensor of nodes x classes", "shape");
  return readout ? spmm(readout, logits) : logits;
}

/** A named matrix or vector of a model. */
export interface Parameter {
  /** Unique within the model, e.g. `convolution.3.weight`; the name in a checkpoint. */
  readonly name: string;
  readonly variable: tf.Variable;
}

/** How much of a forward pass's output is needed; each includes those before it. */
export type Reads = "logits" | "hidden" | "layers";

/**
 * Functions that a pass applies to a model's tensors where it reads them: precision, pruning, masks. Each
 * takes a tensor and returns one of the same shape, differentiably.
 */
export interface Hooks {
  /** Changes a parameter each time it is read. */
  weight?(parameter: Parameter): tf.Tensor;
  /** Changes what layer `layer`, from 0, reads from the one before it, after activation and dropout. */
  activation?(map: tf.Tensor2D, layer: number): tf.Tensor2D;
  /** Changes the messages that nodes send along arcs in layer `layer`, nodes x width. */
  message?(map: tf.Tensor2D, layer: number): tf.Tensor2D;
  /** Changes what layer `layer` multiplies by weights once more after its messages have met: GCNII's Z. */
  inner?(map: tf.Tensor2D, layer: number): tf.Tensor2D;
}

export interface Pass {
  /**
   * Present while training: dropout draws from the stream (seed, step), and batch normalisation uses
   * this pass's statistics.
   */
  readonly dropout?: { readonly seed: number; readonly step: number };
  /** "logits" by default, because a deep model's layer maps cost memory. */
  readonly reads?: Reads;
  /** If absent, tensors are read as they are. */
  readonly hooks?: Hooks;
  /** Of several students, the one whose outputs are returned, from 0; the others are its peers. */
  readonly turn?: number;
}

/** The maps of a model's layers, from first to last. */
export interface Layers {
  readonly widths: readonly number[];
  /** Layer i's map before normalisation and activation, nodes x widths[i]: the paper's T or S. */
  at(i: number): tf.Tensor2D;
  /** Layer i's map after the model's own normalisation and activation: what the next layer reads. */
  activated(i: number): tf.Tensor2D;
  /** All maps as one tensor, layers x nodes x width, if the model computes them so. */
  readonly stack?: tf.Tensor3D;
}

export interface Outputs {
  /** items x classes: a row for each node, unless the graph says that its items are something else. */
  readonly logits: tf.Tensor2D;
  /** What the last layer reads, after the model's own activation, nodes x `Outline.hidden`; on request. */
  readonly hidden?: tf.Tensor2D;
  /** The layer maps; on request. */
  readonly layers?: Layers;
  /** Of the run's other students, where several learn from each other; of the same pass. */
  readonly peers?: readonly Outputs[];
  /**
   * What each of the model's buffers should hold after this step, by name; only while training. A pass
   * itself changes nothing, so that a step whose loss is not finite leaves the model as it was. A buffer that
   * is not named stays as it is.
   */
  readonly moved?: ReadonlyMap<string, Float32Array>;
}

/** A model's sizes, which methods need to make their projections. */
export interface Outline {
  /** The name of the model's kind. */
  readonly kind: string;
  /** The width of each layer map. */
  readonly widths: readonly number[];
  /** Whether the last layer map is the logits themselves, as in a GCN. If absent, they come after it. */
  readonly endsInLogits?: boolean;
  /** Width of `Outputs.hidden`. */
  readonly hidden: number;
  readonly classes: number;
}

/** Counts the layer maps that are not the logits. */
export const hiddenLayers = ({ widths, endsInLogits }: Outline): number =>
  widths.length - (endsInLogits ? 1 : 0);

/** What is known about a model before memory is allocated for it. */
export interface Shapes {
  readonly outline: Outline;
  /** The parameters' shapes by name, in the model's order. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** The shapes, by name, of what is saved but not trained. */
  readonly buffers: ReadonlyMap<string, readonly number[]>;
  /** The fewest numbers that a training step holds per node, apart from the parameters. */
  readonly perNode: number;
  /** The fewest numbers that a step holds besides, whatever the nodes. */
  readonly perStep?: number;
}

/** A model. `I`: what its forward pass reads of a graph. */
export interface Model<I = unknown> {
  readonly outline: Outline;
  readonly parameters: readonly Parameter[];
  /** What is saved with the parameters but not trained, such as batch normalisation's running means. */
  readonly buffers?: readonly Parameter[];
  /** Of `transductive` kinds: keeps the training items' classes in its buffers; called before the first step. */
  learnClasses?(known: KnownClasses): void;
  /** Runs a forward pass; the caller owns the returned tensors. */
  forward(inputs: I, pass?: Pass): Outputs;
  /** Frees parameters and buffers. */
  dispose(): void;
}

const HOOKS: readonly string[] = ["weight", "activation", "message", "inner"];

/** Returns a model that shares the parameters and applies hooks in each pass, for train() and evaluate(). */
export function withHooks<I>(model: Model<I>, hooks: Hooks): Model<I> {
  needObject(model, "withHooks: model", "a model, such as new Gcnii()", "forward");
  needObject(hooks, "withHooks: hooks", "{ weight, activation, message, inner }, each optional");
  for (const [name, hook] of Object.entries(hooks)) {
    if (!HOOKS.includes(name)) {
      throw new OptionError(`withHooks: no hook "${name}"; known: ${HOOKS.join(", ")}`);
    }
    needFunction(hook, `withHooks: ${name}`, "a function");
  }
  return {
    outline: model.outline,
    parameters: model.parameters,
    ...(model.buffers && { buffers: model.buffers }),
    ...(model.learnClasses && { learnClasses: (known) => model.learnClasses!(known) }),
    forward: (inputs, pass = {}) =>
      model.forward(inputs, { ...pass, hooks: pass.hooks ? inTurn(hooks, pass.hooks) : hooks }),
    dispose: () => model.dispose(),
  };
}

/** Returns both hooks as one: the second is given what the first returns. */
function inTurn(first: Hooks, second: Hooks): Hooks {
  const map =
    (part: "activation" | "message" | "inner") =>
    (x: tf.Tensor2D, layer: number): tf.Tensor2D => {
      const once = first[part]?.(x, layer) ?? x;
      return second[part]?.(once, layer) ?? once;
    };
  return {
    weight(parameter) {
      const once = first.weight?.(parameter) ?? parameter.variable;
      return second.weight?.({ ...parameter, variable: once as tf.Variable }) ?? once;
    },
    ...((first.activation || second.activation) && { activation: map("activation") }),
    ...((first.message || second.message) && { message: map("message") }),
    ...((first.inner || second.inner) && { inner: map("inner") }),
  };
}

/** What every kind's configuration has: the kind's name, beside its options. */
export interface Configured {
  readonly kind: string;
}

/**
 * A family of models: a file with one of these, and a line in models.ts. `C`: its configuration, which
 * is part of a run's and so of the run's id. `I`: what its models read of a graph.
 */
export interface ModelKind<C extends Configured, I, M extends Model<I> = Model<I>> {
  readonly name: C["kind"];
  /** The name in titles: "GCNII". */
  readonly label: string;
  /** A one-line description for `abkd models`. */
  readonly summary: string;
  readonly defaults: Omit<C, "kind">;
  /** Every option's legal values and meaning. */
  readonly options: OptionTable<Omit<C, "kind">>;
  /** Returns the size as papers write it: "64L-64H". */
  size(config: C): string;
  /** Whether its parameters depend on a graph's types and relations. */
  readonly relational?: true;
  /** Whether its models have parameters of each node, and read the training nodes' classes as they read features. */
  readonly transductive?: true;
  /** Returns what its models read of a graph; `forms` owns the parts. */
  prepare(forms: GraphForms): I;
  /** What they read of some nodes, the caller's to free. Absent: a node's output depends on other nodes. */
  ofNodes?(inputs: I, nodes: Int32Array): I & { dispose(): void };
  /** What they read of a drawn part of the graph, the caller's to free. Absent: they need the whole graph. */
  ofSample?(inputs: I, sample: GraphSample): I & { dispose(): void };
  shapes(config: C, shape: GraphShape): Shapes;
  /** Makes a model; the same configuration, shape and seed give the same bits. */
  create(config: C, shape: GraphShape, seed: number): M;
  /** How to compute the logits from the arrays of an exported file, for readers without abkd. */
  readonly forwardText: string;
}

/** @throws OptionError for counts that no graph can have */
export function checkShape(label: string, shape: GraphShape): void {
  needObject(shape, `${label}: shape`, "the graph's { features, classes }", "features", "classes");
  const { features, classes } = shape;
  for (const [name, count] of Object.entries({ features, classes })) {
    if (Number.isInteger(count) && count >= 1) continue;
    throw new OptionError(`${label}: ${name} is ${count}, not 1 or more`);
  }
}

/** Returns a parameter as a pass reads it, hooks applied, with the type that tf expects. */
export const matrixOf = (parameter: Parameter, hooks?: Hooks): tf.Tensor2D =>
  (hooks?.weight?.(parameter) ?? parameter.variable) as unknown as tf.Tensor2D;
export const vectorOf = (parameter: Parameter, hooks?: Hooks): tf.Tensor1D =>
  (hooks?.weight?.(parameter) ?? parameter.variable) as unknown as tf.Tensor1D;

/** Counts the trained scalars. */
export function parameterCount(model: Model): number {
  needObject(model, "parameterCount: model", "a model, such as new Gcnii()", "parameters");
  return model.parameters.reduce((sum, p) => sum + p.variable.size, 0);
}

/**
 * Returns the outputs of a model whose layers have one width and whose maps are one tensor; the last is `hidden`.
 * @param stack layers x nodes x width
 * @param activation the model's own activation
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
    // The gradient of a slice is a slow padding.
    activation(i === count - 1 ? lastMap(stack) : at(i));
  return {
    logits,
    layers: { widths: new Array<number>(count).fill(width), at, activated, stack },
    // Computed when it is read.
    get hidden() {
      return activated(count - 1);
    },
  };
}
