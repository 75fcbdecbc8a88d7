// ACM in HeCo's form: the real files, and files that do not fit.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { BadFileError, datasetEntry, loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { verifyDataset } from "../../src/datasets/verify.ts";
import { nonzeros } from "../../src/graph/csr.ts";
import { temporaryFolder } from "../training/small.ts";
import { SHARED_DATA } from "./support/shared-data.ts";

const skip = !existsSync(path.join(SHARED_DATA, "heco-acm")) && `heco-acm is not in ${SHARED_DATA}`;

describe("heco-acm, the real files", { skip }, () => {
  const options = { dataDir: SHARED_DATA };

  test("has the known types, relations and classes", async () => {
    const graph = await loadDataset("heco-acm", options);
    assert.deepEqual(graph.types, [
      { name: "paper", nodes: 4019 },
      { name: "author", nodes: 7167 },
      { name: "subject", nodes: 60 },
    ]);
    const found = graph.relations!.map(({ name, arcs }) => [name, nonzeros(arcs)]);
    assert.deepEqual(found, [
      ["writes", 13_407],
      ["about", 4019],
    ]);
    const sizes = [0, 1, 2].map((c) => graph.labels.filter((label) => label === c).length);
    assert.deepEqual(sizes, [1993, 965, 1061]);
    assert.equal((await verifyDataset("heco-acm", options)).ok, true);
  });

  test("has three splits with as many papers of each class, and all papers in PyG's full one", async () => {
    for (const [name, rate] of [
      ["heco-acm", 20],
      ["heco-acm-40", 40],
      ["heco-acm-60", 60],
    ] as const) {
      const graph = await loadDataset(name, options);
      const { train, val, test: held } = await loadSplit(graph, "public", options);
      const counts = [0, 1, 2].map((c) => train.filter((node) => graph.labels[node] === c).length);
      assert.deepEqual(counts, [rate, rate, rate]);
      assert.deepEqual([val.length, held.length], [1000, 1000]);
      const full = await loadSplit(graph, "pyg-full", options);
      assert.equal(full.train.length, 2019);
    }
  });

  test("a file that does not fit the others is told by its name", async (t) => {
    for (const [file, content, message] of [
      ["pa.txt", "0\t1\n0\tx\n", /pa.txt: line 2: no two numbers/],
      ["pa.txt", "0 1 2\n", /pa.txt: 3 columns, not 2/],
      ["ps.txt", "4019\t1\n", /about.from: entry 0 is 4019, not a whole number from 0 to 4018/],
      ["labels.npy", "no array", /labels.npy/],
    ] as const) {
      const dataDir = temporaryFolder(t);
      mkdirSync(path.join(dataDir, "heco-acm"));
      for (const own of datasetEntry("heco-acm").files) {
        copyFileSync(path.join(SHARED_DATA, own), path.join(dataDir, own));
      }
      writeFileSync(path.join(dataDir, "heco-acm", file), content);
      await assert.rejects(
        loadDataset("heco-acm", { dataDir }),
        (error: Error) => error instanceof BadFileError && message.test(error.message),
        file,
      );
    }
  });
});
