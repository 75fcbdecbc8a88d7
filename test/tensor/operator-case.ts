// A call of one of tf's public operators, to be made on two back ends.
import type * as tf from "@tensorflow/tfjs";

/** An input: its shape and its kind of numbers. */
export type Input = readonly [
  shape: readonly number[],
  kind?: "float" | "positive" | "unit" | "int" | "bool" | "whole",
];

export interface OperatorCase {
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly run: (...x: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  /** Whether gradients with respect to the float inputs are compared too. */
  readonly gradient: boolean;
}

export type Run = OperatorCase["run"];

/** A list of cases, and functions to add to it. */
export class Cases {
  readonly all: OperatorCase[] = [];

  /** Adds a case whose values and gradients are compared. */
  readonly both = (name: string, inputs: readonly Input[], run: Run): void => {
    this.all.push({ name, inputs, run, gradient: true });
  };

  /** Adds a case of which only values are compared: integers, or tfjs has no gradient for it. */
  readonly value = (name: string, inputs: readonly Input[], run: Run): void => {
    this.all.push({ name, inputs, run, gradient: false });
  };
}
