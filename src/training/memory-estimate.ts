// Estimates the memory that a run takes, from steps on small graphs of the same kind.
import * as tf from "@tensorflow/tfjs";
import { checkGraph, itemCount } from "../graph/check.ts";
import { type Csr, csrFromPairs } from "../graph/csr.ts";
import type { Graph, Relation, Split } from "../graph/graph.ts";
import { type RandomStream, randomStream } from "../graph/random.ts";
import { GraphSampler } from "../graph/sample.ts";
import { BLOCK } from "../models/in-blocks.ts";
import { createModel, graphShape, modelShapes } from "../models/registry.ts";
import { BACKEND, mostDuring, startEngine } from "../tensor/index.ts";
import { wholeGraph } from "./batches.ts";
import { batchScores } from "./evaluate.ts";
import { readGraph } from "./inputs.ts";
import { modelParameters } from "./model-file.ts";
import { type Earlier, type PreparedRun, prepare } from "./prepared.ts";
import type { RunConfig } from "./run.ts";
import type { StoredRun } from "./run-store.ts";
import { drawnBy, sampleOf } from "./sampled-batches.ts";
import { optimiser, step } from "./step.ts";
import type { Stepper } from "./turns.ts";

/** The nodes of the small graphs: memory is taken to grow linearly, and the first one shows whether it does. */
const SMALL = [750, 1500, 3000] as const;
/** The largest share by which the first may lie off the line. */
const CURVED = 0.1;
/** Maps of a block's nodes that evaluation holds, measured. */
const BLOCK_MAPS = 8;
/** Of a program that has loaded this library and holds no graph. */
const PROGRAM = 130e6;

/** Bytes, each an estimate. */
export interface MemoryEstimate {
  /** In the engine's memory. */
  readonly engine: number;
  /** Of the process, the engine's with it. */
  readonly whole: number;
}

/**
 * Estimates the peak of a run's memory on the engine "wasm" by one step on each of three small random graphs with its
 * graph's degrees and features; of a sampled run, by the sizes of its first part too.
 *
 * @returns undefined for a small graph, for a run that has no such small form (whole graphs as items, another
 *   program's teacher, another run's weights), for one whose memory does not grow linearly with the nodes (a method
 *   that compares all pairs of some), and where this thread uses another engine
 */
export function estimateMemory(
  config: RunConfig,
  graph: Graph,
  split: Split,
): MemoryEstimate | undefined {
  if (graph.graphs || config.teacherOutputs || config.initial) return undefined;
  if (graph.nodes <= SMALL[2]) return undefined;
  const running = tf.engine().backendName;
  if (running !== undefined && running !== BACKEND) return undefined;
  if (running === undefined) startEngine("wasm");
  const read = readGraph(config, graph);
  const small = SMALL.map((nodes) => {
    const share = nodes / read.nodes;
    return measured(plain(config), smallAlike(read, share), share, split);
  });
  const at = (part: Part, nodes: number = graph.nodes): number => {
    const [second, third] = small.slice(1).map((one) => one[part]) as [number, number];
    return second + ((third - second) / (SMALL[2] - SMALL[1])) * (nodes - SMALL[1]);
  };
  const { batch, sampler } = config.training;
  const inBatches = batch !== undefined && !sampler;
  const first = small[0]!;
  if (!inBatches && Math.abs(at("step", SMALL[0]) / first.step - 1) > CURVED) return undefined;
  // A batch of nodes is as large on any graph that has more.
  const step = inBatches ? at("kept") + small[2]!.step - small[2]!.kept : at("step");
  const engine = sampler ? sampledPeak(config, graph, split, at) : Math.max(step, at("evaluation"));
  // The graph, its normalised forms on the host, and the parameters of the best epoch and its spare.
  const host = PROGRAM + 2 * graphBytes(graph) + 2 * parameterBytes(config, graph);
  return { engine, whole: engine + host };
}

/** The run with its whole graph in each step, and all features of a graph that holds only those it reads. */
function plain({ features: _, ...config }: RunConfig): RunConfig {
  const { sampler, batch, ...training } = config.training;
  const kept = sampler || batch === undefined ? training : { ...training, batch };
  return { ...config, training: kept };
}

/** @param at bytes on the whole graph, extrapolated */
function sampledPeak(
  config: RunConfig,
  graph: Graph,
  split: Split,
  at: (part: Part) => number,
): number {
  const drawn = drawnBy(config, graph, split)!;
  const { nodes, layers } = sampleOf(drawn, new GraphSampler(graph.adjacency), config.seed);
  const shape = graphShape(graph, config.model.kind);
  const { widths, endsInLogits } = modelShapes(config.model, shape).outline;
  // A step's memory is shared out among the features and the layers by their widths.
  const numbers = (rows: (l: number) => number, first: number): number =>
    widths.reduce((sum, width, l) => sum + width * rows(l), first * shape.features);
  const part = numbers((l) => layers[l]!.rows, nodes.length);
  const share = part / numbers(() => graph.nodes, graph.nodes);
  const inStep = (at("step") - at("kept")) * share;
  // Evaluation in blocks holds what a layer reads, what is sent and its map, and the maps of a block.
  const ofBlock = BLOCK_MAPS * Math.min(graph.nodes, BLOCK) * Math.max(...widths);
  const held = widths.map((width, l) => (l === 0 ? 0 : widths[l - 1]!) + 2 * width);
  // GCNII's convolutions are one operator, which evaluation does not cut into blocks.
  const inEvaluation = endsInLogits
    ? 4 * (graph.nodes * Math.max(...held) + ofBlock)
    : at("evaluation") - at("kept");
  return at("kept") + Math.max(inStep, inEvaluation);
}

/** What is measured on a small graph, in bytes: what is in place between two steps, and the most in either. */
type Part = "kept" | "step" | "evaluation";

function measured(
  config: RunConfig,
  graph: Graph,
  share: number,
  split: Split,
): Record<Part, number> {
  const own = smallSplit(graph, share, split);
  let run: PreparedRun | undefined;
  let adam: Stepper | undefined;
  try {
    let kept = 0;
    const most = mostDuring((used) => {
      run = prepare(config, graph, own, earlierOf(config, graph));
      adam = optimiser(run);
      for (const batch of (run.batches ?? wholeGraph(run)).epoch(config.seed, 0)) {
        step(run, adam, 0, { batch });
        break;
      }
      kept = used();
    });
    const { model, batches = wholeGraph(run!) } = run!;
    const evaluation = mostDuring(() => void batchScores(model, batches, ["train", "val"]));
    return { kept, step: most, evaluation: kept + evaluation };
  } finally {
    adam?.dispose();
    run?.dispose();
  }
}

/** A teacher with its initial weights, which take as much memory as trained ones. */
function earlierOf({ teacher }: RunConfig, graph: Graph): Earlier {
  if (!teacher) return {};
  const shape = graphShape(graph, teacher.model.kind);
  const model = createModel(teacher.model, shape, teacher.seed);
  const parameters = modelParameters(model);
  model.dispose();
  const { features: _, ...config } = teacher;
  return { teacher: { model: { config, shape, parameters } } as unknown as StoredRun };
}

/** Makes a random graph with a share of another's nodes, as many arcs a node, and features like its own. */
function smallAlike(graph: Graph, share: number): Graph {
  const random = randomStream(1);
  const sizes = (graph.types ?? [{ name: "node", nodes: graph.nodes }]).map(({ name, nodes }) => ({
    name,
    nodes: Math.max(1, Math.round(nodes * share)),
  }));
  const nodes = sizes.reduce((sum, type) => sum + type.nodes, 0);
  const sizeOf = (name: string) => sizes.find((type) => type.name === name)!.nodes;
  const relations = graph.relations?.map(
    ({ arcs, ...relation }): Relation => ({
      ...relation,
      arcs: randomArcs(
        [sizeOf(relation.target), sizeOf(relation.source)],
        arcs.indices.length * share,
        random,
      ),
    }),
  );
  const items = itemCount({ nodes, ...(graph.types && { types: sizes }) });
  const { labels: _, classNames: __, nodeNames: ___, classless: ____, ...rest } = graph;
  const small: Graph = {
    ...rest,
    nodes,
    adjacency: symmetric(nodes, graph.adjacency.indices.length * share, random),
    features: smallFeatures(graph, sizes, random),
    labels: Int32Array.from({ length: items }, (_, item) => item % graph.classes),
    ...(graph.types && { types: sizes }),
    ...(relations && { relations }),
    ...(graph.labelSets && {
      labelSets: randomArcs([items, graph.classes], graph.labelSets.indices.length * share, random),
    }),
  };
  checkGraph(small);
  return small;
}

function randomArcs(
  [rows, columns]: readonly [number, number],
  count: number,
  { below }: RandomStream,
): Csr {
  const length = Math.round(count);
  const draw = (bound: number) => Int32Array.from({ length }, () => below(bound));
  return csrFromPairs(rows, columns, draw(rows), draw(columns));
}

function symmetric(nodes: number, arcs: number, { below }: RandomStream): Csr {
  const [from, to]: [number[], number[]] = [[], []];
  for (let k = 0; k < arcs / 2; k++) {
    const [a, b] = [below(nodes), below(nodes)];
    if (a === b) continue;
    from.push(a, b);
    to.push(b, a);
  }
  return csrFromPairs(nodes, nodes, from, to);
}

/** As many entries a row as each type has, in random columns; unit vectors stay unit vectors. */
function smallFeatures(
  { features, nodes: all, types }: Graph,
  sizes: readonly { readonly nodes: number }[],
  random: RandomStream,
): Csr {
  const { columns, indptr, indices } = features;
  const nodes = sizes.reduce((sum, type) => sum + type.nodes, 0);
  if (columns === all && indices.length === all) {
    const places = Int32Array.from({ length: nodes + 1 }, (_, node) => node);
    return { rows: nodes, columns: nodes, indptr: places, indices: places.slice(0, nodes) };
  }
  const [rowOf, columnOf]: [number[], number[]] = [[], []];
  let [first, firstSmall] = [0, 0];
  for (const [t, { nodes: own }] of sizes.entries()) {
    const count = types?.[t]?.nodes ?? all;
    const entries = (indptr[first + count]! - indptr[first]!) / count;
    const everyColumn = entries > columns / 2;
    for (let row = firstSmall; row < firstSmall + own; row++) {
      const length = everyColumn ? columns : Math.ceil(entries);
      for (let k = 0; k < length; k++) {
        rowOf.push(row);
        columnOf.push(everyColumn ? k : random.below(columns));
      }
    }
    first += count;
    firstSmall += own;
  }
  return csrFromPairs(nodes, columns, rowOf, columnOf);
}

function smallSplit(graph: Graph, share: number, split: Split): Split {
  const items = graph.labels.length;
  let first = 0;
  const next = (set: Int32Array): Int32Array => {
    const length = Math.max(1, Math.min(Math.floor(set.length * share), items - first - 3));
    first += length;
    return Int32Array.from({ length }, (_, k) => first - length + k);
  };
  return { ...split, train: next(split.train), val: next(split.val), test: next(split.test) };
}

const csrBytes = ({ indptr, indices, values }: Csr): number =>
  4 * (indptr.length + indices.length + (values?.length ?? 0));

function graphBytes({ adjacency, features, labels, relations = [] }: Graph): number {
  const arcs = relations.reduce((sum, relation) => sum + csrBytes(relation.arcs), 0);
  return csrBytes(adjacency) + csrBytes(features) + 4 * labels.length + arcs;
}

function parameterBytes({ model }: RunConfig, graph: Graph): number {
  const { parameters } = modelShapes(model, graphShape(graph, model.kind));
  const sizes = [...parameters.values()].map((dims) => dims.reduce((size, side) => size * side, 4));
  return sizes.reduce((sum, size) => sum + size, 0);
}
