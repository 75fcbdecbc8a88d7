// A program's own method, model and dataset: added at run time, trained on worker threads.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { OptionError, UserError } from "../../src/base/errors.ts";
import { loadDataset, registerDataset } from "../../src/datasets/index.ts";
import { importModules, moduleUrls } from "../../src/training/modules.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { OWN_MODULE } from "./own-module.ts";
import { contents, smallGraph, smallSplit, temporaryFolder } from "./small.ts";

const { train, val, test: rest } = smallSplit();
registerDataset({ name: "ring", graph: smallGraph(), split: { train, val, test: rest } });
const training = { epochs: 12 };

const file = join(temporaryFolder({ after } as TestContext), "own.ts");
writeFileSync(file, OWN_MODULE);
const module = pathToFileURL(file);
await importModules(moduleUrls([module]));

const own = { model: { kind: "own-gcn", width: 12 }, training };
const teacher = teacherConfig({ dataset: "ring", seed: 1 }, own);
const configs = [1, 2].flatMap((seed) => [
  student(seed, "own-gcn"),
  student(seed, "gcn"),
  studentConfig({ dataset: "ring", seed }, "fitnet", teacher, { training }),
]);

function student(seed: number, kind: string): RunConfig {
  const given = { model: { kind, width: 4 }, training, options: { beta: 0.5 } };
  return studentConfig({ dataset: "ring", seed }, "own-matching", teacher, given);
}

test("they train on two workers to the bits of one, and resume; their model files are read", async (t) => {
  assert.equal(configs[0]!.split, "public", "the dataset's own split is its usual one");
  assert.deepEqual(configs[0]!.method, {
    name: "own-matching",
    version: 2,
    options: { beta: 0.5 },
  });
  const [one, two] = [temporaryFolder(t), temporaryFolder(t)];
  await runTrials(configs, { runsDir: one, workers: 1, modules: [module] });
  const results = await runTrials(configs, { runsDir: two, workers: 2, modules: [module] });
  assert.deepEqual(contents(one), contents(two));
  for (const { accuracy, curve, inspection, config } of results) {
    assert.ok([...curve.loss, accuracy.test].every(Number.isFinite));
    assert.ok(inspection);
    if ((config.model.kind as string) !== "own-gcn") continue;
    assert.ok(curve.loss.at(-1)! < curve.loss[0]!, "the program's own model learns");
  }
  const term = results[0]!.inspection!.last.scalars["term"]!;
  assert.ok(term > 0 && Number.isFinite(term));
  const { parameters } = readModel(runFiles(two, configs[0]!).model);
  assert.deepEqual(parameters.get("first")!.shape, [12, 4]);

  const begun: string[] = [];
  const again = await runTrials(configs, {
    ...{ runsDir: two, workers: 2, modules: [module], resume: true },
    observer: (event) => event.type === "start" && begun.push(event.id),
  });
  assert.deepEqual(begun, [], "nothing is trained twice");
  assert.deepEqual(again, results);
});

test("a program's own dataset needs no module; its graph may be made on request", async (t) => {
  let made = 0;
  const graph = async () => {
    made++;
    return smallGraph();
  };
  const remove = registerDataset({ name: "late", title: "a ring", graph });
  t.after(remove);
  const config = teacherConfig(
    { dataset: "late", seed: 1 },
    { model: { kind: "mlp", width: 4 }, training },
  );
  assert.deepEqual([config.split, made], ["random:48/32/20:0", 0]);
  const [result] = await runTrials([config], { runsDir: temporaryFolder(t), workers: 1 });
  assert.equal(result!.data.nodes, 60);
  assert.equal((await loadDataset("late")).name, "late");
  remove();
  await assert.rejects(loadDataset("late"), /no dataset "late"/);
});

test("what workers cannot know is refused before anything is trained", async (t) => {
  const folder = temporaryFolder(t);
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const idle = write("idle.ts", "export {};\n");
  const broken = write("broken.ts", 'throw new Error("no such luck");\n');
  const recursive = write(
    "recursive.ts",
    `${OWN_MODULE}\nimport { runTrials } from "abkd";\nawait runTrials([]);\n`,
  );
  const cases: readonly (readonly [modules: unknown, RegExp, typeof UserError])[] = [
    [undefined, /the method "own-matching" was added by this program/, OptionError],
    [[], /was added by this program/, OptionError],
    ["own.ts", /option "modules" is "own.ts"; legal: an array/, OptionError],
    [[7], /a module is 7; legal: a file's path/, OptionError],
    [[join(folder, "absent.ts")], /absent\.ts: there is no such file/, OptionError],
    [["https://example.org/x.js"], /there is no such file/, OptionError],
    [[idle], /"own-matching" is not known in a worker thread/, UserError],
    [[broken], /broken\.ts cannot be loaded: no such luck/, UserError],
    [[recursive], /runTrials was called by a module that a worker thread imported/, UserError],
  ];
  for (const [modules, message, type] of cases) {
    const runsDir = join(folder, "runs");
    const work = runTrials(configs, { runsDir, modules: modules as string[], workers: 1 });
    await assert.rejects(work, (error: Error) => {
      assert.ok(error instanceof type, error.stack);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(contents(folder).size, 3, `${modules}: nothing was trained`);
  }
  const naming = { ...configs[0]!, modules: [broken] } as RunConfig;
  const work = runTrials([naming], { runsDir: join(folder, "runs"), modules: [module] });
  await assert.rejects(work, /the run: unknown key "modules"/, "a configuration names no code");
});
