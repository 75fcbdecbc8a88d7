// A graph of the user's own, by its path: described, trained on, predicted for; two of one name stay apart.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Graph } from "../../src/graph/graph.ts";
import { syntheticGraph } from "../../src/graph/synthetic.ts";
import { folderOf } from "../datasets/import/support/folder.ts";
import { FORMS, float, int, npz } from "../datasets/import/support/write-forms.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkd, abkdHere } from "./abkd.ts";

const graph = syntheticGraph(5);
const write = FORMS["PyG's keys in an npz"]!;
/** @returns the path of graph.npz, in a folder of its own */
const saved = (of: Graph): string =>
  join(folderOf({ "shop.npz": write(of)["data.npz"]! }), "shop.npz");
const SHORT = [
  "--epochs",
  "3",
  "--teacher-epochs",
  "2",
  "--teacher-layers",
  "2",
  "--json",
  "--quiet",
];

test("data info says what is in a file and what was decided", async () => {
  const { code, stdout, stderr } = await abkdHere("data", "info", saved(graph));
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.match(stdout, /^shop-[0-9a-f]{12}: your own, from shop\.npz\n2,708 nodes/);
  assert.match(stdout, /\nread as arrays\n10,556 arcs in the files: each edge in both directions/);
  assert.match(stdout, /\nhomophily 0\.\d\d/);
  assert.match(stdout, /\ndecided: features: models divide each row by its sum/);
  const json = JSON.parse((await abkdHere("data", "info", saved(graph), "--json")).stdout);
  assert.equal(json.nodes, 2708);
  assert.equal(json.import.stored.directions, "both");
});

test("data info says that homophily is low", async () => {
  const mixed = { ...graph, labels: graph.labels.map((_, node) => (node * 7919) % 7) };
  const { stdout } = await abkdHere("data", "info", saved(mixed));
  assert.match(stdout, /\nhomophily 0\.1\d: .*LOW: most neighbours differ/);
});

test("distill, export and predict by paths; another graph of that name has runs of its own", async (t) => {
  const runs = temporaryFolder(t);
  const [one, other] = [saved(graph), saved({ ...graph, labels: graph.labels.toReversed() })];
  const distil = async (path: string) => {
    const args = ["--dataset", path, "--split", "per-class:20/30:1", ...SHORT, "--runs", runs];
    const { code, stdout, stderr } = await abkd("distill", ...args);
    assert.equal(code, 0, stderr);
    // No progress; but a few epochs teach nothing, and --quiet still says so.
    assert.match(stderr, /^the teacher [^\n]* (?:has learned nothing|is dead): /m);
    assert.doesNotMatch(stderr, /: begins|best epoch/);
    return JSON.parse(stdout)[0];
  };
  const first = await distil(one);
  assert.match(first.config.dataset, /^shop-[0-9a-f]{12}$/);
  assert.deepEqual([first.data.train, first.data.val], [140, 210]);
  const record = join(runs, first.id, "run.json");
  const before = readFileSync(record, "utf8");
  const second = await distil(other);
  assert.notEqual(second.id, first.id);
  assert.equal(readFileSync(record, "utf8"), before);
  assert.equal(readdirSync(join(runs, "teachers")).length, 2);

  const file = join(runs, "student.safetensors");
  assert.equal((await abkdHere("export", first.id, "--output", file, "--runs", runs)).code, 0);
  // A file is exported as its run is.
  const [again, onnx, page] = ["again.npz", "student.onnx", "page"].map((name) => join(runs, name));
  for (const [format, output] of [
    ["npz", again],
    ["onnx", onnx],
    ["web", page],
  ] as const) {
    const flags = ["--format", format, "--output", output!, "--dataset", one];
    assert.equal((await abkdHere("export", file, ...flags)).code, 0);
  }
  const direct = join(runs, "direct.npz");
  const npzFlags = ["--format", "npz", "--output", direct, "--runs", runs];
  assert.equal((await abkdHere("export", first.id, ...npzFlags)).code, 0);
  assert.deepEqual(readFileSync(again!), readFileSync(direct));
  assert.ok(readdirSync(page!).includes("index.html"));
  const several = await abkdHere("export", file, "--student", "2");
  assert.match(
    several.stderr,
    /--student tells the students of a run apart; .* is one model's file/,
  );
  const without = await abkd("predict", file);
  assert.equal(without.code, 2);
  assert.match(without.stderr, /"shop-[0-9a-f]{12}" is a graph of your own.*name its file/);
  const same = await abkd("predict", file, "--dataset", one, "--json");
  assert.equal(JSON.parse(same.stdout).accuracy.test, first.accuracy.test);
  assert.doesNotMatch(same.stderr, /another graph/);
  const changed = await abkd("predict", file, "--dataset", other);
  assert.match(changed.stderr, /trained on shop-[0-9a-f]{12}; this is another graph, shop-/);
});

test("data import keeps a graph: later commands need its name alone, and predict not even that", async (t) => {
  const folder = temporaryFolder(t);
  // It is made, as each folder is that a command writes into.
  const data = ["--data", join(folder, "new", "data")];
  const sets = npz({
    train_idx: int([0, 1, 2, 3]),
    val_idx: int([4, 5]),
    test_idx: int([6, 7, 8]),
  });
  const splits = join(folderOf({ "sets.npz": sets }), "sets.npz");
  const flags = ["--as", "shop", "--features", "unit", "--splits", splits, ...data];
  const { code, stdout, stderr } = await abkd("data", "import", saved(graph), ...flags);
  assert.deepEqual([code, stderr], [0, ""]);
  assert.match(
    stdout,
    /^shop is shop-[0-9a-f]{12}: 2,708 nodes, [\s\S]*each row gets the length 1/,
  );
  const list = await abkd("data", "list", ...data);
  assert.match(list.stdout, /\nshop +your own +2,708 nodes, 7 classes, from shop\.npz\n/);
  const info = JSON.parse((await abkd("data", "info", "shop", "--json", ...data)).stdout);
  assert.deepEqual([info.splits.public.train, info.splits.public.test], [4, 3]);
  const runs = join(folder, "runs");
  const trained = await abkd("distill", "--dataset", "shop", ...SHORT, "--runs", runs, ...data);
  assert.equal(trained.code, 0, trained.stderr);
  const [run] = JSON.parse(trained.stdout);
  assert.equal(run.config.dataset, info.name);
  const file = join(folder, "student.npz");
  assert.equal((await abkd("export", run.id, "--output", file, "--runs", runs)).code, 0);
  const predicted = await abkd("predict", file, "--json", ...data);
  assert.equal(JSON.parse(predicted.stdout).accuracy.test, run.accuracy.test, predicted.stderr);
  const other = { ...graph, labels: graph.labels.toReversed() };
  const again = await abkd("data", "import", saved(other), "--as", "shop", ...data);
  assert.equal(again.code, 2);
  assert.match(
    again.stderr,
    /^abkd: .*shop\.npz is another graph, shop-\w+: choose another name.*\n$/,
  );
});

test("a graph with sets of classes trains, and says which methods read them", async (t) => {
  const nodes = 120;
  // Node k has class c if bit c of k is set, and its features say so.
  const bits = Array.from({ length: nodes }, (_, k) => [k & 1, (k >> 1) & 1, (k >> 2) & 1]);
  const at = [...Array(nodes - 8).keys()];
  const file = npz({
    edge_index: int([...at, ...at.map((k) => k + 8)], [2, at.length]),
    x: float(
      bits.flatMap((row) => [...row.map((bit) => 3 * bit), 1]),
      [nodes, 4],
    ),
    y: int(bits.flat(), [nodes, 3]),
  });
  const path = join(folderOf({ "sets.npz": file }), "sets.npz");
  const runs = ["--dataset", path, "--runs", temporaryFolder(t), "--quiet", "--json"];
  const small = ["--model", "gcn", "--layers", "2", "--epochs", "200", "--learning-rate", "0.05"];
  const { code, stdout, stderr } = await abkd("train", ...runs, ...small, "--dropout", "0");
  assert.equal(code, 0, stderr);
  const [run] = JSON.parse(stdout);
  assert.equal(run.metric, "micro-F1");
  assert.ok(run.accuracy.test > 0.9, `${run.accuracy.test}`);
  const refused = await abkd("distill", "--method", "softkd", ...runs);
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /here each item has a set of classes; methods for that: student, alignahead, gnnsd\n$/,
  );
});

test("a path that is wrong is one line", async () => {
  for (const args of [
    ["distill", "--dataset"],
    ["data", "info"],
  ]) {
    const absent = await abkdHere(...args, "./nowhere.npz");
    assert.deepEqual([absent.code, absent.stdout], [2, ""]);
    assert.equal(absent.stderr, "abkd: ./nowhere.npz: no such file or folder\n");
    const folder = folderOf({ "a.bin": "?" });
    const unknown = await abkdHere(...args, folder);
    assert.equal(unknown.code, 1);
    assert.match(
      unknown.stderr,
      /^abkd: .*a\.bin: PyTorch's and DGL's objects are programs, .*; see docs\/datasets\.md\n$/,
    );
  }
});

test("data import decides what the files leave open, and runs' records hold it", async (t) => {
  const data = temporaryFolder(t);
  const runs = temporaryFolder(t);
  const nodes = [...Array(60).keys()];
  const edges = nodes.flatMap((k) => [1, 3, 6].map((step) => `m${k},m${(k + step) % 60}`));
  const members = nodes.map((k) => `m${k},${(k % 3) - 1},${k % 7},${k % 4},${k % 3 === 0}`);
  const folder = folderOf({
    "follows.csv": `follower,followed\n${edges.join("\n")}\n`,
    "members.csv": `member,mood,posts,visits,keen\n${members.join("\n")}\n`,
  });
  const imported = (...args: string[]) => abkd("data", "import", folder, "--data", data, ...args);
  const as = ["--as", "club", "--label-column", "keen", "--features", "standardised"];
  const { code, stdout, stderr } = await imported(...as);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /decided: edges lead from follower to followed/);
  assert.match(stdout, /classes: false, true/);
  const next = `kept: abkd data info club --data ${data}, abkd distill --dataset club --data ${data}\n`;
  assert.ok(stdout.endsWith(next), stdout);
  const elsewhere = await abkd("distill", "--dataset", "club");
  assert.equal(elsewhere.code, 2);
  assert.match(
    elsewhere.stderr,
    /no dataset "club"; known: .*abkd data list shows all; .*by its path, or where --data keeps it/,
  );
  const runs0 = join(runs, "none");
  const small = await abkd(
    ...["compress", "club", "--data", data, "--budget", "2", "--runs", runs0, "--quiet"],
  );
  assert.equal(small.code, 2);
  assert.match(small.stderr, /^abkd: no student of club-\w+ fits: the smallest .* parameters/);
  assert.ok(!existsSync(runs0), "no teacher is trained for a budget that nothing fits");
  const plain = await imported("--as", "plain", "--label-column", "keen", "--features", "rows");
  assert.equal(plain.code, 0, plain.stderr);
  const wrong = await imported("--as", "other", "--label-column", "kene");
  assert.match(
    wrong.stderr,
    /^abkd: .*no table of nodes has a column "kene"; members\.csv: member, mood/,
  );
  const refused = await imported("--as", "other", "--arcs", "both");
  assert.match(
    refused.stderr,
    /^abkd: .*some arcs lack their opposite, which were to be refused\n$/,
  );
  const place = ["--data", data, "--runs", runs];
  const trained = await abkd("distill", "--dataset", "plain", ...SHORT, ...place);
  assert.equal(trained.code, 0, trained.stderr);
  const { id } = JSON.parse(trained.stdout)[0];
  const record = JSON.parse(readFileSync(join(runs, id, "run.json"), "utf8"));
  assert.match(record.data.decided.join("\n"), /features: models divide each row by its sum/);
  const model = join(runs, id, "model.safetensors");
  const predicted = async (dataset: string) => {
    const out = join(runs, "predicted.csv");
    return (await abkd("predict", model, "--dataset", dataset, "--data", data, "--output", out))
      .stderr;
  };
  assert.doesNotMatch(await predicted("plain"), /another graph/);
  const other = await predicted("club");
  assert.match(
    other,
    /rows of features that were divided by their sums, and those of club-\w+ were made standardised: import club-\w+ again without --features$/m,
  );
  await imported("--as", "same", "--label-column", "keen", "--features", "rows");
  assert.doesNotMatch(await predicted("same"), /another graph/);
});
