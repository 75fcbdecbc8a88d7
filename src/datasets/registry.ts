// The datasets, one entry each. To add one, add an entry here, its files to manifest.ts and its
// published counts to oracles.ts.

import { OptionError } from "../base/errors.ts";
import { Registry } from "../base/registry.ts";
import { grouped } from "../display/format.ts";
import { itemCount } from "../graph/check.ts";
import type { Graph } from "../graph/graph.ts";

import { syntheticGraph } from "../graph/synthetic.ts";
import { archiveOf } from "./archives.ts";
import { loadGnnBenchmark } from "./gnn-benchmark.ts";
import { type HecoRate, hecoFiles, hecoSplit, loadHeco } from "./heco.ts";
import type { DataSource } from "./locate.ts";
import type { FeatureRecipe } from "./made-features.ts";
import { loadMusae, musaeFiles } from "./musae.ts";
import { loadNell, type NellForm, nellFiles, nellLabelFile, nellStem } from "./nell.ts";
import { loadOgb, ogbSplit, ogbYears } from "./ogb.ts";
import { loadOgbTyped } from "./ogb-typed.ts";
import { loadPlanetoid, planetoidFiles, planetoidPublicSplit } from "./planetoid.ts";
import { loadRdf, type RdfFiles, rdfSplit } from "./rdf.ts";
import { type RawSplit, randomSplit, USUAL_RANDOM } from "./splits.ts";
import { syntheticMag, syntheticMagSplit } from "./synthetic-mag.ts";
import { loadTopology, topologyFiles, topologySplit } from "./topology.ts";
import { loadTu, type TuFeatures, tuFile, tuFold } from "./tu.ts";

export interface DatasetEntry {
  readonly name: string;
  /** A description of a few words. */
  readonly title: string;
  /** What `--dataset` takes for a graph of one's own, as it was given: its path, or the name that it is kept by. */
  readonly given?: string;
  /** What was doubtful when a graph of one's own was read. */
  readonly warnings?: readonly string[];
  /** The files that the graph is read from, relative to a data folder; none for an embedded one. */
  readonly files: readonly string[];
  /** Optional files, which add labels if they are present. */
  readonly labelFiles?: readonly string[];
  /** The split that commands use by default. */
  readonly defaultSplit: string;
  load(source: DataSource): Promise<Graph>;
  /** The split that comes with the dataset, if there is one. */
  publicSplit?(graph: Graph, source: DataSource): Promise<RawSplit>;
  /** The file of Geom-GCN's split 0 .. 9, if the dataset has them. */
  geomGcnFile?(index: number): string;
  /** The split of fold 0 .. 9, if the dataset has ten. */
  fold?(index: number, graph: Graph, source: DataSource): Promise<RawSplit>;
  /** Instead of `geomGcnFile`: the sets themselves, of a graph of one's own that comes with several. */
  readonly numberedSplits?: readonly RawSplit[];
  /** The time of each node, in any unit, if it is known: for splits by time. */
  times?(graph: Graph, source: DataSource): Promise<Float64Array>;
}

const SYNTHETIC_SEED = 2310;
const ARXIV_YEARS = "ogbn-arxiv/raw/node_year.csv.gz";

const ENTRIES = [
  planetoid("cora", "2,708 machine-learning papers, binary word features"),
  planetoid("citeseer", "3,327 computer-science papers, binary word features"),
  planetoid("pubmed", "19,717 diabetes papers, TF-IDF word features"),
  gnnBenchmark("amazon-photo", "amazon_electronics_photo", "7,650 photo products bought together"),
  gnnBenchmark("amazon-computers", "amazon_electronics_computers", "13,752 computer products"),
  gnnBenchmark("coauthor-cs", "ms_academic_cs", "18,333 computer scientists with joint papers"),
  gnnBenchmark("coauthor-physics", "ms_academic_phy", "34,493 physicists with joint papers"),
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
  rdf("aifb", "people of a research institute and what they wrote; 176 have a group", {
    ...{ triples: "aifb/aifb_stripped.nt.gz", entity: "person", label: "label_affiliation" },
    ...{ training: "aifb/trainingSet.tsv", test: "aifb/testSet.tsv" },
  }),
  rdf("rdf-mutag", "molecules, their atoms and bonds; 340 molecules are mutagenic or not", {
    ...{ triples: "rdf-mutag/mutag_stripped.nt.gz", entity: "bond", label: "label_mutagenic" },
    ...{ training: "rdf-mutag/trainingSet.tsv", test: "rdf-mutag/testSet.tsv" },
  }),
  {
    name: "facebook",
    title: "22,470 pages that like each other, four kinds (MUSAE)",
    files: musaeFiles("musae-facebook/facebook"),
    defaultSplit: "random:60/20/20:0",
    load: ({ read }) => loadMusae("facebook", "musae-facebook/facebook", "page_type", read),
  },
  heco("acm", 20),
  heco("acm-40", 40),
  heco("acm-60", 60),
  {
    ...topology("arxiv-topology", "ogbn-arxiv/graphsaint", {
      ...{ columns: 128, separation: 0.17, seed: 2310 },
    }),
    files: [...topologyFiles("ogbn-arxiv/graphsaint"), ARXIV_YEARS],
    title: "ogbn-arxiv's graph, labels, years and split; its features are MADE",
    times: ({ nodes }, source) => ogbYears(ARXIV_YEARS, nodes, source),
  },
  {
    ...topology("flickr-topology", "flickr", { columns: 500, separation: 0.03, seed: 2310 }),
    title: "Flickr's graph, labels and split (GraphSAINT); its features are MADE",
  },
  {
    ...ogb("ogbn-arxiv", "169,343 papers on computer science, OGB's split by year"),
    load: (source) => loadOgb("ogbn-arxiv", "ogbn_arxiv", source),
  },
  {
    ...ogb("ogbn-mag", "736,389 papers among 1,939,743 nodes of four types", "paper"),
    load: (source) => loadOgbTyped("ogbn-mag", "ogbn_mag", source),
  },
  tu("mutag", "MUTAG", "188 molecules, mutagenic or not", "tag"),
  tu("proteins", "PROTEINS", "1,113 proteins, enzymes or not", "tag"),
  tu("imdb-binary", "IMDBBINARY", "1,000 actors' networks, of two genres", "degree"),
  tu("reddit-binary", "REDDIT-BINARY", "2,000 discussions, of two kinds", "one"),
  tu("collab", "COLLAB", "5,000 scientists' networks, of three fields", "degree"),
  {
    name: "synthetic",
    title: "a synthetic citation graph that resembles Cora; needs no files",
    files: [],
    defaultSplit: USUAL_RANDOM,
    load: async () => syntheticGraph(SYNTHETIC_SEED),
    publicSplit: async (graph) => syntheticPublicSplit(graph),
  },
  mag("synthetic-mag", 1),
  mag("synthetic-mag-10", 10),
  mag("synthetic-mag-100", 100),
  mag("synthetic-mag-1000", 1000),
] as const satisfies readonly DatasetEntry[];

/** The built-in datasets' names, which Tab offers. */
export type DatasetName = (typeof ENTRIES)[number]["name"];

/** The built-in datasets, and those that a program adds (own.ts). */
export const datasets = new Registry<DatasetEntry>(
  "dataset",
  ENTRIES,
  "abkd data list shows all; a graph of your own is found by its path, or where --data keeps it",
);

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
    load: ({ read }) => loadPlanetoid(name, read),
    publicSplit: (graph, { read }) =>
      planetoidPublicSplit(`planetoid/ind.${name}`, graph.nodes, read),
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
    load: ({ read, here }) => loadNell(name, form, read, here),
    publicSplit: (graph, { read }) => planetoidPublicSplit(nellStem(form.rate), graph.nodes, read),
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
    load: ({ read }) => loadGnnBenchmark(name, file, read),
  };
}

/** Whole graphs to be classified. */
function tu<const Name extends string>(
  name: Name,
  stem: string,
  title: string,
  features: TuFeatures,
): Named<Name> {
  return {
    name,
    title,
    files: [tuFile(stem)],
    defaultSplit: "fold:0",
    load: ({ read }) => loadTu(name, stem, features, read),
    fold: (index, graph, { read }) => tuFold(stem, index, itemCount(graph), read),
  };
}

/** @param part the graph has so much of Mag: 1/10, 1/100 */
function mag<const Name extends string>(name: Name, part: number): Named<Name> {
  const share = part === 1 ? "all of its 1,939,743 nodes" : `1/${grouped(part)} of its nodes`;
  return {
    name,
    title: `a synthetic graph with ogbn-mag's types and counts, ${share}; needs no files`,
    files: [],
    defaultSplit: "public",
    load: async () => ({ ...syntheticMag({ scale: 1 / part }), name }),
    publicSplit: async (graph) => syntheticMagSplit(itemCount(graph)),
  };
}

/** HeCo's ACM with one of its splits. */
function heco<const Name extends string>(name: Name, rate: HecoRate): Named<Name> {
  return {
    name,
    title: `4,019 papers, their authors and subjects (HeCo), ${rate} papers a class train`,
    files: hecoFiles(rate),
    defaultSplit: "public",
    load: ({ read }) => loadHeco(name, read),
    publicSplit: (graph, { read }) => hecoSplit(rate, itemCount(graph), read),
  };
}

/** A real graph whose features are made: never under the official name. */
function topology<const Name extends string>(
  name: Name,
  folder: string,
  recipe: FeatureRecipe,
): Omit<Named<Name>, "title"> {
  return {
    name,
    files: topologyFiles(folder),
    defaultSplit: "public",
    load: (source) => loadTopology(name, folder, recipe, source),
    publicSplit: ({ nodes }, { read }) => topologySplit(folder, nodes, read),
  };
}

/**
 * What OGB's datasets have in common but their graph; the name's folder is OGB's: `ogbn_arxiv`.
 * @param type the classified type, if nodes have types
 */
function ogb<const Name extends string>(
  name: Name,
  title: string,
  type?: string,
): Omit<Named<Name>, "load"> {
  const archive = archiveOf(name.replace("-", "_"))!;
  const years = archive.files.find((file) => file.endsWith("/node_year.csv.gz"))!;
  const split = [archive.folder, "split", "time", ...(type ? [type] : [])].join("/");
  return {
    name,
    title,
    files: archive.files,
    defaultSplit: "public",
    publicSplit: (graph, source) => ogbSplit(split, itemCount(graph), source),
    times: (graph, source) => ogbYears(years, itemCount(graph), source),
  };
}

function rdf<const Name extends string>(name: Name, title: string, files: RdfFiles): Named<Name> {
  return {
    name,
    title,
    files: [files.triples, files.training, files.test],
    defaultSplit: "public",
    load: ({ read }) => loadRdf(name, files, read),
    publicSplit: (graph, { read }) => rdfSplit(graph, files, read),
  };
}

/** A split of Planetoid's sizes (20 per class on average, 500, 1,000), always drawn from the same seed. */
function syntheticPublicSplit(graph: Graph): RawSplit {
  return randomSplit(graph, { kind: "random", train: 140, val: 500, test: 1000, seed: 0 });
}
