// The tiny study for tests: its records, and what they must be.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalJson } from "../../src/base/canonical.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runStudy } from "../../src/experiments/run-study.ts";
import { findStudy } from "../../src/experiments/studies/index.ts";
import { planStudy, type StudyPlan } from "../../src/experiments/study.ts";
import { recordOf } from "../../src/experiments/trial-record.ts";
import { runTrials } from "../../src/training/trials.ts";
import { start } from "../cli/abkd.ts";
import { arithmeticResult } from "../experiments/arithmetic-study.ts";
import "./tiny-study.ts";

/** The module for `--module`. */
export const TINY_MODULE = fileURLToPath(new URL("./tiny-study.ts", import.meta.url));

export const tinyPlan = (): StudyPlan =>
  planStudy(findStudy("tiny" as "table3"), { profile: "quick" });

/** Puts records of the plan's own teachers into a store: they have 64 layers, and the tiny students none of them. */
export function withoutLargeTeachers(folder: string): ResultsStore {
  const store = new ResultsStore(folder);
  for (const { config } of tinyPlan().trials) {
    const timing = { seconds: 2, secondsPerEpoch: 1 };
    if (!config.method) store.write(recordOf({ ...arithmeticResult(config), timing }));
  }
  return store;
}

/** Runs the study here. */
export async function runHere(folder: string): Promise<Map<string, string>> {
  const store = withoutLargeTeachers(join(folder, "results"));
  await runStudy(tinyPlan(), { store, runsDir: join(folder, "runs"), workers: 1 }, runTrials);
  return recordsIn(store.folder);
}

/** Returns a record's text without its timing and the digest that covers it. */
export function outcomeText(record: object): string {
  return canonicalJson({ ...record, timing: undefined, digest: undefined });
}

/**
 * Returns a store's records by file, without their timing and the digest that covers it. What a killed writer left
 * unfinished is no record.
 */
export function recordsIn(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder)
      .filter((name) => !name.endsWith(".tmp"))
      .sort()
      .map((name) => [name, outcomeText(JSON.parse(readFileSync(join(folder, name), "utf8")))]),
  );
}

/** Names what is missing, too much or different; the records themselves are long. */
export function assertSameRecords(
  found: ReadonlyMap<string, string>,
  expected: ReadonlyMap<string, string>,
): void {
  assert.deepEqual([...found.keys()], [...expected.keys()]);
  const different = [...found].filter(([name, text]) => text !== expected.get(name));
  assert.deepEqual(
    different.map(([name]) => name),
    [],
  );
}

/** Returns a function that runs `abkd study WHAT tiny` in folders of its own. */
export function studyIn(folder: string, env: NodeJS.ProcessEnv) {
  const [results, runs] = [join(folder, "results"), join(folder, "runs")];
  withoutLargeTeachers(results);
  return (what: string, ...args: string[]) =>
    start(
      [
        "study",
        what,
        "tiny",
        "--module",
        TINY_MODULE,
        "--results",
        results,
        "--runs",
        runs,
        ...args,
      ],
      env,
    ).outcome;
}

/** Returns what all jobs have written. */
export function logsOf(folder: string): string {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const logs = all.filter((file) => file.endsWith(".log"));
  return logs.map((file) => readFileSync(join(folder, file), "utf8")).join("");
}
