// The peak of this process's resident memory.
import { readFileSync, writeFileSync } from "node:fs";

/** Reads megabytes from a line of /proc/self/status; undefined if there is no such file. */
function statusMegabytes(field: string): number | undefined {
  try {
    const text = readFileSync("/proc/self/status", "utf8");
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1024;
  } catch {
    return undefined;
  }
}

/** Returns the resident peak since the last reset, or since the start if that is unknown. */
export function peakMegabytes(): number {
  return statusMegabytes("VmHWM") ?? process.resourceUsage().maxRSS / 1024;
}

/** Resets the peak, if the system can; returns the megabytes that are resident now. */
export function resetPeak(): number {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    return peakMegabytes();
  }
  return statusMegabytes("VmRSS")!;
}
