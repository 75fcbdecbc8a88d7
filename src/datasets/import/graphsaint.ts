// Reads GraphSAINT's folders: adj_full.npz, feats.npy, class_map.json and role.json.
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { BadFileError } from "../../formats/errors.ts";
import { NpzFile, parseNpy } from "../../formats/npz.ts";
import { UNLABELLED } from "../../graph/graph.ts";
import { MAX_CLASSES } from "../sparse.ts";
import type { RawSplit } from "../splits.ts";
import { sparseArcs } from "./arrays.ts";
import { compressed, setsFromPairs } from "./dense.ts";
import { parseJson } from "./feature-list.ts";
import { type FoundGraph, type FoundLabels, readOwn } from "./found.ts";

const FILES = ["adj_full.npz", "feats.npy", "class_map.json", "role.json"] as const;

export function isGraphSaint(names: readonly string[]): boolean {
  return names.includes("adj_full.npz") || names.includes("class_map.json");
}

/** Source: GraphSAINT/GraphSAINT, README, "Dataset format". */
export async function readGraphSaint(
  folder: string,
  names: readonly string[],
): Promise<FoundGraph> {
  const missing = FILES.filter((file) => !names.includes(file));
  if (missing.length > 0) {
    const fault = `GraphSAINT's form also needs ${missing.join(", ")}`;
    throw new BadFileError(folder, fault);
  }
  const [adjacency, feats, classMap, role] = FILES.map((file) => path.join(folder, file)) as [
    ...[string, string, string, string],
  ];
  const features = compressed(parseNpy(await readOwn(feats), feats), feats);
  const nodes = features.rows;
  const decisions: string[] = [];
  const arcs = sparseArcs(new NpzFile(await readOwn(adjacency), adjacency), "", nodes, decisions);
  const labels = saintLabels(classMap, parseJson(classMap, await readOwn(classMap)), nodes);
  const split = saintSplit(role, parseJson(role, await readOwn(role)), nodes);
  return {
    form: "GraphSAINT's files",
    nodes,
    ...arcs,
    ...labels,
    features,
    splits: [split],
    decisions,
  };
}

function entriesOf(file: string, parsed: unknown): [string, unknown][] {
  if (typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)) {
    return Object.entries(parsed);
  }
  throw new BadFileError(file, "a JSON object is expected");
}

/** A class for each node's number, or a list of 0 and 1 with a place for each class: class_map.json. */
export function saintLabels(file: string, parsed: unknown, nodes: number): FoundLabels {
  const labels = new Int32Array(nodes).fill(UNLABELLED);
  const [owners, members]: [number[], number[]] = [[], []];
  let classes = 0;
  let lists = 0;
  for (const [id, found] of entriesOf(file, parsed)) {
    const where = `${file}: "${printable(id)}"`;
    const node = /^\d{1,9}$/.test(id) ? Number(id) : nodes;
    if (node >= nodes) throw new BadFileError(where, `a label for no node of 0 to ${nodes - 1}`);
    if (Array.isArray(found)) {
      lists++;
      classes = Math.max(classes, found.length);
      for (const [c, bit] of found.entries()) {
        if (bit === 1) {
          owners.push(node);
          members.push(c);
        } else if (bit !== 0) {
          throw new BadFileError(where, `place ${c} is ${printable(String(bit))}, not 0 or 1`);
        }
      }
    } else {
      if (!Number.isInteger(found) || Number(found) < 0) {
        throw new BadFileError(where, `${printable(JSON.stringify(found))} is no class`);
      }
      classes = Math.max(classes, Number(found) + 1);
      labels[node] = Number(found);
    }
    if (classes > MAX_CLASSES) throw new BadFileError(where, `more than ${MAX_CLASSES} classes`);
  }
  if (classes === 0) throw new BadFileError(file, "no node has a class");
  if (lists === 0) return { labels, classes };
  const plain = labels.findIndex((label) => label !== UNLABELLED);
  if (plain >= 0) {
    throw new BadFileError(file, `"${plain}" has a class, others have lists of 0 and 1`);
  }
  if (lists < nodes) {
    throw new BadFileError(file, `lists for ${lists} of ${nodes} nodes; each needs one`);
  }
  return setsFromPairs(nodes, classes, owners, members);
}

/** The nodes of `tr`, `va` and `te`: role.json. */
export function saintSplit(file: string, parsed: unknown, nodes: number): RawSplit {
  const sets = new Map(entriesOf(file, parsed));
  const setOf = new Map<number, string>();
  const of = (key: string): Int32Array => {
    const list = sets.get(key);
    const where = `${file}: "${key}"`;
    if (!Array.isArray(list)) throw new BadFileError(where, "a list of nodes is expected");
    for (const [k, node] of list.entries()) {
      if (!Number.isInteger(node) || node < 0 || node >= nodes) {
        const found = printable(String(node));
        throw new BadFileError(where, `entry ${k}: ${found} is not one of 0 to ${nodes - 1}`);
      }
      const other = setOf.get(node);
      if (other !== undefined) throw new BadFileError(where, `node ${node} is in "${other}" too`);
      setOf.set(node, key);
    }
    return Int32Array.from(list).sort();
  };
  return { train: of("tr"), val: of("va"), test: of("te") };
}
