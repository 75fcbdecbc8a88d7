// Trains a sample of the committed records again: each method and each form gives the same bits.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { findMethod } from "../../src/distillation/registry.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { recordOf, sameOutcome, type TrialRecord } from "../../src/experiments/trial-record.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { describeRun, runId } from "../../src/training/run-id.ts";
import { runTrials } from "../../src/training/trials.ts";
import { skipWithoutData } from "../datasets/support/shared-data.ts";
import { temporaryFolder } from "../training/small.ts";

const SPLIT = "geom-gcn:0";
const store = new ResultsStore(path.join(import.meta.dirname, "../../results"));

/** Identifies a trial's form by everything but its seed and the numbers that a search draws. */
function formOf({ model, method, teacher, initial, training }: RunConfig): string {
  const options = Object.entries(method?.options ?? {});
  const words = options.filter(
    ([, value]) => typeof value === "string" || typeof value === "boolean",
  );
  const start = initial && (initial.layer === "attended" ? "attended" : "layer");
  return JSON.stringify([
    model.kind,
    teacher?.model.kind,
    method?.name,
    words,
    start,
    training.keep,
  ]);
}

/** Returns the shortest trial of each form on one split, with the table's teacher. */
function sample(): TrialRecord[] {
  const chosen = new Map<string, TrialRecord>();
  const ids = store.packs().flatMap(({ lines }) => [...lines.values()].map(({ id }) => id));
  for (const record of store.read(ids).records.values()) {
    const { config, timing } = record;
    const { method, teacher } = config;
    if (config.dataset !== "cora" || config.split !== SPLIT) continue;
    if (method && findMethod(method.name).version !== method.version) continue;
    if (teacher && teacher.seed !== 1) continue;
    const form = formOf(config);
    if (timing.seconds < (chosen.get(form)?.timing.seconds ?? Number.POSITIVE_INFINITY)) {
      chosen.set(form, record);
    }
  }
  return [...chosen.values()];
}

test("a sample of the committed records is trained again to the same bits", {
  skip: skipWithoutData(),
}, async (t) => {
  const records = sample();
  const methods = new Set(records.map(({ config }) => config.method?.name));
  assert.ok(methods.size >= 10, `methods: ${[...methods].join(", ")}`);
  const runsDir = temporaryFolder(t);
  const results = await runTrials(
    records.map(({ config }) => config),
    { runsDir },
  );
  const expected = new Map(records.map((record) => [record.id, record]));
  // Warnings have been reworded and added since.
  const outcome = (record: TrialRecord) => ({ ...record, versions: {}, warnings: [] });
  const others = results.filter(
    (result) => !sameOutcome(outcome(recordOf(result)), outcome(expected.get(result.id)!)),
  );
  t.diagnostic(`${results.length} trials of ${methods.size} methods`);
  assert.deepEqual(
    others.map(({ config }) => `${runId(config)} ${describeRun(config)}`),
    [],
  );
});
