// A study on a real Slurm with two nodes: submitted, followed, cancelled, submitted again, and its records.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { submissions } from "../../src/cluster/submission.ts";
import { distinctTrials } from "../../src/experiments/run-study.ts";
import { start } from "../cli/abkd.ts";
import { temporaryFolder } from "../training/small.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";
import {
  assertSameRecords,
  recordsIn,
  runHere,
  TINY_MODULE,
  tinyPlan,
  withoutLargeTeachers,
} from "./tiny.ts";

const PLAN = ["--module", TINY_MODULE];

test("a study on two nodes has the records of one here; a second run submits nothing that is queued", {
  skip: withoutSlurm(),
}, async (t) => {
  const cluster = await startSlurm(t);
  const folder = temporaryFolder(t);
  const here = runHere(join(folder, "here"));
  const [results, runs] = [join(folder, "results"), join(folder, "runs")];
  withoutLargeTeachers(results);
  const abkd = (...args: string[]) => start(args, cluster.env).outcome;
  const study = (what: string, ...args: string[]) =>
    abkd("study", what, "tiny", ...PLAN, "--results", results, "--runs", runs, ...args);
  const students = [...distinctTrials(tinyPlan()).values()].filter(({ method }) => method);

  // Nothing starts yet, so that the queue is known.
  await cluster.slurm("scontrol", "update", "partitionname=low", "state=down");
  const dry = await study(
    "run",
    "--executor",
    "slurm",
    "--dry-run",
    "--time",
    "5",
    "--mem",
    "100M",
  );
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(
    dry.stdout,
    new RegExp(`^${students.length} of 8 trials to submit, \\d jobs in 2 arrays`),
  );
  assert.match(dry.stdout, /--cpus-per-task=1 --time=5 --mem=100M, after a1\n#!\/bin\/bash\n/);
  assert.equal(await cluster.slurm("squeue", "--noheader"), "");

  const first = await study("run", "--executor", "slurm", "--time", "5", "--array-size", "2");
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /\d+ jobs submitted; abkd study status tiny/);
  const queue = (await cluster.slurm("squeue", "--noheader", "--array", "--format=%K %E")).trim();
  const indices = queue.split("\n").map((line) => Number(line.split(" ")[0]));
  assert.ok(Math.max(...indices) <= 1, "arrays of two");
  assert.match(queue, /afterany:/, "students wait for their teachers");
  const status = await study("status");
  assert.match(status.stdout, /on the cluster: 2 of 8 done, 0 in 0 running jobs, 6 queued/);
  // Slurm names one of both reasons: the partition is down, and they wait for their teachers.
  assert.match(status.stdout, /waiting: .*\((?:Dependency|PartitionDown)\)/);
  const second = await study("run", "--executor", "slurm");
  assert.equal(
    second.stdout.trim(),
    `0 of 8 trials to submit, ${students.length} queued or running already`,
  );
  assert.equal(submissions(runs).length, 1);

  // The program was killed between sbatch and its own note: the queue alone knows the jobs.
  const third = await study("cancel");
  assert.match(`${third.stderr}${third.stdout}`, /unknown option/, "cancel takes no plan");
  const cancelled = await abkd("study", "cancel", "tiny", "--runs", runs);
  assert.match(cancelled.stdout, /^\d+ jobs cancelled/);
  await cluster.idle(30);
  const after = await study("status");
  assert.match(after.stdout, /: it was cancelled; .*logs/);

  await cluster.slurm("scontrol", "update", "partitionname=low", "state=up");
  const again = await study("run", "--executor", "slurm", "--time", "5");
  assert.match(again.stdout, new RegExp(`^${students.length} of 8 trials to submit, `));
  const watched = await study("status", "--watch");
  assert.match(watched.stderr, /on the cluster: 8 of 8 done, 0 in 0 running jobs, 0 queued/);
  await cluster.idle(30);
  assertSameRecords(recordsIn(results), await here);
  assert.equal(
    (await study("run", "--executor", "slurm")).stdout.trim(),
    "0 of 8 trials to submit",
  );
});
