// What every model offers to training and distillation.
import type * as tf from "@tensorflow/tfjs";
import { needObject } from "../arguments.ts";
import type { SparseMatrix } from "../tensor/sparse.ts";

/** A graph as the models read it, on the engine. */
export interface GraphInputs {
  /** nodes x nodes, P = D^-1/2 (A + I) D^-1/2. */
  readonly adjacency: SparseMatrix;
  /** nodes x features, rows normalised. */
  readonly features: SparseMatrix;
}

/** A named trainable matrix or vector. */
export interface Parameter {
  /** Unique within the model, e.g. `convolution.3.weight`; the name in a checkpoint. */
  readonly name: string;
  readonly variable: tf.Variable;
}

export interface ForwardOptions {
  /** Present while training: dropout draws from the stream (seed, step). */
  readonly dropout?: { readonly seed: number; readonly step: number };
  /** Whether the layer maps are wanted (they cost memory in a deep model). */
  readonly maps?: boolean;
}

export interface Forward {
  /** nodes x classes. */
  readonly logits: tf.Tensor2D;
  /** layers x nodes x width, before the activation: the paper's T or S. Only on request. */
  readonly maps?: tf.Tensor3D;
}

export interface Model {
  readonly parameters: readonly Parameter[];
  forward(inputs: GraphInputs, options?: ForwardOptions): Forward;
  /** Frees the parameters. */
  dispose(): void;
}

/** Number of trained scalars. */
export function parameterCount(model: Model): number {
  needObject(model, "parameterCount: model", "a model, such as new Gcnii()", "parameters");
  return model.parameters.reduce((sum, p) => sum + p.variable.size, 0);
}
