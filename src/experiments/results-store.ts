// The results of studies: one file a trial, named by its configuration's hash.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileError, writeAtomic } from "../training/files.ts";
import { parseRecord, recordText, type TrialRecord } from "./trial-record.ts";

/** Where results go unless told otherwise, relative to the working directory. */
export const RESULTS_FOLDER = "results";

/** A file that stands where a record should, in a sentence. */
export interface RecordProblem {
  readonly id: string;
  /** Names the file and what is wrong with it. */
  readonly message: string;
}

/**
 * A folder of records. A configuration's every part is in its hash (options, the method's version,
 * the teacher's configuration), so a stale result is never found. Files are whole or absent.
 */
export class ResultsStore {
  readonly folder: string;

  constructor(folder = RESULTS_FOLDER) {
    this.folder = folder;
  }

  /** The file of a record, there or not. */
  path(id: string): string {
    return join(this.folder, `${id}.json`);
  }

  /**
   * The sound ones of these records, and what is wrong with the others that are there.
   * @throws FileError where a file cannot be read at all
   */
  read(ids: Iterable<string>): {
    readonly records: ReadonlyMap<string, TrialRecord>;
    readonly problems: readonly RecordProblem[];
  } {
    const records = new Map<string, TrialRecord>();
    const problems: RecordProblem[] = [];
    for (const id of new Set(ids)) {
      const path = this.path(id);
      if (!existsSync(path)) continue;
      const found = parseRecord(readText(path), id);
      if (typeof found === "string") problems.push({ id, message: `${path} ${found}` });
      else records.set(id, found);
    }
    return { records, problems };
  }

  /** @throws FileError for a full disk, a read-only folder, and the like */
  write(record: TrialRecord): void {
    writeAtomic(this.path(record.id), recordText(record));
  }

  /**
   * Makes the folder ready for new records: tries to write, before hours are spent on what could
   * not be kept, and removes what writers that were killed left half done.
   * @throws FileError
   */
  prepare(): void {
    const probe = join(this.folder, ".probe");
    writeAtomic(probe, "");
    try {
      rmSync(probe, { force: true });
      for (const name of readdirSync(this.folder)) {
        const writer = /^[0-9a-f]{16}\.json\.(\d+)-[0-9a-f]{8}\.tmp$|^\.probe\.(\d+)-/.exec(name);
        if (writer && !isRunning(Number(writer[1] ?? writer[2]))) {
          rmSync(join(this.folder, name), { force: true });
        }
      }
    } catch (cause) {
      throw fileError("tidy", this.folder, cause);
    }
  }

  /**
   * Renames an unsound record to `<id>.json.bad`, so that nothing is lost when the trial is done again.
   * @returns the new name
   * @throws FileError
   */
  setAside(id: string): string {
    const aside = `${this.path(id)}.bad`;
    try {
      renameSync(this.path(id), aside);
    } catch (cause) {
      throw fileError("rename", this.path(id), cause);
    }
    return aside;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw fileError("read", path, cause);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
