// Features in the form that a model learned from: another graph's, new nodes', a page's, a runtime's.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { importDataset } from "../../src/datasets/index.ts";
import { encodeGraph } from "../../src/deployment/graph-file.ts";
import { Desk } from "../../src/deployment/questions.ts";
import { parseNpy } from "../../src/formats/npz.ts";
import type { Graph } from "../../src/graph/graph.ts";
import * as browser from "../../src/student/index.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/training/apply.ts";
import { fitGraph } from "../../src/training/fit.ts";
import { graphFacts } from "../../src/training/graph-facts.ts";
import { decodeModel, encodeModel, type ModelFile } from "../../src/training/model-file.ts";
import { folderOf } from "../datasets/import/support/folder.ts";
import { difference, modelOf } from "../student/models.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkdHere } from "./abkd.ts";

startEngine("wasm", { threads: 1 });
const FORMS = ["standardised", "unit", "binary", "as-is", "rows"] as const;
type FormName = (typeof FORMS)[number];
const [NODES, MORE] = [24, 2];
const NAMES = ["a", "b", "c", "d"];

/** Node 5 has nothing; column c is constant among the first nodes. */
const raw = (node: number, signed: boolean): number[] =>
  node === 5
    ? [0, 0, 3, 0]
    : [(node % 5) + 0.5, signed ? 3 - (node % 7) : node % 7, node < NODES ? 3 : 4, node % 2];
const ring = (nodes: number): string[] =>
  Array.from({ length: nodes }, (_, node) => `n${node},n${(node + 1) % nodes}`);
const tables = (nodes: number, order: readonly number[], signed: boolean, rows = raw) =>
  folderOf({
    "nodes.csv": `${[
      ["id", ...order.map((k) => NAMES[k]), "label"].join(","),
      ...Array.from({ length: nodes }, (_, node) =>
        [`n${node}`, ...order.map((k) => rows(node, signed)[k]), `class-${node % 3}`].join(","),
      ),
    ].join("\n")}\n`,
    "edges.csv": `source,target\n${ring(nodes).join("\n")}\n`,
  });
const INORDER = [0, 1, 2, 3];

/** What a model of this form reads of a row, by the definition of the form. */
function read(form: FormName, row: readonly number[], signed: boolean): number[] {
  const sum = (list: readonly number[]): number => list.reduce((total, x) => total + x, 0);
  const bits = row.map((x) => Number(x !== 0));
  if (form === "as-is") return [...row];
  if (form === "unit") return row.map((x) => x / Math.hypot(...row));
  if (form === "rows") return row.map((x) => x / sum(row));
  if (form === "binary") return bits.map((x) => x / sum(bits));
  return row.map((x, k) => {
    const column = Array.from({ length: NODES }, (_, node) => raw(node, signed)[k]!);
    const mean = sum(column) / NODES;
    const deviation = Math.sqrt(sum(column.map((y) => (y - mean) ** 2)) / NODES);
    return deviation === 0 ? 0 : (x - mean) / deviation;
  });
}

/** A GCN with random weights of a graph in a form, its logits on the larger graph, and its files. */
async function subject(form: FormName, kept?: readonly number[]) {
  const signed = form !== "rows";
  const { graph } = await importDataset(tables(NODES, INORDER, signed), { features: form });
  const config = { kind: "gcn", layers: 2, width: 4, dropout: 0, batchNorm: false } as const;
  const made = modelOf(config, graph, kept);
  const ours = { ...made, config: { ...made.config, dataset: graph.name } };
  const model: ModelFile = { ...ours, ...graphFacts(ours.config, graph) };
  // By hand, for a model that knows nothing of forms.
  const formed = (node: number): number[] => read(form, raw(node, signed), signed);
  const larger = tables(NODES + MORE, INORDER, signed, formed);
  const { graph: byHand } = await importDataset(larger, { features: "as-is" });
  const bare = { ...made, featuresAsIs: true as const, classNames: graph.classNames! };
  const { logits } = await evaluate(bare, { dataset: byHand });
  const rows = (nodes: number, order = INORDER) => tables(nodes, order, signed);
  return { graph, model, logits, signed, rows };
}

for (const form of FORMS) {
  test(`${form}: another graph as its files have it, in any order of columns`, async () => {
    for (const kept of [undefined, [0, 1, 3]]) {
      // What is left out is part of a row's sum and of its length only before it is left out.
      if (kept && (form === "rows" || form === "binary")) continue;
      const { model, logits, rows } = await subject(form, kept);
      const file = decodeModel(Buffer.from(encodeModel(model)), "student.safetensors");
      for (const order of [INORDER, [3, 1, 0, 2]]) {
        const { graph: other } = await importDataset(rows(NODES + MORE, order), {
          features: form === "rows" ? "rows" : "as-is",
        });
        const found = await evaluate(file, { dataset: other });
        const gap = difference(found.logits, logits);
        assert.ok(gap < 1e-5, `${form}, ${order}: ${gap}`);
      }
    }
  });

  test(`${form}: new nodes, by the command and by a page's student`, async (t) => {
    const { graph, model, signed } = await subject(form);
    const folder = temporaryFolder(t);
    const [file, npy] = [join(folder, "student.safetensors"), join(folder, "new.npy")];
    writeFileSync(file, encodeModel(model));
    // A node beside 7, 9 and the node that has nothing.
    const row = [2.5, signed ? -1 : 1, 3, 1];
    const near = [7, 9, 5];
    const added = folderOf({
      "new.csv": `id,d,c,a,b\nx,${[3, 2, 0, 1].map((k) => row[k]).join(",")}\n`,
      "links.csv": `source,target\n${near.map((node) => `x,n${node}`).join("\n")}\n`,
    });
    const node = { features: row, neighbours: near };
    const student = await browser.loadStudent(encodeModel(model));
    const expected = logitsWith(form, graph, model, row, near, signed);
    const page = student.prepare(await browser.loadGraph(encodeGraph(graph)));
    const { logits } = page.predict([NODES], [node]);
    assert.ok(difference(logits, await expected) < 1e-5, `${form}: ${[...logits]}`);
    const places = ["--add", join(added, "new.csv"), "--edges", join(added, "links.csv")];
    const data = tables(NODES, INORDER, signed);
    const own = join(folder, "own");
    const kept = await abkdHere(
      ...["data", "import", data, "--as", "mine", "--data", own, "--features", form],
    );
    assert.equal(kept.code, 0, kept.stderr);
    const where = ["--dataset", "mine", "--data", own];
    const { code, stderr } = await abkdHere("predict", file, ...where, ...places, "--logits", npy);
    assert.equal(code, 0, stderr);
    const { bytes } = parseNpy(readFileSync(npy), npy);
    const told = new Float32Array(new Uint8Array(bytes).buffer);
    assert.ok(difference(told, await expected) < 1e-5, `${form}: ${[...told]}`);
    const answer = new Desk(model, graph).answer({
      features: row,
      neighbours: near.map((k) => `n${k}`),
    });
    assert.ok(answer, "a question's features are those of files too");
  });
}

test("columns without names on one side are read in order, which is said once", async () => {
  for (const kept of [undefined, [0, 1, 3]]) {
    const { model, logits, rows } = await subject("standardised", kept);
    const { graph } = await importDataset(rows(NODES + MORE), { features: "as-is" });
    const { featureNames: _, ...nameless } = graph;
    const { featureNames: __, ...older } = model;
    const pairs = [
      [model, nameless, /in the order of .*: those of \S+ have no names\n/],
      [older, graph, /in the order of .*: the model's file has no names\n/],
    ] as const;
    for (const [file, other, told] of pairs) {
      const first = fitGraph(file, other);
      assert.match(first.done.join("\n"), told);
      assert.deepEqual(fitGraph(file, first.graph).done, []);
      const found = await evaluate(file, { dataset: first.graph });
      assert.ok(difference(found.logits, logits) < 1e-5);
    }
  }
});

test("standardised by an earlier version, which kept no means: no other graph's are taken for them", async () => {
  const { model, rows } = await subject("standardised");
  const { featureScales: _, ...older } = model;
  const { graph } = await importDataset(rows(NODES + MORE), { features: "standardised" });
  assert.throws(
    () => fitGraph(older, graph),
    /by means and deviations that its file does not have/,
  );
});

/** The logits of a graph that has the node, whose features are made by the definition of the form. */
async function logitsWith(
  form: FormName,
  { classNames }: Graph,
  model: ModelFile,
  row: readonly number[],
  near: readonly number[],
  signed: boolean,
): Promise<Float32Array> {
  const formed = (node: number): number[] =>
    read(form, node === NODES ? row : raw(node, signed), signed);
  const nodes = Array.from({ length: NODES + 1 }, (_, node) =>
    [`n${node}`, ...formed(node), `class-${node % 3}`].join(","),
  );
  const edges = [...ring(NODES), ...near.map((node) => `n${NODES},n${node}`)];
  const { graph } = await importDataset(
    folderOf({
      "nodes.csv": `id,a,b,c,d,label\n${nodes.join("\n")}\n`,
      "edges.csv": `source,target\n${edges.join("\n")}\n`,
    }),
    { features: "as-is" },
  );
  const { featuresMade: _, featureScales: __, ...bare } = model;
  const { logits } = await evaluate(
    { ...bare, featuresAsIs: true, classNames: classNames! },
    { dataset: graph },
  );
  return logits.subarray(logits.length - 3);
}
