// abkd predict for what inference is for: graphs without labels or with other classes, new nodes, questions.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { importDataset, readAdded } from "../../src/datasets/index.ts";
import { parseNpy } from "../../src/formats/npz.ts";
import type { Graph } from "../../src/graph/graph.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/training/apply.ts";
import { encodeModel, type ModelFile } from "../../src/training/model-file.ts";
import { findRun, readModel } from "../../src/training/run-store.ts";
import { difference, modelOf } from "../student/models.ts";
import { abkd, abkdHere } from "./abkd.ts";

startEngine("wasm", { threads: 1 });
const GENRES = ["poetry", "novel", "essay"];
const NODES = 30;
const genre = (node: number): string => GENRES[node % 3]!;
const edges = Array.from({ length: NODES }, (_, node) => [
  node,
  (node + 3) % NODES,
  (node + 1) % NODES,
]);
/** Five features of a book, made of its number. */
const features = (node: number): number[] =>
  Array.from({ length: 5 }, (_, k) => (k === node % 3 ? 2 : ((node * 7 + k * 3) % 5) / 5));

/** A folder of tables: books with names, genres as labels where `label` gives one. */
function shop(
  folder: string,
  label: ((node: number) => string) | undefined,
  nodes = NODES,
): string {
  mkdirSync(folder, { recursive: true });
  const rows = Array.from({ length: nodes }, (_, node) =>
    [`book-${node}`, ...features(node), ...(label ? [label(node)] : [])].join(","),
  );
  const head = ["id", "a", "b", "c", "d", "e", ...(label ? ["label"] : [])].join(",");
  writeFileSync(join(folder, "nodes.csv"), [head, ...rows, ""].join("\n"));
  const lines = edges.flatMap(([node, ...others]) =>
    others.map((other) => `book-${node},book-${other}`),
  );
  const more = nodes > NODES ? ["book-30,book-0", "book-7,book-30", "book-31,book-30"] : [];
  writeFileSync(join(folder, "edges.csv"), ["source,target", ...lines, ...more, ""].join("\n"));
  return folder;
}

let folder = "";
let graph: Graph;
let model: ModelFile;
let file = "";
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "abkd-predict-"));
  ({ graph } = await importDataset(shop(join(folder, "books"), genre)));
  const config = { kind: "gcn", layers: 2, width: 4, dropout: 0, batchNorm: false } as const;
  model = { ...modelOf(config, graph), classNames: graph.classNames! };
  file = join(folder, "student.safetensors");
  writeFileSync(file, encodeModel(model));
});
after(() => rmSync(folder, { recursive: true, force: true }));

test("a trained model knows its classes' names", async () => {
  const runs = join(folder, "runs");
  const size = [
    "--model",
    "mlp",
    "--layers",
    "2",
    "--width",
    "4",
    "--epochs",
    "2",
    "--threads",
    "1",
  ];
  const given = ["--dataset", join(folder, "books"), "--runs", runs, ...size, "--quiet"];
  const { code, stderr, stdout } = await abkd("train", ...given, "--json");
  assert.equal(code, 0, stderr);
  const [{ id }] = JSON.parse(stdout) as [{ id: string }];
  const trained = readModel(findRun(id, runs).model);
  assert.deepEqual(trained.classNames, ["essay", "novel", "poetry"]);
});

test("without any label: classes by name, probabilities, the top ones", async () => {
  const bare = shop(join(folder, "bare"), undefined);
  const [csv, npy, lines] = ["out.csv", "out.npy", "out.ndjson"].map((name) => join(folder, name));
  const given = ["--dataset", bare, "--top", "2", "--probabilities", npy!];
  const { code, stdout, stderr } = await abkdHere("predict", file, ...given, "--output", csv!);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /30 nodes; accuracy: no labels/);
  const { classes, logits } = await evaluate(model, { dataset: graph });
  const table = readFileSync(csv!, "utf8").trimEnd().split("\n");
  assert.equal(table[0], "node,label,predicted,class_1,probability_1,class_2,probability_2");
  assert.equal(table.length, 1 + NODES);
  for (const node of [0, 17]) {
    const [name, label, predicted, first, share, second, less] = table[1 + node]!.split(",");
    assert.deepEqual([name, label], [`book-${node}`, ""]);
    assert.equal(predicted, graph.classNames![classes[node]!]);
    assert.equal(first, predicted);
    assert.ok(GENRES.includes(second!) && second !== first);
    const row = Array.from(logits.subarray(3 * node, 3 * node + 3), Math.exp);
    const sum = row[0]! + row[1]! + row[2]!;
    assert.ok(Math.abs(Number(share) - row[classes[node]!]! / sum) < 1e-5);
    assert.ok(Number(less) < Number(share));
  }
  const { shape, bytes } = parseNpy(readFileSync(npy!), npy!);
  assert.deepEqual(shape, [NODES, 3]);
  const shares = new Float32Array(new Uint8Array(bytes).buffer);
  assert.ok(Math.abs(shares[0]! + shares[1]! + shares[2]! - 1) < 1e-6);
  const again = await abkdHere("predict", file, "--dataset", bare, "--output", lines!);
  assert.equal(again.code, 0, again.stderr);
  const [first] = readFileSync(lines!, "utf8").split("\n");
  assert.deepEqual(JSON.parse(first!), {
    ...{ node: "book-0", label: null },
    predicted: graph.classNames![classes[0]!],
  });
});

test("classes that do not occur keep their numbers; unknown ones are named and not scored", async () => {
  // "poetry" is class 2 of the model, and would be class 0 of this graph.
  const { graph: some } = await importDataset(
    shop(join(folder, "some"), (node) => (genre(node) === "poetry" ? "poetry" : "")),
  );
  assert.deepEqual(some.classNames, ["poetry"]);
  const whole = await evaluate(model, { dataset: graph });
  const poems = Array.from({ length: NODES }, (_, node) => node).filter((node) => node % 3 === 0);
  const right = poems.filter((node) => whole.classes[node] === 2).length;
  const found = await evaluate(model, { dataset: some });
  assert.equal(found.accuracy.all, right / poems.length);
  assert.equal(found.unknown, undefined);
  const { graph: other } = await importDataset(
    shop(join(folder, "other"), (node) => (node < 3 ? "atlas" : genre(node))),
  );
  assert.equal((await evaluate(model, { dataset: other })).unknown, 3);
});

test("new nodes are predicted as in the graph that has them", async () => {
  const { graph: larger } = await importDataset(shop(join(folder, "larger"), undefined, NODES + 2));
  const { logits } = await evaluate(model, { dataset: larger });
  const [nodes, links, npy] = ["new.csv", "links.csv", "new.npy"].map((name) => join(folder, name));
  const rows = [30, 31].map((node) => [`book-${node}`, ...features(node)].join(","));
  writeFileSync(nodes!, ["id,a,b,c,d,e", ...rows, ""].join("\n"));
  writeFileSync(links!, "source,target\nbook-30,book-0\nbook-7,book-30\nbook-31,book-30\n");
  const given = ["--dataset", join(folder, "books"), "--add", nodes!, "--logits", npy!];
  const { code, stdout, stderr } = await abkdHere("predict", file, ...given, "--edges", links!);
  assert.equal(code, 0, stderr);
  const { shape, bytes } = parseNpy(readFileSync(npy!), npy!);
  assert.deepEqual(shape, [2, 3]);
  const found = new Float32Array(new Uint8Array(bytes).buffer);
  const expected = logits.subarray(3 * NODES);
  assert.ok(difference(found, expected) < 1e-6, `${difference(found, expected)}`);
  assert.match(stdout, /^node,label,predicted,class_1,probability_1\nbook-30,,\w+,/);
  const own = readFileSync(links!, "utf8").replace("source,target", "von,nach");
  const unnamed = join(folder, "own-header.csv");
  writeFileSync(unnamed, own);
  const asNamed = await readAdded(nodes!, unnamed, graph);
  assert.deepEqual(asNamed, await readAdded(nodes!, links!, graph), "a header of other words");
  for (const [content, message] of [
    [
      "source,target\nbook-30,nowhere\n",
      /links.csv: line 2, column 2 \(target\): "nowhere" is neither/,
    ],
    [
      "source,target\nbook-1,book-2\n",
      /links.csv: line 2, .* neither end of the edge is an added node/,
    ],
    ["source,target\nbook-31,book-31\n", /links.csv: line 2, .* an edge from a node to itself/],
  ] as const) {
    writeFileSync(links!, content);
    const refused = await abkdHere("predict", file, ...given, "--edges", links!);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr.trimEnd().split("\n").at(-1)!, message);
  }
});

test("questions as NDJSON: an answer each, a reason for each that has none", async () => {
  const asked = [
    { id: "known", node: "book-4" },
    { id: 2, features: features(4), neighbours: ["book-5", "book-3"] },
    { features: { 0: 2, 4: 0.5 } },
    { node: "book-99" },
    { features: [1], neighbours: [] },
    { node: "book-1", wish: 1 },
    { features: features(4), neighbours: [{ toString: 1 }] },
    "text",
  ];
  const lines = [
    ...asked.map((question) => JSON.stringify(question)),
    "",
    "{",
    '{"node":"book-1"}',
  ];
  const cli = join(import.meta.dirname, "../../src/cli.ts");
  const given = [
    "predict",
    file,
    "--dataset",
    join(folder, "books"),
    "--questions",
    "-",
    "--top",
    "3",
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...given], {
    input: lines.join("\n"),
    encoding: "utf8",
  });
  assert.equal(status, 1, stderr);
  assert.match(stderr, /6 of 11 questions could not be answered/);
  const answers = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.equal(answers.length, 10);
  const { classes } = await evaluate(model, { dataset: graph });
  assert.deepEqual([answers[0].id, answers[0].node], ["known", "book-4"]);
  assert.equal(answers[0].class, graph.classNames![classes[4]!]);
  assert.equal(answers[0].top.length, 3);
  assert.equal(answers[1].id, 2);
  assert.ok(GENRES.includes(answers[2].class));
  const reasons = answers.slice(3, 9).map(({ line, error }) => `${line}: ${error}`);
  for (const [k, message] of [
    /^4: the graph has no node "book-99"/,
    /^5: an added node has 1 features instead of 5/,
    /^6: a question has no "wish"/,
    /^7: the graph has no node an object/,
    /^8: a question is an object/,
    /^10: the line is not valid JSON/,
  ].entries()) {
    assert.match(reasons[k]!, message);
  }
  assert.equal(answers[9].class, graph.classNames![classes[1]!]);
});

test("options that do not go together are refused", async () => {
  for (const [given, message] of [
    [["--edges", "x.csv"], /--edges are those of new nodes: name their table with --add/],
    [["--questions", "x", "--add", "y"], /--add does not go with --questions/],
    [["--add", "x", "--json"], /--json does not go with --add/],
    [["--output", "x.txt"], /name a file that ends in \.csv, \.json or \.ndjson/],
  ] as const) {
    const { code, stderr } = await abkdHere("predict", file, ...given);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
});
