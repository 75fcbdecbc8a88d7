// Over 300 corrupted graphs of all forms, and 2,000 with damage at random places.
import assert from "node:assert/strict";
import { test } from "node:test";
import { importAll } from "./fuzz.ts";
import { type Corrupted, corrupted, damagedAnywhere } from "./support/corrupt.ts";

async function all(cases: readonly Corrupted[]): Promise<number> {
  const { refused, milliseconds, peak } = await importAll(cases);
  const most = `at most ${Math.round(milliseconds)} ms each, ${Math.round(peak / 1e6)} MB`;
  console.log(`      ${refused} of ${cases.length} refused, ${most}`);
  return refused;
}

for (const seed of [1, 2]) {
  test(`seed ${seed}: what is certainly wrong is refused`, async () => {
    const cases = corrupted(seed);
    assert.ok(cases.length >= 300, `${cases.length}`);
    assert.equal(await all(cases), cases.length);
  });

  test(`seed ${seed}: damage anywhere is refused, or leaves a graph`, async () => {
    await all(damagedAnywhere(1000, seed));
  });
}
