// AIFB and RDF-MUTAG: counts of the real files, small graphs made here, damaged files.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import {
  BadFileError,
  DatasetError,
  fetchFile,
  loadDataset,
  loadSplit,
} from "../../src/datasets/index.ts";
import { verifyDataset } from "../../src/datasets/verify.ts";
import { nonzeros } from "../../src/graph/csr.ts";
import { UNLABELLED } from "../../src/graph/graph.ts";
import { randomStream } from "../../src/graph/random.ts";
import { processorClock } from "../processor-time.ts";
import { temporaryFolder } from "../training/small.ts";
import { SHARED_DATA } from "./support/shared-data.ts";

/** Counts of the RGCN paper's table 2, and of the labelled entities and splits of Ristoski et al. 2016. */
const EXPECTED = {
  aifb: {
    ...{ nodes: 8285, relations: 45, triples: 29_043, training: 140, test: 36 },
    ...{ sizes: [73, 28, 60, 15], sample: /viewPersonOWL\/id1909instance>$/ },
    ...{ leaking: /#(affiliation|employs)>$/, folder: "aifb" },
  },
  "rdf-mutag": {
    ...{ nodes: 23_644, relations: 23, triples: 74_227, training: 272, test: 68 },
    ...{ sizes: [211, 129], sample: /carcinogenesis#d187>$/ },
    ...{ leaking: /#isMutagenic>$/, folder: "rdf-mutag" },
  },
} as const;

for (const [name, expected] of Object.entries(EXPECTED)) {
  const missing = !existsSync(path.join(SHARED_DATA, expected.folder));
  const skip = missing && `${expected.folder} is not in ${SHARED_DATA}`;
  describe(`${name}, the real files`, { skip }, () => {
    const options = { dataDir: SHARED_DATA };

    test("has the published nodes, relations, triples and classes, and no relation that leaks", async () => {
      const graph = await loadDataset(name, options);
      const { relations = [], labels } = graph;
      const sizes = new Array<number>(graph.classes).fill(0);
      for (const label of labels) if (label !== UNLABELLED) sizes[label]!++;
      const triples = relations.reduce((sum, { arcs }) => sum + nonzeros(arcs), 0);
      assert.deepEqual(
        [graph.nodes, relations.length, triples, sizes],
        [expected.nodes, expected.relations, expected.triples, expected.sizes],
      );
      assert.deepEqual(graph.types, [{ name: "entity", nodes: graph.nodes }]);
      assert.ok(!relations.some((relation) => expected.leaking.test(relation.name)));
      assert.equal((await verifyDataset(name, options)).ok, true);
    });

    test("has the official split, a fifth of its training set for validation", async () => {
      const graph = await loadDataset(name, options);
      const { train, val, test: held } = await loadSplit(graph, "public", options);
      assert.equal(train.length + val.length, expected.training);
      assert.equal(val.length, Math.round(expected.training / 5));
      assert.equal(held.length, expected.test);
      const all = new Set([...train, ...val, ...held]);
      assert.equal(all.size, expected.training + expected.test);
      assert.ok([...train, ...val].some((node) => expected.sample.test(graph.nodeNames![node]!)));
    });
  });
}

const TRIPLES = [
  "# people",
  "<http://x/a> <http://x/knows> <http://x/b> .",
  "<http://x/a> <http://x/knows> <http://x/b> .",
  '<http://x/b> <http://x/name> "caf\\u00E9"@fr .',
  '<http://x/a> <http://x/name> "caf\\u00E9" .',
  "_:c <http://x/knows> <http://x/a> .",
  "<http://x/d> <http://x/knows> <http://x/d> .",
  "",
];
const HEAD = "person\tid\tlabel_affiliation\r\n";
const TRAINING = `${HEAD}http://x/a\t1.0\t1.0\r\nhttp://x/b\t2.0\t0.0\r\n`;
const TEST = `${HEAD}http://x/d\t3.0\t1.0\r\n`;

function folderOf(
  t: Parameters<typeof temporaryFolder>[0],
  { triples = gzipSync(TRIPLES.join("\n")), training = TRAINING, test: held = TEST } = {},
) {
  const folder = temporaryFolder(t);
  mkdirSync(path.join(folder, "aifb"));
  for (const [file, content] of Object.entries({
    "aifb_stripped.nt.gz": triples,
    "trainingSet.tsv": training,
    "testSet.tsv": held,
  })) {
    writeFileSync(path.join(folder, "aifb", file), content);
  }
  return { dataDir: folder };
}

test("nodes are all subjects and objects, in order; equal literals of other languages differ", async (t) => {
  const graph = await loadDataset("aifb", folderOf(t));
  assert.deepEqual(graph.nodeNames, [
    ...["<http://x/a>", "<http://x/b>", '"café"@fr'],
    ...['"café"^^<http://www.w3.org/2001/XMLSchema#string>', "_:c", "<http://x/d>"],
  ]);
  assert.deepEqual([...graph.labels], [1, 0, -1, -1, -1, 1]);
  assert.deepEqual(graph.classNames, ["0", "1"]);
  const [knows, name] = graph.relations!;
  assert.deepEqual([knows!.name, name!.name], ["<http://x/knows>", "<http://x/name>"]);
  // Rows are targets: a and b are known, d by itself; the repeated triple counts once.
  assert.deepEqual([...knows!.arcs.indptr], [0, 1, 2, 2, 2, 2, 3]);
  assert.deepEqual([...knows!.arcs.indices], [4, 0, 5]);
  // As edges: a-b, b-"café"@fr, a-"café", c-a; without the loop.
  assert.equal(nonzeros(graph.adjacency), 8);
  assert.deepEqual([...graph.features.indices], [0, 1, 2, 3, 4, 5]);
});

test("damaged files are told by name, place and what to do", async (t) => {
  const text = (lines: readonly string[]) => gzipSync(lines.join("\n"));
  const bomb = gzipSync(Buffer.alloc(2 ** 27, "<http://x/a> <http://x/b> <http://x/c> .\n"));
  for (const [parts, message] of [
    [{ triples: text(["<http://x/a> <http://x/b> ."]) }, /no N-Triples: .*line 1/],
    [{ triples: text([...TRIPLES.slice(1, 3), "<a b> ."]) }, /no N-Triples: .*line 3/],
    [{ triples: text(["<http://x/a> <http://x/b> <http://x/c> <http://x/g> ."]) }, /no N-Triples/],
    [{ triples: gzipSync(TRIPLES.join("\n")).subarray(0, 60) }, /damaged gzip file .*fetch it/],
    [{ triples: bomb }, /more than 67108864 bytes when unpacked/],
    [{ triples: text(["# nothing"]) }, /it has no triples/],
    [{ triples: gzipSync(Buffer.of(60, 0xff, 62)) }, /line 1, byte 2 of the line: it is not UTF-8/],
    [{ test: TRAINING }, /testSet.tsv: line 2: the entity has a class already/],
    [{ test: `${HEAD}http://x/e\t3.0\t1.0\r\n` }, /testSet.tsv: line 2: no triple has this entity/],
    [{ test: "who\twhat\nhttp://x/d\t1\n" }, /testSet.tsv: it has no column "person"/],
    [{ test: HEAD }, /testSet.tsv: it has no entities/],
  ] as const) {
    await assert.rejects(
      loadDataset("aifb", folderOf(t, parts as never)),
      (error: Error) => error instanceof BadFileError && message.test(error.message),
      String(message),
    );
  }
});

test("200 files with flipped bytes are read or refused, each within a second", async (t) => {
  const random = randomStream(3);
  const plain = Buffer.from(TRIPLES.join("\n").repeat(20));
  let refused = 0;
  for (let k = 0; k < 200; k++) {
    const bytes = k % 2 === 0 ? gzipSync(plain) : Buffer.from(plain);
    for (let flips = 0; flips < 3; flips++) bytes[random.below(bytes.length)] = random.below(256);
    const taken = processorClock();
    try {
      await loadDataset("aifb", folderOf(t, { triples: bytes }));
    } catch (error) {
      assert.ok(error instanceof BadFileError, String(error));
      assert.ok(!error.message.includes("\n"), error.message);
      refused++;
    }
    assert.ok(taken() < 1000);
  }
  assert.ok(refused > 50, `${refused} were refused`);
});

test("fetching says which archive to unpack where, because no file has an address of its own", async (t) => {
  await assert.rejects(
    fetchFile("aifb/trainingSet.tsv", { dataDir: temporaryFolder(t) }),
    (error: Error) =>
      error instanceof DatasetError &&
      /unpack https:\/\/data\.dgl\.ai\/dataset\/aifb\.tgz into .*aifb$/.test(error.message),
  );
});
