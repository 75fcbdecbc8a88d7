// The configuration of every committed record can still be run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findMethod } from "../../src/distillation/registry.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { checkConfig } from "../../src/training/config-check.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { committedRecords, RESULTS } from "./committed-records.ts";

const store = new ResultsStore(RESULTS);
const ids = committedRecords().map(({ record }) => record.id);

/** Whether the configuration uses a retired version of a method. */
function retired({ method, teacher, initial }: RunConfig): boolean {
  const own = method !== undefined && findMethod(method.name).version !== method.version;
  return own || [teacher, initial?.from].some((other) => other !== undefined && retired(other));
}

test("the configuration of each record passes all checks", () => {
  const { records, problems } = store.read(ids);
  assert.deepEqual(problems, []);
  assert.ok(records.size > 2900, `${records.size} records`);
  for (const [id, { config }] of records) if (!retired(config)) checkConfig(config, id);
});

test("undefined optional parts of a training leave the id unchanged", () => {
  const [config] = [...store.read(ids.slice(0, 1)).records.values()].map((record) => record.config);
  const absent = {
    ...{ optimiser: undefined, warmUp: undefined, schedule: undefined },
    ...{ clip: undefined, keep: undefined, batch: undefined },
  };
  const spelt = { ...config!, training: { ...config!.training, ...absent } } as RunConfig;
  assert.equal(runId(spelt), runId(config!));
  checkConfig(spelt);
});
