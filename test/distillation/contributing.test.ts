// CONTRIBUTING.md's new method, model, dataset and study, each a file and a line, work as written.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { RunResult } from "../../src/training/run.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const METHODS = "src/distillation/methods.ts";
const MODELS = "src/models/models.ts";
const DATASETS = "src/datasets/registry.ts";
const STUDIES = "src/experiments/studies/index.ts";

/** Returns the first code block after a file's name. */
function blockAfter(text: string, name: string): string {
  const block = /```ts\n([\s\S]*?)```/.exec(text.slice(text.indexOf(name)));
  assert.ok(block, `CONTRIBUTING.md has no code after ${name}`);
  return block[1]!;
}

const copy = mkdtempSync(path.join(os.tmpdir(), "abkd-contributing-"));
after(() => rmSync(copy, { recursive: true, force: true }));

// One copy of the project takes all additions, so that they are compiled once.
before(() => {
  cpSync(path.join(ROOT, "src"), path.join(copy, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) {
    cpSync(path.join(ROOT, name), path.join(copy, name));
  }
  for (const name of ["node_modules", "build"]) {
    symlinkSync(path.join(ROOT, name), path.join(copy, name));
  }
  add("src/distillation/matching.ts", METHODS);
  add("src/models/walk.ts", MODELS);
  add(
    "src/datasets/grid.ts",
    DATASETS,
    "gridGraph",
    "] as const satisfies readonly DatasetEntry[]",
  );
  const end = "} as const satisfies Readonly<Record<string, Study>>";
  add("src/experiments/studies/depth.ts", STUDIES, "depth", end);
});

/**
 * Adds a file and a line (or entry), both as CONTRIBUTING.md has them.
 * @param name what the list imports from the file; without it, the line is appended
 * @param end the text that ends the list
 */
function add(file: string, list: string, name?: string, end?: string): void {
  const guide = readFileSync(path.join(ROOT, "CONTRIBUTING.md"), "utf8");
  writeFileSync(path.join(copy, file), blockAfter(guide, file));
  const line = blockAfter(guide.slice(guide.indexOf(file)), `\`${list}\``);
  if (name === undefined || end === undefined) {
    assert.equal(line.trim().split("\n").length, 1);
    appendFileSync(path.join(copy, list), line);
    return;
  }
  const listed = readFileSync(path.join(copy, list), "utf8");
  assert.equal(listed.split(end).length, 2, `${list} has one ${end}`);
  const own = `import { ${name} } from "./${path.basename(file)}";\n`;
  writeFileSync(path.join(copy, list), own + listed.replace(end, line + end));
}

async function run(...args: readonly string[]): Promise<string> {
  // The copy's compiled code is of no use to others.
  const env = { NODE_COMPILE_CACHE: path.join(copy, "compiled"), ...process.env };
  return (await promisify(execFile)(process.execPath, [...args], { cwd: copy, env })).stdout;
}

const abkd = (...args: readonly string[]): Promise<string> => run("src/cli.ts", ...args);

test("the lists with all additions type-check", async () => {
  const include = [METHODS, MODELS, DATASETS, STUDIES, "src/**/*.d.ts"];
  const config = JSON.stringify({ extends: "./tsconfig.json", include });
  writeFileSync(path.join(copy, "tsconfig.one.json"), config);
  const compiler = path.join(ROOT, "node_modules/typescript/bin/tsc");
  assert.equal(await run(compiler, "-p", "tsconfig.one.json"), "");
});

test("a new method is a file and a line: it trains and appears in table 3", async () => {
  const small = ["--teacher-layers", "2", "--teacher-width", "8", "--teacher-epochs", "2"];
  const student = ["--epochs", "3", "--matching-beta", "0.5", "--threads", "1"];
  const given = ["--dataset", "synthetic", "--method", "matching", ...student, ...small];
  const [methods, trained, status] = await Promise.all([
    abkd("methods"),
    abkd("distill", ...given, "--quiet", "--json"),
    abkd("study", "status", "table3", "--datasets", "synthetic"),
  ]);
  assert.match(
    methods,
    /^matching: logit matching[^\n]*\n {2}reads of its teacher: logits\n {2}--matching-beta 1\n/m,
  );
  const [result] = JSON.parse(trained) as [
    {
      config: { method: { name: string; options: { beta: number } } };
      curve: { loss: number[] };
      inspection: { last: { scalars: { term: number } } };
    },
  ];
  assert.deepEqual(
    [result.config.method.name, result.config.method.options.beta],
    ["matching", 0.5],
  );
  const { loss } = result.curve;
  assert.ok(loss.length === 3 && loss[2]! < loss[0]!, `${loss}`);
  assert.ok(result.inspection.last.scalars.term > 0);
  assert.match(status, /synthetic +matching +0 +0 +2\n/);
});

test("a new kind of model is a file and a line: it teaches, learns and predicts", async () => {
  const teacher = ["--teacher-model", "walk", "--teacher-width", "8", "--teacher-epochs", "2"];
  const student = ["--model", "walk", "--width", "4", "--batch-norm", "true", "--epochs", "3"];
  const given = ["--dataset", "synthetic", "--method", "at", "--threads", "1", "--quiet", "--json"];
  const [models, trained] = await Promise.all([
    abkd("models"),
    abkd("distill", ...given, ...student, ...teacher),
  ]);
  assert.match(models, /^walk: Walk, graph convolutions/m);
  const [result] = JSON.parse(trained) as [RunResult];
  const { config, curve, id, accuracy } = result;
  assert.deepEqual([config.model.kind, config.teacher!.model.kind], ["walk", "walk"]);
  assert.ok(curve.loss.length === 3 && curve.loss.every(Number.isFinite), `${curve.loss}`);
  await abkd("export", id, "--output", "walk.npz", "--format", "npz");
  const predicted = JSON.parse(await abkd("predict", "walk.npz", "--json")) as typeof result;
  assert.equal(predicted.accuracy.test, accuracy.test);
});

test("a new dataset is a file and an entry: it is listed and trained on", async () => {
  const given = ["--dataset", "grid", "--method", "student", "--epochs", "60", "--threads", "1"];
  const [listed, trained] = await Promise.all([
    abkd("data", "list"),
    abkd("distill", ...given, "--quiet", "--json"),
  ]);
  assert.match(listed, /^grid .*400 nodes in two halves/m);
  const [{ data, accuracy, config }] = JSON.parse(trained) as [RunResult];
  assert.deepEqual([data.nodes, data.arcs, data.classes], [400, 4 * 20 * 19, 2]);
  assert.equal(config.split, "random:48/32/20:0");
  assert.ok(accuracy.train > 0.7, `${accuracy.train}`);
});

test("a new study is a file and a line: it is listed and planned", async () => {
  const [listed, status] = await Promise.all([
    abkd("study", "list"),
    abkd("study", "status", "depth", "--datasets", "synthetic"),
  ]);
  assert.match(listed, /^depth +12 +200 +Depth of the student$/m);
  // The quick profile has two splits with one seed each.
  for (const arm of ["softkd:8L", "softkd"]) {
    assert.match(status, new RegExp(`synthetic +${arm} +0 +0 +2\\n`));
  }
});
