// Reads HeCo's ACM: papers that are classified, their authors and their subjects.
import { toFloat32, toInt32 } from "../formats/arrays.ts";
import { cellName, openTable, visitRows } from "../formats/csv.ts";
import { BadFileError } from "../formats/errors.ts";
import { NpzFile, parseNpy } from "../formats/npz.ts";
import { nodesFault } from "../graph/check.ts";
import { type Csr, csrFromPairs } from "../graph/csr.ts";
import type { Graph, Relation } from "../graph/graph.ts";
import { unionOf } from "../graph/union.ts";
import { countClasses, readCsr, vector } from "./gnn-benchmark.ts";
import { wholeNumbers } from "./import/dense.ts";
import type { ReadFile } from "./locate.ts";
import { byRow, canonicalFeatures, MAX_ENTRIES, MAX_SIDE } from "./sparse.ts";
import type { RawSplit } from "./splits.ts";

const FOLDER = "heco-acm";
/** Training papers a class, in the three published splits. */
export type HecoRate = 20 | 40 | 60;
const SETS = ["train", "val", "test"] as const;

export function hecoFiles(rate: HecoRate): string[] {
  const splits = SETS.map((set) => `${set}_${rate}.npy`);
  const files = ["labels.npy", "p_feat.npz", "a_feat.npz", "pa.txt", "ps.txt", ...splits];
  return files.map((file) => `${FOLDER}/${file}`);
}

/**
 * Papers are the first type. Papers and authors have features over the same words; subjects have none here (HeCo
 * gives them an identity matrix). Source: liun-online/HeCo, `code/utils/load_data.py`.
 */
export async function loadHeco(name: string, read: ReadFile): Promise<Graph> {
  const papers = await readMatrix(`${FOLDER}/p_feat.npz`, read);
  const authors = await readMatrix(`${FOLDER}/a_feat.npz`, read);
  if (papers.columns !== authors.columns) {
    const widths = `papers have ${papers.columns} features, authors ${authors.columns}`;
    throw new BadFileError(FOLDER, `${widths}; both count the same words`);
  }
  const written = await readPairs(`${FOLDER}/pa.txt`, papers.rows, authors.rows, read);
  const about = await readPairs(`${FOLDER}/ps.txt`, papers.rows, undefined, read);
  const subjects = about.to.reduce((most, subject) => Math.max(most, subject + 1), 1);
  const types = [
    { name: "paper", nodes: papers.rows },
    { name: "author", nodes: authors.rows },
    { name: "subject", nodes: subjects },
  ];
  const relations: Relation[] = [
    {
      ...{ name: "writes", source: "author", target: "paper" },
      arcs: csrFromPairs(papers.rows, authors.rows, written.from, written.to),
    },
    {
      ...{ name: "of", source: "subject", target: "paper" },
      arcs: csrFromPairs(papers.rows, subjects, about.from, about.to),
    },
  ];
  const { bytes, path } = await read(`${FOLDER}/labels.npy`);
  const labels = wholeNumbers(parseNpy(bytes, path), path);
  if (labels.length !== papers.rows) {
    throw new BadFileError(path, `${labels.length} labels for ${papers.rows} papers`);
  }
  return {
    name,
    nodes: papers.rows + authors.rows + subjects,
    classes: countClasses(labels, path),
    adjacency: unionOf(relations, types),
    features: stacked(papers, authors, subjects),
    labels,
    types,
    relations,
  };
}

export async function hecoSplit(rate: HecoRate, papers: number, read: ReadFile): Promise<RawSplit> {
  const taken = new Uint8Array(papers);
  const [train, val, test] = await Promise.all(
    SETS.map(async (set) => {
      const { bytes, path } = await read(`${FOLDER}/${set}_${rate}.npy`);
      const nodes = toInt32(parseNpy(bytes, path), path).slice();
      for (const [k, node] of nodes.entries()) {
        if (node < 0 || node >= papers) {
          throw new BadFileError(path, `entry ${k}: paper ${node} of ${papers}`);
        }
        if (taken[node]) throw new BadFileError(path, `entry ${k}: paper ${node} is in two sets`);
        taken[node] = 1;
      }
      return nodes.sort();
    }),
  );
  return { train: train!, val: val!, test: test! };
}

/** A matrix as scipy's save_npz() writes it, by rows or as a list of entries. */
async function readMatrix(file: string, read: ReadFile): Promise<Required<Csr>> {
  const { bytes, path } = await read(file);
  const npz = new NpzFile(bytes, path);
  const data = toFloat32(vector(npz, "data"), npz.where("data"));
  const arrays = npz.names.includes("row") ? entries(npz, data) : readCsr(npz, "");
  const values = "values" in arrays ? (arrays as Required<Csr>).values : data;
  const matrix = canonicalFeatures(arrays, values, npz.where("data"));
  if (arrays.rows === 0) throw new BadFileError(path, "it has no rows");
  return { values: new Float32Array(matrix.indices.length).fill(1), ...matrix };
}

/** A matrix from the row, the column and the value of each entry. */
function entries(npz: NpzFile, data: Float32Array): Required<Csr> {
  const integers = (name: string, length?: number): Int32Array =>
    toInt32(vector(npz, name, length), npz.where(name));
  const [rows, columns] = integers("shape", 2) as unknown as [number, number];
  const rowOf = integers("row", data.length);
  const columnOf = integers("col", data.length);
  for (const [name, ends, side] of [
    ["row", rowOf, rows],
    ["col", columnOf, columns],
  ] as const) {
    if (side < 0 || side > MAX_SIDE)
      throw new BadFileError(npz.where("shape"), `${rows} x ${columns}`);
    const fault = nodesFault(ends, side);
    if (fault !== undefined) throw new BadFileError(npz.where(name), fault);
  }
  return byRow(rows, columns, rowOf, columnOf, data);
}

/** Pairs of a paper and something else, a line each. @param others how many there are, if it is known */
async function readPairs(
  file: string,
  papers: number,
  others: number | undefined,
  read: ReadFile,
): Promise<{ readonly from: number[]; readonly to: number[] }> {
  const { bytes, path } = await read(file);
  const table = openTable(path, bytes, new Set());
  const pairs: { readonly from: number[]; readonly to: number[] } = { from: [], to: [] };
  const sizes = [papers, others ?? MAX_SIDE];
  if (table.columns !== 2) throw new BadFileError(path, `${table.columns} columns instead of 2`);
  visitRows(table, (cells, line) => {
    for (const [column, ends] of [pairs.from, pairs.to].entries()) {
      const end = /^\d{1,9}$/.test(cells[column]!) ? Number(cells[column]) : -1;
      if (end < 0 || end >= sizes[column]!) {
        throw new BadFileError(cellName(table, line, column), `no number below ${sizes[column]}`);
      }
      ends.push(end);
    }
    if (pairs.from.length > MAX_ENTRIES)
      throw new BadFileError(path, `more than ${MAX_ENTRIES} lines`);
  });
  return pairs;
}

/** One matrix above the other, and empty rows below. */
function stacked(above: Required<Csr>, below: Required<Csr>, empty: number): Csr {
  const rows = above.rows + below.rows + empty;
  const count = above.indices.length + below.indices.length;
  const [indptr, indices, values] = [
    new Int32Array(rows + 1).fill(count),
    new Int32Array(count),
    new Float32Array(count),
  ];
  indptr.set(above.indptr);
  for (let r = 0; r <= below.rows; r++)
    indptr[above.rows + r] = above.indices.length + below.indptr[r]!;
  indices.set(above.indices);
  indices.set(below.indices, above.indices.length);
  values.set(above.values);
  values.set(below.values, above.indices.length);
  return { rows, columns: above.columns, indptr, indices, values };
}
