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
  await study("run", "--executor", "slurm", "--time", "5");
  // Long enough for some epochs, as its log and Slurm's clock say.
  const running = async (): Promise<string | undefined> => {
    const all = await cluster.slurm("squeue", "--noheader", "--states=RUNNING", "--format=%A %M");
    return /^(\d+) 0:0[3-9]/m.exec(all)?.[1];
  };
  let job: string | undefined;
  while (!logsOf(join(folder, "runs")).includes("asking for another turn")) {
    await setTimeout(300);
    job = (await running()) ?? job;
    // One that has just ended takes no signal.
    if (job) await cluster.slurm("scancel", "--signal=USR1", "--batch", job).catch(() => {});
  }
  // Slurm lets a requeued job wait for two minutes; one that is told so begins at once.
  const begin = () => cluster.slurm("scontrol", "update", `jobid=${job}`, "StartTime=now");
  while (
    !(await begin().then(
      () => true,
      () => false,
    ))
  )
    await setTimeout(300);
  const here = studyIn(join(folder, "here"), env)("run", "--workers", "1");
  await cluster.idle(240);
  assert.match(
    logsOf(join(folder, "runs")),
    /job 1_\d on \S+, restart 1\nabkd: all trials are done\n/,
  );
  assert.equal((await here).code, 0);
  const records = recordsIn(join(folder, "results"));
  assert.equal(records.size, 8);
  assertSameRecords(records, recordsIn(join(folder, "here", "results")));
});
