// Batches of drawn parts of a graph, for models that read arcs: sampled neighbours, or random walks.
import { OptionError } from "../base/errors.ts";
import { countsIn } from "../base/options.ts";
import type { Csr } from "../graph/csr.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { symmetricNormalised } from "../graph/normalise.ts";
import { type RandomStream, randomStream } from "../graph/random.ts";
import { type GraphSample, GraphSampler } from "../graph/sample.ts";
import type { GraphInputs } from "../models/model.ts";
import { findModel, layerMaps, type ModelConfig } from "../models/registry.ts";
import { philox } from "../tensor/ops/random.ts";
import { SparseMatrix } from "../tensor/ops/sparse.ts";
import type { Batches, TrainingBatch } from "./batches.ts";
import { batchCount, type Cut, dealer, refuseOtherItems } from "./node-batches.ts";
import type { RunConfig, SamplerConfig } from "./run.ts";

/** How a graph is drawn from. */
export interface Drawn extends Omit<Cut, "kind"> {
  readonly sampler: SamplerConfig;
  readonly model: ModelConfig;
  /** Whether only the training nodes are dealt out: no method reads others. Walks meet any. */
  readonly alone: boolean;
}

/** Returns how a run draws from the graph; undefined if it does not. */
export function drawnBy(config: RunConfig, graph: Graph, split: Split): Drawn | undefined {
  const { model, method, training } = config;
  const { batch, sampler } = training;
  if (!sampler) return undefined;
  return { graph, split, size: batch ?? graph.nodes, sampler, model, alone: !method };
}

/** Tells these counters from those of dropout (small numbers) and of named streams (all bits set). */
const DRAWS = 0x73616d70;

/**
 * Draws a part of the graph for each step: a function of the seed, the epoch and the step within it. Epochs are
 * evaluated on the whole graph, with all arcs.
 *
 * `neighbours` deals the nodes out as nodeBatches() does and draws the neighbours of each batch; the batch's rows
 * are its own nodes alone. `walks` takes `size` roots a step, of which all but one are any nodes, and one a
 * training node, so that each step has a loss; the batch's rows are all nodes met.
 *
 * @param drawn with a model that passed refuseSampler()
 * @throws OptionError as nodeBatches()
 */
export function sampledBatches(whole: TrainingBatch, drawn: Drawn): Batches {
  const count = checkDrawn(drawn);
  const { ofSample } = findModel(drawn.model.kind);
  const { targetsOf } = dealer(drawn, count, drawn.alone);
  const draw = new GraphSampler(drawn.graph.adjacency);
  return {
    *epoch(seed, epoch) {
      for (const sample of samples(drawn, count, draw, seed, epoch)) {
        const nodes = sample.nodes.slice(0, sample.layers.at(-1)!.rows);
        const train = targetsOf(nodes);
        const inputs = ofSample!(whole.inputs, sample);
        const graph = new BatchGraph(sample.layers.at(-1)!, inputs as unknown as GraphInputs);
        const hasArcs = drawn.sampler.name === "walks";
        try {
          yield { inputs, nodes, targets: { train }, ...(hasArcs && { graph }) };
        } finally {
          train.dispose();
          graph.dispose();
          inputs.dispose();
        }
      }
    },
    all: () => [whole],
  };
}

/** The arcs between a batch's nodes, with the degrees that they have there; made for a method that reads them. */
class BatchGraph implements GraphInputs {
  readonly features: SparseMatrix;
  readonly #arcs: Csr;
  #adjacency: SparseMatrix | undefined;

  constructor(arcs: Csr, { features }: Pick<GraphInputs, "features">) {
    this.#arcs = arcs;
    this.features = features;
  }

  get adjacency(): SparseMatrix {
    this.#adjacency ??= SparseMatrix.from(symmetricNormalised(this.#arcs));
    return this.#adjacency;
  }

  dispose(): void {
    this.#adjacency?.dispose();
  }
}

/** Draws an epoch's parts. @param count of batches */
function* samples(
  drawn: Drawn,
  count: number,
  draw: GraphSampler,
  seed: number,
  epoch: number,
): Iterable<GraphSample> {
  const { graph, split, size, sampler, model, alone } = drawn;
  if (sampler.name === "neighbours") {
    const fanOut = countsIn(sampler.fanOut);
    let step = 0;
    for (const nodes of dealer({ graph, split }, count, alone).nodesOf(seed, epoch)) {
      yield draw.neighbours(nodes, fanOut, streamOf(seed, epoch, step++));
    }
    return;
  }
  for (let step = 0; step < sampler.steps; step++) {
    const random = streamOf(seed, epoch, step);
    const roots = Int32Array.from({ length: size }, () => random.below(graph.nodes));
    roots[0] = split.train[random.below(split.train.length)]!;
    yield draw.walks(roots, sampler.length, layerMaps(model), random);
  }
}

/** Returns the first part that a run draws. */
export function sampleOf(drawn: Drawn, draw: GraphSampler, seed: number): GraphSample {
  const [first] = samples(drawn, checkDrawn(drawn), draw, seed, 0);
  return first!;
}

const streamOf = (seed: number, epoch: number, step: number): RandomStream =>
  randomStream(philox(seed, epoch, step, DRAWS)[0]!);

/**
 * Checks what sampledBatches() is given, before anything is trained.
 * @returns the number of batches
 * @throws OptionError as sampledBatches()
 */
export function checkDrawn({ graph, split, size, sampler, alone }: Drawn): number {
  refuseOtherItems(graph);
  if (sampler.name === "walks") return sampler.steps;
  const { length } = split.train;
  return batchCount(length, alone ? 0 : graph.nodes - length, size);
}

/** @throws OptionError if a model reads no samples, or has another number of layers than the fan-out has numbers */
export function refuseSampler(model: ModelConfig, sampler: SamplerConfig, what = ""): void {
  if (!findModel(model.kind).ofSample) {
    throw new OptionError(
      `${what}${model.kind} reads the whole graph at each step: it takes no sampler`,
    );
  }
  if (sampler.name === "walks") return;
  const [{ length }, layers] = [countsIn(sampler.fanOut), layerMaps(model)];
  if (length === layers) return;
  throw new OptionError(
    `${what}the sampler's fan-out ${sampler.fanOut} is for ${length} layers, but the model has ${layers}`,
  );
}
