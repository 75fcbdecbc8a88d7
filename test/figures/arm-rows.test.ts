// The rows of an accuracy figure: the paper's first, the others sorted in groups, and one hue a family.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ArmReport } from "../../src/experiments/report-data.ts";
import { armRows } from "../../src/figures/arm-rows.ts";

function arm(method: string, mean: number | undefined, more: Partial<ArmReport> = {}): ArmReport {
  const counts = {
    n: mean === undefined ? 0 : 20,
    planned: 20,
    dead: 0,
    nearlyDead: 0,
    diverged: 0,
  };
  const own = { method, label: method, role: "rival", trials: [], tests: [], ...counts } as const;
  return { ...own, ...(mean !== undefined && { mean }), ...more };
}

const paper = { mean: 80 };
const arms = [
  arm("student", 0.79, { paper, role: "baseline" }),
  arm("lsp", 0.85, { paper }),
  arm("softkd", 0.87, { role: "control" }),
  arm("abkd:dead", 0.9, { role: "control", dead: 19 }),
  arm("abkd", 0.84, { paper, role: "method" }),
  arm("at+soft", 0.8),
  arm("at", 0.82),
  arm("at:published", 0.5, { publishedOf: "at" }),
  arm("fitnet", undefined),
  arm("same", 0.8, { sameAs: "at" }),
];
const names = (rows: ReturnType<typeof armRows>): string[] =>
  rows.map((row) => ("arm" in row ? row.arm.method : row.heading.toUpperCase()));

test("the paper's arms keep its order, the others are sorted, and the dead come last", () => {
  const own = ["IN THE PAPER", "student", "lsp", "abkd"];
  const others = ["NOT IN THE PAPER", "at", "at+soft", "CONTROLS", "softkd", "abkd:dead"];
  assert.deepEqual(names(armRows(arms)), [...own, ...others, "PUBLISHED WEIGHTS", "at:published"]);
});

test("one group alone has no heading", () => {
  assert.deepEqual(names(armRows(arms.slice(0, 2))), ["student", "lsp"]);
});

test("a family has one look", () => {
  const looks = new Map(
    armRows(arms).flatMap((row) => ("arm" in row ? [[row.arm.method, row.look] as const] : [])),
  );
  assert.deepEqual(looks.get("at"), looks.get("at+soft"));
  assert.deepEqual(looks.get("at"), looks.get("at:published"));
  assert.deepEqual(looks.get("abkd"), looks.get("abkd:dead"));
  assert.notDeepEqual(looks.get("abkd"), looks.get("at"));
});
