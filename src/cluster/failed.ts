// Trials that a task gave up, one file each in the submission's folder.
import { readdirSync } from "node:fs";
import path from "node:path";
import { FileError, readText, writeAtomic } from "../base/files.ts";
import { object, text } from "../base/json-form.ts";
import { lineText, openLine, type Sealed, sealed } from "../base/sealed-json.ts";

const FORMAT = "abkd-slurm-failed/1";

export interface FailedTrial {
  readonly id: string;
  readonly reason: string;
  /** The path of its task's log. */
  readonly log: string;
}

const form = object({ id: text, reason: text, log: text });

const failedFolder = (folder: string): string => path.join(folder, "failed");

export function writeFailed(folder: string, trial: FailedTrial): void {
  const file = path.join(failedFolder(folder), `${trial.id}.json`);
  writeAtomic(file, lineText(sealed({ format: FORMAT, ...trial })));
}

export function failedTrials(folder: string): FailedTrial[] {
  let names: string[];
  try {
    names = readdirSync(failedFolder(folder)).filter((name) => name.endsWith(".json"));
  } catch {
    return []; // there is no such folder before the first failure
  }
  return names.flatMap((name) => {
    try {
      const file = readText(path.join(failedFolder(folder), name));
      const found = openLine<FailedTrial & Sealed>(file, FORMAT, form);
      return typeof found === "string" ? [] : [found];
    } catch (error) {
      if (error instanceof FileError) return [];
      throw error;
    }
  });
}
