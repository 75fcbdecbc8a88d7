// A graph on the engine, in the forms that families of models read.
import type { Graph } from "../graph/graph.ts";
import { rowNormalised, symmetricNormalised } from "../graph/normalise.ts";
import { SparseMatrix } from "../tensor/ops/sparse.ts";
import type { GraphInputs } from "./model.ts";

/** P. */
const propagation = ({ adjacency }: Graph): SparseMatrix =>
  SparseMatrix.from(symmetricNormalised(adjacency));

const normalisedFeatures = ({ features }: Graph): SparseMatrix =>
  SparseMatrix.from(rowNormalised(features));

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
