// The paper's inconsistencies, computed, against those that the reference found by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gcniiParameters, inconsistencies } from "../../src/experiments/inconsistencies.ts";

const facts = new Map(inconsistencies().map((fact) => [fact.id, fact]));
const textOf = (id: string): string => facts.get(id)!.text;

test("every contradiction that needs no data is found", () => {
  const missed = [...facts.values()].filter(({ holds }) => !holds).map(({ id }) => id);
  assert.deepEqual(missed, ["nell-constant"]);
});

test("the contradictions state the right numbers", () => {
  assert.match(textOf("ablations-above-main"), /Of 10 .*9 are above table 3's 84\.27/);
  assert.match(textOf("d_a-at-another-beta"), /probably run with beta 1\./);
  assert.match(textOf("arxiv-gain"), /1\.38.*gsp \(71\.97\), it is 1\.28/);
  assert.match(textOf("parameter-counts"), /nell 22654 and 27\.40.*6L-4H: 22686 and 27\.73/);
  assert.match(textOf("auxiliary-parameters"), /1070080 .* 1118208/);
  assert.match(textOf("nell-constant-from-counts"), /85\.24 %.*6 %.*23 %.*45 %.*70 %/);
  assert.match(textOf("eq4-trivial-optimum"), /1e-2, 1e-4, 0/);
  assert.equal(gcniiParameters(1433, 7, 4, 4), 5835);
});

test("NELL's constant predictor is counted on the graph if it is available", () => {
  const labels = new Int32Array(65_755).fill(-1);
  for (let k = 0; k < 9891; k++) labels[k] = k < 185 ? 0 : 1 + (k % 185);
  const found = inconsistencies({ nodes: 65_755, labels, classes: 186 }).find(
    ({ id }) => id === "nell-constant",
  )!;
  assert.match(found.text, /9891 have a label, 1\.87 % .* 85\.24 %/);
  assert.ok(found.holds);
});
