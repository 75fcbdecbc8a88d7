// Reads a folder of Matrix Market files: an adjacency, features, and labels as a matrix or a list.
import path from "node:path";
import { openTable, visitRows } from "../../formats/csv.ts";
import { BadFileError } from "../../formats/errors.ts";
import { type MatrixEntries, readMatrixMarket } from "../../formats/matrix-market.ts";
import type { Csr } from "../../graph/csr.ts";
import { byRow, canonicalFeatures, MAX_ENTRIES } from "../sparse.ts";
import { type FoundGraph, type FoundLabels, inFolder, readOwn } from "./found.ts";
import { classesOf } from "./labels.ts";
import { TABLE_FILE } from "./tables.ts";

export const MATRIX_FILE = /\.mtx$/i;

interface NamedMatrix {
  readonly file: string;
  readonly matrix: MatrixEntries;
}

const NAMES = {
  features: /^(x|feat|attr|node_feat)/i,
  labels: /^(y|label|class|target|node_label)/i,
};

/** @throws BadFileError naming file and line */
export async function readMatrices(folder: string, names: readonly string[]): Promise<FoundGraph> {
  const all: NamedMatrix[] = [];
  for (const file of inFolder(folder, names, MATRIX_FILE)) {
    all.push({ file, matrix: readMatrixMarket(file, await readOwn(file)) });
  }
  const labelled = (pattern: RegExp): NamedMatrix | undefined =>
    all.find(({ file }) => pattern.test(path.basename(file)));
  const [features, labels] = [labelled(NAMES.features), labelled(NAMES.labels)];
  const square = all.filter((one) => one !== features && one !== labels);
  const [adjacency, second] = square;
  if (!features || !adjacency || second) {
    const found = all.map(({ file }) => path.basename(file)).join(", ");
    const fault = `an adjacency and one matrix called x.mtx or features.mtx are needed; it has ${found}`;
    throw new BadFileError(folder, fault);
  }
  const { rows, columns } = adjacency.matrix;
  if (rows !== columns) {
    throw new BadFileError(adjacency.file, `${rows} x ${columns}, not the square of an adjacency`);
  }
  if (features.matrix.rows !== rows) {
    throw new BadFileError(features.file, `${features.matrix.rows} rows for ${rows} nodes`);
  }
  if (rows === 0 || adjacency.matrix.rowOf.length > MAX_ENTRIES) {
    throw new BadFileError(adjacency.file, `${rows} nodes, ${adjacency.matrix.rowOf.length} arcs`);
  }
  const classes = labels ? labelColumn(labels, rows) : await labelList(folder, names, rows);
  const weights = adjacency.matrix.values?.some((value) => value !== 1) ?? false;
  return {
    form: "Matrix Market files",
    nodes: rows,
    from: adjacency.matrix.rowOf,
    to: adjacency.matrix.columnOf,
    ...classes,
    features: featuresOf(features),
    splits: [],
    decisions: weights ? ["weights of edges are left out: each stored arc counts"] : [],
  };
}

function featuresOf({ file, matrix }: NamedMatrix): Csr {
  const { rows, columns, rowOf, columnOf, values, symmetric } = matrix;
  if (symmetric) throw new BadFileError(file, "symmetric features");
  const given = values ?? new Float32Array(rowOf.length).fill(1);
  const { indptr, indices, values: data } = byRow(rows, columns, rowOf, columnOf, given);
  // Dense files may have more entries than a sparse matrix is allowed, most of them 0.
  const kept = data.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  if (kept > MAX_ENTRIES) throw new BadFileError(file, `${kept} entries; at most ${MAX_ENTRIES}`);
  return canonicalFeatures(
    withoutZeros({ rows, columns, indptr, indices }, data),
    data.filter((v) => v !== 0),
    file,
  );
}

function withoutZeros(matrix: Csr, data: Float32Array): Csr {
  const indptr = new Int32Array(matrix.rows + 1);
  for (let r = 0; r < matrix.rows; r++) {
    let count = 0;
    for (let k = matrix.indptr[r]!; k < matrix.indptr[r + 1]!; k++) if (data[k] !== 0) count++;
    indptr[r + 1] = indptr[r]! + count;
  }
  return { ...matrix, indptr, indices: matrix.indices.filter((_, k) => data[k] !== 0) };
}

/** n x 1 numbers; in a sparse one, what is not listed is class 0. */
function labelColumn({ file, matrix }: NamedMatrix, nodes: number): FoundLabels {
  const { rows, columns, rowOf, values } = matrix;
  if (rows !== nodes || columns !== 1) {
    throw new BadFileError(file, `${rows} x ${columns}; labels of ${nodes} nodes are ${nodes} x 1`);
  }
  const texts = new Array<string>(nodes).fill("0");
  for (let k = 0; k < rowOf.length; k++) texts[rowOf[k]!] = String(values ? values[k]! : 1);
  const wrong = texts.findIndex((text) => !/^(-1|\d+)$/.test(text));
  if (wrong >= 0) throw new BadFileError(file, `row ${wrong + 1} has the class ${texts[wrong]}`);
  return classesOf(texts, file);
}

/** A text file with a label a line. */
async function labelList(
  folder: string,
  names: readonly string[],
  nodes: number,
): Promise<FoundLabels> {
  const [file] = inFolder(folder, names, TABLE_FILE).filter((name) =>
    NAMES.labels.test(path.basename(name)),
  );
  if (file === undefined) {
    throw new BadFileError(folder, "there are no labels: labels.mtx (nodes x 1) or labels.txt");
  }
  const table = openTable(file, await readOwn(file), new Set(["label", "labels", "class", "y"]));
  const texts: string[] = [];
  visitRows(table, (cells) => texts.push(cells.at(-1)!));
  if (texts.length !== nodes) {
    throw new BadFileError(file, `${texts.length} labels for ${nodes} nodes`);
  }
  return classesOf(texts, file);
}
