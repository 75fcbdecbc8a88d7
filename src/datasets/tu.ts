// Reads graphs to be classified as GIN's authors keep them: a zip with one text file, and the indices of ten folds.
import { BadFileError } from "../formats/errors.ts";
import { ZipArchive } from "../formats/zip.ts";
import type { Csr } from "../graph/csr.ts";
import type { Graph } from "../graph/graph.ts";
import { firstNodes } from "../graph/union.ts";
import type { ReadFile } from "./locate.ts";
import { arcsFromPairs, MAX_CLASSES, MAX_SIDE } from "./sparse.ts";
import type { RawSplit } from "./splits.ts";

/** What a node's features are: its tag or its degree, one-hot, or a single 1, where all nodes are alike. */
export type TuFeatures = "tag" | "degree" | "one";

/** COLLAB's text takes 84 MB; its arcs, 24.6 million. */
const MOST_BYTES = 1 << 27;
const MOST_ARCS = 1 << 26;
const FOLDS = 10;

/** @param stem of the archive and of the names in it: `MUTAG` */
export const tuFile = (stem: string): string => `tu/${stem}.zip`;

/**
 * Reads the graphs; classes, tags and degrees in the order of their numbers. Both directions of each edge are taken;
 * duplicates and self loops are not. Attributes behind a node's neighbours are left out, as GIN leaves them.
 * Source: weihua916/powerful-gnns, util.py: a line with the number of graphs; for each, a line with its nodes and
 * its class, then for each node a line with its tag, the number of its neighbours, and these, counted from 0.
 * @throws BadFileError naming the line
 */
export async function loadTu(
  name: string,
  stem: string,
  features: TuFeatures,
  read: ReadFile,
): Promise<Graph> {
  const { bytes, path } = await read(tuFile(stem));
  const member = `${stem}/${stem}.txt`;
  const text = new ZipArchive(bytes, path).read(member, MOST_BYTES);
  const where = `${path}: ${member}`;
  // The first pass checks and counts, so that the second fills arrays of the right size.
  const counts = { nodes: 0, arcs: 0 };
  const sizes: number[] = [];
  const classes: number[] = [];
  visit(text, where, {
    graph(size, label) {
      sizes.push(size);
      classes.push(label);
      counts.nodes += size;
    },
    node: () => undefined,
    arc: () => counts.arcs++,
  });
  const { nodes } = counts;
  const tags = new Int32Array(nodes);
  const [from, to] = [new Int32Array(counts.arcs), new Int32Array(counts.arcs)];
  let [first, next, node, arc] = [0, 0, -1, 0];
  visit(text, where, {
    graph(size) {
      first = next;
      next += size;
    },
    node(tag) {
      tags[++node] = tag;
    },
    arc(neighbour) {
      from[arc] = node;
      to[arc++] = first + neighbour;
    },
  });
  const adjacency = arcsFromPairs(nodes, from, to, counts.arcs);
  const { labels, names } = numbered(classes, where);
  return {
    name,
    nodes,
    classes: names.length,
    adjacency,
    features: featuresOf(features, tags, adjacency),
    labels,
    classNames: names,
    graphs: firstNodes(Int32Array.from(sizes)),
  };
}

interface Visitor {
  graph(nodes: number, label: number): void;
  node(tag: number): void;
  arc(neighbour: number): void;
}

function visit(bytes: Uint8Array, where: string, visitor: Visitor): void {
  const reader = new NumberReader(bytes, where);
  const count = reader.next("the number of graphs", MAX_SIDE);
  if (count === 0) reader.fail("no graphs");
  reader.endLine();
  let [nodes, arcs] = [0, 0];
  for (let k = 0; k < count; k++) {
    const size = reader.next(`the nodes of graph ${k}`, MAX_SIDE);
    nodes += size;
    if (size === 0) reader.fail(`graph ${k} has no nodes`);
    if (nodes > MAX_SIDE) reader.fail(`more than ${MAX_SIDE} nodes`);
    visitor.graph(size, reader.next(`the class of graph ${k}`, MAX_CLASSES));
    reader.endLine();
    for (let node = 0; node < size; node++) {
      visitor.node(reader.next("a node's tag", MAX_CLASSES));
      const neighbours = reader.next("the number of its neighbours", size);
      arcs += neighbours;
      if (arcs > MOST_ARCS) reader.fail(`more than ${MOST_ARCS} arcs`);
      for (let j = 0; j < neighbours; j++) visitor.arc(reader.next("a neighbour", size - 1));
      reader.endLine();
    }
  }
  reader.end(count);
}

const [LINE_FEED, SPACE, ZERO, NINE] = [10, 32, 48, 57];

/** Whole numbers from 0, separated by spaces, line by line. */
class NumberReader {
  readonly #bytes: Uint8Array;
  readonly #where: string;
  #at = 0;
  #line = 1;

  constructor(bytes: Uint8Array, where: string) {
    this.#bytes = bytes;
    this.#where = where;
  }

  /** The line's next number. @param what it is, for messages */
  next(what: string, most: number): number {
    const bytes = this.#bytes;
    while (this.#isBlank()) this.#at++;
    const start = this.#at;
    let number = 0;
    for (; ; this.#at++) {
      const byte = bytes[this.#at];
      if (byte === undefined || byte < ZERO || byte > NINE) break;
      number = 10 * number + byte - ZERO;
      if (number > most) this.fail(`${what} is more than ${most}`);
    }
    const ends = this.#at === bytes.length || this.#isBlank() || bytes[this.#at] === LINE_FEED;
    if (this.#at === start || !ends) this.fail(`${what} is expected, a whole number from 0`);
    return number;
  }

  /** Goes to the next line, past whatever else this one has. */
  endLine(): void {
    const end = this.#bytes.indexOf(LINE_FEED, this.#at);
    this.#at = end < 0 ? this.#bytes.length : end + 1;
    this.#line++;
  }

  /** @throws BadFileError if there is more than blank lines */
  end(graphs: number): void {
    while (this.#isBlank() || this.#bytes[this.#at] === LINE_FEED) this.#at++;
    if (this.#at < this.#bytes.length)
      this.fail(`there is more after the last of ${graphs} graphs`);
  }

  fail(fault: string): never {
    throw new BadFileError(this.#where, `line ${this.#line}: ${fault}`);
  }

  #isBlank(): boolean {
    const byte = this.#bytes[this.#at];
    return byte !== undefined && byte <= SPACE && byte !== LINE_FEED;
  }
}

/** Classes from 0 in the order of their numbers. */
function numbered(
  given: readonly number[],
  where: string,
): { labels: Int32Array; names: string[] } {
  const distinct = [...new Set(given)].sort((a, b) => a - b);
  if (distinct.length < 2) throw new BadFileError(where, "all graphs have one class");
  const places = new Map(distinct.map((label, place) => [label, place]));
  return {
    labels: Int32Array.from(given, (label) => places.get(label)!),
    names: distinct.map(String),
  };
}

function featuresOf(kind: TuFeatures, tags: Int32Array, adjacency: Csr): Csr {
  const { rows, indptr } = adjacency;
  const degrees = () => Int32Array.from({ length: rows }, (_, k) => indptr[k + 1]! - indptr[k]!);
  const values = kind === "tag" ? tags : kind === "degree" ? degrees() : new Int32Array(rows);
  const distinct = Int32Array.from(new Set(values)).sort();
  const places = new Map(Array.from(distinct, (value, place) => [value, place]));
  return {
    rows,
    columns: distinct.length,
    indptr: Int32Array.from({ length: rows + 1 }, (_, k) => k),
    indices: values.map((value) => places.get(value)!),
  };
}

/**
 * The split of one of ten folds: its graphs are the test set, those of the next fold the validation set. The
 * authors have no validation set, and tell the best epoch by the test set. The folds are of one size: up to nine
 * graphs are in none, and always train.
 * @param index 0 .. 9
 */
export async function tuFold(
  stem: string,
  index: number,
  graphs: number,
  read: ReadFile,
): Promise<RawSplit> {
  const { bytes, path } = await read(tuFile(stem));
  const archive = new ZipArchive(bytes, path);
  const foldOf = new Int8Array(graphs).fill(-1);
  for (let fold = 0; fold < FOLDS; fold++) {
    const member = `${stem}/10fold_idx/test_idx-${fold + 1}.txt`;
    const text = Buffer.from(archive.read(member)).toString("latin1");
    for (const [k, line] of text.split("\n").entries()) {
      if (line.trim() === "") continue;
      const graph = /^\s*\d{1,9}\s*$/.test(line) ? Number(line) : graphs;
      const fault =
        graph >= graphs
          ? `no graph of 0 to ${graphs - 1}`
          : foldOf[graph]! >= 0
            ? `graph ${graph} is in two folds`
            : undefined;
      if (fault !== undefined)
        throw new BadFileError(`${path}: ${member}`, `line ${k + 1}: ${fault}`);
      foldOf[graph] = fold;
    }
  }
  const all = Int32Array.from({ length: graphs }, (_, k) => k);
  const validation = (index + 1) % FOLDS;
  return {
    train: all.filter((graph) => foldOf[graph] !== index && foldOf[graph] !== validation),
    val: all.filter((graph) => foldOf[graph] === validation),
    test: all.filter((graph) => foldOf[graph] === index),
  };
}
