// Tasks: what is learned about a graph's items (nodes or whole graphs), one class each or a set of classes.
import * as tf from "@tensorflow/tfjs";
import type { Graph } from "../graph/graph.ts";
import { LabelSetTargets, type Scores, Targets } from "../tensor/index.ts";

/** Some items and their targets. */
export interface TaskTargets {
  readonly count: number;
  /** The scalar to minimise, differentiable. @param logits items x classes, for all items */
  loss(logits: tf.Tensor2D): tf.Scalar;
  /** Scores the items. @param logits items x classes, for all items */
  scores(logits: tf.Tensor2D): Scores;
  /** Frees engine memory. */
  dispose(): void;
}

export interface Task {
  /** The measure in `Scores.accuracy` and in records: a fraction, 0 to 1. */
  readonly metric: "accuracy" | "micro-F1";
  /** Returns the targets of some items. @param items the chosen items, all labelled */
  targets(graph: Graph, items: Int32Array): TaskTargets;
  /** Whether the logits predict the same for every item. @param logits items x classes */
  isConstant(logits: tf.Tensor2D): boolean;
}

/** Each item has one class. */
export const oneClass: Task = {
  metric: "accuracy",
  targets: ({ labels, classes }, items) => new Targets(labels, items, classes),
  isConstant(logits) {
    const classes = tf.tidy(() => logits.argMax(1)).dataSync();
    return classes.every((c) => c === classes[0]);
  },
};

/** Each item has any number of classes; those with logits above 0 are predicted. */
export const labelSets: Task = {
  metric: "micro-F1",
  targets: (graph, items) => new LabelSetTargets(graph.labelSets!, items),
  isConstant(logits) {
    const [, classes] = logits.shape;
    const values = logits.dataSync();
    return values.every((x, at) => x > 0 === values[at % classes]! > 0);
  },
};

/** Returns the task that fits a graph's labels. */
export function taskOf(graph: Graph): Task {
  return graph.labelSets ? labelSets : oneClass;
}
