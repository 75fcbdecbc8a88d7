// A training's curve: its numbers from epoch to epoch.
import type { RunResult } from "./run.ts";

type Curve = RunResult["curve"];

/** Copies of the first epochs' numbers: of all that there are unless `epochs` says so. */
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
