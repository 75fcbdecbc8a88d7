// Reorders a graph and its splits, and brings per-node values back to the original order.
import { refuse } from "../base/arguments.ts";
import { checkGraph, InputError, nodesFault } from "./check.ts";
import { takeCsrRows } from "./csr.ts";
import type { Graph, Split } from "./graph.ts";

/** An order of a graph's nodes. */
export class NodeOrder {
  /** The node at each position, by the dataset's numbering. */
  readonly nodes: Int32Array;
  /** The position of each node, by the dataset's numbering. */
  readonly #position: Int32Array;

  /**
   * @param nodes each node once, e.g. localityOrder(graph.adjacency)
   * @throws RangeError unless it is an order of 0 .. n - 1
   */
  constructor(nodes: Int32Array) {
    if (!(nodes instanceof Int32Array)) refuse(nodes, "NodeOrder: nodes", "an Int32Array");
    const position = new Int32Array(nodes.length).fill(-1);
    for (const [at, node] of nodes.entries()) {
      if (position[node] !== -1) {
        throw new RangeError(
          `not an order of ${nodes.length} nodes: ${node} is out of range or repeated`,
        );
      }
      position[node] = at;
    }
    this.nodes = nodes;
    this.#position = position;
  }

  /**
   * Returns the graph with its nodes in this order.
   * @throws RangeError for another number of nodes; InputError for an invalid graph, or one whose
   *   nodes are ordered by type or by graph
   */
  graph(graph: Graph): Graph {
    this.#check(graph.nodes, graph.name);
    checkGraph(graph);
    if (graph.types || graph.graphs) {
      const parts = graph.types ? "types" : "graphs";
      throw new InputError(
        `${graph.name}: its nodes are ordered by their ${parts}; leave their order as it is`,
      );
    }
    const adjacency = takeCsrRows(graph.adjacency, this.nodes);
    const indices = adjacency.indices.map((node) => this.#position[node]!);
    for (let r = 0; r < graph.nodes; r++) {
      indices.subarray(adjacency.indptr[r], adjacency.indptr[r + 1]).sort();
    }
    return {
      ...graph,
      adjacency: { ...adjacency, indices },
      features: takeCsrRows(graph.features, this.nodes),
      labels: this.nodes.map((node) => graph.labels[node]!),
      ...(graph.nodeNames && { nodeNames: Array.from(this.nodes, (n) => graph.nodeNames![n]!) }),
      ...(graph.labelSets && { labelSets: takeCsrRows(graph.labelSets, this.nodes) }),
      ...(graph.classless && { classless: this.#set(graph.classless) }),
    };
  }

  /**
   * Renumbers a split of the original graph into this order.
   * @throws InputError for a node that is not in the graph
   */
  split(split: Split): Split {
    const [train, val, test] = [split.train, split.val, split.test].map((set) => this.#set(set));
    return { ...split, train: train!, val: val!, test: test! };
  }

  /**
   * Brings per-node values in this order, such as predictions, back to the dataset's order.
   * @param values nodes x width, row by row
   */
  restored<T extends Int32Array | Float32Array>(values: T): T {
    const nodes = this.nodes.length;
    const width = nodes === 0 ? 0 : values.length / nodes;
    if (!Number.isInteger(width)) this.#check(values.length, "an array");
    const out = values.slice() as T;
    for (const [at, node] of this.nodes.entries()) {
      out.set(values.subarray(at * width, (at + 1) * width), node * width);
    }
    return out;
  }

  #check(count: number, what: string): void {
    if (count === this.nodes.length) return;
    throw new RangeError(`an order of ${this.nodes.length} nodes does not fit ${what}: ${count}`);
  }

  #set(nodes: Int32Array): Int32Array {
    const fault = nodesFault(nodes, this.nodes.length);
    if (fault !== undefined) throw new InputError(`a set of nodes: ${fault}`);
    return nodes.map((node) => this.#position[node]!).sort();
  }
}
