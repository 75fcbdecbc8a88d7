// Whole files or none: atomic writing, and errors of the file system in plain words.
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

/** The run could not keep what it computed, or read what it needs: a full disk, no permission. */
export class FileError extends UserError {}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk; free some",
  EDQUOT: "the disk quota is used up; free some space",
  EFBIG: "the file would be larger than the system allows",
  EACCES: "permission is denied; choose another folder or change its rights",
  EPERM: "permission is denied; choose another folder or change its rights",
  EROFS: "the file system is read-only; choose another folder",
  ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
  EEXIST: "a file stands where a folder is needed; choose another folder",
  EISDIR: "it is a folder; name a file",
  ENOENT: "there is no such file",
  ELOOP: "its symbolic links lead in a circle; name another file",
  ENXIO: "nothing reads from it or answers there; name another file",
  EPIPE: "its reader has gone",
};

/** Turns a failed system call into a FileError: `cannot <what> <path>: <why, and what to do>`. */
export function fileError(what: string, path: string, cause: unknown, exitCode = 1): FileError {
  return new FileError(`cannot ${what} ${path}: ${reasonOf(cause)}`, { cause, exitCode });
}

/** Why a system call failed, and what to do, in a part of a sentence. */
export function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || message || String(cause);
}

/** @throws FileError */
export function readBytes(path: string, exitCode = 1): Buffer {
  return reading(path, exitCode, () => readFileSync(path));
}

/** Of UTF-8. @throws FileError */
export function readText(path: string, exitCode = 1): string {
  return reading(path, exitCode, () => readFileSync(path, "utf8"));
}

/** At most so many of the first bytes. @throws FileError */
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
    return read();
  } catch (cause) {
    throw fileError("read", path, cause, exitCode);
  }
}

/**
 * Writes a file so that whoever reads `path`, now or after a crash, finds the old content or
 * the whole new one: a temporary file beside it, fsync, rename. Makes missing folders. Two
 * processes may write the same path at once; the later rename stays. Symbolic links are followed,
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
    else replace(behindLinks(path), bytes, there);
  } catch (cause) {
    throw fileError("write", path, cause);
  }
}

const NAMED_DESCRIPTORS: Readonly<Record<string, number>> = {
  "/dev/stdin": 0,
  "/dev/stdout": 1,
  "/dev/stderr": 2,
};

/** Opening one of these anew would begin at the file's start again, over what this process prints. */
function descriptorOf(path: string): number | undefined {
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1];
  return number === undefined ? NAMED_DESCRIPTORS[path] : Number(number);
}

/** Where a new file belongs: at the end of symbolic links, which may name a file that is not there yet. */
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

/** @param old the file that is replaced; its permissions stay */
function replace(file: string, bytes: Uint8Array, old: Stats | undefined): void {
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
    renameSync(temporary, file);
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
      // A pipe that is full: its reader needs a moment.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/**
 * Waits until what was renamed in a folder would outlast a power cut: before what it replaces is deleted.
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
 * Makes a folder where there is none and tries to write in it, before time is spent on what could not
 * be kept.
 * @throws FileError
 */
export function probeFolder(folder: string): void {
  // A name that no file of the user has; the process in it lets what a kill leaves be found.
  const probe = path.join(folder, `.probe.${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
  try {
    makeFolders(folder);
    closeSync(openSync(probe, "wx"));
    removeQuietly(probe);
  } catch (cause) {
    throw fileError("write in", folder, cause);
  }
}

/** Whether it was there or not. @throws FileError */
export function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (cause) {
    throw fileError("remove", path, cause);
  }
}

/** After a failed write: the first error is the one to report, not a second from tidying up. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}
