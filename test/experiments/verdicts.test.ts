// Table 3's verdicts on the committed records, against an independent recomputation with scipy.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { registrationDigest } from "../../src/experiments/registration.ts";
import { registrations } from "../../src/experiments/registrations.ts";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { findStudy, studies } from "../../src/experiments/studies/index.ts";
import { planStudy } from "../../src/experiments/study.ts";
import { studyReport } from "../../src/experiments/study-report.ts";
import { RULE } from "../../src/experiments/verdict.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** Finds the first Python that has scipy. */
function pythonWithScipy(): string | undefined {
  const all = [".venv/bin/python", ".venv-bench/bin/python"].map((one) => path.join(root, one));
  return [process.env["ABKD_SCIPY_PYTHON"] ?? "", ...all, "python3"].find(
    (one) => one !== "" && spawnSync(one, ["-c", "import scipy"]).status === 0,
  );
}

type Compared = readonly { other: string; outcome: string; p: number }[];

interface Recomputed {
  readonly claims: readonly { text: string; outcome: string; p: number | null }[];
  readonly controls: Compared;
  readonly rivals: Compared;
}

const python = pythonWithScipy();
const skip = python === undefined ? "no Python with scipy here (.ci/run installs one)" : false;

for (const dataset of ["cora", "citeseer"]) {
  test(`Table 3 on ${dataset}: scipy gives the same verdicts`, { skip }, () => {
    const plan = planStudy(findStudy("table3"), { profile: "paper", datasets: [dataset] });
    const store = new ResultsStore(path.join(root, "results"));
    const { comparisons, claims } = studyReport(plan, store).datasets[0]!;
    const arms = plan.study.arms.filter(({ searchedAgain }) => searchedAgain === undefined);
    const [controls = [], others = []] = [true, false].map((wanted) =>
      arms.filter(({ role }) => (role === "control") === wanted).map(({ id }) => id),
    );
    const input = {
      results: store.folder,
      trials: plan.trials.map(({ arm, split, id }) => ({ arm, split, id })),
      claims: plan.study.claims(dataset),
      subject: plan.study.subject,
      ...{ controls, others },
    };
    const { stdout, stderr, status } = spawnSync(
      python!,
      [path.join(import.meta.dirname, "verdicts.py")],
      { input: JSON.stringify(input), encoding: "utf8", maxBuffer: 2 ** 26 },
    );
    assert.equal(status, 0, stderr);
    const theirs = JSON.parse(stdout) as Recomputed;
    assert.deepEqual(
      claims.map(({ text, verdict }) => [text, verdict.outcome]),
      theirs.claims.map(({ text, outcome }) => [text, outcome]),
    );
    for (const [name, expected] of [
      ["control", theirs.controls],
      ["rival", theirs.rivals],
    ] as const) {
      const ours = comparisons.filter(({ family }) => family === name);
      assert.ok(expected.length > 1, `no family of ${name}s`);
      assert.deepEqual(
        ours.map(({ other, verdict }) => [other, verdict.outcome]),
        expected.map(({ other, outcome }) => [other, outcome]),
      );
      ours.forEach(({ other, holm }, k) => {
        const { p } = expected[k]!;
        assert.ok(Math.abs(holm - p) < 1e-12, `${other}: ${holm}, scipy ${p}`);
      });
    }
    for (const { text, p } of theirs.claims) {
      if (p === null) continue;
      const claim = plan.study.claims(dataset).find((one) => one.text === text)!;
      assert.ok(claim.kind === "ordering");
      const ours = comparisons.find(
        ({ one, other }) => one === claim.better && other === claim.worse,
      )!;
      assert.ok(Math.abs(ours.holm - p) < 1e-12, `${text}: ${ours.holm}, scipy ${p}`);
    }
  });
}

/** Returns a column's minimum and maximum over the rows of one death rate, as whole numbers. */
function spread(rows: readonly (readonly string[])[], deaths: string, column: number): string {
  const numbers = rows.filter((row) => row[2] === deaths).map((row) => Number(row[column]));
  assert.equal(numbers.length, 4);
  return `${Math.round(Math.min(...numbers))} to ${Math.round(Math.max(...numbers))}`;
}

test("what the rule says about its intervals is what was simulated", () => {
  const document = readFileSync(path.join(root, "docs/studies.md"), "utf8");
  const table = /generated: simulation(.*)end: simulation/s.exec(document)![1]!;
  const rows = table
    .split("\n")
    .filter((line) => /^\| (Cora|Citeseer)/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [difference, ofMean] = [5, 6];
  const both = (deaths: string): string => {
    const ends = [difference, ofMean].flatMap((k) => spread(rows, deaths, k).split(" to "));
    const numbers = ends.map(Number);
    return `${Math.min(...numbers)} to ${Math.max(...numbers)}`;
  };
  const [alive, many] = [both("0.0"), both("30.0")];
  const [few, fewMeans] = [spread(rows, "5.0", difference), spread(rows, "5.0", ofMean)];
  assert.equal(
    RULE.at(-1),
    "Simulated on these differences (docs/studies.md) the test keeps its size. Of 100 intervals of 95 %, " +
      `${alive} hold the truth where no student dies, and ${many} where three in ten do; where one in twenty ` +
      `does, ${few} of a difference's and ${fewMeans} of a mean's.`,
  );
  const text = document.replaceAll(/\s+/g, " ");
  assert.ok(text.includes(`Where none does, only ${alive} hold it`));
  assert.ok(text.includes(`${many} hold the truth where three students in ten die`));
  assert.ok(text.includes(`${few} of a difference's hold it and ${fewMeans} of a mean's`));
});

test("the current claims and rule are registered", () => {
  for (const study of studies) {
    const last = registrations[study.name]?.at(-1);
    assert.equal(
      last?.digest,
      registrationDigest(study),
      `${study.name}'s claims changed: node scripts/register-studies.ts, and say why in docs/decisions.md`,
    );
  }
});
