// What is wrong in a file is one clear line with file and place, and nothing of it is executed.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { UserError } from "../../../src/base/errors.ts";
import { importDataset } from "../../../src/datasets/index.ts";
import { makeGraph } from "../../../src/graph/make.ts";
import { folderOf } from "./support/folder.ts";
import { bool, FORMS, type Folder, float, int, npz } from "./support/write-forms.ts";

const EDGES = "source,target\na,b\nb,c\n";
const NODES = "id,x,z,label\na,1,0,u\nb,0,1,v\nc,2,2,u\n";
const tables = (edges: string | Uint8Array, nodes: string | Uint8Array): Folder => ({
  "edges.csv": edges,
  "nodes.csv": nodes,
});

const ARRAYS = {
  edge_index: int([0, 1, 1, 2], [2, 2]),
  x: float([1, 2, 3, 4, 5, 6], [3, 2]),
  y: int([0, 1, 0]),
};
const arrays = (change: Partial<Record<string, ReturnType<typeof int>>>): Folder => {
  const given = Object.entries({ ...ARRAYS, ...change }).filter(([, array]) => array !== undefined);
  return { "g.npz": npz(Object.fromEntries(given) as Record<string, ReturnType<typeof int>>) };
};

const GEOM_EDGES = "node_id\tnode_id\n0\t1\n1\t2\n";
const GEOM_NODES = "node_id\tfeature\tlabel\n0\t1,0\t0\n1\t0,1\t1\n2\t1,1\t0\n";
const geom = (edges: string, nodes: string): Folder => ({
  "out1_graph_edges.txt": edges,
  "out1_node_feature_label.txt": nodes,
});

const toy = makeGraph({
  edges: { from: [0, 1], to: [1, 2] },
  features: [
    [1, 0],
    [0, 1],
    [1, 1],
  ],
  labels: [0, 1, 0],
});
const saint = (change: Folder): Folder => ({ ...FORMS["GraphSAINT's files"]!(toy), ...change });
const market = (change: Folder): Folder => ({ ...FORMS["Matrix Market"]!(toy), ...change });
const PATTERN = "%%MatrixMarket matrix coordinate pattern general\n";

const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(NODES, "utf16le")]);
const latin1 = Buffer.from(NODES.replace("b,0", "b\u00e9,0"), "latin1");

const CASES: readonly [what: string, files: Folder, message: RegExp][] = [
  [
    "an id that is no node",
    tables("source,target\na,b\nb,zz\n", NODES),
    /edges\.csv: line 3, column 2 \(target\): an edge to nowhere: "zz" is not in nodes\.csv; add a row for it, or drop such edges: --unknown-ends drop$/,
  ],
  [
    "an id that differs in its zeros",
    tables("source,target\n7,8\n8,9\n", "id,x,label\n007,1,u\n008,2,v\n009,3,u\n"),
    /"7" is not in nodes\.csv; it has "007": write ids alike in both$/,
  ],
  [
    "no nodes",
    { "edges.csv": EDGES },
    /no table of nodes with their labels \(and features\); add one, such as nodes\.csv with the columns id,label/,
  ],
  [
    "JSON with NaN",
    { "graph.json": '{"nodes": [{"id": "NaN", "x": NaN}], "links": [{"source": 0, "target": 0}]}' },
    /graph\.json: not JSON .*; JSON has no NaN: write null for what is missing$/,
  ],
  [
    "arrays: a label that is NaN",
    arrays({ y: float([0, 1, Number.NaN], [3]) }),
    /: y: entry 2 \(a node without a label has -1\) is not a finite number$/,
  ],
  [
    "an empty end",
    tables("source,target\na,\n", NODES),
    /edges\.csv: line 2, column 2 \(target\): an edge to nowhere: name a node, or leave the row out$/,
  ],
  [
    "a label for no node",
    { ...tables(EDGES, "id,x,z\na,1,0\nb,0,1\nc,2,2\n"), "labels.csv": "id,label\na,u\nq,v\n" },
    /labels\.csv: line 3, column 1 \(id\): "q" is no node of nodes\.csv$/,
  ],
  [
    "NaN",
    tables(EDGES, NODES.replace("b,0", "b,NaN")),
    /nodes\.csv: line 3, column 2 \(x\): "NaN" is not a number/,
  ],
  [
    "an infinity",
    tables(EDGES, NODES.replace("b,0", "b,-inf")),
    /nodes\.csv: line 3, column 2 \(x\): "-inf" is not a number/,
  ],
  [
    "a number beyond float32",
    tables(EDGES, NODES.replace("b,0", "b,1e99")),
    /nodes\.csv: line 3, column 2 \(x\): beyond the range of float32$/,
  ],
  [
    "text among numbers",
    tables(EDGES, NODES.replace("c,2", "c,two")),
    /nodes\.csv: line 4, column 2 \(x\): "two" is text, in a column of numbers$/,
  ],
  [
    "an empty feature",
    tables(EDGES, NODES.replace("c,2", "c,")),
    /nodes\.csv: line 4, column 2 \(x\): empty; write a number$/,
  ],
  [
    "text among labels of numbers",
    tables(EDGES, "id,x,label\na,1,0\nb,2,1\nc,3,red\n"),
    /nodes\.csv: line 4, column 3 \(label\): "red" is text, where most labels are numbers$/,
  ],
  [
    "a label that is NaN",
    tables(EDGES, NODES.replace("1,v", "1,nan")),
    /nodes\.csv: line 3, column 4 \(label\): NaN is no class; leave the cell empty/,
  ],
  [
    "a row that is too long",
    tables(EDGES, `${NODES}d,1,1,u,7\n`),
    /nodes\.csv: line 5 has 5 columns, the first has 4$/,
  ],
  [
    "a node twice",
    tables(EDGES, `${NODES}a,1,1,u\n`),
    /nodes\.csv: line 5, column 1 \(id\): the node "a" is there twice, first in line 2: keep one row, or name another column of ids \(--id-column\)$/,
  ],
  [
    "a quote that is not closed",
    tables(EDGES, NODES.replace("b,0", 'b,"0')),
    /nodes\.csv: (line \d+: )?a quote is not closed/,
  ],
  ["UTF-16", tables(EDGES, utf16), /nodes\.csv: it is UTF-16; save it as UTF-8$/],
  [
    "Latin-1",
    tables(EDGES, latin1),
    /nodes\.csv: line 3, byte 2 of the line: it is not UTF-8 \(Latin-1\?\); save it as UTF-8$/,
  ],
  [
    "ids from 1 for rows from 0",
    {
      "edges.csv": "1,2\n2,3\n",
      "x.csv": "w,v\n1,2.5\n3,4\n5,6\n",
      "labels.csv": "label\n0\n1\n0\n",
    },
    /edges\.csv: line 2, column 2: node 3 of 3, and none is 0: they are numbered from 1; subtract 1/,
  ],
  [
    "a row that is not there",
    {
      "edges.csv": "0,2\n2,7\n",
      "x.csv": "w,v\n1,2.5\n3,4\n5,6\n",
      "labels.csv": "label\n0\n1\n0\n",
    },
    /edges\.csv: line 2, column 2: node 7 is not one of 0 to 2$/,
  ],
  [
    "tables of different lengths",
    { "edges.csv": "0,2\n", "x.csv": "w,v\n1,2.5\n3,4\n5,6\n", "labels.csv": "label\n0\n1\n" },
    /labels\.csv: 2 rows, x\.csv has 3; without ids both need as many \(--id-column names the ids' column\)$/,
  ],
  ["no edges", { "nodes.csv": NODES }, /no table looks like an edge list; call one "edges\.csv"/],
  ["only a header", tables(EDGES, "id,x,label\n"), /nodes\.csv: it has a header and no rows$/],
  ["an empty file", tables(EDGES, ""), /nodes\.csv: the file is empty; write it anew, or take it/],
  [
    "an edge list without edges",
    tables("source,target\n", NODES),
    /edges\.csv: it has a header and no edges; write a line for each edge, such as ann,bob$/,
  ],
  [
    "ids in one of two tables",
    { "edges.csv": EDGES, "x.csv": "w,v\n1,2.5\n3,4\n", "labels.csv": "id,label\na,u\nb,v\nc,u\n" },
    /x\.csv: 2 rows, labels\.csv has 3; labels\.csv has a column of ids, and x\.csv has none: add the ids to x\.csv/,
  ],
  [
    "a set without nodes",
    tables(EDGES, "id,x,label,split\na,1,u,train\nb,2,v,val\nc,3,u,\n"),
    /nodes\.csv: its column of sets names no node of the set "test"$/,
  ],
  [
    "arrays: an edge to nowhere",
    arrays({ edge_index: int([0, 1, 1, 9], [2, 2]) }),
    /g\.npz: edge_index: entry 3: node 9 is not one of 0 to 2$/,
  ],
  [
    "arrays: only loops",
    arrays({ edge_index: int([0, 1, 0, 1], [2, 2]) }),
    /g\.npz: each edge leads from a node to itself: the graph has no others$/,
  ],
  [
    "arrays: numbered from 1",
    arrays({ edge_index: int([1, 2, 2, 3], [2, 2]) }),
    /g\.npz: edge_index: entry 3: node 3 of 3, and none is 0: they are numbered from 1; subtract 1/,
  ],
  [
    "arrays: NaN",
    arrays({ x: float([1, 2, 3, Number.NaN, 5, 6], [3, 2]) }),
    /g\.npz: x: row 1, column 1 is not a finite number$/,
  ],
  [
    "arrays: labels of another length",
    arrays({ y: int([0, 1]) }),
    /g\.npz: y: 2 labels for 3 rows of features$/,
  ],
  [
    "arrays: half a class",
    arrays({ y: float([0, 0.5, 1]) }),
    /g\.npz: y: entry 1 is 0\.5, not a whole/,
  ],
  [
    "arrays: no edges",
    arrays({ edge_index: undefined }),
    /it has no edges \(edge_index, edges, src and/,
  ],
  [
    "arrays: edges in three columns",
    arrays({ edge_index: int([0, 1, 1, 2, 0, 2, 0, 1, 2], [3, 3]) }),
    /edge_index: shape \(3, 3\), neither 2 x edges nor edges x 2$/,
  ],
  [
    "arrays: a mask of another length",
    arrays({ train_mask: bool([1, 0]), val_mask: bool([0, 1]), test_mask: bool([0, 0]) }),
    /test_mask|train_mask|val_mask/,
  ],
  [
    "arrays: sets without a test",
    arrays({ train_mask: bool([1, 0, 0]), val_mask: bool([0, 1, 0]) }),
    /it has sets of nodes, but none for test$/,
  ],
  [
    "geom-gcn: an edge to nowhere",
    geom(GEOM_EDGES.replace("1\t2", "1\t5"), GEOM_NODES),
    /out1_graph_edges\.txt: line 3, column 2 \(node_id\): node 5 is not one of 0 to 2$/,
  ],
  [
    "geom-gcn: a node twice",
    geom(GEOM_EDGES, GEOM_NODES.replace("2\t1,1", "1\t1,1")),
    /out1_node_feature_label\.txt: line 4, column 1 \(node_id\): node 1 is there twice$/,
  ],
  [
    "geom-gcn: a feature of text",
    geom(GEOM_EDGES, GEOM_NODES.replace("0,1", "0,x")),
    /line 3, column 2 \(feature\): number 2 of the list is "x"$/,
  ],
  [
    "geom-gcn: no nodes",
    geom(GEOM_EDGES, "node_id\tfeature\tlabel\n"),
    /it has a header and no rows$/,
  ],
  [
    "GraphSAINT: a label for no node",
    saint({ "class_map.json": '{"0": 1, "17": 0}' }),
    /class_map\.json: "17": a label for no node of 0 to 2$/,
  ],
  [
    "GraphSAINT: a node in two sets",
    saint({ "role.json": '{"tr": [0], "va": [1], "te": [1, 2]}' }),
    /role\.json: "te": node 1 is in "va" too$/,
  ],
  ["GraphSAINT: no JSON", saint({ "role.json": '{"tr": [0' }), /role\.json: not JSON/],
  [
    "Matrix Market: a column from 0",
    market({ "graph.mtx": `${PATTERN}3 3 2\n1 2\n0 3\n` }),
    /graph\.mtx: line 4: row 0 is not one of 1 to 3; this form counts from 1$/,
  ],
  [
    "Matrix Market: cut short",
    market({ "graph.mtx": `${PATTERN}3 3 2\n1 2\n` }),
    /graph\.mtx: line 3: the file ends before entry 2 of 2$/,
  ],
  [
    "Matrix Market: a claim of more than the file holds",
    market({ "graph.mtx": `${PATTERN}3 3 9000000\n1 2\n` }),
    /graph\.mtx: line 2: 9000000 entries do not fit in the file$/,
  ],
  [
    "Matrix Market: complex numbers",
    market({ "graph.mtx": "%%MatrixMarket matrix coordinate complex general\n3 3 0\n" }),
    /numbers of the kind "complex"; real, integer and pattern are read$/,
  ],
];

test("an object that names a function is refused, and nothing runs", async () => {
  // pickle.dumps(os.system) and its call, in an array of objects and as a file.
  const call = Buffer.from("\x80\x02cposix\nsystem\nX\x04\0\0\0true\x85R.", "latin1");
  const header = "{'descr': '|O', 'fortran_order': False, 'shape': (), }".padEnd(117);
  const npy = Buffer.concat([
    Buffer.from("\x93NUMPY\x01\0\x76\0", "latin1"),
    Buffer.from(`${header}\n`),
    call,
  ]);
  const files = { "y.npy": npy };
  const message =
    /offset 2, opcode GLOBAL .*posix\.system, which no dataset needs; nothing was run$/;
  await assert.rejects(importDataset(folderOf(files)), message);
  await assert.rejects(importDataset(path.join(folderOf({ "g.pkl": call }), "g.pkl")), message);
});

test("refused: a file that is a part of a graph, or pickled", async () => {
  const folder = folderOf({ "edges.csv": EDGES, "x.npy": "?", "cora.pt": "PK\x03\x04" });
  const refused = async (name: string, message: RegExp): Promise<void> =>
    assert.rejects(importDataset(path.join(folder, name)), message);
  await refused(
    "edges.csv",
    /edges\.csv: a graph of tables is a folder with its edges, and its nodes with their labels; name the folder instead: /,
  );
  await refused("x.npy", /x\.npy: one file of several/);
  await refused(
    "cora.pt",
    /cora\.pt: .*PyTorch's and DGL's objects are programs, which are not run; save the arrays: np/,
  );
});

function pathOf(files: Folder): string {
  const names = Object.keys(files);
  return names.length === 1 && names[0] === "g.npz"
    ? path.join(folderOf(files), names[0])
    : folderOf(files);
}

for (const [what, files, message] of CASES) {
  test(`refused: ${what}`, async () => {
    await assert.rejects(importDataset(pathOf(files)), (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.doesNotMatch(error.message, /\n/);
      assert.match(error.message, message);
      return true;
    });
  });
}
