// Makes a checked graph of what a reader found, and says what it is and what was decided.
import { createHash } from "node:crypto";
import path from "node:path";
import { printable } from "../../base/printable.ts";
import { checkGraph, checkSplit } from "../../graph/check.ts";
import { type Csr, nonzeros } from "../../graph/csr.ts";
import { type Graph, UNLABELLED } from "../../graph/graph.ts";
import { countUnlabelled, summarise, summariseSplit } from "../canonical.ts";
import { labelledOnly, type RawSplit } from "../splits.ts";
import { type ArcChoices, arcsOf, type StoredArcs } from "./arcs.ts";
import { type FeatureForm, type FormedFeatures, formed } from "./features.ts";
import type { FoundGraph } from "./found.ts";
import { MADE_FEATURES, type MadeFeatures, madeFeatures } from "./made-features.ts";

/** What was found in a graph of one's own, and what was decided about it. */
export interface ImportReport {
  /** The form of its files, in a few words. */
  readonly form: string;
  readonly stored: StoredArcs;
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
  /** What is probably not meant, a sentence each; absent: nothing. */
  readonly warnings?: readonly string[];
}

export interface Imported {
  readonly graph: Graph;
  readonly report: ImportReport;
  /** The graph's own sets of nodes, none or several. */
  readonly splits: readonly RawSplit[];
  /** The time of each node, if it is known, in any unit. */
  readonly times?: Float64Array;
}

/** What may be decided when a graph is made of what was found. */
export interface GraphChoices extends ArcChoices {
  /** How models get the features (FEATURE_FORMS); by default `rows`, or `as-is` if some are negative. */
  readonly features?: FeatureForm;
  /** What the features are where the files have none (MADE_FEATURES); by default `identity`. */
  readonly makeFeatures?: MadeFeatures;
}

/**
 * @param source the path, from which the graph's name is made, with its fingerprint
 * @throws InputError for a graph that is not sound, or a split with a node in two sets
 */
export function assemble(source: string, found: FoundGraph, choices: GraphChoices): Imported {
  const { nodes, labels, labelSets, classes, splits, times } = found;
  const { adjacency, stored, decisions: ofArcs } = arcsOf(source, found, choices);
  const raw = found.features ?? madeFeatures(adjacency, choices.makeFeatures ?? "identity", source);
  const { features, decisions, ...form } = featuresOf(raw, found, choices, source);
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
    ...(found.features && found.featureNames && { featureNames: found.featureNames }),
    ...form,
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
  const homophily = homophilyOf(graph);
  const density = nonzeros(raw) / (nodes * raw.columns);
  const report: ImportReport = {
    form: found.form,
    stored,
    ...(found.names && { classNames: found.names }),
    ...(homophily !== undefined && { homophily }),
    featureRange: rangeOf(raw, density < 1),
    featureDensity: density,
    splits: found.splits.length,
    decisions: [
      ...found.decisions,
      ...ofArcs,
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
    ...(found.warnings && found.warnings.length > 0 && { warnings: found.warnings }),
  };
  const decided = report.decisions;
  return { graph: { ...graph, decided }, splits, ...(times && { times }), report };
}

/** The name of the file or folder, as a dataset's name may be. */
function stem(source: string): string {
  const { name } = path.parse(path.resolve(source));
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const text = words.join("-").slice(0, 40).replace(/-+$/, "");
  return /^[a-z]/.test(text) ? text : `graph${text && `-${text}`}`;
}

/**
 * The path's name and 12 hex digits that change with any arc, feature, label, class's name, set or time: no two
 * graphs share runs.
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
  // A run's model file names its classes: renamed ones need a run of their own.
  if (graph.classNames) hash.update(JSON.stringify(graph.classNames));
  return `${stem(source)}-${hash.digest("hex").slice(0, 12)}`;
}

function featuresOf(
  raw: Csr,
  found: FoundGraph,
  { features: form, makeFeatures }: GraphChoices,
  source: string,
): FormedFeatures {
  if (found.features) return formed(raw, form, source);
  const how = makeFeatures ?? "identity";
  const other = how === "identity" ? "; --make-features degree makes few" : "";
  return {
    ...formed(raw, form ?? "as-is", source),
    featuresMade: how,
    decisions: [`the files have no features: made, ${MADE_FEATURES[how]}${other}`],
  };
}

function classDecisions({ names, labels, classes, labelSets }: FoundGraph): string[] {
  if (labelSets) return ["a node may have several classes; the measure is micro-F1"];
  if (labels.every((label) => label === UNLABELLED)) {
    return ["no node has a label: the graph is for abkd predict, not for training"];
  }
  const known = new Set(labels.filter((label) => label !== UNLABELLED)).size;
  return [
    ...(names ? ["classes are numbered in the order of their names"] : []),
    ...(known < classes ? [`${classes - known} of ${classes} classes have no node`] : []),
    ...(known === 1 ? ["all labels are ONE class: there is nothing to learn from them"] : []),
  ];
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
  const { warnings = [] } = report;
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
    ...warnings.map((warning) => `warning: ${warning}`),
  ];

  function number(value: number): string {
    return String(Number(value.toPrecision(4)));
  }
}
