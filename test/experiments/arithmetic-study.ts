// A study whose trials are arithmetic, so that it can be killed a hundred times in seconds. As a script
// it runs the study: node arithmetic-study.ts STORE [TRIALS]
import { readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { UserError } from "../../src/base/errors.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { distinctTrials, runStudy, type TrialRunner } from "../../src/experiments/run-study.ts";
import { findStudy } from "../../src/experiments/studies/index.ts";
import {
  type Claim,
  type PlannedTrial,
  type Profile,
  planStudy,
  type StudyPlan,
  searchArm,
} from "../../src/experiments/study.ts";
import { recordOf } from "../../src/experiments/trial-record.ts";
import type { RunConfig, RunResult } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";

/** What a test varies: a hyper-parameter and the method's version, both parts of the configuration. */
export interface Variation {
  readonly splits?: number;
  readonly seeds?: number;
  readonly version?: number;
  readonly learningRate?: number;
  readonly profile?: Profile;
  readonly claims?: readonly Claim[];
  /** The number of searches with recipes; each later search suits the student better. */
  readonly searches?: number;
}

const ARMS = ["student", "softkd", "abkd"] as const;

export function arithmeticConfig(
  arm: string,
  split: string,
  seed: number,
  {
    version = 1,
    learningRate = 0.01,
    weightDecay = 0,
  }: Variation & { readonly weightDecay?: number } = {},
): RunConfig {
  return {
    ...{ dataset: "cora", split, seed },
    model: { kind: "gcnii", layers: 4, width: 4, alpha: 0.2, lambda: 0.5, dropout: 0 },
    training: { epochs: 2, patience: 2, learningRate, weightDecay },
    ...(arm !== "teacher" && { method: { name: arm, version, options: {} } }),
  };
}

export function arithmeticPlan(variation: Variation = {}): StudyPlan {
  const { splits = 10, seeds = 2, profile = "paper", claims = [], searches = 1 } = variation;
  const count = (n: number): number[] => Array.from({ length: n }, (_, k) => k);
  const names = count(splits).map((k) => `geom-gcn:${k}`);
  const trial = (arm: string, split: string, seed: number): PlannedTrial => {
    const [method = "", search = 1] = arm.split("#");
    const weightDecay = 0.01 * (Number(search) - 1);
    const config = arithmeticConfig(method, split, seed, { ...variation, weightDecay });
    return { id: runId(config), dataset: "cora", arm, split, seed, config };
  };
  const again = count(searches - 1).flatMap((k) =>
    ARMS.map((of) => ({ id: searchArm(of, k + 2), searchedAgain: of })),
  );
  const arms = [...ARMS.map((id) => ({ id })), ...again];
  return {
    study: {
      ...{ name: "arithmetic", title: "Arithmetic", about: [], datasets: ["cora", "nowhere"] },
      arms: arms.map((arm) => ({
        ...{ ...arm, label: arm.id, role: "method" },
        config: ({ split, seed }) => trial(arm.id, split, seed).config,
      })),
      subject: "abkd",
      claims: () => claims,
    },
    profile,
    datasets: [{ name: "cora", splits: names, seeds: count(splits * seeds).map((k) => k + 1) }],
    absent: [{ dataset: "nowhere", why: "it is made up" }],
    trials: names.flatMap((split, s) => [
      trial("teacher", split, 1),
      ...count(seeds).flatMap((k) => arms.map(({ id }) => trial(id, split, s * seeds + k + 1))),
    ]),
  };
}

/** Makes a result from the configuration alone: SoftKD is best, then ABKD; weight decay helps a student. */
export function arithmeticResult(config: RunConfig): RunResult {
  const id = runId(config);
  const noise = Number.parseInt(id.slice(0, 6), 16) / 2 ** 24;
  const base = { student: 0.74, softkd: 0.87, abkd: 0.84 }[config.method?.name ?? ""] ?? 0.88;
  const gain = config.method?.name === "student" ? 4 * config.training.weightDecay : 0;
  const test = base + gain + 0.02 * (noise - 0.5);
  return {
    ...{ format: "abkd-run/1", id, config, engine: { name: "none", flavour: "arithmetic" } },
    versions: { abkd: "test" },
    data: { nodes: 1, arcs: 1, features: 1, classes: 2, train: 1, val: 1, test: 1 },
    parameters: { model: 5835, method: 0 },
    curve: { loss: [1, noise], trainAccuracy: [0, 1], valLoss: [1, 1], valAccuracy: [0, 1] },
    ...{ bestEpoch: 2, accuracy: { train: 1, val: test, test }, dead: noise > 0.95, warnings: [] },
    timing: { seconds: performance.now(), secondsPerEpoch: 1 },
  };
}

/** Adds maps of attention and dissimilarity that are each other's opposite. */
export function resultWithMaps(config: RunConfig): RunResult {
  const attention = Array.from({ length: 6 }, (_, i) =>
    Array.from({ length: 4 }, (_, j) => (j === i % 4 ? 0.7 : 0.1)),
  );
  const dissimilarity = attention.map((row) => row.map((a) => 1 - a));
  const moment = { scalars: {}, warnings: [] };
  const first = { ...moment, matrices: { attention, dissimilarity: attention } };
  const last = { ...moment, matrices: { attention, dissimilarity } };
  return { ...arithmeticResult(config), inspection: { first, last } };
}

/** Writes artificial records of a study's trials on Cora into a store's folder. */
export function storeTrials(folder: string, name: string, profile: Profile = "quick"): void {
  const store = new ResultsStore(folder);
  const plan = planStudy(findStudy(name), { profile, datasets: ["cora"] });
  for (const config of distinctTrials(plan).values()) store.write(recordOf(resultWithMaps(config)));
}

/** Changes a digit in the middle of a pack's line, counted from 1. */
export function damageLine(path: string, number: number): void {
  const lines = readFileSync(path, "utf8").split("\n");
  lines[number - 1] = lines[number - 1]!.replace(/"bestEpoch":\d/, '"bestEpoch":9');
  writeFileSync(path, lines.join("\n"));
}

/** Makes all files in a folder this many minutes old: what a killed writer left is removed after an hour. */
export function ageFiles(folder: string, minutes = 61): void {
  const then = Date.now() / 1000 - 60 * minutes;
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), then, then);
}

/** Runs two trials at a time, about a millisecond each. */
export const arithmeticRunner: TrialRunner = async (configs, { observer = () => {}, signal }) => {
  const queue = [...configs];
  const worker = async (): Promise<void> => {
    for (let config = queue.shift(); config; config = queue.shift()) {
      if (signal?.aborted) throw new UserError("stopped", { exitCode: 130 });
      await setTimeout(1);
      const result = arithmeticResult(config);
      observer({ type: "finish", id: result.id, result, cached: false });
    }
  };
  await Promise.all([worker(), worker()]);
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder = "", splits = "10"] = process.argv;
  const plan = arithmeticPlan({ splits: Number(splits) });
  try {
    await runStudy(plan, { store: new ResultsStore(folder) }, arithmeticRunner);
    console.log("done");
  } catch (error) {
    console.log(String((error as Error).message));
    process.exitCode = 1;
  }
}
