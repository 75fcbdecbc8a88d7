// Runs as a child process: does `data info` on each folder of a list and prints one JSON line for each.
import { existsSync, readFileSync } from "node:fs";
import { main } from "../../../src/cli/program.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Milliseconds of processor time, because the machine may be busy with other things. */
  readonly milliseconds: number;
  /** Peak memory of the whole process so far, in bytes. */
  readonly peak: number;
}

export interface Request {
  readonly dataset: string;
  readonly folder: string;
}

/** Reads VmHWM, the process's own peak; on Linux a child's `maxRSS` includes its parent's. */
function peakMemory(): number {
  const own = existsSync("/proc/self/status")
    ? /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]
    : undefined;
  return 1024 * Number(own ?? process.resourceUsage().maxRSS);
}

async function run(requests: readonly Request[]): Promise<void> {
  const report = process.stdout.write.bind(process.stdout);
  for (const { dataset, folder } of requests) {
    const captured = { stdout: "", stderr: "" };
    process.stdout.write = (text: string | Uint8Array) => {
      captured.stdout += String(text);
      return true;
    };
    process.stderr.write = (text: string | Uint8Array) => {
      captured.stderr += String(text);
      return true;
    };
    const start = process.cpuUsage();
    const exitCode = await main(["data", "info", dataset, "--json", "--data", folder]);
    const { user, system } = process.cpuUsage(start);
    const outcome: Outcome = {
      ...captured,
      exitCode,
      milliseconds: (user + system) / 1000,
      peak: peakMemory(),
    };
    report(`${JSON.stringify(outcome)}\n`);
  }
}

const chunks: string[] = [];
process.stdin.setEncoding("utf8");
process.stdin.on("data", (chunk: string) => chunks.push(chunk));
process.stdin.on("end", () => void run(JSON.parse(chunks.join("")) as Request[]));
