// A study of real trials: killed and resumed, with one-layer students that start from another's layer.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runStudy } from "../../src/experiments/run-study.ts";
import { studyReport } from "../../src/experiments/study-report.ts";
import { randomStream } from "../../src/graph/random.ts";
import { attendedLayer } from "../../src/training/initial.ts";
import { runId } from "../../src/training/run-id.ts";
import { readModel, readResult, runFiles } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { temporaryFolder } from "../training/small.ts";
import { trainedPlan } from "./trained-study.ts";

const SCRIPT = fileURLToPath(new URL("./trained-study.ts", import.meta.url));
/** For more: ABKD_KILLS=100 node --test test/experiments/study-training.test.ts */
const KILLS = Number(process.env["ABKD_KILLS"] ?? 3);

/** Lists all names under a folder; none if it does not exist yet. */
function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: "utf8" }) : [];
}

function reportOf(folder: string): string {
  return JSON.stringify(studyReport(trainedPlan(), new ResultsStore(folder)));
}

test(`trials killed ${KILLS} times end in the same report`, async (t) => {
  const plan = trainedPlan();
  const undisturbed = temporaryFolder(t);
  const runs = { undisturbed: join(undisturbed, "runs"), killed: temporaryFolder(t) };
  const store = new ResultsStore(join(undisturbed, "results"));
  const distinct = new Set(plan.trials.map(({ id }) => id)).size;
  const options = { store, runsDir: runs.undisturbed, workers: 2 };
  const began = performance.now();
  assert.equal(await runStudy(plan, options, runTrials), distinct);
  const whole = performance.now() - began;
  const expected = reportOf(store.folder);
  assert.match(expected, new RegExp(`"done":${distinct},"planned":${distinct}`));

  const random = randomStream(5);
  let folder = join(runs.killed, "runs");
  let results = join(runs.killed, "results");
  for (let kills = 0; kills < KILLS; ) {
    const child = spawn(process.execPath, [SCRIPT, results, folder]);
    const ended = once(child, "exit") as Promise<[number | null, string | null]>;
    // Waits until it works, which shows as something new in its runs folder.
    const { length } = filesIn(folder);
    while (child.exitCode === null && filesIn(folder).length === length) await setTimeout(5);
    await Promise.race([setTimeout(0.6 * whole * random.uniform()), ended]);
    child.kill("SIGKILL");
    const [code] = await ended;
    if (code !== 0) {
      kills++;
      const kept = existsSync(results) ? readdirSync(results).length : 0;
      t.diagnostic(`killed with ${kept} of ${distinct} trials kept`);
    } else {
      assert.equal(reportOf(results), expected);
      // It ended before it was killed: start again from nothing.
      [folder, results] = [`${folder}-again`, `${results}-again`];
    }
  }
  const last = { store: new ResultsStore(results), runsDir: folder, workers: 2 };
  await runStudy(plan, last, runTrials);
  assert.equal(reportOf(results), expected);
});

test("a one-layer student gets the attended layer's weights; damaged runs are retrained", async (t) => {
  const folder = temporaryFolder(t);
  const plan = trainedPlan();
  const heir = plan.trials.find(({ arm }) => arm === "heir")!;
  const untrained = { ...heir.config, training: { ...heir.config.training, epochs: 0 } };
  const options = { runsDir: folder, workers: 1 };
  const [result] = await runTrials([untrained], options);
  assert.deepEqual([result!.bestEpoch, result!.curve.loss.length], [0, 0]);

  const donorFiles = runFiles(folder, untrained.initial!.from);
  const donor = { result: readResult(donorFiles.result), model: readModel(donorFiles.model) };
  const attention = donor.result.inspection!.last.matrices["attention"]!;
  const layer = attendedLayer(attention);
  const { parameters } = readModel(runFiles(folder, untrained).model);
  for (const [name, { values }] of parameters) {
    const source = name.replace("convolution.0", `convolution.${layer}`);
    assert.deepEqual(values, donor.model.parameters.get(source)!.values, name);
  }

  writeFileSync(donorFiles.result, "{");
  const notes: string[] = [];
  const [again] = await runTrials([untrained], {
    ...{ ...options, resume: "repair" },
    observer: (event) => event.type === "note" && notes.push(event.message),
  });
  assert.deepEqual(again!.accuracy, result!.accuracy);
  assert.match(
    notes.join(),
    /abkd on synthetic .* retrained, as .*run\.json is cut off or damaged/,
  );
});

test("training whose loss becomes non-finite is recorded; its study ends well", async (t) => {
  const folder = temporaryFolder(t);
  const whole = trainedPlan();
  const trials = whole.trials
    .filter(({ arm }) => arm === "student")
    .map((trial, k) => {
      const training = { ...trial.config.training, ...(k === 0 && { learningRate: 3e38 }) };
      const config = { ...trial.config, training };
      return { ...trial, config, id: runId(config) };
    });
  const plan = { ...whole, trials };
  const store = new ResultsStore(join(folder, "results"));
  const options = { store, runsDir: join(folder, "runs"), workers: 1, threads: 1 };
  assert.equal(await runStudy(plan, options, runTrials), trials.length);
  const { records, failures } = store.read(trials.map(({ id }) => id));
  assert.deepEqual([...failures.keys()], [trials[0]!.id]);
  assert.equal(records.size, trials.length - 1);
  assert.match(
    failures.get(trials[0]!.id)!.reason,
    /student on synthetic .*loss is NaN in epoch \d/,
  );
  assert.equal(await runStudy(plan, options, runTrials), 0);
});

test("the attended layer is the one with the largest score in most rows", () => {
  const rows = [
    [0.1, 0.2, 0.7],
    [0.4, 0.3, 0.3],
    [0.2, 0.1, 0.7],
  ];
  assert.equal(attendedLayer(rows), 2);
  assert.equal(attendedLayer([[0.5, 0.5]]), 0);
});
