// The benchmark: `npm run bench [-- --json] [-- --write] [-- --dataset NAME] [-- --threads N]`.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { loadDataset, loadSplit, MissingFileError } from "../src/datasets/index.ts";
import { datasetEntry } from "../src/datasets/registry.ts";
import { UserError } from "../src/errors.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import type { Graph } from "../src/graph/graph.ts";
import { BACKEND, startEngine } from "../src/tensor/index.ts";
import { operatorTasks, sparseTasks } from "./kernels.ts";
import { measure } from "./measure.ts";
import { machineFacts, markdownTable, type Report, rowsOf, terminalTable } from "./report.ts";
import { stepTasks } from "./steps.ts";

const USAGE = `usage: npm run bench -- [--dataset NAME] [--threads N] [--json] [--write]
  --dataset NAME  cora (the default; the embedded synthetic graph where its files are missing), ...
  --threads N     what one thread is compared with (default: $ABKD_THREADS, or one a core)
  --json          print JSON alone
  --write         put the table into docs/performance.md too`;

const DOCUMENT = path.join(import.meta.dirname, "../docs/performance.md");

/** The graph of a name; the synthetic one in place of a default that is not there. */
async function graphOf(name: string | undefined): Promise<Graph> {
  try {
    return await loadDataset(name ?? "cora");
  } catch (error) {
    if (name !== undefined || !(error instanceof MissingFileError)) throw error;
    console.error("Cora's files are not here: measuring on the synthetic graph, its likeness");
    return loadDataset("synthetic");
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      dataset: { type: "string" },
      threads: { type: "string" },
      json: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const graph = await graphOf(values.dataset);
  const split = await loadSplit(graph, datasetEntry(graph.name).defaultSplit);
  const all = values.threads === undefined ? {} : { threads: Number(values.threads) };
  const { flavour, threads } = startEngine("wasm", all);
  const machine = machineFacts(flavour, threads);
  const single = [...stepTasks(graph, split), ...sparseTasks(graph), ...operatorTasks(graph.nodes)];
  const ours = single.filter(({ backend }) => backend === BACKEND);
  const tasks = [...single, ...(threads > 1 ? ours.map((task) => ({ ...task, threads })) : [])];
  const timings = measure(tasks, (round, rounds) => {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round} of ${rounds} `);
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  const report: Report = {
    ...{ dataset: graph.name, nodes: graph.nodes, arcs: graph.adjacency.indices.length },
    ...{ machine, rows: rowsOf(tasks, timings) },
  };
  console.log(values.json ? JSON.stringify(report, null, 2) : terminalTable(report));
  if (values.write) {
    const before = readFileSync(DOCUMENT, "utf8");
    writeFileSync(DOCUMENT, writeSection(before, "bench", markdownTable(report)));
  }
}

main().catch((error: unknown) => {
  const wrongOption = error instanceof TypeError && "code" in error;
  if (!(error instanceof UserError) && !wrongOption) throw error;
  console.error(wrongOption ? `${error.message}\n${USAGE}` : error.message);
  process.exitCode = error instanceof UserError ? error.exitCode : 2;
});
