// Parts of a graph drawn at random, for training past memory: sampled neighbours, and random walks.
// Hamilton, Ying, Leskovec: Inductive Representation Learning on Large Graphs, NeurIPS 2017, algorithm 2 (neighbours);
// Zeng et al.: GraphSAINT, ICLR 2020, section 3.4 (random walks).
import type { Csr } from "./csr.ts";
import type { RandomStream } from "./random.ts";

/** A drawn part of a graph, as a stack of layers reads it. */
export interface GraphSample {
  /** The graph's node of each row that the first layer reads. */
  readonly nodes: Int32Array;
  /**
   * For each layer, from the first, the arcs into the nodes that it computes (rows) from those that it reads
   * (columns), without values. The computed nodes are the first of those that are read.
   */
  readonly layers: readonly Csr[];
}

/** Not in the part that is drawn. */
const ABSENT = -1;

/**
 * Draws parts of one graph, one after another; between two it keeps nothing but memory. What is drawn is a
 * function of the arguments alone.
 */
export class GraphSampler {
  readonly #adjacency: Csr;
  /** Each node's row in the part that is being drawn. */
  readonly #place: Int32Array;
  #nodes = new Int32Array(1024);
  #count = 0;

  /** @param adjacency nodes x nodes, one row per target; values are ignored */
  constructor(adjacency: Csr) {
    this.#adjacency = adjacency;
    this.#place = new Int32Array(adjacency.rows).fill(ABSENT);
  }

  /**
   * Draws neighbours of `seeds`, then neighbours of all nodes so far, and so on. A node's neighbours are drawn
   * without repetition, each equally likely; those of a node that has no more than `fanOut` are all taken.
   *
   * @param seeds nodes that there are, each once; they are the first rows
   * @param fanOut the most neighbours of a node: of the seeds, which the last layer reads, then a layer further each
   */
  neighbours(seeds: Int32Array, fanOut: readonly number[], random: RandomStream): GraphSample {
    this.#begin(seeds);
    const layers = fanOut.map((most) => this.#drawn(most, random));
    return { nodes: this.#end(), layers: layers.reverse() };
  }

  /**
   * Walks from each root, at each step to a neighbour, each equally likely, and takes all arcs between the nodes
   * that were met. A walk stays where there is no neighbour.
   *
   * @param roots nodes that there are; they may repeat
   * @param layers how many layers read the arcs
   * @returns the nodes met, ascending, each once; every layer computes all of them
   */
  walks(roots: Int32Array, length: number, layers: number, random: RandomStream): GraphSample {
    const { indptr, indices } = this.#adjacency;
    this.#begin(new Int32Array());
    for (const root of roots) {
      let node = root;
      this.#rowOf(node);
      for (let step = 0; step < length; step++) {
        const first = indptr[node]!;
        const degree = indptr[node + 1]! - first;
        if (degree === 0) break;
        node = indices[first + random.below(degree)]!;
        this.#rowOf(node);
      }
    }
    const nodes = this.#nodes.slice(0, this.#count).sort();
    for (let row = 0; row < nodes.length; row++) this.#place[nodes[row]!] = row;
    const arcs = this.#between(nodes);
    this.#end();
    return { nodes, layers: Array.from({ length: layers }, () => arcs) };
  }

  #begin(nodes: Int32Array): void {
    this.#count = 0;
    for (const node of nodes) this.#rowOf(node);
  }

  /** Returns the nodes drawn, and forgets them. */
  #end(): Int32Array {
    const nodes = this.#nodes.slice(0, this.#count);
    for (let k = 0; k < nodes.length; k++) this.#place[nodes[k]!] = ABSENT;
    return nodes;
  }

  /** Returns a node's row; a node that had none gets the next one. */
  #rowOf(node: number): number {
    const row = this.#place[node]!;
    if (row !== ABSENT) return row;
    if (this.#count === this.#nodes.length) {
      const larger = new Int32Array(2 * this.#count);
      larger.set(this.#nodes);
      this.#nodes = larger;
    }
    this.#nodes[this.#count] = node;
    this.#place[node] = this.#count;
    return this.#count++;
  }

  /** Draws at most `most` arcs into each node so far. */
  #drawn(most: number, random: RandomStream): Csr {
    const { indptr, indices } = this.#adjacency;
    const rows = this.#count;
    const starts = new Int32Array(rows + 1);
    for (let row = 0; row < rows; row++) {
      const node = this.#nodes[row]!;
      starts[row + 1] = starts[row]! + Math.min(most, indptr[node + 1]! - indptr[node]!);
    }
    const drawn = new Int32Array(starts[rows]!);
    for (let row = 0; row < rows; row++) {
      const node = this.#nodes[row]!;
      const [begin, end] = [starts[row]!, starts[row + 1]!];
      const first = indptr[node]!;
      const degree = indptr[node + 1]! - first;
      if (degree <= most) for (let k = 0; k < degree; k++) drawn[begin + k] = k;
      else drawSubset(drawn, begin, end, degree, random);
      for (let k = begin; k < end; k++) drawn[k] = this.#rowOf(indices[first + drawn[k]!]!);
      sortRange(drawn, begin, end);
    }
    return { rows, columns: this.#count, indptr: starts, indices: drawn };
  }

  /** The arcs between nodes whose places are set in their order. */
  #between(nodes: Int32Array): Csr {
    const { indptr, indices } = this.#adjacency;
    const place = this.#place;
    const starts = new Int32Array(nodes.length + 1);
    let most = 0;
    for (const node of nodes) most += indptr[node + 1]! - indptr[node]!;
    const kept = new Int32Array(most);
    let count = 0;
    for (let row = 0; row < nodes.length; row++) {
      const node = nodes[row]!;
      const end = indptr[node + 1]!;
      for (let k = indptr[node]!; k < end; k++) {
        const column = place[indices[k]!]!;
        if (column !== ABSENT) kept[count++] = column;
      }
      starts[row + 1] = count;
    }
    const side = nodes.length;
    return { rows: side, columns: side, indptr: starts, indices: kept.slice(0, count) };
  }
}

/**
 * Writes end - begin different numbers below `bound` into a range, every set of them equally likely.
 * Floyd's algorithm: Bentley, Floyd: Programming pearls: a sample of brilliance, CACM 1987.
 */
function drawSubset(
  into: Int32Array,
  begin: number,
  end: number,
  bound: number,
  random: RandomStream,
): void {
  for (let at = begin, last = bound - (end - begin); at < end; at++, last++) {
    const drawn = random.below(last + 1);
    let k = begin;
    while (k < at && into[k] !== drawn) k++;
    into[at] = k < at ? last : drawn;
  }
}

/** From this length on, the library's sort is faster than insertion. */
const LONG = 48;

function sortRange(numbers: Int32Array, begin: number, end: number): void {
  if (end - begin >= LONG) {
    numbers.subarray(begin, end).sort();
    return;
  }
  for (let k = begin + 1; k < end; k++) {
    const number = numbers[k]!;
    let to = k;
    for (; to > begin && numbers[to - 1]! > number; to--) numbers[to] = numbers[to - 1]!;
    numbers[to] = number;
  }
}
