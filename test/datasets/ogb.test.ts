// OGB's raw layout: made-up copies with exact counts, the real Arxiv files, the cache, and what is wrong in a file.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { summarise } from "../../src/datasets/canonical.ts";
import { BadFileError, loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { toInt32 } from "../../src/formats/arrays.ts";
import { NpzFile } from "../../src/formats/npz.ts";
import { readNumbers } from "../../src/formats/number-file.ts";
import { checkGraph } from "../../src/graph/check.ts";
import { abkd } from "../cli/abkd.ts";
import {
  PLAIN,
  plainLayout,
  TYPED,
  typedLayout,
  writeLayout,
  writePacked,
} from "./support/ogb-layout.ts";
import { SHARED_DATA, skipWithoutData } from "./support/shared-data.ts";

function dataFolder(t: { after(work: () => void): void }): string {
  const folder = mkdtempSync(path.join(tmpdir(), "abkd-ogb-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("one type of nodes", () => {
  test("every number of a made-up copy", async (t) => {
    const dataDir = dataFolder(t);
    writeLayout(dataDir, "ogbn_arxiv", plainLayout());
    const warnings: string[] = [];
    const options = { dataDir, onWarning: (text: string) => warnings.push(text) };
    const graph = await loadDataset("ogbn-arxiv", options);
    checkGraph(graph);
    assert.match(
      warnings.join(),
      /^this is not the published ogbn-arxiv: nodes, features, classes/,
    );
    assert.deepEqual([graph.nodes, graph.classes, graph.features.columns], [6, 3, 3]);
    // Both directions of 0-1, 1-2, 2-3, 0-5.
    assert.deepEqual([...graph.adjacency.indptr], [0, 2, 4, 6, 7, 7, 8]);
    assert.deepEqual([...graph.adjacency.indices], [1, 5, 0, 2, 1, 3, 2, 0]);
    assert.deepEqual([...graph.labels], PLAIN.labels);
    // Zeros are not stored; numbers are rounded to float32 as JavaScript's own parser rounds them.
    const stored = PLAIN.features.map((row) => row.map(Number).filter((value) => value !== 0));
    assert.deepEqual([...graph.features.values!], stored.flat().map(Math.fround));
    assert.deepEqual([...graph.features.indptr], [0, 2, 5, 8, 8, 11, 14]);
    assert.equal(graph.featuresAsIs, true);
    const split = await loadSplit(graph, "public", options);
    assert.deepEqual(
      [split.train, split.val, split.test].map((set) => [...set]),
      [[0, 1, 3], [2], [4, 5]],
    );
    const byTime = await loadSplit(graph, "time:50/17", options);
    assert.deepEqual(
      [byTime.train, byTime.val, byTime.test].map((set) => [...set]),
      [[0, 1, 3], [2], [4, 5]],
    );
  });

  test("the cache is read if files are the same, and made again if they or it changed", async (t) => {
    const dataDir = dataFolder(t);
    writeLayout(dataDir, "ogbn_arxiv", plainLayout());
    const load = async (): Promise<{ digest: string; warnings: string[] }> => {
      const warnings: string[] = [];
      const options = { dataDir, onWarning: (text: string) => warnings.push(text) };
      const digest = JSON.stringify(summarise(await loadDataset("ogbn-arxiv", options)));
      return { digest, warnings: warnings.filter((text) => !text.includes("not the published")) };
    };
    const cached = (file: string): string => path.join(dataDir, "cache", "ogbn-arxiv", file);
    const first = await load();
    const labels = path.join(dataDir, "ogbn_arxiv", "raw", "node-label.csv.gz");
    const index = readFileSync(cached("index.json"), "utf8");
    assert.deepEqual(await load(), first);
    const sound = readFileSync(labels);
    utimesSync(labels, 1, 1);
    assert.deepEqual(await load(), first);
    assert.equal(readFileSync(cached("index.json"), "utf8"), index, "another time, the same bytes");

    const array = readFileSync(cached("labels.npy"));
    array[array.length - 4]! ^= 1;
    writeFileSync(cached("labels.npy"), array);
    const damaged = await load();
    assert.equal(damaged.digest, first.digest);
    assert.match(
      damaged.warnings.join(),
      /kept ogbn-arxiv is made again: .*labels\.npy: it is damaged/,
    );
    assert.deepEqual((await load()).warnings, []);

    writeFileSync(cached("index.json"), index.replace('"classes": 3', '"classes": 4'));
    assert.match((await load()).warnings.join(), /was altered/);

    const other = gunzipSync(sound).toString().replace("0", "1");
    writeFileSync(labels, gzipSync(other));
    const changed = await load();
    assert.notEqual(changed.digest, first.digest);
    assert.deepEqual(changed.warnings, []);
  });

  test("what is wrong is one line with the file and the place", async (t) => {
    const cases: readonly (readonly [file: string, bytes: Uint8Array | string, message: RegExp])[] =
      [
        ["raw/num-node-list.csv.gz", "6\n7\n", /several graphs/],
        ["raw/num-node-list.csv.gz", "6.5\n", /line 1, column 1: "6\.5" is not a whole number/],
        ["raw/num-node-list.csv.gz", "2147483647\n", /from 1 to/],
        ["raw/num-node-list.csv.gz", "7\n", /node-label.csv.gz: 6 rows instead of 7/],
        ["raw/num-edge-list.csv.gz", "200000000\n", /edge.csv.gz: 7 rows instead of 200000000/],
        ["raw/num-edge-list.csv.gz", "6\n", /edge.csv.gz: more than 6 rows/],
        ["raw/edge.csv.gz", "0,1\n1,0\n2,6\n3,2\n3,2\n4,4\n5,0\n", /line 3, column 2: node 6 of 6/],
        ["raw/edge.csv.gz", "0,1\n-1,0\n2,1\n3,2\n3,2\n4,4\n5,0\n", /line 2, column 1: node -1/],
        ["raw/edge.csv.gz", "0,1\n1\n", /line 2, column 1: the row ends after 1 of 2/],
        ["raw/edge.csv.gz", "0,1\n1,0,9\n", /line 2, column 3: one more than/],
        ["raw/edge.csv.gz", "0,1\n\n1,0\n", /line 2, column 1: an empty cell/],
        ["raw/edge.csv.gz", "", /0 rows instead of 7/],
        ["raw/edge.csv.gz", "0,4294967296\n", /"4294967296" is not a whole number of 32 bits/],
        ["raw/node-feat.csv.gz", "1,2\n1,nan\n", /line 2, column 2: "nan" is not a finite/],
        ["raw/node-feat.csv.gz", "1,2\n1,1e999\n", /line 2, column 2: "1e999"/],
        ["raw/node-feat.csv.gz", "1,2\n1,1.2.3\n", /"1\.2\.3"/],
        ["raw/node-feat.csv.gz", "1,2\n1,\u001b[2J\n", /"\?\?*\[2J"/],
        ["raw/node-feat.csv.gz", `1,${"9".repeat(300)}\n`, /is not a finite number/],
        ["raw/node-label.csv.gz", "0\n1\n2\n-2\n0\n0\n", /node 3 has the class -2/],
        ["raw/node-label.csv.gz", Buffer.from("0\n1\n2\n"), /it is not gzip/],
        ["raw/node-label.csv.gz", gzipSync("0\n1\n").subarray(0, 12), /cut short/],
      ];
    const dataDir = dataFolder(t);
    for (const [file, bytes, message] of cases) {
      writeLayout(dataDir, "ogbn_arxiv", plainLayout());
      const packed = typeof bytes === "string" ? gzipSync(bytes) : bytes;
      writePacked(dataDir, "ogbn_arxiv", file, packed);
      await assert.rejects(loadDataset("ogbn-arxiv", { dataDir }), (error: Error) => {
        assert.ok(error instanceof BadFileError, String(error));
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    }
    writeLayout(dataDir, "ogbn_arxiv", plainLayout());
    writePacked(dataDir, "ogbn_arxiv", "split/time/test.csv.gz", gzipSync("5\n1\n"));
    const graph = await loadDataset("ogbn-arxiv", { dataDir });
    await assert.rejects(loadSplit(graph, "public", { dataDir }), /line 2: node 1 is in two sets/);
  });
});

describe("several types of nodes", () => {
  test("every number of a made-up copy, read twice", async (t) => {
    const dataDir = dataFolder(t);
    writeLayout(dataDir, "ogbn_mag", typedLayout());
    const graph = await loadDataset("ogbn-mag", { dataDir });
    checkGraph(graph);
    // The classified type comes first; the others keep their order.
    assert.deepEqual(graph.types, [
      { name: "paper", nodes: 3 },
      { name: "author", nodes: 2 },
      { name: "field_of_study", nodes: 1 },
      { name: "institution", nodes: 2 },
    ]);
    assert.deepEqual([graph.nodes, graph.classes, graph.features.columns], [8, 2, 2]);
    const relations = graph.relations!.map(({ name, source, target, arcs }) => {
      const pairs = Array.from({ length: arcs.rows }, (_, to) =>
        [...arcs.indices.subarray(arcs.indptr[to], arcs.indptr[to + 1])].map((from) => [from, to]),
      );
      return [`${source}___${name}___${target}`, pairs.flat()];
    });
    // A row of a relation is a target, so arcs come in the order of their targets.
    const byTarget = (a: readonly number[], b: readonly number[]): number =>
      a[1]! - b[1]! || a[0]! - b[0]!;
    assert.deepEqual(
      relations,
      Object.entries(TYPED.relations).map(([name, arcs]) => [name, arcs.toSorted(byTarget)]),
    );
    // Papers are 0-2, authors 3-4, the field 5, institutions 6-7; the loop of paper 2 is no edge.
    const edges = [
      [4, 6],
      [4, 2],
      [3, 0],
      [4, 0],
      [0, 1],
      [2, 1],
      [0, 5],
      [2, 5],
    ];
    const both = edges.flatMap(([a, b]) => [
      [a!, b!],
      [b!, a!],
    ]);
    const found = Array.from({ length: 8 }, (_, r) =>
      [
        ...graph.adjacency.indices.subarray(
          graph.adjacency.indptr[r],
          graph.adjacency.indptr[r + 1],
        ),
      ].map((c) => [r, c]),
    );
    assert.deepEqual(
      found.flat(),
      both.toSorted((a, b) => a[0]! - b[0]! || a[1]! - b[1]!),
    );
    assert.deepEqual([...graph.labels], TYPED.labels);
    assert.deepEqual([...graph.features.indptr], [0, 2, 4, 6, 6, 6, 6, 6, 6]);
    assert.deepEqual([...graph.features.values!], TYPED.features.flat());
    const split = await loadSplit(graph, "public", { dataDir });
    assert.deepEqual([...split.train, ...split.val, ...split.test], [1, 0, 2]);
    assert.deepEqual(await loadDataset("ogbn-mag", { dataDir }), graph, "as the cache has it");
    const { code, stdout, stderr } = await abkd("data", "info", "ogbn-mag", "--data", dataDir);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^types: paper 3, author 2, .*; the first is classified$/m);
    assert.match(stdout, /^paper cites paper: 4 arcs$/m);
    assert.match(stdout, /^public +train 1, val 1, test 1 \(default\)$/m);
  });

  test("what is wrong is one line with the file and the place", async (t) => {
    const cases: readonly (readonly [file: string, text: string, message: RegExp])[] = [
      ["raw/num-node-dict.csv.gz", "author,paper\n2\n", /a row of types and a row of their counts/],
      ["raw/num-node-dict.csv.gz", "author,paper\n2,-3\n", /paper has "-3" nodes/],
      ["raw/num-node-dict.csv.gz", "../author,paper\n2,3\n", /"\.\.\/author" cannot be a name/],
      ["raw/num-node-dict.csv.gz", "paper,paper\n2,3\n", /two types have one name/],
      ["raw/nodetype-has-label.csv.gz", "author,paper\nTrue,True\n", /found: author, paper/],
      ["raw/triplet-type-list.csv.gz", "author,writes\n", /line 1 has 2 columns of 3/],
      ["raw/triplet-type-list.csv.gz", "author,writes,book\n", /line 1: book is no type/],
      ["raw/triplet-type-list.csv.gz", "author,../x,paper\n", /line 1: "\.\.\/x" cannot be a name/],
      ["raw/triplet-type-list.csv.gz", "", /there are no relations/],
      ["raw/relations/paper___cites___paper/edge.csv.gz", "0,1\n1,3\n2,2\n2,1\n", /node 3 of 3/],
      ["raw/node-label/paper/node-label.csv.gz", "1\n0\n", /2 rows instead of 3/],
    ];
    const dataDir = dataFolder(t);
    for (const [file, text, message] of cases) {
      writeLayout(dataDir, "ogbn_mag", { ...typedLayout(), [file]: text });
      await assert.rejects(loadDataset("ogbn-mag", { dataDir }), (error: Error) => {
        assert.ok(error instanceof BadFileError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
    writeLayout(dataDir, "ogbn_mag", typedLayout());
    writePacked(dataDir, "ogbn_mag", "raw/num-node-dict.csv.gz", gzipSync(Buffer.alloc(1 << 21)));
    await assert.rejects(loadDataset("ogbn-mag", { dataDir }), /too long for a table of names/);
  });
});

test("a large file is parsed by several threads: the same numbers, and the same faults", async (t) => {
  const dataDir = dataFolder(t);
  const rows = 700_000;
  const text = Array.from({ length: rows }, (_, k) => `${k},${(k * 7919) % 1_000_003}\n`);
  const file = path.join(dataDir, "large.csv.gz");
  // Stored, so that the file is as long as its text: above the 8 MB from which threads are used.
  writeFileSync(file, gzipSync(text.join(""), { level: 0 }));
  const table = { columns: 2, kind: "i32", rows } as const;
  const found = await readNumbers(file, table);
  assert.equal(found.length, 2 * rows);
  assert.ok(
    found.every((value, k) => value === (k % 2 === 0 ? k / 2 : ((k >> 1) * 7919) % 1_000_003)),
  );
  text[650_000] = "1,x\n";
  writeFileSync(file, gzipSync(text.join(""), { level: 0 }));
  await assert.rejects(
    readNumbers(file, table),
    /line 650001, column 2: "x" is not a whole number/,
  );
});

test("the real Arxiv: labels, years and split; its arcs written in OGB's form", {
  skip: skipWithoutData("ogbn-arxiv"),
}, async (t) => {
  const dataDir = dataFolder(t);
  const raw = path.join(SHARED_DATA, "ogbn-arxiv", "raw");
  cpSync(raw, path.join(dataDir, "ogbn_arxiv", "raw"), { recursive: true });
  const saint = path.join(SHARED_DATA, "ogbn-arxiv", "graphsaint");
  const write = (file: string, rows: readonly string[]): void =>
    writePacked(dataDir, "ogbn_arxiv", file, gzipSync(rows.join(""), { level: 1 }));

  const npz = new NpzFile(readFileSync(path.join(saint, "adj_full.npz")), "adj_full.npz");
  const [indptr, indices] = ["indptr", "indices"].map((key) => toInt32(npz.array(key), key));
  const arcs: string[] = [];
  for (let r = 0; r + 1 < indptr!.length; r++) {
    for (let k = indptr![r]!; k < indptr![r + 1]!; k++) arcs.push(`${r},${indices![k]}\n`);
  }
  write("raw/edge.csv.gz", arcs);
  assert.equal(arcs.length, 1_166_243);
  write(
    "raw/node-feat.csv.gz",
    Array.from({ length: 169_343 }, (_, node) => `${node % 7}.5,-1\n`),
  );
  const roles = JSON.parse(readFileSync(path.join(saint, "role.json"), "utf8"));
  for (const [set, key] of Object.entries({ train: "tr", valid: "va", test: "te" })) {
    write(
      `split/time/${set}.csv.gz`,
      roles[key].map((node: number) => `${node}\n`),
    );
  }
  const graph = await loadDataset("ogbn-arxiv", { dataDir });
  const found = summarise(graph);
  const expected = JSON.parse(readFileSync(path.join(SHARED_DATA, "EXPECTED.json"), "utf8"))[
    "ogbn-arxiv"
  ];
  assert.deepEqual([found.nodes, found.arcs], [169_343, 2_315_598]);
  for (const key of ["nodes", "arcs", "undirected", "classes"] as const) {
    assert.equal(found[key], expected[key], key);
  }
  for (const key of ["arcs_row_sorted_i32", "arcs_col_i32", "labels_i32"] as const) {
    assert.equal(found.sha256[key], expected.sha256[key], key);
  }
  const split = await loadSplit(graph, "public", { dataDir });
  const sizes = [split.train, split.val, split.test].map(({ length }) => length);
  assert.deepEqual(sizes, [90_941, 29_799, 48_603]);
  // The split is by year: up to 2017, 2018, from 2019. 54 and 17 % come nearest to that.
  const byYear = await loadSplit(graph, "time:54/17", { dataDir });
  for (const set of ["train", "val", "test"] as const)
    assert.deepEqual(byYear[set], split[set], set);
});
