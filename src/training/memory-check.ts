// Refuses runs that cannot fit the memory, judging by the least that they need, or by an estimate of what they take.

import { totalmem } from "node:os";
import { UserError } from "../base/errors.ts";
import type { OptionValue } from "../base/options.ts";
import { grouped } from "../display/format.ts";
import { findMethod, studentCount } from "../distillation/registry.ts";
import type { Graph, Split } from "../graph/graph.ts";
import type { Shapes } from "../models/model.ts";
import {
  findModel,
  graphShape,
  hiddenWidth,
  layerMaps,
  modelShapes,
  modelTitle,
} from "../models/registry.ts";
import { chooseEngine, type EngineChoice, WASM_BYTES } from "../tensor/index.ts";
import { readShape } from "./inputs.ts";
import { estimateMemory } from "./memory-estimate.ts";
import type { RunConfig } from "./run.ts";
import { describeRun } from "./run-id.ts";

/** A weight, its gradient and the optimiser's two moments. */
const COPIES = 4;

/**
 * @throws UserError if the least that the run needs is more than the engine or the machine has; nothing
 *   is refused that would have run
 */
export function refuseTooLarge(config: RunConfig, graph: Graph, engine: EngineChoice): void {
  const bytes = leastBytes(config, graph);
  const native = chooseEngine(engine, hiddenWidth(config.model)) === "native";
  const machine = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const [limit, where] =
    native || machine < WASM_BYTES ? [machine, "this machine"] : [WASM_BYTES, "the engine"];
  if (bytes <= limit) return;
  throw new UserError(
    `${describeRun(config)}: ${modelTitle(config.model)} on ${graph.nodes} nodes needs at least ` +
      `${gibibytes(bytes)} GiB, but ${where} has ${gibibytes(limit)}; choose fewer layers, a smaller width` +
      `${config.method ? " or smaller options of the method" : ""}`,
  );
}

/** What is known of a run's model before memory is allocated for it. */
export function shapesOf(run: Pick<RunConfig, "model" | "features">, graph: Graph): Shapes {
  return modelShapes(run.model, readShape(run, graphShape(graph, run.model.kind)));
}

/** From so many nodes on, what a run takes is said before it begins. */
const TOLD = 50_000;

/**
 * Estimates what a run on a large graph takes, or one with a limit.
 * @param limit the most memory that a run may take, in GiB
 * @returns what is to be said before it begins, if anything
 * @throws UserError if the estimate is above the limit
 */
export function toldEstimate(
  config: RunConfig,
  { graph, split }: { readonly graph: Graph; readonly split: Split },
  engine: EngineChoice,
  limit?: number,
): string | undefined {
  if (limit === undefined && graph.nodes < TOLD) return undefined;
  if (chooseEngine(engine, hiddenWidth(config.model)) === "native") return undefined;
  const estimate = estimateMemory(config, graph, split);
  if (!estimate) return undefined;
  const about = `about ${gibibytes(estimate.whole)} GiB of memory`;
  if (limit !== undefined && estimate.whole > limit * 2 ** 30) {
    throw new UserError(
      `${describeRun(config)} takes ${about}, more than --memory-limit ${limit}; ${advice(config)}`,
    );
  }
  return `${describeRun(config)} takes ${about}`;
}

/** What makes a run smaller. */
function advice({ model, method, training }: RunConfig): string {
  const { ofNodes, ofSample } = findModel(model.kind);
  const other = method ? ", or smaller options of the method" : "";
  const smaller = `choose fewer layers or a smaller width${other}`;
  if (training.batch !== undefined) return `choose a smaller batch, or ${smaller.slice(7)}`;
  if (ofSample) return `draw parts of the graph: ${samplerFor({ model, method })}; or ${smaller}`;
  return ofNodes ? `cut the nodes into batches: --batch 1024; or ${smaller}` : smaller;
}

/** Options that draw parts of a graph for a model and a method. */
function samplerFor({ model, method }: Pick<RunConfig, "model" | "method">): string {
  const fanOut = FAN_OUT.slice(0, layerMaps(model));
  const needsArcs = method && findMethod(method.name).byBatch === "arcs";
  return needsArcs || layerMaps(model) > FAN_OUT.length
    ? "--batch 2000 --sampler walks:2:30"
    : `--batch 1024 --sampler neighbours:${fanOut}`;
}

/** GraphSAGE's fan-out, and a third layer's. */
const FAN_OUT = [15, 10, 5];

/** Returns the least bytes that a run holds at the same time, without the graph and the program. */
export function leastBytes(config: RunConfig, graph: Graph): number {
  return 4 * leastNumbers(config, graph);
}

/** Counts the float32 numbers held at the same time, when the method starts or in a step. */
function leastNumbers(config: RunConfig, graph: Graph): number {
  const { method, teacher, teacherOutputs, training } = config;
  const { nodes, classes } = graph;
  const { outline, parameters, perNode, perStep = 0 } = shapesOf(config, graph);
  const sizes = [...parameters.values()].map((dims) => dims.reduce((size, side) => size * side, 1));
  const stepNodes = Math.min(nodes, training.batch ?? nodes);
  const one = COPIES * sizes.reduce((sum, size) => sum + size, 0) + perNode * stepNodes + perStep;
  const own = studentCount(method) * one;
  if (!method || !(teacher || teacherOutputs)) return own;
  const options = method.options as Readonly<Record<string, OptionValue>>;
  const taught = teacher
    ? shapesOf(teacher, graph).outline
    : { kind: "outputs", hidden: 0, ...teacherOutputs!, classes };
  const held = findMethod(method.name).holds?.(options, taught, outline, stepNodes);
  if (!held) return own;
  return Math.max(held.start + held.trained, own + held.step + COPIES * held.trained);
}

function gibibytes(bytes: number): string {
  const number = bytes / 2 ** 30;
  return number < 10 ? number.toFixed(1) : grouped(Math.round(number));
}
