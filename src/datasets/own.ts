// A program's own datasets: registry entries made at run time from its graphs.
import { createHash } from "node:crypto";
import {
  isText,
  LEGAL,
  type Legal,
  needFunction,
  needObject,
  needText,
  shown,
} from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { checkGraph, checkSplit, InputError } from "../graph/check.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { datasets } from "./registry.ts";
import { labelledOnly, type RawSplit, USUAL_RANDOM } from "./splits.ts";

/** A set's node numbers, from 0, or a mask: true or false for each node of the graph. */
export type OwnSet = ArrayLike<number> | readonly boolean[];

export interface OwnSplit {
  readonly train: OwnSet;
  readonly val: OwnSet;
  readonly test: OwnSet;
}

/** What may be given as a split where sets of one's own may. */
export const LEGAL_SPLIT: Legal = {
  words: "a split's name, such as geom-gcn:0, or { train, val, test }",
  is: (value) => isText(value) || LEGAL.object.is(value),
};

export interface OwnDataset {
  /** The name used in configurations. */
  readonly name: string;
  /** A description of a few words. */
  readonly title?: string;
  /** A graph from makeGraph(), or a function that reads or makes the graph when it is needed. */
  readonly graph: Graph | (() => Graph | Promise<Graph>);
  /** The split `public`, which becomes the default one; without it only random splits exist. */
  readonly split?: OwnSplit;
}

/**
 * Adds a dataset, whose name any configuration may then use. Its graph is sent to worker threads
 * with each run, so that they need no module for it. Results hold the graph's fingerprint, so they
 * are never mixed with those of another graph of this name.
 *
 * @returns a function that removes the dataset again
 * @throws OptionError for a name that is malformed or taken; InputError for an invalid graph or split
 *   (if a function makes the graph: when it is made)
 */
export function registerDataset(dataset: OwnDataset): () => void {
  needObject(dataset, "registerDataset: dataset", "{ name, graph }", "name", "graph");
  const { name, title = "a dataset of this program", graph, split } = dataset;
  datasets.checkName(name);
  needText(title, "registerDataset: title", "a few words");
  if (typeof graph !== "object") {
    needFunction(
      graph,
      "registerDataset: graph",
      "a graph, as returned by makeGraph(), or a function",
    );
  }
  const checked = (made: Graph): Graph => {
    checkGraph(made);
    const named = { ...made, name };
    if (split) ownSplit(split, named);
    return named;
  };
  const load = typeof graph === "function" ? async () => checked(await graph()) : checked(graph);
  return datasets.add({
    name,
    title,
    files: [],
    defaultSplit: split ? "public" : USUAL_RANDOM,
    load: async () => (typeof load === "function" ? load() : load),
    ...(split && { publicSplit: async (made) => setsOf(split, made) }),
  });
}

/** Sets that were given beside a graph, by their digest. */
const given = new Map<string, RawSplit>();

/**
 * Returns the name, for configurations, of sets of nodes that are not the dataset's own: equal sets have one name
 * in every program, other sets another.
 * @throws InputError as ownSplit() does
 */
export function nameSets(split: OwnSplit, graph: Graph): string {
  const { train, val, test } = ownSplit(split, graph);
  const hash = createHash("sha256");
  for (const nodes of [train, val, test]) hash.update(`${nodes.join()}|`);
  const digest = hash.digest("hex").slice(0, 16);
  given.set(digest, { train, val, test });
  return `sets:${digest}`;
}

/** @throws OptionError for sets that this program was not given */
export function namedSets(digest: string): RawSplit {
  const sets = given.get(digest);
  if (sets) return sets;
  throw new OptionError(
    `split "sets:${digest}" was given as sets of nodes, in a call of distill(): give them again as { train, val, test }`,
  );
}

/** @throws InputError for sets that are empty, overlap, or hold what is no node of the graph */
export function ownSplit(split: OwnSplit, graph: Graph): Split {
  const found = labelledOnly("public", setsOf(split, graph), graph.labels);
  checkSplit(found, graph);
  return found;
}

function setsOf(split: OwnSplit, graph: Graph): RawSplit {
  needObject(split, `the split of ${graph.name}`, "{ train, val, test }", "train", "val", "test");
  const { train, val, test } = split;
  return {
    train: nodesOf(train, "train", graph),
    val: nodesOf(val, "val", graph),
    test: nodesOf(test, "test", graph),
  };
}

/** Returns a set's nodes, ascending. */
function nodesOf(set: OwnSet, what: string, { name, labels }: Graph): Int32Array {
  const nodes = labels.length;
  const fail = (fault: string): never => {
    throw new InputError(`the split of ${name}: ${what}: ${fault}`);
  };
  if (typeof set !== "object" || set === null || !Number.isInteger(set.length)) {
    return fail(`it is ${shown(set)}, not an array of nodes or a mask`);
  }
  const entries: (number | boolean)[] = Array.from<number | boolean>(set);
  const isMask = typeof entries[0] === "boolean";
  if (isMask && entries.length !== nodes) {
    fail(`a mask of ${entries.length} for ${nodes} nodes`);
  }
  const wrong = entries.findIndex((entry) =>
    isMask ? typeof entry !== "boolean" : !isNode(entry),
  );
  if (wrong >= 0) {
    const legal = isMask ? "true or false" : `a node, 0 to ${nodes - 1}`;
    fail(`entry ${wrong} is ${shown(entries[wrong])}, not ${legal}`);
  }
  const chosen = isMask ? [...entries.keys()].filter((node) => entries[node]) : entries;
  return Int32Array.from(chosen as number[]).sort();

  function isNode(entry: unknown): boolean {
    return Number.isInteger(entry) && Number(entry) >= 0 && Number(entry) < nodes;
  }
}
