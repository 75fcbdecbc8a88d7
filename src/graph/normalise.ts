// Normalises adjacency and features.
import { checkAdjacency, checkCsr } from "./check.ts";
import type { Csr } from "./csr.ts";
import type { Graph } from "./graph.ts";

/**
 * Returns GCN's normalised adjacency, P = D^-1/2 (A + I) D^-1/2 with D the degrees of A + I.
 * An isolated node keeps its own features with weight 1.
 * Source: Kipf and Welling 2017, section 2; used by GCNII as P.
 *
 * @param adjacency nodes x nodes: both directions of each edge, no self loops, sorted rows
 * @throws InputError for any other matrix
 */
export function symmetricNormalised(adjacency: Csr): Csr {
  checkAdjacency(adjacency);
  const { rows, columns, indptr, indices } = adjacency;
  const scale = new Float64Array(rows);
  for (let r = 0; r < rows; r++) scale[r] = 1 / Math.sqrt(indptr[r + 1]! - indptr[r]! + 1);
  const outIndptr = new Int32Array(rows + 1);
  const outIndices = new Int32Array(indices.length + rows);
  const values = new Float32Array(indices.length + rows);
  let out = 0;
  for (let r = 0; r < rows; r++) {
    let selfDone = false;
    const put = (column: number): void => {
      outIndices[out] = column;
      values[out++] = scale[r]! * scale[column]!;
    };
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      if (!selfDone && indices[k]! > r) {
        put(r);
        selfDone = true;
      }
      put(indices[k]!);
    }
    if (!selfDone) put(r);
    outIndptr[r + 1] = out;
  }
  return { rows, columns, indptr: outIndptr, indices: outIndices, values };
}

/**
 * Returns a drawn layer's part of P, with its nodes' own entries. A node with d neighbours, of which k were drawn, has
 * P's coefficients of these times d / k, which is right on average where each neighbour is drawn as likely; a node's
 * own coefficient is P's.
 * Source: Chen, Zhu, Song: Stochastic Training of Graph Convolutional Networks with Variance Reduction, ICML 2018,
 * section 3 (the estimator NS).
 *
 * @param arcs a layer of a GraphSample
 * @param nodes the graph's node of each column; the rows are the first of them
 * @param whole P, as symmetricNormalised() gives it
 */
export function sampledNormalised(arcs: Csr, nodes: Int32Array, { indptr: all }: Csr): Csr {
  const { rows, columns, indptr, indices } = arcs;
  const scale = new Float64Array(columns);
  for (let c = 0; c < columns; c++) scale[c] = 1 / Math.sqrt(all[nodes[c]! + 1]! - all[nodes[c]!]!);
  const outIndptr = new Int32Array(rows + 1);
  const outIndices = new Int32Array(indices.length + rows);
  const values = new Float32Array(indices.length + rows);
  for (let r = 0, out = 0; r < rows; r++) {
    const [first, end] = [indptr[r]!, indptr[r + 1]!];
    const degree = all[nodes[r]! + 1]! - all[nodes[r]!]! - 1;
    const share = degree / (end - first);
    let k = first;
    const put = (column: number, factor: number): void => {
      outIndices[out] = column;
      values[out++] = scale[r]! * scale[column]! * factor;
    };
    for (; k < end && indices[k]! < r; k++) put(indices[k]!, share);
    put(r, 1);
    for (; k < end; k++) put(indices[k]!, share);
    outIndptr[r + 1] = out;
  }
  return { rows, columns, indptr: outIndptr, indices: outIndices, values };
}

/** Returns the features as models read them: each row divided by its sum, unless the graph says otherwise. */
export function modelFeatures({
  features,
  featuresAsIs,
}: Pick<Graph, "features" | "featuresAsIs">): Csr {
  return featuresAsIs ? features : rowNormalised(features);
}

/**
 * Divides each row by its sum; an empty row, or one that sums to 0, stays as it is.
 * @throws InputError for an invalid matrix, or one that holds NaN or an infinity
 */
export function rowNormalised(matrix: Csr): Csr {
  checkCsr(matrix, "a matrix of features");
  const { rows, indptr, indices } = matrix;
  const values = new Float32Array(indices.length);
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) sum += matrix.values?.[k] ?? 1;
    const scale = sum === 0 ? 1 : 1 / sum;
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      values[k] = (matrix.values?.[k] ?? 1) * scale;
    }
  }
  return { ...matrix, values };
}
