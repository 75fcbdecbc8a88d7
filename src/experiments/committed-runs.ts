// Runs committed with the results (a teacher, and what the notebooks train from it): results/runs/ is laid
// out like runs/, so that nobody has to train them again.
import { join } from "node:path";
import { readBytes, readText } from "../base/files.ts";
import { studentConfig, TEACHER_SEED, teacherConfig } from "../training/recipes.ts";
import type { RunConfig } from "../training/run.ts";
import { isSound, type RunFiles, replaceRun, runFiles } from "../training/run-store.ts";

export interface RunFolders {
  readonly results: string;
  readonly runs: string;
}

/** Returns the runs that notebooks 00, 02, 03 and 12 read: Cora's usual split, three students per method. */
export function notebookRuns(): RunConfig[] {
  const teacher = teacherConfig({ dataset: "cora", seed: TEACHER_SEED });
  const students = [1, 2, 3].flatMap((seed) => {
    const student = (method: string, changes = {}): RunConfig =>
      studentConfig({ dataset: "cora", seed }, method, teacher, changes);
    const abkd = student("abkd");
    const beta = abkd.method?.options["beta"] as number;
    return [
      student("student"),
      student("softkd"),
      abkd,
      // Exercise 1 of notebook 00.
      ...[0, 0.1, 1, 10].map((factor) => student("abkd", { options: { beta: factor * beta } })),
      student("abkd", { options: { attention: "uniform" } }),
    ];
  });
  return [teacher, ...students];
}

/**
 * Copies a run from the results to the runs folder if it is missing or damaged there. The code that uses the run
 * checks whether it fits the engine and the data, and trains it anew if not.
 * @returns whether the runs folder now has a sound copy
 * @throws FileError
 */
export function provideRun(config: RunConfig, { results, runs }: RunFolders): boolean {
  return copyRun(runFiles(join(results, "runs"), config), runFiles(runs, config));
}

/** Copies the other way, to the results that are committed. See provideRun. */
export function keepRun(config: RunConfig, { results, runs }: RunFolders): boolean {
  return copyRun(runFiles(runs, config), runFiles(join(results, "runs"), config));
}

function copyRun(from: RunFiles, to: RunFiles): boolean {
  if (isSound(to)) return true;
  if (!isSound(from)) return false;
  replaceRun(to, readBytes(from.model), readText(from.result));
  return true;
}
