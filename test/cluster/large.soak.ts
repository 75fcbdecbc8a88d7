// 10,000 planned trials: how long it takes to plan, to submit and to ask for them, and in how much memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { start } from "../cli/abkd.ts";
import { temporaryFolder } from "../training/small.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";
import { TINY_MODULE, withoutLargeTeachers } from "./tiny.ts";

/**
 * The most that each command may take: seconds on a machine at rest, and bytes of memory. Asserted are its processor's
 * seconds, of all threads: a busy machine makes it wait, which says nothing.
 */
const LIMITS = { plan: 5, submit: 60, status: 2 } as const;
const MEMORY = 300e6;

test("10,000 trials are planned, submitted and asked for in seconds", {
  skip: withoutSlurm(),
}, async (t) => {
  const cluster = await startSlurm(t);
  await cluster.slurm("scontrol", "update", "partitionname=low", "state=down");
  const folder = temporaryFolder(t);
  const [results, runs] = [join(folder, "results"), join(folder, "runs")];
  withoutLargeTeachers(results);
  const measure = async (what: keyof typeof LIMITS, ...args: string[]): Promise<string> => {
    const began = performance.now();
    const env = { ...cluster.env, TINY_COPIES: "1667" };
    const place = ["tiny", "--module", TINY_MODULE, "--results", results, "--runs", runs];
    const running = start(["study", ...args.slice(0, 1), ...place, ...args.slice(1)], env);
    let bytes = 0;
    let processor = 0;
    const watch = setInterval(() => {
      const peak = /^VmHWM:\s*(\d+) kB$/m.exec(fileOf(running.process.pid!, "status"))?.[1];
      bytes = Math.max(bytes, 1024 * Number(peak ?? 0));
      // After the name in parentheses: the state, ten numbers, then ticks of a hundredth of a second.
      const fields = fileOf(running.process.pid!, "stat").split(") ")[1]?.split(" ") ?? [];
      processor = Math.max(processor, (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100);
    }, 20);
    const { code, stdout, stderr } = await running.outcome;
    clearInterval(watch);
    assert.equal(code, 0, stderr);
    const seconds = (performance.now() - began) / 1000;
    t.diagnostic(
      `${what}: ${processor.toFixed(1)} s of the processor, ${seconds.toFixed(1)} s in all, ${Math.round(bytes / 1e6)} MB`,
    );
    assert.ok(processor > 0.1 && processor < LIMITS[what] && bytes < MEMORY, what);
    return stdout;
  };
  const planned = await measure("plan", "run", "--executor", "slurm", "--dry-run");
  assert.match(planned, /^10002 of 10004 trials to submit, /);
  const submitted = await measure("submit", "run", "--executor", "slurm");
  assert.match(submitted, /jobs submitted/);
  const status = await measure("status", "status");
  assert.match(status, /2 of 10004 done, 0 in 0 running jobs, 10002 queued/);
});

/** A file of /proc about a process. */
function fileOf(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return ""; // it has just ended
  }
}
