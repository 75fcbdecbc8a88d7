// Single operators at the sizes that training has them, and tfjs's cpu back end on the same.
import * as tf from "@tensorflow/tfjs";
import type { Graph } from "../src/graph/graph.ts";
import { rowNormalised, symmetricNormalised } from "../src/graph/normalise.ts";
import { BACKEND, SparseMatrix, spmm, uniform } from "../src/tensor/index.ts";
import type { Task } from "./measure.ts";

const WIDTH = 64;
export const PEER = "tfjs cpu";
/** The groups that the peer runs too. */
const PRODUCT = "product";
const ELEMENTWISE = "elementwise";

/** Operators on nodes x 64 matrices, on this engine and on tfjs's own cpu back end. */
export function operatorTasks(nodes: number): Task[] {
  return [BACKEND, "cpu"].flatMap((backend) => operatorsOn(backend, nodes));
}

function operatorsOn(backend: string, nodes: number): Task[] {
  tf.setBackend(backend);
  // The cpu back end would print its advice to install another one.
  if (backend === "cpu") (tf.backend() as unknown as { firstUse: boolean }).firstUse = false;
  const matrix = (rows: number, columns: number): tf.Tensor2D =>
    tf.tensor2d(uniform(1, `${rows} x ${columns}`, rows * columns), [rows, columns]);
  const [tall, wide, square] = [matrix(nodes, WIDTH), matrix(WIDTH, nodes), matrix(WIDTH, WIDTH)];
  const row = matrix(1, WIDTH);
  const operations = 2 * nodes * WIDTH * WIDTH;
  const task = (group: string, name: string, run: () => tf.Tensor, flops?: number): Task => ({
    group: backend === "cpu" ? PEER : group,
    name: backend === "cpu" ? `${group}: ${name}` : name,
    run: () => void tf.tidy(() => void run()),
    backend,
    ...(flops !== undefined && { operations: flops }),
  });
  const [n, w] = [nodes, WIDTH];
  return [
    task(PRODUCT, `A B, ${n} x ${w} x ${w}`, () => tf.matMul(tall, square), operations),
    task(PRODUCT, `A' B, ${w} x ${n} x ${w}`, () => tf.matMul(tall, tall, true), operations),
    task(
      PRODUCT,
      `A B', ${n} x ${w} x ${w}`,
      () => tf.matMul(tall, square, false, true),
      operations,
    ),
    task(PRODUCT, `A' B', ${w} x ${n} x ${w}`, () => tf.matMul(tall, wide, true, true), operations),
    task(ELEMENTWISE, `ReLU of ${n} x ${w}`, () => tf.relu(tall)),
    task(ELEMENTWISE, `sum of ${n} x ${w} and a row`, () => tf.add(tall, row)),
    task(ELEMENTWISE, `mean over nodes of ${n} x ${w}`, () => tf.mean(tall, 0)),
  ];
}

/** Sparse products of the graph: tfjs has none to compare with. */
export function sparseTasks(graph: Graph): Task[] {
  tf.setBackend(BACKEND);
  const adjacency = SparseMatrix.from(symmetricNormalised(graph.adjacency));
  const features = SparseMatrix.from(rowNormalised(graph.features));
  const task = (name: string, matrix: SparseMatrix, columns: number): Task => {
    const x = tf.tensor2d(uniform(2, name, matrix.columns * columns), [matrix.columns, columns]);
    return {
      group: "sparse product",
      name: `${name} x ${columns}, ${matrix.nonzeros} entries`,
      run: () => void tf.tidy(() => void spmm(matrix, x)),
      backend: BACKEND,
      operations: 2 * matrix.nonzeros * columns,
    };
  };
  return [
    task("adjacency", adjacency, WIDTH),
    task("adjacency", adjacency, 4),
    task("features", features, WIDTH),
    task("features", features, 4),
    task("features transposed", features.transposed().matrix, WIDTH),
  ];
}
