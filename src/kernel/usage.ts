// Memory and CPU use of the kernel and its machine, for JupyterLab's resource panel (jupyter-resource-usage).
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, freemem, hostname, totalmem } from "node:os";
import { promisify } from "node:util";
import type { Content } from "./wire.ts";

interface ProcessUse {
  readonly pid: number;
  readonly parent: number;
  /** Resident memory in bytes. */
  readonly memory: number;
  /** CPU seconds since the process started. */
  readonly cpu: number;
}

interface Sample {
  readonly time: number;
  readonly cpu: ReadonlyMap<number, number>;
  readonly hostBusy: number;
  readonly hostTotal: number;
}

const CLOCK_TICKS = 100; // Linux has the same USER_HZ everywhere
const PAGE = 4096;

export class UsageMeter {
  #last = sample([]);

  /** Returns the content of usage_reply for this process and its descendants. */
  async measure(pid: number): Promise<Content> {
    const family = descendants(await processes(), process.pid);
    const now = sample(family);
    const before = this.#last;
    this.#last = now;
    // All CPU time of a process that is new since the last sample falls into this interval.
    const seconds = family.reduce((sum, { pid, cpu }) => sum + cpu - (before.cpu.get(pid) ?? 0), 0);
    const elapsed = (now.time - before.time) / 1000;
    const busy = (now.hostBusy - before.hostBusy) / (now.hostTotal - before.hostTotal || 1);
    return {
      hostname: hostname(),
      pid,
      kernel_cpu: before.cpu.size > 0 ? round((100 * seconds) / elapsed) : 0,
      kernel_memory: family.reduce((sum, { memory }) => sum + memory, 0),
      host_cpu_percent: round(100 * busy),
      cpu_count: availableParallelism(),
      host_virtual_memory: hostMemory(),
    };
  }
}

function sample(family: readonly ProcessUse[]): Sample {
  let hostBusy = 0;
  let hostTotal = 0;
  for (const { times } of cpus()) {
    const total = times.user + times.nice + times.sys + times.idle + times.irq;
    hostTotal += total;
    hostBusy += total - times.idle;
  }
  const cpu = new Map(family.map((use) => [use.pid, use.cpu]));
  return { time: performance.now(), cpu, hostBusy, hostTotal };
}

function descendants(all: readonly ProcessUse[], root: number): ProcessUse[] {
  const family = new Set([root]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

async function processes(): Promise<ProcessUse[]> {
  if (process.platform === "linux") {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readStat(name) ?? []);
  }
  const fields = ["-A", "-o", "pid=,ppid=,rss=,time="];
  const { stdout } = await promisify(execFile)("ps", fields);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [pid, parent, kilobytes, time = ""] = line.trim().split(/\s+/);
      const cpu = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
      return { pid: Number(pid), parent: Number(parent), memory: Number(kilobytes) * 1024, cpu };
    });
}

/** Returns undefined for a process that has just ended. */
function readStat(pid: string): ProcessUse | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may contain spaces; the state is the first field after it.
    const fields = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [parent = 0, user = 0, system = 0, pages = 0] = [1, 11, 12, 21].map((at) => fields[at]);
    return {
      pid: Number(pid),
      parent,
      memory: pages * PAGE,
      cpu: (user + system) / CLOCK_TICKS,
    };
  } catch {
    return undefined;
  }
}

function hostMemory(): Content {
  const total = totalmem();
  const available = process.availableMemory();
  const known = { total, available, free: freemem(), used: total - available };
  return { ...known, percent: round((100 * (total - available)) / total), ...linuxMemory() };
}

/** Returns what psutil adds on Linux, from /proc/meminfo. */
function linuxMemory(): Content {
  if (process.platform !== "linux") return {};
  const text = readFileSync("/proc/meminfo", "utf8");
  const names = ["Active", "Inactive", "Buffers", "Cached", "Shmem", "Slab"];
  const values = names.map((name) => {
    const [, kilobytes = 0] = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text) ?? [];
    return [name === "Shmem" ? "shared" : name.toLowerCase(), Number(kilobytes) * 1024];
  });
  return Object.fromEntries(values);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
