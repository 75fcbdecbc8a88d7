// What one may decide about how a graph's files are read, and what is said where they leave it open.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  importDataset,
  loadDataset,
  loadSplit,
  type OwnChoices,
} from "../../../src/datasets/index.ts";
import { folderOf } from "./support/folder.ts";
import { PATH, read } from "./support/seen.ts";
import { type Folder, float, int, npz } from "./support/write-forms.ts";

test("words for no label are one's own choice", async () => {
  const files = {
    "edges.csv": "source,target\na,b\nb,c\nc,d\n",
    "nodes.csv": "id,x,label\na,1,u\nb,2,unknown\nc,3,u\nd,4,n/d\n",
  };
  assert.deepEqual((await read(files)).seen.labels, [1, -1, 1, 0]);
  assert.deepEqual((await read(files, { unlabelled: "n/d" })).seen.labels, [0, 1, 0, -1]);
});

test("sets of classes in tables: columns of 0 and 1, or lists in a cell", async () => {
  const edges = "source,target\na,b\nb,c\nc,d\n";
  const cells = (files: Folder, choices?: OwnChoices) =>
    read({ "edges.csv": edges, ...files }, choices).then(({ graph }) => graph.labelSets);
  const expected = { indptr: [0, 2, 3, 3, 4], indices: [0, 1, 1, 0] };
  for (const [nodes, choices] of [
    ["id,x,label_drama,label_war\na,1,1,1\nb,2,0,1\nc,3,0,0\nd,4,1,0\n", {}],
    ["id,x,drama,war\na,1,1,1\nb,2,0,1\nc,3,0,0\nd,4,1,0\n", { labelColumn: "drama,war" }],
    ["id,x,label\na,1,drama|war\nb,2,war\nc,3,\nd,4,drama\n", {}],
    ["id,x,label\na,1,drama/war\nb,2,war\nc,3,\nd,4,drama\n", { labelSeparator: "/" }],
  ] as const) {
    const sets = await cells({ "nodes.csv": nodes }, choices);
    assert.deepEqual({ indptr: [...sets!.indptr], indices: [...sets!.indices] }, expected, nodes);
  }
});

test("sets of nodes in files of their own: ids, or masks", async () => {
  const tables = {
    "edges.csv": "source,target\na,b\nb,c\nc,d\n",
    "nodes.csv": "id,x,label\na,1,u\nb,2,v\nc,3,u\nd,4,v\n",
  };
  const ids = { "train.txt": "d\n", "val.txt": "a\n", "test.txt": "c\nb\n" };
  const masks = {
    "train_mask.csv": "0\n0\n0\n1\n",
    "val_mask.csv": "1\n0\n0\n0\n",
    "test_mask.csv": "0\n1\n1\n0\n",
  };
  for (const sets of [ids, masks]) {
    const { graph } = await read({ ...tables, ...sets });
    const split = await loadSplit(graph, "public");
    assert.deepEqual([[...split.train], [...split.val], [...split.test]], [[3], [0], [1, 2]]);
  }
  await assert.rejects(
    read({ ...tables, ...ids, "test.txt": "c\nzz\n" }),
    /test\.txt: line 2, column 1: "zz" is no node of nodes\.csv$/,
  );
});

test("a graph without features: one for each node, or its degree, and this is said", async () => {
  const files = {
    "edges.csv": "source,target\na,b\nb,c\nc,d\n",
    "nodes.csv": "id,label\na,u\nb,v\nc,u\nd,v\n",
  };
  const own = await read(files);
  assert.equal(own.seen.rows, "1 0 0 0|0 1 0 0|0 0 1 0|0 0 0 1");
  assert.match(own.decisions, /the files have no features: made, each node has one of its own/);
  const degree = await read(files, { makeFeatures: "degree" });
  assert.equal(degree.seen.rows, "0 1 0|0 0 1|0 0 1|0 1 0");
  assert.notEqual(own.graph.name, degree.graph.name);
});

test("what becomes of arcs can be decided", async () => {
  const files = {
    "edges.csv": "source,target\na,b\nb,a\nb,c\nc,c\nc,d\nd,c\nc,d\n",
    "nodes.csv": "id,x,label\na,1,u\nb,2,v\nc,3,u\nd,4,v\n",
  };
  assert.equal((await read(files)).seen.near, PATH);
  const mutual = await read(files, { arcs: "mutual" });
  assert.equal(mutual.seen.near, "1|0|3|2");
  assert.match(mutual.decisions, /1 arcs without their opposite are left out/);
  for (const [choices, message] of [
    [{ arcs: "both" }, /some arcs lack their opposite, which were to be refused$/],
    [
      { loops: "refuse" },
      /1 arcs lead from a node to itself, .*; the first is arc 4, from "c" to "c"$/,
    ],
    [
      { duplicates: "refuse" },
      /1 arcs repeat an earlier one, .*; the first is arc 7, from "c" to "d"$/,
    ],
  ] as const) {
    await assert.rejects(read(files, choices), message);
  }
});

test("edges that are dropped are counted; many are a warning, which says what their ids may be", async () => {
  const nodes = "id,x,label\n1,1,Red\n2,2,red\n3,3,blue\n4,4,blue\n";
  const files = { "edges.csv": "source,target\n1,2\n2,3\n01,4\n", "nodes.csv": nodes };
  const { warnings = [] } = (await read(files, { unknownEnds: "drop" })).report;
  assert.deepEqual(warnings, [
    '"Red" and "red" are two classes, though they differ in their case alone',
    '1 of 3 edges (33.3 %) lead to what is not in nodes.csv and are dropped; "01" may be "1"',
  ]);
  const many = Array.from({ length: 30 }, () => "1,2\n").join("");
  const few = { ...files, "edges.csv": `source,target\n${many}9,4\n` };
  const found = await read(few, { unknownEnds: "drop" });
  assert.match(found.decisions, /1 of 31 edges \(3\.2 %\) lead to what is not in nodes\.csv/);
  assert.equal(found.report.warnings?.length, 1);
});

test("columns by name or number, and what is said where there is no such column", async () => {
  const files = {
    "transfers.csv": "when,payer,payee,amount\n1,a,b,5\n2,b,c,5\n3,c,d,5\n",
    "people.csv": "1,a,u,7\n2,b,v,8\n3,c,u,9\n4,d,v,6\n",
  };
  const choices = { edgeColumns: "payer,payee", idColumn: "2", labelColumn: "3" };
  const { seen: found, decisions } = await read(files, choices);
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "1 7|2 8|3 9|4 6");
  assert.deepEqual(found.labels, [0, 1, 0, 1]);
  assert.match(decisions, /edges lead from payer to payee/);
  await assert.rejects(
    read(files, { ...choices, labelColumn: "colour" }),
    /no table of nodes has a column "colour"; people\.csv: 4 columns without names$/,
  );
});

test("numbers with commas, measurements and names as labels are refused, each with its remedy", async () => {
  const edges = { "edges.csv": "source;target\na;b\nb;c\nc;d\n" };
  const rows = (cells: readonly string[]) =>
    `id;x;label\n${cells.map((cell, k) => `${"abcd"[k]};${cell};${"uvuv"[k]}`).join("\n")}\n`;
  await assert.rejects(
    read({ ...edges, "nodes.csv": rows(["0,5", "1,25", "2", "3"]) }),
    /nodes\.csv: line 2, column 2 \(x\): "0,5" has a comma before its decimals; write 0\.5$/,
  );
  await assert.rejects(
    read({ ...edges, "nodes.csv": rows(["1,250", "31,000", "2,000", "1,000,000"]) }),
    /"1,250" has a comma between thousands; write 1250$/,
  );
  const many = [...Array(120).keys()];
  const path120 = `source,target\n${many
    .slice(1)
    .map((k) => `${k - 1},${k}`)
    .join("\n")}\n`;
  await assert.rejects(
    read({
      "edges.csv": path120,
      "nodes.csv": `id,x,label\n${many.map((k) => `${k},1,${k / 7}`).join("\n")}\n`,
    }),
    /column 3 \(label\): its numbers have decimals, more than 20 different ones: measurements/,
  );
  await assert.rejects(
    read({
      "edges.csv": path120,
      "nodes.csv": `id,x,label\n${many.map((k) => `${k},1,person ${k}`).join("\n")}\n`,
    }),
    /column 3 \(label\): 120 different labels for 120 nodes: names or measurements/,
  );
});

test("tables whose names and headers say nothing: two columns hold another table's ids", async () => {
  const people = (rows: readonly string[]) =>
    `person,joined,age,income,segment\n${rows.join("\n")}\n`;
  const rows = [
    "ann,2020-01-02,30,90000,x",
    "bob,2020-02-03,41,10000,y",
    "cid,2020-01-02,52,20000,x",
    "dee,2021-01-02,63,30000,y",
  ];
  const payments =
    "when;payer;payee;sum\n2024-01-01;ann;bob;3\n2024-01-02;bob;cid;4\n2024-01-03;cid;dee;5\n";
  const { seen: found, decisions } = await read({
    "people.csv": people(rows),
    "payments.csv": payments,
  });
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "30 90000|41 10000|52 20000|63 30000");
  assert.deepEqual(found.labels, [0, 1, 0, 1]);
  assert.match(decisions, /edges lead from payer to payee/);
  assert.match(decisions, /ids are those of people\.csv, column person/);
  assert.match(decisions, /column 5 \(segment\) of people\.csv is taken as the label/);
  assert.match(
    decisions,
    /feature 2 alone is 99 % of that sum, which hides the others: --features standardised/,
  );
  // A header of an edge list that no known word tells from its rows.
  const named = await read({
    "people.csv": people(rows),
    "links.csv": "von,nach\nann,bob\nbob,cid\ncid,dee\n",
  });
  assert.equal(named.seen.near, PATH);
  // Ages are no ids, although each of them is another.
  await assert.rejects(
    read({ "people.csv": people(rows), "other.csv": "a;b\n30;41\n41;99\n" }),
    /no table looks like an edge list/,
  );
});

test("numbers from 0 and from 1 both fit: text is asked, arrays are read from 0 and this is said", async () => {
  const path3 = {
    "edges.csv": "1,2\n2,3\n",
    "train.txt": "1\n",
    "val.txt": "2\n",
    "test.txt": "3\n",
  };
  const files: Folder = { ...path3, "nodes.csv": "x,label\n1.5,u\n2,v\n3,u\n4,v\n" };
  const asked =
    /edges\.csv: edges name the nodes 1 to 3, and there are 4: either .* from 0 .* or from 1 .*; say --first-node 0 or --first-node 1/;
  await assert.rejects(read(files), asked);
  await assert.rejects(read(files, { unknownEnds: "drop" }), asked);
  const [zero, one] = [
    await read(files, { firstNode: "0" }),
    await read(files, { firstNode: "1" }),
  ];
  assert.equal(zero.seen.near, "|2|1 3|2");
  assert.equal(one.seen.near, "1|0 2|1|");
  assert.deepEqual([...(await loadSplit(zero.graph, "public")).train], [1]);
  assert.deepEqual([...(await loadSplit(one.graph, "public")).train], [0]);
  assert.deepEqual(
    one.graph.nodeNames,
    ["1", "2", "3", "4"],
    "predictions have the files' numbers",
  );
  const all = { ...files, "edges.csv": "1,2\n2,3\n3,4\n" };
  await assert.rejects(read(all), /subtract 1 from each, or say --first-node 1/);
  assert.equal((await read(all, { firstNode: "1" })).seen.near, PATH);
  await assert.rejects(
    read({ ...path3, "nodes.csv": "id,x,label\n1,1,u\n2,2,v\n3,3,u\n" }, { firstNode: "1" }),
    /nodes\.csv has ids: --first-node is for nodes without$/,
  );
  const x = float([1, 2, 3, 4], [4, 1]);
  const sets = { train_idx: int([1]), val_idx: int([2]), test_idx: int([3]) };
  const arrays = {
    "g.npz": npz({ edge_index: int([1, 2, 2, 3], [2, 2]), x, y: int([0, 1, 0, 1]), ...sets }),
  };
  const asArrays = await read(arrays);
  assert.equal(asArrays.seen.near, "|2|1 3|2");
  assert.match(
    asArrays.report.warnings!.join(),
    /either .*; read from 0: --first-node 1 reads them/,
  );
  const from1 = await read(arrays, { firstNode: "1" });
  assert.equal(from1.seen.near, "1|0 2|1|");
  assert.equal(from1.report.warnings, undefined);
  assert.deepEqual([...(await loadSplit(from1.graph, "public")).val], [1]);
});

test("what is probably not meant is a warning: a guessed label of numbers, rows in another table's order", async () => {
  const guessed = await read({
    "edges.csv": "0,1\n1,2\n2,3\n",
    "x.csv": "0.5,1\n1,0\n1.5,1\n2,0\n",
  });
  assert.deepEqual(guessed.seen.labels, [1, 0, 1, 0]);
  const [only] = guessed.report.warnings!;
  assert.match(
    only!,
    /^column 2 of x\.csv is guessed to be the label, and .*; --label-column or a header/,
  );
  const mixed = await read({
    "edges.csv": "source,target\na,b\nb,c\nc,d\n",
    "x.csv": "w,v\n1,5.5\n2,6\n3,7\n4,8\n",
    "labels.csv": "id,label\na,u\nb,v\nc,u\nd,v\n",
  });
  assert.deepEqual(mixed.report.warnings, [
    "x.csv has no ids: its rows are taken in the order of labels.csv's",
  ]);
});

test("graphs that differ in the names of their classes alone have runs of their own", async () => {
  const files = (second: string): Folder => ({
    "edges.csv": "source,target\na,b\nb,c\nc,d\n",
    "nodes.csv": `id,x,label\na,1,u\nb,2,${second}\nc,3,u\nd,4,${second}\n`,
  });
  const [one, other, again] = [
    await read(files("v")),
    await read(files("w")),
    await read(files("v")),
  ];
  assert.deepEqual(one.seen.labels, other.seen.labels);
  assert.notEqual(one.graph.name, other.graph.name);
  assert.equal(one.graph.name, again.graph.name);
});

test("one class for all nodes is said", async () => {
  const files = {
    "edges.csv": "source,target\na,b\nb,c\nc,d\n",
    "nodes.csv": "id,x,label\na,1,u\nb,2,u\nc,3,u\nd,4,\n",
  };
  assert.match((await read(files)).decisions, /all labels are ONE class/);
});

test("loadDataset() takes the same choices, and refuses what is none", async () => {
  const folder = folderOf({
    "edges.csv": "source,target\na,b\nb,a\nb,c\nc,d\nd,c\n",
    "nodes.csv": "id,x,mood\na,1,0\nb,2,1\nc,3,0\nd,4,1\n",
  });
  const graph = await loadDataset(folder, { own: { arcs: "mutual", labelColumn: "mood" } });
  assert.deepEqual([...graph.labels], [0, 1, 0, 1]);
  assert.deepEqual([...graph.adjacency.indices], [1, 0, 3, 2]);
  assert.match(graph.decided!.join("\n"), /1 arcs without their opposite are left out/);
  await assert.rejects(
    loadDataset(folder, { own: { arcs: "directed" as never } }),
    /importDataset: option "arcs" is "directed"; legal: either, mutual, both$/,
  );
  await assert.rejects(loadDataset(folder, { own: { label: "mood" } as never }), /label/);
  const dataDir = folderOf({});
  await importDataset(folder, { as: "mine", labelColumn: "mood", dataDir });
  await assert.rejects(
    loadDataset("mine", { dataDir, own: { arcs: "mutual" } }),
    /mine is a kept graph, about which all is decided: import its files again, under another name$/,
  );
});
