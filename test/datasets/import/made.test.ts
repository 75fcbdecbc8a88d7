// Files that numpy, scipy, pandas and networkx wrote (made/make.py) are the same graph in every form.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { summarise } from "../../../src/datasets/canonical.ts";
import { importDataset, loadSplit } from "../../../src/datasets/index.ts";
import { folderOf } from "./support/folder.ts";

const FOLDER = path.join(import.meta.dirname, "made");
/** What make.py prints of its graph, by numpy: nodes, arcs, features that are not 0. */
const COUNTS = { nodes: 120, arcs: 462, feature_nnz: 308, classes: 3 };

/** The forms that hold all labels as numbers. */
const SAME = [
  "pyg.npz",
  "dgl.npz",
  "bench.npz",
  "side",
  "saint",
  "market",
  "geom",
  "networkx",
].concat([
  // scipy's matrices in object arrays (as in GraphData), in a dict and in a pickle.
  ...["objects.npz", "dict.npz", "pickled"],
  ...["matlab.mat", "linkx.mat", "graph.json", "zipped"],
]);
/** The forms that name the classes, in the order of the alphabet: cocoa, milk and tea are 2, 1 and 0. */
const NAMED = ["texts.npz", "names.npz", "scipys"];

async function digestsOf(folder: string): Promise<Set<string>> {
  const digests = new Set<string>();
  for (const form of SAME) {
    const { graph } = await importDataset(path.join(folder, form));
    const summary = summarise(graph);
    const { nodes, arcs, feature_nnz, classes } = summary;
    assert.deepEqual({ nodes, arcs, feature_nnz, classes }, COUNTS, form);
    digests.add(JSON.stringify(summary.sha256));
  }
  return digests;
}

test("each form has the same arcs, features and labels", async () => {
  assert.equal((await digestsOf(FOLDER)).size, 1);
});

const LIBRARIES = "numpy, scipy, pandas, networkx";
const python = [process.env["ABKD_PYTHON"], "python3"].find(
  (one) => one && spawnSync(one, ["-c", `import ${LIBRARIES}`]).status === 0,
);

test("what the libraries that are installed here write is that graph too", {
  skip: python ? false : `no Python with ${LIBRARIES}; name one in ABKD_PYTHON`,
}, async () => {
  const folder = folderOf({});
  const made = spawnSync(python!, [path.join(FOLDER, "make.py")], {
    cwd: folder,
    encoding: "utf8",
  });
  assert.equal(made.status, 0, made.stderr);
  assert.deepEqual(await digestsOf(folder), await digestsOf(FOLDER));
  for (const form of NAMED) await importDataset(path.join(folder, form));
});

test("labels of text, as numpy's texts or objects: the same graph with classes by their names", async () => {
  const { graph: plain } = await importDataset(path.join(FOLDER, "pyg.npz"));
  for (const form of NAMED) {
    const { graph, report } = await importDataset(path.join(FOLDER, form));
    assert.deepEqual(report.classNames, ["cocoa", "milk", "tea"], form);
    assert.deepEqual(graph.adjacency, plain.adjacency);
    assert.deepEqual(graph.features, plain.features);
    assert.deepEqual(
      graph.labels,
      plain.labels.map((label) => 2 - label),
    );
  }
});

test("masks, lists and roles are the same split", async () => {
  const sets = new Set<string>();
  for (const form of ["pyg.npz", "dgl.npz", "side", "saint", "geom", "texts.npz"]) {
    const { graph } = await importDataset(path.join(FOLDER, form));
    const { train, val, test } = await loadSplit(graph, "public");
    assert.deepEqual([train.length, val.length, test.length], [30, 30, 60]);
    sets.add(JSON.stringify([[...train], [...val], [...test]]));
  }
  assert.equal(sets.size, 1);
});

test("tables of pandas: names of classes, an index column, weights, labels with gaps", async () => {
  const named = await importDataset(path.join(FOLDER, "tables"));
  assert.deepEqual(named.report.classNames, ["cocoa", "milk", "tea"]);
  const [plain, gaps] = await Promise.all(
    ["networkx", "indexed"].map((form) => importDataset(path.join(FOLDER, form))),
  );
  const [all, some] = [plain!.graph, gaps!.graph];
  // cocoa, milk and tea are make.py's classes 2, 1 and 0.
  assert.deepEqual(
    named.graph.labels,
    all.labels.map((label) => 2 - label),
  );
  assert.deepEqual(some.adjacency, all.adjacency);
  assert.deepEqual(
    some.labels,
    all.labels.map((label, node) => (node % 10 > 0 ? label : -1)),
  );
  assert.match(gaps!.report.decisions.join("\n"), /left out of edges\.csv: weight/);
});
