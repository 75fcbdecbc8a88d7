// The graphs of the race: datasets by name, Arxiv's real topology, and generated graphs of a given size.
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { UserError } from "../src/base/errors.ts";
import { loadDataset, loadSplit } from "../src/datasets/index.ts";
import { dataFolders, findFile } from "../src/datasets/locate.ts";
import { datasetEntry } from "../src/datasets/registry.ts";
import { toInt32 } from "../src/formats/arrays.ts";
import { NpzFile } from "../src/formats/npz.ts";
import { type Csr, csrFromPairs } from "../src/graph/csr.ts";
import type { Graph, Split } from "../src/graph/graph.ts";
import { localityOrder } from "../src/graph/order.ts";
import { randomStream } from "../src/graph/random.ts";
import { NodeOrder } from "../src/graph/reorder.ts";
import { writeGraph } from "./exchange.ts";

const ARXIV = "ogbn-arxiv/graphsaint/adj_full.npz";
/** A generated graph's approximate arcs per node, its words, words per node, and classes. */
const DEGREE = 10;
const WORDS = 64;
const WORDS_A_NODE = 8;
const CLASSES = 8;

/**
 * `cora` and the like, `arxiv` (only its arcs), `generated:<arcs>`; the first two also as `cora:locality`,
 * with the nodes in that order.
 */
export type GraphName = string;

/**
 * Writes a graph in the format of exchange.ts, once per folder.
 * @returns its folder
 * @throws UserError if its files are not available
 */
export async function provideGraph(name: GraphName, temporary: string): Promise<string> {
  const folder = path.join(temporary, name.replaceAll(":", "-"));
  if (existsSync(path.join(folder, "graph.json"))) return folder;
  const [kind, variant] = name.split(":") as [string, string?];
  const { graph, split } = await graphOf(kind, variant);
  const order = variant === "locality" && new NodeOrder(localityOrder(graph.adjacency));
  if (order) writeGraph(folder, order.graph(graph), order.split(split));
  else writeGraph(folder, graph, split);
  return folder;
}

/** Makes a graph and its split from the parts of its name. @throws UserError as provideGraph */
export async function graphOf(
  kind: string,
  variant?: string,
): Promise<{ graph: Graph; split: Split }> {
  if (kind === "generated" || kind === "arxiv") {
    const graph = kind === "arxiv" ? bare(arxivTopology(), kind) : generatedGraph(Number(variant));
    return { graph, split: thirds(graph.nodes) };
  }
  const graph = await loadDataset(kind);
  return { graph, split: await loadSplit(graph, datasetEntry(kind).defaultSplit) };
}

/** Reads Arxiv's citations in both directions, without duplicates and self-loops. */
function arxivTopology(): Csr {
  const file = findFile(ARXIV, dataFolders());
  if (file === null) {
    throw new UserError(
      `${ARXIV} is in no data folder: OGBN-Arxiv's topology as GraphSAINT has it`,
    );
  }
  const npz = new NpzFile(readFileSync(file), file);
  const integers = (name: string): Int32Array => toInt32(npz.array(name), npz.where(name));
  const [indptr, indices] = [integers("indptr"), integers("indices")];
  const from = new Int32Array(2 * indices.length);
  const to = new Int32Array(2 * indices.length);
  let count = 0;
  for (let row = 0; row + 1 < indptr.length; row++) {
    for (let k = indptr[row]!; k < indptr[row + 1]!; k++) {
      const column = indices[k]!;
      if (column === row) continue;
      [from[count], to[count++]] = [row, column];
      [from[count], to[count++]] = [column, row];
    }
  }
  const nodes = indptr.length - 1;
  return csrFromPairs(nodes, nodes, from.subarray(0, count), to.subarray(0, count));
}

/** Makes a graph of a topology with nothing on its nodes. */
function bare(adjacency: Csr, name: string): Graph {
  const nodes = adjacency.rows;
  const features: Csr = {
    rows: nodes,
    columns: 1,
    indptr: new Int32Array(nodes + 1),
    indices: new Int32Array(0),
  };
  return { name, nodes, classes: 2, adjacency, features, labels: new Int32Array(nodes) };
}

/** Generates a graph with ten random arcs per node and random words and classes; seeded. */
export function generatedGraph(arcs: number): Graph {
  const nodes = Math.round(arcs / DEGREE);
  const random = randomStream(arcs);
  const from = new Int32Array(arcs);
  const to = new Int32Array(arcs);
  for (let k = 0; k + 1 < arcs; k += 2) {
    const a = random.below(nodes);
    // Any node but a, all equally likely.
    const b = (a + 1 + random.below(nodes - 1)) % nodes;
    [from[k], to[k], from[k + 1], to[k + 1]] = [a, b, b, a];
  }
  const nodeOf = new Int32Array(nodes * WORDS_A_NODE);
  const wordOf = nodeOf.map((_, k) => {
    nodeOf[k] = Math.floor(k / WORDS_A_NODE);
    return random.below(WORDS);
  });
  return {
    name: `generated:${arcs}`,
    nodes,
    classes: CLASSES,
    adjacency: csrFromPairs(nodes, nodes, from, to),
    features: csrFromPairs(nodes, WORDS, nodeOf, wordOf),
    labels: Int32Array.from({ length: nodes }, () => random.below(CLASSES)),
  };
}

/** Splits the nodes into thirds: every third node is for training, validation or test. */
function thirds(nodes: number): Split {
  const every = (first: number): Int32Array =>
    Int32Array.from({ length: Math.floor((nodes - first + 2) / 3) }, (_, k) => first + 3 * k);
  return {
    name: "thirds",
    train: every(0),
    val: every(1),
    test: every(2),
    unlabelled: { train: 0, val: 0, test: 0 },
  };
}
