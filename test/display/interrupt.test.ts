// Training killed at a hundred random moments, as a notebook's interrupt does it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("./interrupted-training.ts", import.meta.url));
const KILLS = 100;

async function run(kills: number, threads: number): Promise<Record<string, number | string>> {
  const args = [script, String(kills), String(threads)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
  return JSON.parse(stdout) as Record<string, number | string>;
}

for (const threads of [1, 3]) {
  test(`after each of 100 kills on ${threads} threads: outcome, checkpoint, kept tensors, memory and later bits are sound`, async () => {
    const undisturbed = await run(0, 1);
    const { early, resumed, tensors, grown, ...rest } = await run(KILLS, threads);
    assert.deepEqual(rest, {
      ...{ whole: undisturbed["whole"], different: 0, resumedDifferent: 0 },
      ...{ unsettled: 0, notBest: 0, keptLost: 0 },
    });
    assert.ok(Number(early) > KILLS / 4, `${early} kills came before the end`);
    assert.ok(Number(resumed) > KILLS / 20, `${resumed} were resumed`);
    assert.ok(Number(grown) <= 0, `${grown} bytes more`);
    // tfjs's own count may lose what was cut while it was counted, and must not grow.
    assert.ok(Number(tensors) <= 0, `${tensors} tensors more`);
  });
}
