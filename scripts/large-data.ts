// Writes made copies of OGB's layout at full size, measures how long reading and opening them takes, and in what
// memory, and writes the table into docs/datasets.md. It needs 2 GB in the temporary folder.
//
//     node scripts/large-data.ts

import { spawnSync } from "node:child_process";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGzip } from "node:zlib";
import { columnsOf, markdownTable } from "../src/base/table.ts";
import { loadDataset, syntheticMag } from "../src/datasets/index.ts";
import { grouped } from "../src/display/format.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { type Csr, nonzeros } from "../src/graph/csr.ts";
import type { Graph } from "../src/graph/graph.ts";

/** What a child process measured. */
interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
  readonly arcs: number;
}

const [, , child, name = "", folder = ""] = process.argv;
if (child === "measure") {
  const [start, used] = [performance.now(), process.cpuUsage()];
  const graph =
    name === "synthetic-mag"
      ? syntheticMag({ scale: 1 })
      : await loadDataset(name, { dataDir: folder });
  const { user, system } = process.cpuUsage(used);
  const measured: Measured = {
    wall: (performance.now() - start) / 1000,
    cpu: (user + system) / 1e6,
    peak: peakMegabytes(),
    arcs: nonzeros(graph.adjacency),
  };
  console.log(JSON.stringify(measured));
} else await writeDocument();

/** The process's own peak: on Linux a child's `maxRSS` includes its parent's. */
function peakMegabytes(): number {
  const status = "/proc/self/status";
  const own = existsSync(status) && /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1];
  return Number(own || process.resourceUsage().maxRSS) / 1000;
}

function measure(dataset: string, data: string): Measured {
  const self = fileURLToPath(import.meta.url);
  const { stdout, status } = spawnSync(process.execPath, [self, "measure", dataset, data], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`${dataset} could not be measured`);
  return JSON.parse(stdout) as Measured;
}

async function writeDocument(): Promise<void> {
  const data = mkdtempSync(path.join(tmpdir(), "abkd-large-"));
  try {
    await writePlain(await loadDataset("arxiv-topology"), path.join(data, "ogbn_arxiv"));
    await writeTyped(syntheticMag({ scale: 1 }), path.join(data, "ogbn_mag"));
    const rows = [
      ["ogbn-arxiv, read from csv.gz", measure("ogbn-arxiv", data)],
      ["ogbn-arxiv, opened from the cache", measure("ogbn-arxiv", data)],
      ["ogbn-mag, read from csv.gz", measure("ogbn-mag", data)],
      ["ogbn-mag, opened from the cache", measure("ogbn-mag", data)],
      ["synthetic-mag, made", measure("synthetic-mag", data)],
    ] as const;
    const columns = columnsOf("", "arcs, both ways | seconds | processor seconds | peak, MB");
    const cells = rows.map(([what, { arcs, wall, cpu, peak }]) => [
      what,
      grouped(arcs),
      wall.toFixed(1),
      cpu.toFixed(1),
      grouped(Math.round(peak)),
    ]);
    const note = `On ${availableParallelism()} cores, which other programs may have been using: processor seconds say more.`;
    const text = `${markdownTable({ columns, rows: cells })}\n\n${note}`;
    const file = new URL("../docs/datasets.md", import.meta.url);
    writeFileSync(file, writeSection(readFileSync(file, "utf8"), "large data", text));
    console.log(text);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
}

/** @param row the text of a row's cells */
async function writeTable(file: string, rows: number, row: (k: number) => string): Promise<void> {
  mkdirSync(path.dirname(file), { recursive: true });
  const pieces = function* (): Generator<string> {
    for (let first = 0; first < rows; first += 4096) {
      const end = Math.min(rows, first + 4096);
      yield `${Array.from({ length: end - first }, (_, k) => row(first + k)).join("\n")}\n`;
    }
  };
  await pipeline(Readable.from(pieces()), createGzip({ level: 1 }), createWriteStream(file));
}

/** Rows of a matrix's arcs: column, row. @param keep which of them are written */
async function writeArcs(
  folder: string,
  { rows, indptr, indices }: Csr,
  keep: (row: number, column: number) => boolean = () => true,
): Promise<void> {
  const [to, from] = [new Int32Array(indices.length), new Int32Array(indices.length)];
  let count = 0;
  for (let r = 0; r < rows; r++) {
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      if (!keep(r, indices[k]!)) continue;
      to[count] = r;
      from[count++] = indices[k]!;
    }
  }
  await writeTable(path.join(folder, "edge.csv.gz"), count, (k) => `${from[k]},${to[k]}`);
  await writeTable(path.join(folder, "num-edge-list.csv.gz"), 1, () => String(count));
}

/** @param of the folder of a part: `node-feat/paper`, or none */
async function writeNodes(
  of: (part: "node-feat" | "node-label") => string,
  { labels, features }: Graph,
): Promise<void> {
  const { columns, indptr, values } = features;
  await writeTable(path.join(of("node-feat"), "node-feat.csv.gz"), labels.length, (node) =>
    Array.from(values!.subarray(indptr[node], indptr[node]! + columns), (value) =>
      value.toFixed(6),
    ).join(),
  );
  const label = path.join(of("node-label"), "node-label.csv.gz");
  await writeTable(label, labels.length, (node) => String(labels[node]));
}

async function writePlain(graph: Graph, folder: string): Promise<void> {
  const raw = path.join(folder, "raw");
  await writeArcs(raw, graph.adjacency, (r, c) => r < c);
  await writeTable(path.join(raw, "num-node-list.csv.gz"), 1, () => String(graph.nodes));
  await writeNodes(() => raw, graph);
}

async function writeTyped(graph: Graph, folder: string): Promise<void> {
  const raw = path.join(folder, "raw");
  const types = graph.types!;
  const table = (file: string, lines: readonly string[]): Promise<void> =>
    writeTable(path.join(raw, file), lines.length, (k) => lines[k]!);
  const names = types.map(({ name }) => name).join();
  await table("num-node-dict.csv.gz", [names, types.map(({ nodes }) => nodes).join()]);
  await table("nodetype-has-label.csv.gz", [
    names,
    types.map((_, k) => (k === 0 ? "True" : "False")).join(),
  ]);
  const triplets = graph.relations!.map(({ source, name, target }) => [source, name, target]);
  await table(
    "triplet-type-list.csv.gz",
    triplets.map((triplet) => triplet.join()),
  );
  for (const [k, { arcs }] of graph.relations!.entries()) {
    await writeArcs(path.join(raw, "relations", triplets[k]!.join("___")), arcs);
  }
  await writeNodes((part) => path.join(raw, part, types[0]!.name), graph);
}
