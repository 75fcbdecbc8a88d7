// The search for recipes: fair by construction, blind to test accuracy, repeatable.
import assert from "node:assert/strict";
import { test } from "node:test";
import { writeSection } from "../../src/experiments/markdown-section.ts";
import { recipeReport } from "../../src/experiments/recipe-report.ts";
import {
  changesOf,
  drawConfigurations,
  neighboursOf,
  PLAN,
  type SearchTools,
  SPACES,
  searchRecipe,
} from "../../src/experiments/recipe-search.ts";
import { mean, pairedT, standardDeviation } from "../../src/experiments/statistics.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig, RunResult } from "../../src/training/run.ts";
import { sampleRun } from "../figures/sample-runs.ts";

/** Validation prefers a learning rate of 0.03, test one of 0.003. */
function outcome(config: RunConfig): RunResult {
  const { learningRate } = config.training;
  const val = learningRate === 0.03 ? 0.8 : 0.6;
  const test = learningRate === 0.003 ? 0.9 : 0.5;
  const jitter = config.seed / 1e4;
  const accuracy = { train: 1, val: val + jitter, test };
  return { ...sampleRun(config.method!.name, config.seed, test), config, accuracy };
}

function tools(log: RunConfig[]): SearchTools {
  return {
    config: (method, split, seed, changes) => {
      const subject = { dataset: "cora", split, seed };
      return studentConfig(subject, method, teacherConfig({ ...subject, seed: 1 }), changes);
    },
    run: async (configs) => {
      log.push(...configs);
      return configs.map(outcome);
    },
  };
}

test("every method has the same number of distinct random configurations", () => {
  for (const space of Object.values(SPACES)) {
    const drawn = drawConfigurations(space, PLAN.configurations, 1);
    assert.equal(drawn.length, PLAN.configurations);
    assert.equal(new Set(drawn.map((draw) => JSON.stringify(draw))).size, drawn.length);
    assert.deepEqual(drawConfigurations(space, PLAN.configurations, 1), drawn);
    assert.notDeepEqual(drawConfigurations(space, PLAN.configurations, 2), drawn);
  }
  const few = {
    dropout: [0, 0],
    learningRate: [1],
    weightDecay: [0, 1],
    options: [],
    start: [0, 1, 0],
  };
  assert.equal(drawConfigurations(few, 20, 1).length, 2, "a small space is used up");
});

test("a neighbour differs in one choice", () => {
  const space = SPACES["abkd"]!;
  const [draw] = drawConfigurations(space, 1, 1);
  const near = neighboursOf(draw!, space, 100, 1);
  for (const other of near) {
    assert.equal(other.filter((value, k) => value !== draw![k]).length, 1);
  }
  // 2 dropouts, 2 rates, 3 decays, 4 betas, 1 rate of projections, 1 kind of maps, 1 of logits.
  assert.equal(near.length, 14);
  assert.equal(neighboursOf(draw!, space, 5, 1).length, 5);
});

test("options that belong together are drawn together", () => {
  for (const draw of drawConfigurations(SPACES["softkd"]!, 30, 3)) {
    const { options } = changesOf(draw);
    if (options?.["hardWeight"] === 0) assert.equal(options["alpha"], 1);
  }
});

test("validation alone decides, and the final seeds are new", async () => {
  const log: RunConfig[] = [];
  const found = await searchRecipe("softkd", SPACES["softkd"]!, PLAN, tools(log));
  assert.equal(found.chosen.training?.learningRate, 0.03, "test accuracy preferred 0.003");
  const chosenOn = new Set([...PLAN.first.seeds, ...PLAN.second.seeds, ...PLAN.third.seeds]);
  assert.ok(found.final.every((run) => !chosenOn.has(run.config.seed)));
  const { start } = SPACES["softkd"]!;
  const each = (trials: { splits: readonly string[]; seeds: readonly number[] }): number =>
    trials.splits.length * trials.seeds.length;
  const earlier = found.candidates.find(({ draw }) => draw === start);
  assert.ok(earlier && earlier.runs.length >= each(PLAN.first) + each(PLAN.second));
  const most = each(PLAN.first) + each(PLAN.second) + each(PLAN.third);
  const finalists = found.candidates.filter(({ runs }) => runs.length === most);
  assert.equal(finalists.length, PLAN.finalists);
  assert.equal(found.final.length, PLAN.final.splits.length * PLAN.final.seeds.length);
  const again = await searchRecipe("softkd", SPACES["softkd"]!, PLAN, tools([]));
  assert.deepEqual(again, found);
});

test("the report has a row a method, paired differences and everything that was tried", async () => {
  const outcomes = [];
  for (const method of ["student", "softkd"]) {
    outcomes.push(await searchRecipe(method, SPACES[method]!, PLAN, tools([])));
  }
  const text = recipeReport("cora", PLAN, outcomes, []);
  assert.match(text, /\| student \| 80\.0 \+- 0\.0 \| 50\.0 \+- 0\.0 \| 50\.0 \| 0 \| {2}\| /);
  for (const { method, candidates } of outcomes) {
    assert.ok(text.includes(`${method}: ${candidates.length} configurations`));
  }
  const document = "# A\n<!-- generated: cora -->\nold\n<!-- end: cora -->\nend";
  const written = writeSection(document, "cora", text);
  assert.ok(written.startsWith("# A\n") && written.endsWith("\nend") && !written.includes("\nold"));
  assert.equal(writeSection(written, "cora", text), written);
  assert.throws(() => writeSection(document, "pubmed", text), /no section/);
});

test("statistics against numbers worked out by hand", () => {
  assert.equal(mean([1, 2, 6]), 3);
  assert.equal(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), Math.sqrt(32 / 7));
  assert.equal(standardDeviation([5]), 0);
  // Differences 1, 2, 3: mean 2, deviation 1, t = 2 sqrt(3).
  assert.ok(Math.abs(pairedT([1, 2, 3]) - 2 * Math.sqrt(3)) < 1e-12);
});
