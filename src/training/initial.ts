// Starts a one-layer network from a trained one's weights (the paper's table 4).
import { OptionError } from "../base/errors.ts";
import { type ModelConfig, modelTitle } from "../models/registry.ts";
import type { ModelFile } from "./model-file.ts";
import type { InitialWeights, RunResult } from "./run.ts";

/**
 * Finds the student layer that most teacher layers attend to most; the first of equals.
 * @param attention A, teacher layers x student layers
 * @returns its index, counted from 0
 */
export function attendedLayer(attention: readonly (readonly number[])[]): number {
  const votes = (attention[0] ?? []).map(() => 0);
  for (const row of attention) votes[row.indexOf(Math.max(...row))]!++;
  return votes.indexOf(Math.max(...votes));
}

/**
 * Checks what is known before the donor is trained.
 * @throws OptionError if a model is not a GCNII, or if the donor lacks the layer or has another width
 */
export function checkInheritance({ from, layer }: InitialWeights, model: ModelConfig): void {
  if (from.model.kind !== "gcnii" || model.kind !== "gcnii") {
    throw new OptionError(
      `weights are copied from a GCNII into a GCNII, not from ${modelTitle(from.model)} into ` +
        modelTitle(model),
    );
  }
  const { layers, width } = from.model;
  if (model.layers !== 1 || model.width !== width) {
    throw new OptionError(
      `weights are copied from a model of width ${width} into one layer of that width, ` +
        `not into ${model.layers}L-${model.width}H`,
    );
  }
  if (layer === "attended" || (Number.isInteger(layer) && layer >= 0 && layer < layers)) return;
  throw new OptionError(
    `the run that weights are copied from has layers 0 to ${layers - 1}, not ${layer}`,
  );
}

/**
 * Returns both linear layers of a trained model and one of its convolutions, as the parameters of a
 * one-layer model. theta does not move along: in the new model it is that of a first layer.
 * @throws OptionError if the donor lacks the layer or the attention, or has another width
 */
export function inheritedParameters(
  { from, layer }: InitialWeights,
  donor: { readonly result: RunResult; readonly model: ModelFile },
  model: ModelConfig,
): ModelFile["parameters"] {
  checkInheritance({ from, layer }, model);
  const { layers } = from.model;
  const attention = donor.result.inspection?.last.matrices["attention"];
  if (layer === "attended" && attention?.[0]?.length !== layers) {
    throw new OptionError(
      `run ${donor.result.id} has no attention over its ${layers} layers to pick one by`,
    );
  }
  const picked = layer === "attended" ? attendedLayer(attention!) : layer;
  const names = ["input.weight", "input.bias", "convolution.0.weight", "output.weight"];
  return new Map(
    [...names, "output.bias"].map((name) => {
      const source = name === "convolution.0.weight" ? `convolution.${picked}.weight` : name;
      return [name, donor.model.parameters.get(source)!];
    }),
  );
}
