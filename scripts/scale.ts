// What fits where: writes the tables of docs/scale.md from the bench's records (figures/bench.json), from the results
// of studies, and from the memory that runs are refused by; with --measure also those of the road past one machine.
//
//     node scripts/scale.ts [--measure]

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "simple-statistics";
import { columnsOf, markdownTable } from "../src/base/table.ts";
import { grouped } from "../src/display/format.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { ResultsStore } from "../src/experiments/results-store.ts";
import { findStudy } from "../src/experiments/studies/index.ts";
import { planStudy } from "../src/experiments/study.ts";
import type { Csr } from "../src/graph/csr.ts";
import type { Graph } from "../src/graph/graph.ts";
import { randomStream } from "../src/graph/random.ts";
import type { ModelConfig } from "../src/models/registry.ts";
import { WASM_BYTES } from "../src/tensor/index.ts";
import { distill } from "../src/training/distill.ts";
import { leastBytes } from "../src/training/memory-check.ts";
import type { RunConfig } from "../src/training/run.ts";

const DOCUMENT = new URL("../docs/scale.md", import.meta.url);
const BENCH = new URL("../figures/bench.json", import.meta.url);

/** ogbn-papers100M, as OGB publishes it (Hu et al. 2020, table 2; ogb.stanford.edu/docs/nodeprop). */
const PAPERS = {
  nodes: 111_059_956,
  arcs: 1_615_685_872,
  features: 128,
  classes: 172,
  labelled: 1_546_782,
  train: 1_207_179,
} as const;

/** Of the MLP that is distilled. */
const WIDTH = 64;

/** The parts of the labelled nodes that are distilled on; the whole follows from them. */
const SHARES = [100, 25] as const;

/** What a child process measured of distilling an MLP from logits. */
interface Measured {
  readonly nodes: number;
  /** Of one epoch with its evaluation: on the clock, and of the processor. */
  readonly seconds: number;
  readonly processor: number;
  readonly megabytes: number;
}

const [, , flag, size] = process.argv;
if (flag === "child") console.log(JSON.stringify(await measured(Number(size))));
else {
  section("fits", fits());
  section("least", least());
  section("teachers", teachers());
  if (flag === "--measure") section("papers", papers(SHARES.map(measuredShare)));
}

function section(name: string, content: string): void {
  writeFileSync(DOCUMENT, writeSection(readFileSync(DOCUMENT, "utf8"), name, content));
}

interface BenchCase {
  readonly name: string;
  readonly ours: { readonly median: number };
}

/** A student's step on generated graphs, as the bench measured it: ten arcs and eight words a node. */
function fits(): string {
  const cases = JSON.parse(readFileSync(BENCH, "utf8")) as readonly BenchCase[];
  const of = (name: string): number => cases.find((one) => one.name === name)!.ours.median;
  const EPOCHS = 600;
  const sizes = ["1e4", "1e5", "1e6", "1e7", "2e7"];
  const rows = sizes.map((arcs) => {
    const milliseconds = of(`scaling-${arcs}`);
    const megabytes = of(`scaling-${arcs}-memory`);
    const minutes = ((milliseconds * EPOCHS) / 60_000).toFixed(2);
    return [
      grouped(Number(arcs) / 10),
      grouped(Number(arcs)),
      milliseconds.toFixed(1),
      minutes,
      Math.round(megabytes).toString(),
    ];
  });
  const perArc = ((of("scaling-2e7-memory") - of("scaling-1e7-memory")) * 2 ** 20) / 1e7;
  const most = WASM_BYTES / perArc;
  const columns = columnsOf("nodes | arcs | ms a step | minutes of 600 steps | peak, MB");
  return (
    `${markdownTable({ columns, rows })}\n\n` +
    `From the last two rows: ${perArc.toFixed(0)} bytes an arc with its tenth of a node. The engine's memory of ` +
    `${WASM_BYTES / 2 ** 30} GiB would be full at about ${(most / 1e6).toFixed(0)} million arcs, were all of it there.`
  );
}

/** A graph of which only the sizes are asked. */
function stub(nodes: number): Graph {
  const empty: Csr = {
    rows: nodes,
    columns: nodes,
    indptr: new Int32Array(0),
    indices: new Int32Array(0),
  };
  const { features, classes } = PAPERS;
  const labels = new Int32Array(0);
  return {
    name: "stub",
    nodes,
    classes,
    labels,
    adjacency: empty,
    features: { ...empty, columns: features },
  };
}

/** The least that a run must hold by memory-check.ts, by model and nodes: above the engine's memory it is refused. */
function least(): string {
  const models: readonly (readonly [string, ModelConfig, number?])[] = [
    ["GCNII 4L-4H", { kind: "gcnii", layers: 4, width: 4, dropout: 0.5, alpha: 0.1, lambda: 0.5 }],
    ["GCN 3L-256H", { kind: "gcn", layers: 3, width: 256, dropout: 0.5 }],
    ["GraphSAGE 2L-256H", { kind: "sage", layers: 2, width: 256, dropout: 0.5 }],
    [
      "GCNII 64L-64H",
      { kind: "gcnii", layers: 64, width: 64, dropout: 0.5, alpha: 0.1, lambda: 0.5 },
    ],
    ["MLP 3L-64H, batches of 10,000", { kind: "mlp", layers: 3, width: 64, dropout: 0.5 }, 10_000],
  ] as never;
  const graphs = [
    ["Cora", 2708],
    ["Pubmed", 19_717],
    ["Arxiv", 169_343],
    ["Mag", 1_939_743],
    ["papers100M", PAPERS.nodes],
  ] as const;
  const rows = models.map(([name, model, batch]) => [
    name,
    ...graphs.map(([, nodes]) => {
      const config = { model, training: { ...(batch && { batch }) } } as unknown as RunConfig;
      const bytes = leastBytes(config, stub(nodes));
      const gigabytes = bytes / 1e9;
      const digits = gigabytes < 0.1 ? 3 : gigabytes < 10 ? 1 : 0;
      return `${gigabytes.toFixed(digits)}${bytes > WASM_BYTES ? " ✗" : ""}`;
    }),
  ]);
  const names = graphs.map(([name, nodes]) => `${name}, ${grouped(nodes)}`).join(" | ");
  return markdownTable({ columns: columnsOf(`model | ${names}`), rows });
}

/** How long the teachers of studies took to train. */
function teachers(): string {
  const store = new ResultsStore(fileURLToPath(new URL("../results", import.meta.url)));
  const rows = ["citeseer", "cora", "pubmed"].map((dataset) => {
    const plan = planStudy(findStudy("table3"), { profile: "paper", datasets: [dataset] });
    const ids = plan.trials.filter(({ config }) => !config.method).map(({ id }) => id);
    const records = [...store.read(ids).records.values()];
    const times = records.map(({ timing }) => timing.seconds / 60);
    const threads = [...new Set(records.map(({ timing }) => timing.threads))];
    return [
      dataset,
      grouped(records[0]!.data.nodes),
      String(times.length),
      ...[Math.min(...times), median(times), Math.max(...times)].map((time) => time.toFixed(1)),
      threads.sort().join(" or "),
    ];
  });
  const columns = columnsOf(
    "dataset | nodes | teachers | minutes, least | median | most | threads",
  );
  return markdownTable({ columns, rows });
}

/** Distils in a process of its own, on a share of papers100M's labelled nodes. */
function measuredShare(share: number): Measured {
  const nodes = Math.round(PAPERS.labelled / share);
  const args = [fileURLToPath(import.meta.url), "child", String(nodes)];
  const { stdout, status } = spawnSync(process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
  });
  if (status !== 0) process.exit(1);
  return JSON.parse(stdout) as Measured;
}

/** Distils an MLP from made logits on made features, in batches of 10,000 nodes. */
async function measured(nodes: number): Promise<Measured> {
  const EPOCHS = 4;
  const { features: columns, classes } = PAPERS;
  const random = randomStream(nodes);
  const numbers = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.uniform() - 0.5);
  const graph: Graph = {
    name: `papers-${nodes}`,
    nodes,
    classes,
    adjacency: {
      rows: nodes,
      columns: nodes,
      indptr: new Int32Array(nodes + 1),
      indices: new Int32Array(0),
    },
    features: {
      rows: nodes,
      columns,
      indptr: Int32Array.from({ length: nodes + 1 }, (_, k) => k * columns),
      indices: Int32Array.from({ length: nodes * columns }, (_, k) => k % columns),
      values: numbers(nodes * columns),
    },
    featuresAsIs: true,
    labels: Int32Array.from({ length: nodes }, () => random.below(classes)),
  };
  const train = Math.round((nodes * PAPERS.train) / PAPERS.labelled);
  const ids = Int32Array.from({ length: nodes }, (_, node) => node);
  const half = train + Math.round((nodes - train) / 2);
  const split = {
    train: ids.subarray(0, train),
    val: ids.subarray(train, half),
    test: ids.subarray(half),
  };
  const logits = { shape: [nodes, classes], values: numbers(nodes * classes) };
  const runsDir = mkdtempSync(path.join(tmpdir(), "abkd-scale-"));
  let [first, last] = [0, 0];
  try {
    const { result } = await distill({
      ...{ dataset: graph, split, runsDir, threads: 1 },
      teacher: { outputs: { logits } },
      method: "softkd",
      student: {
        model: { kind: "mlp", layers: 3, width: WIDTH },
        training: { epochs: EPOCHS, patience: EPOCHS, batch: 10_000 },
      } as never,
      observer(event) {
        if (event.type !== "epoch") return;
        const { user, system } = process.cpuUsage();
        last = (user + system) / 1e6;
        if (event.epoch === 1) first = last;
      },
    });
    return {
      nodes,
      seconds: result.timing.secondsPerEpoch,
      processor: (last - first) / (EPOCHS - 1),
      megabytes: peakMegabytes(),
    };
  } finally {
    rmSync(runsDir, { recursive: true, force: true });
  }
}

function peakMegabytes(): number {
  const status = "/proc/self/status";
  const own = existsSync(status) && /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1];
  return Number(own || process.resourceUsage().maxRSS) / 1000;
}

/** Bytes and hours of papers100M's road, and what they rest on. */
function papers(all: readonly Measured[]): string {
  const { nodes, arcs, features, classes, labelled } = PAPERS;
  const gigabytes = (bytes: number): string => {
    const value = bytes / 1e9;
    return `${value.toFixed(value < 10 ? 2 : 1)} GB`;
  };
  const parts = columnsOf("what | numbers | whole graph | labelled nodes alone");
  const of = (what: string, columns: number, bytes: number): string[] => [
    what,
    `${columns} a node, ${bytes} bytes each`,
    gigabytes(nodes * columns * bytes),
    gigabytes(labelled * columns * bytes),
  ];
  const bytes = markdownTable({
    columns: parts,
    rows: [
      of("features", features, 4),
      of("features averaged over neighbours, once and twice", 2 * features, 4),
      of("the teacher's logits", classes, 4),
      ["arcs, both ways", "4 bytes each", gigabytes(2 * arcs * 4), "those among them"],
    ],
  });
  const [small, large] = [all[0]!, all.at(-1)!];
  const perNode = (large.processor - small.processor) / (large.nodes - small.nodes);
  const memory = (large.megabytes - small.megabytes) / (large.nodes - small.nodes);
  const epoch = large.processor + perNode * (labelled - large.nodes);
  const peak = large.megabytes + memory * (labelled - large.nodes);
  const hours = (seconds: number): string => (seconds / 3600).toFixed(1);
  const measured = markdownTable({
    columns: columnsOf("nodes | processor seconds an epoch | peak, MB"),
    rows: [
      ...all.map((one) => [
        grouped(one.nodes),
        one.processor.toFixed(1),
        grouped(Math.round(one.megabytes)),
      ]),
      [
        `${grouped(labelled)}, by the line through them`,
        epoch.toFixed(0),
        grouped(Math.round(peak)),
      ],
    ],
  });
  return [
    bytes,
    `Distilling an MLP 3L-64H from logits in batches of 10,000 nodes, on made numbers, one thread, an epoch with its ` +
      "evaluation:",
    measured,
    `100 epochs on the labelled nodes are ${hours(100 * epoch)} core-hours. A pass over all ${grouped(nodes)} nodes ` +
      `afterwards takes less than ${hours(nodes * perNode)} core-hours: an epoch, which it is a part of, takes ` +
      `${(1e6 * perNode).toFixed(0)} µs a node. An epoch's evaluation reads all labelled nodes at once, whose maps are ` +
      `${gigabytes(labelled * 4 * (features + 2 * WIDTH + classes))} of the engine's ${WASM_BYTES / 2 ** 30} GiB.`,
  ].join("\n\n");
}
