// Trains models alone on graphs that the paper does not have, and writes their accuracies into docs/datasets.md, beside
// what PyG reaches with the same protocol. The runs folder keeps the runs: called again, it only writes the table.
//
//     node scripts/anchors.ts

import { readFileSync, writeFileSync } from "node:fs";
import { columnsOf, markdownTable } from "../src/base/table.ts";
import { inPercent } from "../src/display/format.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { mean, standardDeviation } from "../src/experiments/statistics.ts";
import { teacherConfig } from "../src/training/recipes.ts";
import type { RunConfig } from "../src/training/run.ts";
import { runTrials } from "../src/training/trials.ts";

interface Anchor {
  readonly dataset: string;
  readonly kind: "gcn" | "mlp";
  /** PyG's accuracy in percent, with its standard deviation over 3 seeds: ../shared/reference/large.md, section 6. */
  readonly pyg: readonly [mean: number, deviation: number];
}

const ANCHORS: readonly Anchor[] = [
  { dataset: "facebook", kind: "gcn", pyg: [94.84, 0.12] },
  { dataset: "facebook", kind: "mlp", pyg: [89.76, 0.56] },
];

/** Each draws a split and the initial weights, as PyG's runs do. */
const SEEDS = [1, 2, 3] as const;

function configsOf({ dataset, kind }: Anchor): RunConfig[] {
  return SEEDS.map((seed) =>
    teacherConfig(
      { dataset, split: `random:60/20/20:${seed}`, seed },
      {
        model: { kind, layers: 2, width: 64, dropout: 0.5 },
        training: { epochs: 500, patience: 100, learningRate: 0.01, weightDecay: 5e-4 },
      },
    ),
  );
}

const configs = ANCHORS.map(configsOf);
const results = await runTrials(configs.flat(), { resume: true });
const rows = ANCHORS.map(({ dataset, kind, pyg }, k) => {
  const runs = results.slice(k * SEEDS.length, (k + 1) * SEEDS.length);
  const found = runs.map(({ accuracy }) => accuracy.test);
  const spread = `${inPercent(mean(found), 2)} ± ${inPercent(standardDeviation(found), 2)}`;
  return [
    dataset,
    `${kind.toUpperCase()} 2L-64`,
    found.map((accuracy) => inPercent(accuracy, 2)).join(", "),
    spread,
    `${pyg[0]} ± ${pyg[1]}`,
  ];
});
const columns = columnsOf("graph | model", "each seed, % | mean ± sd, % | PyG, %");
const text = markdownTable({ columns, rows });
const file = new URL("../docs/datasets.md", import.meta.url);
writeFileSync(file, writeSection(readFileSync(file, "utf8"), "anchors", text));
console.log(text);
