// A graph on the engine, in the forms that the model families read.
import * as tf from "@tensorflow/tfjs";
import { itemCount } from "../graph/check.ts";
import type { Graph } from "../graph/graph.ts";
import { modelFeatures, symmetricNormalised } from "../graph/normalise.ts";
import type { GatScales } from "../tensor/ops/gat.ts";
import { SparseMatrix } from "../tensor/ops/sparse.ts";
import type { GraphInputs } from "./model.ts";
import { RelationalForms } from "./relational.ts";

/** Makes P = D^-1/2 (A + I) D^-1/2. */
const propagation = ({ adjacency }: Graph): SparseMatrix =>
  SparseMatrix.from(symmetricNormalised(adjacency));

const readFeatures = (graph: Graph): SparseMatrix => SparseMatrix.ofFeatures(modelFeatures(graph));

/** Makes A + I. */
function withLoops({ adjacency }: Graph): SparseMatrix {
  const { values: _, ...entries } = symmetricNormalised(adjacency);
  return SparseMatrix.from(entries);
}

function presentFeatures({ features: { values, ...entries } }: Graph): SparseMatrix {
  const ones = values && { values: values.map((x) => Number(x !== 0)) };
  return SparseMatrix.ofFeatures({ ...entries, ...ones });
}

/** Makes one row per graph, the mean of its nodes, or one per node of the first type, the node itself. */
function readoutOf({ nodes, types, graphs }: Graph): SparseMatrix {
  const items = itemCount({ nodes, types, graphs });
  const first = (item: number): number => (graphs ? (graphs[item] ?? nodes) : item);
  const indptr = Int32Array.from({ length: items + 1 }, (_, item) => first(item));
  const indices = Int32Array.from({ length: indptr[items]! }, (_, node) => node);
  const values = new Float32Array(indices.length);
  for (let item = 0; item < items; item++) {
    values.fill(1 / (first(item + 1) - first(item)), first(item), first(item + 1));
  }
  return SparseMatrix.from({ rows: items, columns: nodes, indptr, indices, values });
}

/** The factors of `degreeScales`. */
class DegreeScales implements GatScales {
  readonly source: tf.Tensor1D;
  readonly target: tf.Tensor1D;

  constructor({ adjacency: { rows, indptr } }: Graph) {
    const roots = Float32Array.from({ length: rows }, (_, r) =>
      Math.sqrt(indptr[r + 1]! - indptr[r]! + 1),
    );
    this.source = tf.keep(tf.tensor1d(roots.map((root) => 1 / root)));
    this.target = tf.keep(tf.tensor1d(roots));
  }

  dispose(): void {
    tf.dispose([this.source, this.target]);
  }
}

const degreeScales = (graph: Graph): DegreeScales => new DegreeScales(graph);

const relationalForms = (graph: Graph): RelationalForms => new RelationalForms(graph);

/** Makes each form when it is first read; all models and methods on this graph share it. */
export class GraphForms implements GraphInputs {
  readonly graph: Graph;
  readonly #made = new Map<(graph: Graph) => { dispose(): void }, { dispose(): void }>();

  /** @param graph a graph that passed checkGraph() */
  constructor(graph: Graph) {
    this.graph = graph;
  }

  get adjacency(): SparseMatrix {
    return this.form(propagation);
  }

  get features(): SparseMatrix {
    return this.form(readFeatures);
  }

  /** d^-1/2 and d^1/2 of each node, with d its degree in A + I. */
  get degreeScales(): GatScales {
    return this.form(degreeScales);
  }

  /** The features and the arcs by type and relation. */
  get relational(): RelationalForms {
    return this.form(relationalForms);
  }

  /** A + I: each node's neighbours and itself. */
  get neighbours(): SparseMatrix {
    return this.form(withLoops);
  }

  /** nodes x features, 1 where a feature is not 0. */
  get present(): SparseMatrix {
    return this.form(presentFeatures);
  }

  get readout(): SparseMatrix | undefined {
    const { types, graphs } = this.graph;
    return types || graphs ? this.form(readoutOf) : undefined;
  }

  /** Returns what `make` makes of the graph. It is made once, and freed with these forms. */
  form<T extends { dispose(): void }>(make: (graph: Graph) => T): T {
    const made = (this.#made.get(make) as T | undefined) ?? make(this.graph);
    this.#made.set(make, made);
    return made;
  }

  dispose(): void {
    for (const form of this.#made.values()) form.dispose();
    this.#made.clear();
  }
}
