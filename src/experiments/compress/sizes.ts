// The students that fit a budget: families, depths, kept features, and for each the widest and one half as wide.
import { min } from "simple-statistics";
import { OptionError } from "../../base/errors.ts";
import { grouped } from "../../display/format.ts";
import type { Graph } from "../../graph/graph.ts";
import type { GraphShape } from "../../models/model.ts";
import { createModel, findModel, type ModelConfig, modelShapes } from "../../models/registry.ts";
import { startEngine } from "../../tensor/index.ts";
import { withForward } from "../../training/evaluate.ts";
import { type GraphFacts, graphFacts } from "../../training/graph-facts.ts";
import { graphInputs, readGraph, readShape } from "../../training/inputs.ts";
import { encodeModel, savedShapes } from "../../training/model-file.ts";
import type { RunConfig } from "../../training/run.ts";
import type { StudentSize } from "../contenders.ts";

/** What a student may cost; all limits that are given hold. */
export interface Budget {
  readonly parameters?: number;
  /** Of the model's file. */
  readonly bytes?: number;
  /** Of one pass over the whole graph, on one thread of this machine. */
  readonly microseconds?: number;
}

/** A student that fits, with the time of a pass over the whole graph. */
export interface MeasuredSize {
  readonly size: StudentSize;
  readonly microseconds: number;
}

/** The families and depths that are tried, the paper's student first. */
const FAMILIES = [
  { kind: "gcnii", layers: 4 },
  { kind: "gcnii", layers: 2 },
  { kind: "gcn", layers: 2 },
  { kind: "sage", layers: 2 },
  { kind: "mlp", layers: 2 },
] as const;
const WIDTHS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128] as const;
/** Of the features; the smaller the share, the wider the student may be. */
const SHARES = [1, 1 / 4, 1 / 16] as const;
const FEWEST_FEATURES = 8;
/** The fewest passes whose quickest is a student's time, after those that only warm up. */
const PASSES = 5;
const WARM_UP = 2;
/** Small students make more passes, for so long: other programs only add to a time, and stop now and then. */
const MILLISECONDS = 30;

/** The kind's defaults at this size: what else there is changes neither the count nor the time. */
const whole = ({ model }: StudentSize): ModelConfig =>
  ({ ...findModel(model.kind).defaults, ...model }) as unknown as ModelConfig;

const product = (dims: readonly number[]): number => dims.reduce((all, side) => all * side, 1);

/** Returns the number of trained scalars. @param graph the whole graph's sizes */
export function sizeParameters(size: StudentSize, graph: GraphShape): number {
  const { parameters } = modelShapes(whole(size), readShape(size, graph));
  return [...parameters.values()].reduce((sum, dims) => sum + product(dims), 0);
}

/** Returns the length of the model file of a run. @param facts what the file keeps of the graph beside its sizes */
export function fileBytes(config: RunConfig, shape: GraphShape, facts: GraphFacts = {}): number {
  const zeros = [...savedShapes(config, shape)].map(
    ([name, dims]) => [name, { shape: dims, values: new Float32Array(product(dims)) }] as const,
  );
  // Real marks have the same length, or a letter less.
  const marks = { data: "0".repeat(16), flavour: "simd" };
  return encodeModel({ config, shape, ...facts, ...marks, parameters: new Map(zeros) }).length;
}

/**
 * Measures one pass over the whole graph, on one thread of the wasm engine, with random weights.
 * @returns microseconds of the quickest of several passes
 */
export function measuredMicroseconds(size: StudentSize, graph: Graph): number {
  startEngine("wasm", { threads: 1 });
  const own = readGraph(size, graph);
  const shape = { features: own.features.columns, classes: graph.classes };
  const model = createModel(whole(size), shape, 1);
  const forms = graphInputs(own);
  try {
    const inputs = findModel(size.model.kind).prepare(forms.value);
    const times: number[] = [];
    const until = performance.now() + MILLISECONDS;
    while (times.length < WARM_UP + PASSES || performance.now() < until) {
      const began = performance.now();
      withForward<unknown, unknown>(model, inputs, "logits", ({ logits }) => logits.dataSync());
      times.push(1000 * (performance.now() - began));
    }
    return min(times.slice(WARM_UP));
  } finally {
    forms.dispose();
    model.dispose();
  }
}

/** What fittingSizes() needs beside the budget. */
export interface SizesSubject {
  readonly graph: Graph;
  /** The graph's features, the most important first. */
  readonly ranking: readonly number[];
  /** Returns the configuration of a run that trains such a student. */
  readonly configOf: (size: StudentSize) => RunConfig;
}

/**
 * Returns the students to choose from, the paper's family with all features first if it fits.
 * @throws OptionError if not even the smallest fits
 */
export function fittingSizes(
  budget: Budget,
  { graph, ranking, configOf }: SizesSubject,
): MeasuredSize[] {
  const shape = { features: graph.features.columns, classes: graph.classes };
  const { parameters = Infinity, bytes = Infinity, microseconds = Infinity } = budget;
  const bytesOf = (config: RunConfig) => fileBytes(config, shape, graphFacts(config, graph));
  const isSmall = (size: StudentSize): boolean =>
    sizeParameters(size, shape) <= parameters &&
    (bytes === Infinity || bytesOf(configOf(size)) <= bytes);
  const found = everySize(ranking).flatMap((widths) => {
    const small = widths.filter(isSmall).map((size): MeasuredSize => {
      const time = microseconds === Infinity ? Number.NaN : measuredMicroseconds(size, graph);
      return { size, microseconds: time };
    });
    const fits = small.filter((one) => !(one.microseconds > microseconds));
    const widest = fits.at(-1);
    if (!widest) return [];
    const half = fits.findLast(({ size }) => 2 * size.model.width <= widest.size.model.width);
    return (half ? [widest, half] : [widest]).map(({ size, microseconds: time }) => ({
      size,
      microseconds: Number.isNaN(time) ? measuredMicroseconds(size, graph) : time,
    }));
  });
  if (found.length > 0) {
    // Once more: the first ones were measured while their kernels were still being compiled.
    return found.map(({ size, microseconds: time }) => ({
      size,
      microseconds: Math.min(time, measuredMicroseconds(size, graph)),
    }));
  }
  throw noneFits(graph);
}

/**
 * Refuses a budget that nothing fits, whatever the features' order.
 * @throws OptionError if the smallest student has more parameters
 */
export function checkSomeFits({ parameters = Infinity, bytes = Infinity }: Budget, graph: Graph) {
  // A file holds 4 bytes for each parameter, and more.
  if (smallestSize(graph) > Math.min(parameters, bytes / 4)) throw noneFits(graph);
}

function noneFits(graph: Graph): OptionError {
  const least = grouped(smallestSize(graph));
  return new OptionError(
    `no student of ${graph.name} fits: the smallest that is tried has ${least} parameters; allow more`,
  );
}

/** The parameters of the smallest student that is tried. */
function smallestSize({ features: { columns }, classes }: Graph): number {
  const shape = { features: columns, classes };
  const sizes = everySize(Array.from({ length: columns }, (_, k) => k));
  return Math.min(...sizes.map(([size]) => sizeParameters(size!, shape)));
}

/** Every student that may be tried, by features kept and family, the narrowest first. @param ranking as in SizesSubject */
function everySize(ranking: readonly number[]): StudentSize[][] {
  const all = ranking.length;
  const counts = SHARES.map((share) => Math.ceil(share * all));
  const kept = [...new Set(counts.map((count) => Math.min(all, Math.max(FEWEST_FEATURES, count))))];
  return kept.flatMap((count) =>
    FAMILIES.map((family) =>
      WIDTHS.map(
        (width): StudentSize => ({
          model: { ...family, width },
          ...(count < all && { features: ranking.slice(0, count).sort((a, b) => a - b) }),
        }),
      ),
    ),
  );
}
