// Simulates the rule for verdicts on the committed differences of Table 3, and writes to docs/studies.md the
// ordering test's size and how often the intervals contain the truth.
//
//     node scripts/simulate-rule.ts

import { readFileSync, writeFileSync } from "node:fs";
import { columnsOf, markdownTable } from "../src/base/table.ts";
import { grouped, inPercent } from "../src/display/format.ts";
import { datasetName } from "../src/experiments/evidence.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { ResultsStore } from "../src/experiments/results-store.ts";
import { distinctTrials } from "../src/experiments/run-study.ts";
import { type Behaviour, type Material, simulate } from "../src/experiments/simulation.ts";
import { mean } from "../src/experiments/statistics.ts";
import { findStudy } from "../src/experiments/studies/index.ts";
import { planStudy } from "../src/experiments/study.ts";
import { TrialTable, testAccuracy } from "../src/experiments/trial-table.ts";
import { randomStream } from "../src/graph/random.ts";

const DRAWS = 10_000;
const DEATHS = [0, 0.05, 0.3] as const;
const SPLITS = [10, 20] as const;

/** Returns material for the claimed orderings of live arms. */
function materials(dataset: string): Material[] {
  const study = findStudy("table3");
  const plan = planStudy(study, { profile: "paper", datasets: [dataset], split: "geom-gcn" });
  const table = new TrialTable(
    plan.trials,
    new ResultsStore("results").read(distinctTrials(plan).keys()),
  );
  const dead = table.done("abkd:literal").filter(({ record }) => record.dead);
  const floor = mean(dead.map(({ record }) => testAccuracy(record)));
  return study.claims(dataset).flatMap((claim): Material[] => {
    if (claim.kind !== "ordering" || table.mostLost(claim.better)) return [];
    const values = [...table.values(claim.worse, table.splits, testAccuracy).values()];
    const differences = table.differences(claim.better, claim.worse);
    return [{ differences, values, drop: mean(values) - floor }];
  });
}

function row(dataset: string, splits: number, deaths: number): string[] {
  const found = materials(dataset).map((material, k) =>
    simulate(material, { splits, students: 2, deaths, draws: DRAWS }, randomStream(k + 1)),
  );
  const over = (name: keyof Behaviour, worst: (...xs: number[]) => number): string =>
    inPercent(worst(...found.map((one) => one[name])));
  const cells = [over("size", Math.max), over("unequal", Math.max)];
  const covered = [over("difference", Math.min), over("mean", Math.min)];
  return [datasetName(dataset), String(splits), inPercent(deaths), ...cells, ...covered];
}

const rows = ["cora", "citeseer"].flatMap((dataset) =>
  SPLITS.flatMap((splits) => DEATHS.map((deaths) => row(dataset, splits, deaths))),
);
const columns = columnsOf(
  "graph",
  "splits | students that die, % | size, exchangeable arms, % | size, unequal shapes, % | " +
    "interval of a difference holds, % | interval of a mean holds, %",
);
const file = new URL("../docs/studies.md", import.meta.url);
const note = `${grouped(DRAWS)} studies a row and pair; the worst of the claimed orderings of living arms.`;
const text = `${markdownTable({ columns, rows })}\n\n${note}`;
writeFileSync(file, writeSection(readFileSync(file, "utf8"), "simulation", text));
console.log(text);
