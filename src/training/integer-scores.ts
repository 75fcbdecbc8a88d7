// What a model of low precision says in integers, beside what its simulation in float32 says.
import * as tf from "@tensorflow/tfjs";
import type { GraphInputs } from "../models/model.ts";
import { hasIntegers, IntegerModel } from "../models/precision/integer.ts";
import { Quantised } from "../models/precision/quantised.ts";
import type { ModelConfig } from "../models/registry.ts";
import { nativeIsCurrent } from "../tensor/native/backend.ts";

/** Of inference in integers. */
export interface IntegerScores<Accuracy> {
  readonly accuracy: Accuracy;
  /** How many items have another class than by the simulation. */
  readonly differing: number;
}

/**
 * Runs a model in integers; undefined if it is not of low precision, if its kind has float products, or on the
 * native engine, which has no kernels for them.
 * @param inputs what the model reads
 * @param classes the simulation's, of each item
 * @param score scores logits, items x classes
 * @throws RangeError for sums that may not fit 32 bits, UserError for ranges that were never set
 */
export function integerScores<Accuracy>(
  model: unknown,
  config: ModelConfig,
  inputs: unknown,
  classes: Int32Array,
  score: (logits: tf.Tensor2D) => Accuracy,
): IntegerScores<Accuracy> | undefined {
  if (!(model instanceof Quantised) || !hasIntegers(config.kind) || nativeIsCurrent()) {
    return undefined;
  }
  const integers = new IntegerModel(model, { ...config });
  let found: IntegerScores<Accuracy>;
  tf.tidy(() => {
    const logits = integers.logits(inputs as GraphInputs);
    const own = logits.argMax(1).dataSync();
    const differing = classes.filter((label, item) => label !== own[item]).length;
    found = { accuracy: score(logits), differing };
  });
  integers.dispose();
  return found!;
}
