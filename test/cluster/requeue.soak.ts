// A job that Slurm warns of its time limit goes on in another turn.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { temporaryFolder } from "../training/small.ts";
import { startSlurm, withoutSlurm } from "./slurm.ts";
import { assertSameRecords, logsOf, recordsIn, studyIn } from "./tiny.ts";

const skip = withoutSlurm();

test("warned of its time limit, a job keeps a checkpoint and asks for another turn, which ends in the same bits", {
  skip,
}, async (t) => {
  const cluster = await startSlurm(t, { nodes: 1 });
  const folder = temporaryFolder(t);
  const env = { ...cluster.env, TINY_EPOCHS: "1200" };
  const study = studyIn(folder, env);
  const said = (text: string): boolean => logsOf(folder).includes(text);
  /** The running job that has run for longest, and its seconds, as Slurm counts them. */
  const running = async (): Promise<{ job: string; seconds: number } | undefined> => {
    const all = await cluster.slurm("squeue", "--noheader", "--states=RUNNING", "--format=%A %M");
    const [, job, minutes, seconds] = /^(\d+) (\d+):(\d+)$/m.exec(all) ?? [];
    return job === undefined ? undefined : { job, seconds: 60 * Number(minutes) + Number(seconds) };
  };
  /** Waits for a job that has run for so many seconds. */
  const ripe = async (least: number): Promise<string> => {
    for (;;) {
      const now = await running();
      if (now && now.seconds >= least) return now.job;
      const queue = await cluster.slurm("squeue", "--noheader");
      assert.notEqual(queue.trim(), "", "all was done before a job could be warned");
      await setTimeout(300);
    }
  };
  let job = "";
  // Warned before its first epoch, a job has nothing to keep, and ends: on a busy machine that takes long.
  for (let least = 3; !said("asking for another turn"); least *= 2) {
    await study("run", "--executor", "slurm", "--time", "30");
    job = await ripe(least);
    // One that has just ended takes no signal.
    await cluster.slurm("scancel", "--signal=USR1", "--batch", job).catch(() => {});
    while ((await running())?.job === job) await setTimeout(300);
  }
  // Slurm lets a requeued job wait for two minutes; one that is told so begins at once. Within the second of its end
  // the node would take its credential for a revoked one.
  const reason = () => cluster.slurm("squeue", "--noheader", `--jobs=${job}`, "--format=%r");
  while (!(await reason()).includes("BeginTime")) await setTimeout(300);
  await cluster.slurm("scontrol", "update", `jobid=${job}`, "StartTime=now+3");
  const here = studyIn(join(folder, "here"), env)("run", "--workers", "1");
  await cluster.idle(240);
  assert.match(
    logsOf(join(folder, "runs")),
    /job \d+_\d on \S+, restart 1\nabkd: all trials are done\n/,
  );
  assert.equal((await here).code, 0);
  const records = recordsIn(join(folder, "results"));
  assert.equal(records.size, 8);
  assertSameRecords(records, recordsIn(join(folder, "here", "results")));
});
