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

/** A part of less than one node in so many is sorted. */
const FEW = 32;

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
    this.#begin(new Int32Array());
    this.#walk(roots, length, random);
    const nodes = this.#ascending();
    for (let row = 0; row < nodes.length; row++) this.#place[nodes[row]!] = row;
    const arcs = this.#between(nodes);
    this.#end();
    return { nodes, layers: Array.from({ length: layers }, () => arcs) };
  }

  #walk(roots: Int32Array, length: number, random: RandomStream): void {
    const { indptr, indices } = this.#adjacency;
    const place = this.#place;
    this.#reserve(roots.length * (length + 1));
    const nodes = this.#nodes;
    let count = 0;
    const meet = (node: number): void => {
      if (place[node] !== ABSENT) return;
      place[node] = count;
      nodes[count++] = node;
    };
    for (let k = 0; k < roots.length; k++) {
      let node = roots[k]!;
      meet(node);
      for (let step = 0; step < length; step++) {
        const first = indptr[node]!;
        const degree = indptr[node + 1]! - first;
        if (degree === 0) break;
        node = indices[first + random.below(degree)]!;
        meet(node);
      }
    }
    this.#count = count;
  }

  /** The nodes so far in ascending order. */
  #ascending(): Int32Array {
    const count = this.#count;
    if (count * FEW < this.#place.length) return this.#nodes.slice(0, count).sort();
    // Looking at all nodes is faster than a sort of many.
    const nodes = new Int32Array(count);
    for (let node = 0, k = 0; k < count; node++)
      if (this.#place[node] !== ABSENT) nodes[k++] = node;
    return nodes;
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
    this.#reserve(this.#count + 1);
    this.#nodes[this.#count] = node;
    this.#place[node] = this.#count;
    return this.#count++;
  }

  /** Makes room for so many nodes. */
  #reserve(count: number): void {
    if (count <= this.#nodes.length) return;
    const larger = new Int32Array(2 * count);
    larger.set(this.#nodes);
    this.#nodes = larger;
  }

  /** Draws at most `most` arcs into each node so far. */
  #drawn(most: number, random: RandomStream): Csr {
    const { indptr, indices } = this.#adjacency;
    const place = this.#place;
    const rows = this.#count;
    const starts = new Int32Array(rows + 1);
    for (let row = 0; row < rows; row++) {
      const node = this.#nodes[row]!;
      starts[row + 1] = starts[row]! + Math.min(most, indptr[node + 1]! - indptr[node]!);
    }
    this.#reserve(rows + starts[rows]!);
    const nodes = this.#nodes;
    const drawn = new Int32Array(starts[rows]!);
    let count = rows;
    for (let row = 0; row < rows; row++) {
      const begin = starts[row]!;
      const end = starts[row + 1]!;
      const first = indptr[nodes[row]!]!;
      const degree = indptr[nodes[row]! + 1]! - first;
      if (degree <= most) for (let k = 0; k < degree; k++) drawn[begin + k] = k;
      else drawSubset(drawn, begin, end, degree, random);
      for (let k = begin; k < end; k++) {
        const node = indices[first + drawn[k]!]!;
        let column = place[node]!;
        if (column === ABSENT) {
          column = count++;
          nodes[column] = node;
          place[node] = column;
        }
        drawn[k] = column;
      }
      sortRange(drawn, begin, end);
    }
    this.#count = count;
    return { rows, columns: count, indptr: starts, indices: drawn };
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
        // Written whether it counts or not: a branch that cannot be foreseen costs more.
        kept[count] = column;
        count += column === ABSENT ? 0 : 1;
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
