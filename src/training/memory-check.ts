// Whether a run can fit the engine's memory at all, by what it needs at the very least.
import { totalmem } from "node:os";
import type { OptionValue } from "../distillation/options.ts";
import { findMethod } from "../distillation/registry.ts";
import { UserError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { GcniiConfig, GraphShape } from "../models/gcnii.ts";
import { chooseEngine, type EngineChoice, WASM_BYTES } from "../tensor/index.ts";
import { describeRun } from "./canonical.ts";
import type { RunConfig } from "./run.ts";

/** A weight, its gradient and Adam's two moments. */
const COPIES = 4;
/** Of a map, nodes x width, beside the one that each layer keeps for the backward pass; measured 10 to 11. */
const SPARE_MAPS = 9;

/**
 * @throws UserError where the run needs more than the engine or the machine has: what it needs at the
 *   least, so that nothing is refused that would have run
 */
export function refuseTooLarge(config: RunConfig, graph: Graph, engine: EngineChoice): void {
  const bytes = 4 * leastNumbers(config, graph);
  const native = chooseEngine(engine, config.model.width) === "native";
  const machine = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const [limit, where] =
    native || machine < WASM_BYTES ? [machine, "this machine"] : [WASM_BYTES, "the engine"];
  if (bytes <= limit) return;
  const { layers, width } = config.model;
  throw new UserError(
    `${describeRun(config)}: ${layers} layers of width ${width} on ${graph.nodes} nodes need at least ` +
      `${gibibytes(bytes)} GiB, ${where} has ${gibibytes(limit)}; choose fewer layers, a smaller width` +
      `${config.method ? " or smaller options of the method" : ""}`,
  );
}

/** Of everything that is held at the same time in a step, in float32 numbers. */
function leastNumbers(config: RunConfig, graph: Graph): number {
  const { model, method, teacher } = config;
  const shape = { features: graph.features.columns, classes: graph.classes };
  const maps = (model.layers + SPARE_MAPS) * graph.nodes * model.width;
  const own = COPIES * gcniiNumbers(model, shape) + maps;
  if (!method || !teacher) return own;
  const taught = teacher.model.layers * graph.nodes * teacher.model.width;
  const options = method.options as Readonly<Record<string, OptionValue>>;
  return own + taught + (findMethod(method.name).weights?.(options, teacher.model, model) ?? 0);
}

/** f h + h + L h^2 + h c + c. */
function gcniiNumbers(
  { layers, width }: Pick<GcniiConfig, "layers" | "width">,
  { features, classes }: GraphShape,
): number {
  return (features + 1 + layers * width) * width + (width + 1) * classes;
}

function gibibytes(bytes: number): string {
  const number = bytes / 2 ** 30;
  return number < 10 ? number.toFixed(1) : Math.round(number).toLocaleString("en-US");
}
