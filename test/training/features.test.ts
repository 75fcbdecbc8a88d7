// A model that reads some columns of the features: trained, kept in its file, and applied, as on a graph of only these.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { OptionError } from "../../src/base/errors.ts";
import { takeCsrColumns } from "../../src/graph/csr.ts";
import {
  decodeModel,
  encodeModel,
  evaluate,
  makeGraph,
  registerDataset,
  runTrials,
  studentConfig,
  teacherConfig,
} from "../../src/index.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { smallGraph, smallSplit, temporaryFolder } from "./small.ts";

const graph = { ...smallGraph(), name: "kept-whole" };
const kept = [0, 2, 3, 5, 8, 11];
const cut = { ...graph, name: "kept-cut", features: takeCsrColumns(graph.features, kept) };
const { train, val, test: rest } = smallSplit();
const split = { train, val, test: rest };
const forget = [graph, cut].map((one) => registerDataset({ name: one.name, graph: one, split }));
after(() => {
  for (const one of forget) one();
});

test("chosen columns are those of a dense copy", () => {
  const dense = (matrix: typeof graph.features): number[][] =>
    Array.from({ length: matrix.rows }, (_, row) => {
      const line = new Array<number>(matrix.columns).fill(0);
      for (let k = matrix.indptr[row]!; k < matrix.indptr[row + 1]!; k++) {
        line[matrix.indices[k]!] = matrix.values?.[k] ?? 1;
      }
      return line;
    });
  const weighted = makeGraph({
    name: "weighted",
    edges: { from: [0], to: [1] },
    features: [
      [0, 1.5, 0, 2],
      [3, 0, -1, 0.5],
    ],
    labels: [0, 1],
  }).features;
  for (const [matrix, columns] of [
    [graph.features, kept],
    [weighted, [1, 3]],
  ] as const) {
    const expected = dense(matrix).map((line) => columns.map((column) => line[column]!));
    assert.deepEqual(dense(takeCsrColumns(matrix, columns)), expected);
  }
});

test("a student of all kinds that keeps columns has the bits of one on a graph of only these", async (t) => {
  const runsDir = temporaryFolder(t);
  for (const kind of ["gcnii", "gcn", "sage", "mlp"] as const) {
    const changes = {
      model: { kind, layers: 2, width: 4, dropout: 0.2 },
      training: { epochs: 5 },
    };
    const of = (dataset: string, features?: number[]) =>
      studentConfig(
        { dataset, split: "public", seed: 1, ...(features && { features }) },
        "student",
        teacherConfig({ dataset, split: "public", seed: 1 }),
        changes,
      );
    const [keeping, whole] = [of(graph.name, kept), of(cut.name)];
    const [one, other] = await runTrials([keeping, whole], { runsDir, workers: 1, threads: 1 });
    assert.deepEqual(one!.curve, other!.curve, kind);
    assert.equal(one!.parameters.model, other!.parameters.model);
    const file = readModel(runFiles(runsDir, keeping).model);
    const read = decodeModel(Buffer.from(encodeModel(file)), "a copy");
    assert.deepEqual(read.config.features, kept);
    assert.equal(read.shape.features, graph.features.columns, "it fits the whole graph");
    const applied = await evaluate(read);
    const expected = await evaluate(readModel(runFiles(runsDir, whole).model));
    assert.deepEqual(applied.logits, expected.logits);
    assert.equal(applied.accuracy.test, one!.accuracy.test);
  }
});

test("a teacher reads all features, whatever its student keeps", async (t) => {
  const runsDir = temporaryFolder(t);
  const taught = { model: { layers: 2, width: 8 }, training: { epochs: 3 } };
  const subject = { dataset: graph.name, split: "public", seed: 1 };
  const teacher = teacherConfig(subject, taught);
  const small = { model: { kind: "gcn", width: 4 }, training: { epochs: 3 } } as const;
  const configs = (["softkd", "abkd"] as const).map((method) =>
    studentConfig({ ...subject, features: kept }, method, teacher, small),
  );
  const results = await runTrials(configs, { runsDir, workers: 1, threads: 1 });
  assert.equal(configs[0]!.teacher!.features, undefined);
  for (const { parameters } of results) {
    assert.equal(parameters.model, kept.length * 4 + 4 + 4 * 3 + 3);
    assert.equal(parameters.teacher, 12 * 8 + 8 + 2 * 64 + 8 * 3 + 3);
  }
});

test("columns that no graph has are refused, before anything is trained", async (t) => {
  const runsDir = temporaryFolder(t);
  const config = teacherConfig({ dataset: graph.name, split: "public", seed: 1 });
  for (const features of [[], [3, 2], [1, 1], [-1], [0.5], "0,1"]) {
    const wrong = { ...config, features: features as number[] };
    await assert.rejects(runTrials([wrong], { runsDir }), { name: "OptionError" });
  }
  const beyond = runTrials([{ ...config, features: [0, 12] }], { runsDir });
  await assert.rejects(beyond, (error: Error) => {
    assert.ok(error instanceof OptionError);
    assert.match(error.message, /reads feature 12, but kept-whole has 12/);
    return true;
  });
});
