// Theorem 1's check: formulas against autograd, and zeros where nothing can arrive.
import assert from "node:assert/strict";
import { test } from "node:test";
import { modelSizeClaims, table9Claims } from "../../src/experiments/sizes.ts";
import { checkTerms, teacherReach } from "../../src/experiments/theorem1.ts";
import { theoremReport } from "../../src/experiments/theorem1-report.ts";
import { theoremWords } from "../../src/figures/theorem.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { rowNormalised, symmetricNormalised } from "../../src/graph/normalise.ts";
import { Gcnii } from "../../src/models/gcnii.ts";
import { SparseMatrix, startEngine, Targets } from "../../src/tensor/index.ts";

startEngine();

/** A ring of 40 nodes with two words each. */
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

test("eq. 7, eq. 8 and the derivative of D are autograd's", () => {
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
  // The softmax over other layers is left out everywhere but behind the last student layer.
  assert.ok(checks[0]!.leftOut > 1e-3);
  assert.ok(checks[2]!.leftOut < 1e-4);
});

test("weights behind teacher layer i do not reach the losses of its row; the teacher is as before", () => {
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

test("the report's claims: the equations hold, and SoftKD too depends on every layer", async () => {
  const { claims, about } = await theoremReport();
  assert.deepEqual(
    claims.map(({ verdict }) => verdict.outcome),
    ["reproduced", "reproduced", "reproduced", "refuted"],
  );
  assert.match(about, /over \d+ pairs of layers/);
});

test("sizes: equal ones are reproduced, a graph that is not here is not testable", async () => {
  const claims = [...(await table9Claims()), ...(await modelSizeClaims())];
  for (const { dataset, paper, ours, verdict } of claims) {
    const expected =
      ours === undefined ? "not testable" : ours === paper ? "reproduced" : "refuted";
    assert.equal(verdict.outcome, expected, dataset);
  }
  assert.ok(claims.some(({ dataset, ours }) => dataset === "ogbn-mag" && ours === undefined));
});
