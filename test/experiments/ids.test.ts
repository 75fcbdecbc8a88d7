// Every committed record is found by the hash of its configuration, as this code computes it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runId } from "../../src/training/canonical.ts";
import { checkConfig } from "../../src/training/config-check.ts";

test("each committed id is that of its configuration, which this code still runs", () => {
  const folder = path.join(import.meta.dirname, "../../results");
  const ids = readdirSync(folder).flatMap((name) => /^([0-9a-f]{16})\.json$/.exec(name)?.[1] ?? []);
  const { records, problems } = new ResultsStore(folder).read(ids);
  assert.deepEqual(problems, []);
  assert.ok(records.size > 2900, `${records.size} records`);
  for (const [id, { config }] of records) {
    assert.equal(runId(config), id);
    checkConfig(config);
  }
});
