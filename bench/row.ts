// Trains one whole row of table 3 with this project: `node bench/row.ts REQUEST.json`, like peers/row.py.
import { readFileSync } from "node:fs";
import type { RunConfig } from "../src/training/run.ts";
import { runTrials } from "../src/training/trials.ts";

interface Request {
  readonly students: readonly RunConfig[];
  readonly runsDir: string;
}

const { students, runsDir } = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Request;
const results = await runTrials(students, { runsDir, observer: () => {} });
console.log(JSON.stringify({ accuracies: results.map(({ accuracy }) => accuracy.test) }));
