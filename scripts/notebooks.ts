// `npm run notebooks [-- 04 05] [--inplace]`: runs notebooks headless in the quick profile, one line for each.
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../src/base/errors.ts";
import { writeAtomic } from "../src/base/files.ts";
import { duration } from "../src/display/format.ts";
import { keepRun, notebookRuns, provideRun } from "../src/experiments/committed-runs.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { ResultsStore } from "../src/experiments/results-store.ts";
import { distinctTrials } from "../src/experiments/run-study.ts";
import { studies } from "../src/experiments/studies/index.ts";
import { planStudy } from "../src/experiments/study.ts";
import { type Notebook, readNotebook, serialiseNotebook } from "../src/notebook/nbformat.ts";
import { chooseKernel, INTERRUPTED, runNotebook } from "../src/notebook/run.ts";

const root = path.resolve(import.meta.dirname, "..");
const folders = { results: path.join(root, "results"), runs: path.join(root, "runs") };

/** The datasets on which a notebook trains what the results lack. */
const TRAINED = ["cora", "citeseer"];

/** Whether the results contain everything that the notebooks would otherwise train. */
function allStored(): boolean {
  const ids = studies.flatMap((study) => {
    const datasets = TRAINED.filter((name) => study.datasets.includes(name));
    return [...distinctTrials(planStudy(study, { profile: "quick", datasets })).keys()];
  });
  return new ResultsStore(folders.results).read(ids).records.size === new Set(ids).size;
}

interface Job {
  readonly file: string;
  readonly name: string;
  readonly notebook: Notebook;
}

function jobs(chosen: readonly string[]): Job[] {
  const files = globSync("notebooks/*.ipynb", { cwd: root }).sort();
  const wanted = files.filter(
    (file) => chosen.length === 0 || chosen.some((one) => path.basename(file).startsWith(one)),
  );
  if (wanted.length === 0) {
    throw new UserError(`no notebook's name begins with ${chosen.join(" or ")}`);
  }
  return wanted.map((name) => {
    const file = path.join(root, name);
    return { file, name: path.basename(name, ".ipynb"), notebook: readNotebook(file) };
  });
}

/** Runs jobs one after another on each of `lanes` Jupyter kernels; reports each, with the time left. */
async function runAll(
  all: readonly Job[],
  lanes: number,
  inplace: boolean,
): Promise<Map<string, number> | null> {
  const kernel = chooseKernel();
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => controller.abort());
  const began = performance.now();
  const queue = [...all];
  const took = new Map<string, number>();
  let done = 0;
  let good = true;
  const seconds = (from: number): number => (performance.now() - from) / 1000;
  const lane = async (): Promise<void> => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const from = performance.now();
      const { signal } = controller;
      const cwd = path.dirname(job.file);
      const { failure } = await runNotebook(job.notebook, { kernel, cwd, signal });
      if (failure?.kind === "interrupt")
        throw new UserError("interrupted", { exitCode: INTERRUPTED });
      if (inplace) writeAtomic(job.file, serialiseNotebook(job.notebook));
      done++;
      took.set(job.name, seconds(from));
      const left = (seconds(began) / done) * (all.length - done);
      const state = failure
        ? `FAILED in cell ${failure.number} of ${failure.total}: ${failure.message}`
        : "ok";
      if (failure) good = false;
      const about = done < all.length ? `, about ${duration(left)} left` : "";
      console.log(
        `${done}/${all.length} ${job.name}: ${state}, ${duration(seconds(from))}${about}`,
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, all.length) }, lane));
  const end = good ? "all ran" : "some failed";
  console.log(`${all.length} notebooks, ${end}, ${duration(seconds(began))}`);
  return good ? took : null;
}

/** Returns a notebook's first heading: its question. */
function question({ cells }: Notebook): string {
  return /^# (.*)$/m.exec(cells[0]?.source ?? "")?.[1] ?? "";
}

/** Writes the index in notebooks/README.md: one row per notebook, with the seconds that it just took. */
function writeIndex(all: readonly Job[], took: ReadonlyMap<string, number>, lanes: number): void {
  const file = path.join(root, "notebooks/README.md");
  const rows = all.map(({ name, notebook }) => {
    const seconds = Math.ceil(took.get(name) ?? Number.NaN);
    return `| [${name}](${name}.ipynb) | ${question(notebook)} | ${seconds} s |`;
  });
  const time = `again, ${lanes} at a time on ${availableParallelism()} cores`;
  const table = [`| notebook | question | ${time} |`, "|---|---|---|", ...rows].join("\n");
  writeFileSync(file, writeSection(readFileSync(file, "utf8"), "index", table));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      inplace: { type: "boolean", default: false },
      // Copies the notebooks' trained runs to results/runs, to be committed with the results.
      keep: { type: "boolean", default: false },
    },
  });
  const all = jobs(positionals);
  for (const config of notebookRuns()) provideRun(config, folders);
  // Training uses all cores; notebooks that only draw can share them.
  const lanes = allStored() ? Math.min(4, availableParallelism()) : 1;
  const took = await runAll(all, lanes, values.inplace);
  if (took && values.inplace && positionals.length === 0) writeIndex(all, took, lanes);
  if (values.keep) for (const config of notebookRuns()) keepRun(config, folders);
  process.exitCode = took ? 0 : 1;
}

main().catch((error: unknown) => {
  const wrongOption = String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");
  if (!(error instanceof UserError) && !wrongOption) throw error;
  console.error(`abkd: ${(error as Error).message}`);
  process.exitCode = error instanceof UserError ? error.exitCode : 2;
});
