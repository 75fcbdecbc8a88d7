// --module: a program's own method, model, dataset and study on the command line.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { RunResult } from "../../src/training/run.ts";
import { OWN_MODULE } from "../training/own-module.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkd } from "./abkd.ts";

const DATA = `import { findStudy, makeGraph, registerDataset, registerStudy } from "abkd";
const nodes = Array.from({ length: 60 }, (_, node) => node);
const graph = () =>
  makeGraph({
    edges: { from: nodes, to: nodes.map((node) => (node + 3) % 60) },
    features: nodes.map((node) => [node % 3 === 0 ? 1 : 0, 0.5, node / 60]),
    labels: nodes.map((node) => node % 3),
  });
registerDataset({ name: "rings", graph });
const figure = findStudy("figure5");
registerStudy({ ...figure, name: "rings", title: "Rings", datasets: ["rings"], arms: figure.arms.slice(0, 1) });
`;

test("they are trained, listed, exported, applied and studied; without the file they are unknown", async (t) => {
  const folder = temporaryFolder(t);
  const [mine, data] = [join(folder, "mine.ts"), join(folder, "data.ts")];
  writeFileSync(mine, OWN_MODULE);
  writeFileSync(data, DATA);
  const succeed = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await abkd(...args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const refused = async (message: RegExp, ...args: string[]): Promise<void> => {
    const { code, stderr } = await abkd(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  };
  const runs = join(folder, "runs");
  const teacher = ["--teacher-model", "own-gcn", "--teacher-width", "8", "--teacher-epochs", "4"];
  const student = ["--model", "own-gcn", "--width", "5", "--epochs", "4", "--trials", "2"];
  const method = ["--method", "own-matching", "--own-matching-beta", "0.5"];
  const what = ["--dataset", "rings", ...method, ...student, ...teacher];
  const modules = ["--module", mine, `--module=${data}`];
  const given = ["--runs", runs, "--json", "--quiet", "--workers", "2"];
  const results = JSON.parse(
    await succeed("distill", ...modules, ...what, ...given),
  ) as RunResult[];
  assert.deepEqual(
    results.map(({ config: { seed, dataset, model, method: used } }) => [
      seed,
      dataset,
      model,
      used,
    ]),
    [1, 2].map((seed) => [
      ...[seed, "rings", { kind: "own-gcn", width: 5 }],
      { name: "own-matching", version: 2, options: { beta: 0.5 } },
    ]),
  );
  const [{ id, accuracy }] = results as [RunResult];
  const file = join(folder, "student.safetensors");
  await succeed("export", id, "--runs", runs, "--output", file, "--module", mine);
  const applied = JSON.parse(await succeed("predict", file, ...modules, "--json"));
  assert.equal(applied.accuracy.test, accuracy.test);
  assert.match(
    await succeed("methods", "own-matching", "--module", mine),
    /--own-matching-beta 1\n/,
  );
  assert.match(await succeed("models", "--module", mine), /^own-gcn: own GCN, two layers/m);
  assert.match(await succeed("study", "status", "rings", "--module", data), /^rings .* 2$/m);

  await refused(/model\.kind \("own-gcn": --module may add it\)/, "predict", file);
  await refused(/own-matching/, "distill", "--method", "own-matching", "--dataset", "synthetic");
  await refused(
    /absent\.ts: there is no such file/,
    "train",
    "--module",
    join(folder, "absent.ts"),
  );
});
