// Training killed at a hundred random moments, as a notebook's interrupt does it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("./interrupted-training.ts", import.meta.url));

async function run(
  kills: number,
  threads: number,
  batches: boolean,
): Promise<Record<string, number | string>> {
  const args = [script, String(kills), String(threads), "1", ...(batches ? ["batches"] : [])];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
  return JSON.parse(stdout) as Record<string, number | string>;
}

const wholes = new Map<boolean, Promise<Record<string, number | string>>>();

/** An undisturbed training, run once for all tests that compare with it. */
function undisturbed(batches: boolean): Promise<Record<string, number | string>> {
  const whole = wholes.get(batches) ?? run(0, 1, batches);
  wholes.set(batches, whole);
  return whole;
}

for (const { kills, threads, batches } of [
  { kills: 100, threads: 1, batches: false },
  { kills: 100, threads: 3, batches: false },
  { kills: 50, threads: 1, batches: true },
]) {
  const what = `${kills} kills on ${threads} threads, ${batches ? "three steps" : "one step"} an epoch`;
  test(`after each of ${what}: outcome, checkpoint, kept tensors, memory and later bits are sound`, async () => {
    const { whole } = await undisturbed(batches);
    const { early, resumed, tensors, grown, ...rest } = await run(kills, threads, batches);
    assert.deepEqual(rest, {
      ...{ whole, different: 0, resumedDifferent: 0 },
      ...{ unsettled: 0, notBest: 0, keptLost: 0 },
    });
    assert.ok(Number(early) > kills / 4, `${early} kills came before the end`);
    assert.ok(Number(resumed) > kills / 20, `${resumed} were resumed`);
    assert.ok(Number(grown) <= 0, `${grown} bytes more`);
    // tfjs's own count may lose what was cut while it was counted, and must not grow.
    assert.ok(Number(tensors) <= 0, `${tensors} tensors more`);
  });
}
