// Methods on batches: the same loss as on a graph of only these nodes and the arcs between them; others are refused.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { OptionError } from "../../src/base/errors.ts";
import { resolveOptions } from "../../src/base/options.ts";
import type { NodeBatch, Scene } from "../../src/distillation/method.ts";
import {
  createDistillation,
  findMethod,
  methods,
  registerMethod,
} from "../../src/distillation/registry.ts";
import { FrozenTeacher } from "../../src/distillation/teacher.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import type { GraphInputs, Outputs } from "../../src/models/model.ts";
import { createModel } from "../../src/models/registry.ts";
import type { TaskTargets } from "../../src/tasks/task.ts";
import { SparseMatrix, startEngine, Targets } from "../../src/tensor/index.ts";
import { takeRows } from "../../src/tensor/ops/rows.ts";
import { graphInputs as formsOf } from "../../src/training/inputs.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import { smallGraph } from "../training/small.ts";
import {
  arcs,
  forms,
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

/** The arcs between some nodes, as the whole graph of a scene has them. */
function arcsBetween(nodes: Int32Array): GraphInputs {
  const place = (node: number): number => nodes.indexOf(node);
  const kept = arcs().filter((arc) => arc.every((node) => place(node) >= 0));
  const side = (k: 0 | 1) => kept.map((arc) => place(arc[k]));
  const between = csrFromPairs(nodes.length, nodes.length, side(0), side(1));
  return { ...graph, adjacency: SparseMatrix.from(symmetricNormalised(between)) };
}

function batchOf(nodes: Int32Array): NodeBatch {
  const labels = nodes.map((node) => labelOf(node));
  const rows = Int32Array.from(nodes.keys()).filter((k) => trainingNodes().includes(nodes[k]!));
  const train = new Targets(labels, rows, shape.classes);
  return { nodes, targets: { train }, graph: arcsBetween(nodes) };
}

/** A student with another one, of twice its maps, beside it. */
function withPeer(own: Outputs, of: Shown): Outputs {
  const peer = shown(tf.mul(of.maps, 2), of.logits);
  return Object.create(own, { peers: { value: [peer] } }) as Outputs;
}

/** A teacher that returns the rows of the nodes that it is asked for. */
function scene(): Scene {
  const all = teacherOutputs();
  const whole = sceneOf(all, sizes, graph);
  const outputs = (_: unknown, nodes?: Int32Array) => (nodes ? rowsOf(all, nodes) : all);
  return { ...whole, teacher: { ...whole.teacher!, outputs } };
}

/** The student's outputs; GNN-SD's has layers in the order in which later ones lose what it keeps. */
function outputsFor(name: string): Shown {
  const { maps, logits } = studentOutputs();
  return name === "gnnsd" ? shown(tf.reverse(maps, 0), logits) : shown(maps, logits);
}

const weights = { softWeight: 2, hardWeight: 0.5 };

/** What is asked of each method; of those with several forms, of each. */
function casesOf(name: string): Readonly<Record<string, unknown>>[] {
  switch (name) {
    case "student":
      return [];
    case "gnnsd":
      return [{ gamma: 2 }];
    case "alignahead":
      return [{ students: 2 }];
    // It takes its share from all training nodes, whatever the batch.
    case "smoothing":
      return [{ epsilon: 0.3 }];
    case "abkd":
      return [...forms, { teacherMaps: "scaled-centred", attention: "uniform" }].map((form) => ({
        ...weights,
        embedding: 5,
        ...form,
      }));
    case "gsp":
      return ["cosine", "rbf"].map((kernel) => ({ ...weights, kernel, sample: 8 }));
    case "geometric":
      return ["gaussian", "sigmoid", "random", "parametric"].map((kernel) => ({
        ...weights,
        kernel,
        sample: 5,
      }));
    default:
      return [weights];
  }
}

const cases = methods.flatMap((method) =>
  casesOf(method.name).map((given) => ({ ...method, given })),
);

for (const { name, byBatch, needsTeacher, given } of cases) {
  const options = resolveOptions(findMethod(name), given);
  const what = `${name} ${JSON.stringify(given)}`;
  const lossOf = (of: Scene, student: Shown, batch: NodeBatch | undefined, train: TaskTargets) => {
    const method = createDistillation({ name, options }, of);
    const variables = method.parameters.map(({ variable }) => variable);
    // In step 0 GraphAKD's critics learn too.
    const found = gradients(
      (s) => method.loss(withPeer(s, student), train.loss(s.logits), 0, batch),
      student,
      variables,
    );
    method.dispose();
    return found;
  };

  test(`${what}: a batch of all nodes gives the bits of the whole graph`, () => {
    const whole = lossOf(scene(), outputsFor(name), undefined, graph.train);
    assert.deepEqual(lossOf(scene(), outputsFor(name), batchOf(ALL), graph.train), whole);
    assert.ok(Number.isFinite(whole.value) && byBatch !== undefined);
    assert.ok(
      whole.gradients[0]!.some((x) => x !== 0) ||
        name === "softkd" ||
        name === "cpf" ||
        name === "smoothing",
    );
  });

  test(`${what}: a batch gives the bits of a graph with only these nodes`, () => {
    const [batch, student] = [batchOf(NODES), rowsOf(outputsFor(name), NODES)];
    const { train } = batch.targets;
    const taught = needsTeacher ? rowsOf(teacherOutputs(), NODES) : undefined;
    const alone = sceneOf(taught, sizes, { ...arcsBetween(NODES), train });
    assert.deepEqual(
      lossOf(scene(), student, batch, train),
      lossOf(alone, student, undefined, train),
    );
    const other = batchOf(NODES.slice(0, 4));
    const fewer = rowsOf(outputsFor(name), NODES.slice(0, 4));
    const { value } = lossOf(scene(), fewer, other, other.targets.train);
    assert.notEqual(value, lossOf(scene(), student, batch, train).value);
  });
}

test("batches without arcs, or any batches, are refused before anything is trained", () => {
  const subject = { dataset: "synthetic", seed: 1 };
  const teacher = teacherConfig(subject);
  const training = { batch: 512 };
  const refused = (begin: () => unknown, message: RegExp) =>
    assert.throws(begin, (error) => error instanceof OptionError && message.test(error.message));
  const along = /^\w+ compares nodes along arcs, .* \(--batch 2000 --sampler walks:2:30\)$/;
  const removed = registerMethod({
    ...findMethod("lsp"),
    name: "added",
    byBatch: undefined as never,
  });
  for (const { name, byBatch } of methods) {
    const begin = (model: object, drawn: object) =>
      studentConfig(subject, name, teacher, { model, training: { ...training, ...drawn } });
    const sage = { kind: "sage", layers: 3 };
    const some = { sampler: { name: "neighbours", fanOut: "9,5,5" } };
    const walks = { sampler: { name: "walks", length: 2, steps: 3 } };
    if (name === "added") {
      refused(
        () => begin(sage, walks),
        /^added needs the whole graph at each step and cannot learn from batches of nodes; these methods can: student, /,
      );
      continue;
    }
    assert.equal(begin(sage, walks).training.batch, 512, name);
    if (byBatch === "arcs") {
      refused(() => begin({ kind: "mlp" }, {}), along);
      refused(() => begin(sage, some), along);
    } else {
      assert.equal(begin({ kind: "mlp", layers: 3 }, {}).training.batch, 512, name);
      assert.equal(begin(sage, some).training.batch, 512, name);
    }
  }
  removed();
  assert.throws(
    () => teacherConfig(subject, { model: { kind: "gcn" }, training }),
    /training: batch is 512, but gcn reads arcs: give a sampler too, which draws those of a step/,
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
    const { layers } = teacher.outputs("layers", nodes);
    const all = teacher.outputs("layers").layers!;
    for (const layer of [0, 1]) {
      for (const part of ["at", "activated"] as const) {
        const rows = takeRows(all[part](layer), nodes).dataSync();
        assert.deepEqual(layers![part](layer).dataSync(), rows);
      }
    }
    assert.equal(teacher.outputs("logits", nodes).hidden, undefined);
  });
  const held = tf.memory().numTensors;
  tf.tidy(() => {
    teacher.outputs("hidden", nodes);
  });
  assert.equal(tf.memory().numTensors, held);
  teacher.dispose();
  // Logits and hidden map; two layers' maps, before and after the activation.
  assert.equal(tf.memory().numTensors, held - 6);
  for (const one of [model, forms]) one.dispose();
});
