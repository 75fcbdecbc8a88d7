// The figures show the runs' numbers, at the right place on the axes.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testAccuracies } from "../../src/figures/accuracies.ts";
import { compose } from "../../src/figures/compose.ts";
import type { Figure } from "../../src/figures/figure.ts";
import { learningCurves } from "../../src/figures/learning-curves.ts";
import { attentionMatrix, dissimilarityMatrix } from "../../src/figures/matrices.ts";
import type { RunResult } from "../../src/training/run.ts";
import { sampleRun, sampleRuns } from "./sample-runs.ts";

function trace({ data }: Figure, uid: string) {
  const found = data.find((one) => one.uid === uid);
  assert.ok(found, `no trace ${uid}`);
  return found as typeof found & {
    x: number[];
    y: number[];
    z: number[][];
    customdata: number[][];
  };
}

function withCurve(seed: number, valAccuracy: number[], dead = false): RunResult {
  const run = sampleRun("abkd", seed, 0.8, { dead });
  return { ...run, curve: { ...run.curve, valAccuracy, trainAccuracy: valAccuracy } };
}

function withDissimilarity(dissimilarity: number[][]): RunResult {
  const last = { scalars: {}, matrices: { dissimilarity }, warnings: [] };
  return { ...sampleRun("abkd", 1, 0.8), inspection: { first: last, last } };
}

describe("learning curves", () => {
  const runs = [withCurve(1, [0.2, 0.5]), withCurve(2, [0.3, 0.6, 0.9]), withCurve(3, [0.1, 0.4])];

  it("are medians in percent over epochs from 1; a stopped run keeps its last value", () => {
    const line = trace(learningCurves(runs), "curve-0-validation");
    assert.deepEqual(line.x, [1, 2, 3]);
    assert.deepEqual(line.y, [20, 50, 50]);
  });

  it("have a band from the worst to the best live seed", () => {
    const dead = withCurve(4, [0.05, 0.05, 0.05], true);
    const band = trace(learningCurves([...runs, dead]), "curve-0-band");
    assert.deepEqual(band.x, [1, 2, 3, 3, 2, 1]);
    assert.deepEqual(band.y, [30, 60, 90, 40, 40, 10]);
    const line = trace(learningCurves([...runs, dead]), "curve-0-validation");
    assert.match(String((line as { name?: string }).name), /1 of 4 died/);
  });

  it("are drawn even if every run died", () => {
    const figure = learningCurves([withCurve(1, [0.1], true)]);
    assert.deepEqual(trace(figure, "curve-0-band").y, []);
  });
});

describe("test accuracies", () => {
  const figure = testAccuracies(sampleRuns);

  it("mark every seed, the median, and the paper's numbers", () => {
    assert.deepEqual(trace(figure, "accuracy-3-seeds").y, [83, 84.6, 84.1]);
    assert.deepEqual(trace(figure, "accuracy-3-median").y, [84.1, 84.1]);
    assert.deepEqual(trace(figure, "accuracy-published").y, [88.4, 74.22, 84.27]);
  });

  it("put a dead run at the foot of the axis and give its value", () => {
    const seeds = trace(figure, "accuracy-1-seeds");
    const foot = Math.min(...seeds.y);
    assert.equal(seeds.y[2], foot);
    assert.ok(foot > 27.8 && foot < 79);
    assert.match(String(seeds.customdata[2]), /seed 3: 27.8 %, died/);
  });

  it("mention seeds and medians only if a method has several runs", () => {
    const one = [sampleRun("abkd", 1, 0.8), sampleRun("student", 1, 0.7)];
    const titleOf = (figure: Figure): string => JSON.stringify(figure.layout.title);
    for (const draw of [testAccuracies, learningCurves]) {
      assert.match(titleOf(draw(sampleRuns)), /median/);
      assert.doesNotMatch(titleOf(draw(one)), /median|each seed|worst/);
    }
  });

  it("have no number from the paper for a graph that the paper lacks", () => {
    const runs = [sampleRun("abkd", 1, 0.8, { dataset: "synthetic" })];
    assert.ok(!testAccuracies(runs).data.some(({ uid }) => uid === "accuracy-published"));
  });
});

describe("matrices", () => {
  it("put teacher layers on x and student layers on y", () => {
    const figure = dissimilarityMatrix(
      withDissimilarity([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    );
    assert.ok(figure);
    const map = trace(figure, "dissimilarity");
    assert.deepEqual(map.x, [1, 2, 3]);
    assert.deepEqual(map.y, [1, 2]);
    assert.deepEqual(map.z, [
      [1, 3, 5],
      [2, 4, 6],
    ]);
    assert.match(String(figure.layout.xaxis?.title?.text), /teacher layer i/);
    assert.match(String(figure.layout.yaxis?.title?.text), /student layer j/);
  });

  it("use logarithmic colours if values spread widely, and show the true values on hover", () => {
    const figure = dissimilarityMatrix(
      withDissimilarity([
        [0.01, 1],
        [10, 100],
      ]),
    );
    assert.ok(figure);
    const map = trace(figure, "dissimilarity");
    assert.deepEqual(map.z, [
      [-2, 1],
      [0, 2],
    ]);
    assert.deepEqual(map.customdata, [
      [0.01, 10],
      [1, 100],
    ]);
    assert.match(String(figure.layout.title?.text), /logarithmic/);
  });

  it("accept zeros and values that are not numbers", () => {
    for (const matrix of [[[0, 0]], [[0, 5]], [[Number.NaN, 1]]])
      assert.ok(dissimilarityMatrix(withDissimilarity(matrix)));
  });

  it("are undefined for a method that has none", () => {
    assert.equal(attentionMatrix(sampleRun("student", 1, 0.8)), undefined);
  });

  it("show attention on a fixed scale of 0 to 1", () => {
    const figure = attentionMatrix(sampleRun("abkd", 1, 0.8));
    assert.ok(figure);
    const map = figure.data[0] as { zmin?: number; zmax?: number };
    assert.deepEqual([map.zmin, map.zmax], [0, 1]);
  });
});

describe("compose", () => {
  const abkd = sampleRun("abkd", 1, 0.8);
  const sheet = compose(
    "Sheet",
    [
      { figure: learningCurves(sampleRuns), x: [0, 0.5], y: [0.5, 1] },
      { figure: attentionMatrix(abkd)!, x: [0.6, 1], y: [0, 0.4] },
    ],
    "runs: abc",
  );

  it("gives each figure its own axes, legend and place", () => {
    const layout = sheet.layout as Record<string, { domain?: number[]; anchor?: string }>;
    assert.deepEqual(layout["xaxis2"]?.domain, [0.6, 1]);
    assert.equal(layout["xaxis2"]?.anchor, "y2");
    assert.deepEqual(layout["yaxis"]?.domain, [0.5, 1]);
    const map = sheet.data.at(-1) as { type?: string; xaxis?: string; colorbar?: { len?: number } };
    assert.equal(map.xaxis, "x2");
    assert.equal(map.colorbar?.len, 0.4);
  });

  it("keeps identifiers distinct, so that an export has the same bytes every time", () => {
    const uids = sheet.data.map(({ uid }) => uid);
    assert.ok(uids.every((uid) => typeof uid === "string"));
    assert.equal(new Set(uids).size, uids.length);
  });
});
