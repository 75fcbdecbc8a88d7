// One large case in a process of its own: a line of JSON on stdin, its answer on stdout.
import { createInterface } from "node:readline";
import { loadDataset, loadSplit } from "../src/datasets/index.ts";
import { datasetEntry } from "../src/datasets/registry.ts";
import type { Graph } from "../src/graph/graph.ts";
import { randomStream } from "../src/graph/random.ts";
import { GraphSampler } from "../src/graph/sample.ts";
import { startEngine } from "../src/tensor/index.ts";
import { prepare } from "../src/training/prepared.ts";
import type { RunConfig } from "../src/training/run.ts";
import { optimiser, step } from "../src/training/step.ts";
import type { LargeAnswer, LargeRequest } from "./large.ts";
import { peakMegabytes, resetPeak } from "./peak.ts";

/** The draws of a round. */
const DRAWS = 20;
const SEEDS = 1024;
/** As chaitjo/efficient-gnns draws Mag's. */
const ROOTS = 20_000;

/** Steps of all batches of an epoch, without the evaluation; the first round is not counted. */
async function epochs(graph: Graph, config: RunConfig, rounds: number): Promise<LargeAnswer> {
  const split = await loadSplit(graph, datasetEntry(config.dataset).defaultSplit);
  const before = resident();
  const run = prepare(config, graph, split, {});
  const adam = optimiser(run);
  const milliseconds: number[] = [];
  const processor: number[] = [];
  let steps = 0;
  for (let round = 0; round <= rounds; round++) {
    const [began, usage] = [performance.now(), process.cpuUsage()];
    const batches = run.batches?.epoch(config.seed, round) ?? [undefined];
    for (const batch of batches) step(run, adam, steps++, batch ? { batch } : {});
    const { user, system } = process.cpuUsage(usage);
    milliseconds.push(performance.now() - began);
    processor.push((user + system) / 1000);
  }
  const [megabytes, counted] = [peakMegabytes(), (all: number[]) => all.slice(1)];
  return { milliseconds: counted(milliseconds), processor: counted(processor), megabytes, before };
}

function samples(graph: Graph, work: "neighbours" | "walks", rounds: number): LargeAnswer {
  const before = resident();
  const sampler = new GraphSampler(graph.adjacency);
  const random = randomStream(1);
  const millions: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const drawn = Array.from({ length: DRAWS }, () => nodesOf(graph.nodes, work, random.below));
    const began = process.threadCpuUsage();
    let count = 0;
    for (const nodes of drawn) {
      if (work === "walks") {
        sampler.walks(nodes, 2, 2, random);
        count += 2 * nodes.length;
      } else {
        const { layers } = sampler.neighbours(nodes, [15, 10], random);
        for (const { indices } of layers) count += indices.length;
      }
    }
    const { user, system } = process.threadCpuUsage(began);
    millions.push(count / (user + system));
  }
  return { millions: millions.slice(1), megabytes: peakMegabytes(), before };
}

/** Some nodes, each once for neighbours. */
function nodesOf(nodes: number, work: string, below: (bound: number) => number): Int32Array {
  if (work === "walks") return Int32Array.from({ length: ROOTS }, () => below(nodes));
  const seeds = new Set<number>();
  while (seeds.size < SEEDS) seeds.add(below(nodes));
  return Int32Array.from(seeds);
}

function resident(): number {
  globalThis.gc?.();
  return resetPeak();
}

startEngine("wasm");
for await (const line of createInterface({ input: process.stdin })) {
  let found: LargeAnswer | { readonly error: string };
  try {
    const { work, dataset, config, rounds } = JSON.parse(line) as LargeRequest;
    const graph = await loadDataset(dataset);
    found = work === "epoch" ? await epochs(graph, config!, rounds) : samples(graph, work, rounds);
  } catch (error) {
    // Sent as the answer: this process has no terminal of its own.
    found = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
