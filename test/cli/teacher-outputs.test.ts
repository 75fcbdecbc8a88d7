// --teacher-outputs: a teacher of another program by its file; said first, recorded by a fingerprint.
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { encodeNpz } from "../../src/formats/npz-writer.ts";
import { loadDataset } from "../../src/index.ts";
import { uniform } from "../../src/tensor/ops/random.ts";
import type { RunResult } from "../../src/training/run.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkd, abkdHere } from "./abkd.ts";

const folder = temporaryFolder({ after } as TestContext);
const graph = await loadDataset("synthetic");
const { nodes, classes, labels } = graph;

/** Logits that are right for about nine nodes of ten. */
function saved(name: string, seed: number): string {
  const noise = uniform(seed, "noise", nodes * classes);
  const values = noise.map(
    (u, k) => 2 * u + Number(labels[Math.floor(k / classes)] === k % classes),
  );
  const file = join(folder, name);
  writeFileSync(file, encodeNpz(new Map([["logits", { shape: [nodes, classes], values }]])));
  return file;
}
const [one, two] = [saved("one.npz", 1), saved("two.npz", 2)];
const SHORT = ["--dataset", "synthetic", "--method", "softkd", "--epochs", "4", "--threads", "1"];

test("two trials on two workers; the teacher is said first; resumed from another path", async (t) => {
  const runs = temporaryFolder(t);
  const args = ["distill", ...SHORT, "--trials", "2", "--workers", "2", "--runs", runs];
  const { code, stdout, stderr } = await abkd(...args, "--teacher-outputs", one, "--json");
  assert.equal(code, 0, stderr);
  const [described, scored, ...lines] = stderr.split("\n");
  assert.match(described!, /one\.npz: logits 2,708 x 7; fingerprint [0-9a-f]{16}$/);
  assert.match(
    scored!,
    /the teacher .*one\.npz on synthetic .*: accuracy val \d+\.\d %, test \d+\.\d %$/,
  );
  assert.ok(
    lines.some((line) => /^softkd.*begins/.test(line)),
    stderr,
  );
  const results = JSON.parse(stdout) as RunResult[];
  assert.equal(results.length, 2);
  for (const { config, teacherAccuracy, parameters } of results) {
    assert.equal(config.teacher, undefined);
    assert.equal(parameters.ratio, undefined);
    assert.ok(!JSON.stringify(config).includes("npz"));
    assert.ok(scored!.includes(`test ${(100 * teacherAccuracy!.test).toFixed(1)} %`));
  }
  const moved = join(folder, "moved.npz");
  renameSync(one, moved);
  t.after(() => renameSync(moved, one));
  const again = await abkd(...args, "--teacher-outputs", moved, "--resume", "--json");
  assert.deepEqual(JSON.parse(again.stdout), results, "nothing is trained twice");
});

test("several are one teacher, in any order", async (t) => {
  const runs = temporaryFolder(t);
  const both = async (...files: string[]): Promise<RunResult> => {
    const given = files.flatMap((file) => ["--teacher-outputs", file]);
    const { code, stdout, stderr } = await abkd(
      "distill",
      ...SHORT,
      ...given,
      "--runs",
      runs,
      "--json",
    );
    assert.equal(code, 0, stderr);
    assert.match(
      stderr,
      /mean of 2 teachers: logits 2,708 x 7; fingerprint [0-9a-f]{16} [0-9a-f]{16}\n/,
    );
    return (JSON.parse(stdout) as RunResult[])[0]!;
  };
  const [first, second] = [await both(one, two), await both(two, one)];
  assert.equal(first.id, second.id);
  assert.equal(first.modelSha256, second.modelSha256);
});

test("weights by PyG's names teach by their outputs, alone or in a mean", async (t) => {
  const runs = temporaryFolder(t);
  const file = join(folder, "gcn.npz");
  const { columns } = graph.features;
  const matrix = (rows: number, width: number) => ({
    shape: [rows, width],
    values: uniform(3, `${rows}`, rows * width).map((u) => u - 0.5),
  });
  const vector = (width: number) => ({ shape: [width], values: new Float32Array(width) });
  const arrays = {
    ...{ "conv1.lin.weight": matrix(8, columns), "conv1.bias": vector(8) },
    ...{ "conv2.lin.weight": matrix(classes, 8), "conv2.bias": vector(classes) },
  };
  writeFileSync(file, encodeNpz(new Map(Object.entries(arrays))));
  writeFileSync(join(folder, "gcn.json"), '{ "kind": "gcn" }');
  const args = ["distill", ...SHORT, "--runs", runs, "--json", "--teacher", file];
  const alone = await abkd(...args, "--method", "abkd");
  assert.equal(alone.code, 0, alone.stderr);
  assert.match(
    alone.stderr,
    /gcn\.npz: logits 2,708 x 7, last hidden map 8 wide, 2 layers \(8, 7\); fing/,
  );
  assert.match(alone.stderr, /the teacher .*gcn\.npz on synthetic .*: accuracy val/);
  const mean = await abkd(...args, "--teacher-outputs", two);
  assert.equal(mean.code, 0, mean.stderr);
  const [{ config }] = JSON.parse(mean.stdout) as [RunResult];
  assert.equal(config.teacherOutputs!.fingerprints.length, 2);
});

test("what cannot be distilled is refused in one line", async () => {
  const cases: [string[], RegExp][] = [
    [
      ["--method", "fitnet"],
      /^abkd: fitnet reads the teacher's last hidden map, but its outputs have only logits/,
    ],
    [
      ["--teacher-layers", "3"],
      /^abkd: --teacher-layers is for a teacher trained here: leave it out$/,
    ],
    [
      ["--teacher", "gcn"],
      /^abkd: --teacher takes a file of weights; to train one: --teacher-model gcn$/,
    ],
    [["--teacher-seed", "1"], /^abkd: --teacher-seed is for a teacher trained here/],
    [["--teacher-outputs", one], /hold the same outputs: name each teacher once/],
    [["--teacher-outputs", "none.npz"], /^abkd: none\.npz: no such file or folder/],
  ];
  for (const [more, message] of cases) {
    const { code, stdout, stderr } = await abkdHere(
      "distill",
      ...SHORT,
      "--teacher-outputs",
      one,
      ...more,
    );
    assert.notEqual(code, 0);
    assert.equal(stdout, "");
    assert.match(stderr.split("\n").at(-2)!, message);
  }
});
