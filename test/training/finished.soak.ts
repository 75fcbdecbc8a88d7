// kill -9 at any moment of a training that replaces a finished run: the files are always of one run.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomStream } from "../../src/graph/random.ts";
import { teacherConfig } from "../../src/training/recipes.ts";
import { readFiles, runFiles, writeRun } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, temporaryFolder } from "./small.ts";

const KILLS = 24;
const TRIALS = new URL("../../src/training/trials.ts", import.meta.url).href;

test("a finished run stays whole when it is trained again, anew or resumed, and killed at any time", async (t) => {
  const folder = temporaryFolder(t);
  const changes = {
    model: { layers: 2, width: 8 },
    training: { epochs: 20, patience: 20 },
  };
  const config = teacherConfig({ dataset: "synthetic", seed: 1 }, changes);
  const whole = runFiles(join(folder, "whole"), config);
  await runTrials([config], { runsDir: join(folder, "whole"), workers: 1 });
  const trained = readFiles(whole);
  const { classes } = trained.model.shape;
  const bias = { shape: [classes], values: new Float32Array(classes).fill(0.5) };
  const parameters = new Map([...trained.model.parameters, ["output.bias", bias]]);
  const earlier = {
    result: { ...trained.result, warnings: ["of an earlier version"] },
    model: { ...trained.model, parameters },
  };

  const runsDir = join(folder, "runs");
  const files = runFiles(runsDir, config);
  const script = join(folder, "script.mjs");
  writeFileSync(
    script,
    `import { runTrials } from ${JSON.stringify(TRIALS)};
     const resume = process.argv[2] === "resume";
     const observer = ({ type }) => type === "start" && console.log("begun");
     const given = { runsDir: ${JSON.stringify(runsDir)}, workers: 1, checkpointSeconds: 0 };
     await runTrials([${JSON.stringify(config)}], { ...given, resume, observer });`,
  );
  /** Trains in a process that is killed this long after its start. @returns how long it ran */
  const train = async (milliseconds: number): Promise<number> => {
    const child = spawn(process.execPath, [script, existsSync(files.result) ? "anew" : "resume"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "close");
    await Promise.race([once(child.stdout, "data"), ended]);
    const began = performance.now();
    await Promise.race([sleep(milliseconds, undefined, { ref: false }), ended]);
    child.kill("SIGKILL");
    await ended;
    return performance.now() - began;
  };
  const undisturbed = await train(600_000);
  assert.deepEqual(readFileSync(files.model), readFileSync(whole.model));
  const random = randomStream(1);
  const seen = { earlier: 0, none: 0, trained: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    if (kill % 2 === 0) {
      rmSync(runsDir, { recursive: true, force: true });
      writeRun(files, earlier.result, earlier.model);
    }
    await train((0.5 + random.uniform()) * undisturbed);
    if (!existsSync(files.result)) {
      seen.none++;
      continue;
    }
    const { result, model } = readFiles(files);
    const which = result.warnings.join() === earlier.result.warnings[0] ? "earlier" : "trained";
    assert.deepEqual(model, { earlier, trained }[which].model);
    seen[which]++;
  }
  t.diagnostic(JSON.stringify(seen));
  assert.ok(seen.earlier > 0 && seen.trained > 0, JSON.stringify(seen));

  await runTrials([config], { runsDir, workers: 1 });
  assert.deepEqual(readFileSync(files.model), readFileSync(whole.model));
  const left = [...contents(files.folder).keys()].filter((name) => !name.endsWith(".tmp"));
  assert.deepEqual(left, ["model.safetensors", "run.json"]);
});
