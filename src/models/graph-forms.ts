// A graph on the engine, in the forms that families of models read.
import { itemCount } from "../graph/check.ts";
import type { Graph } from "../graph/graph.ts";
import { rowNormalised, symmetricNormalised } from "../graph/normalise.ts";
import { SparseMatrix } from "../tensor/ops/sparse.ts";
import type { GraphInputs } from "./model.ts";

/** P. */
const propagation = ({ adjacency }: Graph): SparseMatrix =>
  SparseMatrix.from(symmetricNormalised(adjacency));

const normalisedFeatures = ({ features }: Graph): SparseMatrix =>
  SparseMatrix.from(rowNormalised(features));

/** A row for each graph with the mean of its nodes, or for each node of the first type with itself. */
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

/** Each form is made when it is first read, and shared by all models and methods on this graph. */
export class GraphForms implements GraphInputs {
  readonly graph: Graph;
  readonly #made = new Map<(graph: Graph) => { dispose(): void }, { dispose(): void }>();

  /** @param graph one that checkGraph() let pass */
  constructor(graph: Graph) {
    this.graph = graph;
  }

  get adjacency(): SparseMatrix {
    return this.form(propagation);
  }

  get features(): SparseMatrix {
    return this.form(normalisedFeatures);
  }

  get readout(): SparseMatrix | undefined {
    const { types, graphs } = this.graph;
    return types || graphs ? this.form(readoutOf) : undefined;
  }

  /** What `make` makes of the graph, once; freed with it. */
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
