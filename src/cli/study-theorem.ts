// abkd study theorem: measures Theorem 1 at the paper's depth, on the trained teacher in the results.
import { Command } from "commander";
import { loadDataset, loadSplit } from "../datasets/index.ts";
import { duration } from "../display/format.ts";
import { RESULTS_FOLDER } from "../experiments/results-store.ts";
import {
  depthRecord,
  measureReach,
  measureTerms,
  theoremStudent,
  theoremTeacher,
  writeDepth,
} from "../experiments/theorem1-depth.ts";
import { depthClaims } from "../experiments/theorem1-report.ts";
import { openRunIn } from "../figures/open-run.ts";
import { Gcnii } from "../models/gcnii.ts";
import { startEngine } from "../tensor/index.ts";
import { graphInputs, splitTargets } from "../training/inputs.ts";
import { RUNS_FOLDER } from "../training/run-store.ts";
import { print, tellText } from "./output.ts";

interface TheoremFlags {
  readonly data?: string;
  readonly results: string;
  readonly runs: string;
  readonly quiet?: boolean;
}

export function theoremCommand(): Command {
  return new Command("theorem")
    .description(
      "Theorem 1 at the paper's depth, on Cora's trained teacher; takes minutes, and the report uses the result",
    )
    .option("--data <folder>", "look for datasets here first")
    .option("--results <folder>", "where its numbers are kept", RESULTS_FOLDER)
    .option("--runs <folder>", "models, checkpoints and cached teachers", RUNS_FOLDER)
    .option("--quiet", "no progress")
    .action(theorem);
}

async function theorem({ data, results, runs, quiet }: TheoremFlags): Promise<void> {
  const began = performance.now();
  const place = data === undefined ? {} : { dataDir: data };
  startEngine();
  const config = theoremTeacher();
  const graph = await loadDataset(config.dataset, { ...place, download: true });
  const { model: teacher } = await openRunIn({ results, runs }, config, place);
  const { model, seed } = theoremStudent();
  const shape = { features: graph.features.columns, classes: graph.classes };
  const scene = {
    inputs: graphInputs(graph).value,
    train: splitTargets(graph, await loadSplit(graph, config.split)).value.train,
    teacher,
    student: new Gcnii(model, shape, seed),
    seed,
  };
  if (!quiet)
    tellText("changing each of the teacher's layers and evaluating every loss; this takes minutes");
  const record = depthRecord(config, { reach: measureReach(scene), terms: measureTerms(scene) });
  const path = writeDepth(results, record);
  const lines = depthClaims(record).map(
    ({ text, ours, verdict }) => `${text}: ${verdict.outcome}\n  ${ours}; ${verdict.why}`,
  );
  const seconds = (performance.now() - began) / 1000;
  print(
    [
      ...lines,
      `${duration(seconds)}; the numbers are in ${path}, where abkd study report reads them`,
    ].join("\n"),
  );
}
