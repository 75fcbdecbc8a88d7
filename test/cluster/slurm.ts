// A real Slurm on this machine for a test: its own munged, slurmctld and some slurmd, each a node, on the loopback.
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Says why there is no Slurm here, as a test's `skip`; false if there is one. */
export function withoutSlurm(): string | false {
  const missing = ["munged", "slurmctld", "slurmd"].filter(
    (name) => !existsSync(`/usr/sbin/${name}`),
  );
  if (missing.length > 0)
    return `needs ${missing.join(", ")}: apt-get install slurmctld slurmd slurm-client munge`;
  return process.getuid?.() === 0 ? false : "needs root, as slurmd does";
}

export interface Cluster {
  readonly folder: string;
  /** The environment in which sbatch, squeue and abkd find it. */
  readonly env: NodeJS.ProcessEnv;
  readonly nodes: readonly string[];
  /** Runs a command of Slurm's and returns what it prints. */
  slurm(command: string, ...args: string[]): Promise<string>;
  /** The process id of a daemon: `slurmctld`, or a node's slurmd by the node's name. */
  pid(daemon: string): number;
  startController(): Promise<void>;
  startNode(name: string): Promise<void>;
  /** Waits until no job is queued or running. */
  idle(seconds: number): Promise<void>;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(
    servers.map(
      (server) => server.listening || new Promise((done) => server.once("listening", done)),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

export interface ClusterOptions {
  /** How many nodes there are, with one core each. */
  readonly nodes?: number;
  readonly lines?: readonly string[];
}

/** Starts a cluster, which ends with the test. */
export async function startSlurm(
  t: TestContext,
  { nodes: count = 2, lines = [] }: ClusterOptions = {},
): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "abkd-slurm-"));
  chmodSync(folder, 0o700);
  const at = (name: string): string => join(folder, name);
  const nodes = Array.from({ length: count }, (_, k) => `n${k + 1}`);
  for (const name of ["state", ...nodes.map((node) => `spool/${node}`)]) {
    mkdirSync(at(name), { recursive: true });
  }
  writeFileSync(at("munge.key"), randomBytes(1024), { mode: 0o400 });
  const [controller, ...ports] = await freePorts(1 + count);
  const host = hostname().split(".")[0]!;
  const conf = `
ClusterName=one
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
AuthInfo=socket=${at("munge.sock")}
StateSaveLocation=${at("state")}
SlurmdSpoolDir=${at("spool/%n")}
SlurmctldPidFile=${at("slurmctld.pid")}
SlurmdPidFile=${at("slurmd-%n.pid")}
SlurmctldLogFile=${at("slurmctld.log")}
SlurmdLogFile=${at("slurmd-%n.log")}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=${at("jobcomp.log")}
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
JobRequeue=1
KillWait=2
MinJobAge=300
SlurmdTimeout=30
InactiveLimit=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
${lines.join("\n")}
${nodes.map((node, k) => `NodeName=${node} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${ports[k]} CPUs=1 RealMemory=1000 State=UNKNOWN`).join("\n")}
PartitionName=low Nodes=${nodes.join()} Default=YES MaxTime=60 State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=2
PartitionName=high Nodes=${nodes.join()} MaxTime=60 State=UP PriorityTier=10 PreemptMode=OFF
`;
  writeFileSync(at("slurm.conf"), conf);
  const env = { ...process.env, SLURM_CONF: at("slurm.conf"), NODE_OPTIONS: "" };
  const slurm = async (command: string, ...args: string[]): Promise<string> =>
    (await run(command, args, { env, maxBuffer: 1e8 })).stdout;
  const pid = (daemon: string): number => {
    const name = daemon === "slurmctld" || daemon === "munged" ? daemon : `slurmd-${daemon}`;
    return Number(readFileSync(at(`${name}.pid`), "utf8"));
  };
  t.after(async () => {
    // A daemon that is killed leaves its jobs running.
    await slurm("scancel", "--user", "root").catch(() => {});
    await cluster.idle(10).catch(() => {});
    for (const daemon of [...nodes, "slurmctld", "munged"]) {
      try {
        process.kill(pid(daemon), "SIGKILL");
      } catch {
        // It ended before.
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });
  const munge = ["socket", "pid-file", "log-file", "seed-file"].flatMap((option) => [
    `--${option}`,
    at(
      option === "socket"
        ? "munge.sock"
        : option === "pid-file"
          ? "munged.pid"
          : `munged.${option}`,
    ),
  ]);
  await run("/usr/sbin/munged", ["--force", "--key-file", at("munge.key"), ...munge]);
  const daemon = async (path: string, ...args: string[]): Promise<void> => {
    const child = spawn(path, ["-f", at("slurm.conf"), ...args], { env, stdio: "ignore" });
    await new Promise((done, failed) => child.once("exit", done).once("error", failed));
  };
  const cluster: Cluster = {
    ...{ folder, env, nodes, slurm, pid },
    startController: () => daemon("/usr/sbin/slurmctld"),
    startNode: (name) => daemon("/usr/sbin/slurmd", "-N", name),
    async idle(seconds) {
      const end = performance.now() + 1000 * seconds;
      while ((await slurm("squeue", "--noheader")).trim() !== "") {
        if (performance.now() > end) {
          throw new Error(`still queued after ${seconds} s:\n${await slurm("squeue", "--array")}`);
        }
        await setTimeout(200);
      }
    },
  };
  await cluster.startController();
  for (const node of nodes) await cluster.startNode(node);
  for (let tries = 0; ; tries++) {
    const states = await slurm(
      "sinfo",
      "--noheader",
      "--Node",
      "--format=%N %T",
      "--partition=low",
    ).catch(String);
    if (
      states
        .trim()
        .split("\n")
        .filter((line) => line.endsWith(" idle")).length === count
    )
      break;
    if (tries > 100) throw new Error(`the cluster does not come up: ${states}`);
    await setTimeout(100);
  }
  return cluster;
}
