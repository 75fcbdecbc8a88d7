// Keeps graphs that take long to read: arrays as npy files with an index, made once and checked by sha256 when read.
import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { readText, writeAtomic } from "../base/files.ts";
import { makeFolders } from "../base/folders.ts";
import { count, dictionary, each, flag, list, object, optional, text } from "../base/json-form.ts";
import { jsonText, openSealed, type Sealed, sealed } from "../base/sealed-json.ts";
import { sha256 } from "../base/sha256.ts";
import { BadFileError } from "../formats/errors.ts";
import { npyParts } from "../formats/npz.ts";
import { encodeNpy } from "../formats/npz-writer.ts";
import type { Csr } from "../graph/csr.ts";
import type { Graph, NodeType, Relation } from "../graph/graph.ts";
import { sha256Of } from "./download.ts";

const FORMAT = "abkd graph cache 1";
const INDEX = "index.json";

/** A file that the graph was read from. The time saves hashing it again; the digest decides. */
interface SourceFile {
  readonly bytes: number;
  readonly modified: number;
  readonly sha256: string;
}

interface CacheIndex extends Sealed {
  readonly format: typeof FORMAT;
  readonly sources: Readonly<Record<string, SourceFile>>;
  /** The sha256 of each array's file. */
  readonly arrays: Readonly<Record<string, string>>;
  readonly nodes: number;
  readonly classes: number;
  readonly features: number;
  readonly featuresAsIs?: boolean;
  readonly types?: readonly NodeType[];
  readonly relations?: readonly Pick<Relation, "name" | "source" | "target">[];
}

const FORM = object({
  sources: dictionary(object({ ...each(count, "bytes"), sha256: text })),
  arrays: dictionary(text),
  ...each(count, "nodes classes features"),
  featuresAsIs: optional(flag),
  types: optional(list(object({ name: text, nodes: count }))),
  relations: optional(list(object(each(text, "name source target")))),
});

/**
 * Returns the graph that was kept in `folder`, if it was made of these files as they are now; otherwise makes
 * it and keeps it. A graph that cannot be kept (no space, no right to write) is returned all the same.
 *
 * @param name the graph's, which is not kept
 * @param files that the graph depends on, by their paths
 * @param onWarning is told why the graph is made again, or cannot be kept
 */
export async function cachedGraph(
  name: string,
  folder: string,
  files: readonly string[],
  make: () => Promise<Graph>,
  onWarning?: (message: string) => void,
): Promise<Graph> {
  const index = path.join(folder, INDEX);
  if (existsSync(index)) {
    try {
      const found = openSealed<CacheIndex>(readText(index), FORMAT, FORM);
      if (typeof found === "string") throw new BadFileError(index, `it ${found}`);
      if (await sameSources(found, files)) return { ...(await readGraph(folder, found)), name };
    } catch (error) {
      onWarning?.(`the kept ${name} is made again: ${(error as Error).message}`);
    }
  }
  const graph = await make();
  try {
    await keep(folder, files, graph);
  } catch (error) {
    onWarning?.(`${name} is not kept, and will be read anew: ${(error as Error).message}`);
  }
  return graph;
}

async function sameSources(index: CacheIndex, files: readonly string[]): Promise<boolean> {
  if (Object.keys(index.sources).length !== files.length) return false;
  for (const file of files) {
    const known = index.sources[sourceName(file)];
    const { size, mtimeMs } = await stat(file);
    if (known?.bytes !== size) return false;
    if (known.modified !== mtimeMs && known.sha256 !== (await sha256Of(file))) return false;
  }
  return true;
}

/** The last folders of a path tell the files of a dataset apart, wherever the data folder is. */
function sourceName(file: string): string {
  return file.split(path.sep).slice(-4).join("/");
}

/** Writes a folder beside it and renames that, so that no half of a graph is ever found. */
async function keep(folder: string, files: readonly string[], graph: Graph): Promise<void> {
  const sources: Record<string, SourceFile> = {};
  for (const file of files) {
    const { size, mtimeMs } = await stat(file);
    const digest = await sha256Of(file);
    sources[sourceName(file)] = { bytes: size, modified: mtimeMs, sha256: digest };
  }
  makeFolders(path.dirname(folder));
  const made = mkdtempSync(`${folder}.`);
  try {
    const arrays: Record<string, string> = {};
    for (const [key, values] of arraysOf(graph)) {
      const bytes = encodeNpy({ shape: [values.length], values });
      arrays[key] = sha256(bytes);
      writeAtomic(path.join(made, `${key}.npy`), bytes);
    }
    const { nodes, classes, featuresAsIs, types, relations } = graph;
    const content: Omit<CacheIndex, "digest"> = {
      format: FORMAT,
      sources,
      arrays,
      nodes,
      classes,
      features: graph.features.columns,
      ...(featuresAsIs && { featuresAsIs }),
      ...(types && { types }),
      ...(relations && {
        relations: relations.map(({ name, source, target }) => ({ name, source, target })),
      }),
    };
    writeAtomic(path.join(made, INDEX), jsonText(sealed(content)));
    rmSync(folder, { recursive: true, force: true });
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    // Another process may have kept the same graph meanwhile.
    if (!existsSync(path.join(folder, INDEX))) throw error;
  }
}

type Values = Int32Array | Float32Array;

function arraysOf({ adjacency, features, labels, relations }: Graph): Map<string, Values> {
  const arrays = new Map<string, Values>();
  const matrix = (key: string, { indptr, indices, values }: Csr): void => {
    arrays.set(`${key}.indptr`, indptr);
    arrays.set(`${key}.indices`, indices);
    if (values) arrays.set(`${key}.values`, values);
  };
  matrix("adjacency", adjacency);
  matrix("features", features);
  // Full rows, as dense features have them, say which columns they have.
  if (hasFullRows(features)) arrays.delete("features.indices");
  for (const [k, { arcs }] of (relations ?? []).entries()) matrix(`relation-${k}`, arcs);
  arrays.set("labels", labels);
  return arrays;
}

function hasFullRows({ rows, columns, indptr }: Csr): boolean {
  for (let r = 0; r < rows; r++) {
    const length = indptr[r + 1]! - indptr[r]!;
    if (length !== 0 && length !== columns) return false;
  }
  return true;
}

function fullIndices(length: number, columns: number): Int32Array {
  const indices = new Int32Array(length);
  const start = Math.min(length, columns);
  for (let k = 0; k < start; k++) indices[k] = k;
  for (let done = start; done < length; done *= 2) indices.copyWithin(done, 0, done);
  return indices;
}

/** @throws BadFileError for an array that is missing, damaged, or does not fit the others */
async function readGraph(folder: string, index: CacheIndex): Promise<Omit<Graph, "name">> {
  const { arrays, nodes, classes, featuresAsIs, types } = index;
  const read = async (key: string): Promise<Values> => {
    const file = path.join(folder, `${key}.npy`);
    const bytes = await readFile(file);
    if (sha256(bytes) !== arrays[key]) throw new BadFileError(file, "it is damaged");
    const { type, data } = npyParts(bytes, file);
    // The data are aligned in the file, so they are in a buffer that begins with the file.
    const { buffer, byteOffset, length } = data;
    const aligned = byteOffset % 4 === 0 ? buffer : Uint8Array.from(data).buffer;
    const start = byteOffset % 4 === 0 ? byteOffset : 0;
    return type === "<f4"
      ? new Float32Array(aligned, start, length / 4)
      : new Int32Array(aligned, start, length / 4);
  };
  const matrix = async (key: string, rows: number, columns: number): Promise<Csr> => {
    const indptr = (await read(`${key}.indptr`)) as Int32Array;
    const length = indptr[rows] ?? 0;
    const stored = `${key}.indices` in arrays;
    const indices = stored
      ? ((await read(`${key}.indices`)) as Int32Array)
      : fullIndices(length, columns);
    const values =
      `${key}.values` in arrays ? ((await read(`${key}.values`)) as Float32Array) : undefined;
    if (indptr.length !== rows + 1 || indices.length !== length) {
      throw new BadFileError(folder, `${key} has ${indices.length} entries instead of ${length}`);
    }
    return { rows, columns, indptr, indices, ...(values && { values }) };
  };
  const sizeOf = (name: string): number => types?.find((type) => type.name === name)?.nodes ?? 0;
  const relations: Relation[] = [];
  for (const [k, relation] of (index.relations ?? []).entries()) {
    const [rows, columns] = [sizeOf(relation.target), sizeOf(relation.source)];
    relations.push({ ...relation, arcs: await matrix(`relation-${k}`, rows, columns) });
  }
  return {
    nodes,
    classes,
    adjacency: await matrix("adjacency", nodes, nodes),
    features: await matrix("features", nodes, index.features),
    labels: (await read("labels")) as Int32Array,
    ...(featuresAsIs && { featuresAsIs: true }),
    ...(types && { types }),
    ...(index.relations && { relations }),
  };
}
