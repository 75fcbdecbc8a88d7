// Theorem 1: the formulas against autograd, and zeros where nothing can arrive.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { sealed } from "../../src/base/sealed-json.ts";
import { modelSizeClaims, table9Claims } from "../../src/experiments/sizes.ts";
import { checkTerms, REACH_NOISE, teacherReach } from "../../src/experiments/theorem1.ts";
import {
  type DepthRecord,
  depthRecord,
  measureReach,
  readDepth,
  theoremTeacher,
  writeDepth,
} from "../../src/experiments/theorem1-depth.ts";
import { depthClaims, depthWords, theoremReport } from "../../src/experiments/theorem1-report.ts";
import { theoremWords } from "../../src/figures/theorem.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { rowNormalised, symmetricNormalised } from "../../src/graph/normalise.ts";
import { Gcnii } from "../../src/models/gcnii.ts";
import { SparseMatrix, startEngine, Targets } from "../../src/tensor/index.ts";
import { runId } from "../../src/training/run-id.ts";
import { temporaryFolder } from "../training/small.ts";

startEngine();

/** Makes a ring of 40 nodes with two words each. */
function scene() {
  const nodes = 40;
  const ring = Array.from({ length: nodes }, (_, k) => k);
  const arcs = ring.flatMap((k): [number, number][] => [
    [k, (k + 1) % nodes],
    [(k + 1) % nodes, k],
  ]);
  const words = ring.flatMap((k): [number, number][] => [
    [k, k % 7],
    [k, 7 + (k % 5)],
  ]);
  const rows = (pairs: [number, number][]): Int32Array => Int32Array.from(pairs, ([row]) => row);
  const columns = (pairs: [number, number][]): Int32Array => Int32Array.from(pairs, ([, c]) => c);
  const adjacency = csrFromPairs(nodes, nodes, rows(arcs), columns(arcs));
  const features = csrFromPairs(nodes, 12, rows(words), columns(words));
  const shape = { features: 12, classes: 3 };
  const base = { kind: "gcnii", alpha: 0.1, lambda: 0.5, dropout: 0 } as const;
  return {
    inputs: {
      adjacency: SparseMatrix.from(symmetricNormalised(adjacency)),
      features: SparseMatrix.from(rowNormalised(features)),
    },
    train: new Targets(
      Int32Array.from(ring, (k) => k % 3),
      Int32Array.from(ring),
      3,
    ),
    teacher: new Gcnii({ ...base, layers: 5, width: 8 }, shape, 3),
    student: new Gcnii({ ...base, layers: 3, width: 4 }, shape, 4),
    seed: 5,
  };
}

test("eq. 7, eq. 8 and the derivative of D agree with autograd", () => {
  const checks = checkTerms(scene(), [
    [2, 1],
    [4, 2],
    [5, 3],
  ]);
  for (const check of checks) {
    assert.ok(check.productRule < 1e-4, `eq. 7: ${check.productRule}`);
    assert.ok(check.equation8 < 1e-4, `eq. 8: ${check.equation8}`);
    assert.ok(check.dissimilarityTerm < 1e-4, `D: ${check.dissimilarityTerm}`);
    assert.ok(check.attention > 0 && check.attention < 1 && check.dissimilarity > 0);
  }
  // Eq. 8 leaves out the later layers' part of softmax; the last student layer has none.
  assert.ok(checks[0]!.leftOut > 1e-3);
  assert.ok(checks[2]!.leftOut < 1e-4);
});

test("weights after teacher layer i do not reach the losses of its row; the teacher is unchanged", () => {
  const one = scene();
  const before = one.teacher.parameters.map(({ variable }) => [...variable.dataSync()]);
  const row = teacherReach(one, "abkd-row", [1, 3, 4, 5], 3);
  assert.ok(row.slice(0, 2).every((line) => line.every((x) => x > 1e-6)));
  assert.ok(row.slice(2).every((line) => line.every((x) => x === 0)));
  const abkd = teacherReach(one, "abkd", [1, 5]);
  const softkd = teacherReach(one, "softkd", [1, 5]);
  assert.ok([...abkd, ...softkd].every((line) => line.length === 3 && line.every((x) => x > 1e-6)));
  assert.deepEqual(
    one.teacher.parameters.map(({ variable }) => [...variable.dataSync()]),
    before,
  );
  const words = theoremWords(checkTerms(one, [[2, 1]]), [1, 5], { abkd, softkd });
  assert.match(words[0]!, /The equations hold/);
  assert.match(words.at(-1)!, /with ABKD 1, 5; .* 1, 5\.$/);
});

test("the layers up to FitNet's inner layer reach it, and none after it do", () => {
  const reach = teacherReach(scene(), { method: "fitnet", hint: 3 }, [1, 3, 4, 5]);
  assert.ok(reach.slice(0, 2).every((row) => row.every((x) => x > REACH_NOISE)));
  assert.ok(reach.slice(2).every((row) => row.every((x) => x === 0)));
});

test("a deep teacher's early layers arrive at losses on inner maps, and at none on logits", () => {
  const { inputs, train, student, seed } = scene();
  // What layer 1 computes reaches the last map with weight (1 - 0.5)^31 = 5e-10.
  const config = {
    kind: "gcnii",
    layers: 32,
    width: 8,
    alpha: 0.5,
    lambda: 0.5,
    dropout: 0,
  } as const;
  const teacher = new Gcnii(config, { features: 12, classes: 3 }, 3);
  const reach = measureReach({ inputs, train, teacher, student, seed });
  const first = (label: string): number => reach.find((one) => one.label === label)!.most[0]!;
  for (const label of ["SoftKD", "FitNet", "AT"]) assert.ok(first(label) < REACH_NOISE, label);
  for (const label of [
    "ABKD as written",
    "ABKD with uniform attention",
    "FitNet from teacher layer 8",
  ])
    assert.ok(first(label) > REACH_NOISE, label);
  const last = (label: string): number => reach.find((one) => one.label === label)!.most[31]!;
  for (const label of ["SoftKD", "FitNet", "AT"]) assert.ok(last(label) > REACH_NOISE, label);
});

/** Makes the record of a four-layer teacher: which layers reach each loss, 1 if a layer arrives. */
function made(changes: Partial<Record<"abkd" | "softkd" | "at" | "hint", number[]>>): DepthRecord {
  const given = { abkd: [1, 1, 1, 1], softkd: [0, 0, 0, 1], at: [0, 0, 1, 1], hint: [1, 1, 0, 0] };
  const all = { ...given, ...changes };
  const other = { attention: false } as const;
  const teacher = theoremTeacher();
  const same = (reach: number[]) => ({ most: reach, least: reach });
  const uniform = {
    label: "uniform",
    reads: "inner maps",
    ...other,
    ...same([0, 0, 1, 1]),
  } as const;
  return depthRecord(teacher, {
    reach: [
      { label: "ABKD as written", reads: "inner maps", attention: true, ...same(all.abkd) },
      uniform,
      { label: "FitNet from teacher layer 2", reads: "inner maps", ...other, ...same(all.hint) },
      { label: "SoftKD", reads: "logits", ...other, ...same(all.softkd) },
      { label: "AT", reads: "last map", ...other, ...same(all.at) },
    ],
    terms: {
      ...{ pairs: 9, productRule: 1e-7, equation8: 1e-7, leftOut: 0.4 },
      attentionShare: [0.0008, 0.0029],
    },
  });
}

test("the verdicts follow from the numbers, either way", () => {
  const outcomes = (changes: Parameters<typeof made>[0]) =>
    depthClaims(made(changes)).map(({ verdict }) => verdict.outcome);
  assert.deepEqual(outcomes({}), ["reproduced", "reproduced", "reproduced", "differs"]);
  // Earlier, an 8-layer teacher, whose layers all reach its logits, decided the claim about SoftKD.
  assert.equal(outcomes({ softkd: [1, 1, 1, 1] })[1], "differs");
  assert.equal(outcomes({ softkd: [0, 1, 1, 1] })[1], "reproduced");
  assert.equal(outcomes({ at: [1, 1, 1, 1] })[2], "differs");
  assert.equal(outcomes({ abkd: [1, 1, 1, 0] })[0], "differs");
  // Layer 2 arrives only at ABKD.
  assert.equal(outcomes({ hint: [1, 0, 0, 0] })[3], "undecided");
  const [, softkd, , any] = depthClaims(made({}));
  assert.equal(
    softkd!.ours,
    "SoftKD: 1 of 4 teacher layers arrive, the first is 4, the last 4, 1 of them at every student layer",
  );
  assert.match(any!.verdict.why, /4 of 4 layers arrive without attention/);
  assert.deepEqual(
    depthClaims(undefined).map(({ verdict }) => verdict.outcome),
    ["none", "none", "none", "none"],
  );
  assert.match(depthWords(made({})).join(" "), /is 0\.080 to 0\.29 % of the gradient/);
});

test("the numbers at depth are stored with a digest, and trusted for this teacher only", (t) => {
  const folder = temporaryFolder(t);
  assert.equal(readDepth(folder), undefined);
  const path = writeDepth(folder, made({}));
  assert.deepEqual(readDepth(folder), made({}));
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace("0.0029", "0.9029"));
  assert.match(String(readDepth(folder)), /theorem-1\.json was altered/);
  const { digest: _, ...content } = made({});
  const other = { ...theoremTeacher(), seed: 9 };
  writeDepth(folder, sealed({ ...content, teacher: other, id: runId(other) }));
  assert.match(String(readDepth(folder)), /is for another teacher/);
  writeDepth(folder, sealed({ ...content, versions: { ...content.versions, abkd: 99 } }));
  assert.match(String(readDepth(folder)), /abkd's version 99, which this abkd does not have/);
  // A method that somebody added, or that no longer exists.
  writeDepth(folder, sealed({ ...content, versions: { ...content.versions, matching: 1 } }));
  assert.match(String(readDepth(folder)), /matching's version 1, which this abkd does not have/);
});

test("the report computes the equations now, and takes the reach from the trained teacher's committed numbers", async () => {
  const { claims, about } = await theoremReport("results");
  assert.deepEqual(
    claims.slice(0, 2).map(({ verdict }) => verdict.outcome),
    ["reproduced", "reproduced"],
  );
  const record = readDepth("results");
  assert.ok(typeof record === "object", String(record));
  assert.deepEqual(claims.slice(2), depthClaims(record));
  assert.ok(record.reach.every(({ most, least }) => most.length === 64 && least.length === 64));
  assert.match(about, /over \d+ pairs of layers/);
  const nothing = await theoremReport("no-such-folder");
  assert.match(nothing.about, /abkd study theorem computes them/);
  assert.deepEqual(
    nothing.claims.map(({ verdict }) => verdict.outcome),
    ["reproduced", "reproduced", "none", "none", "none", "none"],
  );
});

test("equal sizes are reproduced; a graph that is not available is not testable", async () => {
  const claims = [...(await table9Claims()), ...(await modelSizeClaims())];
  for (const { dataset, paper, ours, verdict } of claims) {
    const expected =
      ours === undefined ? "not testable" : ours === paper ? "reproduced" : "differs";
    assert.equal(verdict.outcome, expected, dataset);
  }
  assert.ok(claims.some(({ dataset, ours }) => dataset === "ogbn-mag" && ours === undefined));
});
