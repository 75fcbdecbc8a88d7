// The public interface: what a program that installs the package can import, and its silence.
import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { test } from "node:test";

test("importing starts no engine and reads no data; what it exports works", async (t) => {
  const opened: string[] = [];
  const { readFileSync } = fs;
  const read = t.mock.method(fs, "readFileSync", (...args: Parameters<typeof readFileSync>) => {
    // Modules, and the package.json files that say what they are, are read by the loader.
    if (!/\.(ts|[cm]?js|json)$/.test(String(args[0]))) opened.push(String(args[0]));
    return readFileSync(...args);
  });
  // For those who import { readFileSync }.
  syncBuiltinESMExports();
  const abkd = await import("../src/index.ts");
  assert.deepEqual(opened, []);
  assert.throws(() => abkd.memory(), /startEngine/);
  const teacher = abkd.teacherConfig({ dataset: "synthetic", seed: abkd.TEACHER_SEED });
  const config = abkd.studentConfig({ dataset: "synthetic", seed: 1 }, "student", teacher, {
    training: { epochs: 2 },
  });
  const run = await abkd.prepareRun(config); // what needs the engine starts it
  run.dispose();
  assert.match(opened.join(), /\.wasm/, "the watch itself works");
  read.mock.restore();
  syncBuiltinESMExports();

  const graph = await abkd.loadDataset("synthetic");
  const split = await abkd.loadSplit(graph, config.split);
  assert.equal(abkd.startEngine().name, "abkd");
  const shape = { features: graph.features.columns, classes: graph.classes };
  const model = new abkd.Gcnii(config.model, shape, config.seed);
  assert.equal(abkd.parameterCount(model), 5835);
  const inputs = abkd.graphInputs(graph);
  const targets = abkd.splitTargets(graph, split);
  const { curve } = await abkd.train({
    config,
    model,
    inputs: inputs.value,
    targets: targets.value,
  });
  assert.equal(curve.loss.length, 2);
});
