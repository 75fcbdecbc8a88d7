// This engine's own tables: steps and operators, every method's step, where time goes, bandwidth.
import { loadDataset, loadSplit, MissingFileError } from "../src/datasets/index.ts";
import { datasetEntry } from "../src/datasets/registry.ts";
import type { Graph, Split } from "../src/graph/graph.ts";
import { BACKEND, startEngine } from "../src/tensor/index.ts";
import { bandwidthMarkdown, bandwidthTable } from "./bandwidth.ts";
import { operatorTasks, sparseTasks } from "./kernels.ts";
import { measure } from "./measure.ts";
import { costsMarkdown, stepCosts } from "./methods.ts";
import { machineFacts, markdownTable, rowsOf, terminalTable } from "./report.ts";
import { stepTasks } from "./steps.ts";
import { whereMarkdown, whereTimeGoes } from "./where.ts";

export interface TableArguments {
  /** Cora where left out, or the synthetic graph where its files are missing. */
  readonly dataset: string | undefined;
  /** What one thread is compared with. */
  readonly threads: number;
  readonly progress: (text: string) => void;
}

export interface Table {
  readonly numbers: unknown;
  readonly markdown: string;
  /** For a terminal, where that differs. */
  readonly text?: string;
}

/** By the name that --only takes: the section of docs/performance.md, and what fills it. */
export const TABLES: Readonly<
  Record<
    string,
    { readonly section: string; readonly table: (args: TableArguments) => Promise<Table> }
  >
> = {
  engine: { section: "bench", table: engineTable },
  methods: { section: "methods", table: methodsTable },
  where: { section: "where the time goes", table: whereTable },
  bandwidth: {
    section: "bandwidth",
    table: async ({ threads, progress }) => {
      const numbers = await bandwidthTable(threads, progress);
      return { numbers, markdown: bandwidthMarkdown(numbers) };
    },
  },
};

/** The graph of a name; the synthetic one in place of a default that is not there. */
async function graphOf(name: string | undefined): Promise<{ graph: Graph; split: Split }> {
  const withSplit = async (graph: Graph): Promise<{ graph: Graph; split: Split }> => ({
    ...{ graph, split: await loadSplit(graph, datasetEntry(graph.name).defaultSplit) },
  });
  try {
    return await withSplit(await loadDataset(name ?? "cora"));
  } catch (error) {
    if (name !== undefined || !(error instanceof MissingFileError)) throw error;
    console.error("Cora's files are not here: measuring on the synthetic graph, its likeness");
    return withSplit(await loadDataset("synthetic"));
  }
}

/** Steps and operators, on one thread and on all, with the project's own limits. */
async function engineTable({ dataset, threads, progress }: TableArguments): Promise<Table> {
  const { graph, split } = await graphOf(dataset);
  const machine = machineFacts(startEngine("wasm", { threads }).flavour, threads);
  const single = [...stepTasks(graph, split), ...sparseTasks(graph), ...operatorTasks(graph.nodes)];
  const ours = single.filter(({ backend }) => backend === BACKEND);
  const tasks = [...single, ...(threads > 1 ? ours.map((task) => ({ ...task, threads })) : [])];
  const timings = measure(tasks, (round, rounds) => progress(`round ${round} of ${rounds} `));
  const report = {
    ...{ dataset: graph.name, nodes: graph.nodes, arcs: graph.adjacency.indices.length },
    ...{ machine, rows: rowsOf(tasks, timings) },
  };
  return { numbers: report, markdown: markdownTable(report), text: terminalTable(report) };
}

/** What each method's step costs in steps of the plain student, on one thread. */
async function methodsTable({ dataset, progress }: TableArguments): Promise<Table> {
  const { graph, split } = await graphOf(dataset);
  const { processor, node, flavour } = machineFacts(startEngine("wasm", { threads: 1 }).flavour);
  const numbers = stepCosts(graph, split, (round, rounds) =>
    progress(`round ${round} of ${rounds} `),
  );
  const facts = `${graph.name} (${graph.nodes} nodes), one thread, ${processor}, Node ${node}, flavour ${flavour}.`;
  return { numbers, markdown: `${facts}\n\n${costsMarkdown(numbers)}` };
}

/** Profiles of steps, on one thread. */
async function whereTable({ dataset }: TableArguments): Promise<Table> {
  const { graph, split } = await graphOf(dataset);
  const numbers = whereTimeGoes(graph, split);
  return { numbers, markdown: whereMarkdown(numbers) };
}
