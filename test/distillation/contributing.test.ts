// CONTRIBUTING.md's new method and new model, one file and one line each, work in a copy as written.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { RunResult } from "../../src/training/run.ts";
import { temporaryFolder } from "../training/small.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** The first code block behind a file's name. */
function blockAfter(text: string, name: string): string {
  const block = /```ts\n([\s\S]*?)```/.exec(text.slice(text.indexOf(name)));
  assert.ok(block, `CONTRIBUTING.md has no code behind ${name}`);
  return block[1]!;
}

interface Copy {
  abkd(...args: readonly string[]): Promise<string>;
  /** What the compiler says of the file that lists all. */
  types(): Promise<string>;
}

/** The project with one file more and one line more, both as CONTRIBUTING.md has them. */
function copyWith(t: TestContext, file: string, list: string): Copy {
  const copy = temporaryFolder(t);
  cpSync(path.join(ROOT, "src"), path.join(copy, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) {
    cpSync(path.join(ROOT, name), path.join(copy, name));
  }
  for (const name of ["node_modules", "build"]) {
    symlinkSync(path.join(ROOT, name), path.join(copy, name));
  }
  const guide = readFileSync(path.join(ROOT, "CONTRIBUTING.md"), "utf8");
  writeFileSync(path.join(copy, file), blockAfter(guide, file));
  const line = blockAfter(guide, `The line, in \`${list}\``);
  assert.equal(line.trim().split("\n").length, 1);
  appendFileSync(path.join(copy, list), line);
  const config = { extends: "./tsconfig.json", include: [list] };
  writeFileSync(path.join(copy, "tsconfig.one.json"), JSON.stringify(config));
  const run = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [...args], { cwd: copy })).stdout;
  return {
    abkd: (...args) => run("src/cli.ts", ...args),
    types: () => run(path.join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.one.json"),
  };
}

test("a new method is a file and a line: it type-checks, trains and stands in table 3", async (t) => {
  const { abkd, types: check } = copyWith(
    t,
    "src/distillation/matching.ts",
    "src/distillation/methods.ts",
  );
  const small = ["--teacher-layers", "2", "--teacher-width", "8", "--teacher-epochs", "2"];
  const student = ["--epochs", "3", "--matching-beta", "0.5", "--threads", "1"];
  const given = ["--dataset", "synthetic", "--method", "matching", ...student, ...small];
  const [types, methods, trained, status] = await Promise.all([
    check(),
    abkd("methods"),
    abkd("distill", ...given, "--quiet", "--json"),
    abkd("study", "status", "table3", "--datasets", "synthetic"),
  ]);
  assert.equal(types, "");
  assert.match(methods, /^matching: logit matching[^\n]*\n {2}--matching-beta 1\n/m);
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

test("a new kind of model is a file and a line: it type-checks, teaches, learns and predicts", async (t) => {
  const { abkd, types: check } = copyWith(t, "src/models/walk.ts", "src/models/models.ts");
  const teacher = ["--teacher-model", "walk", "--teacher-width", "8", "--teacher-epochs", "2"];
  const student = ["--model", "walk", "--width", "4", "--batch-norm", "true", "--epochs", "3"];
  const given = ["--dataset", "synthetic", "--method", "at", "--threads", "1", "--quiet", "--json"];
  const [types, models, trained] = await Promise.all([
    check(),
    abkd("models"),
    abkd("distill", ...given, ...student, ...teacher),
  ]);
  assert.equal(types, "");
  assert.match(models, /^walk: Walk, graph convolutions/m);
  const [result] = JSON.parse(trained) as [RunResult];
  const { config, curve, id, accuracy } = result;
  assert.deepEqual([config.model.kind, config.teacher!.model.kind], ["walk", "walk"]);
  assert.ok(curve.loss.length === 3 && curve.loss.every(Number.isFinite), `${curve.loss}`);
  await abkd("export", id, "--output", "walk.npz", "--format", "npz");
  const predicted = JSON.parse(await abkd("predict", "walk.npz", "--json")) as typeof result;
  assert.equal(predicted.accuracy.test, accuracy.test);
});
