// Graphs in the forms in which others publish them, made by hand after their sources: read as they come.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { importDataset, loadSplit } from "../../../src/datasets/index.ts";
import { writeNpy, writeZip } from "../support/npz-writer.ts";
import { planetoidToy, range, TOY, toyArcs, toyLabel } from "../support/toy.ts";
import { folderOf } from "./support/folder.ts";
import { PATH, read } from "./support/seen.ts";
import { float, int, npys } from "./support/write-forms.ts";

test("DGL's CSVDataset: quoted lists of features, masks as columns", async () => {
  const { graph, seen: found } = await read({
    "meta.yaml":
      "dataset_name: mine\nedge_data:\n- file_name: edges_0.csv\nnode_data:\n- file_name: nodes_0.csv\n",
    "edges_0.csv":
      'src_id,dst_id,label,feat\n0,1,0,"0.1,0.2,0.3"\n1,2,1,"0.1,0.2,0.3"\n2,3,0,"0.1,0.2,0.3"\n',
    "nodes_0.csv":
      "node_id,label,train_mask,val_mask,test_mask,feat\n" +
      '0,1,True,False,False,"1,0.5,0"\n1,0,False,True,False,"0,0,2"\n' +
      '2,1,False,False,True,"3,0,0"\n3,0,False,False,True,"0,4,0"\n',
  });
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "1 0.5 0|0 0 2|3 0 0|0 4 0");
  assert.deepEqual(found.labels, [1, 0, 1, 0]);
  assert.deepEqual([...(await loadSplit(graph, "public")).test], [2, 3]);
});

test("MUSAE's Twitch: ids are new_id, and one says which column is the label", async () => {
  const files = {
    "musae_X_edges.csv": "from,to\n0,1\n1,2\n2,3\n",
    "musae_X_features.json": '{"0": [1, 2], "1": [0], "2": [2], "3": [1]}',
    "musae_X_target.csv":
      "id,days,mature,views,partner,new_id\n731,9,True,50,False,2\n82,8,False,7,False,0\n" +
      "55,7,True,90,True,1\n66,6,False,40,False,3\n",
  };
  const without = await read(files);
  assert.match(
    without.decisions,
    /no column is called label: --label-column names one of id, days, mature/,
  );
  const { seen: found, decisions } = await read(files, { labelColumn: "mature" });
  // Rows are in the file's order: new_id 2, 0, 1, 3, so the path 0-1-2-3 is 1-2-0-3 here.
  assert.equal(found.near, "2 3|2|0 1|0");
  assert.equal(found.rows, "0 0 1|0 1 1|1 0 0|0 1 0");
  assert.deepEqual(found.classes, ["False", "True"]);
  assert.match(decisions, /ids are those of musae_X_target\.csv, column new_id/);
});

test("MUSAE's GitHub: the label is ml_target, a name is no class", async () => {
  const { seen: found, decisions } = await read({
    "musae_git_edges.csv": "id_1,id_2\n0,1\n1,2\n2,3\n",
    "musae_git_features.json": '{"0": [1], "1": [0], "2": [0, 1], "3": [1]}',
    "musae_git_target.csv": "id,name,ml_target\n0,ann,0\n1,bob,1\n2,cid,1\n3,dee,0\n",
  });
  assert.deepEqual(found.labels, [0, 1, 1, 0]);
  assert.match(decisions, /left out of musae_git_target\.csv: name/);
});

test("missing labels as R, SQL and Python write them are none; NaN too where it is named", async () => {
  const table = (word: string): Record<string, string> => ({
    "edges.csv": "a,b\nb,c\nc,d\nd,e\n",
    "nodes.csv": `id,x,label\na,1,red\nb,0,blue\nc,1,${word}\nd,1,red\ne,0,blue\n`,
  });
  for (const word of ["NA", "N/A", "NULL", "null", "None"]) {
    const { seen: found, decisions } = await read(table(word));
    assert.deepEqual(found.labels, [1, 0, -1, 1, 0], word);
    assert.match(decisions, new RegExp(`"${word}" is taken as no label`));
  }
  await assert.rejects(read(table("NaN")), /NaN is no class; .*\(--unlabelled NaN\)/);
  const { seen: found } = await read(table("NaN"), { unlabelled: "NaN" });
  assert.deepEqual(found.labels, [1, 0, -1, 1, 0]);
});

test("pandas: its numbering of rows beside ids is no feature", async () => {
  for (const name of ["", "Unnamed: 0"]) {
    const { seen: found, decisions } = await read({
      "edges.csv": "a,b\nb,c\nc,d\n",
      "nodes.csv": `${name},id,f,label\n0,a,0.5,x\n1,b,2,y\n2,c,1,x\n3,d,1,y\n`,
    });
    assert.equal(found.rows, "0.5|2|1|1");
    assert.match(decisions, /the first column of nodes\.csv numbers its rows, and is no feature/);
  }
});

test("a feature that is called like a label is warned of", async () => {
  const nodes = (name: string): string =>
    `id,${name},f,label\na,0,1,x\nb,1,2,y\nc,0,1,x\nd,1,1,y\n`;
  const warned = async (name: string): Promise<string> => {
    const folder = folderOf({ "edges.csv": "a,b\nb,c\nc,d\n", "nodes.csv": nodes(name) });
    return (await importDataset(folder)).report.warnings?.join("\n") ?? "";
  };
  assert.match(await warned("class_id"), /class_id is read as a feature; if it says the label/);
  assert.match(await warned("true_class"), /true_class is read as a feature/);
  assert.doesNotMatch(await warned("classroom"), /is read as a feature/);
});

test("Elliptic: three files, unknown is no label", async () => {
  const { seen: found, decisions } = await read({
    "elliptic_txs_edgelist.csv": "txId1,txId2\n230,5530\n5530,77\n77,91\n",
    "elliptic_txs_classes.csv": "txId,class\n230,unknown\n5530,2\n77,1\n91,unknown\n",
    "elliptic_txs_features.csv": "230,1,-0.5,2\n5530,1,0.25,0\n77,2,0,1\n91,2,1,1\n",
  });
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "1 -0.5 2|1 0.25 0|2 0 1|2 1 1");
  assert.deepEqual(found.labels, [-1, 1, 0, -1]);
  assert.deepEqual(found.classes, ["1", "2"]);
  assert.match(decisions, /"unknown" is taken as no label/);
});

test("LINQS' Citeseer: a citation of what is not in the graph is refused, or dropped and counted", async () => {
  const files = {
    "citeseer.cites": "p1\tp2\np2\tghost\np2\tp3\np3\tp4\n",
    "citeseer.content": "p1\t1\t0\tAI\np2\t0\t1\tDB\np3\t1\t1\tAI\np4\t0\t1\tML\n",
  };
  await assert.rejects(
    read(files),
    /citeseer\.cites: line 2, column 2: an edge to nowhere: "ghost".*--unknown-ends drop$/,
  );
  const { seen: found, report } = await read(files, { unknownEnds: "drop" });
  assert.equal(found.near, PATH);
  assert.deepEqual(found.classes, ["AI", "DB", "ML"]);
  assert.deepEqual(report.warnings, [
    "1 of 4 edges (25.0 %) lead to what is not in citeseer.content and are dropped",
  ]);
});

test("LINQS' Pubmed-Diabetes: tab files with names in the cells", async () => {
  const cites =
    "DIRECTED\tcites\nNO_FEATURES\n1\tpaper:11\t|\tpaper:12\n2\tpaper:12\t|\tpaper:13\n3\tpaper:14\t|\tpaper:13\n";
  const files = {
    "Pubmed-Diabetes.DIRECTED.cites.tab": cites,
    "Pubmed-Diabetes.NODE.paper.tab":
      "NODE\tpaper\ncat=1,2,3:label\tnumeric:w-rat:0.0\tnumeric:w-cell:0.0\tstring:summary\n" +
      "11\tlabel=1\tw-rat=0.5\tsummary=w-rat\n12\tlabel=3\tw-cell=0.25\tw-rat=0.125\tsummary=w-cell,w-rat\n" +
      "13\tlabel=2\tsummary=\n14\tlabel=1\tw-cell=1\tsummary=w-cell\n",
    "Pubmed-Diabetes.GRAPH.pubmed.tab": "GRAPH\tpubmed\n",
  };
  const { seen: found } = await read(files);
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "0.5 0|0.125 0.25|0 0|0 1");
  assert.deepEqual(found.labels, [0, 2, 1, 0]);
  files["Pubmed-Diabetes.DIRECTED.cites.tab"] = `${cites}4\tpaper:14\t|\tpaper:99\n`;
  const { seen: dropped, report } = await read(files, { unknownEnds: "drop" });
  assert.equal(dropped.near, PATH);
  const [warning] = report.warnings ?? [];
  assert.match(warning!, /^1 of 4 edges .* is not in Pubmed-Diabetes\.NODE\.paper\.tab/);
});

test("SNAP's and KONECT's edge lists: comments, gzip, gaps between ids", async () => {
  const nodes = "id,x,label\n3,1,0\n17,2,1\n40,3,0\n99,4,1\n";
  for (const list of [
    "# Directed graph: web.txt\n# Nodes: 4 Edges: 3\n# FromNodeId\tToNodeId\n3\t17\n17\t40\n40\t99\n",
    "% asym unweighted\n% 3 4 4\n3 17\n17 40\n40 99\n",
  ]) {
    const { seen: found } = await read({
      "web-edges.txt.gz": gzipSync(list),
      "nodes.csv.gz": gzipSync(nodes),
    });
    assert.equal(found.near, PATH);
    assert.deepEqual(found.labels, [0, 1, 0, 1]);
  }
});

const OGB = {
  "raw/edge.csv.gz": gzipSync("0,1\n1,2\n2,3\n"),
  "raw/num-node-list.csv.gz": gzipSync("4\n"),
  "raw/num-edge-list.csv.gz": gzipSync("3\n"),
  "raw/node-feat.csv.gz": gzipSync("0.5,-1\n0,2\n1,1\n0,-3\n"),
  "raw/node-label.csv.gz": gzipSync("2\n0\n2\n1\n"),
  "raw/node_year.csv.gz": gzipSync("2017\n2011\n2019\n2018\n"),
  "split/time/train.csv.gz": gzipSync("1\n"),
  "split/time/valid.csv.gz": gzipSync("0\n"),
  "split/time/test.csv.gz": gzipSync("2\n3\n"),
};

test("the Open Graph Benchmark's folders, with their split and years", async () => {
  const { graph, seen: found } = await read(OGB);
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "0.5 -1|0 2|1 1|0 -3");
  assert.deepEqual(found.labels, [2, 0, 2, 1]);
  const split = await loadSplit(graph, "public");
  assert.deepEqual([[...split.train], [...split.val], [...split.test]], [[1], [0], [2, 3]]);
  assert.deepEqual([...(await loadSplit(graph, "time:25/25")).train], [1]);
});

test("the Open Graph Benchmark's tables may be unpacked; a fault in them is named with line and column", async () => {
  const plain = Object.fromEntries(
    Object.entries(OGB).map(([name, bytes]) => [name.replace(/\.gz$/, ""), gunzipSync(bytes)]),
  );
  const one = await read(plain);
  assert.deepEqual(one.seen, (await read(OGB)).seen);
  for (const [file, text, message] of [
    ["raw/edge.csv", "0,1\n1,4\n", /edge\.csv: line 2, column 2: node 4 of 4$/],
    ["raw/edge.csv", "0,1\n1,x\n", /edge\.csv: line 2, column 2: "x" is not a whole number/],
    ["raw/num-node-list.csv", "99999999\n", /num-node-list\.csv: 99999999 nodes; at most 4194304$/],
    ["raw/num-node-list.csv", "4\n5\n", /num-node-list\.csv: several graphs/],
    ["raw/node-feat.csv", "0.5,-1\n0,2\n", /node-feat\.csv: 2 rows instead of 4/],
  ] as const) {
    await assert.rejects(read({ ...plain, [file]: text }), message);
  }
});

test("Planetoid's eight files, of a graph that the project never saw", async () => {
  const files = Object.fromEntries(
    Array.from(planetoidToy(), ([name, bytes]) => [
      path.basename(name).replace("ind.cora", "ind.mine"),
      bytes,
    ]),
  );
  const folder = folderOf(files);
  const { graph, report } = await importDataset(folder);
  const { nodes, features, classes } = graph;
  assert.deepEqual([nodes, features.columns, classes], [TOY.nodes, TOY.features, TOY.classes]);
  assert.equal(graph.adjacency.indices.length, toyArcs());
  assert.deepEqual([...graph.labels], range(TOY.nodes).map(toyLabel));
  assert.equal(report.stored.directions, "both");
  assert.match(report.decisions.join("\n"), /too few nodes for the public split/);
  const byFile = await importDataset(path.join(folder, "ind.mine.graph"));
  assert.deepEqual(byFile.graph.adjacency, graph.adjacency);
  const { "ind.mine.ally": _, ...rest } = files;
  await assert.rejects(
    importDataset(folderOf(rest)),
    /Planetoid's form also needs ind\.mine\.ally$/,
  );
});

test("networkx and D3: JSON of nodes and links", async () => {
  const nodes = [
    { label: "tea", x: [0.5, 1], id: "ann" },
    { label: "milk", x: [0, 2], id: "bob" },
    { label: "tea", x: [3, 0], id: "cid" },
    { label: null, x: [0, 4], id: "dee" },
  ];
  const links = [
    { source: "ann", target: "bob", weight: 3 },
    { source: "bob", target: "cid" },
    { source: "cid", target: "dee" },
  ];
  const head = { directed: false, multigraph: false, graph: {} };
  for (const graph of [
    { ...head, nodes, links },
    { ...head, nodes, edges: links },
  ]) {
    const { seen: found, decisions } = await read({ "g.json": JSON.stringify(graph) });
    assert.equal(found.near, PATH);
    assert.equal(found.rows, "0.5 1|0 2|3 0|0 4");
    assert.deepEqual(found.labels, [1, 0, 1, -1]);
    assert.match(decisions, /weight \(edges have no weights\)/);
  }
});

test("WikiCS' data.json: adjacency lists, twenty masks, one for the test", async () => {
  const bits = (node: number) => [0, 1, 2, 3].map((k) => k === node);
  const { graph, seen: found } = await read({
    "data.json": JSON.stringify({
      features: [
        [0.5, -1],
        [0, 2],
        [1, 1],
        [0, -3],
      ],
      labels: [0, 1, 1, 0],
      links: [[1], [0, 2], [3], []],
      train_masks: Array.from({ length: 20 }, (_, k) => bits(k % 2)),
      val_masks: Array.from({ length: 20 }, (_, k) => bits(1 - (k % 2))),
      stopping_masks: Array.from({ length: 20 }, () => bits(2)),
      test_mask: bits(3),
    }),
    "metadata.json": '{"labels": {"0": "x"}, "nodes": [{"id": "12", "title": "a"}]}',
  });
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "0.5 -1|0 2|1 1|0 -3");
  assert.deepEqual(found.labels, [0, 1, 1, 0]);
  assert.deepEqual([...(await loadSplit(graph, "geom-gcn:3")).train], [1]);
});

test("an edge list beside arrays, with ids in a third file", async () => {
  const arrays = npys({ x: float([0.5, 1, 0, 2, 3, 0, 0, 4], [4, 2]), y: int([1, 0, 1, 0]) });
  const plain = await read({ ...arrays, "edges.csv": "source,target\n0,1\n1,2\n2,3\n" });
  const named = await read({
    ...arrays,
    "edges.csv": "source,target\nann,bob\nbob,cid\ncid,dee\n",
    "nodes.csv": "id\nann\nbob\ncid\ndee\n",
  });
  for (const { seen: found } of [plain, named]) {
    assert.equal(found.near, PATH);
    assert.equal(found.rows, "0.5 1|0 2|3 0|0 4");
    assert.deepEqual(found.labels, [1, 0, 1, 0]);
  }
  assert.deepEqual(named.graph.nodeNames, ["ann", "bob", "cid", "dee"]);
  const { x } = { x: arrays["x.npy"]! };
  const labels = await read({
    "x.npy": x,
    "edges.txt": "0 1\n1 2\n2 3\n",
    "labels.txt": "b\na\nb\na\n",
  });
  assert.deepEqual(labels.seen.labels, [1, 0, 1, 0]);
});

test("PyG's AttributedGraphDataset: attrs.npz, edgelist.txt, labels.txt", async () => {
  const csr = {
    indices: int([0, 1, 1, 0, 1], undefined, "<i4"),
    indptr: int([0, 2, 3, 4, 5], undefined, "<i4"),
    data: float([0.5, 1, 2, 3, 4]),
    shape: int([4, 2]),
    format: { dtype: "|S3", shape: [], bytes: new Uint8Array(Buffer.from("csr")) },
  };
  const attrs = writeZip(
    new Map(Object.entries(csr).map(([name, array]) => [`${name}.npy`, writeNpy(array)])),
    { deflate: true },
  );
  const { seen: found } = await read({
    "attrs.npz": attrs,
    "edgelist.txt": "0 1\n1 2\n2 3\n",
    "labels.txt": "0\t1\n1\t2\n2\t1\n3\t3\n",
  });
  assert.equal(found.near, PATH);
  assert.equal(found.rows, "0.5 1|0 2|3 0|0 4");
  assert.deepEqual(found.labels, [0, 1, 0, 2]);
});

test("Neo4j's export, and Gephi's, whose Label is a name", async () => {
  const neo = await read({
    "relationships.csv": ":START_ID,:END_ID,:TYPE\nu1,u2,KNOWS\nu2,u3,KNOWS\nu3,u4,KNOWS\n",
    "nodes.csv":
      "id:ID,age:int,class:string,:LABEL\nu1,3,x,User\nu2,4,y,User\nu3,5,x,User\nu4,6,y,User\n",
  });
  assert.equal(neo.seen.near, PATH);
  const gephi = await read(
    {
      "edges.csv":
        "Source,Target,Type,Id,Label,Weight\n1,2,Undirected,0,,1.0\n2,3,Undirected,1,,1.0\n3,4,Undirected,2,,1.0\n",
      "nodes.csv": "Id,Label,Modularity Class,Size\n1,Ann,0,2\n2,Bob,1,3\n3,Cid,0,4\n4,Dee,1,5\n",
    },
    { labelColumn: "Modularity Class" },
  );
  assert.equal(gephi.seen.near, PATH);
  assert.deepEqual(gephi.seen.labels, [0, 1, 0, 1]);
  assert.equal(gephi.seen.rows, "2|3|4|5");
});

test("what cannot be read says what to do", async () => {
  const at = (name: string, bytes: string): string => path.join(folderOf({ [name]: bytes }), name);
  for (const [name, message] of [
    ["data.pt", /np\.savez\(FILE, edge_index=data\.edge_index/],
    ["graph.dgl", /np\.savez/],
    ["graph.gml", /json\.dump\(nx\.node_link_data\(nx\.read_gml/],
    ["graph.graphml", /nx\.read_graphml\(FILE\)/],
    ["graph.gexf", /nx\.read_gexf\(FILE\)/],
    ["graph.net", /nx\.read_pajek\(FILE\)/],
    ["nodes.parquet", /df\.to_csv\(FILE, index=False\)/],
    ["graph.tar.gz", /unpack it, and name the folder/],
  ] as const) {
    await assert.rejects(importDataset(at(name, "x")), message);
  }
  await assert.rejects(importDataset(folderOf({ "data.pt": "x" })), /data\.pt: .*np\.savez/);
  await assert.rejects(
    importDataset(folderOf({ "cora/cora.cites": "1\t2\n", "texas/cora.cites": "1\t2\n" })),
    /it has cora, texas; a graph may be in one of its folders: name that/,
  );
});
