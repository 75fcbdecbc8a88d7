// Graphs to be classified in GIN's form: a small archive read, the real ones' counts, damaged ones refused.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { BadFileError, loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { TU_SUMMARIES } from "../../src/datasets/oracles-tu.ts";
import { verifyDataset } from "../../src/datasets/verify.ts";
import { randomStream } from "../../src/graph/random.ts";
import { distill } from "../../src/training/distill.ts";
import { processorClock } from "../processor-time.ts";
import { temporaryFolder } from "../training/small.ts";
import { writeZip } from "./support/npz-writer.ts";
import { SHARED_DATA, skipWithoutData } from "./support/shared-data.ts";

/** A path of three with an attribute, a triangle with a loop and a repeated neighbour, a pair, a node alone. */
const GRAPHS = `4
3 1
5 1 1 0.25
2 2 0 2 -1.5
5 1 1 0.5
3 -
2 3 0 1 2
2 3 0 2 2
2 2 0 1
2 1
5 1 1
2 1 0
1 7
9 0
`.replace("3 -", "3 7");

/** Folds of one graph each, and six empty ones. */
const FOLDS = ["3", "0", "1", "2", "", "", "", "", "", ""];

function archive(t: TestContext, text = GRAPHS, folds: readonly string[] = FOLDS): string {
  const data = temporaryFolder(t);
  mkdirSync(path.join(data, "tu"));
  const members = new Map<string, Uint8Array>([["MUTAG/MUTAG.txt", Buffer.from(text)]]);
  for (const [k, fold] of folds.entries()) {
    members.set(`MUTAG/10fold_idx/test_idx-${k + 1}.txt`, Buffer.from(fold));
  }
  writeFileSync(path.join(data, "tu/MUTAG.zip"), writeZip(members, { deflate: true }));
  return data;
}

test("a small archive: nodes graph by graph, both directions once, tags one-hot, classes in order", async (t) => {
  const dataDir = archive(t);
  const graph = await loadDataset("mutag", { dataDir });
  assert.deepEqual([...graph.graphs!], [0, 3, 6, 8]);
  assert.deepEqual([...graph.labels], [0, 1, 0, 1]);
  assert.deepEqual(graph.classNames, ["1", "7"]);
  const { indptr, indices } = graph.adjacency;
  const neighbours = Array.from({ length: graph.nodes }, (_, v) => [
    ...indices.subarray(indptr[v]!, indptr[v + 1]!),
  ]);
  assert.deepEqual(neighbours, [[1], [0, 2], [1], [4, 5], [3, 5], [3, 4], [7], [6], []]);
  assert.deepEqual([...graph.features.indices], [1, 0, 1, 0, 0, 0, 1, 0, 2]);
  assert.equal(graph.features.columns, 3);
  const split = await loadSplit(graph, "fold:0", { dataDir });
  assert.deepEqual([[...split.train], [...split.val], [...split.test]], [[1, 2], [0], [3]]);
});

test("what is damaged is refused by its line", async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /line 1: the number of graphs is expected/],
    ["0\n", /line 1: no graphs/],
    ["1\n2 x\n", /line 2: the class of graph 0 is expected/],
    ["1\n0 1\n", /line 2: graph 0 has no nodes/],
    ["1\n2 1\n0 1 2\n", /line 3: a neighbour is more than 1/],
    ["1\n2 1\n0 3 1\n", /line 3: the number of its neighbours is more than 2/],
    ["1\n2 1\n0 1\n0 0\n", /line 3: a neighbour is expected/],
    ["1\n2 1\n0 1 1\n", /line 4: a node's tag is expected/],
    ["1\n1 1\n0 0\n1 1\n0 0\n", /line 4: there is more after the last of 1 graphs/],
    ["9999999999\n", /line 1: the number of graphs is more than 4194304/],
    ["1\n-1 0\n", /line 2: the nodes of graph 0 is expected/],
    ["2\n1 1\n0 0\n1 1\n0 0\n", /all graphs have one class/],
  ];
  for (const [text, message] of cases) {
    const dataDir = archive(t, text);
    await assert.rejects(loadDataset("mutag", { dataDir }), (error: Error) => {
      assert.ok(error instanceof BadFileError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  for (const [folds, message] of [
    [["4", "0"], /test_idx-1\.txt: line 1: no graph of 0 to 3/],
    [["0", "1\n0"], /test_idx-2\.txt: line 2: graph 0 is in two folds/],
    [["0", "x"], /test_idx-2\.txt: line 1: no graph/],
  ] as const) {
    const dataDir = archive(t, GRAPHS, folds);
    const graph = await loadDataset("mutag", { dataDir });
    await assert.rejects(loadSplit(graph, "fold:0", { dataDir }), message);
  }
});

test("200 archives with changed bytes are read or refused, each within a second", async (t) => {
  const random = randomStream(5);
  const text = `40\n${GRAPHS.slice(2).repeat(10)}`;
  let refused = 0;
  for (let k = 0; k < 200; k++) {
    const bytes = Buffer.from(text);
    for (let flips = 0; flips < 2; flips++) bytes[random.below(bytes.length)] = random.below(256);
    const dataDir = archive(t, bytes.toString("latin1"));
    const taken = processorClock();
    try {
      await loadDataset("mutag", { dataDir });
    } catch (error) {
      assert.ok(error instanceof BadFileError, String(error));
      assert.ok(!error.message.includes("\n"), error.message);
      refused++;
    }
    assert.ok(taken() < 1000);
  }
  assert.ok(refused > 50, `${refused} were refused`);
});

describe("the real files", { skip: skipWithoutData() }, () => {
  // COLLAB's 25 million arcs take half a minute: abkd data verify collab.
  for (const name of Object.keys(TU_SUMMARIES).filter((each) => each !== "collab")) {
    test(`${name} is what numpy and scipy read; its folds cover all but the rest of ten`, async () => {
      const found = await verifyDataset(name, { dataDir: SHARED_DATA });
      assert.deepEqual(found.differences, []);
      const graph = await loadDataset(name, { dataDir: SHARED_DATA });
      const seen = new Uint8Array(graph.labels.length);
      for (let fold = 0; fold < 10; fold++) {
        const split = await loadSplit(graph, `fold:${fold}` as "fold:0", { dataDir: SHARED_DATA });
        for (const item of split.test) seen[item]!++;
        const all = [...split.train, ...split.val, ...split.test].sort((a, b) => a - b);
        assert.deepEqual(all, [...seen.keys()]);
      }
      assert.equal(
        seen.reduce((sum, x) => sum + x, 0),
        seen.length - (seen.length % 10),
      );
      assert.ok(seen.every((x) => x <= 1));
    });
  }

  test("a GCN teaches a small one to tell MUTAG's molecules", async (t) => {
    const small = {
      model: { kind: "gcn", width: 16 },
      training: { epochs: 100, learningRate: 0.02 },
    } as const;
    const student = await distill({
      ...{ dataset: "mutag", split: "fold:0", teacher: small, student: small, method: "softkd" },
      runsDir: temporaryFolder(t),
      dataDir: SHARED_DATA,
    });
    assert.ok(student.accuracy.train > 0.6, `${student.accuracy.train}`);
  });
});
