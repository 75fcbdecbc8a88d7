// A student without the engine gives the engine's predictions, of a whole graph and of any of its nodes.
import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/base/errors.ts";
import { encodeGraph } from "../../src/deployment/graph-file.ts";
import { encodeOnnxModel } from "../../src/deployment/onnx.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { makeGraph } from "../../src/graph/make.ts";
import { randomStream } from "../../src/graph/random.ts";
import { syntheticGraph } from "../../src/graph/synthetic.ts";
import * as browser from "../../src/student/index.ts";
import { StudentError } from "../../src/student/rows.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/training/apply.ts";
import { loadStudent } from "../../src/training/load-student.ts";
import {
  decodeModel,
  encodeModel,
  encodeModelNpz,
  modelMetadata,
} from "../../src/training/model-file.ts";
import { temporaryFolder } from "../training/small.ts";
import { CONFIGS, difference, engineLogits, modelOf, oddGraph, titleOf } from "./models.ts";

startEngine("wasm", { threads: 1 });
const synthetic = syntheticGraph(2310);
const odd = oddGraph();
const named = titleOf;

for (const model of CONFIGS) {
  test(`${named(model)}: all logits agree with the engine's to 1e-5`, async () => {
    for (const graph of [synthetic, odd]) {
      const file = modelOf(model, graph);
      const { logits, classes, probabilities } = (await loadStudent(file)).predict(graph);
      const expected = engineLogits(file, graph);
      assert.ok(Math.max(...expected) - Math.min(...expected) > 0.5, "the logits say something");
      assert.ok(difference(logits, expected) < 1e-5, `${difference(logits, expected)}`);
      for (const node of [0, 7, 49]) {
        const row = expected.subarray(node * graph.classes, (node + 1) * graph.classes);
        assert.equal(classes[node], row.indexOf(Math.max(...row)));
        const shares = Array.from(row, Math.exp);
        const sum = shares.reduce((total, share) => total + share);
        const own = probabilities.subarray(node * graph.classes, (node + 1) * graph.classes);
        assert.ok(
          difference(
            own,
            shares.map((share) => share / sum),
          ) < 1e-5,
        );
      }
    }
  });

  test(`${named(model)}: some nodes, alone, are predicted as in the whole graph to 1e-6`, async () => {
    for (const graph of [synthetic, odd]) {
      const prepared = (await loadStudent(modelOf(model, graph))).prepare(graph);
      const all = prepared.predict().logits;
      for (const nodes of [[0], [49, 3, 7], [12, 13, 14, 15]]) {
        const expected = nodes.flatMap((node) => [
          ...all.subarray(node * graph.classes, (node + 1) * graph.classes),
        ]);
        assert.ok(difference(prepared.predict(nodes).logits, expected) < 1e-6);
      }
      assert.deepEqual(prepared.predict().logits, all, "questions change nothing");
    }
  });

  test(`${named(model)}: added nodes are predicted as in the graph with them to 1e-6`, async () => {
    for (const graph of [synthetic, odd]) {
      const prepared = (await loadStudent(modelOf(model, graph))).prepare(graph);
      const n = graph.nodes;
      const random = randomStream(8);
      const features = Array.from({ length: 3 }, () =>
        Array.from({ length: graph.features.columns }, () => Math.round(random.uniform())),
      );
      // The second hangs on the first too, the third on nothing.
      const neighbours = [[3, 7, 3], [0, n], []];
      const added = features.map((row, k) => ({ features: row, neighbours: neighbours[k]! }));
      const larger = withNodes(graph, added);
      const all = prepared.student.predict(larger).logits;
      const nodes = [n + 2, n, n + 1, 3];
      const expected = nodes.flatMap((node) => [
        ...all.subarray(node * graph.classes, (node + 1) * graph.classes),
      ]);
      const found = prepared.predict(nodes, added).logits;
      assert.ok(difference(found, expected) < 1e-6, `${difference(found, expected)}`);
      const sparse = Object.fromEntries(
        features[0]!.flatMap((value, c) => (value ? [[c, value]] : [])),
      );
      const one = prepared.predict([n], [{ features: sparse, neighbours: [7, 3] }]).logits;
      const dense = prepared.predict([n], [{ features: features[0]!, neighbours: [7, 3] }]).logits;
      assert.ok(difference(one, dense) < 1e-6);
    }
  });
}

/** Makes the graph anew from arrays, with the nodes at its end. */
function withNodes(
  graph: Graph,
  added: readonly { features: number[]; neighbours: number[] }[],
): Graph {
  const { adjacency, features } = graph;
  const [from, to]: [number[], number[]] = [[], []];
  for (let node = 0; node < graph.nodes; node++) {
    for (let k = adjacency.indptr[node]!; k < adjacency.indptr[node + 1]!; k++) {
      from.push(node);
      to.push(adjacency.indices[k]!);
    }
  }
  const rows = Array.from({ length: graph.nodes }, (_, node) => {
    const row = new Array<number>(features.columns).fill(0);
    for (let k = features.indptr[node]!; k < features.indptr[node + 1]!; k++) {
      row[features.indices[k]!] = features.values?.[k] ?? 1;
    }
    return row;
  });
  for (const [k, { neighbours }] of added.entries()) {
    for (const other of neighbours) {
      from.push(graph.nodes + k);
      to.push(other);
    }
  }
  return makeGraph({
    edges: { from, to },
    features: [...rows, ...added.map((node) => node.features)],
    labels: [...graph.labels, ...added.map(() => -1)],
  });
}

test("both files' students, and the browser's, are the same; a graph's file gives the graph back", async (t) => {
  const folder = temporaryFolder(t);
  for (const graph of [synthetic, odd]) {
    const file = modelOf(CONFIGS[0]!, graph);
    const expected = (await loadStudent(file)).predict(graph);
    for (const [name, bytes] of [
      ["student.safetensors", encodeModel(file)],
      ["student.npz", encodeModelNpz(file)],
    ] as const) {
      writeFileSync(join(folder, name), bytes);
      const student = await loadStudent(join(folder, name));
      assert.deepEqual(student.predict(graph), expected);
    }
    const student = await browser.loadStudent(encodeModel(file));
    const read = await browser.loadGraph(encodeGraph(graph));
    assert.deepEqual(student.predict(read), expected);
    assert.deepEqual(
      [read.adjacency.indptr, read.adjacency.indices, read.labels],
      [graph.adjacency.indptr, graph.adjacency.indices, graph.labels],
    );
  }
});

test("features as they are: a graph's, or by the model's file, with any number of either sign", async () => {
  const { features } = odd;
  const values = features.values!.map((x, k) => (k % 3 === 0 ? -x : x));
  const { featuresAsIs: _, ...divided } = { ...odd, features: { ...features, values } };
  const asIs = { ...divided, featuresAsIs: true as const };
  for (const model of CONFIGS) {
    const plain = modelOf(model, asIs);
    const file = { ...plain, featuresAsIs: true as const };
    const expected = engineLogits(plain, asIs);
    assert.ok(difference(expected, engineLogits(plain, divided)) > 0.01, "the form matters");
    const other = await loadStudent(plain);
    assert.throws(() => other.predict(asIs), /some features of odd are negative/);
    const own = { ...plain, config: { ...plain.config, dataset: asIs.name } };
    const seen = [
      (await loadStudent(own)).predict(asIs),
      (await loadStudent(file)).predict(divided),
      (await browser.loadStudent(encodeModel(file))).predict(divided),
      (await browser.loadStudent(encodeModel(plain))).predict(
        await browser.loadGraph(encodeGraph(asIs)),
      ),
    ];
    for (const { logits } of seen) assert.ok(difference(logits, expected) < 1e-5, named(model));
    const { logits } = await evaluate(file, { dataset: divided });
    assert.ok(difference(logits, expected) < 1e-6, named(model));
    const read = decodeModel(Buffer.from(encodeModel(file)), "a.safetensors");
    assert.equal(read.featuresAsIs, true);
    assert.match(modelMetadata(read)["forward"]!, /^Features are read as they are/);
    const sums = (given: typeof plain): number =>
      Buffer.from(encodeOnnxModel(given)).toString("latin1").split("ReduceSum").length;
    assert.equal(sums(plain), sums(file) + 1, "rows are not divided by their sums");
  }
});

test("kept features: of the whole graph, of added nodes, and from a file", async () => {
  const kept = [0, 3, 4, 8];
  for (const model of CONFIGS) {
    const file = modelOf(model, odd, kept);
    const expected = engineLogits(file, odd);
    const student = await loadStudent(file);
    assert.ok(difference(student.predict(odd).logits, expected) < 1e-5, named(model));
    const loaded = await browser.loadStudent(encodeModel(file));
    const read = await browser.loadGraph(encodeGraph(odd));
    assert.deepEqual(loaded.predict(read), student.predict(odd));
    const features = Array.from({ length: 9 }, (_, column) => column + 0.5);
    const without = features.map((x, column) => (kept.includes(column) ? x : 0));
    const [given, same, other] = [features, without, features.map((x) => x * x)].map((each) => {
      return student.prepare(odd).predict([50], [{ features: each, neighbours: [0, 7] }]);
    });
    assert.deepEqual(given, same, "what is left out does not count, in no sum either");
    assert.notDeepEqual(given, other);
  }
});

test("what does not fit is refused in one line", async () => {
  const file = modelOf(CONFIGS[0]!, odd);
  const student = await loadStudent(file);
  const prepared = student.prepare(odd);
  const node = { features: new Array(9).fill(1), neighbours: [0] };
  const cases: [() => unknown, RegExp][] = [
    [() => student.predict(undefined as never), /is no graph, such as loadDataset\(\) returns/],
    [() => student.predict(synthetic), /the model is for 9 features; synthetic has 1433/],
    [() => new browser.Student(file).predict(synthetic), /has 1433 features, the model reads 9/],
    [() => prepared.predict([50]), /there is no node 50; nodes are 0 to 49/],
    [() => prepared.predict([-1]), /there is no node -1/],
    [() => prepared.predict([1.5]), /there is no node 1.5/],
    [() => prepared.predict([2, 2]), /node 2 is asked for twice/],
    [() => prepared.predict([50], [{ ...node, features: [1] }]), /1 features instead of 9/],
    [() => prepared.predict([50], [{ ...node, features: { 9: 1 } }]), /feature 9 is 1;/],
    [() => prepared.predict([50], [{ ...node, features: { 0: Number.NaN } }]), /is NaN/],
    [
      () => prepared.predict([50], [{ ...node, features: { 0: 1e39 } }]),
      /is 1e\+39; they are float32/,
    ],
    [
      () => prepared.predict([50], [{ ...node, features: { 0: "1" as never } }]),
      /feature 0 is "1";/,
    ],
    [
      () => prepared.predict([50], [{ ...node, features: { 0: [1] as never } }]),
      /feature 0 is \[1\];/,
    ],
    [() => prepared.predict([50], [{ ...node, neighbours: [50] }]), /neighbour 50/],
    [() => prepared.predict([50], [{ ...node, neighbours: [51] }]), /neighbour 51/],
    [
      () => new browser.Student({ ...file, config: { model: { kind: "own" } } }),
      /kind "own" is applied to whole graphs alone.* answered by gat, gcn, mlp, sage, gcnii, mustad/,
    ],
  ];
  for (const [call, message] of cases) {
    assert.throws(call, (error: Error) => {
      assert.ok(error instanceof StudentError || error instanceof UserError, error.stack);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
  }
  assert.equal(prepared.predict([4]).classes.length, 1, "a refused question leaves nothing behind");
  const bytes = encodeModel(file);
  for (const wrong of [bytes.subarray(0, 5), bytes.subarray(0, 400), new Uint8Array(64)]) {
    await assert.rejects(browser.loadStudent(wrong), /not a file that abkd export wrote/);
  }
});

test("nothing but its own files is imported: it runs in a browser", () => {
  const folder = join(import.meta.dirname, "../../src/student");
  const files = globSync("*.ts", { cwd: folder });
  assert.ok(files.length >= 7);
  for (const file of files) {
    const text = readFileSync(join(folder, file), "utf8");
    const imports = Array.from(
      text.matchAll(/(?:from|import\(?)\s*"([^"]+)"/g),
      ([, name]) => name!,
    );
    for (const name of imports) assert.match(name, /^\.\/[a-z]+\.ts$/, `${file} imports ${name}`);
    assert.doesNotMatch(text, /\b(?:process|Buffer|require|globalThis\.process)\b/, file);
  }
});
