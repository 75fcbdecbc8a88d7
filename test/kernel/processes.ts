// Whether a process runs, whoever started it.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return true;
    // One whose parent is gone may wait a while for somebody to take notice of its end.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits for its end, as long as a busy machine may take; whether it came. */
export async function ends(pid: number): Promise<boolean> {
  for (let i = 0; i < 200 && isAlive(pid); i++) await delay(50);
  return !isAlive(pid);
}
