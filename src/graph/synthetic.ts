// The embedded dataset: a seeded citation graph that resembles Cora and needs no files.
import { type Csr, csrFromPairs } from "./csr.ts";
import type { Graph } from "./graph.ts";
import { type RandomStream, randomStream, shuffle } from "./random.ts";

/** Cora's own counts: papers per class, words, citations. */
const CLASS_SIZES = [351, 217, 418, 818, 426, 298, 180] as const;
const WORDS = 1433;
const EDGES = 5278;

/**
 * Share of papers that cite and read like a class other than their label. It keeps even a perfect
 * reader of graph and words below 100 %, as in Cora.
 */
const MISFILED = 0.09;
/** Chance that a citation stays within the class that the paper reads like; otherwise it goes anywhere. */
const WITHIN = 0.92;
/** Chance that a citation goes to a citation's citation, which closes triangles, as papers do. */
const CLOSURE = 0.35;
/** Words per paper: uniform between these, mean 18 as in Cora. */
const FEWEST_WORDS = 9;
const MOST_WORDS = 27;
/** Chance that a word comes from the class's vocabulary rather than from the whole language. */
const TOPICAL = 0.44;
/** Words in a class's vocabulary; vocabularies overlap. */
const TOPIC_WORDS = 250;

/**
 * Makes the graph of a seed: 2,708 nodes, 10,556 arcs, 1,433 binary features, 7 classes of Cora's sizes,
 * degree-corrected blocks (a few papers are cited some hundred times), edge homophily 0.80 (Cora
 * 0.81). It uses only +, -, x, / and square roots, so that every machine gets the same bits.
 *
 * @param seed a whole number, 0 .. 2^32 - 1.
 */
export function syntheticGraph(seed: number): Graph {
  const random = randomStream(seed);
  const labels = drawLabels(random);
  const topics = drawTopics(labels, random);
  return {
    name: "synthetic",
    nodes: labels.length,
    classes: CLASS_SIZES.length,
    adjacency: drawCitations(topics, random),
    features: drawWords(topics, random),
    labels,
  };
}

function drawLabels(random: RandomStream): Int32Array {
  const labels = Int32Array.from(CLASS_SIZES.flatMap((size, c) => Array<number>(size).fill(c)));
  shuffle(labels, random);
  return labels;
}

/** Draws what each paper is about: its label, or for a misfiled one the label of a random paper. */
function drawTopics(labels: Int32Array, random: RandomStream): Int32Array {
  return labels.map((label) =>
    random.uniform() < MISFILED ? labels[random.below(labels.length)]! : label,
  );
}

/**
 * Draws one citation from each paper, then from papers drawn by their fame, until there are EDGES. Fame
 * is u^(-3/4), a power law: P(fame > t) = t^(-4/3).
 */
function drawCitations(topics: Int32Array, random: RandomStream): Csr {
  const nodes = topics.length;
  const fame = Float64Array.from(topics, () => {
    const root = Math.sqrt(random.uniform() + 1 / nodes);
    return 1 / (root * Math.sqrt(root));
  });
  const everyone = weightedChoice(fame);
  const peers = CLASS_SIZES.map((_, topic) =>
    weightedChoice(fame.map((weight, node) => (topics[node] === topic ? weight : 0))),
  );
  const neighbours: number[][] = Array.from(topics, () => []);
  const from: number[] = [];
  const to: number[] = [];
  while (from.length < EDGES) {
    const source = from.length < nodes ? from.length : everyone(random);
    const target = drawTarget(source);
    if (target === source || neighbours[source]!.includes(target)) continue;
    neighbours[source]!.push(target);
    neighbours[target]!.push(source);
    from.push(source);
    to.push(target);
  }
  return csrFromPairs(nodes, nodes, from.concat(to), to.concat(from));

  function drawTarget(source: number): number {
    const near = neighbours[source]!;
    if (near.length > 0 && random.uniform() < CLOSURE) {
      const next = neighbours[near[random.below(near.length)]!]!;
      return next[random.below(next.length)]!;
    }
    return random.uniform() < WITHIN ? peers[topics[source]!]!(random) : everyone(random);
  }
}

/** Draws each paper's words: distinct, from its topic's vocabulary or from the whole language. */
function drawWords(topics: Int32Array, random: RandomStream): Csr {
  const language = weightedChoice(Float64Array.from({ length: WORDS }, (_, rank) => zipf(rank)));
  const rankInTopic = weightedChoice(
    Float64Array.from({ length: TOPIC_WORDS }, (_, rank) => zipf(rank)),
  );
  const vocabularies = CLASS_SIZES.map(() => {
    const words = Int32Array.from({ length: WORDS }, (_, word) => word);
    shuffle(words, random);
    return words.subarray(0, TOPIC_WORDS);
  });
  const nodeOf: number[] = [];
  const wordOf: number[] = [];
  for (let node = 0; node < topics.length; node++) {
    const vocabulary = vocabularies[topics[node]!]!;
    const count = FEWEST_WORDS + random.below(MOST_WORDS - FEWEST_WORDS + 1);
    const words = new Set<number>();
    while (words.size < count) {
      const topical = random.uniform() < TOPICAL;
      words.add(topical ? vocabulary[rankInTopic(random)]! : language(random));
    }
    for (const word of words) {
      nodeOf.push(node);
      wordOf.push(word);
    }
  }
  return csrFromPairs(topics.length, WORDS, nodeOf, wordOf);
}

/** The frequency of the word at a rank, flattened at the top, as after stop-word removal. */
function zipf(rank: number): number {
  return 1 / (rank + 20);
}

/** Returns a function that draws from 0 .. weights.length - 1 in proportion to the weights. */
function weightedChoice(weights: Float64Array): (random: RandomStream) => number {
  const upTo = new Float64Array(weights.length);
  let total = 0;
  for (let k = 0; k < weights.length; k++) upTo[k] = total += weights[k]!;
  return (random) => {
    const mark = random.uniform() * total;
    let low = 0;
    let high = weights.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (upTo[middle]! > mark) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
