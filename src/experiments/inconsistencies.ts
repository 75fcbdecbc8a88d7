// Where the paper contradicts itself: computed from its own numbers and its own equations.

import { needObject } from "../base/arguments.ts";
import { DATASET_NAMES } from "../datasets/index.ts";
import { percent } from "../display/format.ts";
import type { Graph } from "../graph/graph.ts";
import { eq4Facts } from "./equation-4.ts";
import {
  defaults,
  table2,
  table3,
  table5,
  table6,
  table7,
  table9,
  table10,
  table11,
  table12,
} from "./published.ts";

/** One contradiction, with the numbers that it rests on. */
export interface Fact {
  readonly id: string;
  /** Where in the paper. */
  readonly where: string;
  /** The computed numbers in a sentence. */
  readonly text: string;
  /** Whether the computation found the contradiction. */
  readonly holds: boolean;
}

const SMALL = ["cora", "citeseer", "pubmed", "nell"] as const;
type Small = (typeof SMALL)[number];

const two = (x: number): string => x.toFixed(2);
const columnAt = (table: typeof table10 | typeof table11, value: number, name: Small): number =>
  table[name][(table.values as readonly number[]).indexOf(value)]!;

/**
 * Computes all facts; only the last needs data.
 * @param nell NELL's graph, if it is available
 */
export function inconsistencies(nell?: Pick<Graph, "nodes" | "labels" | "classes">): Fact[] {
  if (nell !== undefined) {
    const graph = "NELL's graph, as returned by loadDataset(), or nothing";
    needObject(nell, "inconsistencies: nell", graph, "nodes", "labels", "classes");
  }
  return [
    ...ablations(),
    sameColumn(),
    trends(),
    rowsTwice(),
    arxivGain(),
    nellPlainStudent(),
    noSoftLabels(),
    deviations(),
    ...eq4Facts(),
    ...parameterFacts(),
    nellShares(),
    nellConstant(nell),
  ];
}

/** Compares tables 10 to 12 with table 3, whose setting each of them contains. */
function ablations(): Fact[] {
  const of = (name: Small): number[] => [
    ...table10[name],
    ...table11[name],
    table12[name].euclidean,
    table12[name].cosine,
  ];
  const cora = of("cora");
  const main = table3.cora.abkd.mean;
  const above = cora.filter((x) => x > main).length;
  const same = SMALL.map((name) => {
    const values = [
      columnAt(table10, defaults.beta, name),
      columnAt(table11, defaults.embeddingDimension, name),
      table12[name].euclidean,
    ];
    return { name, main: table3[name].abkd.mean, values };
  });
  const shown = same.map(
    ({ name, main: mean, values }) => `${name} ${two(mean)} / ${values.map(two).join(" / ")}`,
  );
  return [
    {
      id: "ablations-above-main",
      where: "tables 10-12 against table 3",
      text:
        `Of ${cora.length} accuracies for Cora in tables 10 to 12 (${two(Math.min(...cora))} to ` +
        `${two(Math.max(...cora))}), ${above} are above table 3's ${two(main)}.`,
      holds: above > cora.length / 2,
    },
    {
      id: "one-setting-four-numbers",
      where: "tables 3, 10, 11, 12",
      text:
        `The same setting (beta ${defaults.beta}, d_a ${defaults.embeddingDimension}, Euclidean) ` +
        `in tables 3 / 10 / 11 / 12: ${shown.join("; ")}.`,
      holds: same.every(({ main: mean, values }) => values.some((x) => x !== mean)),
    },
  ];
}

/** Table 11 was probably run with table 10's beta of 1. */
function sameColumn(): Fact {
  const distance = (beta: number): number =>
    Math.max(
      ...SMALL.map((name) =>
        Math.abs(
          columnAt(table10, beta, name) - columnAt(table11, defaults.embeddingDimension, name),
        ),
      ),
    );
  const all = table10.values.map((beta) => ({ beta, distance: distance(beta) }));
  const nearest = all.reduce((a, b) => (b.distance < a.distance ? b : a));
  const list = all.map((one) => `${two(one.distance)} for beta ${one.beta}`).join(", ");
  return {
    id: "d_a-at-another-beta",
    where: "tables 10, 11",
    text:
      `Table 11's column d_a ${defaults.embeddingDimension} should be table 10's column beta ` +
      `${defaults.beta}. The largest difference over the four graphs is ${list}: table 11 was ` +
      `probably run with beta ${nearest.beta}.`,
    holds: nearest.beta !== defaults.beta,
  };
}

const rising = (xs: readonly number[]): boolean => xs.every((x, k) => k === 0 || x >= xs[k - 1]!);

/** Compares "lower beta, higher d_a are better" with the tables themselves. */
function trends(): Fact {
  const falls = SMALL.filter((name) => rising([...table10[name]].reverse()));
  const grows = SMALL.filter((name) => rising(table11[name]));
  const best = SMALL.map((name) => {
    const k = (table10[name] as readonly number[]).indexOf(Math.max(...table10[name]));
    return `${name} ${table10.values[k]}`;
  });
  const names = (list: readonly string[]): string => list.join(", ") || "none";
  return {
    id: "trends",
    where: "text on tables 10, 11",
    text:
      `The text says that lower beta and higher d_a are better. Accuracy falls with beta on: ` +
      `${names(falls)} (best beta: ${best.join(", ")}); it grows with d_a on: ${names(grows)}.`,
    holds: falls.length < SMALL.length || grows.length < SMALL.length,
  };
}

function rowsTwice(): Fact {
  const pairs = (["ogbn-mag", "ogbn-arxiv"] as const).flatMap((name) =>
    (["student", "abkd"] as const).map((row) => ({
      text: `${name} ${row} ${two(table2[name][row].mean)} / ${two(table5[name][row].mean)}`,
      differ: table2[name][row].mean !== table5[name][row].mean,
    })),
  );
  return {
    id: "rows-twice",
    where: "tables 2, 5",
    text: `The same rows in tables 2 / 5: ${pairs.map(({ text }) => text).join("; ")}.`,
    holds: pairs.some(({ differ }) => differ),
  };
}

function arxivGain(): Fact {
  const row = table2["ogbn-arxiv"];
  const rivals = { fitnet: row.fitnet, at: row.at, lsp: row.lsp, gsp: row.gsp, gcrd: row.gcrd };
  const [name, best] = Object.entries(rivals).reduce((a, b) => (b[1].mean > a[1].mean ? b : a));
  const gain = (mean: number): string => two(row.abkd.mean - mean);
  return {
    id: "arxiv-gain",
    where: "text on table 2",
    text:
      `The gain on ogbn-arxiv that the text names, ${gain(row.gcrd.mean)}, is over G-CRD ` +
      `(${two(row.gcrd.mean)}); over the best rival, ${name} (${two(best.mean)}), it is ` +
      `${gain(best.mean)}.`,
    holds: name !== "gcrd",
  };
}

function nellPlainStudent(): Fact {
  const { student, lsp } = table3.nell;
  return {
    id: "nell-lsp-is-student",
    where: "table 3, NELL",
    text: `LSP has ${two(lsp.mean)}, the plain student ${two(student.mean)}.`,
    holds: lsp.mean === student.mean,
  };
}

function noSoftLabels(): Fact {
  const rows = Object.entries(table3.cora).filter(([, value]) => typeof value === "object");
  const names = rows.map(([name]) => name);
  return {
    id: "no-softkd",
    where: "eq. 1 against table 3",
    text: `Eq. 1 defines SoftKD; table 3's rows are ${names.join(", ")}.`,
    holds: !names.includes("softkd"),
  };
}

function deviations(): Fact {
  const cells = SMALL.map((name) => {
    const values = [table3[name].abkd, table6[name].subspace, table7[name].perLayer];
    const printed = values.map(({ deviation = 0 }) => deviation);
    return { name, printed, differ: new Set(printed).size > 1 };
  });
  const text = cells.map(({ name, printed }) => `${name} ${printed.map(two).join(" / ")}`);
  return {
    id: "deviations",
    where: "tables 3, 6, 7",
    text: `The standard deviation of the same ABKD cell in tables 3 / 6 / 7: ${text.join("; ")}.`,
    holds: cells.some(({ differ }) => differ),
  };
}

/** Counts GCNII's parameters: f x h and h x c linear layers with bias, k convolutions of h x h without. */
export function gcniiParameters(f: number, c: number, k: number, h: number): number {
  return f * h + h + k * h * h + h * c + c;
}

/** NELL's feature columns and its highest class plus one, as PyG counts them; table 9 has no row for it. */
const NELL_SHAPE = { features: 5414, classes: 186 };

function parameterFacts(): Fact[] {
  const rows = SMALL.map((name) => {
    const { features, classes } = name === "nell" ? NELL_SHAPE : table9[name];
    const student = gcniiParameters(features, classes, 4, 4);
    const ratio = gcniiParameters(features, classes, 64, 64) / student;
    const printed = table3[name];
    const fits =
      student === printed.studentParameters && ratio.toFixed(1) === printed.ratio.toFixed(1);
    return { name, student, ratio, printed, fits };
  });
  const text = rows.map(
    ({ name, student, ratio, printed }) =>
      `${name} ${student} and ${ratio.toFixed(2)} (printed ${printed.studentParameters} and ` +
      `${printed.ratio})`,
  );
  const wrong = rows.filter(({ fits }) => !fits).map(({ name }) => name);
  const { features, classes } = NELL_SHAPE;
  const six = gcniiParameters(features, classes, 6, 4);
  const ratioSix = gcniiParameters(features, classes, 66, 64) / six;
  // Reads a size as the paper writes it: "RGCN 3L-512H 5.5M" into "RGCN 2L-32H 170K".
  const size = (model: string): number => {
    const [, digits, unit] = /([\d.]+)([MK])$/.exec(model)!;
    return Number(digits) * (unit === "M" ? 1e6 : 1e3);
  };
  const large = (["ogbn-mag", "ogbn-arxiv"] as const).map((name) => {
    const { teacherModel, studentModel, ratio } = table2[name];
    return { name, printed: ratio, rounded: size(teacherModel) / size(studentModel) };
  });
  return [
    {
      id: "parameter-counts",
      where: "table 3",
      text:
        `Student parameters and ratio of GCNII 64L-64H to 4L-4H, f h + h + k h^2 + h c + c: ` +
        `${text.join("; ")}. Not as printed: ${wrong.join(", ") || "none"}. NELL's fit 66L-64H to ` +
        `6L-4H: ${six} and ${ratioSix.toFixed(2)}.`,
      holds: wrong.length > 0,
    },
    {
      id: "rounded-ratios",
      where: "table 2",
      text:
        "The printed ratios are those of the rounded counts in the models' names: " +
        `${large.map(({ name, printed, rounded }) => `${name} ${two(rounded)} (printed ${printed})`).join("; ")}.`,
      holds: large.every(({ printed, rounded }) => Math.abs(printed - rounded) < 0.1),
    },
    auxiliary(),
  ];
}

/** Counts what ABKD trains besides the student on Cora, at the paper's d_a. */
function auxiliary(): Fact {
  const d = defaults.embeddingDimension;
  const [teacherLayers, teacherWidth, studentLayers, studentWidth] = [64, 64, 4, 4];
  const perLayer = (bias: number): number =>
    teacherLayers * (teacherWidth + bias) * d + studentLayers * (studentWidth + bias) * d;
  const attention = perLayer(1);
  const projections = perLayer(0) + d * d;
  const { studentParameters } = table3.cora;
  const times = (attention + projections) / studentParameters;
  return {
    id: "auxiliary-parameters",
    where: "eqs. 3, 4",
    text:
      `On Cora eq. 3's linear layers have ${attention} parameters and eq. 4's projections ` +
      `${projections}, ${times.toFixed(0)} times the student's ${studentParameters}.`,
    holds: times > 1,
  };
}

/** NELL's 9,891 labelled entities among 65,755 nodes, and the share of class 0 among them. */
const NELL_COUNTS = { nodes: 65_755, entities: 9_891, classZero: 0.0187 };

function nellShares(): Fact {
  const { nodes, entities, classZero } = NELL_COUNTS;
  const constant = (nodes - entities + classZero * entities) / nodes;
  const rest = (accuracy: number): string =>
    percent((accuracy / 100 - constant) / (1 - constant), 0);
  const { student, lsp, gsp, gcrd, abkd, teacher } = table3.nell;
  return {
    id: "nell-constant-from-counts",
    where: "table 3, NELL",
    text:
      `If nodes without a label count as class 0, always saying class 0 is right for ` +
      `(${nodes - entities} + ${percent(classZero, 2)} of ${entities}) / ${nodes} = ` +
      `${percent(constant, 2)}; the student has ${two(student.mean)}, LSP ${two(lsp.mean)}. ` +
      `Of the other nodes GSP then gets ${rest(gsp.mean)}, G-CRD ${rest(gcrd.mean)}, ABKD ` +
      `${rest(abkd.mean)}, the teacher ${rest(teacher.mean)} right.`,
    holds: Math.abs(100 * constant - student.mean) < (student.deviation ?? 0),
  };
}

/** Computes the same from the graph itself. */
function nellConstant(nell: Pick<Graph, "nodes" | "labels" | "classes"> | undefined): Fact {
  const base = { id: "nell-constant", where: "table 3, NELL" };
  if (!nell) {
    const there = DATASET_NAMES.includes("nell");
    const why = there ? "its files are not here" : "the datasets have no entry for it yet";
    return { ...base, text: `Not computed on NELL's graph: ${why}.`, holds: false };
  }
  const labelled = nell.labels.filter((label) => label >= 0);
  const zero = labelled.filter((label) => label === 0).length;
  const { entities } = NELL_COUNTS;
  const share = zero / labelled.length;
  const constant = (nell.nodes - entities + share * entities) / nell.nodes;
  return {
    ...base,
    text:
      `Of the ${nell.nodes} nodes here ${labelled.length} have a label, ` +
      `${percent(share, 2)} of them class 0: saying class 0 of every node is right for ` +
      `${percent(constant, 2)} of all nodes, if the others count as class 0.`,
    holds: Math.abs(100 * constant - table3.nell.student.mean) < 0.5,
  };
}
