// Assembles the Planetoid files of Cora, Citeseer and Pubmed as PyG does.

import { BadFileError } from "../formats/errors.ts";
import { type Graph, UNLABELLED } from "../graph/graph.ts";
import { UnfitSplitError } from "./errors.ts";
import type { ReadFile } from "./locate.ts";
import {
  arcsOf,
  checkPrefix,
  parseFeatures,
  parseGraph,
  parseLabels,
  parseTestIndex,
  sameRows,
  sameTestRows,
  sameWidth,
  stack,
} from "./planetoid-parts.ts";

/** The number of nodes after the training ones that Planetoid's public split validates on. */
const PUBLIC_VALIDATION = 500;

const PARTS = ["x", "y", "tx", "ty", "allx", "ally", "graph", "test.index"] as const;

/** Lists the eight files of a Planetoid dataset, relative to a data folder. */
export function planetoidFiles(name: string): string[] {
  return PARTS.map((part) => fileOf(name, part));
}

function fileOf(name: string, part: (typeof PARTS)[number]): string {
  return `planetoid/ind.${name}.${part}`;
}

/**
 * Loads a graph. Nodes 0 .. rows(allx) - 1 are allx's rows; row k of tx belongs to node test.index[k].
 * An id between the first and the last test node that test.index leaves out (15 in Citeseer) is a node
 * without features or label. Source: kimiyoung/planetoid; PyG `io/planetoid.py`.
 */
export async function loadPlanetoid(name: string, read: ReadFile): Promise<Graph> {
  const matrix = async (part: "x" | "tx" | "allx") => parseFeatures(await read(fileOf(name, part)));
  const labels = async (part: "y" | "ty" | "ally") => parseLabels(await read(fileOf(name, part)));
  const [x, tx, allx] = [await matrix("x"), await matrix("tx"), await matrix("allx")];
  const [y, ty, ally] = [await labels("y"), await labels("ty"), await labels("ally")];
  const index = parseTestIndex(await read(fileOf(name, "test.index")));
  sameRows(x, y);
  sameRows(tx, ty);
  sameRows(allx, ally);
  sameWidth(x.matrix.columns, allx.matrix.columns, x.path, allx.path);
  sameWidth(tx.matrix.columns, allx.matrix.columns, tx.path, allx.path);
  sameWidth(y.classes, ally.classes, y.path, ally.path);
  sameWidth(ty.classes, ally.classes, ty.path, ally.path);
  checkPrefix(x, y, allx, ally);
  sameTestRows(index, tx);
  if (index.first !== allx.matrix.rows) {
    throw new BadFileError(
      index.path,
      `test nodes begin at ${index.first}, after the ${allx.matrix.rows} rows of ${allx.path}`,
    );
  }
  const nodes = index.last + 1;
  const allLabels = new Int32Array(nodes).fill(UNLABELLED);
  allLabels.set(ally.labels);
  for (let k = 0; k < index.nodes.length; k++) allLabels[index.nodes[k]!] = ty.labels[k]!;
  return {
    name,
    nodes,
    classes: ally.classes,
    adjacency: arcsOf(parseGraph(await read(fileOf(name, "graph"))), nodes),
    features: stack(allx.matrix, tx.matrix, index.nodes, nodes),
    labels: allLabels,
  };
}

/**
 * Returns Planetoid's own split: y's rows train, the next 500 nodes validate, test.index tests.
 *
 * @param stem the beginning of the files' names, e.g. `planetoid/ind.cora`.
 */
export async function planetoidPublicSplit(
  stem: string,
  nodes: number,
  read: ReadFile,
): Promise<{ train: Int32Array; val: Int32Array; test: Int32Array }> {
  const y = parseLabels(await read(`${stem}.y`));
  const index = parseTestIndex(await read(`${stem}.test.index`));
  const trained = y.labels.length;
  const validated = trained + PUBLIC_VALIDATION;
  if (validated > index.first || index.last >= nodes) {
    throw new UnfitSplitError(
      y.path,
      `no public split: ${PUBLIC_VALIDATION} validation nodes do not fit ` +
        `between ${trained} training nodes and the first test node ${index.first}`,
    );
  }
  return {
    train: Int32Array.from({ length: trained }, (_, k) => k),
    val: Int32Array.from({ length: PUBLIC_VALIDATION }, (_, k) => trained + k),
    test: index.nodes.slice().sort(),
  };
}
