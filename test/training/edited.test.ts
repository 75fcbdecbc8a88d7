// A module that is edited while a program runs: its workers would train with other code than the program knows.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { importModules, moduleUrls } from "../../src/training/modules.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { runTrials } from "../../src/training/trials.ts";
import { OWN_MODULE } from "./own-module.ts";
import { temporaryFolder } from "./small.ts";

test("workers refuse a module that has changed since the program loaded it", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "mine.ts");
  writeFileSync(file, OWN_MODULE);
  await importModules(moduleUrls([file]));
  const subject = { dataset: "synthetic", seed: 1 };
  const small = { model: { kind: "mlp", width: 2, layers: 2 }, training: { epochs: 1 } } as const;
  const config = studentConfig(subject, "own-matching", teacherConfig(subject, small), small);
  const options = { runsDir: join(folder, "runs"), workers: 1, modules: [file] };
  await runTrials([config], options);
  writeFileSync(file, OWN_MODULE.replace("tf.mul(beta", "tf.mul(2 * beta"));
  await assert.rejects(runTrials([config], { ...options, resume: true }), {
    name: "UserError",
    message: /^the method "own-matching" was added by a file that has changed since this program/,
  });
});
