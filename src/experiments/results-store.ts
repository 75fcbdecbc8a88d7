// The results of studies: one file per trial while studies run, one pack per dataset afterwards.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { needText } from "../base/arguments.ts";
import { nameAside } from "../base/aside.ts";
import { UserError } from "../base/errors.ts";
import { fileError, probeFolder, reasonOf, writeAtomic, writeOnce } from "../base/files.ts";
import { isRunning } from "../base/processes.ts";
import { jsonText } from "../base/sealed-json.ts";
import { patiently } from "../base/shared-files.ts";
import {
  lineKey,
  PACK_ENDING,
  type Pack,
  parseLine,
  type RecordKind,
  readPack,
} from "./results-pack.ts";
import {
  type FailureRecord,
  parseFailure,
  parseRecord,
  type StoredRecord,
  sameOutcome,
  type TrialRecord,
} from "./trial-record.ts";

/** Where results go by default, relative to the working directory. */
export const RESULTS_FOLDER = "results";

/** A problem with what is found in place of a record. */
export interface RecordProblem {
  /** Names the file, the line if it is a pack's, and what is wrong with it. */
  readonly message: string;
  /** The trial's own file; absent for a line of a pack. */
  readonly path?: string;
  /** The trial that was asked for; absent if a pack's line does not say which trial it belongs to. */
  readonly id?: string;
}

/** A trial's own file that was found. */
export interface LooseFile {
  readonly id: string;
  readonly kind: RecordKind;
  readonly path: string;
}

/** A trial was run twice, and its results differ in more than the time that they took. */
export class DifferentResult extends UserError {}

/**
 * A folder of records. Every part of a configuration is in its hash (options, the method's version,
 * the teacher's configuration), so a stale result is never found. Files are complete or absent.
 */
export class ResultsStore {
  readonly folder: string;
  /** The packs as last read, by path, each with a stamp that identifies the file's state. */
  readonly #packs = new Map<string, { readonly stamp: string; readonly pack: Pack }>();

  constructor(folder = RESULTS_FOLDER) {
    needText(folder, "ResultsStore: folder", "the path of a folder");
    this.folder = folder;
  }

  /** Returns the path of a trial's own file, whether or not it exists. */
  path(id: string): string {
    return join(this.folder, `${id}.json`);
  }

  /** Returns the path of a trial's failure record; if there is a result too, only that counts. */
  failurePath(id: string): string {
    return join(this.folder, `${id}.failed.json`);
  }

  /** Returns the path of a dataset's pack, whether or not it exists. */
  packPath(dataset: string): string {
    return join(this.folder, encodeURIComponent(dataset) + PACK_ENDING);
  }

  /**
   * Reads the sound records and the failures of these trials. Problems are damaged files and lines of trials that
   * have no sound record, and lines that do not say which trial they belong to; none of them keeps the others from
   * being read. A trial's own file takes precedence over a pack's line.
   * @throws FileError if a pack cannot be read at all
   */
  read(ids: Iterable<string>): {
    readonly records: ReadonlyMap<string, TrialRecord>;
    readonly failures: ReadonlyMap<string, FailureRecord>;
    readonly problems: readonly RecordProblem[];
  } {
    const records = new Map<string, TrialRecord>();
    const failures = new Map<string, FailureRecord>();
    const problems: RecordProblem[] = [];
    // Loose files first: what a packer deletes after this is in a pack when those are read.
    const wanted = new Set(ids);
    const loose = [...wanted].map((id) => ({ id, ...this.#loose(id) }));
    const packs = this.packs();
    const packed = <R extends StoredRecord>(
      id: string,
      kind: RecordKind,
      unsound: RecordProblem[],
    ): R | undefined => {
      for (const { path, lines } of packs) {
        const line = lines.get(lineKey({ id, kind }));
        if (!line) continue;
        const record = parseLine(line);
        if (typeof record === "object") return record as R;
        unsound.push({ id, message: `${path} line ${line.number} ${record}` });
      }
      return undefined;
    };
    for (const { id, problems: own, ...found } of loose) {
      const record = found.record ?? packed<TrialRecord>(id, "result", own);
      const failure = record
        ? undefined
        : (found.failure ?? packed<FailureRecord>(id, "failure", own));
      if (record) records.set(id, record);
      else problems.push(...own);
      if (failure) failures.set(id, failure);
    }
    for (const { path, damaged } of packs) {
      const unsound = damaged.flatMap(({ ids, message }): RecordProblem[] => {
        const id = ids.find((each) => wanted.has(each) && !records.has(each));
        if (id !== undefined) return [{ id, message }];
        return ids.length === 0 ? [{ message }] : [];
      });
      problems.push(...unsound.slice(0, MOST_LINES));
      const more = unsound.length - MOST_LINES;
      if (more > 0) problems.push({ message: `${path} has ${more} more damaged lines` });
    }
    return { records, failures, problems };
  }

  /** Reads a trial's own files. */
  #loose(id: string): {
    record?: TrialRecord;
    failure?: FailureRecord;
    readonly problems: RecordProblem[];
  } {
    const problems: RecordProblem[] = [];
    const look = <R extends StoredRecord>(kind: RecordKind, path: string): R | undefined => {
      const found = openLoose({ id, kind, path });
      if (typeof found !== "string") return found as R | undefined;
      problems.push({ id, path, message: `${path} ${found}` });
      return undefined;
    };
    const record = look<TrialRecord>("result", this.path(id));
    const failure = record ? undefined : look<FailureRecord>("failure", this.failurePath(id));
    return { ...(record && { record }), ...(failure && { failure }), problems };
  }

  /** Returns those of these trials that have a file or a line, sound or not. */
  known(ids: Iterable<string>): Set<string> {
    const all = [...new Set(ids)];
    const loose = all.filter((id) => existsSync(this.path(id)) || existsSync(this.failurePath(id)));
    const packs = this.packs();
    const packed = all.filter((id) => this.#line(packs, id));
    return new Set([...loose, ...packed]);
  }

  /** Says where a trial's record is: its own file, or `results/cora.jsonl line 12`. */
  place(id: string): string {
    const own = [this.path(id), this.failurePath(id)].find((path) => existsSync(path));
    return own ?? this.#line(this.packs(), id) ?? this.path(id);
  }

  #line(packs: readonly Pack[], id: string): string | undefined {
    for (const kind of ["result", "failure"] as const) {
      for (const { path, lines } of packs) {
        const line = lines.get(lineKey({ id, kind }));
        if (line) return `${path} line ${line.number}`;
      }
    }
    return undefined;
  }

  /** Returns the folder's packs by name; unchanged ones are not read again. */
  packs(): Pack[] {
    return this.#names(PACK_ENDING).flatMap((name) => {
      const path = join(this.folder, name);
      const stamp = stampOf(path);
      if (stamp === undefined) return [];
      const known = this.#packs.get(path);
      if (known?.stamp === stamp) return [known.pack];
      const pack = readPack(path);
      if (!pack) return [];
      this.#packs.set(path, { stamp, pack });
      return [pack];
    });
  }

  /** Lists the trials' own files, by id. */
  looseFiles(): LooseFile[] {
    return this.#names(".json").flatMap((name): LooseFile[] => {
      const [, id, failed] = /^([0-9a-f]{16})(\.failed)?\.json$/.exec(name) ?? [];
      if (id === undefined) return [];
      return [{ id, kind: failed ? "failure" : "result", path: join(this.folder, name) }];
    });
  }

  #names(ending: string): string[] {
    try {
      return readdirSync(this.folder)
        .filter((name) => name.endsWith(ending))
        .sort();
    } catch (cause) {
      // Nothing has been stored there yet.
      if (["ENOENT", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "")) return [];
      throw fileError("read", this.folder, cause);
    }
  }

  /**
   * Writes a record once. Two processes may finish one trial, a node that was given up and the one that took
   * over: the record that is there stays, and must equal this one apart from its timing. A damaged one is set
   * aside.
   * @throws FileError for a full disk, a read-only folder, and the like; DifferentResult
   */
  write(record: TrialRecord): void {
    this.#once({ id: record.id, kind: "result", path: this.path(record.id) }, record);
  }

  /** Writes a failure in the same way. @throws as `write` */
  writeFailure(failure: FailureRecord): void {
    this.#once({ id: failure.id, kind: "failure", path: this.failurePath(failure.id) }, failure);
  }

  #once(file: LooseFile, record: StoredRecord): void {
    const { path } = file;
    while (!writeOnce(path, jsonText(record))) {
      const there = openLoose(file);
      if (typeof there === "string") this.setAside(path);
      // A packer may have moved it meanwhile: then it is written again, and packed again.
      if (typeof there !== "object") continue;
      if (sameOutcome(there, record)) return;
      const other = nameAside(path, "other");
      writeAtomic(other, jsonText(record));
      throw new DifferentResult(
        `${path} holds another result of the same trial; it stays, and the new one is kept as ${other}: ` +
          "delete the one that is wrong",
        { exitCode: 1 },
      );
    }
  }

  /**
   * Makes the folder ready for new records: tries to write, before hours are spent on results that could not be
   * stored, and removes files that killed writers left unfinished at least an hour ago.
   * @throws FileError
   */
  prepare(): void {
    const now = probeFolder(this.folder);
    try {
      for (const name of readdirSync(this.folder)) {
        const writer = TEMPORARY.exec(name) ?? LOCK.exec(name);
        if (!writer || isRunning(Number(writer[1]))) continue;
        const path = join(this.folder, name);
        const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
        if (written === undefined || now - written < LEFT_MILLISECONDS) continue;
        rmSync(path, { force: true });
      }
    } catch (cause) {
      throw fileError("tidy", this.folder, cause);
    }
  }

  /**
   * Renames an unsound record to `<path>.bad`, or to `.bad.2` and so on where that is taken, so that
   * nothing is lost when the trial is run again.
   * @returns the new name, or undefined if it is gone: another process has done the same
   * @throws FileError
   */
  setAside(path: string): string | undefined {
    try {
      const aside = nameAside(path, "bad");
      renameSync(path, aside);
      return aside;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw fileError("rename", path, cause);
    }
  }
}

/** How many of a pack's damaged lines are named one by one. */
const MOST_LINES = 10;

/** Identifies the state of a file, to notice that it was replaced; undefined if there is none. */
function stampOf(path: string): string | undefined {
  try {
    const there = patiently(() => statSync(path, { bigint: true, throwIfNoEntry: false }));
    return there && [there.dev, there.ino, there.size, there.mtimeNs].join();
  } catch (cause) {
    throw fileError("read", path, cause);
  }
}

/** What a killed writer leaves (partial files, probes); the name contains its process id. */
const TEMPORARY =
  /^(?:[0-9a-f]{16}(?:\.failed)?\.json|.*\.jsonl(?:\.bad(?:\.\d+)?)?|\.probe)\.(\d+)-[0-9a-f]{8}\.tmp$/;

/** A process on another machine may still use such a file, whatever its id means here, but not for this long. */
const LEFT_MILLISECONDS = 3_600_000;

/** What a packer leaves that is killed while taking the lock; the name contains its process id. */
const LOCK = /^\.pack\.lock\.(\d+)(?:\.old)?$/;

/** @returns the record, what is wrong with the file, or undefined if there is no file */
export function openLoose({ id, kind, path }: LooseFile): StoredRecord | string | undefined {
  const text = readText(path);
  if (typeof text !== "string") return text?.problem;
  return kind === "result" ? parseRecord(text, id) : parseFailure(text, id);
}

/** The size limit of a record's file; the largest has 6 kB. */
const MOST_BYTES = 16 * 2 ** 20;

/** @returns undefined if there is no file */
function readText(path: string): string | { readonly problem: string } | undefined {
  try {
    return patiently(() => {
      const there = statSync(path, { throwIfNoEntry: false });
      if (!there) return undefined;
      // Reading a pipe would block, and a folder or a device holds no record.
      if (!there.isFile()) return { problem: "is not a regular file" };
      if (there.size > MOST_BYTES)
        return { problem: `has ${there.size} bytes, too many for a record` };
      return readFileSync(path, "utf8");
    });
  } catch (cause) {
    // A packer has moved it meanwhile.
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    return { problem: `cannot be read: ${reasonOf(cause)}` };
  }
}
