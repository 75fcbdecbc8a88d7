// The search for recipes: fair by construction, blind to test accuracy, repeatable; its files are read back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "../../src/base/errors.ts";
import { methods } from "../../src/distillation/registry.ts";
import { type Contender, contenders } from "../../src/experiments/contenders.ts";
import { drawConfigurations } from "../../src/experiments/recipe-draws.ts";
import { withFurtherSearch } from "../../src/experiments/recipe-merge.ts";
import {
  type RunRung,
  searchContenders,
  searchRecipes,
  searchRule,
} from "../../src/experiments/recipe-search.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { runRecorded } from "../../src/experiments/run-study.ts";
import { mean, standardDeviation } from "../../src/experiments/statistics.ts";
import { table3 } from "../../src/experiments/studies/table3.ts";
import { planStudy } from "../../src/experiments/study.ts";
import { recordOf } from "../../src/experiments/trial-record.ts";
import { recipeFile } from "../../src/training/recipe-file.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { runTrials } from "../../src/training/trials.ts";
import { sampleRun } from "../figures/sample-runs.ts";
import { temporaryFolder } from "../training/small.ts";
import { named, RULE, runner } from "./recipe-runner.ts";

test("every method that is compared is searched, in batches of the same size", () => {
  const all = contenders();
  assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  for (const { name, role } of methods) {
    const isSearched = all.some(({ method }) => method === name);
    assert.equal(isSearched, role !== "apart", name);
  }
  for (const one of all) {
    const drawn = drawConfigurations(one, RULE.batch, 1);
    assert.equal(drawn.length, RULE.batch, one.id);
    assert.equal(new Set(drawn.map((draw) => JSON.stringify(draw))).size, drawn.length);
    assert.deepEqual(drawn[0]!.options, one.start, "it begins with the published weights");
    const more = drawConfigurations(one, 2 * RULE.batch, 1);
    assert.deepEqual(more.slice(0, RULE.batch), drawn, "a second batch goes on from the first");
    assert.notDeepEqual(drawConfigurations(one, RULE.batch, 2), drawn);
    // Each is a legal configuration of its method and contains every value of `fixed`.
    const teacher = teacherConfig({ dataset: "cora", seed: 1 });
    for (const { options } of drawn) {
      studentConfig({ dataset: "cora", seed: 1 }, one.method, teacher, { options });
      for (const [name, value] of Object.entries(one.fixed)) assert.equal(options[name], value);
    }
  }
});

test("spaces are nested: with beta 0 a method is the student, or SoftKD if it has soft labels", () => {
  const [softkd] = named("softkd");
  const weights: readonly string[] = ["alpha", "softLabels", "softWeight"];
  /** Lists every choice of labels and temperature, whatever a method calls the weight of its soft labels. */
  const mixtures = ({ space }: Contender): string[] => {
    const own = space.options.filter(
      ([first]) => first && ("hardWeight" in first || "temperature" in first),
    );
    const [labels = [], temperatures = []] = own;
    return labels.flatMap((one) =>
      temperatures.map(({ temperature }) => {
        const weight = Object.keys(one).find((name) => weights.includes(name))!;
        return `${one["hardWeight"]} ${one[weight]} ${temperature}`;
      }),
    );
  };
  const all = mixtures(softkd!);
  assert.equal(new Set(all).size, 15);
  assert.ok(all.includes("1 0 1"), "hard labels alone, as the student has them");
  for (const one of contenders()) {
    const { id, method, space } = one;
    assert.deepEqual(space.keep, ["loss", "accuracy"]);
    assert.deepEqual(space.epochs, [600, 2000]);
    if (id.endsWith("+soft")) assert.deepEqual(mixtures(one), all, id);
    if (method === "student" || method === "softkd") continue;
    // Smoothing has no weight: the teacher's entropy determines it.
    if (method === "smoothing") continue;
    const without = space.options.flat().filter(({ beta }) => beta === 0);
    assert.ok(without.length > 0, `${id} may choose a beta of 0`);
  }
});

test("each search has its own draws, splits and seeds, and no splits of a study", () => {
  const rules = [1, 2, 3, 4, 5].map((search) => searchRule("cora", search));
  const [student] = named("student");
  const parts = rules.map(({ seed, rungs }) => ({
    draws: JSON.stringify(drawConfigurations(student!, 16, seed).slice(1)),
    splits: new Set(rungs.flatMap(({ splits }) => splits)),
    seeds: new Set(rungs.flatMap(({ seeds }) => seeds)),
  }));
  assert.equal(new Set(parts.map(({ draws }) => draws)).size, 5);
  assert.equal(new Set(parts.flatMap(({ splits }) => [...splits])).size, 10);
  assert.equal(new Set(parts.flatMap(({ seeds }) => [...seeds])).size, 20);
  const [plan] = planStudy(table3, { profile: "paper", datasets: ["cora"] }).datasets;
  for (const { splits } of parts) {
    assert.ok(plan!.splits.every((split) => !splits.has(split)));
  }
  assert.throws(() => searchRule("cora", 6), OptionError);
  assert.throws(() => searchRule("cora", 0), OptionError);
});

test("batches are drawn until two in a row gain nothing beyond noise", async () => {
  const batches = new Map<string, number>();
  /** SoftKD gains from its second and third batch, the student from none. */
  const run: RunRung = async (trials, { batch }) => {
    const records = new Map(
      [...trials].map(([id, config]) => {
        const method = config.method!.name;
        batches.set(method, batch + 1);
        const val = method === "softkd" ? 0.5 + 0.1 * Math.min(batch, 2) : 0.5;
        const accuracy = { train: 1, val, test: 0.5 };
        return [
          id,
          recordOf({
            ...sampleRun(method, config.seed, 0.5, { epochs: 300 }),
            id,
            config,
            accuracy,
          }),
        ];
      }),
    );
    return { records };
  };
  const file = await searchRecipes(
    "cora",
    named("student", "softkd"),
    RULE,
    run,
    () => "2026-01-01",
  );
  assert.deepEqual(Object.fromEntries(batches), { student: 3, softkd: 5 });
  assert.equal(file.recipes["student"]!.tried!.configurations, 48);
  assert.equal(file.recipes["softkd"]!.tried!.configurations, 80);
  assert.equal(file.recipes["softkd"]!.validation!.mean, 0.7);
});

test("a gain within the standard error of four runs does not count", async () => {
  const batches = new Set<number>();
  const run: RunRung = async (trials, { batch }) => {
    batches.add(batch);
    const records = new Map(
      [...trials].map(([id, config], k) => {
        // Four runs of 0.5 and 0.7 have a standard error of 0.058; each batch is 0.02 above the last.
        const accuracy = { train: 1, val: 0.5 + 0.2 * (k % 2) + 0.02 * batch, test: 0.5 };
        return [
          id,
          recordOf({
            ...sampleRun("student", config.seed, 0.5, { epochs: 300 }),
            id,
            config,
            accuracy,
          }),
        ];
      }),
    );
    return { records };
  };
  await searchRecipes("cora", named("student"), RULE, run, () => "2026-01-01");
  assert.equal(batches.size, 3);
});

test("options that belong together are drawn together", () => {
  const [softkd] = named("softkd");
  for (const { options } of drawConfigurations(softkd!, 30, 3).slice(1)) {
    if (options["hardWeight"] === 0) assert.equal(options["alpha"], 1);
  }
});

test("validation alone decides; a diverged run counts as 0; rungs halve; no seed is a study's", async () => {
  const log: RunConfig[][] = [];
  const all = named("student", "softkd", "fitnet+soft");
  const file = await searchRecipes("cora", all, RULE, runner(log), () => "2026-01-01");
  for (const { id } of all) {
    const chosen = file.recipes[id]!;
    assert.equal(chosen.training.learningRate, 0.03, "test accuracy preferred 0.01");
    assert.notEqual(chosen.options["temperature"], 4);
    assert.equal(chosen.tried!.configurations % RULE.batch, 0);
    assert.equal(chosen.validation!.runs, 4);
    assert.ok([600, 2000].includes(chosen.training.epochs));
  }
  assert.ok(file.recipes["softkd"]!.tried!.diverged > 0);
  let left = RULE.batch;
  // The log begins with the first batch.
  for (const [k, rung] of RULE.rungs.entries()) {
    for (const { method } of all) {
      const runs = log[k]!.filter((config) => config.method!.name === method);
      const configurations = runs.length / (rung.splits.length * rung.seeds.length);
      assert.ok(configurations === left || (k > 0 && configurations === left + 1));
      const started = runs.some(
        ({ model, training }) =>
          model.dropout === 0 && training.learningRate === 0.01 && training.weightDecay === 1e-4,
      );
      assert.ok(started, "the start stays to the end");
      assert.ok(
        runs.every(({ seed }) => seed > 100),
        "a study's seeds are 1, 2, ...",
      );
      assert.ok(runs.every(({ training }) => training.epochs <= rung.epochs));
    }
    left = rung.keep;
  }
  const again = await searchRecipes("cora", all, RULE, runner([]), () => "2026-01-01");
  assert.deepEqual(again, file);
});

test("a further search goes beside the first, in order, and only with the same rule", async () => {
  const one = named("student", "softkd");
  const small = (index: number) => ({ ...searchRule("cora", index), batch: 4 });
  const first = await searchRecipes("cora", one, small(1), runner([]), () => "2026-01-01");
  const search = (index: number, some = one) =>
    searchRecipes("cora", some, small(index), runner([]), () => "2026-01-02");
  const [second, third] = [await search(2), await search(3)];
  assert.throws(() => withFurtherSearch(first, 3, third), /search 2 must come before search 3/);
  const two = withFurtherSearch(first, 2, second);
  const three = withFurtherSearch(two, 3, third);
  assert.deepEqual(three.recipes, first.recipes);
  assert.deepEqual(
    three.further!.map(({ search: { rungs } }) => rungs[0]!.splits[0]),
    ["random:1192/796/497:102", "random:1192/796/497:104"],
  );
  assert.deepEqual(withFurtherSearch(three, 2, second), three, "again, and it is in its own place");
  const part = withFurtherSearch(three, 2, await search(2, named("student")));
  assert.deepEqual(
    Object.keys(part.further![0]!.recipes),
    ["student", "softkd"],
    "a search of some leaves the others' recipes",
  );
  const [student] = named("student");
  const wider = { ...student!, space: { ...student!.space, dropout: [0, 0.5] } };
  const elsewhere = await search(2, [wider]);
  assert.throws(() => withFurtherSearch(first, 2, elsewhere), /in another space/);
  const today = recipeFile("cora")!;
  assert.throws(
    () => withFurtherSearch(today, 2, second),
    /another rule; search all contenders first/,
  );
});

test("a real search resumes from its records, and its recipe trains", async (t) => {
  const folder = temporaryFolder(t);
  const store = new ResultsStore(`${folder}/search`);
  const splits = ["random:48/32/20:0"];
  const rule = {
    ...{ batch: 3, patience: 0, seed: 1 },
    rungs: [
      { epochs: 2, splits, seeds: [101], keep: 1 },
      { epochs: 3, splits, seeds: [102, 103], keep: 1 },
    ],
  };
  let begun = 0;
  const run: RunRung = async (trials) => {
    const observer = (event: { type: string }): void => {
      if (event.type === "start") begun++;
    };
    const options = { store, runsDir: `${folder}/runs`, workers: 1, threads: 1, observer };
    await runRecorded(trials, options, runTrials);
    return store.read(trials.keys());
  };
  const search = () => searchRecipes("synthetic", named("student"), rule, run, () => "2026-01-01");
  const file = await search();
  const { student } = file.recipes;
  // Two reach the last rung, unless the start is the best on the first.
  assert.ok(begun === 5 || begun === 7);
  assert.deepEqual([file.search!.runs, file.search!.diverged], [begun, 0]);
  const first = begun;
  assert.ok(student!.validation!.mean > 0 && student!.tried!.best >= student!.tried!.worst);
  assert.deepEqual(await search(), file);
  assert.equal(begun, first, "nothing is run twice");
});

test("statistics agree with numbers worked out by hand", () => {
  assert.equal(mean([1, 2, 6]), 3);
  assert.equal(standardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), Math.sqrt(32 / 7));
  assert.equal(standardDeviation([5]), 0);
});

test("what there was no time for counts as never drawn, and a student's size is drawn with the rest", async () => {
  const students = [
    { model: { kind: "gcn", layers: 2, width: 4 } },
    { model: { kind: "mlp", layers: 2, width: 8 }, features: [0, 5] },
  ] as const;
  const [plain] = named("student");
  const contender = { ...plain!, space: { ...plain!.space, students } };
  let first: readonly string[] = [];
  const all = await searchContenders({ dataset: "cora" }, [contender], RULE, async (trials, at) => {
    const { records } = await runner([])(trials, at);
    if (at.batch > 0) return { records };
    const left = new Set([...trials.keys()].filter((id) => !at.needed.has(id)));
    if (at.rung === 0) first = [...at.needed];
    return { records: new Map([...records].filter(([id]) => !left.has(id))), left };
  });
  const [one] = all[0]!.batches;
  assert.deepEqual(
    one!.map((rung) => rung.length),
    [1, 1, 1],
  );
  assert.equal(one![0]![0]!.records[0]!.id, first[0]);
  const records = all[0]!.batches.flat(2).flatMap((tried) => tried.records);
  const kinds = Map.groupBy(records, ({ config }) => config.model.kind);
  assert.deepEqual([...kinds.keys()].sort(), ["gcn", "mlp"]);
  assert.ok(kinds.get("mlp")!.every(({ config }) => config.features?.join() === "0,5"));
  assert.ok(kinds.get("gcn")!.every(({ config }) => config.features === undefined));
});
