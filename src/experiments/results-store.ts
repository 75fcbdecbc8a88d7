// The results of studies: one file a trial, named by its configuration's hash.
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { needText } from "../arguments.ts";
import { fileError, probeFolder, reasonOf, writeAtomic } from "../training/files.ts";
import { jsonText } from "../training/sealed-json.ts";
import { type FailureRecord, parseFailure, parseRecord, type TrialRecord } from "./trial-record.ts";

/** Where results go unless told otherwise, relative to the working directory. */
export const RESULTS_FOLDER = "results";

/** A file that stands where a record should, in a sentence. */
export interface RecordProblem {
  readonly id: string;
  readonly path: string;
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
    needText(folder, "ResultsStore: folder", "the path of a folder");
    this.folder = folder;
  }

  /** The file of a record, there or not. */
  path(id: string): string {
    return join(this.folder, `${id}.json`);
  }

  /** Where it says that a trial failed; a result beside it counts alone. */
  failurePath(id: string): string {
    return join(this.folder, `${id}.failed.json`);
  }

  /**
   * The sound ones of these records, trials that failed, and what is wrong with other files of theirs:
   * whatever stands in a record's place, it stops nobody from reading the others.
   */
  read(ids: Iterable<string>): {
    readonly records: ReadonlyMap<string, TrialRecord>;
    readonly failures: ReadonlyMap<string, FailureRecord>;
    readonly problems: readonly RecordProblem[];
  } {
    const records = new Map<string, TrialRecord>();
    const failures = new Map<string, FailureRecord>();
    const problems: RecordProblem[] = [];
    const look = <R>(
      id: string,
      path: string,
      parse: (text: string, id: string) => R | string,
      into: Map<string, R>,
    ) => {
      const text = readText(path);
      if (text === undefined) return;
      const found = typeof text === "string" ? parse(text, id) : text.problem;
      if (typeof found === "string") problems.push({ id, path, message: `${path} ${found}` });
      else into.set(id, found);
    };
    for (const id of new Set(ids)) {
      look(id, this.path(id), parseRecord, records);
      if (!records.has(id)) look(id, this.failurePath(id), parseFailure, failures);
    }
    return { records, failures, problems };
  }

  /** @throws FileError for a full disk, a read-only folder, and the like */
  write(record: TrialRecord): void {
    writeAtomic(this.path(record.id), jsonText(record));
  }

  /** @throws FileError, as `write` */
  writeFailure(failure: FailureRecord): void {
    writeAtomic(this.failurePath(failure.id), jsonText(failure));
  }

  /**
   * Makes the folder ready for new records: tries to write, before hours are spent on what could
   * not be kept, and removes what writers that were killed left half done.
   * @throws FileError
   */
  prepare(): void {
    probeFolder(this.folder);
    try {
      for (const name of readdirSync(this.folder)) {
        const writer =
          /^[0-9a-f]{16}(?:\.failed)?\.json\.(\d+)-[0-9a-f]{8}\.tmp$|^\.probe\.(\d+)-/.exec(name);
        if (writer && !isRunning(Number(writer[1] ?? writer[2]))) {
          rmSync(join(this.folder, name), { force: true });
        }
      }
    } catch (cause) {
      throw fileError("tidy", this.folder, cause);
    }
  }

  /**
   * Renames an unsound record to `<path>.bad`, or to `.bad.2` and so on where that is taken, so that
   * nothing is lost when the trial is done again.
   * @returns the new name
   * @throws FileError
   */
  setAside(path: string): string {
    let aside = `${path}.bad`;
    try {
      for (let n = 2; lstatSync(aside, { throwIfNoEntry: false }); n++) aside = `${path}.bad.${n}`;
      renameSync(path, aside);
    } catch (cause) {
      throw fileError("rename", path, cause);
    }
    return aside;
  }
}

/** Of a record; the largest has 6 kB. */
const MOST_BYTES = 16 * 2 ** 20;

/** @returns undefined where nothing stands there */
function readText(path: string): string | { readonly problem: string } | undefined {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (!there) return undefined;
    // A pipe would be waited for, and a folder or a device holds no record.
    if (!there.isFile()) return { problem: "is not a regular file" };
    if (there.size > MOST_BYTES)
      return { problem: `has ${there.size} bytes, too many for a record` };
    return readFileSync(path, "utf8");
  } catch (cause) {
    return { problem: `cannot be read: ${reasonOf(cause)}` };
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
