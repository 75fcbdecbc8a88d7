// The short form of fuzz.soak.ts: every service of the kernel survives whatever anyone may send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzzKernel } from "./fuzz.ts";

test("400 fuzzed messages on all channels: honest cells are answered, and every service survives", async () => {
  const { waits, memory } = await fuzzKernel(400, 14);
  assert.equal(waits.length, 4);
  console.log(`      honest cells took ${waits.map(({ fuzzed }) => Math.round(fuzzed))} ms`);
  console.log(`      the kernel has ${Math.round(memory)} MB`);
});
