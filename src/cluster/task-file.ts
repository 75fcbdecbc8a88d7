// What one task of an array does: a file in the submission's folder, written before the task is submitted.
import path from "node:path";
import { UserError } from "../base/errors.ts";
import { readText, writeAtomic } from "../base/files.ts";
import { anything, count, flag, list, object, optional, text } from "../base/json-form.ts";
import { jsonText, openSealed, type Sealed, sealed } from "../base/sealed-json.ts";
import type { RunConfig } from "../training/run.ts";

const FORMAT = "abkd-slurm-task/1";

/** What all tasks of a submission share; paths are absolute. */
export interface TaskSetting {
  /** The version of the library that planned it; another one refuses it. */
  readonly library: string;
  readonly results: string;
  readonly runs: string;
  /** Where datasets are looked for first. */
  readonly data?: string;
  /** URLs of the program's own modules. */
  readonly modules: readonly string[];
  /** Trials at a time. */
  readonly cpus: number;
  readonly retryFailed: boolean;
}

/** A run of a task. */
export interface TaskRun {
  readonly id: string;
  readonly config: RunConfig;
  /** False for one that others need and whose result the study does not record. */
  readonly record: boolean;
}

export interface Task extends TaskSetting {
  readonly trials: readonly TaskRun[];
}

// The configurations are checked by the process that trains them: the one that starts it stays small.
const form = object({
  library: text,
  results: text,
  runs: text,
  data: optional(text),
  modules: list(text),
  cpus: count,
  retryFailed: flag,
  trials: list(object({ id: text, config: anything, record: flag })),
});

const taskPath = (folder: string, array: string, index: number): string =>
  path.join(folder, "tasks", `${array}-${index}.json`);

export const logPath = (folder: string, array: string, index: number | "%a"): string =>
  path.join(folder, "logs", `${array}-${index}.log`);

export function writeTask(folder: string, array: string, index: number, task: Task): void {
  // Not as a canonical line: a record's configuration has the order of members that the plan gave it.
  writeAtomic(taskPath(folder, array, index), jsonText(sealed({ format: FORMAT, ...task })));
}

/** @throws UserError for a file that is missing or damaged */
export function readTask(folder: string, array: string, index: number): Task {
  const file = taskPath(folder, array, index);
  const found = openSealed<Task & Sealed>(readText(file), FORMAT, form);
  if (typeof found !== "string") return found;
  throw new UserError(`${file} ${found}; abkd study run plans it again`, { exitCode: 1 });
}
