// A study opened as in a notebook: from a store with all its trials, without any training.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { keepRun, notebookRuns, provideRun } from "../../src/experiments/committed-runs.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { findStudy } from "../../src/experiments/studies/index.ts";
import { planStudy } from "../../src/experiments/study.ts";
import { failureOf } from "../../src/experiments/trial-record.ts";
import { layerPairs, mapAgreement, mapsBeforeAfter } from "../../src/figures/before-after.ts";
import { findChromium } from "../../src/figures/export.ts";
import { paperFigures } from "../../src/figures/paper-figures.ts";
import { saveFigure } from "../../src/figures/save.ts";
import { openStudy } from "../../src/figures/study-view.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runFiles } from "../../src/training/run-store.ts";
import { resultWithMaps, storeTrials } from "../experiments/arithmetic-study.ts";
import { temporaryFolder } from "../training/small.ts";

/** Makes a folder whose `results` contain a study's quick trials on Cora. */
function stored(t: TestContext, name: string): string {
  const root = temporaryFolder(t);
  storeTrials(path.join(root, "results"), name);
  return root;
}

test("a study from the store says which trials it rests on, and has tables, claims, figures, words", async (t) => {
  const study = await openStudy("figure5", { root: stored(t, "figure5"), train: ["cora"] });
  assert.deepEqual(study.datasets, ["cora"]);
  assert.match(
    inspect(study),
    /Cora: quick profile, (\d+) of \1 trials[\s\S]*Pubmed: not run here/,
  );
  const table = await study.table("cora");
  assert.equal(table.at(0, "method"), "Teacher");
  assert.match(inspect(table), /Quick profile: a look \(2 splits with 1 seed each\), no verdicts/);
  const claims = await study.claims();
  assert.equal(claims.shape[0], 4);
  const trials = await study.trials();
  assert.equal(trials.shape[0], study.evidence[0]!.plan.trials.length);
  assert.match(inspect(study.verdict), /a first look at 2 splits/);
  const titles = [study.accuracies(), study.shares(), study.attention("abkd")].map((plot) =>
    inspect(plot),
  );
  assert.ok(
    titles.every((title) => /quick profile, \d+ trials/.test(title)),
    titles.join("\n"),
  );
  assert.equal(study.records("abkd").length, 2);
  assert.throws(() => study.accuracies("pluto"), /pluto has no trials of this study/);
});

test("a trial that diverged is not run again", async (t) => {
  const root = stored(t, "table3");
  const store = new ResultsStore(path.join(root, "results"));
  const plan = planStudy(findStudy("table3"), { profile: "quick", datasets: ["cora"] });
  const { id, config } = plan.trials.find(({ arm }) => arm === "gcrd+soft")!;
  rmSync(store.path(id));
  store.writeFailure(failureOf(config, "a loss of NaN in epoch 3"));
  const study = await openStudy("table3", { root, datasets: ["cora"], train: ["cora"] });
  assert.match(inspect(study), /, 1 diverged/);
  assert.ok(!existsSync(store.path(id)), "it was trained");
});

test("in the paper profile published weights are a column", async (t) => {
  const root = temporaryFolder(t);
  storeTrials(path.join(root, "results"), "table3", "paper");
  const study = await openStudy("table3", { root, datasets: ["cora"], train: [] });
  const table = inspect(await study.table());
  assert.match(table, /published %/);
  assert.doesNotMatch(table, /, published weights/);
});

test("a varied option has a curve, and attention with a slider", async (t) => {
  const study = await openStudy("table10", { root: stored(t, "table10"), datasets: ["cora"] });
  assert.match(inspect(study.sweep("beta")), /accuracy over beta/);
  assert.match(inspect(study.slider("beta", "searched")), /heatmap, 4 traces, "cora, beta = 1:/);
});

test("with nothing stored and nothing to train, the study is empty and says so", async (t) => {
  const root = temporaryFolder(t);
  const study = await openStudy("table7", { root, train: [] });
  assert.deepEqual(study.datasets, []);
  assert.match(inspect(study.verdict), /Cora: not run here yet\./);
  assert.throws(() => study.accuracies(), /no dataset has no trials|no dataset/);
  await assert.rejects(openStudy("table7", { root, profile: "fast" }), {
    name: "OptionError",
    message: 'profile is "fast"; it is one of quick, paper',
  });
});

test("maps before and after training, pair by pair, and how attention relates to dissimilarity", () => {
  const run = resultWithMaps(notebookRuns().find(({ method }) => method?.name === "abkd")!);
  const { before, after, attendedDissimilarity, meanDissimilarity } = mapAgreement(run);
  assert.ok(before > 0.99 && after < -0.99);
  assert.ok(attendedDissimilarity < meanDissimilarity);
  assert.equal(mapsBeforeAfter(run).figure.data.length, 4);
  const { figure } = layerPairs(run);
  const steps = figure.layout.sliders?.[0]?.steps;
  assert.equal(steps?.length, 6);
  // A layer that is named is drawn as that step of the slider shows it, without a slider.
  const { figure: fourth } = layerPairs(run, 4);
  const [traces, layout] = steps[3]!.args as [{ y: number[][] }, Record<string, string>];
  assert.deepEqual(
    fourth.data.map((trace) => Reflect.get(trace, "y")),
    traces.y,
  );
  assert.equal(fourth.layout.title?.text, layout["title.text"]);
  assert.equal(fourth.layout.sliders, undefined);
  for (const wrong of [0, 7, 1.5])
    assert.throws(() => layerPairs(run, wrong), {
      message: `layerPairs: layer is a whole number from 1 to 6, not ${wrong}`,
    });
});

test("committed runs are copied to the runs folder and back; sound ones are not overwritten", (t) => {
  const root = temporaryFolder(t);
  const folders = { results: path.join(root, "results"), runs: path.join(root, "runs") };
  const [teacher, student] = notebookRuns() as [RunConfig, RunConfig];
  assert.ok(!provideRun(teacher, folders), "there is none");
  const committed = path.join(import.meta.dirname, "../../results");
  assert.ok(provideRun(teacher, { ...folders, results: committed }));
  assert.ok(keepRun(teacher, folders) && !keepRun(student, folders));
  const other = { ...folders, runs: path.join(root, "other") };
  assert.ok(provideRun(teacher, other));
  const [first, copy] = [runFiles(folders.runs, teacher), runFiles(other.runs, teacher)];
  for (const file of ["model", "result"] as const)
    assert.deepEqual(readFileSync(copy[file]), readFileSync(first[file]));
  // A rewritten file is a different file with the same name.
  const { ino } = statSync(copy.result);
  assert.ok(provideRun(teacher, other));
  assert.equal(statSync(copy.result).ino, ino);
  writeFileSync(copy.result, "damaged");
  assert.ok(provideRun(teacher, other));
  assert.deepEqual(readFileSync(copy.result), readFileSync(first.result));
});

test("the figures of the results are found by name, and have the same bytes twice", async (t) => {
  const root = stored(t, "table10");
  const folders = { results: path.join(root, "results"), runs: path.join(root, "runs") };
  const names = paperFigures(folders).map(({ name }) => name);
  assert.ok(names.includes("table10-cora") && names.includes("table10-cora-curve"));
  assert.ok(!names.some((name) => /citeseer|maps/.test(name)), "nothing was run there");
  const [figure] = paperFigures(folders, (name) => name === "table10-cora-curve");
  assert.match(figure!.description, /accuracy over beta.*Cora: quick profile/);
  if ((await findChromium()) === undefined) return t.diagnostic("no Chromium: nothing is drawn");
  const digests = [];
  for (const name of ["a.svg", "b.svg", "a.png", "b.png", "a.pdf", "b.pdf"]) {
    const file = path.join(root, name);
    const { rows, width, description } = figure!;
    await saveFigure(rows.figure, file, { width, height: rows.height, description });
    digests.push(createHash("sha256").update(readFileSync(file)).digest("hex"));
  }
  for (const k of [0, 2, 4]) assert.equal(digests[k], digests[k + 1], ["SVG", "PNG", "PDF"][k / 2]);
});
