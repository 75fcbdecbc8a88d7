// Makes a graph's adjacency of the arcs that a file has, and says what was done with directions, repeats and loops.
import { printable } from "../../base/printable.ts";
import { BadFileError } from "../../formats/errors.ts";
import { type Csr, csrFromPairs, nonzeros, transpose } from "../../graph/csr.ts";
import { arcsFromPairs } from "../sparse.ts";
import type { FoundGraph } from "./found.ts";

/** What arcs become: models read undirected graphs. */
export const ARC_FORMS = {
  either: "each arc makes an edge, which leads both ways",
  mutual: "only arcs that are given in both directions make an edge",
  both: "each edge must be given in both directions, else the graph is refused",
} as const;

export type ArcForm = keyof typeof ARC_FORMS;

/** What may be decided about arcs. */
export interface ArcChoices {
  /** One of ARC_FORMS; by default `either`. */
  readonly arcs?: ArcForm;
  /** Arcs from a node to itself are removed, because models add one to each node, or the graph is refused. */
  readonly loops?: "remove" | "refuse";
  /** Arcs that repeat an earlier one are merged, or the graph is refused. */
  readonly duplicates?: "merge" | "refuse";
}

/** Arcs as the files have them. */
export interface StoredArcs {
  readonly arcs: number;
  /** `one`: each edge once; `both`: each edge in both directions; `some`: some of them. */
  readonly directions: "one" | "both" | "some";
  /** Arcs that repeat an earlier one. */
  readonly duplicates: number;
  readonly loops: number;
}

export interface Arcs {
  readonly adjacency: Csr;
  readonly stored: StoredArcs;
  readonly decisions: readonly string[];
}

/** @throws BadFileError for a graph without edges, or with what the choices refuse */
export function arcsOf(source: string, found: FoundGraph, choices: ArcChoices): Arcs {
  const { nodes, from, to } = found;
  if (from.length === 0) throw new BadFileError(source, "the graph has no edges");
  const all = arcsFromPairs(nodes, from, to, from.length);
  if (nonzeros(all) === 0) {
    const fault = "each edge leads from a node to itself: the graph has no others";
    throw new BadFileError(source, fault);
  }
  const stored = storedArcs(found, all);
  const refuse = (count: number, what: string, first: () => number): void => {
    if (count === 0) return;
    const arc = first();
    const name = (node: number): string => `"${printable(found.ids?.[node] ?? String(node))}"`;
    const which = `the first is arc ${arc + 1}, from ${name(from[arc]!)} to ${name(to[arc]!)}`;
    throw new BadFileError(source, `${count} ${what}, which were to be refused; ${which}`);
  };
  if (choices.loops === "refuse") {
    refuse(stored.loops, "arcs lead from a node to itself", () => {
      return from.findIndex((node, k) => node === to[k]);
    });
  }
  if (choices.duplicates === "refuse") {
    refuse(stored.duplicates, "arcs repeat an earlier one", () => firstRepeat(found));
  }
  const { arcs = "either" } = choices;
  const adjacency = arcs === "mutual" ? mutual(found) : all;
  const lost = (nonzeros(all) - nonzeros(adjacency)) / 2;
  if (arcs === "both" && stored.directions !== "both") {
    throw new BadFileError(source, "some arcs lack their opposite, which were to be refused");
  }
  if (nonzeros(adjacency) === 0) {
    throw new BadFileError(source, "no arc is given in both directions: no mutual edge is left");
  }
  const oneWay = lost > 0 ? [`${lost} arcs without their opposite are left out`] : [];
  const turned = arcs === "either" && stored.directions !== "both";
  return {
    adjacency,
    stored,
    decisions: [
      ...(turned ? ["symmetrised: each edge leads both ways (--arcs decides otherwise)"] : oneWay),
      ...(stored.duplicates > 0 ? ["duplicates merged"] : []),
      ...(stored.loops > 0 ? ["loops removed: the models add one to each node"] : []),
    ],
  };
}

function firstRepeat({ nodes, from, to }: FoundGraph): number {
  const met = new Set<number>();
  return from.findIndex((node, k) => {
    const arc = node * nodes + to[k]!;
    if (met.has(arc)) return true;
    met.add(arc);
    return false;
  });
}

/** The arcs whose opposites are there too, without loops. */
function mutual({ nodes, from, to }: FoundGraph): Csr {
  const one = csrFromPairs(nodes, nodes, from, to);
  const { indptr, indices } = transpose(one).matrix;
  const [sources, targets]: [number[], number[]] = [[], []];
  for (let r = 0; r < nodes; r++) {
    const incoming = new Set(indices.subarray(indptr[r], indptr[r + 1]));
    for (let k = one.indptr[r]!; k < one.indptr[r + 1]!; k++) {
      const c = one.indices[k]!;
      if (c === r || !incoming.has(c)) continue;
      sources.push(r);
      targets.push(c);
    }
  }
  return csrFromPairs(nodes, nodes, sources, targets);
}

function storedArcs({ nodes, from, to }: FoundGraph, both: Csr): StoredArcs {
  let loops = 0;
  for (let k = 0; k < from.length; k++) if (from[k] === to[k]) loops++;
  const distinct = csrFromPairs(nodes, nodes, from, to);
  const duplicates = from.length - nonzeros(distinct);
  let distinctLoops = 0;
  for (let r = 0; r < nodes; r++) {
    for (let k = distinct.indptr[r]!; k < distinct.indptr[r + 1]!; k++) {
      if (distinct.indices[k] === r) distinctLoops++;
    }
  }
  const arcs = nonzeros(distinct) - distinctLoops;
  const all = nonzeros(both);
  const directions = arcs === all ? "both" : 2 * arcs === all ? "one" : "some";
  return { arcs: from.length, directions, duplicates, loops };
}
