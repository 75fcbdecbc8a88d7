// Every notebook, run as `npm run notebooks` runs them, from the committed results.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { skipWithoutData } from "../datasets/support/shared-data.ts";
import { root, run } from "../lab/parts.ts";

const results = (): string[] => readdirSync(path.join(root, "results")).sort();

it("all run, and train no trial of a study", { skip: skipWithoutData() }, async () => {
  const before = results();
  const { code, output } = await run(process.execPath, ["scripts/notebooks.ts"], { cwd: root });
  assert.equal(code, 0, output);
  assert.match(output, /^\d+ notebooks, all ran, /m);
  assert.deepEqual(results(), before, "the committed results lack trials of the quick profile");
});
