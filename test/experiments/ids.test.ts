// Every committed record is found by the hash of its configuration, as this code computes it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runId } from "../../src/training/canonical.ts";
import { checkConfig } from "../../src/training/config-check.ts";
import { committedRecords, RESULTS } from "./committed-records.ts";

test("each committed id is that of its configuration, which this code still runs", () => {
  const ids = committedRecords().map(({ record }) => record.id);
  const { records, problems } = new ResultsStore(RESULTS).read(ids);
  assert.deepEqual(problems, []);
  assert.ok(records.size > 2900, `${records.size} records`);
  for (const [id, { config }] of records) {
    assert.equal(runId(config), id);
    checkConfig(config);
  }
});
