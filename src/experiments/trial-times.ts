// How long trials take, learned from those that have ended.
import { modelTitle } from "../models/registry.ts";
import type { RunConfig } from "../training/run.ts";
import type { TrialRecord } from "./trial-record.ts";

/** Trials that take about as long as each other. Options that are words choose another computation. */
export function kindOf({ dataset, model, method, training }: RunConfig): string {
  const words = Object.values(method?.options ?? {}).filter((value) => typeof value === "string");
  return [dataset, modelTitle(model), training.epochs, method?.name, ...words].join(" ");
}

export class TrialTimes {
  /** Runs that have ended and what they took, by kind; those of all under "". */
  readonly #ended = new Map<string, { readonly runs: number; readonly seconds: number }>();

  constructor(earlier: Iterable<TrialRecord> = []) {
    for (const record of earlier) this.learn(record);
  }

  learn({ config, timing }: Pick<TrialRecord, "config" | "timing">): void {
    for (const kind of [kindOf(config), ""]) {
      const { runs, seconds } = this.#ended.get(kind) ?? { runs: 0, seconds: 0 };
      this.#ended.set(kind, { runs: runs + 1, seconds: seconds + timing.seconds });
    }
  }

  /** Returns the mean seconds of its kind, or of all; undefined before any is known. */
  expected(config: RunConfig): number | undefined {
    const known = this.#ended.get(kindOf(config)) ?? this.#ended.get("");
    return known && known.seconds / known.runs;
  }
}
