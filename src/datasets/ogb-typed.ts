// Reads the raw layout of OGB's datasets with several types of nodes, of which one is classified.
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { printable } from "../base/printable.ts";
import { BadFileError } from "../formats/errors.ts";
import { csrFromPairs, nonzeros } from "../graph/csr.ts";
import type { Graph, NodeType, Relation } from "../graph/graph.ts";
import { unionOf } from "../graph/union.ts";
import { countClasses } from "./gnn-benchmark.ts";
import { cachedGraph } from "./graph-cache.ts";
import type { DataSource } from "./locate.ts";
import { MOST_ARCS, readArcs, readCount, readFeatures, readLabels } from "./ogb.ts";
import { csrFromDense } from "./sparse.ts";

/** A table of names is at most this long, unpacked. */
const LONGEST_TABLE = 1 << 20;
/** Names of types and relations become parts of paths. */
const NAME = /^[A-Za-z0-9]\w{0,63}$/;

const DICT = "raw/num-node-dict.csv.gz";
const TRIPLETS = "raw/triplet-type-list.csv.gz";
const LABELLED = "raw/nodetype-has-label.csv.gz";

/**
 * @param folder of the dataset in a data folder: `ogbn_mag`
 * @param labelled the type that is classified
 * @param triplets source, relation and target, as folders' names join them: `paper___cites___paper`
 */
export function ogbTypedFiles(
  folder: string,
  labelled: string,
  triplets: readonly string[],
): string[] {
  return [
    ...[DICT, TRIPLETS, LABELLED],
    ...triplets.flatMap((triplet) => [
      `raw/relations/${triplet}/edge.csv.gz`,
      `raw/relations/${triplet}/num-edge-list.csv.gz`,
    ]),
    `raw/node-feat/${labelled}/node-feat.csv.gz`,
    `raw/node-feat/${labelled}/node_year.csv.gz`,
    `raw/node-label/${labelled}/node-label.csv.gz`,
    ...["train", "valid", "test"].map((set) => `split/time/${labelled}/${set}.csv.gz`),
  ].map((file) => `${folder}/${file}`);
}

/**
 * Loads a dataset whose nodes have types: the classified type comes first, then the others in the order of the
 * files; only the first has features, which are read as they are. The graph is kept in the cache.
 * Source: snap-stanford/ogb, `io/read_graph_raw.py`.
 */
export async function loadOgbTyped(
  name: string,
  folder: string,
  source: DataSource,
): Promise<Graph> {
  const at = (file: string): Promise<string> => source.path(`${folder}/${file}`);
  const tables = [await at(DICT), await at(TRIPLETS), await at(LABELLED)] as const;
  const types = await typesOf(tables[0], tables[2]);
  const triplets = await tripletsOf(tables[1], types);
  const [first] = types as [NodeType, ...NodeType[]];
  const feats = await at(`raw/node-feat/${first.name}/node-feat.csv.gz`);
  const classes = await at(`raw/node-label/${first.name}/node-label.csv.gz`);
  const parts: { readonly triplet: Triplet; readonly edges: string; readonly count: string }[] = [];
  for (const triplet of triplets) {
    const of = `raw/relations/${triplet.join("___")}`;
    parts.push({
      triplet,
      edges: await at(`${of}/edge.csv.gz`),
      count: await at(`${of}/num-edge-list.csv.gz`),
    });
  }
  const files = [...tables, feats, classes, ...parts.flatMap(({ edges, count }) => [edges, count])];
  const make = async (): Promise<Graph> => {
    const nodes = types.reduce((sum, type) => sum + type.nodes, 0);
    const relations: Relation[] = [];
    for (const { triplet, edges, count } of parts) {
      const [head, relation, tail] = triplet;
      const sizeOf = (type: string): number => types.find((one) => one.name === type)!.nodes;
      const [rows, columns] = [sizeOf(tail), sizeOf(head)];
      const [from, to] = await readArcs(edges, { rows: await readCount(count) }, columns, rows);
      needArcs(tables[0], rows + columns, from.length);
      const arcs = csrFromPairs(rows, columns, to, from);
      relations.push({ name: relation, source: head, target: tail, arcs });
    }
    needArcs(
      tables[0],
      nodes,
      relations.reduce((sum, { arcs }) => sum + nonzeros(arcs), 0),
    );
    const labels = await readLabels(classes, first.nodes);
    const [values, columns] = await readFeatures(feats, first.nodes);
    return {
      name,
      nodes,
      classes: countClasses(labels, classes),
      adjacency: unionOf(relations, types),
      features: csrFromDense(values, columns, nodes),
      featuresAsIs: true,
      labels,
      types,
      relations,
    };
  };
  return cachedGraph(name, path.join(source.cache, name), files, make, source.onWarning);
}

/** @throws BadFileError for so many nodes beside so few arcs that it is no count: nothing else states most types' */
function needArcs(file: string, nodes: number, arcs: number): void {
  const most = (1 << 20) + 16 * arcs;
  if (nodes > most)
    throw new BadFileError(file, `${nodes} nodes for ${arcs} arcs; at most ${most}`);
}

/** Source type, relation, target type. */
type Triplet = readonly [head: string, relation: string, tail: string];

/** The types in the order of the graph, the one with labels first. */
async function typesOf(dict: string, labelled: string): Promise<NodeType[]> {
  const [names = [], counts = [], ...more] = await readTable(dict);
  if (more.length > 0 || names.length !== counts.length) {
    throw new BadFileError(dict, "a row of types and a row of their counts are expected");
  }
  const types = names.map((type, k) => {
    const nodes = /^\d{1,9}$/.test(counts[k]!) ? Number(counts[k]) : 0;
    if (nodes < 1 || nodes > MOST_ARCS) {
      throw new BadFileError(dict, `${type} has "${printable(counts[k]!)}" nodes`);
    }
    return { name: checkedName(type, dict, 1), nodes };
  });
  if (new Set(names).size < names.length) throw new BadFileError(dict, "two types have one name");
  const [flagged = [], flags = []] = await readTable(labelled);
  const withLabels = flagged.filter((_, k) => flags[k] === "True");
  const first = types.find(({ name }) => name === withLabels[0]);
  if (!first || withLabels.length > 1) {
    const found = withLabels.map((type) => printable(type)).join(", ") || "none";
    throw new BadFileError(labelled, `one type with labels is expected, found: ${found}`);
  }
  return [first, ...types.filter((type) => type !== first)];
}

async function tripletsOf(file: string, types: readonly NodeType[]): Promise<Triplet[]> {
  const rows = await readTable(file);
  const known = new Set(types.map(({ name }) => name));
  const triplets = rows.map((row, k): Triplet => {
    const [head = "", relation = "", tail = ""] = row;
    if (row.length !== 3)
      throw new BadFileError(file, `line ${k + 1} has ${row.length} columns of 3`);
    for (const type of [head, tail]) {
      if (known.has(type)) continue;
      throw new BadFileError(file, `line ${k + 1}: ${printable(type)} is no type of nodes`);
    }
    return [head, checkedName(relation, file, k + 1), tail];
  });
  if (triplets.length === 0) throw new BadFileError(file, "there are no relations");
  const names = new Set(triplets.map(([, relation]) => relation));
  if (names.size < triplets.length) throw new BadFileError(file, "two relations have one name");
  return triplets;
}

function checkedName(name: string, file: string, line: number): string {
  if (NAME.test(name)) return name;
  throw new BadFileError(file, `line ${line}: "${printable(name)}" cannot be a name`);
}

/** Reads a small table of names. @returns its cells, row by row */
async function readTable(file: string): Promise<string[][]> {
  const { size } = await stat(file);
  if (size > LONGEST_TABLE) throw new BadFileError(file, `${size} bytes for a table of names`);
  try {
    const text = gunzipSync(await readFile(file), { maxOutputLength: LONGEST_TABLE });
    const lines = text.toString("latin1").split(/\r?\n/);
    return lines.filter((line) => line !== "").map((line) => line.split(","));
  } catch (error) {
    const what =
      error instanceof RangeError ? "too long for a table of names" : "not gzip, or damaged";
    throw new BadFileError(file, `it is ${what}`, { cause: error });
  }
}
