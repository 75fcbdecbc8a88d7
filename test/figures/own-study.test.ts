// openStudy and openRun with a program's own method and model, which worker threads import.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { registerStudy } from "../../src/experiments/studies/index.ts";
import { type Arm, planStudy, type Study } from "../../src/experiments/study.ts";
import { recordOf } from "../../src/experiments/trial-record.ts";
import { openRun } from "../../src/figures/open-run.ts";
import { openStudy } from "../../src/figures/study-view.ts";
import { importModules, moduleUrls } from "../../src/training/modules.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { result } from "../training/own-files.ts";
import { OWN_MODULE } from "../training/own-module.ts";
import { temporaryFolder } from "../training/small.ts";

const training = { epochs: 3 };

test("a study of the user's own method trains if its module is named", async (t) => {
  const root = temporaryFolder(t);
  const module = path.join(root, "own.ts");
  writeFileSync(module, OWN_MODULE);
  await importModules(moduleUrls([module]));
  const arm = (id: string, method: string): Arm => ({
    id,
    label: id,
    role: id === "own" ? "method" : "baseline",
    config: (subject, { seed }) =>
      studentConfig(
        subject,
        method,
        teacherConfig({ ...subject, seed }, { model: { kind: "own-gcn", width: 8 }, training }),
        { model: { kind: "own-gcn", width: 4 }, training },
      ),
  });
  const own: Study = {
    name: "own",
    title: "Own",
    about: [],
    datasets: ["synthetic"],
    arms: [arm("own", "own-matching"), arm("student", "student")],
    subject: "own",
    claims: () => [],
  };
  t.after(registerStudy(own));
  // The plan's own teacher, which takes minutes, is already stored.
  const store = new ResultsStore(path.join(root, "results"));
  store.prepare();
  for (const { id, config } of planStudy(own, { profile: "quick" }).trials) {
    if (!config.method) store.write(recordOf({ ...result, id, config }));
  }

  const options = { root, train: ["synthetic"] };
  await assert.rejects(openStudy("own", options), /"own-matching" was added by this program/);
  const study = await openStudy("own", { ...options, modules: [module] });
  const records = study.records("own");
  assert.ok(records.length > 0);
  assert.deepEqual(records[0]!.config.method?.name, "own-matching");
  assert.equal(study.records("student").length, records.length);
  // Everything is stored: nothing is trained, so nothing needs to be imported.
  await openStudy("own", options);

  const config = teacherConfig(
    { dataset: "synthetic", seed: 2 },
    { model: { kind: "own-gcn" }, training },
  );
  await assert.rejects(openRun(config, root), /the model "own-gcn" was added by this program/);
  const { model } = await openRun(config, root, { modules: [module] });
  assert.equal(model.parameters.length, 2);
});
