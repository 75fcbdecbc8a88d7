// Trains each contender's best configuration with seeds that the search did not use.
import { OptionError } from "../../base/errors.ts";
import { runId } from "../../training/run-id.ts";
import type { Contender, StudentSize } from "../contenders.ts";
import type { Draw } from "../recipe-draws.ts";
import {
  configsOf,
  finals,
  type SearchProgress,
  type SearchRule,
  type SearchSubject,
} from "../recipe-search.ts";
import type { TrialRecord } from "../trial-record.ts";
import type { Clock } from "./clock.ts";

/** A contender's best configuration, trained with seeds that the search did not use. */
export interface Finalist {
  readonly contender: Contender;
  readonly draw: Draw;
  readonly size: StudentSize;
  readonly parameters: number;
  readonly microseconds: number;
  /** One number per seed: a fraction, 0 for a run that diverged. */
  readonly validation: readonly number[];
  readonly dead: number;
  readonly diverged: number;
  /** The run of each seed; undefined for one that diverged. */
  readonly records: readonly (TrialRecord | undefined)[];
}

const FINAL_SEEDS = Array.from({ length: 10 }, (_, k) => 5001 + k);
/** Seeds that every finalist is trained with, whatever the time. */
const FEWEST_SEEDS = 3;

/** Trains the finalists, one seed after the other. */
export async function trainFinalists(
  progress: readonly SearchProgress[],
  work: {
    readonly subject: SearchSubject;
    readonly rule: SearchRule;
    readonly clock: Clock;
    readonly seconds: number;
  },
): Promise<{
  readonly finalists: readonly Omit<Finalist, "parameters" | "microseconds">[];
  readonly seeds: readonly number[];
}> {
  const { subject, rule, clock, seconds } = work;
  const { epochs, splits } = rule.rungs.at(-1)!;
  const found = progress.map((one) => {
    const { draw } = finals(one)[0]!;
    const configs = configsOf(subject, one.contender, draw, { epochs, splits, seeds: FINAL_SEEDS });
    return { contender: one.contender, draw, configs };
  });
  const turns = FINAL_SEEDS.map((_, k) =>
    found.map(({ configs }) => [runId(configs[k]!), configs[k]!] as const),
  );
  const needed = new Set(turns.slice(0, FEWEST_SEEDS).flatMap((turn) => turn.map(([id]) => id)));
  const { records, left } = await clock.run({
    name: "finalists",
    needed,
    owners: new Map(
      found.flatMap(({ contender, configs }) =>
        configs.map((config) => [runId(config), contender.id] as const),
      ),
    ),
    seconds,
    secondsAfter: 0,
    keepsModels: true,
    trials: new Map(turns.flat()),
  });
  const whole = turns.flatMap((turn, k) => (turn.some(([id]) => left.has(id)) ? [] : [k]));
  const finalists = found.map(({ contender, draw, configs }) => {
    const own = whole.map((k) => records.get(runId(configs[k]!)));
    return {
      contender,
      draw,
      size: draw.student!,
      records: own,
      validation: own.map((record) => record?.accuracy.val ?? 0),
      dead: own.filter((record) => record?.dead).length,
      diverged: own.filter((record) => record === undefined).length,
    };
  });
  return { finalists, seeds: whole.map((k) => FINAL_SEEDS[k]!) };
}

/** @throws OptionError if every run of the finalist diverged */
export function bestRun({ contender, records }: Finalist): TrialRecord {
  const sound = records.filter((record) => record !== undefined);
  const [best] = sound.sort((a, b) => b.accuracy.val - a.accuracy.val);
  if (best) return best;
  throw new OptionError(`every run of ${contender.label} diverged: no student can be given`);
}
