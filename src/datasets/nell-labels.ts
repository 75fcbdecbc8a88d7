// Joins the labels of NELL's entities over its variants, by the entities' features.

import { BadFileError } from "../formats/errors.ts";
import type { Csr } from "../graph/csr.ts";
import { UNLABELLED } from "../graph/graph.ts";
import type { Features, Labels } from "./planetoid-parts.ts";

/** A published label, and where it was found. */
interface Found {
  readonly label: number;
  readonly path: string;
  readonly row: number;
}

/**
 * Collects labels. The variants number one graph in three ways, but an entity keeps its row of features,
 * which in NELL is unique in 9,883 of 9,891 cases. A row that several entities share identifies none of
 * them, nor does an empty one.
 */
export class LabelPool {
  readonly #graph: string;
  /** The node that has these features; null if there are several. */
  readonly #owner = new Map<string, number | null>();
  readonly #found = new Map<number, Found>();

  /**
   * @param features nodes x features; relation nodes' rows are empty.
   * @param graph the graph's name, for messages.
   */
  constructor(features: Csr, graph: string) {
    this.#graph = graph;
    for (let node = 0; node < features.rows; node++) {
      const key = rowKey(features, node);
      if (key !== "") this.#owner.set(key, this.#owner.has(key) ? null : node);
    }
  }

  /**
   * Adds the labelled rows of a variant.
   *
   * @throws BadFileError for a row that no entity of the graph has (the files belong to different
   *   graphs), or a label that contradicts one added before.
   */
  add({ matrix, path }: Features, { labels, path: labelPath }: Labels): void {
    for (let row = 0; row < matrix.rows; row++) {
      const label = labels[row]!;
      const key = rowKey(matrix, row);
      if (label === UNLABELLED || key === "") continue;
      const node = this.#owner.get(key);
      if (node === undefined) {
        throw new BadFileError(
          path,
          `no entity of ${this.#graph} has the features of row ${row}: these are not variants ` +
            "of one graph",
        );
      }
      if (node === null) continue;
      const other = this.#found.get(node);
      if (other && other.label !== label) {
        throw new BadFileError(
          labelPath,
          `row ${row} has class ${label}, row ${other.row} of ${other.path} has the same ` +
            `features and class ${other.label}`,
        );
      }
      this.#found.set(node, { label, path: labelPath, row });
    }
  }

  /**
   * Writes the labels that were found into the unlabelled places of `labels`.
   *
   * @throws BadFileError if one contradicts a label that is already there.
   */
  fill(labels: Int32Array): void {
    for (const [node, { label, path, row }] of this.#found) {
      if (labels[node] !== UNLABELLED && labels[node] !== label) {
        throw new BadFileError(
          path,
          `row ${row} has class ${label}, but node ${node} of ${this.#graph}, whose features ` +
            `these are, has class ${labels[node]}`,
        );
      }
      labels[node] = label;
    }
  }
}

/** A key made of a row's columns and values; empty for a row without entries. */
function rowKey({ indptr, indices, values }: Csr, row: number): string {
  const [start, end] = [indptr[row]!, indptr[row + 1]!];
  if (start === end) return "";
  const columns = indices.subarray(start, end).join();
  // A matrix of ones stores no values, but its rows must get the same keys as in other matrices.
  const ones = (): Float32Array => new Float32Array(end - start).fill(1);
  return `${columns};${(values?.subarray(start, end) ?? ones()).join()}`;
}
