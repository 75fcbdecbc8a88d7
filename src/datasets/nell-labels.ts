// Labels of NELL's entities, joined over its variants by the entities' features.

import { BadFileError } from "../formats/errors.ts";
import type { Csr } from "../graph/csr.ts";
import { UNLABELLED } from "../graph/graph.ts";
import type { Features, Labels } from "./planetoid-parts.ts";

/** A published label and where it stands. */
interface Found {
  readonly label: number;
  readonly path: string;
  readonly row: number;
}

/**
 * The variants number one graph in three ways, but an entity keeps its row of features, which in
 * NELL is its own in 9,883 of 9,891 cases. A row that several entities share names none of them,
 * nor does an empty one.
 */
export class LabelPool {
  readonly #graph: string;
  /** The node whose features these are; null where there are several. */
  readonly #owner = new Map<string, number | null>();
  readonly #found = new Map<number, Found>();

  /**
   * @param features nodes x features; relation nodes' rows are empty.
   * @param graph names the graph in messages.
   */
  constructor(features: Csr, graph: string) {
    this.#graph = graph;
    for (let node = 0; node < features.rows; node++) {
      const key = rowKey(features, node);
      if (key !== "") this.#owner.set(key, this.#owner.has(key) ? null : node);
    }
  }

  /**
   * Takes in the labelled rows of a variant.
   *
   * @throws BadFileError for a row that no entity of the graph has (the files are not of one
   *   graph), or a label that contradicts one taken in before.
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
   * Writes the labels that were found into `labels`, where there are none.
   *
   * @throws BadFileError for one that contradicts a label that is there.
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

/** Columns and values of a row; empty for a row without entries. */
function rowKey({ indptr, indices, values }: Csr, row: number): string {
  const [start, end] = [indptr[row]!, indptr[row + 1]!];
  if (start === end) return "";
  const columns = indices.subarray(start, end).join();
  // A matrix of ones has no values: its rows must have the keys that they have in another matrix.
  const ones = (): Float32Array => new Float32Array(end - start).fill(1);
  return `${columns};${(values?.subarray(start, end) ?? ones()).join()}`;
}
