// The process of a task that trains: does some of its trials as `abkd study run` would, and reports to the task.
//     node task-trials.ts FOLDER ARRAY INDEX, with a channel to the process that started it
import path from "node:path";
import { UserError } from "../base/errors.ts";
import { VERSION } from "../base/own-package.ts";
import { lookAgain } from "../base/shared-files.ts";
import { ResultsStore } from "../experiments/results-store.ts";
import { runRecorded } from "../experiments/run-study.ts";
import { importModules } from "../training/modules.ts";
import type { TrainingEvent } from "../training/observer.ts";
import type { RunConfig } from "../training/run.ts";
import { configForm } from "../training/run-form.ts";
import { runId } from "../training/run-id.ts";
import { runTrials } from "../training/trials.ts";
import type { Report } from "./task.ts";
import { readTask, type Task, type TaskRun } from "./task-file.ts";

const controller = new AbortController();

function report(said: Report): void {
  process.send?.(said);
}

let hadEpoch = false;

function observer(event: TrainingEvent): void {
  if (event.type === "start") report({ type: "begin", id: event.id });
  if (event.type === "epoch" && !hadEpoch) {
    hadEpoch = true;
    report({ type: "epoch" });
  }
  if (event.type === "finish") report({ type: "done", id: event.id });
  if (event.type === "fail") {
    process.stderr.write(`abkd: ${event.message}\n`);
    // A loss that became non-finite has its record.
    const { id, message } = event;
    report(event.diverged ? { type: "done", id } : { type: "failed", id, message });
  }
  if (event.type === "note") process.stderr.write(`abkd: ${event.message}\n`);
}

/** @throws UserError if the task is another version's, or holds what is no configuration */
async function work(task: Task, wanted: ReadonlySet<string>): Promise<void> {
  const { library, results, runs, data, modules, cpus, retryFailed, trials } = task;
  if (library !== VERSION) {
    throw new UserError(
      `the task was planned by abkd ${library}, and this is ${VERSION}: cancel it and run abkd study run again`,
    );
  }
  await importModules(modules);
  // Another node may just have trained a teacher, or recorded one of these trials.
  for (const folder of [results, runs, path.join(runs, "teachers")]) lookAgain(folder);
  const common = {
    runsDir: runs,
    workers: cpus,
    threads: cpus,
    modules,
    observer,
    signal: controller.signal,
    ...(data !== undefined && { dataDir: data }),
  };
  const mine = trials.filter(({ id }) => wanted.has(id));
  const [recorded, others] = [mine.filter((run) => run.record), mine.filter((run) => !run.record)];
  if (others.length > 0) {
    const configs = others.map(checked);
    await runTrials(configs, { ...common, engine: "wasm", resume: "repair" });
  }
  const store = new ResultsStore(results);
  const byId = new Map(recorded.map((run) => [run.id, checked(run)]));
  await runRecorded(byId, { ...common, store, retryFailed }, runTrials);
}

function checked({ id, config }: TaskRun): RunConfig {
  const misfit = configForm(config, "") ?? (runId(config) === id ? undefined : "id");
  if (misfit === undefined) return config;
  throw new UserError(`the task's trial ${id} is damaged: its ${misfit} is not what it should be`);
}

process.on("message", (order: { readonly type: "do" | "stop"; readonly ids?: string[] }) => {
  if (order.type === "stop") controller.abort();
  else void start(new Set(order.ids));
});
// The task was killed: Slurm gives its work to another, and two would only be in each other's way.
process.once("disconnect", () => process.exit(1));
// Slurm signals every process of a job; the task decides when to stop.
for (const signal of ["SIGTERM", "SIGUSR1", "SIGINT"] as const) process.on(signal, () => {});

async function start(wanted: ReadonlySet<string>): Promise<void> {
  const [, , folder = "", array = "", index] = process.argv;
  try {
    await work(readTask(folder, array, Number(index)), wanted);
    process.exit(0);
  } catch (error) {
    const message = error instanceof UserError ? error.message : String((error as Error).stack);
    report({ type: "refused", message });
    // Lets the report leave first.
    setImmediate(() => process.exit(error instanceof UserError ? error.exitCode : 1));
  }
}
