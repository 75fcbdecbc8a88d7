// Searches on a cluster: a rung of the recipe search with the job that goes on after it, and compress as one job.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { start } from "../cli/abkd.ts";
import { temporaryFolder } from "../training/small.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/search-recipes.ts", import.meta.url));

test("a search's runs and its next step are queued once; compress is one job, which is not queued twice", {
  skip: withoutSlurm(),
}, async (t) => {
  const cluster = await startSlurm(t, { nodes: 1 });
  // Nothing starts, so that the queue is known.
  await cluster.slurm("scontrol", "update", "partitionname=low", "state=down");
  const folder = temporaryFolder(t);
  const runs = join(folder, "runs");
  const env = { ...cluster.env, SLURM_JOB_ID: undefined };
  const search = async (): Promise<string> => {
    const place = ["--results", join(folder, "search"), "--runs", runs];
    const args = ["--dataset", "synthetic", "--only", "student", ...place, "--executor", "slurm"];
    return (await promisify(execFile)(process.execPath, [SCRIPT, ...args], { env })).stdout;
  };
  const first = await search();
  // A batch of 16 draws, one seed on the first rung.
  assert.match(first, /batch 1, rung 1 of 3: 16 of 16 runs to do\n16 of 16 trials to submit/);
  assert.match(first, /the largest job takes about 0\.\d GB\n/);
  assert.match(first, /\njob \d+ goes on after them; its log is .*a1-0\.log\n$/);
  const queue = await cluster.slurm("squeue", "--noheader", "--array", "--format=%F %E");
  const jobs = queue.trim().split("\n");
  const next = jobs.filter((line) => /afterany:\d/.test(line));
  assert.equal(next.length, 1, queue);
  const second = await search();
  assert.match(
    second,
    /0 of 16 trials to submit, 16 queued or running already\njob \d+ is pending/,
  );
  assert.equal(
    (await cluster.slurm("squeue", "--noheader", "--array")).trim().split("\n").length,
    jobs.length,
  );

  const compress = (...more: string[]) => {
    const place = ["--output", join(folder, "out"), "--runs", runs, "--executor=slurm"];
    const request = ["compress", "synthetic", "--budget", "400", "--cpus", "1", "--mem=900M"];
    return start([...request, ...place, ...more], env).outcome;
  };
  const dry = await compress("--dry-run");
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(
    dry.stdout,
    /cli\.ts compress synthetic --budget 400 --output \S+ --runs \S+ --workers 1\n/,
  );
  const one = await compress();
  assert.match(one.stdout, /^job \d+ submitted; its log is .*a1-0\.log\./, one.stderr);
  assert.match(
    (await compress()).stdout,
    /^job \d+ is pending \(PartitionDown\); .* is not there yet\n$/,
  );
  const asked = await cluster.slurm("squeue", "--noheader", "--format=%C %m");
  assert.match(asked, /^1 900M$/m);
});
