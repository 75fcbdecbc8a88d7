// Relational convolutions: each relation's linear map of the mean over a node's sources, as one operator.
// Schlichtkrull et al.: Modeling Relational Data with Graph Convolutional Networks, ESWC 2018, eq. 2.
import * as tf from "@tensorflow/tfjs";
import { needArray, needObject } from "../../base/arguments.ts";
import { asTensor, type Backend, runningBackend } from "../engine/backend.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { composedRelationalSums } from "./composed-relational.ts";
import { type DenseProduct, denseProduct } from "./dense-product.ts";
import {
  checkRelational,
  type RelationalGraph,
  type RelationalOptions,
  type RelationalWeights,
  type TypeRows,
} from "./relational-graph.ts";
import { SparseMatrix, sparseProduct } from "./sparse.ts";

/**
 * For a node i of type t:
 *
 *     y_i = x_i R_t + b_t + sum over relations r into t, sum over j: A_r[i, j] x_j W_r
 *
 * Differentiable with respect to W, R, b and the tensors of x. Each relation's map comes before or after its sum,
 * whichever is narrower; no array has a row per arc.
 *
 * @param x nodes x inputs, or the rows of each type
 * @returns y, nodes x outputs
 * @throws {RangeError} for shapes that do not match
 */
export function relationalSums(
  graph: RelationalGraph,
  x: tf.Tensor2D | readonly TypeRows[],
  own: RelationalWeights,
  options: RelationalOptions = {},
): tf.Tensor2D {
  needObject(graph, "relationalSums: graph", "{ sizes, relations }", "sizes", "relations");
  needArray(graph.relations, "relationalSums: graph.relations", "an array of relations");
  needObject(own, "relationalSums: weights", "tensors", "weights", "roots", "biases");
  checkRelational(graph, x, own, options);
  if (nativeIsCurrent() || options.message) return composedRelationalSums(graph, x, own, options);
  const { weights, roots, biases } = own;
  const run = new RelationalRun(runningBackend(), graph, x, weights, options.types);
  const op = tf.customGrad((...args: unknown[]) => {
    const save = args.pop() as tf.GradSaveFunc;
    const inputs = args as tf.Tensor[];
    save(inputs);
    return {
      value: run.forward(inputs),
      gradFunc: ((dy: tf.Tensor, saved: tf.Tensor[]) =>
        run.backward(dy, saved)) as unknown as () => tf.Tensor,
    };
  });
  return op(weights, roots, biases, ...run.tensors) as tf.Tensor2D;
}

/** Where the kernels find a type's rows: in an input of the operator, from a row of it on, or elsewhere. */
type Place =
  | { readonly kind: "input"; readonly input: number; readonly first: number }
  | { readonly kind: "constant"; readonly tensor: tf.Tensor2D }
  | { readonly kind: "sparse"; readonly matrix: SparseMatrix }
  | { readonly kind: "unit" };

/** Addresses of a type's dense rows and of their gradient; 0 for none. */
interface Dense {
  readonly x: number;
  readonly dx: number;
}

/** The operator's steps on the wasm engine. */
class RelationalRun {
  /** The tensors of x. */
  readonly tensors: readonly tf.Tensor2D[];
  readonly #backend: Backend;
  readonly #graph: RelationalGraph;
  readonly #places: readonly Place[];
  /** The first node of each type. */
  readonly #firsts: readonly number[];
  readonly #inputs: number;
  readonly #outputs: number;
  readonly #types: number;

  constructor(
    backend: Backend,
    graph: RelationalGraph,
    x: tf.Tensor2D | readonly TypeRows[],
    { shape: [, inputs, outputs] }: tf.Tensor3D,
    types = graph.sizes.length,
  ) {
    this.#backend = backend;
    this.#graph = graph;
    this.#inputs = inputs;
    this.#outputs = outputs;
    this.#types = types;
    let next = 0;
    this.#firsts = graph.sizes.map((size) => {
      next += size;
      return next - size;
    });
    const tensors: tf.Tensor2D[] = [];
    const placeOf = (rows: TypeRows): Place => {
      if (rows === undefined) return { kind: "unit" };
      if (rows instanceof SparseMatrix) return { kind: "sparse", matrix: rows };
      if ("constant" in rows) return { kind: "constant", tensor: rows.constant };
      return { kind: "input", input: tensors.push(rows) - 1, first: 0 };
    };
    if (Array.isArray(x)) this.#places = (x as readonly TypeRows[]).map(placeOf);
    else {
      tensors.push(x as tf.Tensor2D);
      this.#places = this.#firsts.map((first) => ({ kind: "input", input: 0, first }));
    }
    this.tensors = tensors;
  }

  /** @param inputs weights, roots, biases, and the tensors of x */
  forward([weights, roots, biases, ...xs]: tf.Tensor[]): tf.Tensor {
    const { sizes, relations } = this.#graph;
    const out = this.#backend.allocate([this.#rows(), this.#outputs]);
    const y = (t: number) => this.#row(out, this.#firsts[t]!, this.#outputs);
    for (let t = 0; t < this.#types; t++) this.#multiply(t, xs, this.#of(roots!, t), y(t));
    for (const [r, { source, target, matrix }] of relations.entries()) {
      if (target >= this.#types) continue;
      const [w, onto] = [this.#of(weights!, r), y(target)];
      const { x } = this.#dense(source, xs);
      if (this.#places[source]!.kind === "unit") this.#add(matrix, w, onto, this.#outputs);
      else if (this.#sumsFirst(source)) {
        this.#scratch(sizes[target]!, this.#inputs, (sums) => {
          this.#sums(matrix, x, sums, this.#inputs);
          this.#product({ a: sums, b: w, out: onto, rows: sizes[target]!, onto: true });
        });
      } else {
        this.#scratch(sizes[source]!, this.#outputs, (sent) => {
          this.#multiply(source, xs, w, sent);
          this.#add(matrix, sent, onto, this.#outputs);
        });
      }
    }
    for (let t = 0; t < this.#types; t++) {
      const b = this.#row(biases!, t, this.#outputs);
      this.#backend.engine.run("combineRows", sizes[t]!, y(t), b, y(t), this.#outputs, 1, 1);
    }
    return asTensor(out);
  }

  /** @param saved as forward() takes them */
  backward(dy: tf.Tensor, [weights, roots, biases, ...xs]: tf.Tensor[]): tf.Tensor[] {
    const { sizes, relations } = this.#graph;
    const [dw, dr, db] = [weights!, roots!, biases!].map(({ shape }) =>
      this.#backend.allocate(shape),
    );
    const dxs = xs.map(({ shape }) => this.#backend.allocate(shape));
    const at = (t: number) => this.#row(dy, this.#firsts[t]!, this.#outputs);
    for (let t = 0; t < sizes.length; t++) {
      const { dx } = this.#dense(t, xs, dxs);
      if (t >= this.#types) {
        this.#zero(dr!, t * this.#inputs, this.#inputs, this.#outputs);
        this.#zero(db!, t, 1, this.#outputs);
        this.#zeroRows(t, dxs);
        continue;
      }
      this.#weightGradient(t, xs, at(t), this.#of(dr!, t));
      const [outputs, to] = [this.#outputs, this.#row(db!, t, this.#outputs)];
      this.#backend.engine.run("sumColumns", outputs, at(t), to, sizes[t]!, outputs, 1);
      if (dx) this.#back(at(t), this.#of(roots!, t), dx, sizes[t]!, false);
    }
    for (const [r, { source, target, matrix }] of relations.entries()) {
      const own = this.#of(dw!, r);
      if (target >= this.#types) {
        this.#zero(dw!, r * this.#inputs, this.#inputs, this.#outputs);
        continue;
      }
      const { matrix: turned } = matrix.transposed();
      const w = this.#of(weights!, r);
      const { x, dx } = this.#dense(source, xs, dxs);
      if (this.#places[source]!.kind === "unit") {
        this.#sums(turned, at(target), own, this.#outputs);
      } else if (this.#sumsFirst(source)) {
        // Computed again, because a row of inputs per node and relation would have to be kept.
        this.#scratch(sizes[target]!, this.#inputs, (sums) => {
          this.#sums(matrix, x, sums, this.#inputs);
          this.#transposedProduct(sums, at(target), own, sizes[target]!);
          if (!dx) return;
          this.#back(at(target), w, sums, sizes[target]!, false);
          this.#add(turned, sums, dx, this.#inputs);
        });
      } else {
        this.#scratch(sizes[source]!, this.#outputs, (sent) => {
          this.#sums(turned, at(target), sent, this.#outputs);
          this.#weightGradient(source, xs, sent, own);
          if (dx) this.#back(sent, w, dx, sizes[source]!, true);
        });
      }
    }
    return [dw!, dr!, db!, ...dxs].map(asTensor);
  }

  #rows(): number {
    return this.#graph.sizes.slice(0, this.#types).reduce((sum, size) => sum + size, 0);
  }

  #row(tensor: tf.TensorInfo, row: number, columns: number): number {
    return this.#backend.address(tensor) + 4 * row * columns;
  }

  /** The address of a relation's or a type's matrix among all of them. */
  #of(matrices: tf.TensorInfo, k: number): number {
    return this.#row(matrices, k * this.#inputs, this.#outputs);
  }

  #dense(type: number, xs: readonly tf.Tensor[], dxs: readonly tf.TensorInfo[] = []): Dense {
    const place = this.#places[type]!;
    if (place.kind === "constant") return { x: this.#backend.address(place.tensor), dx: 0 };
    if (place.kind !== "input") return { x: 0, dx: 0 };
    const [from, to] = [xs[place.input]!, dxs[place.input]];
    const row = (of: tf.TensorInfo) => this.#row(of, place.first, this.#inputs);
    return { x: row(from), dx: to ? row(to) : 0 };
  }

  #sumsFirst(source: number): boolean {
    const { kind } = this.#places[source]!;
    return (kind === "input" || kind === "constant") && this.#inputs < this.#outputs;
  }

  /** Y = X_t W. */
  #multiply(type: number, xs: readonly tf.Tensor[], w: number, y: number): void {
    const place = this.#places[type]!;
    if (place.kind === "unit") this.#copy(w, y, this.#inputs * this.#outputs);
    else if (place.kind === "sparse") this.#sums(place.matrix, w, y, this.#outputs);
    else {
      const rows = this.#graph.sizes[type]!;
      this.#product({ a: this.#dense(type, xs).x, b: w, out: y, rows });
    }
  }

  /** dW = X_t' dZ. */
  #weightGradient(type: number, xs: readonly tf.Tensor[], dz: number, dw: number): void {
    const place = this.#places[type]!;
    if (place.kind === "unit") this.#copy(dz, dw, this.#inputs * this.#outputs);
    else if (place.kind === "sparse")
      this.#sums(place.matrix.transposed().matrix, dz, dw, this.#outputs);
    else this.#transposedProduct(this.#dense(type, xs).x, dz, dw, this.#graph.sizes[type]!);
  }

  #product(product: Pick<DenseProduct, "a" | "b" | "out" | "rows" | "onto">): void {
    denseProduct(this.#backend, { ...product, inner: this.#inputs, columns: this.#outputs });
  }

  /** C = A' B, inputs x outputs. @param rows of A and B */
  #transposedProduct(a: number, b: number, out: number, rows: number): void {
    const sides = { rows: this.#inputs, inner: rows, columns: this.#outputs };
    denseProduct(this.#backend, { a, b, out, ...sides, transposeA: true });
  }

  /** dX = dY W', or added to what dX holds. */
  #back(dy: number, w: number, dx: number, rows: number, onto: boolean): void {
    const sides = { rows, inner: this.#outputs, columns: this.#inputs };
    denseProduct(this.#backend, { a: dy, b: w, out: dx, ...sides, transposeB: true, onto });
  }

  #sums(matrix: SparseMatrix, x: number, y: number, columns: number): void {
    const values = matrix.values.address;
    sparseProduct(this.#backend.engine, matrix, { values, x, y, columns });
  }

  /** Y = Y + A X. */
  #add(matrix: SparseMatrix, x: number, y: number, columns: number): void {
    const values = matrix.values.address;
    sparseProduct(this.#backend.engine, matrix, { values, x, y, columns, q: 1, z: y });
  }

  #copy(from: number, to: number, count: number): void {
    this.#backend.engine.run("scale", count, from, to, 1);
  }

  #zero(tensor: tf.TensorInfo, first: number, rows: number, columns: number): void {
    this.#backend.floats(tensor).fill(0, first * columns, (first + rows) * columns);
  }

  /** Fills a type's rows of the gradient of x, if it has one, with zeros. */
  #zeroRows(type: number, dxs: readonly tf.TensorInfo[]): void {
    const place = this.#places[type]!;
    if (place.kind !== "input") return;
    this.#zero(dxs[place.input]!, place.first, this.#graph.sizes[type]!, this.#inputs);
  }

  #scratch(rows: number, columns: number, use: (address: number) => void): void {
    const scratch = this.#backend.allocate([rows, columns]);
    use(this.#backend.address(scratch));
    this.#backend.disposeData(scratch.dataId);
  }
}
