// A student without the engine: predicts in plain JavaScript, in Node and in browsers.
// This folder imports nothing else: `abkd export --format web` writes it, without its types, beside a page.
import { formed } from "./form.ts";
import { KINDS, type Kind } from "./kinds.ts";
import { addProduct, type Matrix, softmaxRows } from "./matrix.ts";
import { Region } from "./region.ts";
import {
  type AddedNode,
  addedFeatures,
  arcsOf,
  degreeIn,
  type Form,
  type Rows,
  StudentError,
  type StudentGraph,
} from "./rows.ts";

export interface Predictions {
  /** The class of each node's largest logit. */
  readonly classes: Int32Array;
  /** nodes x classes, row-major: each row's softmax. */
  readonly probabilities: Float32Array;
  /** nodes x classes, row-major. */
  readonly logits: Float32Array;
}

/** What a student needs of a model file; the scales are those of the columns that the model reads. */
export interface StudentFile extends Form {
  readonly config: {
    readonly model: { readonly kind: string };
    /** The columns that the model reads, ascending; all if absent. */
    readonly features?: readonly number[];
    readonly training?: { readonly precision?: unknown };
  };
  /** True if the model reads the features of every graph as they are. */
  readonly featuresAsIs?: boolean | undefined;
  readonly shape: { readonly features: number; readonly classes: number };
  readonly parameters: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly values: ArrayLike<number> }
  >;
}

/** What can be done with a model that only the engine runs. */
const WHOLE = "is applied to whole graphs alone: abkd predict MODEL";

/** A trained model of one of the built-in kinds. */
export class Student {
  /** The model's part of the configuration: its kind and options. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly features: number;
  readonly classes: number;
  readonly asIs: boolean | undefined;
  /** That of the features that the model learned from, if they were changed when they were imported. */
  readonly form: Form | undefined;
  /** How many edges away from a node its prediction depends on others. */
  readonly hops: number;
  readonly #kind: Kind;
  /** Of each of the graph's features its row in the first weights, or -1; undefined if all are read. */
  readonly #places: Int32Array | undefined;
  readonly #weights: ReadonlyMap<string, Matrix>;

  /** @throws StudentError for a kind of model, or a precision, that only the engine runs */
  constructor(file: StudentFile) {
    const { config, shape, featuresAsIs, parameters } = file;
    const { model, features, training } = config;
    const kind = KINDS[model.kind];
    if (training?.precision) {
      throw new StudentError(`a student of low precision ${WHOLE}`);
    }
    if (!kind) {
      const known = Object.keys(KINDS).join(", ");
      const what = `a student of the kind "${model.kind}" ${WHOLE}`;
      throw new StudentError(`${what}; single nodes are answered by ${known}`);
    }
    this.options = { ...model };
    this.features = shape.features;
    this.classes = shape.classes;
    this.asIs = featuresAsIs;
    this.form = file.featuresMade ? file : undefined;
    if (features) {
      this.#places = new Int32Array(shape.features).fill(-1);
      for (const [place, column] of features.entries()) this.#places[column] = place;
    }
    this.#kind = kind;
    this.hops = kind.hops(this.option("layers"));
    this.#weights = new Map(
      Array.from(parameters, ([name, { shape: sides, values }]) => [
        name,
        { columns: sides.at(-1) ?? 1, values: Float64Array.from(values) },
      ]),
    );
  }

  /** @throws StudentError if the configuration lacks the number */
  option(name: string): number {
    const value = this.options[name];
    if (typeof value === "number") return value;
    throw new StudentError(`the model's configuration has no number "${name}"`);
  }

  /** Returns an array that not every model of the kind has. */
  optional(name: string): Matrix | undefined {
    return this.#weights.get(name);
  }

  /** @throws StudentError if the file lacks the array */
  weight(name: string): Matrix {
    const found = this.optional(name);
    if (found) return found;
    throw new StudentError(`the model file has no array "${name}"`);
  }

  /** Predicts every node. @throws StudentError for a graph with other features */
  predict(graph: StudentGraph): Predictions {
    return this.prepare(graph).predict();
  }

  /**
   * Keeps a graph for many questions: what a node's features alone decide is computed once.
   * @throws StudentError for a graph with other features
   */
  prepare(graph: StudentGraph): PreparedGraph {
    return new PreparedGraph(this, graph);
  }

  /**
   * Returns the features that the model reads, by the rows of its weights.
   * @param form what they are to be given first: the model's, or a graph's
   */
  read(features: Rows, form?: Form): Rows {
    if (!form && !this.#places) return features;
    return formed(features, this.features, form ?? {}, this.#places, form === this.form);
  }

  /** Runs the forward pass on a region, for its nearest nodes. */
  forward(region: Region): Predictions {
    const { values: logits } = this.#kind.forward(this, region);
    return { ...softmaxRows(logits, this.classes), logits: Float32Array.from(logits) };
  }
}

const isNegative = ({ values }: Rows): boolean =>
  Array.prototype.some.call(values ?? [], (x) => x < 0);

/** A graph with which a student answers questions. */
export class PreparedGraph {
  readonly student: Student;
  readonly graph: StudentGraph;
  readonly #features: Rows;
  /** Whether some are negative. */
  readonly #signed: boolean;
  /** What added nodes' features are given. */
  readonly #form: Form | undefined;
  readonly #products = new Map<string, Matrix>();
  /** Each node's row in the region that is being made, or -1. */
  #position: Int32Array;

  constructor(student: Student, graph: StudentGraph) {
    if (!graph?.adjacency || !graph.features) {
      throw new StudentError("this is no graph, such as loadDataset() returns");
    }
    const { nodes, adjacency, features } = graph;
    if (features.columns !== student.features) {
      throw new StudentError(
        `the graph has ${features.columns} features, the model reads ${student.features}`,
      );
    }
    if (graph.graphs) throw new StudentError("whole graphs are classified with abkd's evaluate()");
    if (adjacency.indptr.length !== nodes + 1 || features.indptr.length !== nodes + 1) {
      throw new StudentError(`its rows are not those of ${nodes} nodes`);
    }
    this.student = student;
    const { asIs, form } = student;
    this.graph = asIs || form ? { ...graph, featuresAsIs: asIs } : graph;
    this.#form = form ?? (graph.featuresMade ? graph : undefined);
    this.#features = student.read(features, graph.featuresMade ? undefined : form);
    this.#signed = isNegative(this.#features);
    this.#position = new Int32Array(nodes).fill(-1);
  }

  /**
   * Predicts nodes, in the order given, from their neighbourhood alone: every degree is that of the whole
   * graph, so the result is the whole graph's.
   * @param asked nodes of the graph, then the added ones (the first is `graph.nodes`); by default all, and
   *   all together, without the added ones
   * @param added nodes that are in the graph for this question only
   * @throws StudentError for what is no node or no feature
   */
  predict(asked?: ArrayLike<number>, added: readonly AddedNode[] = []): Predictions {
    return this.student.forward(asked ? this.#region(asked, added) : this.#whole());
  }

  /** Every node's features times a weight. */
  product(name: string): Matrix {
    let found = this.#products.get(name);
    if (!found) {
      const { nodes, featuresAsIs } = this.graph;
      const weight = this.student.weight(name);
      found = { columns: weight.columns, values: new Float64Array(nodes * weight.columns) };
      for (let node = 0; node < nodes; node++) {
        addProduct(found, node, weight, this.#features, node, featuresAsIs);
      }
      this.#products.set(name, found);
    }
    return found;
  }

  #whole(): Region {
    const { nodes, adjacency } = this.graph;
    const degrees = Int32Array.from({ length: nodes }, (_, node) => degreeIn(adjacency, node));
    const copied = (name: string): Matrix => {
      const { columns, values } = this.product(name);
      return { columns, values: values.slice() };
    };
    return new Region(adjacency, degrees, () => nodes, copied);
  }

  /** Finds the nodes that the asked ones depend on, nearest first. */
  #region(asked: ArrayLike<number>, added: readonly AddedNode[]): Region {
    const { graph, student } = this;
    const arcs = arcsOf(graph, added);
    const total = graph.nodes + added.length;
    if (this.#position.length < total) this.#position = new Int32Array(total).fill(-1);
    const position = this.#position;
    const order: number[] = [];
    const reach = (node: number): number => {
      if (position[node]! < 0) position[node] = order.push(node) - 1;
      return position[node]!;
    };
    const [within, indptr, indices]: [number[], number[], number[]] = [[], [0], []];
    try {
      for (let k = 0; k < asked.length; k++) {
        const node = asked[k]!;
        if (!(Number.isInteger(node) && node >= 0 && node < total)) {
          throw new StudentError(`there is no node ${node}; nodes are 0 to ${total - 1}`);
        }
        if (position[node]! >= 0) throw new StudentError(`node ${node} is asked for twice`);
        reach(node);
      }
      within.push(order.length);
      for (let hop = 0, k = 0; hop < student.hops; hop++) {
        for (; k < within[hop]!; k++) {
          arcs.each(order[k]!, (other) => {
            indices.push(reach(other));
          });
          indptr.push(indices.length);
        }
        within.push(order.length);
      }
    } finally {
      for (const node of order) position[node] = -1;
    }
    const own = added.map(({ features }) => {
      const row = student.read(addedFeatures(features, graph.features.columns), this.#form);
      if (graph.featuresAsIs || !isNegative(row) || this.#signed) return row;
      throw new StudentError("an added node has negative features, which a row's sum would turn");
    });
    const product = (name: string): Matrix => {
      const { columns, values: all } = this.product(name);
      const out = { columns, values: new Float64Array(order.length * columns) };
      for (const [row, node] of order.entries()) {
        const k = node - graph.nodes;
        if (k < 0)
          out.values.set(all.subarray(node * columns, (node + 1) * columns), row * columns);
        else addProduct(out, row, student.weight(name), own[k]!, 0, graph.featuresAsIs);
      }
      return out;
    };
    const degrees = Int32Array.from(order, (node) => arcs.degree(node));
    // The loops are compiled for one kind of array.
    const arrays = { indptr: Int32Array.from(indptr), indices: Int32Array.from(indices) };
    return new Region(arrays, degrees, (hop) => within[hop]!, product);
  }
}
