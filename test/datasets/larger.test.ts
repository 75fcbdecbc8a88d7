// Facebook, ACM and the graphs with made features: the real files against independent counts, and broken ones.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { BadFileError, loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { madeFeatures } from "../../src/datasets/made-features.ts";
import { verifyDataset } from "../../src/datasets/verify.ts";
import { encodeNpy, encodeNpz, type NpyArray } from "../../src/formats/npz-writer.ts";
import { checkGraph } from "../../src/graph/check.ts";
import { nonzeros } from "../../src/graph/csr.ts";
import { SHARED_DATA, skipWithoutData } from "./support/shared-data.ts";

const options = { dataDir: SHARED_DATA };

async function sizes(name: string, spec: string): Promise<number[]> {
  const split = await loadSplit(await loadDataset(name, options), spec, options);
  return [split.train, split.val, split.test].map(({ length }) => length);
}

for (const [name, published, folder, split] of [
  ["arxiv-topology", "ogbn-arxiv", "ogbn-arxiv", [90_941, 29_799, 48_603]],
  ["flickr-topology", "flickr", "flickr", [44_625, 22_312, 22_313]],
] as const) {
  test(`${name}: the real arcs, labels and split`, { skip: skipWithoutData(folder) }, async () => {
    const found = await verifyDataset(name, options);
    const expected = JSON.parse(readFileSync(path.join(SHARED_DATA, "EXPECTED.json"), "utf8"));
    for (const key of ["nodes", "arcs", "undirected", "classes"] as const) {
      assert.equal(found[key], expected[published][key], key);
    }
    for (const key of ["arcs_row_sorted_i32", "arcs_col_i32", "labels_i32"] as const) {
      assert.equal(found.sha256[key], expected[published].sha256[key], key);
    }
    // The digests of the made features are among what is compared.
    assert.deepEqual([found.ok, found.differences], [true, []]);
    assert.deepEqual(await sizes(name, "public"), split);
  });
}

test("arxiv-topology's years give the published split", {
  skip: skipWithoutData("ogbn-arxiv"),
}, async () => {
  // Papers up to 2017 train, those of 2018 validate; 54 and 17 % come nearest to that.
  assert.deepEqual(await sizes("arxiv-topology", "time:54/17"), [90_941, 29_799, 48_603]);
});

test("made features: near-normal around each class's mean, and the same bits for a seed", () => {
  const labels = Int32Array.from({ length: 30_000 }, (_, node) => (node % 3) - 1);
  const recipe = { columns: 4, separation: 2, seed: 7 };
  const { values, indptr, indices, rows, columns } = madeFeatures(labels, 2, recipe, 30_001);
  assert.deepEqual([rows, columns, indptr[30_000], indptr[30_001]], [30_001, 4, 120_000, 120_000]);
  assert.deepEqual([...indices.subarray(0, 8)], [0, 1, 2, 3, 0, 1, 2, 3]);
  const means = [-1, 0, 1].map((label) =>
    [0, 1, 2, 3].map((c) => {
      let [sum, squares, count] = [0, 0, 0];
      for (let node = 0; node < labels.length; node++) {
        if (labels[node] !== label) continue;
        const value = values![4 * node + c]!;
        sum += value;
        squares += value * value;
        count++;
      }
      const mean = sum / count;
      // Within four standard errors of a standard deviation of 1.
      assert.ok(Math.abs(Math.sqrt(squares / count - mean * mean) - 1) < 0.03);
      return mean;
    }),
  );
  assert.ok(
    means[0]!.every((mean) => Math.abs(mean) < 0.04),
    "without a class: noise alone",
  );
  assert.ok(means[1]!.some((mean, c) => Math.abs(mean - means[2]![c]!) > 1));
  assert.deepEqual(madeFeatures(labels, 2, recipe).values, values);
  assert.notDeepEqual(madeFeatures(labels, 2, { ...recipe, seed: 8 }).values, values);
});

describe("Facebook page-page", { skip: skipWithoutData("musae-facebook") }, () => {
  test("its counts and digests, as scipy found them", async () => {
    const found = await verifyDataset("facebook", options);
    assert.deepEqual(found.differences, []);
    // 170,823 edges and 179 loops, which are removed.
    const counts = [found.nodes, found.undirected, found.features, found.classes];
    assert.deepEqual(counts, [22_470, 170_823, 4_714, 4]);
    const graph = await loadDataset("facebook", options);
    checkGraph(graph);
    assert.deepEqual(graph.classNames, ["company", "government", "politician", "tvshow"]);
    assert.deepEqual(await sizes("facebook", "random:60/20/20:0"), [13_482, 4_494, 4_494]);
  });
});

/** A data folder with these files in one of its folders. */
function dataFolder(
  t: TestContext,
  folder: string,
  files: Record<string, string | Uint8Array>,
): string {
  const dataDir = mkdtempSync(path.join(tmpdir(), "abkd-larger-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  mkdirSync(path.join(dataDir, folder));
  for (const [file, contents] of Object.entries(files)) {
    writeFileSync(path.join(dataDir, folder, file), contents);
  }
  return dataDir;
}

test("MUSAE's form: a small graph, and what is wrong in one", async (t) => {
  const files = {
    "facebook.json": '{"0": [2, 0], "1": [], "2": [1, 1]}',
    "facebook_edges.csv": "id_1,id_2\n0,1\n1,0\n2,2\n2,1\n",
    "facebook_target.csv":
      'id,facebook_id,page_name,page_type\n0,7,"a, b",shop\n1,8,c,club\n2,9,d,shop\n',
  };
  const warnings: string[] = [];
  const graph = await loadDataset("facebook", {
    dataDir: dataFolder(t, "musae-facebook", files),
    onWarning: (text) => warnings.push(text),
  });
  checkGraph(graph);
  assert.match(warnings.join(), /not the published facebook/);
  assert.deepEqual([...graph.adjacency.indices], [1, 0, 2, 1]);
  assert.deepEqual([...graph.features.indptr], [0, 2, 2, 3]);
  assert.deepEqual([...graph.features.indices], [0, 2, 1]);
  assert.deepEqual(
    [[...graph.labels], graph.classNames],
    [
      [1, 0, 1],
      ["club", "shop"],
    ],
  );
  for (const [file, text, message] of [
    ["facebook.json", '{"0": [1], "3": [0]}', /"3": is no node/],
    ["facebook.json", '{"0": [-1]}', /"0": entry 0 is -1, not a feature/],
    ["facebook.json", "[1]", /a JSON object with a list/],
    ["facebook.json", '{"0": [1', /not JSON/],
    ["facebook_edges.csv", "id_1,id_2\n0,3\n", /line 2, column 2 \(id_2\): no node of 0 to 2/],
    ["facebook_edges.csv", "id_1,id_2\n0,1,2\n", /line 2 has 3 columns/],
    ["facebook_edges.csv", "a,b\n0,1\n", /no column id_1/],
    ["facebook_target.csv", "id,page_type\n0,x\n2,y\n", /line 3, column 1 \(id\): 1 is expected/],
    ["facebook_target.csv", "id,kind\n0,x\n", /no column page_type/],
  ] as const) {
    const dataDir = dataFolder(t, "musae-facebook", { ...files, [file]: text });
    await assert.rejects(loadDataset("facebook", { dataDir }), (error: Error) => {
      assert.ok(error instanceof BadFileError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

describe("HeCo's ACM", { skip: skipWithoutData("heco-acm") }, () => {
  test("its counts and digests, as scipy found them", async () => {
    for (const [name, rate] of [
      ["acm", 20],
      ["acm-40", 40],
      ["acm-60", 60],
    ] as const) {
      assert.deepEqual((await verifyDataset(name, options)).differences, [], name);
      assert.deepEqual(await sizes(name, "public"), [3 * rate, 1000, 1000]);
    }
    const graph = await loadDataset("acm", options);
    checkGraph(graph);
    assert.deepEqual(
      graph.types!.map(({ name, nodes }) => [name, nodes]),
      [
        ["paper", 4019],
        ["author", 7167],
        ["subject", 60],
      ],
    );
    assert.deepEqual(
      graph.relations!.map(({ name, source, target, arcs }) => [
        source,
        name,
        target,
        nonzeros(arcs),
      ]),
      [
        ["author", "writes", "paper", 13_407],
        ["subject", "of", "paper", 4_019],
      ],
    );
  });

  test("what is wrong is one line with the file and the place", async (t) => {
    const folder = path.join(SHARED_DATA, "heco-acm");
    const npz = (arrays: Record<string, NpyArray["values"]>): Uint8Array =>
      encodeNpz(
        new Map(
          Object.entries(arrays).map(([key, values]) => [key, { shape: [values.length], values }]),
        ),
      );
    const ints = (...values: number[]): Int32Array => Int32Array.from(values);
    const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
      ["pa.txt", "0\t1\n0\t7167\n", /pa\.txt: line 2, column 2: no number below 7167/],
      ["pa.txt", "0\t1\t2\n", /3 columns instead of 2/],
      ["ps.txt", "0\t-1\n", /line 1, column 2: no number below/],
      ["labels.npy", encodeNpy({ shape: [2], values: ints(0, 1) }), /2 labels for 4019 papers/],
      [
        "a_feat.npz",
        npz({ shape: ints(2, 1902), row: ints(2), col: ints(0), data: Float32Array.of(1) }),
        /row: node 2 is not one of 0 to 1/,
      ],
      [
        "a_feat.npz",
        npz({ shape: ints(2, 3), row: ints(1), col: ints(0), data: Float32Array.of(1) }),
        /papers have 1902 features, authors 3/,
      ],
      [
        "a_feat.npz",
        npz({ shape: ints(2, 3), row: ints(1), col: ints(), data: ints(1) }),
        /col: 0 entries instead of 1/,
      ],
    ];
    for (const [file, contents, message] of cases) {
      const dataDir = dataFolder(t, "heco-acm", {});
      cpSync(folder, path.join(dataDir, "heco-acm"), { recursive: true });
      rmSync(path.join(dataDir, "heco-acm", file));
      writeFileSync(path.join(dataDir, "heco-acm", file), contents);
      await assert.rejects(loadDataset("acm", { dataDir }), (error: Error) => {
        assert.ok(error instanceof BadFileError, String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
