// The rules by which files are read and written in a folder that several machines share, over NFS for instance.
// A record is written once and never replaced. A stale handle means "try again". There are no locks, no claim
// files (a dead node's would block) and no file that several processes append to.
import { existsSync, linkSync, readdirSync, renameSync, rmSync } from "node:fs";

/** The pauses between tries, in milliseconds: a server's handle is stale while a file is replaced or moved. */
const PAUSES = [5, 50, 500];

/** Does it, and does it again if the server says that the file's handle is stale. @throws the system's error */
export function patiently<T>(work: () => T): T {
  for (const pause of PAUSES) {
    try {
      return work();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESTALE") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
    }
  }
  return work();
}

/** What a file system answers that has no links, as on a memory stick. Several machines share none of these. */
const WITHOUT_LINKS = ["EPERM", "ENOSYS", "ENOTSUP", "EOPNOTSUPP"];

/**
 * Gives a complete file its name, unless the name is taken: then what is there stays.
 * @param temporary the file, which is gone afterwards
 * @returns whether it has the name now
 * @throws the system's error
 */
export function nameOnce(temporary: string, file: string): boolean {
  try {
    patiently(() => linkSync(temporary, file));
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (!WITHOUT_LINKS.includes(code)) throw error;
    if (existsSync(file)) return false;
    renameSync(temporary, file);
    return true;
  } finally {
    rmSync(temporary, { force: true });
  }
}

/**
 * Makes this machine ask the server which files are in a folder: it may remember for a minute that one was
 * missing. What is not there afterwards may still come, so only work that may be done twice can depend on it.
 */
export function lookAgain(folder: string): void {
  try {
    readdirSync(folder);
  } catch {
    // A folder that cannot be listed is reported by whoever reads its files.
  }
}
