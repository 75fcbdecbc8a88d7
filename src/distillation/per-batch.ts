// Terms on batches: a term without parameters starts anew on each batch, whose nodes are then all the nodes.
import type { Outputs } from "../models/model.ts";
import type { NodeBatch, Scene, Teacher } from "./method.ts";
import type { Term } from "./objective.ts";

/**
 * Makes a term that is the whole graph's without a batch, and that of a graph of the batch's nodes and arcs with one.
 * @param make starts the term; it trains nothing of its own
 */
export function perBatch<S extends Scene>(scene: S, make: (scene: S) => Term): Term {
  const whole = make(scene);
  /** Needed until its step's gradients are there. */
  let last: Term | undefined;
  return {
    ...whole,
    value(student: Outputs, step: number, batch?: NodeBatch) {
      if (!batch?.nodes) return whole.value(student, step);
      last?.dispose();
      last = make(sceneOf(scene, batch, batch.nodes));
      return last.value(student, step);
    },
    dispose() {
      last?.dispose();
      whole.dispose();
    },
  };
}

/** The scene of a graph that has only a batch's nodes and arcs. */
function sceneOf<S extends Scene>(scene: S, { graph, targets }: NodeBatch, nodes: Int32Array): S {
  const { teacher } = scene;
  const rows: Teacher | undefined = teacher && {
    outline: teacher.outline,
    outputs: (reads) => teacher.outputs(reads, nodes),
  };
  return {
    ...scene,
    ...(graph && { graph }),
    ...(rows && { teacher: rows }),
    train: targets.train,
  };
}
