// abkd compress with a teacher that was trained elsewhere: its files, what it can teach, and what the card says of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { timesFewer } from "../../src/display/format.ts";
import { compressCard, verdictText } from "../../src/experiments/compress/card.ts";
import { compress } from "../../src/experiments/compress/compress.ts";
import { rankFeatures } from "../../src/experiments/compress/ranking.ts";
import { rankingStudent, teachable } from "../../src/experiments/compress/teacher.ts";
import { contenders } from "../../src/experiments/contenders.ts";
import { compressPage } from "../../src/figures/compress-page.ts";
import { encodeNpz } from "../../src/formats/npz-writer.ts";
import { loadTeacherOutputs, registerDataset, runTrials, teacherConfig } from "../../src/index.ts";
import { readModel, runFiles } from "../../src/training/run-store.ts";
import { smallGraph, smallSplit, temporaryFolder } from "../training/small.ts";

const graph = { ...smallGraph(), name: "taught-elsewhere" };
const { train, val, test: rest } = smallSplit();
after(registerDataset({ name: graph.name, graph, split: { train, val, test: rest } }));

/** Logits that are right but for every fourth node, and a map that is as wide as there are classes. */
const values = Float32Array.from({ length: graph.nodes * graph.classes }, (_, k) => {
  const node = Math.floor(k / graph.classes);
  const said = (graph.labels[node]! + Number(node % 4 === 0)) % graph.classes;
  return k % graph.classes === said ? 3 : -1 - (k % 2);
});
const right = (nodes: Int32Array): number =>
  nodes.filter((node) => node % 4 !== 0).length / nodes.length;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const map = { shape: [graph.nodes, graph.classes] as const, values };
const request = {
  dataset: graph.name,
  split: "public",
  minutes: 0.03,
  budget: { parameters: 150 },
};

/** Writes outputs, and returns the path and the digest that sha256sum would give. */
function written(folder: string, arrays: Readonly<Record<string, typeof map>>) {
  const file = path.join(folder, `${Object.keys(arrays).join("-")}.npz`);
  const bytes = encodeNpz(new Map(Object.entries(arrays)));
  writeFileSync(file, bytes);
  return { file, digest: createHash("sha256").update(bytes).digest("hex") };
}

test("logits alone teach: methods that read maps are left out, the card names file and digest, and nothing runs twice", async (t) => {
  const folder = temporaryFolder(t);
  const { file, digest } = written(folder, { logits: map });
  const notes: string[] = [];
  let begun = 0;
  const own = {
    ...{ ...request, methods: ["fitnet+soft", "smoothing"], folder: path.join(folder, "out") },
    ...{ runsDir: path.join(folder, "runs"), workers: 2 },
    observer(event: { readonly type: string; readonly message?: string }): void {
      if (event.type === "start") begun++;
      if (event.type === "note") notes.push(event.message!);
    },
  };
  const found = await compress({ ...own, teacher: { outputs: file } });
  const ids = found.finalists.map(({ contender }) => contender.id);
  assert.deepEqual(new Set(ids), new Set(["student", "softkd", "smoothing"]));
  const card = compressCard(found);
  const accuracy = `validation ${percent(right(val))}, test ${percent(right(rest))}`;
  for (const part of [
    `| teacher | ${file}, logits ${graph.nodes} x ${graph.classes}; fingerprint `,
    accuracy,
    `| teacher's file | ${file}, sha256 ${digest} |`,
    "FitNet and soft labels was left out: fitnet reads the teacher's last hidden map",
  ]) {
    assert.ok(card.includes(part), `${part}\n${card}`);
  }
  assert.ok(!card.includes("times fewer"), "its size is not known");
  const doubted = { ...found, warnings: ["class <b> has | 3 nodes"] };
  assert.ok(compressCard(doubted).includes("## Warnings\n\n- class \\<b\\> has \\| 3 nodes\n"));
  assert.ok(compressPage(doubted).includes("<li>class &lt;b&gt; has | 3 nodes</li>"));
  assert.ok(compressPage(found).includes(digest));
  assert.equal(new Set(notes).size, notes.length, `each note once: ${notes.join("; ")}`);
  assert.equal(notes.filter((note) => note.includes(`val ${percent(right(val))}`)).length, 1);

  begun = 0;
  const moved = written(temporaryFolder(t), { logits: map }).file;
  const again = await compress({ ...own, teacher: { outputs: moved } });
  assert.equal(begun, 0, "the same outputs from another path are the same search");
  assert.equal(again.best.id, found.best.id);
  const other = { ...map, values: values.map((x) => 2 * x) };
  await assert.rejects(
    compress({ ...own, teacher: { outputs: { logits: other } } }),
    /holds another search/,
  );
  const few = { logits: { shape: [3, graph.classes], values: values.slice(0, 3 * graph.classes) } };
  await assert.rejects(compress({ ...own, teacher: { outputs: few } }), /logits is 3 x .* node/);
});

test("without logits SoftKD is left out, and the card compares with the plain student alone", async (t) => {
  const folder = temporaryFolder(t);
  const { file } = written(folder, { hidden: map });
  const found = await compress({
    ...{ ...request, methods: ["fitnet"], folder: path.join(folder, "out"), workers: 2 },
    ...{ runsDir: path.join(folder, "runs"), teacher: { outputs: file } },
  });
  const ids = found.finalists.map(({ contender }) => contender.id);
  assert.deepEqual(new Set(ids), new Set(["student", "fitnet"]));
  assert.match(verdictText(found), /the plain student( clearly| here| on validation nodes)?[:;. ]/);
  assert.doesNotMatch(verdictText(found), /SoftKD/);
  const card = compressCard(found);
  assert.match(card, /SoftKD was left out: softkd reads the teacher's logits/);
  assert.match(card, /without logits its accuracy is not known/);
});

test("weights teach too: the card compares sizes", async (t) => {
  const folder = temporaryFolder(t);
  const runsDir = path.join(folder, "runs");
  const teacher = teacherConfig(
    { dataset: graph.name, split: "public", seed: 3 },
    { model: { kind: "gcn", width: 8 }, training: { epochs: 20 } },
  );
  const [trained] = await runTrials([teacher], { runsDir, workers: 1, threads: 1 });
  const found = await compress({
    ...{ ...request, methods: [], folder: path.join(folder, "out"), runsDir, workers: 2 },
    teacher: runFiles(runsDir, teacher).model,
  });
  assert.equal(found.teacher.parameters, trained!.parameters.model);
  assert.deepEqual(found.teacher.accuracy, trained!.accuracy);
  const compared = timesFewer(found.chosen.parameters, trained!.parameters.model);
  assert.ok(compressCard(found).includes(`parameters, ${compared} the teacher's`));
});

test("choices that read what is not there are not drawn", async () => {
  const layers = await loadTeacherOutputs({ layers: [map, map] });
  const all = contenders();
  const { contenders: kept, leftOut } = teachable(all, layers);
  const named = (label: string): boolean => leftOut.some((one) => one.label === label);
  assert.ok(named("SoftKD") && !named("ABKD") && !named("Student"));
  const abkd = kept.find(({ id }) => id === "abkd")!;
  assert.deepEqual(
    abkd.space.options.flat().filter((choice) => "logits" in choice),
    [{ logits: false }],
  );
  assert.ok(!kept.some(({ id }) => id === "abkd+soft"), "soft labels need logits");
  const twice = { ...map, values: values.map((x) => 2 * x) };
  const several = await loadTeacherOutputs([
    { logits: map, layers: [map] },
    { logits: twice, layers: [twice] },
  ]);
  const byMean = teachable(all, several).contenders.map(({ id }) => id);
  assert.deepEqual(byMean, ["student", "smoothing", "softkd"], "the mean of several has no maps");
  const trained = teacherConfig({ dataset: graph.name, split: "public", seed: 1 });
  assert.deepEqual(teachable(all, trained).contenders, all);
});

test("a student of the soft labels ranks features by what the teacher reads", async (t) => {
  const runsDir = temporaryFolder(t);
  // What the teacher says of a node follows from features 2 and 7 of it and its neighbours, and is right.
  const { adjacency, features } = graph;
  const entries = ({ indptr, indices }: typeof features, row: number): number[] => [
    ...indices.subarray(indptr[row], indptr[row + 1]),
  ];
  const told = Array.from({ length: graph.nodes }, (_, node) => {
    const near = [node, ...entries(adjacency, node)].map((one) => entries(features, one));
    const having = (feature: number): number => near.filter((own) => own.includes(feature)).length;
    return [6 * having(2), 6 * having(7), 4];
  });
  const labels = Int32Array.from(told, (row) => row.indexOf(Math.max(...row)));
  const name = "told";
  t.after(
    registerDataset({ name, graph: { ...graph, name, labels }, split: { train, val, test: rest } }),
  );
  const outputs = await loadTeacherOutputs({ logits: told });
  const config = rankingStudent({ dataset: name, split: "public", seed: 1 }, outputs);
  assert.deepEqual([config.method!.name, config.teacherOutputs], ["softkd", outputs.config]);
  await runTrials([config], { runsDir, workers: 1, threads: 1 });
  const ranking = rankFeatures(readModel(runFiles(runsDir, config).model));
  assert.deepEqual(new Set(ranking.slice(0, 2)), new Set([2, 7]));
});
