// A graph as a small file beside a student: safetensors of the smallest integers that hold its numbers.
import { encodeSafetensors, type WrittenArray } from "../formats/safetensors.ts";
import type { Csr } from "../graph/csr.ts";
import type { Graph } from "../graph/graph.ts";

/**
 * Encodes what loadGraph() of src/student reads: each edge once, at the end with the smaller number; the
 * features' columns, and their values unless all are 1; the labels.
 */
export function encodeGraph({
  name,
  nodes,
  classes,
  adjacency,
  features,
  labels,
  featuresAsIs,
  featuresMade,
}: Graph): Uint8Array {
  const { indptr, indices } = adjacency;
  const upper: number[] = [];
  const counts = Array.from({ length: nodes }, (_, node) => {
    const larger = indices.subarray(indptr[node]!, indptr[node + 1]!).filter((to) => to > node);
    for (const to of larger) upper.push(to);
    return larger.length;
  });
  const tensors = new Map<string, WrittenArray>([
    ["edges.count", small(counts)],
    ["edges.to", small(upper)],
    ["features.count", small(rowCounts(features))],
    ["features.column", small(features.indices)],
    ["labels", small(labels)],
  ]);
  const { values } = features;
  if (values) tensors.set("features.value", { shape: [values.length], values });
  const metadata = {
    format: "abkd-graph/1",
    name,
    nodes: String(nodes),
    classes: String(classes),
    features: String(features.columns),
    ...(featuresAsIs && { featuresAsIs: "true" }),
    ...(featuresMade && { featuresMade }),
  };
  return encodeSafetensors({ tensors, metadata });
}

function rowCounts({ rows, indptr }: Csr): number[] {
  return Array.from({ length: rows }, (_, row) => indptr[row + 1]! - indptr[row]!);
}

/** In the smallest type that holds all of them. */
function small(numbers: ArrayLike<number>): WrittenArray {
  let [least, most] = [0, 0];
  for (let k = 0; k < numbers.length; k++) {
    least = Math.min(least, numbers[k]!);
    most = Math.max(most, numbers[k]!);
  }
  const fits = [Uint8Array, Int8Array, Uint16Array].find((type) => {
    const bits = 8 * type.BYTES_PER_ELEMENT;
    const signed = type === Int8Array;
    return signed ? least >= -128 && most < 128 : least >= 0 && most < 2 ** bits;
  });
  return { shape: [numbers.length], values: (fits ?? Int32Array).from(numbers) };
}
