// Trained teachers that come with the results, so that nobody has to train them again.
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileError } from "../training/files.ts";
import type { RunConfig } from "../training/run.ts";
import { runFiles } from "../training/run-store.ts";

/**
 * Copies the run of a teacher from `results/teachers/<id>/` to the folder of runs, which lacks it.
 * Whether it fits the engine and the data is looked at where it is used; one that does not is
 * trained anew there.
 * @returns whether the folder of runs has it now
 * @throws FileError
 */
export function provideTeacher(
  teacher: RunConfig,
  folders: { readonly results: string; readonly runs: string },
): boolean {
  const to = runFiles(folders.runs, teacher);
  if (existsSync(to.result)) return true;
  const from = runFiles(folders.results, teacher);
  if (!existsSync(from.result)) return false;
  try {
    mkdirSync(to.folder, { recursive: true });
    // The result last: a run is only there when its model is.
    copyFileSync(from.model, to.model);
    copyFileSync(from.result, to.result);
  } catch (cause) {
    throw fileError("copy", join(from.folder), cause);
  }
  return true;
}
