// Large sparse products against the machine's bandwidth, and what the locality order gains.
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../src/base/errors.ts";
import type { Csr } from "../src/graph/csr.ts";
import { symmetricNormalised } from "../src/graph/normalise.ts";
import { localityOrder } from "../src/graph/order.ts";
import { NodeOrder } from "../src/graph/reorder.ts";
import { BACKEND, SparseMatrix, spmm, startEngine, uniform } from "../src/tensor/index.ts";
import { graphOf } from "./graphs.ts";
import { measure, type Task } from "./measure.ts";
import { machineFacts, type Report } from "./report.ts";

/** Megabytes of each array of the triad: more than any cache holds. */
const TRIAD = 128;
const PRODUCTS: readonly (readonly [graph: string, columns: number])[] = [
  ["arxiv", 128],
  ["arxiv", 256],
  ["pubmed", 64],
  ["pubmed", 256],
];

interface Line {
  readonly name: string;
  readonly threads: number;
  readonly milliseconds: number;
  /** 10^9 bytes a second that have to pass between memory and processor at the least. */
  readonly least: number;
  /** 10^9 bytes a second of X's rows, read once an entry; absent for the triad. */
  readonly gathered?: number;
}

export interface Bandwidth {
  readonly machine: Report["machine"];
  readonly lines: readonly Line[];
  /** Seconds that the order of a graph takes to find. */
  readonly orders: readonly { readonly graph: string; readonly seconds: number }[];
}

interface Sized extends Task {
  readonly least: number;
  readonly gathered?: number;
}

/** a + b: two arrays read, one written. */
function triad(): Sized {
  const count = (TRIAD * 2 ** 20) / 4;
  const [a, b] = [tf.ones([count]), tf.ones([count])];
  const run = (): void => tf.tidy(() => void tf.add(a, b));
  return { ...task(`sum of two arrays of ${TRIAD} MiB`, run), least: 3 * 4 * count };
}

function task(name: string, run: () => void): Task {
  return { group: "bandwidth", name, run, backend: BACKEND };
}

function productTask(name: string, matrix: SparseMatrix, columns: number): Sized {
  const { rows, nonzeros } = matrix;
  const x = tf.tensor2d(uniform(3, name, rows * columns), [rows, columns]);
  const run = (): void => tf.tidy(() => void spmm(matrix, x));
  const row = 4 * columns;
  // X and Y once; a row's bounds, and of each entry its column and value.
  const least = 2 * rows * row + 4 * rows + 8 * nonzeros;
  return { ...task(`${name} x ${columns}`, run), least, gathered: nonzeros * row };
}

/** On one thread and on `threads`; graphs whose files are not here are said and left out. */
export async function bandwidthTable(
  threads: number,
  progress: (text: string) => void,
): Promise<Bandwidth> {
  const machine = machineFacts(startEngine("wasm", { threads }).flavour, threads);
  const orders: { graph: string; seconds: number }[] = [];
  const tasks: Sized[] = [triad()];
  for (const [name, widths] of Map.groupBy(PRODUCTS, ([graph]) => graph)) {
    const found = await graphIfThere(name);
    if (!found) continue;
    const began = performance.now();
    const order = new NodeOrder(localityOrder(found.adjacency));
    orders.push({ graph: name, seconds: (performance.now() - began) / 1000 });
    const matrix = (adjacency: Csr): SparseMatrix =>
      SparseMatrix.from(symmetricNormalised(adjacency));
    const [plain, local] = [matrix(found.adjacency), matrix(order.graph(found).adjacency)];
    for (const [, columns] of widths) {
      tasks.push(productTask(name, plain, columns));
      tasks.push(productTask(`${name} in locality order`, local, columns));
    }
  }
  const all = threads > 1 ? [...tasks, ...tasks.map((one) => ({ ...one, threads }))] : tasks;
  const timings = measure(all, (round, rounds) => progress(`round ${round} of ${rounds}`));
  const lines = all.map(({ name, least, gathered, threads: own = 1 }, i): Line => {
    const { median } = timings[i]!;
    const rate = (bytes: number): number => bytes / median / 1e6;
    return {
      ...{ name, threads: own, milliseconds: median, least: rate(least) },
      ...(gathered !== undefined && { gathered: rate(gathered) }),
    };
  });
  return { machine, lines, orders };
}

async function graphIfThere(name: string) {
  try {
    return (await graphOf(name)).graph;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`left out: ${error.message}`);
    return undefined;
  }
}

/** As Markdown. */
export function bandwidthMarkdown({ machine, lines, orders }: Bandwidth): string {
  const { processor, cores, platform, node, flavour, load } = machine;
  const triads = new Map(
    lines.flatMap((line) => (line.gathered === undefined ? [[line.threads, line.least]] : [])),
  );
  const rows = lines.map(({ name, threads, milliseconds, least, gathered }) => {
    const plain = lines.find(
      (other) => other.threads === threads && other.name === name.replace(" in locality order", ""),
    )!;
    return [
      name,
      String(threads),
      `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`,
      `${least.toFixed(1)} GB/s`,
      `${((100 * least) / triads.get(threads)!).toFixed(0)} %`,
      gathered === undefined ? "" : `${gathered.toFixed(1)} GB/s`,
      plain.name === name ? "" : (milliseconds / plain.milliseconds).toFixed(2),
    ];
  });
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  const head = ["what", "threads", "median", "least traffic", "of the sum's", "rows of X", "order"];
  const found = orders.map(({ graph, seconds }) => `${seconds.toFixed(2)} s for ${graph}`);
  return [
    `${processor}, ${cores} cores, ${platform}; Node ${node}, flavour ${flavour}; ` +
      `load ${load} at the start. The order takes ${found.join(" and ") || "nothing here"}.`,
    "",
    line(head),
    line(head.map((_, c) => (c === 0 ? "---" : "---:"))),
    ...rows.map(line),
  ].join("\n");
}
