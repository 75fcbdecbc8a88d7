// Reads ACM as HeCo has it (Wang et al., KDD 2021): papers by area, their authors and their subjects.
import { toFloat32, toInt32 } from "../formats/arrays.ts";
import { isNumber, openTable, visitRows } from "../formats/csv.ts";
import { BadFileError } from "../formats/errors.ts";
import { NpzFile, parseNpy } from "../formats/npz.ts";
import { InputError } from "../graph/check.ts";
import type { Csr } from "../graph/csr.ts";
import type { Graph } from "../graph/graph.ts";
import { type Ends, makeGraph } from "../graph/make.ts";
import { readCsr, vector } from "./gnn-benchmark.ts";
import type { ReadFile } from "./locate.ts";
import { byRow, canonicalFeatures, MAX_SIDE } from "./sparse.ts";
import type { RawSplit } from "./splits.ts";

const FOLDER = "heco-acm";
/** Papers have features in compressed rows, authors as coordinates, subjects none. */
const GRAPH = ["p_feat.npz", "a_feat.npz", "pa.txt", "ps.txt", "labels.npy"] as const;
const SETS = ["train", "val", "test"] as const;

/** How many papers of each class train. */
export type HecoRate = 20 | 40 | 60;

/** The files of the graph and of a split. */
export const hecoFiles = (rate: HecoRate): string[] => [
  ...GRAPH.map((file) => `${FOLDER}/${file}`),
  ...SETS.map((set) => setFile(set, rate)),
];

const setFile = (set: (typeof SETS)[number], rate: HecoRate): string =>
  `${FOLDER}/${set}_${rate}.npy`;

/** Papers, then authors, then subjects; an arc of `writes` is from an author, one of `about` from a paper. */
export async function loadHeco(name: string, read: ReadFile): Promise<Graph> {
  const own = async (file: (typeof GRAPH)[number]) => read(`${FOLDER}/${file}`);
  const papers = await own("p_feat.npz").then(({ bytes, path }) => {
    const npz = new NpzFile(bytes, path);
    const rows = readCsr(npz, "");
    return canonicalFeatures(rows, toFloat32(vector(npz, "data"), path), path);
  });
  const authors = await own("a_feat.npz").then(({ bytes, path }) => coordinates(bytes, path));
  if (papers.columns !== authors.columns) {
    const fault = `${authors.columns} features of authors, ${papers.columns} of papers`;
    throw new BadFileError(`${FOLDER}/a_feat.npz`, fault);
  }
  const [writes, about] = [await pairs(own, "pa.txt"), await pairs(own, "ps.txt")];
  const { bytes, path } = await own("labels.npy");
  const subjects = about.to.reduce((most, subject) => Math.max(most, subject + 1), 0);
  try {
    return makeGraph({
      name,
      types: { paper: papers.rows, author: authors.rows, subject: subjects },
      relations: {
        writes: { source: "author", target: "paper", from: writes.to, to: writes.from },
        about: { source: "paper", target: "subject", ...about },
      },
      features: below([papers, authors], subjects),
      // They are stored as real numbers; makeGraph() wants whole ones.
      labels: toFloat32(parseNpy(bytes, path), path),
    });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new BadFileError(FOLDER, error.message, { cause: error });
  }
}

/** The split of HeCo's authors: the same number of papers of each class train, 1,000 validate, 1,000 test. */
export async function hecoSplit(rate: HecoRate, graph: Graph, read: ReadFile): Promise<RawSplit> {
  const papers = graph.labels.length;
  const [train, val, test] = await Promise.all(
    SETS.map(async (set) => {
      const { bytes, path } = await read(setFile(set, rate));
      const numbers = toInt32(parseNpy(bytes, path), path).sort();
      const wrong = numbers.find((paper) => paper < 0 || paper >= papers);
      if (wrong === undefined) return numbers;
      throw new BadFileError(path, `paper ${wrong} is not one of 0 to ${papers - 1}`);
    }),
  );
  return { train: train!, val: val!, test: test! };
}

/** Reads scipy's matrix of coordinates. */
function coordinates(bytes: Buffer, path: string): Csr {
  const npz = new NpzFile(bytes, path);
  const [rows, columns] = toInt32(vector(npz, "shape", 2), path) as unknown as [number, number];
  const [rowOf, columnOf] = ["row", "col"].map((name) => toInt32(vector(npz, name), path));
  const values = toFloat32(vector(npz, "data", rowOf!.length), path);
  const fits = (ends: Int32Array, side: number): boolean =>
    side >= 0 && side <= MAX_SIDE && ends.every((end) => end >= 0 && end < side);
  if (rowOf!.length !== columnOf!.length || !fits(rowOf!, rows) || !fits(columnOf!, columns)) {
    throw new BadFileError(path, `coordinates outside its ${rows} x ${columns} entries`);
  }
  const matrix = byRow(rows, columns, rowOf!, columnOf!, values);
  return canonicalFeatures(matrix, matrix.values, path);
}

type Own = (file: (typeof GRAPH)[number]) => ReturnType<ReadFile>;

/** The two columns of a text file. */
async function pairs(
  own: Own,
  file: (typeof GRAPH)[number],
): Promise<Record<keyof Ends, number[]>> {
  const { bytes, path } = await own(file);
  const table = openTable(path, bytes, new Set());
  if (table.columns !== 2) throw new BadFileError(path, `${table.columns} columns, not 2`);
  const [from, to]: [number[], number[]] = [[], []];
  visitRows(table, ([a, b], line) => {
    if (!isNumber(a!) || !isNumber(b!))
      throw new BadFileError(path, `line ${line}: no two numbers`);
    from.push(Number(a));
    to.push(Number(b));
  });
  return { from, to };
}

/** Matrices one below the other, and empty rows below these. */
function below(matrices: readonly Csr[], empty: number): Csr {
  const rows = matrices.reduce((sum, matrix) => sum + matrix.rows, empty);
  const indptr = new Int32Array(rows + 1);
  const [indices, values]: [Int32Array[], Float32Array[]] = [[], []];
  let [row, count] = [0, 0];
  for (const matrix of matrices) {
    indptr.set(
      matrix.indptr.map((start) => start + count),
      row,
    );
    row += matrix.rows;
    count += matrix.indices.length;
    indices.push(matrix.indices);
    values.push(matrix.values ?? new Float32Array(matrix.indices.length).fill(1));
  }
  indptr.fill(count, row);
  const joined = <T extends Int32Array | Float32Array>(parts: readonly T[], all: T): T => {
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  };
  const ones = matrices.every((matrix) => !matrix.values);
  return {
    ...{ rows, columns: matrices[0]!.columns, indptr },
    indices: joined(indices, new Int32Array(count)),
    ...(!ones && { values: joined(values, new Float32Array(count)) }),
  };
}
