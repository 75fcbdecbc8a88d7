// What is learned of a graph's items (nodes, or whole graphs): the class of each, or its set of classes.
import * as tf from "@tensorflow/tfjs";
import type { Graph } from "../graph/graph.ts";
import { LabelSetTargets, type Scores, Targets } from "../tensor/index.ts";

/** Some items with what is known of them. */
export interface TaskTargets {
  readonly count: number;
  /** The scalar to minimise, differentiable. @param logits items x classes, of all items */
  loss(logits: tf.Tensor2D): tf.Scalar;
  /** @param logits items x classes, of all items */
  scores(logits: tf.Tensor2D): Scores;
  /** Frees engine memory. */
  dispose(): void;
}

export interface Task {
  /** What `Scores.accuracy` and records hold: a fraction, 0 to 1. */
  readonly metric: "accuracy" | "micro-F1";
  /** @param items the chosen ones, all labelled */
  targets(graph: Graph, items: Int32Array): TaskTargets;
  /** Whether logits give every item the same. @param logits items x classes */
  isConstant(logits: tf.Tensor2D): boolean;
}

/** One class for each item. */
export const oneClass: Task = {
  metric: "accuracy",
  targets: ({ labels, classes }, items) => new Targets(labels, items, classes),
  isConstant(logits) {
    const classes = tf.tidy(() => logits.argMax(1)).dataSync();
    return classes.every((c) => c === classes[0]);
  },
};

/** Any number of classes for each item; those whose logits are above 0 are given. */
export const labelSets: Task = {
  metric: "micro-F1",
  targets: (graph, items) => new LabelSetTargets(graph.labelSets!, items),
  isConstant(logits) {
    const [, classes] = logits.shape;
    const values = logits.dataSync();
    return values.every((x, at) => x > 0 === values[at % classes]! > 0);
  },
};

/** What a graph's labels ask for. */
export function taskOf(graph: Graph): Task {
  return graph.labelSets ? labelSets : oneClass;
}
