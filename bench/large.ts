// Training on graphs of the Open Graph Benchmark's size: time and memory of ours, beside what the peers took elsewhere.
import path from "node:path";
import { columnsOf, type Table } from "../src/base/table.ts";
import { shortTime } from "../src/display/format.ts";
import { teacherConfig } from "../src/training/recipes.ts";
import type { RunConfig } from "../src/training/run.ts";
import { type Statistic, summary } from "./measure.ts";
import { ours, Side } from "./side.ts";

/** What a peer took in its best form, on another machine and on another day: never a ratio of one run. */
interface Recorded {
  readonly by: string;
  /** On one thread and on two. */
  readonly seconds: readonly [number, number];
  readonly megabytes?: number;
}

/** A sampler's rate, in millions a second and thread. */
interface RecordedRate {
  readonly by: string;
  readonly millions: number;
}

export type LargeCase = { readonly name: string; readonly title: string } & (
  | {
      readonly work: "epoch";
      readonly config: RunConfig;
      /** The dataset under --quick; absent: it is left out then. */
      readonly quick?: string;
      readonly recorded?: Recorded;
      /** The largest ratios of our time and memory to the peer's. */
      readonly target?: { readonly time: number; readonly memory?: number };
    }
  | { readonly work: "neighbours" | "walks"; readonly recorded: RecordedRate }
);

/** One of two AMD EPYC cores; torch 2.15, PyG 2.8.1, DGL 2.1. */
const PYG = "PyG, torch CSR";

function config(
  dataset: string,
  model: object,
  training: object = { learningRate: 0.01, weightDecay: 0 },
): RunConfig {
  const changes = { model: { layers: 2, dropout: 0.5, ...model }, training };
  return teacherConfig({ dataset, seed: 1 }, changes as never);
}

const sage = { kind: "sage", width: 256, batchNorm: true };
const rgcn = { kind: "rgcn", width: 32, start: "linear", undirected: true };
const sampled = { learningRate: 0.01, weightDecay: 0, batch: 1024 };

export const LARGE: readonly LargeCase[] = [
  {
    ...{ name: "large-sage-arxiv", title: "SAGE 2L-256 epoch, Arxiv's topology", work: "epoch" },
    config: config("arxiv-topology", sage),
    recorded: { by: PYG, seconds: [4.08, 2.56], megabytes: 2540 },
    target: { time: 0.5, memory: 0.6 },
  },
  {
    ...{ name: "large-gcn-arxiv", title: "GCN 2L-256 epoch, Arxiv's topology", work: "epoch" },
    config: config("arxiv-topology", { ...sage, kind: "gcn" }),
    recorded: { by: "torch, hand-made CSR", seconds: [3.64, 2.36], megabytes: 2100 },
    target: { time: 0.5 },
  },
  {
    ...{ name: "large-sage-arxiv-sampled", title: "SAGE 2L-256, neighbours 15,10 of 1,024 nodes" },
    work: "epoch",
    config: config("arxiv-topology", sage, {
      ...sampled,
      sampler: { name: "neighbours", fanOut: "15,10" },
    }),
  },
  {
    ...{ name: "large-rgcn-mag", title: "RGCN 2L-32 epoch, synthetic Mag at 1/10", work: "epoch" },
    config: config("synthetic-mag-10", rgcn, { learningRate: 0.005, weightDecay: 0 }),
    quick: "synthetic-mag-100",
    recorded: { by: "PyG", seconds: [1.97, 1.3], megabytes: 1840 },
    target: { time: 0.5, memory: 0.6 },
  },
  {
    ...{ name: "large-neighbours", title: "neighbours 15,10 of 1,024 nodes, Arxiv's topology" },
    work: "neighbours",
    recorded: { by: "DGL", millions: 17 },
  },
  {
    ...{ name: "large-walks", title: "random walks of 2 steps, and the arcs between, likewise" },
    work: "walks",
    recorded: { by: "DGL, without the arcs between", millions: 7.3 },
  },
];

/** What the case's process (large-case.ts) is asked for, and answers. */
export interface LargeRequest {
  readonly work: LargeCase["work"];
  readonly dataset: string;
  readonly config?: RunConfig;
  readonly rounds: number;
}
export interface LargeAnswer {
  /** Of an epoch, each round; or millions of arcs or steps a second of one thread's processor time. */
  readonly milliseconds?: readonly number[];
  readonly processor?: readonly number[];
  readonly millions?: readonly number[];
  /** The peak in all rounds, and what was resident with the graph loaded. */
  readonly megabytes: number;
  readonly before: number;
}

export interface LargeMeasured {
  readonly case: LargeCase;
  /** Another than the case's under --quick: nothing was recorded for that. */
  readonly dataset: string;
  readonly threads: number;
  readonly time?: Statistic;
  readonly processor?: Statistic;
  readonly rate?: Statistic;
  readonly megabytes: number;
  readonly before: number;
}

interface Options {
  readonly threads: number;
  readonly rounds: number;
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

/** Runs each case in a process of its own, since a peak of memory never goes down. */
export async function runLarge(
  cases: readonly LargeCase[],
  { threads, rounds, quick, progress }: Options,
): Promise<LargeMeasured[]> {
  const found: LargeMeasured[] = [];
  for (const one of cases) {
    const dataset = one.work === "epoch" ? datasetOf(one, quick) : "arxiv-topology";
    if (dataset === undefined) continue;
    progress(`${one.name} on ${dataset}`);
    const request: LargeRequest = {
      ...{ work: one.work, dataset, rounds },
      ...(one.work === "epoch" && { config: { ...one.config, dataset } }),
    };
    const answer = await asked(request, threads);
    const { milliseconds, processor, millions, megabytes, before } = answer;
    found.push({
      ...{ case: one, dataset, threads, megabytes, before },
      ...(milliseconds && { time: summary([...milliseconds]) }),
      ...(processor && { processor: summary([...processor]) }),
      ...(millions && { rate: summary([...millions]) }),
    });
  }
  return found;
}

function datasetOf(
  { config: { dataset }, quick: small }: Extract<LargeCase, { work: "epoch" }>,
  quick: boolean,
): string | undefined {
  return quick ? small : dataset;
}

async function asked(request: LargeRequest, threads: number): Promise<LargeAnswer> {
  const command = ours(threads);
  const program = path.join(import.meta.dirname, "large-case.ts");
  const side = new Side({ ...command, args: ["--expose-gc", program] });
  try {
    return (await side.demand(request as never, 1800)) as unknown as LargeAnswer;
  } finally {
    side.close();
  }
}

export function largeTable(measured: readonly LargeMeasured[]): Table {
  const columns = columnsOf(
    "case",
    "ours | CPU | peak | the graph's share | target | recorded, 1 / 2 threads | by",
  );
  return { columns, rows: measured.map(cells) };
}

function cells(found: LargeMeasured): string[] {
  const { case: one, dataset, time, processor, rate, megabytes, before } = found;
  const seconds = (of: Statistic | undefined) => shortTime(of!.median / 1000);
  const memory = [`${megabytes.toFixed(0)} MB`, `${before.toFixed(0)} MB`];
  if (one.work !== "epoch") {
    const of = (millions: number) => `${millions.toFixed(1)} M/s`;
    const { by, millions } = one.recorded;
    return [one.title, of(rate!.median), "", ...memory, "", of(millions), by];
  }
  const own = [seconds(time), seconds(processor), ...memory];
  if (dataset !== one.config.dataset) return [`${one.title}: ${dataset}`, ...own, "", "", ""];
  const { recorded, target } = one;
  const of = target?.memory === undefined ? "" : `, ${target.memory} memory`;
  const aim = target ? `${target.time} time${of}` : "";
  if (!recorded) return [one.title, ...own, aim, "", ""];
  const size = recorded.megabytes === undefined ? "" : `; ${recorded.megabytes} MB`;
  const theirs = `${recorded.seconds.map(shortTime).join(" / ")}${size}`;
  return [one.title, ...own, aim, theirs, recorded.by];
}
