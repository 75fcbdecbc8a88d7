// Reads the features of nodes from the columns of a text table.

import { cellName, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import { MAX_SIDE, withoutOnes } from "../sparse.ts";
import type { NodeTable } from "./columns.ts";
import { featureOf, numbersIn } from "./scan.ts";

/** Reads the columns of numbers, and of lists of numbers, into compressed rows, zeros left out. */
export function tableFeatures(
  { table, features, lists }: NodeTable,
  rowOf: Int32Array,
  nodes: number,
): Csr {
  const rows: { readonly columns: Int32Array; readonly values: Float32Array }[] = [];
  const widths = new Map<number, number>();
  let [count, row] = [0, 0];
  visitRows(table, (cells, line) => {
    const [columns, values]: [number[], number[]] = [[], []];
    let first = 0;
    for (const k of features) {
      const numbers = lists.has(k) ? listAt(k, cells[k]!, line) : [featureOf(cells[k]!)];
      for (const [c, number] of numbers.entries()) {
        const value = Math.fround(number);
        if (!Number.isFinite(value)) {
          throw new BadFileError(cellName(table, line, k), "beyond the range of float32");
        }
        if (value === 0) continue;
        columns.push(first + c);
        values.push(value);
      }
      first += numbers.length;
    }
    count += columns.length;
    rows[rowOf[row++]!] = {
      columns: Int32Array.from(columns),
      values: Float32Array.from(values),
    };
  });
  const indptr = new Int32Array(nodes + 1);
  const [indices, data] = [new Int32Array(count), new Float32Array(count)];
  for (let node = 0, at = 0; node < nodes; node++) {
    const found = rows[node];
    if (found) {
      indices.set(found.columns, at);
      data.set(found.values, at);
      at += found.columns.length;
    }
    indptr[node + 1] = at;
  }
  const width = features.reduce((sum, k) => sum + (widths.get(k) ?? 1), 0);
  // Sorted already, and may have more entries than a sparse matrix from a file.
  return withoutOnes({ rows: nodes, columns: width, indptr, indices, values: data });

  function listAt(k: number, cell: string, line: number): number[] {
    const numbers = numbersIn(cell)!.map(Number);
    const width = widths.get(k) ?? numbers.length;
    widths.set(k, width);
    if (numbers.length === width && width <= MAX_SIDE) return numbers;
    const fault = `a list of ${numbers.length} numbers, where the first has ${width}`;
    throw new BadFileError(cellName(table, line, k), fault);
  }
}
