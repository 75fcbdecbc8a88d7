// Nodes without a class: the constant predictor, accuracies by kind of node, NELL trained by a command.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { constantPredictor } from "../../src/graph/constant-predictor.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { type Graph, UNLABELLED } from "../../src/graph/graph.ts";
import { Gcnii } from "../../src/models/gcnii.ts";
import { parameterCount } from "../../src/models/model.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { nodeKinds } from "../../src/training/node-kinds.ts";
import { teacherRecipe } from "../../src/training/recipes.ts";
import type { RunResult } from "../../src/training/run.ts";
import { abkd } from "../cli/abkd.ts";
import { nellToy } from "../datasets/support/toy-nell.ts";
import { temporaryFolder } from "./small.ts";

const U = UNLABELLED;

/** Makes a graph of six entities (one unknown) and four nodes without a class. */
function graph(classless = true, asClass0 = false): Graph {
  const rest = asClass0 ? 0 : U;
  return {
    name: "mixed",
    nodes: 10,
    classes: 3,
    adjacency: csrFromPairs(10, 10, [], []),
    features: csrFromPairs(10, 2, [], []),
    labels: Int32Array.of(0, 1, 1, 2, 1, U, rest, rest, rest, rest),
    ...(classless && { classless: Int32Array.of(6, 7, 8, 9) }),
  };
}

function split(test: readonly number[]) {
  const unlabelled = { train: 0, val: 0, test: 0 };
  const none = new Int32Array();
  return { name: "mine", train: none, val: none, test: Int32Array.from(test), unlabelled };
}

describe("the constant predictor", () => {
  test("takes the most frequent class for labelled nodes, and class 0 with bounds for all nodes", () => {
    for (const asClass0 of [false, true]) {
      assert.deepEqual(constantPredictor(graph(true, asClass0)), {
        labelled: { class: 1, accuracy: 3 / 5 },
        // One in five of the six entities, and the four other nodes.
        all: { class: 0, accuracy: (4 + 6 / 5) / 10, least: 5 / 10, most: 6 / 10 },
      });
    }
  });

  test("has no second part if all nodes have a class, and nothing without labels", () => {
    assert.deepEqual(constantPredictor(graph(false)), {
      labelled: { class: 1, accuracy: 3 / 5 },
    });
    assert.equal(constantPredictor({ ...graph(), labels: new Int32Array(10).fill(U) }), null);
  });
});

describe("accuracies by kind of node", () => {
  const predicted = Int32Array.of(0, 1, 0, 0, 1, 0, 0, 0, 0, 2);

  test("count the test set's entities, and nodes without a class of the test set or else of the graph", () => {
    // Two of the entities 0, 2 and 4 are right; three of the four other nodes are given class 0.
    const found = nodeKinds(graph(), split([0, 2, 4]), predicted)!;
    assert.equal(found.entities, 2 / 3);
    assert.equal(found.classless, 3 / 4);
    assert.ok(Math.abs(found.all - (0.6 * (2 / 3) + 0.4 * (3 / 4))) < 1e-12);
    assert.equal(found.constant, 0.52);
    const among = nodeKinds(graph(true, true), split([0, 2, 4, 8, 9]), predicted)!;
    assert.deepEqual([among.entities, among.classless], [2 / 3, 1 / 2]);
  });

  test("equal the constant's for class 0 everywhere, if the test set is representative", () => {
    const { all, constant } = nodeKinds(graph(), split([0, 1, 2, 3, 4]), new Int32Array(10))!;
    assert.ok(Math.abs(all - constant) < 1e-12);
  });

  test("are absent if all nodes have a class, or if the test set has no entities", () => {
    assert.equal(nodeKinds(graph(false), split([0]), predicted), undefined);
    assert.equal(nodeKinds(graph(true, true), split([7]), predicted), undefined);
  });
});

test("NELL's models have these numbers of parameters; the paper's need two more convolutions", () => {
  startEngine();
  const shape = { features: 5414, classes: 186 };
  const count = (layers: number, width: number): number => {
    const model = new Gcnii({ ...teacherRecipe("nell").model, layers, width }, shape, 1);
    const parameters = parameterCount(model);
    model.dispose();
    return parameters;
  };
  assert.deepEqual([count(4, 4), count(64, 64)], [22_654, 620_794]);
  assert.deepEqual([count(6, 4), count(66, 64)], [22_686, 628_986]);
});

test("train and distill on a small NELL report both kinds of nodes", async (t) => {
  const [data, runs] = [temporaryFolder(t), temporaryFolder(t)];
  mkdirSync(join(data, "nell"));
  for (const [file, bytes] of nellToy()) writeFileSync(join(data, file), bytes);
  const common = ["--data", data, "--runs", runs, "--split", "random:50/25/25:0", "--quiet"];
  const model = ["--layers", "3", "--width", "4", "--epochs", "4"];
  const trained = await abkd("train", "--dataset", "nell", ...common, ...model, "--json");
  assert.equal(trained.code, 0, trained.stderr);
  const [result] = JSON.parse(trained.stdout) as RunResult[];
  assert.equal(result!.nodeKinds!.entities, result!.accuracy.test);
  assert.equal(result!.data.classes, 5);
  // 8 of the 20 nodes have no class.
  const { entities, classless, all } = result!.nodeKinds!;
  assert.ok(Math.abs(all - (0.6 * entities + 0.4 * classless)) < 1e-12);

  const teacher = ["--teacher-layers", "3", "--teacher-width", "4", "--teacher-epochs", "4"];
  for (const dataset of ["nell", "nell-class0"]) {
    const args = ["--dataset", dataset, "--method", "abkd", ...common, ...teacher];
    const distilled = await abkd("distill", ...args, "--epochs", "3");
    assert.equal(distilled.code, 0, distilled.stderr);
    assert.match(
      distilled.stdout,
      /seed 1: test over entities \d+\.\d %; over all nodes, those without a class counted as class 0, \d+\.\d % \(class 0 for every node: 56\.4 %\)/,
    );
  }
});
