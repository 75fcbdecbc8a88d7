// Makes a checked graph of what a reader found, and says what it is and what was decided.
import { createHash } from "node:crypto";
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { BadFileError } from "../../formats/errors.ts";
import { checkGraph, checkSplit } from "../../graph/check.ts";
import { type Csr, csrFromPairs, nonzeros } from "../../graph/csr.ts";
import { type Graph, UNLABELLED } from "../../graph/graph.ts";
import { countUnlabelled, summarise, summariseSplit } from "../canonical.ts";
import { arcsFromPairs } from "../sparse.ts";
import { labelledOnly, type RawSplit } from "../splits.ts";
import { type FeatureForm, formed } from "./features.ts";
import type { FoundGraph } from "./found.ts";

/** What was found in a graph of one's own, and what was decided about it. */
export interface ImportReport {
  /** The form of its files, in a few words. */
  readonly form: string;
  /** Arcs as the files have them. */
  readonly stored: {
    readonly arcs: number;
    /** `one`: each edge once; `both`: each edge in both directions; `some`: some of them. */
    readonly directions: "one" | "both" | "some";
    /** Arcs that repeat an earlier one. */
    readonly duplicates: number;
    readonly loops: number;
  };
  /** What the files call the classes, if not 0, 1, 2 ... */
  readonly classNames?: readonly string[];
  /** The share of edges between labelled nodes whose ends have the same class; absent without such edges. */
  readonly homophily?: number;
  /** The least and the greatest feature as the files have them, zeros included. */
  readonly featureRange: readonly [number, number];
  /** The share of features that are not 0. */
  readonly featureDensity: number;
  /** How many sets of nodes the files have for training, validation and test. */
  readonly splits: number;
  readonly decisions: readonly string[];
}

export interface Imported {
  readonly graph: Graph;
  readonly report: ImportReport;
  /** The graph's own sets of nodes, none or several. */
  readonly splits: readonly RawSplit[];
  /** The time of each node, if it is known, in any unit. */
  readonly times?: Float64Array;
}

/**
 * @param source the path, from which the graph's name is made, with its fingerprint
 * @param form see formed()
 * @throws InputError for a graph that is not sound, or a split with a node in two sets
 */
export function assemble(source: string, found: FoundGraph, form?: FeatureForm): Imported {
  const { nodes, from, to, labels, labelSets, classes, splits, times } = found;
  if (from.length === 0) throw new BadFileError(source, "the graph has no edges");
  const adjacency = arcsFromPairs(nodes, from, to, from.length);
  if (nonzeros(adjacency) === 0) {
    throw new BadFileError(
      source,
      "each edge leads from a node to itself: the graph has no others",
    );
  }
  const { features, featuresAsIs, featuresMade, decisions } = formed(found.features, form, source);
  const unnamed: Graph = {
    name: "",
    nodes,
    classes,
    adjacency,
    features,
    labels,
    ...(labelSets && { labelSets }),
    ...(found.ids && { nodeNames: found.ids }),
    ...(found.names && { classNames: found.names }),
    ...(featuresAsIs && { featuresAsIs }),
    ...(featuresMade && { featuresMade }),
  };
  const graph = { ...unnamed, name: ownName(source, { graph: unnamed, splits, times }) };
  checkGraph(graph);
  for (const split of splits) {
    const { train, val, test, ...rest } = labelledOnly("public", split, labels);
    // A set without labelled nodes is refused when it is used.
    if ([train, val, test].every(({ length }) => length > 0)) {
      checkSplit({ train, val, test, ...rest }, graph);
    }
  }
  const stored = storedArcs(found, adjacency);
  const homophily = homophilyOf(graph);
  const raw = found.features;
  const density = nonzeros(raw) / (nodes * raw.columns);
  return {
    graph,
    splits,
    ...(times && { times }),
    report: {
      form: found.form,
      stored,
      ...(found.names && { classNames: found.names }),
      ...(homophily !== undefined && { homophily }),
      featureRange: rangeOf(raw, density < 1),
      featureDensity: density,
      splits: found.splits.length,
      decisions: [
        ...found.decisions,
        ...arcDecisions(stored),
        ...classDecisions(found),
        ...decisions,
        ...(splits.length > 1
          ? [`${splits.length} splits: the first is public, all are geom-gcn:0, :1 ...`]
          : []),
        ...(times
          ? [
              "nodes have times: --split time:60/20 trains on the oldest 60 %, and tests on the newest 20 %",
            ]
          : []),
      ],
    },
  };
}

/** The name of the file or folder, as a dataset's name may be. */
function stem(source: string): string {
  const { name } = path.parse(path.resolve(source));
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const text = words.join("-").slice(0, 40).replace(/-+$/, "");
  return /^[a-z]/.test(text) ? text : `graph${text && `-${text}`}`;
}

/**
 * The path's name and 12 hex digits that change with any arc, feature, label, set or time: no two graphs
 * share runs.
 */
export function ownName(
  source: string,
  {
    graph,
    splits,
    times,
  }: Pick<Imported, "graph" | "splits"> & { readonly times?: Float64Array | undefined },
): string {
  const hash = createHash("sha256").update(JSON.stringify(summarise(graph)));
  // In a summary, an unlabelled node has class 0.
  hash.update(graph.labels);
  if (graph.labelSets) hash.update(graph.labelSets.indptr).update(graph.labelSets.indices);
  for (const split of splits) hash.update(summariseSplit(graph.nodes, split).sha256);
  if (graph.featuresAsIs) hash.update("features as they are");
  if (times) hash.update(times);
  return `${stem(source)}-${hash.digest("hex").slice(0, 12)}`;
}

function storedArcs({ nodes, from, to }: FoundGraph, both: Csr): ImportReport["stored"] {
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

function arcDecisions({ directions, duplicates, loops }: ImportReport["stored"]): string[] {
  return [
    ...(directions === "both" ? [] : ["symmetrised: each edge leads both ways"]),
    ...(duplicates > 0 ? ["duplicates merged"] : []),
    ...(loops > 0 ? ["loops removed: the models add one to each node"] : []),
  ];
}

function classDecisions({ names, labels, classes, labelSets }: FoundGraph): string[] {
  if (labelSets) return ["a node may have several classes; the measure is micro-F1"];
  if (names) return ["classes are numbered in the order of their names"];
  if (labels.every((label) => label === UNLABELLED)) {
    return ["no node has a label: the graph is for abkd predict, not for training"];
  }
  const empty = classes - new Set(labels.filter((label) => label !== UNLABELLED)).size;
  return empty > 0 ? [`${empty} of ${classes} classes have no node`] : [];
}

function rangeOf({ values, indices }: Csr, zeros: boolean): [number, number] {
  let [least, most] = zeros ? [0, 0] : [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let k = 0; k < indices.length; k++) {
    const value = values ? values[k]! : 1;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

/** Source: edge homophily, Zhu et al., Beyond Homophily in Graph Neural Networks, 2020, definition 1. */
function homophilyOf({ adjacency, labels, labelSets }: Graph): number | undefined {
  if (labelSets) return undefined;
  let [known, same] = [0, 0];
  for (let r = 0; r < adjacency.rows; r++) {
    if (labels[r] === UNLABELLED) continue;
    for (let k = adjacency.indptr[r]!; k < adjacency.indptr[r + 1]!; k++) {
      const other = labels[adjacency.indices[k]!]!;
      if (other === UNLABELLED) continue;
      known++;
      if (other === labels[r]) same++;
    }
  }
  return known === 0 ? undefined : same / known;
}

/** A line or two for people: counts of arcs, features and homophily. */
export function describeReport(report: ImportReport, { labels }: Graph): string[] {
  const { stored, homophily, featureRange, featureDensity, classNames, decisions } = report;
  const grouped = (count: number): string => count.toLocaleString("en");
  const directions = {
    one: "each edge once",
    both: "each edge in both directions",
    some: "some edges in both directions",
  }[stored.directions];
  const names = classNames
    ?.slice(0, 12)
    .map((name) => printable(name))
    .join(", ");
  const more = (classNames?.length ?? 0) > 12 ? ` and ${classNames!.length - 12} more` : "";
  return [
    `read as ${report.form}`,
    `${grouped(stored.arcs)} arcs in the files: ${directions}, ${grouped(stored.duplicates)} duplicates, ` +
      `${grouped(stored.loops)} loops`,
    `features from ${number(featureRange[0])} to ${number(featureRange[1])}, ` +
      `${(100 * featureDensity).toPrecision(3)} % not 0`,
    ...(names ? [`classes: ${names}${more}`] : []),
    ...(homophily === undefined
      ? []
      : [
          `homophily ${homophily.toFixed(2)}: the share of edges between nodes of one class` +
            (homophily < 0.5
              ? "; LOW: most neighbours differ, and averaging them may do harm"
              : ""),
        ]),
    ...(countUnlabelled(labels) > 0 ? ["nodes without a label are in no set"] : []),
    ...decisions.map((decision) => `decided: ${decision}`),
  ];

  function number(value: number): string {
    return String(Number(value.toPrecision(4)));
  }
}
