// The short form of fuzz.soak.ts: corrupted graphs of all forms are refused in one line.
import { test } from "node:test";
import { importAll } from "./fuzz.ts";
import { corrupted, damagedAnywhere } from "./support/corrupt.ts";

test("corrupted graphs of all forms: one line each, within a second and 500 MB", async () => {
  const all = corrupted(1);
  // Coprime to the numbers of forms and damages, so that all occur.
  const some = all.filter((_, k) => k % 7 === 0);
  const { refused, milliseconds, peak } = await importAll([...some, ...damagedAnywhere(60, 2)]);
  const most = `at most ${Math.round(milliseconds)} ms each, ${Math.round(peak / 1e6)} MB`;
  console.log(`      ${refused} of ${some.length + 60} refused (${all.length} are known), ${most}`);
});
