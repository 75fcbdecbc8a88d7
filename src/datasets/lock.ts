// A lock file that keeps two processes from writing the same download at once.
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning } from "../base/processes.ts";

const POLL = 200;
/** A lock that has had no owner's process id for this long, in milliseconds, was left by a crash. */
const UNSIGNED_LIMIT = 5_000;

/**
 * Runs `action` while holding the lock `file`, which names this process. Waits while another living
 * process holds the lock; takes over the lock of a dead one.
 */
export async function withLock<T>(
  file: string,
  signal: AbortSignal,
  action: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      await writeFile(file, `${process.pid}\n`, { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (await isAbandoned(file)) await rm(file, { force: true });
    else await sleep(POLL, undefined, { signal });
  }
  try {
    return await action();
  } finally {
    await rm(file, { force: true });
  }
}

async function isAbandoned(file: string): Promise<boolean> {
  try {
    const owner = Number(await readFile(file, "latin1"));
    if (!owner) return Date.now() - (await stat(file)).mtimeMs > UNSIGNED_LIMIT;
    return !isRunning(owner);
  } catch {
    return false; // it is already gone, or belongs to another user
  }
}
