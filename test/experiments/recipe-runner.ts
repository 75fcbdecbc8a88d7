import { type Contender, contenders } from "../../src/experiments/contenders.ts";
import { type RunRung, searchRule } from "../../src/experiments/recipe-search.ts";
import { recordOf } from "../../src/experiments/trial-record.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { sampleRun } from "../figures/sample-runs.ts";

export const RULE = searchRule("cora");

/** Validation prefers a learning rate of 0.03, test accuracy one of 0.01; temperature 4 diverges. */
export function runner(log: RunConfig[][]): RunRung {
  return async (trials) => {
    log.push([...trials.values()]);
    const sound = [...trials].filter(([, { method }]) => method?.options["temperature"] !== 4);
    const records = new Map(
      sound.map(([id, config]) => {
        const fast = config.training.learningRate === 0.03;
        const accuracy = { train: 1, val: (fast ? 0.8 : 0.6) + config.seed / 1e4, test: 0.5 };
        const result = {
          ...sampleRun(config.method!.name, config.seed, fast ? 0.5 : 0.9, { epochs: 300 }),
        };
        return [id, recordOf({ ...result, id, config, accuracy })];
      }),
    );
    return { records };
  };
}

export const named = (...ids: string[]): Contender[] =>
  contenders().filter(({ id }) => ids.includes(id));
