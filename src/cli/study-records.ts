// abkd study pack and show: work on the records of trials.
import { statSync } from "node:fs";
import { Command } from "commander";
import { UserError } from "../base/errors.ts";
import { packResults } from "../experiments/pack-results.ts";
import { RESULTS_FOLDER, ResultsStore } from "../experiments/results-store.ts";
import { print, printJson, tell } from "./output.ts";

interface Flags {
  readonly results: string;
}

export function packCommand(): Command {
  return new Command("pack")
    .description("pack finished trials into one file per dataset; may be stopped at any moment")
    .option("--results <folder>", "where results are kept", RESULTS_FOLDER)
    .action(pack);
}

export function showCommand(): Command {
  return new Command("show")
    .description("the record of one trial as JSON: configuration, accuracies, attention")
    .argument("<id>", "of the trial, 16 hex digits; reports list them")
    .option("--results <folder>", "where results are kept", RESULTS_FOLDER)
    .action(show);
}

function pack({ results }: Flags): void {
  const { packed, packs, problems } = packResults(new ResultsStore(results));
  for (const problem of problems) tell(problem);
  const lines = packs.map(({ path, lines: { size } }) => {
    const megabytes = (statSync(path).size / 1e6).toFixed(1);
    return `${path}: ${size} records, ${megabytes} MB`;
  });
  print([`${packed} trials packed`, ...lines].join("\n"));
  if (problems.length > 0) process.exitCode = 1;
}

function show(id: string, { results }: Flags): void {
  if (!/^[0-9a-f]{16}$/.test(id)) {
    throw new UserError(`"${id}" is not a trial: an id has 16 hex digits, and reports list them`);
  }
  const store = new ResultsStore(results);
  const { records, failures, problems } = store.read([id]);
  const record = records.get(id) ?? failures.get(id);
  if (!record) {
    const why = problems.map(({ message }) => `; ${message}`).join("");
    throw new UserError(`no trial ${id} in ${store.folder}${why}`);
  }
  printJson(record);
}
