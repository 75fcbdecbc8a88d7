// The trials of a study on one dataset, planned and done: which splits are complete, an arm's value per unit.
import type { ResultsStore } from "./results-store.ts";
import { mean } from "./statistics.ts";
import { type PlannedTrial, TEACHER_ARM } from "./study.ts";
import type { TrialRecord } from "./trial-record.ts";
import { NEARLY_DEAD } from "./verdict.ts";

/** A trial that is done. */
export interface Done extends PlannedTrial {
  readonly record: TrialRecord;
}

/** From this many splits on, tests are over splits: trials on one split are not independent evidence. */
const SPLITS_AS_UNITS = 5;

/** Reads a number from a trial. */
export type Measure = (record: TrialRecord) => number;

export const testAccuracy: Measure = ({ accuracy }) => accuracy.test;

type Read = Pick<ReturnType<ResultsStore["read"]>, "records" | "failures">;

export class TrialTable {
  readonly unit: "split" | "trial";
  /** In the plan's order. */
  readonly splits: readonly string[];
  readonly #planned: ReadonlyMap<string, readonly PlannedTrial[]>;
  readonly #done: ReadonlyMap<string, readonly Done[]>;
  /** The records of trials that diverged, by id. */
  readonly #failures: Read["failures"];
  /** The teacher's test accuracy, by split. */
  readonly #teachers: ReadonlyMap<string, number>;
  /** The first arm with each list of trial ids: arms with equal configurations count as one. */
  readonly #first = new Map<string, string>();

  constructor(trials: readonly PlannedTrial[], { records, failures }: Read) {
    this.splits = [...new Set(trials.map(({ split }) => split))];
    this.unit = this.splits.length >= SPLITS_AS_UNITS ? "split" : "trial";
    this.#planned = Map.groupBy(trials, ({ arm }) => arm);
    const done = trials.flatMap((trial) => {
      const record = records.get(trial.id);
      return record ? [{ ...trial, record }] : [];
    });
    this.#done = Map.groupBy(done, ({ arm }) => arm);
    this.#failures = failures;
    const teachers = this.done(TEACHER_ARM);
    this.#teachers = new Map(teachers.map(({ split, record }) => [split, testAccuracy(record)]));
    for (const [arm, all] of this.#planned) {
      const key = all.map(({ id }) => id).join();
      if (!this.#first.has(key)) this.#first.set(key, arm);
    }
  }

  get arms(): Iterable<string> {
    return this.#done.keys();
  }

  planned(arm: string): readonly PlannedTrial[] {
    return this.#planned.get(arm) ?? [];
  }

  /** @param splits limits the result to these splits; all by default */
  done(arm: string, splits?: readonly string[]): readonly Done[] {
    const all = this.#done.get(arm) ?? [];
    return splits ? all.filter(({ split }) => splits.includes(split)) : all;
  }

  /** Says why trials of an arm diverged. */
  diverged(arm: string): string[] {
    return this.planned(arm).flatMap(({ id }) => this.#failures.get(id)?.reason ?? []);
  }

  /** Returns the study's first arm with exactly the same configurations, which may be the arm itself. */
  canonical(arm: string): string {
    const key = this.planned(arm)
      .map(({ id }) => id)
      .join();
    return this.#first.get(key) ?? arm;
  }

  dead(arm: string, splits?: readonly string[]): number {
    return this.done(arm, splits).filter(({ record }) => record.dead).length;
  }

  /** Counts trials that are alive but far below the teacher of their split. */
  nearlyDead(arm: string, splits?: readonly string[]): number {
    return this.done(arm, splits).filter(({ record, split }) => {
      const teacher = this.#teachers.get(split) ?? 0;
      return !record.dead && testAccuracy(record) < NEARLY_DEAD * teacher;
    }).length;
  }

  /** Whether most of an arm's trials died, nearly died or diverged. */
  mostLost(arm: string): boolean {
    const diverged = this.diverged(arm).length;
    const lost = this.dead(arm) + this.nearlyDead(arm) + diverged;
    return lost > (this.done(arm).length + diverged) / 2;
  }

  /** Returns the splits on which all trials of these arms are done, in the plan's order. */
  whole(arms: readonly string[]): string[] {
    const count = (trials: readonly PlannedTrial[], split: string): number =>
      trials.filter((trial) => trial.split === split).length;
    return this.splits.filter((split) =>
      arms.every((arm) => count(this.done(arm), split) === count(this.planned(arm), split)),
    );
  }

  /** Returns an arm's mean per unit, on some splits. */
  values(arm: string, splits: readonly string[], measure: Measure): Map<string, number> {
    const key = ({ split, seed }: PlannedTrial): string =>
      // A teacher has one trial per split, which pairs with all students of that split.
      this.unit === "split" || arm === TEACHER_ARM ? split : `${split} ${seed}`;
    const groups = Map.groupBy(this.done(arm, splits), key);
    return new Map(
      [...groups].map(([unit, members]) => [unit, mean(members.map((m) => measure(m.record)))]),
    );
  }

  /** Returns one arm minus another, per unit that both have, over the splits that are complete in both. */
  differences(one: string, other: string): number[] {
    const splits = this.whole([one, other]);
    const theirs = this.values(other, splits, testAccuracy);
    return [...this.values(one, splits, testAccuracy)].flatMap(([unit, x]) => {
      const y = theirs.get(unit);
      return y === undefined ? [] : [x - y];
    });
  }

  /** Returns the splits whose trials ran on different graphs of the same name. */
  mixedSplits(): string[] {
    const bySplit = Map.groupBy([...this.#done.values()].flat(), ({ split }) => split);
    return [...bySplit]
      .filter(([, trials]) => {
        const seen = trials.flatMap(({ record }) => record.data.fingerprint ?? []);
        return new Set(seen).size > 1;
      })
      .map(([split]) => split);
  }
}
