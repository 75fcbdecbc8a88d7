// This engine's own tables: steps and operators, every method's step, where the time goes, bandwidth.
import type { Table } from "../src/base/table.ts";
import { MissingFileError } from "../src/datasets/index.ts";
import type { Graph } from "../src/graph/graph.ts";
import { BACKEND, startEngine } from "../src/tensor/index.ts";
import { graphOf } from "./graphs.ts";
import { largeTasks, operatorTasks, sparseTasks } from "./kernels.ts";
import { measure, type Task } from "./measure.ts";
import { costsTable, stepCosts } from "./methods.ts";
import { machineFacts, machineText, type Report, reportTable, rowsOf } from "./report.ts";
import { stepTasks } from "./steps.ts";
import { whereMarkdown, whereTimeGoes } from "./where.ts";

export interface TableArguments {
  /** By default Cora, or the synthetic graph if Cora's files are missing. */
  readonly dataset: string | undefined;
  /** The number of threads that one thread is compared with. */
  readonly threads: number;
  readonly progress: (text: string) => void;
}

/** What is printed, and written to the section of this name in docs/performance.md. */
export interface Section {
  readonly name: string;
  readonly numbers: unknown;
  /** A sentence above the numbers on what they depend on. */
  readonly facts: string;
  /** A table, which a terminal shows aligned, or Markdown. */
  readonly content: Table | string;
}

/** The tables by their names for --only. */
export const TABLES: Readonly<Record<string, (args: TableArguments) => Promise<Section>>> = {
  engine,
  methods,
  where,
  bandwidth,
};

/** Returns the named graph, or the synthetic one if the default is missing. */
async function graphToMeasure({ dataset }: TableArguments): ReturnType<typeof graphOf> {
  try {
    return await graphOf(dataset ?? "cora");
  } catch (error) {
    if (dataset !== undefined || !(error instanceof MissingFileError)) throw error;
    console.error("Cora's files are missing: measuring on the synthetic graph, which resembles it");
    return graphOf("synthetic");
  }
}

/** Measures steps and operators, on one thread and on all, with the project's own limits. */
async function engine(args: TableArguments): Promise<Section> {
  const { graph, split } = await graphToMeasure(args);
  const machine = machineFacts(
    startEngine("wasm", { threads: args.threads }).flavour,
    args.threads,
  );
  const tasks = [...stepTasks(graph, split), ...sparseTasks(graph), ...operatorTasks(graph.nodes)];
  const numbers = report(machine, tasks, args);
  const facts = `${about(graph)}; ${machineText(machine)}`;
  return { name: "bench", numbers, facts, content: reportTable(numbers) };
}

/** Measures operators that wait for memory: a sum, and sparse products in two orders of the nodes. */
async function bandwidth(args: TableArguments): Promise<Section> {
  const machine = machineFacts(
    startEngine("wasm", { threads: args.threads }).flavour,
    args.threads,
  );
  const { tasks, orders } = await largeTasks();
  const numbers = report(machine, tasks, args);
  const order = `The order takes ${orders.join(" and ") || "nothing here"}.`;
  const facts = `${machineText(machine)} ${order}`;
  return { name: "bandwidth", numbers, facts, content: reportTable(numbers) };
}

/** Measures the tasks on one thread, and those of this engine on all threads. */
function report(
  machine: Report["machine"],
  tasks: readonly Task[],
  { threads, progress }: TableArguments,
): Report {
  const ours = threads > 1 ? tasks.filter(({ backend }) => backend === BACKEND) : [];
  const all = [...tasks, ...ours.map((task) => ({ ...task, threads }))];
  const timings = measure(all, (round, rounds) => progress(`round ${round} of ${rounds} `));
  return { machine, rows: rowsOf(all, timings) };
}

const about = ({ name, nodes, adjacency }: Graph): string =>
  `${name} (${nodes} nodes, ${adjacency.indices.length} arcs)`;

/** Measures each method's step in steps of the plain student, on one thread. */
async function methods(args: TableArguments): Promise<Section> {
  const { graph, split } = await graphToMeasure(args);
  const machine = machineFacts(startEngine("wasm", { threads: 1 }).flavour);
  const numbers = stepCosts(graph, split, (round, rounds) =>
    args.progress(`round ${round} of ${rounds} `),
  );
  const facts = `${about(graph)}; ${machineText(machine)}`;
  return { name: "methods", numbers, facts, content: costsTable(numbers) };
}

/** Profiles steps on one thread. */
async function where(args: TableArguments): Promise<Section> {
  const { graph, split } = await graphToMeasure(args);
  const machine = machineFacts(startEngine("wasm", { threads: 1 }).flavour);
  const numbers = whereTimeGoes(graph, split);
  const facts = `${about(graph)}; ${machineText(machine)}`;
  return { name: "where the time goes", numbers, facts, content: whereMarkdown(numbers) };
}
