// The cases of the race against PyTorch Geometric, by name, with their target ratios.

import { studentConfig, teacherConfig } from "../src/training/recipes.ts";
import type { RunConfig } from "../src/training/run.ts";
import type { GraphName } from "./graphs.ts";
import type { Work } from "./protocol.ts";

const SEED = 1;

export interface Case {
  /** The name for --only. */
  readonly name: string;
  readonly title: string;
  /**
   * `race`: milliseconds per call, in long-lived processes; `memory`: megabytes, in new processes;
   * `start` and `row`: milliseconds of whole programs.
   */
  readonly measure: "race" | "memory" | "start" | "row";
  /** Absent for whole programs. */
  readonly work?: Work;
  /** The target: the largest ratio of our time or memory to the peer's. */
  readonly target?: number;
  /** Whether it runs on the native engine, if that is built; its target then counts for that engine only. */
  readonly native?: boolean;
  /** Whether it is too large for --quick. */
  readonly large?: boolean;
}

/** The numbers of arcs of the generated graphs. */
export const SIZES: readonly number[] = [1e4, 1e5, 1e6, 1e7, 2e7];

/** Formats a count for a name: 1e4, 2e7. */
const short = (count: number): string => count.toExponential().replace("+", "");

function subjectOf(dataset: string): { dataset: string; seed: number } {
  return { dataset, seed: SEED };
}

/** The plain student without dropout, so that a new recipe does not make it another race. */
function plainStudent(dataset: string): RunConfig {
  const teacher = teacherConfig(subjectOf(dataset));
  return studentConfig(subjectOf(dataset), "student", teacher, { model: { dropout: 0 } });
}

/** The paper's student with Cora's recipe, on a generated graph. */
function generatedConfig(graph: GraphName): RunConfig {
  const { teacher: _, ...config } = plainStudent("cora");
  return { ...config, dataset: graph, split: "thirds" };
}

/** Makes the case of a call that is raced. */
function race(name: string, title: string, work: Work, more: Partial<Case> = {}): Case {
  return { name, title, measure: "race", work, ...more };
}

const TITLES: Readonly<Record<string, string>> = {
  cora: "Cora",
  citeseer: "Citeseer",
  pubmed: "Pubmed",
};
/** Targets of 4L-4H steps. */
const STUDENT_TARGETS: Readonly<Record<string, number>> = { cora: 0.35, pubmed: 0.35 };

function datasetCases(graph: string): Case[] {
  const title = TITLES[graph]!;
  const teacher = teacherConfig(subjectOf(graph));
  const student = plainStudent(graph);
  const of = (kind: "training" | "evaluation", config: RunConfig): Work => ({
    kind,
    graph,
    config,
  });
  const target = STUDENT_TARGETS[graph];
  return [
    race(`gcnii-${graph}`, `GCNII 64L-64H train step, ${title}`, of("training", teacher), {
      target: 0.35,
    }),
    race(`student-${graph}`, `GCNII 4L-4H train step, ${title}`, of("training", student), {
      ...(target !== undefined && { target }),
    }),
    race(
      `gcnii-${graph}-inference`,
      `GCNII 64L-64H inference, ${title}`,
      of("evaluation", teacher),
    ),
    race(
      `student-${graph}-inference`,
      `GCNII 4L-4H inference, ${title}`,
      of("evaluation", student),
    ),
  ];
}

function abkdCases(): Case[] {
  const subject = subjectOf("cora");
  const step = (preset?: string): Work => {
    const changes = preset === undefined ? {} : { preset };
    const config = studentConfig(subject, "abkd", teacherConfig(subject), changes);
    return { kind: "training", graph: "cora", config };
  };
  const title = "ABKD step 64L to 4L, d_a 256, Cora";
  return [
    race("abkd-cora", title, step(), { target: 0.5 }),
    race("abkd-literal-cora", `${title}, eq. 4 as written`, step("literal"), { target: 0.5 }),
  ];
}

/** Products too large for the caches, also with the nodes in locality order (on both sides). */
const LARGE_SPARSE: readonly (readonly [GraphName, columns: number, title: string])[] = [
  ["arxiv", 256, "Arxiv's topology"],
  ["arxiv:locality", 128, "Arxiv's topology in locality order"],
  ["arxiv:locality", 256, "Arxiv's topology in locality order"],
  ["pubmed", 64, "Pubmed"],
  ["pubmed:locality", 64, "Pubmed in locality order"],
];

function productCases(): Case[] {
  const dense = (rows: number, inner: number, more: Partial<Case> = {}): Case => {
    const size = `${rows}x${inner}x${inner}`;
    const work: Work = { kind: "product", rows, inner, columns: inner };
    return race(`product-${size}`, `product ${size}`, work, more);
  };
  const sparse = (graph: GraphName, columns: number): Work => {
    return { kind: "sparse product", graph, columns };
  };
  const cora = "sparse product Cora x 64";
  const arxiv = "sparse product Arxiv's topology x 128";
  return [
    dense(2708, 64),
    dense(19717, 256, { target: 1.1, native: true }),
    race("sparse-cora", cora, sparse("cora", 64), { target: 0.5 }),
    race("sparse-cora-native", `${cora}, native engine`, sparse("cora", 64), { native: true }),
    race("sparse-arxiv", arxiv, sparse("arxiv", 128), { target: 0.7 }),
    ...LARGE_SPARSE.map(([graph, columns, title]) => {
      const name = `sparse-${graph.replace(":", "-")}-${columns}`;
      return race(name, `sparse product ${title} x ${columns}`, sparse(graph, columns));
    }),
  ];
}

function scalingCases(): Case[] {
  return SIZES.flatMap((arcs): Case[] => {
    const graph = `generated:${arcs}`;
    const work: Work = { kind: "training", graph, config: generatedConfig(graph) };
    const more = { work, ...(arcs > 1e6 && { large: true }) };
    const title = `GCNII 4L-4H train step, ${short(arcs)} arcs`;
    return [
      race(`scaling-${short(arcs)}`, title, work, more),
      { name: `scaling-${short(arcs)}-memory`, title, measure: "memory", ...more },
    ];
  });
}

/** Returns all cases, in the order in which they are run and shown. */
export function allCases(): Case[] {
  return [
    ...productCases(),
    ...Object.keys(TITLES).flatMap(datasetCases),
    ...abkdCases(),
    {
      name: "memory-pubmed",
      title: "peak memory of the Pubmed teacher step",
      measure: "memory",
      work: { kind: "training", graph: "pubmed", config: teacherConfig(subjectOf("pubmed")) },
      target: 0.6,
    },
    { name: "start", title: "start: import and a first small product", measure: "start" },
    { name: "row-cora", title: "one whole Cora row, wall time", measure: "row", target: 0.35 },
    ...scalingCases(),
  ];
}

/** Returns what the row trains: a teacher, and each method's students with five seeds, without early stopping. */
export function rowConfigs(quick: boolean): { teacher: RunConfig; students: RunConfig[] } {
  const epochs = quick ? { teacher: 20, student: 50 } : { teacher: 200, student: 400 };
  const training = (count: number) => ({ training: { epochs: count, patience: count } });
  const teacher = teacherConfig(subjectOf("cora"), training(epochs.teacher));
  const students = ["student", "softkd", "abkd"].flatMap((method) =>
    [1, 2, 3, 4, 5].map((seed) =>
      studentConfig({ dataset: "cora", seed }, method, teacher, training(epochs.student)),
    ),
  );
  return { teacher, students };
}
