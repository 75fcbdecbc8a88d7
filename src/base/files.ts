// Atomic file writing, and file-system errors in plain words.
import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { UserError } from "./errors.ts";
import { makeFolders } from "./folders.ts";
import { nameOnce, patiently } from "./shared-files.ts";

/** The run could not save what it computed or read what it needs: a full disk, no permission. */
export class FileError extends UserError {}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk; free some",
  EDQUOT: "the disk quota is used up; free some space",
  EFBIG: "the file would be larger than the system allows",
  EACCES: "permission is denied; choose another folder or change its rights",
  EPERM: "permission is denied; choose another folder or change its rights",
  EROFS: "the file system is read-only; choose another folder",
  ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
  EEXIST: "there is a file where a folder is needed; choose another folder",
  EISDIR: "it is a folder; name a file",
  ENOENT: "there is no such file",
  ELOOP: "its symbolic links form a loop; name another file",
  ENXIO: "nothing reads from it or answers there; name another file",
  EPIPE: "its reader has gone",
};

/** Turns a failed system call into a FileError: `cannot <what> <path>: <why, and what to do>`. */
export function fileError(what: string, path: string, cause: unknown, exitCode = 1): FileError {
  return new FileError(`cannot ${what} ${path}: ${reasonOf(cause)}`, { cause, exitCode });
}

/** Says why a system call failed and what to do, as part of a sentence. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || message || String(cause);
}

/** @throws FileError */
export function readBytes(path: string, exitCode = 1): Buffer {
  return reading(path, exitCode, () => readFileSync(path));
}

/** Reads a UTF-8 file. @throws FileError */
export function readText(path: string, exitCode = 1): string {
  return reading(path, exitCode, () => readFileSync(path, "utf8"));
}

/** Reads at most the first `length` bytes. @throws FileError */
export function readStart(path: string, length: number): Buffer {
  return reading(path, 2, () => {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(length);
      let done = 0;
      for (let read = -1; read !== 0 && done < length; done += read) {
        read = readSync(file, bytes, done, length - done, done);
      }
      return bytes.subarray(0, done);
    } finally {
      closeSync(file);
    }
  });
}

function reading<T>(path: string, exitCode: number, read: () => T): T {
  try {
    return patiently(read);
  } catch (cause) {
    throw fileError("read", path, cause, exitCode);
  }
}

/**
 * Writes a file so that whoever reads `path`, now or after a crash, finds either the old content or
 * all of the new: a temporary file beside it, fsync, rename. Creates missing folders. Two
 * processes may write the same path at once; the later rename wins. Symbolic links are followed,
 * and a device, a pipe or a descriptor (`/dev/stdout`) is written to, never replaced.
 * @throws FileError
 */
export function writeAtomic(path: string, content: Uint8Array | string): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  try {
    const descriptor = descriptorOf(path);
    const there = statSync(path, { throwIfNoEntry: false });
    if (descriptor !== undefined) writeAll(descriptor, bytes);
    else if (there && !there.isFile()) writeInPlace(path, bytes);
    else patiently(() => replace(behindLinks(path), bytes, there));
  } catch (cause) {
    throw fileError("write", path, cause);
  }
}

/**
 * Writes a file that is never replaced: complete, or not at all. If the name is taken, what is there stays.
 * @returns whether this call wrote it
 * @throws FileError
 */
export function writeOnce(path: string, content: string): boolean {
  try {
    return patiently(() => nameOnce(writeBeside(path, Buffer.from(content)), path));
  } catch (cause) {
    throw fileError("write", path, cause);
  }
}

const NAMED_DESCRIPTORS: Readonly<Record<string, number>> = {
  "/dev/stdin": 0,
  "/dev/stdout": 1,
  "/dev/stderr": 2,
};

/** Reopening one of these would start at the beginning of the file and overwrite what this process prints. */
function descriptorOf(path: string): number | undefined {
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1];
  return number === undefined ? NAMED_DESCRIPTORS[path] : Number(number);
}

/** Follows symbolic links to where a new file belongs; their target need not exist yet. */
function behindLinks(file: string, links = 0): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || links > 40) throw error;
  }
  try {
    return behindLinks(path.resolve(path.dirname(file), readlinkSync(file)), links + 1);
  } catch {
    return file;
  }
}

function writeInPlace(path: string, bytes: Uint8Array): void {
  const file = openSync(path, "w");
  try {
    writeAll(file, bytes);
  } finally {
    closeSync(file);
  }
}

/** @param old the file that is replaced; its permissions are kept */
function replace(file: string, bytes: Uint8Array, old: Stats | undefined): void {
  const temporary = writeBeside(file, bytes, old);
  try {
    renameSync(temporary, file);
  } catch (cause) {
    removeQuietly(temporary);
    throw cause;
  }
}

/**
 * Writes a complete temporary file beside another, on the disk itself, and makes missing folders.
 * @param old a file whose permissions it gets
 * @returns its path
 */
function writeBeside(file: string, bytes: Uint8Array, old?: Stats): string {
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  try {
    makeFolders(path.dirname(file));
    const open = openSync(temporary, "wx");
    try {
      if (old) fchmodSync(open, old.mode & 0o777);
      writeAll(open, bytes);
      fsyncSync(open);
    } finally {
      closeSync(open);
    }
    return temporary;
  } catch (cause) {
    removeQuietly(temporary);
    throw cause;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(file, bytes, done);
    } catch (error) {
      // The pipe is full: its reader needs a moment.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/**
 * Waits until renames in a folder would survive a power cut. Call it before deleting what they replace.
 * @throws FileError
 */
export function syncFolder(folder: string): void {
  try {
    const open = openSync(folder, "r");
    try {
      fsyncSync(open);
    } finally {
      closeSync(open);
    }
  } catch (cause) {
    throw fileError("sync", folder, cause);
  }
}

/**
 * Creates a folder if it is missing and tries to write in it, before time is spent on results that
 * could not be saved.
 * @returns the time there, as milliseconds like those of `mtimeMs`: a file server's clock is not this machine's
 * @throws FileError
 */
export function probeFolder(folder: string): number {
  try {
    return patiently(() => {
      // No file of the user's has this name. It holds the process id, so that leftovers of a kill can be found.
      const name = `.probe.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
      const probe = path.join(folder, name);
      makeFolders(folder);
      closeSync(openSync(probe, "wx"));
      const { mtimeMs } = statSync(probe);
      removeQuietly(probe);
      return mtimeMs;
    });
  } catch (cause) {
    throw fileError("write in", folder, cause);
  }
}

/** Removes a file, if it exists. @throws FileError */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (cause) {
    throw fileError("remove", path, cause);
  }
}

/** Tidies up after a failed write: only the first error is reported, not one from the tidying. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}
