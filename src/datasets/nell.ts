// Loads NELL, in Planetoid's format: entities have features and classes, relation nodes have neither.

import { BadFileError } from "../formats/errors.ts";
import type { Csr } from "../graph/csr.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import type { ReadFile } from "./locate.ts";
import { LabelPool } from "./nell-labels.ts";
import {
  arcsOf,
  checkPrefix,
  type Features,
  type Labels,
  parseFeatures,
  parseGraph,
  parseLabels,
  parseTestIndex,
  sameRows,
  sameTestRows,
  sameWidth,
  stack,
  type TestIndex,
} from "./planetoid-parts.ts";
import { withoutOnes } from "./sparse.ts";

/** A variant, named by the share of labels it trains on; each numbers the same graph in its own way. */
export type NellRate = "0.001" | "0.01" | "0.1";
const RATES: readonly NellRate[] = ["0.001", "0.01", "0.1"];

const OWN_PARTS = ["x", "y", "tx", "ty", "allx", "graph", "test.index"] as const;
/** The parts of the other variants whose labels are joined. */
const JOINED_PARTS = ["x", "y", "tx", "ty"] as const;

/** Returns the beginning of a variant's file names, relative to a data folder. */
export function nellStem(rate: NellRate): string {
  return `nell/ind.nell.${rate}`;
}

/** Lists the files that a variant is read from: its own, and those of the others that publish labels. */
export function nellFiles(rate: NellRate): string[] {
  const others = RATES.filter((other) => other !== rate);
  return [
    ...OWN_PARTS.map((part) => `${nellStem(rate)}.${part}`),
    ...others.flatMap((other) => JOINED_PARTS.map((part) => `${nellStem(other)}.${part}`)),
  ];
}

/** The file with all labels of a variant: used if it is present, never required. */
export function nellLabelFile(rate: NellRate): string {
  return `${nellStem(rate)}.ally`;
}

/** How to read a NELL graph. */
export interface NellForm {
  readonly rate: NellRate;
  /** Gives each relation node a column of its own, after the entities' 5,414 (Kipf, PyG). */
  readonly identity?: boolean;
  /** Gives relation nodes class 0, as PyG's argmax does for their rows of zeros. */
  readonly relationsAsClass0?: boolean;
}

/**
 * Loads a variant. Nodes 0 .. rows(allx) - 1 and those of test.index are entities; all others are
 * relation nodes, without features or class (`classless`). No public copy contains `ally`, which has most
 * labels. Without it an entity gets the class that any of the three variants publishes for an entity
 * with the same features, provided that only one entity has them. Classes are counted as PyG
 * counts them, up to the greatest that occurs. Source: kimiyoung/planetoid, nell_data.tar.gz.
 *
 * @param here whether a file can be read without downloading it.
 */
export async function loadNell(
  name: string,
  form: NellForm,
  read: ReadFile,
  here: (file: string) => boolean,
): Promise<Graph> {
  const { rate } = form;
  const stem = nellStem(rate);
  const published = new Map<NellRate, Published>();
  for (const each of RATES) published.set(each, await readPublished(each, read));
  const { x, y, tx, ty } = published.get(rate)!;
  const allx = parseFeatures(await read(`${stem}.allx`));
  const ally = here(nellLabelFile(rate)) ? parseLabels(await read(nellLabelFile(rate))) : undefined;
  const index = parseTestIndex(await read(`${stem}.test.index`));
  for (const other of published.values()) {
    sameWidth(other.x.matrix.columns, allx.matrix.columns, other.x.path, allx.path);
    sameWidth(other.tx.matrix.columns, allx.matrix.columns, other.tx.path, allx.path);
    sameWidth(other.y.classes, y.classes, other.y.path, y.path);
    sameWidth(other.ty.classes, y.classes, other.ty.path, y.path);
  }
  if (ally) {
    sameRows(allx, ally);
    sameWidth(ally.classes, y.classes, ally.path, y.path);
  }
  checkPrefix(x, y, allx, ally);
  sameTestRows(index, tx);
  const graph = parseGraph(await read(`${stem}.graph`));
  const nodes = graph.lists.size;
  checkTestNodes(index, allx, nodes, graph.path);

  const features = stack(allx.matrix, tx.matrix, index.nodes, nodes);
  const classless = relationNodes(allx.matrix.rows, index, nodes);
  const labels = new Int32Array(nodes).fill(UNLABELLED);
  labels.set((ally ?? y).labels);
  for (let k = 0; k < index.nodes.length; k++) labels[index.nodes[k]!] = ty.labels[k]!;
  const pool = new LabelPool(features, stem);
  for (const one of published.values()) {
    pool.add(one.x, one.y);
    pool.add(one.tx, one.ty);
  }
  pool.fill(labels);
  const classes = labels.reduce((most, label) => Math.max(most, label), 0) + 1;
  if (form.relationsAsClass0) for (const node of classless) labels[node] = 0;
  return {
    name,
    nodes,
    classes,
    adjacency: arcsOf(graph, nodes),
    features: form.identity ? withIdentity(features, classless) : features,
    labels,
    classless,
  };
}

interface Published {
  readonly x: Features;
  readonly y: Labels;
  readonly tx: Features;
  readonly ty: Labels;
}

/** Reads the rows of a variant that have labels. */
async function readPublished(rate: NellRate, read: ReadFile): Promise<Published> {
  const stem = nellStem(rate);
  const [x, tx] = [parseFeatures(await read(`${stem}.x`)), parseFeatures(await read(`${stem}.tx`))];
  const [y, ty] = [parseLabels(await read(`${stem}.y`)), parseLabels(await read(`${stem}.ty`))];
  sameRows(x, y);
  sameRows(tx, ty);
  return { x, y, tx, ty };
}

function checkTestNodes(index: TestIndex, allx: Features, nodes: number, graph: string): void {
  if (index.first < allx.matrix.rows) {
    throw new BadFileError(
      index.path,
      `test node ${index.first} is one of the ${allx.matrix.rows} rows of ${allx.path}`,
    );
  }
  if (index.last >= nodes) {
    throw new BadFileError(
      index.path,
      `test node ${index.last}, but ${graph} lists ${nodes} nodes`,
    );
  }
}

/** Lists the nodes after allx's that test.index does not name, ascending. */
function relationNodes(stacked: number, index: TestIndex, nodes: number): Int32Array {
  const tested = new Set(index.nodes);
  const after = Int32Array.from({ length: nodes - stacked }, (_, k) => stacked + k);
  return after.filter((node) => !tested.has(node));
}

/** Adds, after the other columns, one column for each owner, whose row is empty. */
function withIdentity(features: Csr, owners: Int32Array): Csr {
  const { rows, columns, indptr, indices, values } = features;
  const outIndptr = new Int32Array(rows + 1);
  const outIndices = new Int32Array(indices.length + owners.length);
  const outValues = new Float32Array(outIndices.length).fill(1);
  let owned = 0;
  for (let r = 0; r < rows; r++) {
    const [start, end] = [indptr[r]!, indptr[r + 1]!];
    outIndices.set(indices.subarray(start, end), start + owned);
    if (values) outValues.set(values.subarray(start, end), start + owned);
    if (owners[owned] === r) {
      outIndices[end + owned] = columns + owned;
      owned++;
    }
    outIndptr[r + 1] = end + owned;
  }
  return withoutOnes({
    rows,
    columns: columns + owners.length,
    indptr: outIndptr,
    indices: outIndices,
    values: outValues,
  });
}
