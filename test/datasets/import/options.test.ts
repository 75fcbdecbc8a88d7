// What one decides about a graph of one's own: the form of its features, sets elsewhere, times, a name to keep it by.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { newNodesFault } from "../../../src/datasets/import/features.ts";
import { importDataset, loadDataset, loadSplit, readAdded } from "../../../src/datasets/index.ts";
import { makeGraph } from "../../../src/graph/make.ts";
import { modelFeatures } from "../../../src/graph/normalise.ts";
import { folderOf } from "./support/folder.ts";
import { bool, denseOf, FORMS, float, int, npys, npz } from "./support/write-forms.ts";

const EDGES = int([0, 1, 1, 2, 2, 3], [3, 2]);
/** Columns 1 3 0 0, -1 1 4 0 and 5 5 5 5. */
const MIXED = float([1, -1, 5, 3, 1, 5, 0, 4, 5, 0, 0, 5], [4, 3], "<f8");
const toy = { edges: EDGES, x: MIXED, y: int([0, 1, 0, 1]) };
const file = (arrays: Parameters<typeof npz>[0], name = "toy"): string =>
  path.join(folderOf({ [`${name}.npz`]: npz(arrays) }), `${name}.npz`);
const close = (found: ArrayLike<number>, expected: readonly number[]): void => {
  assert.equal(found.length, expected.length);
  for (const [k, value] of expected.entries()) {
    assert.ok(Math.abs(found[k]! - value) < 1e-6, `${k}: ${found[k]} instead of ${value}`);
  }
};

test("negative features are read as they are, unless the rows are asked for", async () => {
  const { graph, report } = await importDataset(file(toy));
  assert.deepEqual(
    [...denseOf(modelFeatures(graph))],
    [...new Float32Array([1, -1, 5, 3, 1, 5, 0, 4, 5, 0, 0, 5])],
  );
  assert.match(report.decisions.join("\n"), /read them as they are, because some are negative/);
  const rows = await importDataset(file(toy), { features: "rows" });
  close(denseOf(modelFeatures(rows.graph)).subarray(0, 3), [1 / 5, -1 / 5, 1]);
  assert.match(rows.report.decisions.join("\n"), /some features are negative/);
  assert.notEqual(rows.graph.name, graph.name);
  const positive = { ...toy, x: int([1, 0, 3, 1, 2, 2, 0, 1], [4, 2]) };
  const usual = await importDataset(file(positive));
  close(denseOf(modelFeatures(usual.graph)), [1, 0, 3 / 4, 1 / 4, 1 / 2, 1 / 2, 0, 1]);
});

test("binary, standardised and unit rows", async () => {
  const read = async (features: "binary" | "standardised" | "unit" | "as-is") =>
    denseOf(modelFeatures((await importDataset(file(toy), { features })).graph));
  close(
    await read("binary"),
    [1, 1, 1, 1, 1, 1, 0, 2, 2, 0, 0, 4].map((k, at) =>
      k === 0 ? 0 : 1 / [3, 3, 2, 1][Math.floor(at / 3)]!,
    ),
  );
  // Column 1: mean 1, deviation sqrt(1.5); column 2: mean 1, sqrt(3.5); column 3 is constant.
  const [a, b] = [Math.sqrt(1.5), Math.sqrt(3.5)];
  close(await read("standardised"), [
    0,
    -2 / b,
    0,
    2 / a,
    0,
    0,
    -1 / a,
    3 / b,
    0,
    -1 / a,
    -1 / b,
    0,
  ]);
  const [one, two, three] = [Math.sqrt(27), Math.sqrt(35), Math.sqrt(41)];
  close(await read("unit"), [
    1 / one,
    -1 / one,
    5 / one,
    3 / two,
    1 / two,
    5 / two,
    0,
    4 / three,
    5 / three,
    0,
    0,
    1,
  ]);
  close(await read("as-is"), [1, -1, 5, 3, 1, 5, 0, 4, 5, 0, 0, 5]);
  await assert.rejects(
    read("centred" as never),
    /option "features" is "centred"; legal: rows, as-is, binary, standardised, unit$/,
  );
});

test("what standardised features had subtracted is kept with the graph, so that it may have new nodes", async () => {
  const dataDir = folderOf({});
  for (const features of ["binary", "standardised", "unit"] as const) {
    await importDataset(file(toy), { features, as: `toy-${features}`, dataDir });
    const graph = await loadDataset(`toy-${features}`, { dataDir });
    assert.equal(newNodesFault(graph), undefined);
    const { featureScales: scales } = graph;
    if (features !== "standardised") assert.equal(scales, undefined);
    else {
      close(Float32Array.from(scales!.means), [1, 1, 5]);
      close(Float32Array.from(scales!.deviations), [Math.sqrt(1.5), Math.sqrt(3.5), 0]);
      const { featureScales: _, ...yesterday } = graph;
      assert.match(newNodesFault(yesterday)!, /by an earlier version.*import its files again$/);
    }
  }
});

test("new nodes' tables: ids, columns by their names, what is left out", async () => {
  const { graph } = await importDataset(
    folderOf({
      "nodes.csv": "id,a,b,c,label\nn0,1,2,3,x\nn1,4,5,6,y\nn2,7,8,9,x\n",
      "edges.csv": "source,target\nn0,n1\nn1,n2\n",
    }),
  );
  const added = async (table: string, to = graph) => {
    const { names, nodes, decisions } = await readAdded(
      path.join(folderOf({ "new.csv": table }), "new.csv"),
      undefined,
      to,
    );
    return { names, rows: nodes.map(({ features }) => features), decisions };
  };
  const rows = [{ 0: 1, 1: 2, 2: 3 }];
  assert.deepEqual(await added("id,c,a,b\nx,3,1,2\n"), { names: ["x"], rows, decisions: [] });
  assert.deepEqual(await added("id,c,label,a,b\nx,3,y,1,2\n"), {
    ...{ names: ["x"], rows },
    decisions: ["left out of new.csv: label"],
  });
  const order = "have no names, and are taken in the order of ";
  for (const [id, table] of [
    ["x", "x,1,2,3\n"],
    ["17", "17,1,2,3\n"],
  ] as const) {
    const { decisions, ...found } = await added(table);
    assert.deepEqual(found, { names: [id], rows });
    assert.equal(decisions[0], "the first column of new.csv is taken as the new nodes' ids");
    assert.ok(decisions[1]!.includes(order) && decisions.length === 2, decisions.join("\n"));
  }
  const labelled = await added("x,1,2,3,red\nz,4,5,6,blue\n");
  assert.deepEqual(labelled.names, ["x", "z"]);
  assert.deepEqual(labelled.rows[0], rows[0]);
  assert.equal(labelled.decisions[1], "left out of new.csv: column 5");
  assert.deepEqual(await added("kind,a,b,c\nbook,1,2,3\nbook,4,5,6\n"), {
    names: ["3", "4"],
    rows: [rows[0], { 0: 4, 1: 5, 2: 6 }],
    decisions: ["left out of new.csv: kind"],
  });
  const plain = await added("1,2,3\n");
  assert.deepEqual([plain.names, plain.rows], [["3"], rows]);
  await assert.rejects(added("id,a,b,d\nx,1,2,3\n"), /new\.csv: no column "c"; .* has a, b, c$/);
  await assert.rejects(
    added("id,a,b,c,d\nx,1,2,3,4\n"),
    /new\.csv: a column "d" that is no feature; .* has a, b, c$/,
  );
  await assert.rejects(
    readAdded("nowhere.csv", undefined, graph),
    /^BadFileError: nowhere\.csv: there is no such file$/,
  );
});

test("makeGraph() takes features as they are too", () => {
  const arrays = {
    edges: { from: [0], to: [1] },
    features: [
      [1, 3],
      [0, 4],
    ],
    labels: [0, 1],
  };
  close(modelFeatures(makeGraph(arrays)).values!, [1 / 4, 3 / 4, 1]);
  close(modelFeatures(makeGraph({ ...arrays, featuresAsIs: true })).values!, [1, 3, 4]);
});

test("splits elsewhere: those of the graph's name, in a folder or as one file", async () => {
  const masks = (first: number): Buffer =>
    npz({
      train_mask: bool([0, 1, 2, 3].map((k) => Number(k === first))),
      val_mask: bool([0, 1, 2, 3].map((k) => Number(k === (first + 1) % 4))),
      test_mask: bool([0, 1, 2, 3].map((k) => Number(k === (first + 2) % 4))),
    });
  const splits = folderOf({
    "toy_split_0.6_0.2_0.npz": masks(2),
    "toy_split_0.6_0.2_1.npz": masks(3),
    "film_split_0.6_0.2_0.npz": masks(0),
  });
  const { graph, report } = await importDataset(file(toy), { splits });
  assert.equal(report.splits, 2);
  assert.deepEqual([...(await loadSplit(graph, "public")).train], [2]);
  assert.deepEqual([...(await loadSplit(graph, "geom-gcn:1")).test], [1]);
  const one = path.join(splits, "film_split_0.6_0.2_0.npz");
  const single = await importDataset(file(toy), { splits: one });
  assert.deepEqual([...(await loadSplit(single.graph, "public")).val], [1]);
  const refused = (of: string, given: string, message: RegExp): Promise<void> =>
    assert.rejects(importDataset(of, { splits: given }), message);
  await refused(
    file(toy, "other"),
    splits,
    /has splits of several graphs, none called other_split/,
  );
  await refused(file(toy), folderOf({}), /has no npz files/);
  await refused(file(toy), "./nowhere", /^.*nowhere: no such file or folder/);
  const small = { ...toy, edges: int([0, 1], [1, 2]), x: int([1, 2], [2, 1]), y: int([0, 1]) };
  await refused(file(small), one, /_0\.npz: \w+_mask: /);
});

test("matrices that no graph needs may lie beside it, in any form", async () => {
  const text = (word: string) => ({
    dtype: `|S${word.length}`,
    shape: [],
    bytes: Buffer.from(word),
  });
  const saved = npz({ format: text("dia"), shape: int([9, 9]), data: float([1]) });
  const { graph } = await importDataset(folderOf({ ...npys(toy), "metapaths.npz": saved }));
  assert.equal(graph.nodes, 4);
  const needed = importDataset(folderOf({ ...npys({ x: MIXED, y: toy.y }), "adj.npz": saved }));
  await assert.rejects(
    needed,
    /adj\.npz: format: a sparse matrix of the form "dia"; save it as csr$/,
  );
});

test("sets that overlap are refused when the graph is read", async () => {
  const masks = {
    train_mask: bool([1, 0, 0, 0]),
    val_mask: bool([1, 1, 0, 0]),
    test_mask: bool([0, 0, 1, 1]),
  };
  await assert.rejects(importDataset(file({ ...toy, ...masks })), /val: node 0 is in train too/);
});

test("times: the oldest train, the newest test, and equal times stay together", async () => {
  const nodes = 10;
  const arrays = {
    edges: int([0, 1, 1, 2, 2, 3], [3, 2]),
    x: float(
      Array.from({ length: nodes }, (_, k) => k + 1),
      [nodes, 1],
    ),
    y: int([0, 1, 0, 1, 0, 1, 0, 1, 0, -1]),
  };
  const sets = async (source: string, spec: string) => {
    const { graph } = await importDataset(source);
    const { train, val, test } = await loadSplit(graph, spec);
    return [[...train], [...val], [...test]];
  };
  // Node 9 has no label. Of nine, 60 % are five, but nodes 2, 4 and 6 are of one year.
  const node_year = int([2001, 2009, 2005, 2003, 2005, 2007, 2005, 2002, 2008, 2000], [nodes, 1]);
  assert.deepEqual(await sets(file({ ...arrays, node_year }), "time:60/20"), [
    [0, 2, 3, 4, 6, 7],
    [5],
    [1, 8],
  ]);
  const days = {
    dtype: "<M8[D]",
    shape: [nodes],
    bytes: int([1, 9, 5, 3, 4, 7, 6, 2, 8, 0]).bytes,
  };
  assert.deepEqual(await sets(file({ ...arrays, time: days }), "time:34/33"), [
    [0, 3, 7],
    [2, 4, 6],
    [1, 5, 8],
  ]);
  const rows = [
    "a,1,u,2020-03-01",
    "b,2,v,2019-12-31 23:00",
    "c,3,u,2020-01-15T08:00Z",
    "d,4,v,2021-01",
  ];
  const table = (extra = ""): string =>
    folderOf({
      "edges.csv": "source,target\na,b\nb,c\nc,d\n",
      "nodes.csv": `id,x,label,date\n${rows.join("\n")}${extra}\n`,
    });
  assert.deepEqual(await sets(table(), "time:50/25"), [[1, 2], [0], [3]]);
  await assert.rejects(
    sets(table("\ne,5,u,soon"), "public"),
    /time of "e": "soon" is neither a number nor/,
  );
  await assert.rejects(
    sets(file({ ...arrays, year: int(Array(nodes).fill(1)) }), "time:60/20"),
    /a set would be empty/,
  );
  await assert.rejects(sets(file(arrays), "time:60/20"), /has no times of its nodes, so no split/);
  await assert.rejects(sets(file(arrays), "time:60/40"), /below 100 together/);
});

test("kept by a name: the same graph, report, splits and times again; never replaced", async () => {
  const dataDir = folderOf({});
  const graph = makeGraph({
    edges: { from: [0, 1, 2, 3], to: [1, 2, 3, 4] },
    features: [
      [1, 0],
      [0, 1],
      [2, 1],
      [-1, 3],
      [0, 0],
    ],
    labels: [0, 1, 0, 1, 1],
  });
  const source = folderOf({
    ...FORMS["DGL's keys as npy"]!(graph),
    ...npys({
      year: int([5, 4, 3, 2, 1]),
      train_idx: int([0]),
      val_idx: int([1, 2]),
      test_idx: int([4]),
    }),
  });
  const first = await importDataset(source, { as: "my-graph", dataDir });
  assert.match(first.graph.name, /^my-graph-[0-9a-f]{12}$/);
  const kept = path.join(dataDir, "own", "my-graph.npz");
  const bytes = readFileSync(kept);
  for (const name of ["my-graph", first.graph.name]) {
    const again = await importDataset(name, { dataDir });
    assert.deepEqual(again, first);
  }
  assert.deepEqual(await loadDataset("my-graph", { dataDir }), first.graph);
  await importDataset(source, { as: "my-graph", dataDir });
  const other = importDataset(source, { as: "my-graph", dataDir, features: "binary" });
  await assert.rejects(other, /my-graph\.npz is another graph, my-graph-\w+: choose another name/);
  assert.deepEqual(readFileSync(kept), bytes);
  for (const name of ["cora", "My", "a/b", "x-0123456789ab"]) {
    await assert.rejects(importDataset(source, { as: name, dataDir }), /cannot be kept|built in/);
  }
  const table = folderOf({
    "edges.csv": "source,target\nann,bob\nbob,cid\n",
    "nodes.csv": "id,f,g,label\nann,1,2,novel\nbob,2,3,poetry\ncid,1,4,novel\n",
  });
  await importDataset(table, { as: "named", dataDir });
  const { nodeNames, classNames } = await loadDataset("named", { dataDir });
  assert.deepEqual(
    [nodeNames, classNames],
    [
      ["ann", "bob", "cid"],
      ["novel", "poetry"],
    ],
  );
  // Copied to another place, it is still that graph, with the form of features that was chosen.
  const unit = await importDataset(source, { as: "unit", dataDir, features: "unit" });
  const copy = path.join(dataDir, "copy.npz");
  writeFileSync(copy, readFileSync(path.join(dataDir, "own", "unit.npz")));
  const { graph: copied } = await importDataset(copy);
  assert.equal(copied.name.replace("copy", "unit"), unit.graph.name);
  bytes[200]! ^= 1;
  writeFileSync(kept, bytes);
  await assert.rejects(
    importDataset("my-graph", { dataDir }),
    /my-graph\.npz: it is damaged; delete it/,
  );
  const absent = loadDataset("my-graph-0123456789ab", { dataDir: folderOf({}) });
  await assert.rejects(absent, /a graph of your own, which is not read yet.*abkd data import/);
});
