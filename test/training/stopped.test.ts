// What a notebook is told after an interrupt: that something is kept only where it is.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { runFiles } from "../../src/training/run-store.ts";
import { stoppedResults } from "../../src/training/stopped.ts";
import { InterruptedError } from "../../src/training/train.ts";
import { smallConfig, temporaryFolder } from "./small.ts";

test("the same call goes on only if there is something to go on from", async (t) => {
  const runsDir = temporaryFolder(t);
  const config = smallConfig();
  const told = (): Promise<unknown> =>
    stoppedResults(Promise.reject(new InterruptedError("stopped")), [config], runsDir);
  await assert.rejects(told(), { message: "stopped" });
  const { folder, checkpoint } = runFiles(runsDir, config);
  mkdirSync(folder, { recursive: true });
  writeFileSync(checkpoint, "");
  await assert.rejects(told(), { message: /^stopped; what was trained is kept in .* goes on$/ });
});
