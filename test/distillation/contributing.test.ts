// CONTRIBUTING.md's new method, one file and one line, works in a copy of the project as written.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporaryFolder } from "../training/small.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const FILE = "src/distillation/matching.ts";
const LIST = "src/distillation/methods.ts";

/** The first code block behind a file's name. */
function blockAfter(text: string, name: string): string {
  const block = /```ts\n([\s\S]*?)```/.exec(text.slice(text.indexOf(name)));
  assert.ok(block, `CONTRIBUTING.md has no code behind ${name}`);
  return block[1]!;
}

test("a new method is a file and a line: it type-checks, trains and stands in table 3", async (t) => {
  const copy = temporaryFolder(t);
  cpSync(path.join(ROOT, "src"), path.join(copy, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) {
    cpSync(path.join(ROOT, name), path.join(copy, name));
  }
  for (const name of ["node_modules", "build"]) {
    symlinkSync(path.join(ROOT, name), path.join(copy, name));
  }
  const guide = readFileSync(path.join(ROOT, "CONTRIBUTING.md"), "utf8");
  writeFileSync(path.join(copy, FILE), blockAfter(guide, FILE));
  const line = blockAfter(guide, LIST);
  assert.equal(line.trim().split("\n").length, 1);
  appendFileSync(path.join(copy, LIST), line);

  const run = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)(process.execPath, [...args], { cwd: copy })).stdout;
  const abkd = (...args: readonly string[]): Promise<string> => run("src/cli.ts", ...args);
  const config = {
    extends: "./tsconfig.json",
    include: ["src/distillation/methods.ts"],
  };
  writeFileSync(path.join(copy, "tsconfig.one.json"), JSON.stringify(config));

  const small = ["--teacher-layers", "2", "--teacher-width", "8", "--teacher-epochs", "2"];
  const student = ["--epochs", "3", "--matching-beta", "0.5", "--threads", "1"];
  const given = ["--dataset", "synthetic", "--method", "matching", ...student, ...small];
  const [types, methods, trained, status] = await Promise.all([
    run(path.join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.one.json"),
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
