// kill -9 at any moment of a training that replaces a finished run: what is there is always one run's.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { randomStream } from "../../src/graph/random.ts";
import { teacherConfig } from "../../src/training/recipes.ts";
import { readFiles, readModel, runFiles, writeRun } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { contents, temporaryFolder } from "./small.ts";

const KILLS = 40;

test("a finished run that is trained again and killed, anew or resumed, at any time", async (t) => {
  const folder = temporaryFolder(t);
  const training = { epochs: 60, patience: 60 };
  const config = teacherConfig(
    { dataset: "synthetic", seed: 1 },
    { model: { layers: 2, width: 8 }, training },
  );
  const whole = join(folder, "whole");
  await runTrials([config], { runsDir: whole, workers: 1 });
  const trained = readFiles(runFiles(whole, config));
  const { classes } = trained.model.shape;
  const bias = { shape: [classes], values: new Float32Array(classes).fill(0.5) };
  const earlier = {
    ...trained.model,
    parameters: new Map([...trained.model.parameters, ["output.bias", bias]]),
  };
  const runsDir = join(folder, "runs");
  const files = runFiles(runsDir, config);
  const random = randomStream(1);
  const seen = { earlier: 0, none: 0, trained: 0 };
  for (let kill = 0; kill < KILLS; kill++) {
    if (kill % 4 === 0) {
      rmSync(runsDir, { recursive: true, force: true });
      writeRun(files, { ...trained.result, warnings: ["an earlier version's"] }, earlier);
    }
    const resume = kill % 4 === 3 && !existsSync(files.result);
    const options = { runsDir, workers: 1, checkpointSeconds: 0, resume };
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `const { runTrials } = await import("${new URL("../../src/training/trials.ts", import.meta.url)}");
         const observer = ({ type }) => type === "start" && console.log("begun");
         await runTrials([${JSON.stringify(config)}], { ...${JSON.stringify(options)}, observer });`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const ended = new Promise((resolve) => child.once("close", resolve));
    await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), ended]);
    await sleep(random.uniform() * 1500);
    child.kill("SIGKILL");
    await ended;
    if (!existsSync(files.result)) {
      seen.none++;
      continue;
    }
    const { result, model } = readFiles(files);
    const old = result.warnings.includes("an earlier version's");
    assert.deepEqual(model, old ? earlier : trained.model);
    seen[old ? "earlier" : "trained"]++;
    if (existsSync(files.stopped)) readModel(files.stopped);
  }
  t.diagnostic(JSON.stringify(seen));
  assert.ok(seen.earlier > 0 && seen.trained > 0, JSON.stringify(seen));
  rmSync(files.result, { force: true });
  await runTrials([config], { runsDir, workers: 1, resume: true });
  assert.deepEqual(readFileSync(files.model), readFileSync(runFiles(whole, config).model));
  const left = [...contents(files.folder).keys()].filter((name) => !name.endsWith(".tmp"));
  assert.deepEqual(left, ["model.safetensors", "run.json"]);
});
