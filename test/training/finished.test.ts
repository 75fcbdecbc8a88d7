// A finished run keeps its weights when it is trained again and stopped, replaced, or killed between two files.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { jsonText, sealed } from "../../src/base/sealed-json.ts";
import { sha256 } from "../../src/base/sha256.ts";
import { provideRun } from "../../src/experiments/committed-runs.ts";
import { encodeModel } from "../../src/training/model-file.ts";
import type { TrainingEvent } from "../../src/training/observer.ts";
import { teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig, RunResult } from "../../src/training/run.ts";
import {
  isSound,
  type RunFiles,
  readFiles,
  readModel,
  readResult,
  runFiles,
  writeRun,
} from "../../src/training/run-store.ts";
import { InterruptedError } from "../../src/training/train.ts";
import { runTrials, type TrialsOptions } from "../../src/training/trials.ts";
import { model, result } from "./own-files.ts";
import { contents, temporaryFolder } from "./small.ts";

const config = teacherConfig(
  { dataset: "synthetic", seed: 1 },
  { model: { layers: 2, width: 8 }, training: { epochs: 40, patience: 40 } },
);

/** Trains a configuration and stops it after its first epoch. */
async function stop(
  runsDir: string,
  options: TrialsOptions = {},
  run: RunConfig = config,
): Promise<InterruptedError> {
  const controller = new AbortController();
  const observer = (event: TrainingEvent): void => {
    if (event.type === "epoch") controller.abort();
  };
  const { signal } = controller;
  const given = { runsDir, workers: 1, signal, observer, ...options };
  const error = await runTrials([run], given).catch((e: unknown) => e);
  assert.ok(error instanceof InterruptedError, String(error));
  return error;
}

test("a finished run that is trained again and stopped stays as it was, beside the stopped model", async (t) => {
  const runsDir = temporaryFolder(t);
  const files = runFiles(runsDir, config);
  const [finished] = await runTrials([config], { runsDir, workers: 1 });
  const [bytes, text] = [readFileSync(files.model), readFileSync(files.result)];
  assert.equal(readResult(files.result).modelSha256, sha256(bytes));
  assert.equal(finished!.modelSha256, sha256(bytes));

  const { message, results } = await stop(runsDir);
  assert.match(message, /the run that finished earlier is kept: resuming takes that one/);
  assert.deepEqual(readFileSync(files.model), bytes);
  assert.deepEqual(readFileSync(files.result), text);
  assert.ok(isSound(files));
  const stopped = readModel(files.stopped);
  assert.notDeepEqual(Buffer.from(encodeModel(stopped)), bytes);
  assert.equal(results[0]!.interrupted, true);

  const [resumed] = await runTrials([config], { runsDir, workers: 1, resume: true });
  assert.deepEqual(resumed, finished);
  // Trained again to its end, it is the same run, and nothing else is left.
  await runTrials([config], { runsDir, workers: 1 });
  assert.deepEqual(readFileSync(files.model), bytes);
  const names = [...contents(files.folder).keys()];
  assert.deepEqual(names, ["model.safetensors", "run.json"]);
});

test("a damaged run is retrained from where its retraining was stopped, by --resume too", async (t) => {
  const runsDir = temporaryFolder(t);
  const files = runFiles(runsDir, config);
  await runTrials([config], { runsDir, workers: 1 });
  const sound = contents(runsDir);
  const whole = readFileSync(files.result);
  for (const resume of [true, "repair"] as const) {
    writeFileSync(files.result, whole.subarray(0, 100));
    const asked = { runsDir, workers: 1, resume };
    if (resume === true) {
      await assert.rejects(runTrials([config], asked), /without --resume to train it again/);
    }
    const { message } = await stop(runsDir);
    assert.match(message, /after epoch \d+, which is kept/);
    const events: TrainingEvent[] = [];
    await runTrials([config], { ...asked, observer: (event) => events.push(event) });
    assert.ok(events.some((event) => event.type === "start" && event.epoch > 0));
    assert.ok(events.some((e) => e.type === "note" && /retrained, as .*run\.json/.test(e.message)));
    assert.deepEqual(contents(runsDir), sound);
  }
});

test("a stopped run with a non-finite state does not say that it is kept", async (t) => {
  const runsDir = temporaryFolder(t);
  // The decay's share of a gradient is finite but its square is not: Adam's second moments are infinite, and
  // the weights stay as they are.
  const torn = { ...config, training: { ...config.training, weightDecay: 1e30, epochs: 10_000 } };
  const { message, results } = await stop(runsDir, { checkpointSeconds: 0 }, torn);
  assert.match(message, /: stopped after epoch \d+; nothing is kept; best epoch so far: 1$/);
  assert.ok(results[0]!.curve.loss.every(Number.isFinite));
  assert.deepEqual([...contents(runFiles(runsDir, torn).folder).keys()], ["stopped.safetensors"]);
});

/** Other weights for the same configuration, as from another version of abkd. */
const other = {
  ...model,
  parameters: new Map([
    ...model.parameters,
    ["output.bias", { shape: [3], values: Float32Array.of(7, 8, 9) }],
  ]),
};
const otherResult: RunResult = { ...result, accuracy: { train: 0.1, val: 0.2, test: 0.3 } };

test("the model of another or a stopped run is not taken for a result's; older results name none", (t) => {
  const files = runFiles(temporaryFolder(t), result.config);
  const { modelSha256, ...unnamed } = writeRun(files, result, model);
  assert.equal(modelSha256, sha256(readFileSync(files.model)));
  assert.deepEqual(readFiles(files).model, model);
  writeFileSync(files.model, encodeModel(other));
  assert.throws(() => readFiles(files), {
    name: "FormatError",
    message: /holds the result of one run and the model of another/,
  });
  writeFileSync(files.result, jsonText(sealed(unnamed)));
  assert.deepEqual(readFiles(files), { result: unnamed, model: other });
});

const SOURCE = new URL("../../src/", import.meta.url).href;

/**
 * Runs `code` (an ES module) in a process that is killed by SIGKILL just before the given rename or removal
 * of a file.
 * @returns whether it was killed
 */
function killedAt(place: number, code: string): boolean {
  const source = `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    let left = ${place};
    for (const name of ["renameSync", "rmSync"]) {
      const call = fs[name];
      fs[name] = (...given) => {
        if (left-- === 0) process.kill(process.pid, "SIGKILL");
        return call(...given);
      };
    }
    syncBuiltinESMExports();
    ${code}`;
  const { signal, status, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module", "--eval", source],
    { encoding: "utf8" },
  );
  if (signal === null) assert.equal(status, 0, stderr);
  return signal === "SIGKILL";
}

/** Checks that the result and the model in the folder are of one run. */
function there(files: RunFiles): "first" | "second" | "none" {
  if (!existsSync(files.result)) return "none";
  const run = readFiles(files);
  const first = run.result.accuracy.test === result.accuracy.test;
  assert.deepEqual(run.model, first ? model : other);
  return first ? "first" : "second";
}

test("a replacement killed before any of its writes leaves no result beside another run's model", (t) => {
  const folder = temporaryFolder(t);
  const [kept, runs] = [join(folder, "kept"), join(folder, "runs")];
  const [from, files] = [runFiles(kept, result.config), runFiles(runs, result.config)];
  const code = `
    const { replaceRun } = await import("${SOURCE}training/run-store.ts");
    const folder = ${JSON.stringify(from.folder)};
    const result = fs.readFileSync(folder + "/run.json", "utf8");
    replaceRun(${JSON.stringify(files)}, fs.readFileSync(folder + "/model.safetensors"), result);`;
  for (const older of [false, true]) {
    writeRun(from, otherResult, other);
    const seen: string[] = [];
    for (let place = 0, killed = true; killed; place++) {
      rmSync(runs, { recursive: true, force: true });
      const { modelSha256: _, ...unnamed } = writeRun(files, result, model);
      // A result as it was written before results named their models.
      if (older) writeFileSync(files.result, jsonText(sealed(unnamed)));
      killed = killedAt(place, code);
      seen.push(there(files));
    }
    assert.deepEqual(seen, ["first", "none", "none", "second"]);
    // Replaced by itself: the result is there all the time, for whoever learns from it meanwhile.
    for (let place = 0, killed = true; killed; place++) {
      killed = killedAt(place, code);
      assert.equal(there(files), "second");
    }
  }
});

test("copying a committed run and being killed leaves either nothing or the whole run", (t) => {
  const folder = temporaryFolder(t);
  const folders = { results: join(folder, "results"), runs: join(folder, "runs") };
  writeRun(runFiles(join(folders.results, "runs"), result.config), otherResult, other);
  const files = runFiles(folders.runs, result.config);
  const code = `
    const { provideRun } = await import("${SOURCE}experiments/committed-runs.ts");
    provideRun(${JSON.stringify(result.config)}, ${JSON.stringify(folders)});`;
  for (let place = 0, killed = true; killed; place++) {
    rmSync(folders.runs, { recursive: true, force: true });
    // The committed run replaces a run that lacks its model.
    const { modelSha256: _, ...unnamed } = writeRun(files, result, model);
    writeFileSync(files.result, jsonText(sealed(unnamed)));
    rmSync(files.model);
    killed = killedAt(place, code);
    if (!existsSync(files.model)) assert.ok(!isSound(files));
    else assert.notEqual(there(files), "first");
    assert.ok(provideRun(result.config, folders));
    assert.equal(there(files), "second");
  }
});
