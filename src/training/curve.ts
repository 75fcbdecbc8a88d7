// A training's curve: its numbers per epoch.
import type { RunResult } from "./run.ts";

type Curve = RunResult["curve"];

/** Copies the numbers of the first `epochs` epochs, by default of all. */
export function firstEpochs(
  curve: Partial<Curve>,
  epochs = Number.POSITIVE_INFINITY,
): Record<keyof Curve, number[]> {
  const first = (name: keyof Curve): number[] => (curve[name] ?? []).slice(0, epochs);
  return {
    loss: first("loss"),
    trainAccuracy: first("trainAccuracy"),
    valLoss: first("valLoss"),
    valAccuracy: first("valAccuracy"),
  };
}
