// Methods on batches of nodes: the same loss as on a graph of only these nodes; other methods are refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import { resolveOptions } from "../../src/base/options.ts";
import type { NodeBatch, Scene } from "../../src/distillation/method.ts";
import { createDistillation, findMethod, methods } from "../../src/distillation/registry.ts";
import { FrozenTeacher } from "../../src/distillation/teacher.ts";
import { createModel } from "../../src/models/registry.ts";
import type { TaskTargets } from "../../src/tasks/task.ts";
import { startEngine, Targets } from "../../src/tensor/index.ts";
import { takeRows } from "../../src/tensor/ops/rows.ts";
import { graphInputs as formsOf } from "../../src/training/inputs.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { smallGraph } from "../training/small.ts";
import {
  gradients,
  graphInputs,
  labelOf,
  type Shown,
  sceneOf,
  shape,
  shown,
  studentOutputs,
  teacherOutputs,
  trainingNodes,
} from "./cases.ts";

startEngine();
const graph = graphInputs();
const sizes = { layers: shape.studentLayers, width: shape.studentWidth, classes: shape.classes };

/** Nodes 0, 3 and 9 are labelled. */
const NODES = Int32Array.of(0, 2, 3, 7, 8, 9);
const ALL = Int32Array.from({ length: shape.nodes }, (_, node) => node);

function rowsOf({ maps, logits }: Shown, nodes: Int32Array): Shown {
  const layers = tf.unstack(maps).map((map) => takeRows(map as tf.Tensor2D, nodes));
  return shown(tf.stack(layers) as tf.Tensor3D, takeRows(logits, nodes));
}

function batchOf(nodes: Int32Array): NodeBatch {
  const labels = nodes.map((node) => labelOf(node));
  const rows = Int32Array.from(nodes.keys()).filter((k) => trainingNodes().includes(nodes[k]!));
  return { nodes, targets: { train: new Targets(labels, rows, shape.classes) } };
}

/** A teacher that returns the rows of the nodes that it is asked for. */
function scene(): Scene {
  const all = teacherOutputs();
  const whole = sceneOf(all, sizes, graph);
  const outputs = (_: unknown, nodes?: Int32Array) => (nodes ? rowsOf(all, nodes) : all);
  return { ...whole, teacher: { ...whole.teacher!, outputs } };
}

for (const { name, byBatch, needsTeacher, defaults } of methods) {
  if (!byBatch || !needsTeacher) continue;
  // Label smoothing takes its share from all training nodes, whatever the batch.
  const given = name === "smoothing" ? { epsilon: 0.3 } : { softWeight: 2, hardWeight: 0.5 };
  const options = resolveOptions(findMethod(name), given);
  const lossOf = (of: Scene, student: Shown, batch: NodeBatch | undefined, train: TaskTargets) => {
    const method = createDistillation({ name, options }, of);
    const variables = method.parameters.map(({ variable }) => variable);
    const found = gradients(
      (s) => method.loss(s, train.loss(s.logits), 1, batch),
      student,
      variables,
    );
    method.dispose();
    return found;
  };

  test(`${name}: a batch of all nodes gives the bits of the whole graph`, () => {
    const whole = lossOf(scene(), studentOutputs(), undefined, graph.train);
    assert.deepEqual(lossOf(scene(), studentOutputs(), batchOf(ALL), graph.train), whole);
    assert.ok(Object.keys(defaults).length > 0 && Number.isFinite(whole.value));
  });

  test(`${name}: a batch gives the bits of a graph with only these nodes`, () => {
    const [batch, student] = [batchOf(NODES), rowsOf(studentOutputs(), NODES)];
    const { train } = batch.targets;
    const alone = sceneOf(rowsOf(teacherOutputs(), NODES), sizes, { ...graph, train });
    assert.deepEqual(
      lossOf(scene(), student, batch, train),
      lossOf(alone, student, undefined, train),
    );
    const other = batchOf(NODES.slice(0, 4));
    const fewer = rowsOf(studentOutputs(), NODES.slice(0, 4));
    const { value } = lossOf(scene(), fewer, other, other.targets.train);
    assert.notEqual(value, lossOf(scene(), student, batch, train).value);
  });
}

test("methods that read arcs or all nodes refuse batches before anything is trained", () => {
  const subject = { dataset: "synthetic", seed: 1 };
  const teacher = teacherConfig(subject);
  const training = { batch: 512 };
  for (const { name, byBatch } of methods) {
    const begin = () => studentConfig(subject, name, teacher, { model: { kind: "mlp" }, training });
    if (byBatch) assert.equal(begin().training.batch, 512);
    else {
      const message =
        /^\w+ needs the whole graph at each step and cannot learn from batches of nodes; these methods can: student, smoothing, softkd, fitnet, at, gcrd$/;
      assert.throws(begin, (error) => error instanceof OptionError && message.test(error.message));
    }
  }
  assert.throws(
    () => teacherConfig(subject, { model: { kind: "gcn" }, training }),
    /training: batch is 512, but gcn reads the whole graph at each step: leave it out/,
  );
});

test("a frozen teacher's batches are rows of its pass over the whole graph, which runs once", () => {
  const forms = formsOf(smallGraph());
  const model = createModel(
    { kind: "gcn", layers: 2, width: 5, dropout: 0.5, batchNorm: false },
    { features: 12, classes: 3 },
    1,
  );
  const teacher = new FrozenTeacher(model, forms.value);
  const nodes = Int32Array.of(4, 0, 59);
  tf.tidy(() => {
    const { logits, hidden } = teacher.outputs("hidden");
    for (let k = 0; k < 2; k++) {
      const batch = teacher.outputs("hidden", nodes);
      assert.deepEqual(batch.logits.dataSync(), takeRows(logits, nodes).dataSync());
      assert.deepEqual(batch.hidden!.dataSync(), takeRows(hidden!, nodes).dataSync());
    }
    assert.equal(teacher.outputs("logits", nodes).hidden, undefined);
  });
  const held = tf.memory().numTensors;
  tf.tidy(() => {
    teacher.outputs("hidden", nodes);
  });
  assert.equal(tf.memory().numTensors, held);
  teacher.dispose();
  assert.equal(tf.memory().numTensors, held - 2);
  for (const one of [model, forms]) one.dispose();
});
