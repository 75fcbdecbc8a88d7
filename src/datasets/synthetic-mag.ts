// A made graph with the shape of ogbn-mag: its types, relations and counts at any scale, from a seed, in linear time.
import { checkKeys, checkValues, type Legal } from "../base/arguments.ts";
import { type Csr, mergedRows, transpose } from "../graph/csr.ts";
import type { Graph, NodeType, Relation } from "../graph/graph.ts";
import { type RandomStream, randomStream, shuffle } from "../graph/random.ts";
import { unionOf } from "../graph/union.ts";
import { madeFeatures } from "./made-features.ts";
import type { RawSplit } from "./splits.ts";

/** ogbn-mag's own counts (snap-stanford/ogb, `ogb/io/read_graph_raw.py`; the sums are ABKD's table 2). */
const NODES = { paper: 736389, author: 1134649, field_of_study: 59965, institution: 8740 } as const;
const CLASSES = 349;
const FEATURES = 128;
/** Papers by OGB's split by year. */
const SPLIT = { train: 629571, val: 64879 } as const;

type TypeName = keyof typeof NODES;

/** How a relation's arcs are drawn: each node of `by` draws some of `other`. */
interface Law {
  readonly name: string;
  readonly source: TypeName;
  readonly target: TypeName;
  readonly arcs: number;
  readonly by: TypeName;
  readonly other: TypeName;
  /** A node is drawn by rank n u^power: popularity falls as rank^-(1 - 1/power), a power law of degrees. */
  readonly power: 2 | 3;
  /** The chance that a draw stays within the class of the node that draws. */
  readonly within: number;
}

/**
 * The counts are Mag's. Powers and chances are assumptions: the real graph was not to be had when they were chosen.
 * They are of the size of Arxiv's (its citations stay in the class 0.66 of the time; 1 % go to one paper).
 */
const LAWS: readonly Law[] = [
  {
    ...{ name: "affiliated_with", source: "author", target: "institution", arcs: 1043998 },
    ...{ by: "author", other: "institution", power: 2, within: 0.3 },
  },
  {
    ...{ name: "writes", source: "author", target: "paper", arcs: 7145660 },
    ...{ by: "paper", other: "author", power: 2, within: 0.7 },
  },
  {
    ...{ name: "cites", source: "paper", target: "paper", arcs: 5416271 },
    ...{ by: "paper", other: "paper", power: 3, within: 0.6 },
  },
  {
    ...{ name: "has_topic", source: "paper", target: "field_of_study", arcs: 7505078 },
    ...{ by: "paper", other: "field_of_study", power: 3, within: 0.5 },
  },
];

/** Below this, a paper would have more topics than there are. */
const LEAST_SCALE = 1 / 1000;

export interface SyntheticMagOptions {
  /** The share of Mag's nodes and arcs, from 1/1000 to 1; by default 1/100. */
  readonly scale?: number;
  /** A whole number, 0 .. 2^32 - 8. */
  readonly seed?: number;
}

const LEGAL_OPTIONS: Readonly<Record<keyof SyntheticMagOptions, Legal>> = {
  scale: {
    words: "a number from 0.001 to 1",
    is: (value) => typeof value === "number" && value >= LEAST_SCALE && value <= 1,
  },
  seed: {
    words: "a whole number from 0 to 4294967288",
    is: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 4294967288,
  },
};

/**
 * Makes the graph of a seed: papers (classified, 349 classes, 128 made features), authors, fields and institutions;
 * each relation has exactly its share of Mag's arcs, all distinct, no paper cites itself. It uses only +, -, x, /
 * and square roots, so every machine gets the same bits. Time is linear in the arcs. Memory at the full scale, with
 * 1,939,743 nodes and 21,111,007 arcs: 84 MB for the relations, 169 MB for their union, 754 MB for the features, and
 * at most 0.4 GB besides while it is made.
 *
 * @throws OptionError for another scale or seed
 */
export function syntheticMag(options: SyntheticMagOptions = {}): Graph {
  checkKeys(options, Object.keys(LEGAL_OPTIONS), "the options of syntheticMag");
  checkValues(options, LEGAL_OPTIONS, "syntheticMag");
  const { scale = 1 / 100, seed = 2310 } = options;
  const share = (count: number): number => Math.max(1, Math.round(count * scale));
  const groups = {} as Record<TypeName, Group>;
  for (const [k, type] of (Object.keys(NODES) as TypeName[]).entries()) {
    groups[type] = drawGroup(share(NODES[type]), randomStream(seed + 1 + k));
  }
  const types: NodeType[] = Object.entries(groups).map(([name, group]) => ({
    name,
    nodes: group.classOf.length,
  }));
  const random = randomStream(seed);
  const relations = LAWS.map((law): Relation => {
    const { name, source, target, by, other } = law;
    const loops = by === other;
    const drawn = drawArcs(groups[by], groups[other], share(law.arcs), law, loops, random);
    // Drawn by its targets, a relation is as it should be; drawn by its sources, it is turned.
    const arcs = by === target && !loops ? drawn : transpose(drawn).matrix;
    return { name, source, target, arcs };
  });
  const labels = groups.paper.classOf;
  const nodes = types.reduce((sum, type) => sum + type.nodes, 0);
  const recipe = { columns: FEATURES, separation: 0.17, seed: seed + 7 };
  return {
    name: "synthetic-mag",
    nodes,
    classes: CLASSES,
    adjacency: unionOf(relations, types),
    features: madeFeatures(labels, CLASSES, recipe, nodes),
    featuresAsIs: true,
    labels,
    types,
    relations,
  };
}

/** Shares out the papers as OGB's split by year does, at random. */
export function syntheticMagSplit(papers: number, seed = 2310): RawSplit {
  const order = Int32Array.from({ length: papers }, (_, paper) => paper);
  shuffle(order, randomStream(seed));
  const train = Math.round((papers * SPLIT.train) / NODES.paper);
  const val = train + Math.round((papers * SPLIT.val) / NODES.paper);
  return {
    train: order.slice(0, train).sort(),
    val: order.slice(train, val).sort(),
    test: order.slice(val).sort(),
  };
}

/** The nodes of a type: their classes, and who is drawn first. */
interface Group {
  readonly classOf: Int32Array;
  /** All nodes, the most popular first. */
  readonly order: Int32Array;
  /** The same, class by class, and where each class begins. */
  readonly byClass: Int32Array;
  readonly first: Int32Array;
}

/** Class c has the share of the ranks from c / 349 to (c + 1) / 349, squared: the first has 5 %, the last 0.1 %. */
function drawGroup(nodes: number, random: RandomStream): Group {
  const classOf = new Int32Array(nodes);
  const order = new Int32Array(nodes);
  const first = new Int32Array(CLASSES + 1);
  for (let node = 0; node < nodes; node++) {
    const u = random.uniform();
    const c = Math.floor(CLASSES * u * u);
    classOf[node] = c;
    first[c + 1]!++;
    order[node] = node;
  }
  shuffle(order, random);
  for (let c = 0; c < CLASSES; c++) first[c + 1]! += first[c]!;
  const next = first.slice(0, CLASSES);
  const byClass = new Int32Array(nodes);
  for (const node of order) byClass[next[classOf[node]!]!++] = node;
  return { classOf, order, byClass, first };
}

/**
 * How many arcs each of some nodes has, `arcs` in all: in proportion to u^(-1/4), at least roughly, so that the
 * largest of a million has 24 times the mean.
 */
function drawDegrees(nodes: number, arcs: number, random: RandomStream): Int32Array {
  const upTo = new Float64Array(nodes + 1);
  for (let k = 0; k < nodes; k++) {
    upTo[k + 1] = upTo[k]! + 1 / Math.sqrt(Math.sqrt(random.uniform() + 1e-9));
  }
  const unit = arcs / upTo[nodes]!;
  const starts = new Int32Array(nodes + 1);
  for (let k = 1; k < nodes; k++) starts[k] = Math.floor(upTo[k]! * unit);
  starts[nodes] = arcs;
  return starts;
}

/** After so many draws of nodes that it has already, a node takes the next that it lacks. */
const TRIES = 32;

/** Draws a row for each node of `by`: distinct nodes of `other`. */
function drawArcs(
  by: Group,
  other: Group,
  arcs: number,
  { power, within }: Law,
  loops: boolean,
  random: RandomStream,
): Csr {
  const rows = by.classOf.length;
  const columns = other.classOf.length;
  const indptr = drawDegrees(rows, arcs, random);
  const indices = new Int32Array(arcs);
  // The last row that drew a node, counted from 1.
  const drawnBy = new Int32Array(columns);
  const rank = (size: number): number => {
    const u = random.uniform();
    return Math.floor(size * u * u * (power === 3 ? u : 1));
  };
  for (let r = 0; r < rows; r++) {
    const c = by.classOf[r]!;
    const begin = other.first[c]!;
    const peers = other.first[c + 1]! - begin;
    if (loops) drawnBy[r] = r + 1;
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      let node = -1;
      for (let tries = 0; tries < TRIES; tries++) {
        const near = peers > 0 && random.uniform() < within;
        const found = near ? other.byClass[begin + rank(peers)]! : other.order[rank(columns)]!;
        if (drawnBy[found] === r + 1) continue;
        node = found;
        break;
      }
      for (let at = random.below(columns); node < 0; at = (at + 1) % columns) {
        if (drawnBy[at] !== r + 1) node = at;
      }
      drawnBy[node] = r + 1;
      indices[k] = node;
    }
  }
  return mergedRows(columns, indptr, indices);
}
