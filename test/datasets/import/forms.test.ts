// One graph in each form is the same graph again, bit for bit.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { summarise } from "../../../src/datasets/canonical.ts";
import { importDataset, loadDataset, loadSplit } from "../../../src/datasets/index.ts";
import { SUMMARIES } from "../../../src/datasets/oracles.ts";
import { makeGraph } from "../../../src/graph/make.ts";
import { SHARED_DATA, skipWithoutData } from "../support/shared-data.ts";
import { folderOf } from "./support/folder.ts";
import { bool, FORMS, float, int, npys, npz } from "./support/write-forms.ts";

const synthetic = await loadDataset("synthetic");

/** The path that a user names: a single array file, or the folder. */
function pathOf(files: ReturnType<(typeof FORMS)[string]>): string {
  const names = Object.keys(files);
  const folder = folderOf(files);
  return names.length === 1 ? path.join(folder, names[0]!) : folder;
}

for (const [form, write] of Object.entries(FORMS)) {
  test(`the synthetic graph as ${form}`, async () => {
    const { graph, report } = await importDataset(pathOf(write(synthetic)));
    // The oracle's digests were made by another reader (scripts of the datasets' tests).
    assert.deepEqual(summarise(graph), SUMMARIES["synthetic"]);
    assert.equal(report.stored.loops, 0);
    assert.equal(report.stored.duplicates, 0);
    assert.ok(report.homophily! > 0.5);
  });
}

test("real files: MUSAE's Facebook pages", {
  skip: skipWithoutData("musae-facebook"),
}, async () => {
  const { graph, report } = await importDataset(path.join(SHARED_DATA, "musae-facebook"));
  // Rozemberczki et al. 2021, table 2: 22,470 nodes, 171,002 edges, 4,714 features, 4 classes.
  assert.equal(graph.nodes, 22_470);
  assert.equal(report.stored.arcs, 171_002);
  assert.equal(graph.features.columns, 4_714);
  assert.deepEqual(report.classNames, ["company", "government", "politician", "tvshow"]);
  assert.equal(report.stored.directions, "one");
});

test("real files: the GNN benchmark's", { skip: skipWithoutData("gnn-benchmark") }, async () => {
  const file = path.join(SHARED_DATA, "gnn-benchmark", "ms_academic_cs.npz");
  const { graph, report } = await importDataset(file);
  const { nodes, arcs, sha256 } = summarise(graph);
  const published = SUMMARIES["coauthor-cs"]!;
  assert.deepEqual({ nodes, arcs }, { nodes: published.nodes, arcs: published.arcs });
  assert.equal(sha256.arcs_col_i32, published.sha256.arcs_col_i32);
  assert.equal(sha256.labels_i32, published.sha256.labels_i32);
  assert.equal(sha256.feat_indices_i32, published.sha256.feat_indices_i32);
  // Counts of words are kept, which PyG's reader makes 1.
  assert.ok(report.featureRange[1] > 1);
});

const TOY = {
  edge_index: int([0, 1, 2, 2, 3, 0, 1, 2, 0, 2, 1, 1], [2, 6]),
  x: float([0.5, -1, 0, 2, 1, 1, 0, -3], [4, 2]),
  y: int([0, 1, 1, -1]),
};

test("what is found is said: loops, duplicates, directions, negative features", async () => {
  const file = path.join(folderOf({ "toy.npz": npz(TOY) }), "toy.npz");
  const { graph, report } = await importDataset(file);
  // Arcs 0>1 1>2 2>0 2>2 3>1 0>1: one repeats, one is a loop, four edges remain.
  assert.deepEqual(report.stored, { arcs: 6, directions: "one", duplicates: 1, loops: 1 });
  assert.equal(graph.adjacency.indices.length, 8);
  assert.deepEqual(report.featureRange, [-3, 2]);
  assert.equal(report.featureDensity, 6 / 8);
  // Of 0-1, 1-2 and 2-0, only 1-2 joins nodes of one class; node 3 has none.
  assert.equal(report.homophily, 1 / 3);
  assert.deepEqual([...graph.features.values!], [0.5, -1, 2, 1, 1, -3]);
  assert.match(
    report.decisions.join("\n"),
    /symmetrised[\s\S]*duplicates merged[\s\S]*loops removed/,
  );
  assert.match(
    report.decisions.join("\n"),
    /features: models read them as they are, because some are negative/,
  );
});

test("masks become the split public, and several of them geom-gcn:0, :1 too", async () => {
  const masks = {
    train_mask: bool([1, 0, 0, 1, 0, 0, 0, 0], [4, 2]),
    val_mask: bool([0, 1, 1, 0, 0, 0, 0, 0], [4, 2]),
    test_mask: bool([0, 0, 1, 0], [4]),
  };
  const one = path.join(folderOf({ "a.npz": npz({ ...TOY, ...masks }) }), "a.npz");
  const { graph, report } = await importDataset(one);
  assert.equal(report.splits, 2);
  const first = await loadSplit(graph, "public");
  assert.deepEqual([[...first.train], [...first.val], [...first.test]], [[0], [1], [2]]);
  const second = await loadSplit(graph, "geom-gcn:1");
  assert.deepEqual([[...second.train], [...second.val]], [[1], [0]]);
  await assert.rejects(loadSplit(graph, "geom-gcn:2"), /has no split "geom-gcn:2"/);
  const lists = { train_idx: int([2, 0]), valid_idx: int([1]), test_idx: int([3]) };
  const two = await importDataset(folderOf(npys({ ...TOY, ...lists })));
  assert.deepEqual([...(await loadSplit(two.graph, "public")).train], [0, 2]);
});

test("arrays by columns, edges as pairs and classes as 0 and 1", async () => {
  const file = npz({
    edges: { ...int([0, 1, 2, 1, 2, 3], [3, 2]), fortranOrder: true },
    node_features: { ...float([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]), fortranOrder: true },
    node_labels: int([1, 0, 0, 1, 1, 0, 0, 1], [4, 2]),
  });
  const { graph } = await importDataset(path.join(folderOf({ "b.npz": file }), "b.npz"));
  assert.deepEqual([...graph.adjacency.indices], [1, 0, 2, 1, 3, 2]);
  assert.deepEqual([...graph.features.values!], [1, 5, 2, 6, 3, 7, 4, 8]);
  assert.deepEqual([...graph.labels], [0, 1, 0, 1]);
});

test("sets of classes: GraphSAINT's lists", async () => {
  const graph = makeGraph({
    edges: { from: [0, 1, 2], to: [1, 2, 3] },
    features: [[1], [2], [3], [4]],
    labels: [0, 1, 0, 1],
  });
  const files = {
    ...FORMS["GraphSAINT's files"]!(graph),
    "class_map.json": JSON.stringify({ 0: [1, 1, 0], 1: [0, 0, 0], 2: [0, 0, 1], 3: [1, 0, 0] }),
  };
  const { graph: found } = await importDataset(folderOf(files));
  assert.equal(found.classes, 3);
  assert.deepEqual([...found.labelSets!.indices], [0, 1, 2, 0]);
});

test("labels in scipy's rows, in a folder with one archive: a class each, or sets", async () => {
  const rows = (indices: number[], indptr: number[]) => ({
    "labels.data": float(indices.map(() => 1)),
    "labels.indices": int(indices, undefined, "<i4"),
    "labels.indptr": int(indptr, undefined, "<i4"),
    "labels.shape": int([4, 3]),
  });
  const { edge_index, x } = TOY;
  const one = npz({ edge_index, x, ...rows([2, 0, 1], [0, 1, 2, 2, 3]) });
  const { graph } = await importDataset(folderOf({ "a.npz": one, "README.md": "x" }));
  assert.deepEqual([...graph.labels], [2, 0, -1, 1]);
  const sets = npz({ edge_index, x, ...rows([0, 2, 1], [0, 2, 2, 2, 3]) });
  const several = await importDataset(folderOf({ "a.npz": sets }));
  assert.deepEqual([...several.graph.labelSets!.indptr], [0, 2, 2, 2, 3]);
});

test("a column of sets is the split public; an empty label is none", async () => {
  const folder = folderOf({
    "edges.tsv": "a\tb\nb\tc\nc\td\n",
    "nodes.tsv": "id\tx\tlabel\tsplit\na\t1\tu\ttrain\nb\t2\tv\tval\nc\t3\tu\ttest\nd\t4\t\t\n",
  });
  const { graph } = await importDataset(folder);
  assert.deepEqual([...graph.labels], [0, 1, 0, -1]);
  assert.deepEqual([...(await loadSplit(graph, "public")).test], [2]);
});

test("tables as other programs write them: byte order mark, CRLF, quotes, true and false, 7.0", async () => {
  const folder = folderOf({
    "edges.txt": "# Nodes: 3\r\n# FromNodeId\tToNodeId\r\n7\t8\r\n8\t9\r\n",
    "nodes.csv":
      '\ufeff"id";"title";"new";"size";"label"\r\n7.0;"a; b";True;1.5;"x, y"\r\n' +
      '8.0;"say ""c""";False;-2e-1;z\r\n9.0;d;True;0;z\r\n',
  });
  const { graph, report } = await importDataset(folder);
  assert.deepEqual(report.classNames, ["x, y", "z"]);
  assert.deepEqual([...graph.features.indptr], [0, 2, 3, 4]);
  assert.deepEqual([...graph.features.values!], [1, 1.5, Math.fround(-0.2), 1]);
  assert.deepEqual([...graph.adjacency.indices], [1, 0, 2, 1]);
  assert.match(report.decisions.join("\n"), /left out of nodes\.csv: title \(text\)/);
});

test("Film's lists of features", async () => {
  const folder = folderOf({
    "out1_graph_edges.txt": "node_id\tnode_id\n0\t1\n1\t2\n",
    "out1_node_feature_label.txt": "node_id\tfeature\tlabel\n1\t4,0\t1\n0\t2\t0\n2\t1,3,4\t1\n",
  });
  const { graph } = await importDataset(folder);
  assert.deepEqual([...graph.features.indptr], [0, 1, 3, 6]);
  assert.deepEqual([...graph.features.indices], [2, 0, 4, 1, 3, 4]);
});

test("a graph's name follows its content, whatever the path", async () => {
  const file = npz(TOY);
  const [one, same] = [folderOf({ "g.npz": file }), folderOf({ "g.npz": file })];
  const other = folderOf({ "g.npz": npz({ ...TOY, y: int([1, 1, 0, -1]) }) });
  const names: string[] = [];
  for (const folder of [one, same, other]) {
    names.push((await loadDataset(path.join(folder, "g.npz"))).name);
  }
  assert.equal(names[0], names[1]);
  assert.notEqual(names[0], names[2]);
  assert.match(names[2]!, /^g-[0-9a-f]{12}$/);
});

test("a graph without labels is one to predict: every node is unlabelled", async () => {
  const { y: _, ...arrays } = TOY as Record<string, (typeof TOY)["x"]>;
  const tables = {
    "nodes.csv": "id,x,z\na,1,0\nb,0,1\nc,2,2\n",
    "edges.csv": "source,target\na,b\nb,c\n",
  };
  for (const files of [{ "graph.npz": npz(arrays) }, tables]) {
    const { graph, report } = await importDataset(pathOf(files));
    assert.ok(graph.labels.every((label) => label === -1));
    assert.ok(report.decisions.some((decision) => decision.startsWith("no node has a label")));
    const empty = await loadSplit(graph, "random:48/32/20:0");
    assert.equal(empty.train.length, 0);
  }
  const { graph } = await importDataset(folderOf(tables));
  assert.deepEqual(graph.nodeNames, ["a", "b", "c"]);
});
