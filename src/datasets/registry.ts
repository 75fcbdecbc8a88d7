// The datasets, one entry each. To add one, add an entry here, its files to manifest.ts and its
// published counts to oracles.ts.

import { OptionError } from "../base/errors.ts";
import { Registry } from "../base/registry.ts";
import type { Graph } from "../graph/graph.ts";
import { syntheticGraph } from "../graph/synthetic.ts";
import { loadGnnBenchmark } from "./gnn-benchmark.ts";
import { type HecoRate, hecoFiles, hecoSplit, loadHeco } from "./heco.ts";
import type { ReadFile } from "./locate.ts";
import { loadNell, type NellForm, nellFiles, nellLabelFile, nellStem } from "./nell.ts";
import { loadPlanetoid, planetoidFiles, planetoidPublicSplit } from "./planetoid.ts";
import { loadRdf, type RdfFiles, rdfSplit } from "./rdf.ts";
import { type RawSplit, randomSplit, USUAL_RANDOM } from "./splits.ts";

export interface DatasetEntry {
  readonly name: string;
  /** A description of a few words. */
  readonly title: string;
  /** The files that the graph is read from, relative to a data folder; none for an embedded one. */
  readonly files: readonly string[];
  /** Optional files, which add labels if they are present. */
  readonly labelFiles?: readonly string[];
  /** The split that commands use by default. */
  readonly defaultSplit: string;
  /** @param here whether a file can be read without downloading it. */
  load(read: ReadFile, here: (file: string) => boolean): Promise<Graph>;
  /** The split that comes with the dataset, if there is one. */
  publicSplit?(graph: Graph, read: ReadFile): Promise<RawSplit>;
  /** The file of Geom-GCN's split 0 .. 9, if the dataset has them. */
  geomGcnFile?(index: number): string;
  /** Instead: the sets themselves, of a graph of one's own that comes with several. */
  readonly numberedSplits?: readonly RawSplit[];
  /** The time of each node, in any unit, if it is known: for splits by time. */
  readonly times?: Float64Array;
}

const SYNTHETIC_SEED = 2310;

const ENTRIES = [
  planetoid("cora", "2,708 machine-learning papers, binary word features"),
  planetoid("citeseer", "3,327 computer-science papers, binary word features"),
  planetoid("pubmed", "19,717 diabetes papers, TF-IDF word features"),
  gnnBenchmark("amazon-photo", "amazon_electronics_photo", "7,650 photo products bought together"),
  gnnBenchmark("amazon-computers", "amazon_electronics_computers", "13,752 computer products"),
  gnnBenchmark("coauthor-cs", "ms_academic_cs", "18,333 computer scientists with joint papers"),
  nell("nell", "9,891 entities among 65,755 nodes; labels joined, rate 0.001", { rate: "0.001" }),
  nell("nell-0.01", "the same graph, numbered and split for rate 0.01", { rate: "0.01" }),
  nell("nell-0.1", "the same graph, numbered and split for rate 0.1", { rate: "0.1" }),
  nell("nell-identity", "nell, with a separate feature for each relation node", {
    rate: "0.001",
    identity: true,
  }),
  nell("nell-class0", "nell with relation nodes in class 0, as PyG reads it", {
    rate: "0.001",
    relationsAsClass0: true,
  }),
  heco(
    "heco-acm",
    "4,019 papers of three areas, 7,167 authors, 60 subjects; 20 of a class train",
    20,
  ),
  heco("heco-acm-40", "the same graph, 40 papers of a class train", 40),
  heco("heco-acm-60", "the same graph, 60 papers of a class train", 60),
  rdf("aifb", "people of a research institute and what they wrote; 176 have a group", {
    ...{ triples: "aifb/aifb_stripped.nt.gz", entity: "person", label: "label_affiliation" },
    ...{ training: "aifb/trainingSet.tsv", test: "aifb/testSet.tsv" },
  }),
  rdf("rdf-mutag", "molecules, their atoms and bonds; 340 molecules are mutagenic or not", {
    ...{ triples: "rdf-mutag/mutag_stripped.nt.gz", entity: "bond", label: "label_mutagenic" },
    ...{ training: "rdf-mutag/trainingSet.tsv", test: "rdf-mutag/testSet.tsv" },
  }),
  {
    name: "synthetic",
    title: "a synthetic citation graph that resembles Cora; needs no files",
    files: [],
    defaultSplit: USUAL_RANDOM,
    load: async () => syntheticGraph(SYNTHETIC_SEED),
    publicSplit: async (graph) => syntheticPublicSplit(graph),
  },
] as const satisfies readonly DatasetEntry[];

/** The built-in datasets' names, which Tab offers. */
export type DatasetName = (typeof ENTRIES)[number]["name"];

/** The built-in datasets, and those that a program adds (own.ts). */
export const datasets = new Registry<DatasetEntry>("dataset", ENTRIES);

/** All datasets' names: the built-in ones in the order of the list above, then the added ones. */
export const DATASET_NAMES = datasets.names;

/** @throws OptionError for an unknown name. */
export function datasetEntry(name: string): DatasetEntry {
  if (OWN_NAME.test(String(name)) && !datasets.names.includes(name)) {
    throw new OptionError(
      `"${name}" is a graph of your own, which is not read yet: name its file or folder ` +
        "(--dataset, or loadDataset() first), or keep it (abkd data import)",
    );
  }
  return datasets.find(name);
}

/** As import/ calls what it reads: a name and 12 digits of the fingerprint. */
export const OWN_NAME = /^[a-z][a-z0-9-]{0,50}-[0-9a-f]{12}$/;

/** An entry whose name the compiler knows. */
type Named<Name extends string> = DatasetEntry & { readonly name: Name };

function planetoid<const Name extends string>(name: Name, title: string): Named<Name> {
  return {
    name,
    title,
    files: planetoidFiles(name),
    defaultSplit: "geom-gcn:0",
    load: (read) => loadPlanetoid(name, read),
    publicSplit: (graph, read) => planetoidPublicSplit(`planetoid/ind.${name}`, graph.nodes, read),
    geomGcnFile: (index) => `geom-gcn-splits/${name}_split_0.6_0.2_${index}.npz`,
  };
}

function nell<const Name extends string>(name: Name, title: string, form: NellForm): Named<Name> {
  return {
    name,
    title,
    files: nellFiles(form.rate),
    labelFiles: [nellLabelFile(form.rate)],
    defaultSplit: USUAL_RANDOM,
    load: (read, here) => loadNell(name, form, read, here),
    publicSplit: (graph, read) => planetoidPublicSplit(nellStem(form.rate), graph.nodes, read),
  };
}

function gnnBenchmark<const Name extends string>(
  name: Name,
  stem: string,
  title: string,
): Named<Name> {
  const file = `gnn-benchmark/${stem}.npz`;
  return {
    name,
    title,
    files: [file],
    defaultSplit: USUAL_RANDOM,
    load: (read) => loadGnnBenchmark(name, file, read),
  };
}

function heco<const Name extends string>(name: Name, title: string, rate: HecoRate): Named<Name> {
  return {
    name,
    title,
    files: hecoFiles(rate),
    defaultSplit: "public",
    load: (read) => loadHeco(name, read),
    publicSplit: (graph, read) => hecoSplit(rate, graph, read),
  };
}

function rdf<const Name extends string>(name: Name, title: string, files: RdfFiles): Named<Name> {
  return {
    name,
    title,
    files: [files.triples, files.training, files.test],
    defaultSplit: "public",
    load: (read) => loadRdf(name, files, read),
    publicSplit: (graph, read) => rdfSplit(graph, files, read),
  };
}

/** A split of Planetoid's sizes (20 per class on average, 500, 1,000), always drawn from the same seed. */
function syntheticPublicSplit(graph: Graph): RawSplit {
  return randomSplit(graph, { kind: "random", train: 140, val: 500, test: 1000, seed: 0 });
}
