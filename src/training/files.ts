// Whole files or none: atomic writing, and errors of the file system in plain words.
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../errors.ts";

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
};

/** Turns a failed system call into a FileError: `cannot <what> <path>: <why, and what to do>`. */
export function fileError(what: string, path: string, cause: unknown, exitCode = 1): FileError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = (code !== undefined && REASONS[code]) || message || String(cause);
  return new FileError(`cannot ${what} ${path}: ${reason}`, { cause, exitCode });
}

/**
 * Writes a file so that whoever reads `path`, now or after a crash, finds the old content or
 * the whole new one: a temporary file beside it, fsync, rename. Makes missing folders. Two
 * processes may write the same path at once; the later rename stays.
 */
export function writeAtomic(path: string, content: Uint8Array | string): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(temporary, "wx");
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (cause) {
    removeQuietly(temporary);
    throw fileError("write", path, cause);
  }
}

/**
 * Makes a folder where there is none and tries to write in it, before time is spent on what could not
 * be kept.
 * @throws FileError
 */
export function probeFolder(folder: string): void {
  const probe = join(folder, ".probe");
  writeAtomic(probe, "");
  removeQuietly(probe);
}

/** After a failed write: the first error is the one to report, not a second from tidying up. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}
