// Table 12 on two nodes while everything fails at random, overlapping: its records are those of a local run.
// ABKD_FAULTS=10 ABKD_STUDY=tiny node --test test/cluster/faults.soak.ts for a shorter one; ABKD_SEED for another.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { ResultsStore } from "../../src/experiments/results-store.ts";
import { distinctTrials } from "../../src/experiments/run-study.ts";
import { findStudy } from "../../src/experiments/studies/index.ts";
import { planStudy } from "../../src/experiments/study.ts";
import { randomStream } from "../../src/graph/random.ts";
import { start } from "../cli/abkd.ts";
import { type Cluster, startSlurm, withoutSlurm } from "./slurm.ts";
import {
  assertSameRecords,
  logsOf,
  outcomeText,
  recordsIn,
  TINY_MODULE,
  withoutLargeTeachers,
} from "./tiny.ts";

const FAULTS = Number(process.env["ABKD_FAULTS"] ?? 40);
const STUDY = process.env["ABKD_STUDY"] ?? "table12";
const SEED = Number(process.env["ABKD_SEED"] ?? 1);
const TINY = STUDY === "tiny";

/** Pubmed's and NELL's teachers take most of an hour each. */
const GRAPHS = ["cora", "citeseer"];

/** The most seconds between two faults: students must meet them too, once the teachers are trained. */
const APART = TINY ? 8 : 30;

/** The processes whose command line holds all of these words, by id. */
function processesOf(...words: readonly string[]): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const line = processFile(Number(name), "cmdline");
    return words.every((word) => line.includes(word)) ? [Number(name)] : [];
  });
}

/** Kills processes. @returns whether there was one */
function kill(ids: readonly (number | undefined)[]): boolean {
  let any = false;
  for (const id of ids) {
    if (id === undefined) continue;
    try {
      process.kill(id, "SIGKILL");
      any = true;
    } catch {
      // It ended meanwhile.
    }
  }
  return any;
}

/** A file of /proc about a process; empty once it has ended. */
function processFile(id: number, name: string): string {
  try {
    return readFileSync(`/proc/${id}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** The slurmstepd of a node that have a script running: no child of slurmd, so their scripts' parents. */
function stepsOf({ env }: Cluster, node: string): number[] {
  const ours = [`SLURM_CONF=${env["SLURM_CONF"]}`, `SLURMD_NODENAME=${node}`];
  const parents = processesOf("cluster/task.ts").flatMap((id) => {
    const environment = processFile(id, "environ").split("\0");
    if (!ours.every((entry) => environment.includes(entry))) return [];
    return Number(/^PPid:\s*(\d+)$/m.exec(processFile(id, "status"))?.[1] ?? 0);
  });
  return parents.filter((id) => processFile(id, "cmdline").startsWith("slurmstepd"));
}

/** Puts a small disk into a folder, which can be filled; returns false where that is not allowed. */
function smallDisk(t: TestContext, folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=128m", "tmpfs", folder], { stdio: "ignore" });
    return true;
  } catch {
    t.diagnostic("no disk could be mounted: it is never full");
    return false;
  }
}

/**
 * Returns the repository's records of the study's trials, from local runs on another day, as recordsIn() does.
 * @param found the trials that were run here
 * @returns undefined if some are missing, or of another engine, whose last bits differ
 */
function committed(found: ReadonlyMap<string, string>): Map<string, string> | undefined {
  const plan = planStudy(findStudy("table12"), { profile: "quick", datasets: GRAPHS });
  const store = new ResultsStore(fileURLToPath(new URL("../../results", import.meta.url)));
  const trials = distinctTrials(plan);
  const { records } = store.read(trials.keys());
  const expected = new Map<string, string>();
  for (const id of [...records.keys()].sort()) {
    const record = records.get(id)!;
    const own = found.get(`${id}.json`);
    if (own !== undefined && !isDeepStrictEqual(JSON.parse(own).engine, record.engine)) return;
    expected.set(`${id}.json`, outcomeText(record));
  }
  return expected.size === trials.size ? expected : undefined;
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
  const env = { ...cluster.env, TINY_EPOCHS: "400", TINY_COPIES: "3" };
  const place = (at: string): string[] => [
    ...(TINY ? ["--module", TINY_MODULE] : ["--datasets", GRAPHS.join()]),
    ...["--results", join(at, "results"), "--runs", join(at, "runs")],
  ];
  if (TINY) withoutLargeTeachers(results);
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
  /** The numbers of jobs in a state: of arrays' tasks, or with `%F` of arrays. */
  const jobs = async (state: string, number = "%A"): Promise<string[]> =>
    (
      await cluster
        .slurm("squeue", "--noheader", `--states=${state}`, `--format=${number}`)
        .catch(() => "")
    )
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  const pause = (most: number): Promise<void> => setTimeout(1000 * most * random.uniform());
  /** Asks Slurm to do something to one of these jobs. */
  const toOne = async (of: Promise<string[]>, ask: (job: string) => string[]): Promise<boolean> => {
    const job = pick(await of);
    if (job === undefined) return false;
    const [command = "", ...args] = ask(job);
    await cluster.slurm(command, ...args);
    return true;
  };
  /** Each says whether there was anything to hit. */
  const faults: Readonly<Record<string, () => Promise<boolean>>> = {
    async "a node dies with its steps"() {
      const node = pick(cluster.nodes)!;
      const steps = stepsOf(cluster, node);
      kill([cluster.pid(node), ...steps]);
      await pause(45);
      await cluster.startNode(node);
      return steps.length > 0;
    },
    "a node's steps die, their scripts do not": async () =>
      kill(stepsOf(cluster, pick(cluster.nodes)!)),
    "a process of trials dies": async () => kill([pick(processesOf("task-trials", runs))]),
    "a task dies": async () => kill([pick(processesOf("cluster/task.ts", runs))]),
    async "the controller dies"() {
      const hit = kill([cluster.pid("slurmctld")]);
      await pause(4);
      await cluster.startController();
      return hit;
    },
    "a job is requeued": () => toOne(jobs("RUNNING"), (job) => ["scontrol", "requeue", job]),
    async "a job is preempted"() {
      const hit = (await jobs("RUNNING")).length > 0;
      await cluster.slurm("sbatch", "--partition=high", "--output=/dev/null", "--wrap=sleep 3");
      return hit;
    },
    "a job is cancelled": () => toOne(jobs("RUNNING,PENDING"), (job) => ["scancel", job]),
    "an array is cancelled": () => toOne(jobs("RUNNING,PENDING", "%F"), (job) => ["scancel", job]),
    "a job is warned of its time limit": () =>
      toOne(jobs("RUNNING"), (job) => ["scancel", "--signal=USR1", "--batch", job]),
    "a job's time limit is near": () =>
      toOne(jobs("RUNNING"), (job) => ["scontrol", "update", `jobid=${job}`, "TimeLimit=1"]),
    async "a submission is cut off"() {
      const running = submit();
      await pause(1.5);
      running.process.kill("SIGKILL");
      return (await running.outcome).code === null;
    },
    async "the disk is full"() {
      if (!disk) return false;
      const file = join(folder, `full-${random.uniform()}`);
      try {
        execFileSync("dd", ["if=/dev/zero", `of=${file}`, "bs=1M"], { stdio: "ignore" });
      } catch {
        // Until no space is left.
      }
      await pause(8);
      rmSync(file, { force: true });
      return true;
    },
  };
  const names = Object.keys(faults);
  const hits = new Map(names.map((name) => [name, 0]));
  const misses: string[] = [];
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
  const later = new Set<Promise<unknown>>();
  const meanwhile = (work: Promise<unknown>): void => {
    const one = work.finally(() => later.delete(one));
    later.add(one);
  };
  /** A fault that meets another may fail. */
  const thrown = async (name: string): Promise<void> => {
    const hit = await faults[name]!().catch(() => false);
    if (hit) hits.set(name, hits.get(name)! + 1);
    else misses.push(name);
  };
  const count = (): number => [...hits.values()].reduce((all, one) => all + one, 0);
  for (let n = 0; count() < FAULTS; n++) {
    await pause(APART);
    // Not awaited: faults overlap. Each kind in turn first, then any.
    meanwhile(thrown(names[n] ?? pick(names)!));
    if (n % 3 === 2) meanwhile(settle().then(hurry));
    assert.ok(n < 10 * FAULTS, `nothing left to hit after ${count()} faults`);
  }
  await Promise.all(later);
  const list = [...hits].map(([name, times]) => `${name}: ${times}`).join(", ");
  t.diagnostic(`${count()} faults: ${list}; ${misses.length} others found nothing to hit`);
  for (let rounds = 0; ; rounds++) {
    const said = await settle();
    if (/^0 of \d+ trials to submit\n/.test(said)) break;
    assert.ok(rounds < 300, said);
    await hurry();
    await cluster.idle(20).catch(() => {});
  }
  // Scripts that outlived their steps are second writers: they end first, and find the records there.
  while (processesOf("cluster/task.ts", runs).length > 0) await setTimeout(500);
  const logs = logsOf(runs);
  const times = (what: RegExp): string => String([...logs.matchAll(what)].length);
  t.diagnostic(
    `in the logs: ${times(/restart 0$/gm)} first turns, ${times(/restart [1-9]\d*$/gm)} further ones, ` +
      `${times(/asking for another turn/g)} asked for by a task, ${times(/ENOSPC|[Nn]o space/g)} of no space`,
  );
  const records = recordsIn(results);
  let expected = TINY ? undefined : committed(records);
  t.diagnostic(
    `${records.size} records, compared with ${expected ? "the committed ones" : "a run here"}`,
  );
  if (!expected) {
    const here = join(folder, "here");
    if (TINY) withoutLargeTeachers(join(here, "results"));
    const local = start(["study", "run", STUDY, ...place(here), "--workers", "2"], env);
    const { code, stderr } = await local.outcome;
    assert.equal(code, 0, stderr);
    expected = recordsIn(join(here, "results"));
  }
  assertSameRecords(records, expected);
});
