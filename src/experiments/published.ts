// The numbers that the paper prints (arXiv 2310.15938v1), as data: what a reproduction is compared with.
import type { RunConfig } from "../training/run.ts";

/** An accuracy in percent, as printed; `deviation` only where the paper prints one. */
export interface PublishedAccuracy {
  readonly mean: number;
  readonly deviation?: number;
}

/**
 * Returns the number in table 3 that a run may be compared with; undefined if the run's setting is not the
 * paper's (GCNII 64L-64H into 4L-4H on one of Geom-GCN's splits), whatever its method.
 */
export function paperAccuracyOf(config: RunConfig): PublishedAccuracy | undefined {
  const { dataset, split, model, method, teacher, initial } = config;
  const sized = ({ kind, layers, width }: RunConfig["model"], layersWanted: number, side: number) =>
    kind === "gcnii" && layers === layersWanted && width === side;
  const ownSize = method ? sized(model, 4, 4) : sized(model, 64, 64);
  const taught = !teacher || (teacher.dataset === dataset && sized(teacher.model, 64, 64));
  if (!ownSize || !taught || initial || !split.startsWith("geom-gcn:")) return undefined;
  if (method?.name === "abkd" && isAblation(method.options)) return undefined;
  return publishedAccuracy(dataset, method?.name ?? "teacher");
}

/** Whether the options are of tables 5, 7 or 12, or of a control. Other differences are reported with the number. */
function isAblation(options: Readonly<Record<string, unknown>>): boolean {
  const table3 = { attention: "learned", linear: "per-layer", distance: "euclidean" };
  return Object.entries(table3).some(([name, value]) => (options[name] ?? value) !== value);
}

function accuracy(mean: number, deviation?: number): PublishedAccuracy {
  return deviation === undefined ? { mean } : { mean, deviation };
}

/** Formats an accuracy: `84.27 ± 1.48`. */
export function accuracyText({ mean, deviation }: PublishedAccuracy): string {
  return mean.toFixed(2) + (deviation === undefined ? "" : ` ± ${deviation.toFixed(2)}`);
}

/** The layers of a teacher and a student that each method considers (table 1). */
export const table1 = {
  GraphAKD: 1,
  "G-CRD": 1,
  Fitnets: 1,
  LSP: 1,
  ABKD: "all",
} as const;

/** Large graphs: RGCN on ogbn-mag, GAT into GraphSAGE on ogbn-arxiv (table 2). `ratio` as printed. */
export const table2 = {
  "ogbn-mag": {
    teacherModel: "RGCN 3L-512H 5.5M",
    studentModel: "RGCN 2L-32H 170K",
    teacher: accuracy(49.8),
    student: accuracy(44.23, 0.47),
    fitnet: accuracy(44.87, 0.84),
    at: accuracy(43.87, 0.67),
    lsp: accuracy(45.21, 0.54),
    gsp: accuracy(44.97, 0.58),
    gcrd: accuracy(45.42, 0.43),
    abkd: accuracy(47.21, 0.32),
    ratio: 32.3,
  },
  "ogbn-arxiv": {
    teacherModel: "GAT 3L-750H 1.4M",
    studentModel: "GraphSAGE 2L-256H 87K",
    teacher: accuracy(74.2),
    student: accuracy(70.87, 0.58),
    fitnet: accuracy(71.32, 0.32),
    at: accuracy(71.04, 0.48),
    lsp: accuracy(71.47, 0.45),
    gsp: accuracy(71.97, 0.64),
    gcrd: accuracy(71.87, 0.56),
    abkd: accuracy(73.25, 0.56),
    ratio: 16.1,
  },
} as const;

/** GCNII 64L-64H into 4L-4H (table 3): means of five trials, every method from the same student weights. */
export const table3 = {
  cora: {
    teacher: accuracy(88.4),
    student: accuracy(74.22, 1.32),
    lsp: accuracy(75.18, 1.45),
    gsp: accuracy(78.32, 1.21),
    gcrd: accuracy(83.35, 1.32),
    abkd: accuracy(84.27, 1.48),
    studentParameters: 5835,
    ratio: 60.7,
  },
  citeseer: {
    teacher: accuracy(77.33),
    student: accuracy(68.14, 1.45),
    lsp: accuracy(70.43, 1.32),
    gsp: accuracy(69.43, 0.87),
    gcrd: accuracy(71.42, 1.21),
    abkd: accuracy(71.96, 0.87),
    studentParameters: 14910,
    ratio: 33.5,
  },
  pubmed: {
    teacher: accuracy(89.78),
    student: accuracy(88.66, 0.87),
    lsp: accuracy(89.01, 1.73),
    gsp: accuracy(89.13, 1.05),
    gcrd: accuracy(89.73, 1.05),
    abkd: accuracy(89.87, 0.45),
    studentParameters: 2083,
    ratio: 141.3,
  },
  nell: {
    teacher: accuracy(95.55),
    student: accuracy(85.2, 0.75),
    lsp: accuracy(85.2, 1.32),
    gsp: accuracy(86.13, 1.47),
    gcrd: accuracy(88.61, 1.01),
    abkd: accuracy(91.83, 0.74),
    studentParameters: 22686,
    ratio: 27.7,
  },
} as const;

/** A one-layer network from the student layer that A selects, from random weights, untrained (table 4). */
export const table4 = {
  cora: {
    initialized: accuracy(80.29),
    random: accuracy(73.58),
    untrained: accuracy(65.36),
  },
  citeseer: {
    initialized: accuracy(70.12),
    random: accuracy(68.12),
    untrained: accuracy(54.2),
  },
  pubmed: {
    initialized: accuracy(88.76),
    random: accuracy(86.03),
    untrained: accuracy(72.9),
  },
} as const;

/** All layers against the last pair only, the modified ABKD (table 5). */
export const table5 = {
  "ogbn-mag": {
    student: accuracy(44.46, 0.54),
    abkd: accuracy(47.46, 0.45),
    lastLayerOnly: accuracy(46.56, 0.6),
  },
  "ogbn-arxiv": {
    student: accuracy(71.27, 0.48),
    abkd: accuracy(73.18, 0.56),
    lastLayerOnly: accuracy(71.89, 0.87),
  },
} as const;

/** With and without the subspace projection P (table 6). */
export const table6 = {
  cora: {
    subspace: accuracy(84.27, 1.32),
    none: accuracy(83.78, 1.25),
  },
  citeseer: {
    subspace: accuracy(71.96, 0.83),
    none: accuracy(71.46, 1.21),
  },
  pubmed: {
    subspace: accuracy(89.87, 0.87),
    none: accuracy(89.03, 1.04),
  },
  nell: {
    subspace: accuracy(91.83, 0.85),
    none: accuracy(90.98, 0.75),
  },
  "ogbn-mag": {
    subspace: accuracy(47.21, 0.32),
    none: accuracy(46.83, 0.45),
  },
  "ogbn-arxiv": {
    subspace: accuracy(73.25, 0.56),
    none: accuracy(72.87, 0.34),
  },
} as const;

/** One linear layer per hidden layer, or one for all (table 7). */
export const table7 = {
  cora: {
    perLayer: accuracy(84.27, 1.48),
    shared: accuracy(75.52, 1.32),
  },
  citeseer: {
    perLayer: accuracy(71.96, 0.87),
    shared: accuracy(68.86, 1.27),
  },
  pubmed: {
    perLayer: accuracy(89.87, 0.45),
    shared: accuracy(88.75, 0.64),
  },
  nell: {
    perLayer: accuracy(91.83, 0.74),
    shared: accuracy(85.38, 0.68),
  },
  "ogbn-mag": {
    perLayer: accuracy(47.21, 0.32),
    shared: accuracy(44.67, 0.54),
  },
  "ogbn-arxiv": {
    perLayer: accuracy(73.25, 0.56),
    shared: accuracy(71.23, 0.47),
  },
} as const;

/** Sizes of the graphs (table 9); its `edges` are PyG's directed arcs. The paper leaves out NELL. */
export const table9 = {
  cora: { nodes: 2708, edges: 10556, features: 1433, classes: 7 },
  citeseer: { nodes: 3327, edges: 9104, features: 3703, classes: 6 },
  pubmed: { nodes: 19717, edges: 88648, features: 500, classes: 3 },
  "ogbn-mag": { nodes: 1939743, edges: 21111007, features: 128, classes: 349 },
  "ogbn-arxiv": { nodes: 169343, edges: 1166243, features: 128, classes: 40 },
} as const;

/** Test accuracy in percent over beta (table 10). */
export const table10 = {
  values: [1, 10, 20, 50],
  cora: [86.92, 84.71, 86.19, 85.64],
  citeseer: [73.2, 74.33, 71.82, 69.82],
  pubmed: [89.03, 89.97, 88.32, 88.56],
  nell: [90.86, 88.73, 90.14, 91.32],
} as const;

/** Test accuracy in percent over d_a (table 11). */
export const table11 = {
  values: [64, 128, 256, 512],
  cora: [87.45, 87.11, 86.92, 86.37],
  citeseer: [72.07, 72.52, 73.12, 74.62],
  pubmed: [89.58, 89.58, 89.33, 89.12],
  nell: [89.73, 90.12, 90.73, 91.14],
} as const;

/** Test accuracy in percent with the Euclidean and the cosine distance (table 12). */
export const table12 = {
  cora: { euclidean: 87.33, cosine: 82.81 },
  citeseer: { euclidean: 73.43, cosine: 70.98 },
  pubmed: { euclidean: 89.58, cosine: 87.32 },
  nell: { euclidean: 91.24, cosine: 85.66 },
} as const;

/** What each figure shows, in words: the paper prints no numbers for them. */
export const figures = {
  figure1: "inference latency against embedding dimension, GCN on Flickr, Tesla V100",
  figure3:
    "accuracy against compression ratio, 2-layer RGCN student of width 16 to 512 on ogbn-mag, one line per method",
  figure4:
    "attention and dissimilarity maps before and after training, ogbn-mag, teacher 5L-512H, student 3L-32H",
  figure5:
    "attention maps for Cora, Citeseer and Pubmed; most of the mass in one student layer (Cora: the third, index 2)",
} as const;

/** The settings that the paper states for its main tables. */
export const defaults = {
  beta: 10,
  embeddingDimension: 256,
  trials: 5,
  oneLayerEpochs: 1200,
} as const;

/**
 * Returns table 3's accuracy for a dataset and a method (`teacher`, `student`, `lsp`, `gsp`, `gcrd`,
 * `abkd`); undefined if the paper has none, as for SoftKD.
 */
export function publishedAccuracy(dataset: string, method: string): PublishedAccuracy | undefined {
  const rows: Readonly<Record<string, Readonly<Record<string, PublishedAccuracy | number>>>> =
    table3;
  const value = rows[dataset]?.[method];
  return typeof value === "object" ? value : undefined;
}
