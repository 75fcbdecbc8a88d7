// Evaluation of a large graph layer by layer, in blocks of nodes: what a layer reads, what its nodes send and its map
// are whole, and nothing else.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../tensor/engine/backend.ts";
import { nativeIsCurrent } from "../tensor/native/backend.ts";
import type { GraphInputs } from "./model.ts";

/** Computes some nodes' rows of a layer's map. @param first the first of `count` nodes */
export type MapRows = (first: number, count: number) => tf.Tensor2D;

/** The most nodes of a block, whose maps then fit a core's share of the caches. */
export const BLOCK = 4096;

/** Whether a pass on these inputs is made in blocks: of a large graph, on this engine, if no gradient is asked for. */
export function evaluatesInBlocks({ adjacency, batch }: EvaluatedInputs): boolean {
  if (batch !== undefined || nativeIsCurrent() || tf.engine().state.gradientDepth > 0) return false;
  return adjacency !== undefined && adjacency.rows > BLOCK;
}

type EvaluatedInputs = Partial<Pick<GraphInputs, "adjacency" | "batch">>;

/**
 * Computes a whole map from its blocks; what they are made of is freed. No gradient flows.
 * @param width its columns
 */
export function mapInBlocks(
  nodes: number,
  width: number,
  rows: MapRows,
  block = BLOCK,
): tf.Tensor2D {
  const backend = runningBackend();
  const whole = asTensor(backend.allocate([nodes, width])) as tf.Tensor2D;
  const numbers = backend.floats(whole);
  for (let first = 0; first < nodes; first += block) {
    tf.tidy(() => {
      const part = rows(first, Math.min(block, nodes - first));
      numbers.set(backend.floats(part), first * width);
    });
  }
  return whole;
}
