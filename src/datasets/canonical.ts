// Counts and digests of a graph's canonical arrays, for comparing two loaders.
import { createHash } from "node:crypto";
import { nonzeros } from "../graph/csr.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import type { PublicSummary, SplitSummary, Summary } from "./oracles.ts";
import type { RawSplit } from "./splits.ts";

/**
 * Summarises a graph in the published form: arrays are little-endian int32 or float32, arcs are sorted
 * by (row, column), features have sorted columns and no zeros, and an unlabelled node has class 0.
 */
export function summarise(graph: Graph): Summary {
  const { nodes, adjacency, features, labels } = graph;
  const rowOf = new Int32Array(nonzeros(adjacency));
  for (let r = 0; r < nodes; r++) {
    rowOf.fill(r, adjacency.indptr[r]!, adjacency.indptr[r + 1]!);
  }
  const values = features.values ?? new Float32Array(nonzeros(features)).fill(1);
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k]!;
  return {
    ...countsOf(graph),
    sha256: {
      arcs_row_sorted_i32: sha256(rowOf),
      arcs_col_i32: sha256(adjacency.indices),
      labels_i32: sha256(labels.map((label) => Math.max(label, 0))),
      feat_indptr_i32: sha256(features.indptr),
      feat_indices_i32: sha256(features.indices),
      feat_data_f32: sha256(values),
    },
    feature_sum: sum,
  };
}

/** The counts of a summary, without digests and sums. */
export function countsOf({
  nodes,
  classes,
  adjacency,
  features,
  labels,
}: Graph): Omit<Summary, "sha256" | "feature_sum"> {
  return {
    nodes,
    features: features.columns,
    feature_nnz: nonzeros(features),
    classes,
    arcs: nonzeros(adjacency),
    undirected: nonzeros(adjacency) / 2,
    unlabelled: countUnlabelled(labels),
  };
}

/** Counts the nodes without a class. */
export function countUnlabelled(labels: Int32Array): number {
  return labels.reduce((count, label) => count + (label === UNLABELLED ? 1 : 0), 0);
}

/** Returns the sizes of a split as its source gives it, and the digest of its nodes' roles. */
export function summariseSplit(nodes: number, { train, val, test }: RawSplit): SplitSummary {
  const roles = new Uint8Array(nodes);
  for (const node of train) roles[node] = 1;
  for (const node of val) roles[node] = 2;
  for (const node of test) roles[node] = 3;
  return { train: train.length, val: val.length, test: test.length, sha256: sha256(roles) };
}

/** Summarises Planetoid's public split, whose training and validation nodes are ranges. */
export function summarisePublic({ train, val, test }: RawSplit): PublicSummary {
  return {
    train: [train[0]!, train.at(-1)! + 1],
    val: [val[0]!, val.at(-1)! + 1],
    test_sorted_sha256_i32: sha256(test),
  };
}

/**
 * Returns dotted paths of the entries where two summaries differ; sums may differ in the last digits. What only one
 * of them has is not compared.
 */
export function differences(found: object, expected: object, prefix = ""): string[] {
  const other = new Map<string, unknown>(Object.entries(expected));
  return Object.entries(found).flatMap(([key, value]) => {
    if (!other.has(key)) return [];
    const wanted = other.get(key);
    if (typeof value === "object" && typeof wanted === "object" && value && wanted) {
      return differences(value, wanted, `${prefix}${key}.`);
    }
    const close =
      key === "feature_sum" && Math.abs(Number(value) - Number(wanted)) <= 1e-9 * Number(wanted);
    return value === wanted || close ? [] : [`${prefix}${key}`];
  });
}

/** Digests the bytes in memory, which are little-endian on every machine that runs Node. */
function sha256(array: Int32Array | Float32Array | Uint8Array): string {
  const { buffer, byteOffset, byteLength } = array;
  return createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");
}
