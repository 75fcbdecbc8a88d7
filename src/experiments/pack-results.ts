// Packs finished trials: moves each record from its own file into its dataset's pack, crash-safe.
import {
  existsSync,
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { nameAside } from "../base/aside.ts";
import { UserError } from "../base/errors.ts";
import { FileError, fileError, syncFolder, writeAtomic } from "../base/files.ts";
import { isRunning } from "../base/processes.ts";
import { lineText } from "../base/sealed-json.ts";
import {
  type DamagedLine,
  lineKey,
  type Pack,
  type PackedLine,
  parseLine,
  readPack,
} from "./results-pack.ts";
import { type LooseFile, openLoose, type ResultsStore } from "./results-store.ts";
import { type StoredRecord, sameOutcome } from "./trial-record.ts";

export interface PackReport {
  /** Files that were moved into a pack. */
  readonly packed: number;
  readonly packs: readonly Pick<Pack, "path" | "lines">[];
  /** One sentence for each file or line that was left in place or set aside. */
  readonly problems: readonly string[];
}

type Line = Pick<PackedLine, "id" | "kind" | "text">;

/** A trial's own file and the line that it becomes. */
interface Loose extends LooseFile {
  readonly record: StoredRecord;
}

/**
 * Moves sound records from their own files into their datasets' packs, sorted by id. A pack is written to a
 * temporary file, renamed, and read back before any file is deleted. A process that is killed at any moment
 * leaves every record in its file, in a pack, or in both, which counts as one. Studies may run meanwhile.
 * Damaged files stay; damaged lines go to `<pack>.bad`; a file whose trial has a different result in a pack
 * stays, and the pack keeps its own.
 * @throws UserError if another process is packing this folder; FileError for a full disk and the like
 */
export function packResults(store: ResultsStore): PackReport {
  store.prepare();
  const unlock = lock(join(store.folder, ".pack.lock"));
  try {
    const problems: string[] = [];
    const sound = store.looseFiles().flatMap((file): Loose[] => {
      const record = openLoose(file);
      if (typeof record === "string") problems.push(`${file.path} ${record}; it is left in place`);
      return typeof record === "object" ? [{ ...file, record }] : [];
    });
    const groups = Map.groupBy(sound, ({ record }) => store.packPath(record.config.dataset));
    // A pack that gets nothing new may still have damaged lines, or be out of order after a merge.
    const paths = new Set([...store.packs().map(({ path }) => path), ...groups.keys()]);
    let packed = 0;
    for (const path of paths) packed += packOne(store, path, groups.get(path) ?? [], problems);
    return { packed, packs: store.packs(), problems };
  } finally {
    unlock();
  }
}

/** @returns how many files became lines, those that were lines already included */
function packOne(
  store: ResultsStore,
  path: string,
  loose: readonly Loose[],
  problems: string[],
): number {
  const old = readPack(path);
  const lines = new Map<string, Line>(old?.lines);
  const aside: Pick<DamagedLine, "text" | "message">[] = [...(old?.damaged ?? [])];
  const agreed = loose.filter(({ record, ...file }) => {
    const key = lineKey(file);
    const earlier = old?.lines.get(key);
    const known = earlier && parseLine(earlier);
    if (typeof known === "string") {
      aside.push({ ...earlier!, message: `${path} line ${earlier!.number} ${known}` });
    } else if (known) {
      if (sameOutcome(known, record)) return true;
      problems.push(
        `${file.path} and ${path} line ${earlier!.number} have different results for one trial; both are ` +
          "left in place: delete the wrong one",
      );
      return false;
    }
    lines.set(key, { id: file.id, kind: file.kind, text: lineText(record) });
    return true;
  });
  if (lines.size === 0) {
    problems.push(`${path} holds no record; it is left in place`);
    return 0;
  }
  if (aside.length > 0) {
    const bad = nameAside(path, "bad");
    writeAtomic(bad, aside.map(({ text }) => `${text}\n`).join(""));
    problems.push(...aside.map(({ message }) => `${message}; kept in ${bad}`));
  }
  const sorted = [...lines].sort(([a], [b]) => (a < b ? -1 : 1));
  const text = sorted.map(([, line]) => `${line.text}\n`).join("");
  if (text !== (old?.text ?? "")) writeAtomic(path, text);
  proveWritten(path, text, agreed);
  syncFolder(store.folder);
  for (const file of agreed) removeLoose(file);
  return agreed.length;
}

/** @throws FileError if a pack does not hold what is about to be deleted elsewhere */
function proveWritten(path: string, text: string, loose: readonly Loose[]): void {
  const back = readPack(path);
  const holds = ({ record, ...file }: Loose): boolean => {
    const line = back?.lines.get(lineKey(file));
    const found = line && parseLine(line);
    return typeof found === "object" && sameOutcome(found, record);
  };
  if ((back?.text ?? "") === text && back?.damaged.length === 0 && loose.every(holds)) return;
  throw new FileError(
    `${path} does not read back as it was written: no trial's file was deleted; check the disk`,
  );
}

/** Deletes a trial's own file, unless it was written again meanwhile. */
function removeLoose({ record, ...file }: Loose): void {
  const now = openLoose(file);
  if (typeof now !== "object" || now.digest !== record.digest) return;
  try {
    rmSync(file.path, { force: true });
  } catch (cause) {
    throw fileError("delete", file.path, cause);
  }
}

/** Identifies the namespace of process ids: a container has its own, perhaps under its host's name. */
function numberSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "-"; // not Linux
  }
}

/**
 * Takes a lock file that names its owner and is complete from the moment it appears. A dead owner's lock is taken
 * over, but not one from another machine or container, whose processes cannot be checked from here.
 * @returns a function that releases the lock
 * @throws UserError if another process holds it
 */
function lock(path: string): () => void {
  const own = `${path}.${process.pid}`;
  const owner = `${hostname()} ${process.pid} ${numberSpace()}\n`;
  try {
    writeFileSync(own, owner);
    if (!link(own, path) && !(breakLock(path, `${own}.old`) && link(own, path))) {
      throw new UserError(
        `another process is packing these results: ${path} names its machine and process id; ` +
          "wait for it, or delete that file if the process is gone",
        { exitCode: 1 },
      );
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw fileError("write", path, cause);
  } finally {
    rmSync(own, { force: true });
  }
  // If the lock was deleted by hand, another process may hold it by now.
  return () => {
    if (existsSync(path) && readFileSync(path, "utf8") === owner) rmSync(path, { force: true });
  };
}

/** @returns false if the path is taken */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a dead owner's lock. @returns whether it is gone */
function breakLock(path: string, aside: string): boolean {
  try {
    const owner = readFileSync(path, "utf8");
    const [host, pid, space] = owner.trim().split(" ");
    if (host !== hostname() || space !== numberSpace() || isRunning(Number(pid))) return false;
    renameSync(path, aside);
    // Since it was read, another process may have broken this lock and put its own there.
    const stolen = readFileSync(aside, "utf8") !== owner;
    if (stolen) link(aside, path);
    rmSync(aside, { force: true });
    return !stolen;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
}
