// Heat kernels that are functions of each pair's distance or product: Gaussian and sigmoid.
import * as tf from "@tensorflow/tfjs";
import type { Csr } from "../../graph/csr.ts";
import type { GraphInputs, Outputs } from "../../models/model.ts";
import { arcProducts } from "../../tensor/ops/arc-products.ts";
import { Arcs, arcDistances } from "../../tensor/ops/arcs.ts";
import { mapElements } from "../../tensor/ops/elements.ts";
import { takeRows } from "../../tensor/ops/rows.ts";
import { similarities, similarityMismatch } from "../../tensor/ops/similarity.ts";
import type { SparseMatrix } from "../../tensor/ops/sparse.ts";
import type { Term } from "../objective.ts";
import { keepsMatrix, sampleNodes } from "../sample.ts";
import { standardised } from "../standardised.ts";

export interface PairsOptions {
  readonly kernel: "gaussian" | "sigmoid";
  readonly t: number;
  readonly delta: number;
  readonly sample: number;
}

/**
 * Adds delta times the sum over all pairs and 1 - delta times that over the arcs: the same as weights of
 * delta and 1, without a matrix of weights.
 *
 * @param hidden the teacher's map, standardised, n x d_t
 */
export function pairsTerm(
  hidden: tf.Tensor2D,
  { adjacency }: GraphInputs,
  { kernel, t, delta, sample }: PairsOptions,
  seed: number,
): Term {
  const nodes = hidden.shape[0];
  // exp(-|x - y| / t) is exp(-|x - y|) of x / t and y / t.
  const prepared = (x: tf.Tensor2D): tf.Tensor2D => (kernel === "gaussian" ? tf.div(x, t) : x);
  const kind = kernel === "gaussian" ? "exp" : "tanh";
  const along = kernel === "gaussian" ? distanceAlong(adjacency) : productAlong(adjacency);
  const teacher = tf.tidy(() => tf.clone(prepared(hidden)));
  const all = keepsMatrix(nodes, sample) ? similarities(teacher, kind) : undefined;
  const arcs = tf.tidy(() => along.kernel(teacher));
  return {
    parameters: [],
    value({ hidden: own }: Outputs, step) {
      const s = prepared(standardised(own!));
      const chosen =
        sample < nodes
          ? sampleNodes(nodes, sample, { seed, stream: "geometric", step })
          : undefined;
      const rows = chosen ? takeRows(s, chosen) : s;
      const everywhere = all
        ? similarityMismatch(rows, all, kind, chosen)
        : similarityMismatch(rows, similarities(takeRows(teacher, chosen!), kind), kind);
      const gaps = tf.sub(along.kernel(s), arcs) as tf.Tensor1D;
      const counted = chosen ? tf.mul(gaps, along.inside(chosen)) : gaps;
      // Summed by a product, because tf.sum's gradient is a slow broadcast.
      const squares = tf.matMul(
        tf.reshape(counted, [1, -1]) as tf.Tensor2D,
        tf.reshape(gaps, [-1, 1]) as tf.Tensor2D,
      );
      const local = tf.reshape(squares, []) as tf.Scalar;
      // similarityMismatch() gives a mean, and this is a sum.
      const global = tf.mul(everywhere, delta * rows.shape[0] ** 2);
      return tf.add(global, tf.mul(local, 1 - delta));
    },
    dispose() {
      tf.dispose([teacher, arcs, ...(all ? [all] : [])]);
      along.dispose();
    },
  };
}

/** Computes the kernel of each arc's two ends, and which arcs have both ends among chosen nodes. */
interface Along {
  kernel(x: tf.Tensor2D): tf.Tensor1D;
  /** Returns 1 or 0 per arc. */
  inside(chosen: Int32Array): tf.Tensor1D;
  dispose(): void;
}

/** A node's kernel with itself is 1 on both sides, so self loops add nothing. */
function distanceAlong(adjacency: SparseMatrix): Along {
  const arcs = Arcs.from(adjacency.host);
  return {
    kernel: (x) =>
      mapElements(
        arcDistances(arcs, x),
        (square) => Math.exp(-Math.sqrt(square)),
        (square, k) => (square > 0 ? -0.5 * (k / Math.sqrt(square)) : 0),
      ),
    inside: (chosen) => bothChosen(adjacency.host, chosen, false),
    dispose: () => arcs.dispose(),
  };
}

function productAlong(adjacency: SparseMatrix): Along {
  return {
    kernel: (x) => mapElements(arcProducts(adjacency, x, x), Math.tanh, (_, k) => 1 - k * k),
    inside: (chosen) => bothChosen(adjacency.host, chosen, true),
    dispose() {},
  };
}

function bothChosen(
  { rows, indptr, indices }: Csr,
  chosen: Int32Array,
  loops: boolean,
): tf.Tensor1D {
  const among = new Uint8Array(rows);
  for (const node of chosen) among[node] = 1;
  const inside = new Float32Array(indices.length);
  let arc = 0;
  for (let i = 0; i < rows; i++) {
    for (let k = indptr[i]!; k < indptr[i + 1]!; k++) {
      const j = indices[k]!;
      if (i !== j || loops) inside[arc++] = among[i]! & among[j]!;
    }
  }
  return tf.tensor1d(inside.subarray(0, arc));
}
