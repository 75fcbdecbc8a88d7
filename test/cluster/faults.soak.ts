// A study on two nodes while everything fails at random, overlapping: its records are those of a local run.
// ABKD_FAULTS=10 ABKD_STUDY=tiny node --test test/cluster/faults.soak.ts for a shorter one; ABKD_SEED for another.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { randomStream } from "../../src/graph/random.ts";
import { start } from "../cli/abkd.ts";
import { type Cluster, startSlurm, withoutSlurm } from "./slurm.ts";
import { assertSameRecords, recordsIn, TINY_MODULE, withoutLargeTeachers } from "./tiny.ts";

const FAULTS = Number(process.env["ABKD_FAULTS"] ?? 40);
const STUDY = process.env["ABKD_STUDY"] ?? "table12";
const SEED = Number(process.env["ABKD_SEED"] ?? 1);

/** The processes whose command line holds all of these words, by id. */
function processesOf(...words: readonly string[]): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, "utf8");
      return words.every((word) => line.includes(word)) ? [Number(name)] : [];
    } catch {
      return []; // it has ended
    }
  });
}

function kill(ids: readonly number[]): void {
  for (const id of ids) {
    try {
      process.kill(id, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}

/** The slurmstepd that are children of a node's daemon, or of none any more. */
function stepsOf(daemon: number): number[] {
  return processesOf("slurmstepd").filter((id) => {
    try {
      const [, parent] = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, "utf8")) ?? [];
      return Number(parent) === daemon;
    } catch {
      return false;
    }
  });
}

/** Puts a small disk into a folder, which can be filled; returns false where that is not allowed. */
function smallDisk(t: TestContext, folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    t.diagnostic("no disk could be mounted: it is never full");
    return false;
  }
}

test(`${FAULTS} faults at random moments: no record is missing, none twice, none different`, {
  skip: withoutSlurm(),
  timeout: Number.POSITIVE_INFINITY,
}, async (t) => {
  const random = randomStream(SEED);
  const pick = <T>(all: readonly T[]): T | undefined => all[random.below(all.length || 1)];
  const folder = mkdtempSync(join(tmpdir(), "abkd-test-"));
  const disk = smallDisk(t, folder);
  t.after(() => {
    // A process that has not quite ended must not keep the disk.
    if (disk) execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  const cluster = await startSlurm(t);
  const [results, runs] = [join(folder, "results"), join(folder, "runs")];
  const tiny = STUDY === "tiny";
  const env = { ...cluster.env, TINY_EPOCHS: "400", TINY_COPIES: "3" };
  const place = (at: string): string[] => [
    ...(tiny ? ["--module", TINY_MODULE] : ["--datasets", "cora"]),
    ...["--results", join(at, "results"), "--runs", join(at, "runs")],
  ];
  if (tiny) withoutLargeTeachers(results);
  // One node's clock is an hour ahead, for what the trials see.
  const early =
    "[ $SLURMD_NODENAME = n2 ] && export FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME=+1h LD_PRELOAD=$(ls /usr/lib/*/faketime/libfaketime.so.1)";
  const submit = () =>
    start(
      [
        "study",
        "run",
        STUDY,
        ...place(folder),
        "--executor",
        "slurm",
        "--time",
        "20",
        "--setup",
        early,
      ],
      env,
    );
  const jobs = async (state: string): Promise<string[]> =>
    (
      await cluster
        .slurm("squeue", "--noheader", `--states=${state}`, "--format=%A")
        .catch(() => "")
    )
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  const later: Promise<unknown>[] = [];
  const pause = (most: number): Promise<void> => setTimeout(1000 * most * random.uniform());
  const faults: Readonly<Record<string, (cluster: Cluster) => Promise<unknown> | unknown>> = {
    async "a node dies with its steps"() {
      const node = pick(cluster.nodes)!;
      const daemon = cluster.pid(node);
      kill([daemon, ...stepsOf(daemon)]);
      await pause(45);
      await cluster.startNode(node);
    },
    async "a node's steps die, their scripts do not"() {
      kill(stepsOf(cluster.pid(pick(cluster.nodes)!)));
    },
    "a process of trials dies": () =>
      kill([pick(processesOf("task-trials", runs)) ?? 0].filter(Boolean)),
    "a task dies": () => kill([pick(processesOf("cluster/task.ts", runs)) ?? 0].filter(Boolean)),
    async "the controller dies"() {
      kill([cluster.pid("slurmctld")]);
      await pause(4);
      await cluster.startController();
    },
    "a job is requeued": async () =>
      cluster.slurm("scontrol", "requeue", pick(await jobs("RUNNING")) ?? "0"),
    "a job is preempted": () =>
      cluster.slurm("sbatch", "--partition=high", "--output=/dev/null", "--wrap=sleep 3"),
    "a job is cancelled": async () =>
      cluster.slurm("scancel", pick(await jobs("RUNNING,PENDING")) ?? "0"),
    "a job's time is nearly over": async () =>
      cluster.slurm("scancel", "--signal=USR1", "--batch", pick(await jobs("RUNNING")) ?? "0"),
    async "a submission is cut off"() {
      const running = submit();
      await pause(3);
      running.process.kill("SIGKILL");
      await running.outcome;
    },
    async "the disk is full"() {
      if (!disk) return;
      const file = join(folder, "full");
      try {
        execFileSync("dd", ["if=/dev/zero", `of=${file}`, "bs=1M"], { stdio: "ignore" });
      } catch {
        // Until no space is left.
      }
      await pause(8);
      rmSync(file, { force: true });
    },
  };
  const names = Object.keys(faults);
  const thrown = new Map<string, number>();
  /** Requeued jobs need not wait for two minutes each, every time. */
  const hurry = async (): Promise<void> => {
    for (const job of await jobs("PENDING")) {
      if (random.uniform() < 0.5) {
        await cluster.slurm("scontrol", "update", `jobid=${job}`, "StartTime=now").catch(() => {});
      }
    }
  };
  const settle = async (): Promise<string> => {
    const { stdout, stderr } = await submit().outcome;
    return stdout + stderr;
  };
  await settle();
  for (let n = 0; n < FAULTS; n++) {
    await pause(8);
    const name = n < names.length ? names[n]! : pick(names)!;
    thrown.set(name, (thrown.get(name) ?? 0) + 1);
    // Not awaited: faults overlap, and one that meets another may fail.
    later.push(Promise.resolve(faults[name]!(cluster)).catch(() => {}));
    if (n % 3 === 2) later.push(settle().then(hurry));
  }
  await Promise.all(later);
  t.diagnostic([...thrown].map(([name, count]) => `${name}: ${count}`).join(", "));
  const here = join(folder, "here");
  if (tiny) withoutLargeTeachers(join(here, "results"));
  for (let rounds = 0; ; rounds++) {
    const said = await settle();
    if (/^0 of \d+ trials to submit\n/.test(said)) break;
    assert.ok(rounds < 100, said);
    await hurry();
    await cluster.idle(20).catch(() => {});
  }
  const local = await start(["study", "run", STUDY, ...place(here), "--workers", "2"], env).outcome;
  assert.equal(local.code, 0, local.stderr);
  assertSameRecords(recordsIn(results), recordsIn(join(here, "results")));
});
