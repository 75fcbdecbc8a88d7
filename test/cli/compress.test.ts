// abkd compress on a graph of the user's own: the student's file, its card, and what is refused.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeNpz } from "../../src/formats/npz-writer.ts";
import { folderOf } from "../datasets/import/support/folder.ts";
import { FORMS } from "../datasets/import/support/write-forms.ts";
import { smallGraph, temporaryFolder } from "../training/small.ts";
import { abkd, abkdHere } from "./abkd.ts";

const small = FORMS["PyG's keys in an npz"]!(smallGraph())["data.npz"]!;
const graph = join(folderOf({ "ring.npz": small }), "ring.npz");

test("one command leaves a student within its budget that predict reads, and its card", async (t) => {
  const folder = temporaryFolder(t);
  const output = join(folder, "out");
  const args = [
    ...["compress", graph, "--split", "random:40/30/30:1", "--budget", "150", "--minutes", "0.02"],
    ...["--methods", "fitnet+soft", "--teacher-layers", "2", "--teacher-epochs", "20"],
    ...["--runs", join(folder, "runs"), "--output", output, "--quiet"],
  ];
  const { code, stdout, stderr } = await abkd(...args);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, "");
  assert.match(stdout, /plain student and SoftKD/);
  const card = readFileSync(join(output, "card.md"), "utf8");
  const parameters = Number(/^# .*: a student of (\d+) parameters$/m.exec(card)?.[1]);
  assert.ok(parameters > 0 && parameters <= 150, card);
  assert.match(card, /^\| budget \| 150 parameters \|$/m);
  assert.ok(card.includes(`abkd predict student.safetensors --dataset ${graph}\n`), card);
  assert.ok(existsSync(join(output, "card.html")));
  const file = join(output, "student.safetensors");
  const predicted = await abkdHere("predict", file, "--dataset", graph, "--json");
  assert.equal(predicted.code, 0, predicted.stderr);
  const [, test] = /the file's own run: ([\d.]+) %/.exec(card)!;
  assert.equal((100 * JSON.parse(predicted.stdout).accuracy.test).toFixed(1), test);
  assert.equal((await abkd(...args)).stdout, stdout, "once more, from what is kept");
});

test("a teacher from elsewhere is given by its files, as for distill", async (t) => {
  const folder = temporaryFolder(t);
  const { nodes, classes, labels } = smallGraph();
  const values = Float32Array.from({ length: nodes * classes }, (_, k) =>
    k % classes === labels[Math.floor(k / classes)] ? 2 : -1 - (k % 2),
  );
  const file = join(folder, "gat.npz");
  const bytes = encodeNpz(new Map([["logits", { shape: [nodes, classes], values }]]));
  writeFileSync(file, bytes);
  const output = join(folder, "out");
  const { code, stdout, stderr } = await abkd(
    ...["compress", graph, "--split", "random:40/30/30:1", "--budget", "150", "--minutes", "0.01"],
    ...["--teacher-outputs", file, "--methods", "fitnet", "--runs", join(folder, "runs")],
    ...["--output", output],
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /the teacher .*gat\.npz: logits 60 x 3; fingerprint [0-9a-f]{16}/);
  assert.match(stderr, /the teacher .*: accuracy val 100\.0 %, test 100\.0 %/);
  assert.match(stdout, /beats? the plain student and SoftKD/);
  const card = readFileSync(join(output, "card.md"), "utf8");
  const digest = createHash("sha256").update(bytes).digest("hex");
  assert.ok(
    card.includes(`gat.npz, sha256 ${digest}`) && card.includes("FitNet was left out"),
    card,
  );
});

test("a wrong budget or teacher is refused in one line that says what is legal", async () => {
  for (const [flags, message] of [
    [[], /the budget has no limit: give parameters, bytes or microseconds/],
    [["--bytes", "24x"], /--bytes.*Expected a number above 0, such as 10k/],
    [["--latency", "fast"], /--latency.*Expected a number above 0, such as 10us/],
    [["--budget", "1", "--methods", "none"], /no method "none"; legal: student, smoothing/],
    [["--budget", "9", "--teacher-outputs", "no.npz"], /no\.npz: no such file or folder/],
    [
      ["--budget", "9", "--teacher", "gcn.safetensors", "--teacher-layers", "2"],
      /--teacher-layers is for a teacher trained here: leave it out/,
    ],
  ] as const) {
    const { code, stderr, stdout } = await abkdHere("compress", graph, ...flags, "--quiet");
    assert.equal(code, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split("\n").length, 1);
  }
});
