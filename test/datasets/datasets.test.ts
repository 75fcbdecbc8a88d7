// The real files against independent counts and digests, graph by graph and split by split.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, test } from "node:test";
import { OptionError } from "../../src/base/errors.ts";
import { summarise } from "../../src/datasets/canonical.ts";
import {
  BadFileError,
  DATASET_NAMES,
  datasetEntry,
  loadDataset,
  loadSplit,
  UnfitSplitError,
} from "../../src/datasets/index.ts";
import { publishedFile } from "../../src/datasets/manifest.ts";
import { SUMMARIES } from "../../src/datasets/oracles.ts";
import { verifyDataset } from "../../src/datasets/verify.ts";
import { UNLABELLED } from "../../src/graph/graph.ts";
import { SHARED_DATA, skipWithoutData } from "./support/shared-data.ts";
import { SPLIT_FILE, splitToy } from "./support/toy.ts";

const WITH_FILES = DATASET_NAMES.filter((name) => datasetEntry(name).files.length > 0);
const options = { dataDir: SHARED_DATA };

test("every dataset has counts, and every file a digest and an address", () => {
  for (const name of DATASET_NAMES) assert.ok(SUMMARIES[name], name);
  for (const name of WITH_FILES) {
    const { files, labelFiles = [] } = datasetEntry(name);
    for (const file of [...files, ...labelFiles]) {
      const { url, archive } = publishedFile(file);
      assert.match(url, archive ? /^https:\/\/data\.dgl\.ai\/.*\.tgz$/ : /^https:\/\/[^/]*github/);
      assert.ok(archive || url.endsWith(`/${path.posix.basename(file)}`));
    }
  }
});

describe("the real files", { skip: skipWithoutData() }, () => {
  // nell.test.ts, rdf.test.ts and heco.test.ts cover those that EXPECTED.json does not contain.
  const elsewhere = (name: string): boolean => /^nell|^aifb$|^rdf-|^heco-/.test(name);
  for (const name of WITH_FILES.filter((each) => !elsewhere(each))) {
    test(`${name} matches what an independent reader found`, async () => {
      const expected = (
        JSON.parse(readFileSync(path.join(SHARED_DATA, "EXPECTED.json"), "utf8")) as Record<
          string,
          Record<string, unknown>
        >
      )[name]!;
      const { note: _, feature_sum: sum, ...exact } = expected;
      const found: Record<string, unknown> = { ...(await verifyDataset(name, options)) };
      for (const [key, value] of Object.entries(exact)) assert.deepEqual(found[key], value, key);
      assert.ok(Math.abs((found["feature_sum"] as number) / (sum as number) - 1) < 1e-9);
      assert.equal(found["ok"], true);
    });
  }

  test("citeseer's fifteen unlabelled nodes are in no set, and counted", async () => {
    const graph = await loadDataset("citeseer", options);
    const gaps = [2407, 2489, 2553, 2682, 2781, 2953, 3042, 3063, 3212, 3214, 3250, 3292, 3305];
    const unlabelled = [...graph.labels.keys()].filter((k) => graph.labels[k] === UNLABELLED);
    assert.deepEqual(unlabelled, [...gaps, 3306, 3309]);
    // How many of them each geom-gcn split has in train, val and test.
    const counts = ["10 4 1", "7 6 2", "11 0 4", "5 7 3", "8 2 0", "4 5 1"].concat([
      "5 7 3",
      "10 3 2",
      "7 4 4",
      "8 5 2",
    ]);
    for (const [index, count] of counts.entries()) {
      const split = await loadSplit(graph, `geom-gcn:${index}`, options);
      const { train, val, test: held } = split.unlabelled;
      assert.equal(`${train} ${val} ${held}`, count);
      for (const node of [...split.train, ...split.val, ...split.test]) {
        assert.notEqual(graph.labels[node], UNLABELLED);
      }
    }
    const full = await loadSplit(graph, "pyg-full", options);
    assert.deepEqual(
      [full.train.length, full.val.length, full.test.length, full.unlabelled.train],
      [1812, 500, 1000, 15],
    );
  });

  test("cora's splits have the known sizes", async () => {
    const graph = await loadDataset("cora", options);
    const sizes = async (spec: string): Promise<number[]> => {
      const { train, val, test: held } = await loadSplit(graph, spec, options);
      return [train.length, val.length, held.length];
    };
    assert.deepEqual(await sizes("geom-gcn:0"), [1192, 796, 497]);
    assert.deepEqual(await sizes("public"), [140, 500, 1000]);
    assert.deepEqual(await sizes("pyg-full"), [1208, 500, 1000]);
    assert.deepEqual(await sizes("random:48/32/20:0"), [1300, 866, 542]);
  });

  test("a dataset does not have another dataset's splits", async () => {
    const graph = await loadDataset("coauthor-cs", options);
    for (const spec of ["geom-gcn:0", "public", "pyg-full"]) {
      await assert.rejects(loadSplit(graph, spec, options), (error: unknown) => {
        assert.ok(error instanceof OptionError);
        assert.equal(error.exitCode, 2);
        assert.match(error.message, /coauthor-cs has no split/);
        return true;
      });
    }
  });

  test("a split of another graph is rejected", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "abkd-unfit-"));
    mkdirSync(path.join(folder, "geom-gcn-splits"));
    writeFileSync(path.join(folder, SPLIT_FILE), splitToy().get(SPLIT_FILE)!);
    try {
      const graph = await loadDataset("cora", options);
      await assert.rejects(loadSplit(graph, "geom-gcn:0", { dataDir: folder }), UnfitSplitError);
      assert.equal((await loadSplit(graph, "geom-gcn:0", options)).train.length, 1192);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("one flipped bit in a pickle of full length is a damaged copy", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "abkd-flipped-"));
    try {
      cpSync(path.join(SHARED_DATA, "planetoid"), path.join(folder, "planetoid"), {
        recursive: true,
      });
      for (const [part, at] of [
        ["allx", 200_000],
        ["tx", 100_000],
        ["graph", 30_000],
        ["ally", 20_000],
      ] as const) {
        const file = path.join(folder, "planetoid", `ind.cora.${part}`);
        const sound = readFileSync(file);
        const flipped = Buffer.from(sound);
        flipped[at]! ^= 1;
        writeFileSync(file, flipped, { mode: 0o644 });
        await assert.rejects(loadDataset("cora", { dataDir: folder }), BadFileError, part);
        writeFileSync(file, sound);
      }
      await loadDataset("cora", { dataDir: folder });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the synthetic graph", () => {
  test("has the same bits on every machine", async () => {
    assert.deepEqual(summarise(await loadDataset("synthetic")), SUMMARIES["synthetic"]);
  });

  test("looks like Cora", async () => {
    const { nodes, adjacency, features, labels } = await loadDataset("synthetic");
    const { indptr, indices } = adjacency;
    assert.deepEqual([nodes, indices.length, features.columns], [2708, 10556, 1433]);
    const sizes = Array<number>(7).fill(0);
    for (const label of labels) sizes[label]!++;
    assert.deepEqual(sizes, [351, 217, 418, 818, 426, 298, 180]);
    let same = 0;
    let largest = 0;
    for (let r = 0; r < nodes; r++) {
      const degree = indptr[r + 1]! - indptr[r]!;
      assert.ok(degree > 0, `node ${r} is isolated`);
      largest = Math.max(largest, degree);
      for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
        const other = indices[k]!;
        assert.notEqual(other, r);
        assert.ok(indices.subarray(indptr[other], indptr[other + 1]).includes(r));
        if (labels[other] === labels[r]) same++;
      }
    }
    assert.ok(Math.abs(same / indices.length - 0.81) < 0.02, `homophily ${same / indices.length}`);
    assert.ok(largest > 50, `largest degree ${largest}`);
  });

  test("has a public split of Planetoid's sizes", async () => {
    const graph = await loadDataset("synthetic");
    const split = await loadSplit(graph, "public");
    assert.deepEqual([split.train.length, split.val.length, split.test.length], [140, 500, 1000]);
  });
});

test("the data commands load no engine", () => {
  const probe = `
    const { dataCommand } = await import("./src/cli/data.ts");
    await dataCommand().parseAsync(["info", "synthetic"], { from: "user" });
    const { main } = await import("./src/cli/program.ts");
    await main(["data", "verify", "synthetic"]);
  `;
  const hook = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier.includes("tensorflow") || specifier.includes("/tensor/")) {
          throw new Error("an engine is loaded: " + specifier);
        }
        return next(specifier, context);
      },
    });
  `;
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      "--import",
      `data:text/javascript,${encodeURIComponent(hook)}`,
      "--input-type=module",
      "--eval",
      probe,
    ],
    { encoding: "utf8", cwd: path.join(import.meta.dirname, "..", "..") },
  );
  assert.equal(status, 0, stderr);
});
