// Which features matter: those whose rows in a trained model's first layer have the largest norms.
import { OptionError } from "../../base/errors.ts";
import type { ModelFile } from "../../training/model-file.ts";

/**
 * Ranks the features that a trained model reads by the norms of their rows in the matrices of its first layer.
 * @param model reads all features
 * @returns the columns, the largest norm first; the lower column of equals
 */
export function rankFeatures({ shape: { features }, config, parameters }: ModelFile): number[] {
  if (config.features) throw new OptionError("rankFeatures: the model reads some features only");
  const squares = new Float64Array(features);
  for (const name of FIRST.flatMap((one) => parameters.get(one) ?? [])) {
    const columns = name.values.length / features;
    for (let k = 0; k < name.values.length; k++) {
      squares[Math.floor(k / columns)]! += name.values[k]! ** 2;
    }
  }
  return Array.from(squares.keys()).sort((a, b) => squares[b]! - squares[a]! || a - b);
}

/** The names of the matrices with a row for each feature, in the kinds that the project has. */
const FIRST = ["input.weight", "layer.0.weight", "layer.0.root"];
