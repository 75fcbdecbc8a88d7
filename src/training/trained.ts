// What a training changes: parameters by name, copied out of the engine and put back into it.
import * as tf from "@tensorflow/tfjs";
import { FormatError } from "../formats/safetensors.ts";
import type { Parameter } from "../models/model.ts";
import { read as numbersOf } from "../tensor/ops/elements.ts";
import type { Values } from "./checkpoint.ts";
import type { TrainingTask } from "./train.ts";

/**
 * The model's parameters and buffers and the method's parameters, by name. The optimiser refuses two
 * parameters with one name; it does not know the buffers.
 */
export type Trained = ReadonlyMap<string, Parameter>;

export function trainedParameters({
  model,
  distillation,
}: Pick<TrainingTask, "model" | "distillation">): Trained {
  const own = [...model.parameters, ...(model.buffers ?? [])];
  const all = [...own, ...(distillation?.parameters ?? [])];
  return new Map(all.map((parameter) => [parameter.name, parameter]));
}

/** Copies the parameters' numbers, into the arrays of `into` if those are given. */
export function read(trained: Trained, into?: Values): Values {
  if (!into) {
    return new Map(
      [...trained].map(([name, { variable }]) => [name, variable.dataSync<"float32">()]),
    );
  }
  for (const [name, { variable }] of trained) into.get(name)!.set(numbersOf(variable));
  return into;
}

/** @throws FormatError if names or sizes differ from the parameters'. */
export function refuseOthers(trained: Trained, values: Values): void {
  for (const [name, { variable }] of trained) {
    const length = values.get(name)?.length;
    if (length === variable.size) continue;
    throw new FormatError(
      `the checkpoint is damaged: "${name}" has ${length ?? "no"} numbers, not ${variable.size}`,
    );
  }
}

/** @throws FormatError as refuseOthers */
export function assign(trained: Trained, values: Values): void {
  refuseOthers(trained, values);
  for (const [name, { variable }] of trained) {
    tf.tidy(() => variable.assign(tf.tensor(values.get(name)!, variable.shape)));
  }
}
