// Training in the locality order: a run of its own, whose files use the dataset's own numbering.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { localityOrder } from "../../src/graph/order.ts";
import { NodeOrder } from "../../src/graph/reorder.ts";
import { Gcnii } from "../../src/models/gcnii.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { predictedClasses, withForward } from "../../src/training/evaluate.ts";
import { graphInputs } from "../../src/training/inputs.ts";
import { restoreModel } from "../../src/training/model-file.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { runId } from "../../src/training/run-id.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { runTrials } from "../../src/training/trials.ts";
import { temporaryFolder } from "./small.ts";

const changes = { model: { layers: 3, width: 8 }, training: { epochs: 8 } };
const plain = { dataset: "synthetic", seed: 1 } as const;
const ordered = { ...plain, order: "locality" } as const;

describe("--order locality", () => {
  test("is part of a run's identity; leaving it out changes nothing", () => {
    assert.notEqual(runId(teacherConfig(ordered)), runId(teacherConfig(plain)));
    assert.ok(!("order" in teacherConfig(plain)));
  });

  test("a model gives the same logits in either order, once they are reordered", async () => {
    startEngine();
    const graph = await loadDataset("synthetic");
    const order = new NodeOrder(localityOrder(graph.adjacency));
    const shape = { features: graph.features.columns, classes: graph.classes };
    const model = new Gcnii(teacherConfig(plain, changes).model, shape, 1);
    const [before, after] = [graph, order.graph(graph)].map((one) => {
      const inputs = graphInputs(one);
      const logits = withForward(model, inputs.value, "logits", (forward) =>
        forward.logits.dataSync<"float32">(),
      );
      inputs.dispose();
      return logits;
    });
    model.dispose();
    const restored = order.restored(after!);
    assert.notDeepEqual(after, before);
    for (const [k, value] of before!.entries()) {
      assert.ok(Math.abs(restored[k]! - value) < 1e-5, `logit ${k}: ${restored[k]}, ${value}`);
    }
  });

  test("a teacher's and a student's accuracies are those of the model on the dataset as it is", async (t) => {
    const runsDir = temporaryFolder(t);
    const teacher = teacherConfig(ordered, changes);
    const student = studentConfig(ordered, "abkd", teacher, { training: { epochs: 8 } });
    const results = await runTrials([teacher, student], { runsDir, workers: 1, engine: "wasm" });
    const graph = await loadDataset("synthetic");
    const split = await loadSplit(graph, teacher.split);
    startEngine();
    for (const [k, config] of [teacher, student].entries()) {
      const model = restoreModel(readModel(runFiles(runsDir, config).model));
      const inputs = graphInputs(graph);
      const classes = withForward(model, inputs.value, "logits", predictedClasses);
      const right = split.test.filter((node) => classes[node] === graph.labels[node]).length;
      // One of 542 nodes may lie on the border, where the last bits decide its class.
      const difference = right / split.test.length - results[k]!.accuracy.test;
      assert.ok(Math.abs(difference) < 1.5 / split.test.length, `${difference}`);
      inputs.dispose();
      model.dispose();
    }
  });

  test("gives other bits than the dataset's order, because dropout's draws follow the position", async (t) => {
    const configs = [plain, ordered].map((subject) => teacherConfig(subject, changes));
    const runs = await runTrials(configs, {
      runsDir: temporaryFolder(t),
      ...{ workers: 1, engine: "wasm" as const },
    });
    const again = await runTrials(configs.slice(1), {
      runsDir: temporaryFolder(t),
      ...{ workers: 1, engine: "wasm" as const, threads: 3 },
    });
    assert.notDeepEqual(runs[1]!.curve.loss, runs[0]!.curve.loss);
    assert.deepEqual(runs[1]!.curve, again[0]!.curve);
  });
});
