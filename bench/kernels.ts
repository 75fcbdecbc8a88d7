// Single operators: at the sizes of training, compared with tfjs's cpu back end, and beyond the caches.
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../src/base/errors.ts";
import type { Csr } from "../src/graph/csr.ts";
import type { Graph } from "../src/graph/graph.ts";
import { rowNormalised, symmetricNormalised } from "../src/graph/normalise.ts";
import { localityOrder } from "../src/graph/order.ts";
import { NodeOrder } from "../src/graph/reorder.ts";
import { BACKEND, SparseMatrix, spmm, uniform } from "../src/tensor/index.ts";
import { graphOf } from "./graphs.ts";
import type { Task } from "./measure.ts";

const WIDTH = 64;
export const PEER = "tfjs cpu";
/** The size in megabytes of each array of the large sum: more than any cache holds. */
const LARGE = 128;
/** The products that must read from memory, with their columns. */
const LARGE_PRODUCTS: Readonly<Record<string, readonly number[]>> = {
  arxiv: [128, 256],
  pubmed: [64, 256],
};

/** Returns operators on nodes x 64 matrices, on this engine and on tfjs's own cpu back end. */
export function operatorTasks(nodes: number): Task[] {
  return [BACKEND, "cpu"].flatMap((backend) => operatorsOn(backend, nodes));
}

function operatorsOn(backend: string, nodes: number): Task[] {
  tf.setBackend(backend);
  // Keeps the cpu back end from advising to install another one.
  if (backend === "cpu") (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
  const matrix = (rows: number, columns: number): tf.Tensor2D =>
    tf.tensor2d(uniform(1, `${rows} x ${columns}`, rows * columns), [rows, columns]);
  const [tall, wide, square] = [matrix(nodes, WIDTH), matrix(WIDTH, nodes), matrix(WIDTH, WIDTH)];
  const row = matrix(1, WIDTH);
  const [n, w] = [nodes, WIDTH];
  const operators: readonly (readonly [group: string, name: string, run: () => tf.Tensor])[] = [
    ["product", `A B, ${n} x ${w} x ${w}`, () => tf.matMul(tall, square)],
    ["product", `A' B, ${w} x ${n} x ${w}`, () => tf.matMul(tall, tall, true)],
    ["product", `A B', ${n} x ${w} x ${w}`, () => tf.matMul(tall, square, false, true)],
    ["product", `A' B', ${w} x ${n} x ${w}`, () => tf.matMul(tall, wide, true, true)],
    ["elementwise", `ReLU of ${n} x ${w}`, () => tf.relu(tall)],
    ["elementwise", `sum of ${n} x ${w} and a row`, () => tf.add(tall, row)],
    ["elementwise", `mean over nodes of ${n} x ${w}`, () => tf.mean(tall, 0)],
  ];
  return operators.map(([group, name, run]) =>
    backend === "cpu" ? task(PEER, `${group}: ${name}`, run, backend) : task(group, name, run),
  );
}

function task(group: string, name: string, run: () => tf.Tensor, backend = BACKEND): Task {
  return { group, name, backend, run: () => void tf.tidy(() => void run()) };
}

function productTask(name: string, matrix: SparseMatrix, columns: number): Task {
  const x = tf.tensor2d(uniform(2, name, matrix.columns * columns), [matrix.columns, columns]);
  const title = `${name} x ${columns}, ${matrix.nonzeros} entries`;
  return task("sparse product", title, () => spmm(matrix, x));
}

/** Returns sparse products of the graph, for which tfjs has no counterpart. */
export function sparseTasks(graph: Graph): Task[] {
  tf.setBackend(BACKEND);
  const adjacency = SparseMatrix.from(symmetricNormalised(graph.adjacency));
  const features = SparseMatrix.from(rowNormalised(graph.features));
  return [
    productTask("adjacency", adjacency, WIDTH),
    productTask("adjacency", adjacency, 4),
    productTask("features", features, WIDTH),
    productTask("features", features, 4),
    productTask("features transposed", features.transposed().matrix, WIDTH),
  ];
}

/** Adds two large arrays, which shows the memory's bandwidth. */
function sumTask(): Task {
  const count = (LARGE * 2 ** 20) / 4;
  const [a, b] = [tf.ones([count]), tf.ones([count])];
  return task("elementwise", `sum of two arrays of ${LARGE} MiB`, () => tf.add(a, b));
}

/**
 * Returns the large sum, and sparse products beyond the caches with the nodes in their own and in locality order.
 * Graphs whose files are missing are reported and left out.
 * @returns the tasks, and how long it took to find each order: `0.51 s for arxiv`
 */
export async function largeTasks(): Promise<{ tasks: Task[]; orders: string[] }> {
  tf.setBackend(BACKEND);
  const tasks = [sumTask()];
  const orders: string[] = [];
  for (const [name, widths] of Object.entries(LARGE_PRODUCTS)) {
    const graph = await graphIfThere(name);
    if (!graph) continue;
    const began = performance.now();
    const order = new NodeOrder(localityOrder(graph.adjacency));
    orders.push(`${((performance.now() - began) / 1000).toFixed(2)} s for ${name}`);
    const matrix = (csr: Csr): SparseMatrix => SparseMatrix.from(symmetricNormalised(csr));
    const [plain, local] = [matrix(graph.adjacency), matrix(order.graph(graph).adjacency)];
    for (const columns of widths) {
      tasks.push(productTask(name, plain, columns));
      tasks.push(productTask(`${name} in locality order`, local, columns));
    }
  }
  return { tasks, orders };
}

async function graphIfThere(name: string): Promise<Graph | undefined> {
  try {
    return (await graphOf(name)).graph;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`left out: ${error.message}`);
    return undefined;
  }
}
