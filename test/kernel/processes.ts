// Whether a process runs, whoever started it.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return true;
    // A dead process whose parent is gone may remain a zombie for a while.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits for a process to end, as long as a busy machine may take; returns whether it did. */
export async function ends(pid: number): Promise<boolean> {
  for (let i = 0; i < 200 && isAlive(pid); i++) await delay(50);
  return !isAlive(pid);
}
