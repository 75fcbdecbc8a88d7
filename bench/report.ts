// The results of a benchmark of tasks: one row per task, and the machine that it ran on.
import os from "node:os";
import { columnsOf, type Table } from "../src/base/table.ts";
import { shortTime } from "../src/display/format.ts";
import { PEER } from "./kernels.ts";
import type { Task, Timing } from "./measure.ts";

export interface Row extends Timing {
  readonly group: string;
  readonly name: string;
  /** The limit in milliseconds; null if there is none. */
  readonly limit: number | null;
  /** How many times as long tfjs's cpu back end takes, by the medians; null if not compared. */
  readonly peerRatio: number | null;
  /** The median on all threads; null if it was not measured. */
  readonly threaded: number | null;
}

export interface Report {
  readonly machine: {
    readonly cores: number;
    readonly processor: string;
    readonly platform: string;
    readonly node: string;
    readonly flavour: string;
    readonly threads: number;
    /** The load of the machine when the benchmark began, without the benchmark itself. */
    readonly load: number;
  };
  readonly rows: readonly Row[];
}

export function machineFacts(flavour: string, threads = 1): Report["machine"] {
  return {
    cores: os.availableParallelism(),
    processor: os.cpus()[0]?.model.trim() ?? "unknown",
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    flavour,
    threads,
    load: Math.round(os.loadavg()[0]! * 100) / 100,
  };
}

/** Makes one row per task of this engine on one thread; the peer's and those on all threads become columns. */
export function rowsOf(tasks: readonly Task[], timings: readonly Timing[]): Row[] {
  const title = ({ group, name }: Pick<Task, "group" | "name">): string => `${group}: ${name}`;
  const onAll = ({ threads = 1 }: Task): boolean => threads > 1;
  const mediansOf = (chosen: (task: Task) => boolean): Map<string, number> =>
    new Map(
      tasks.flatMap((task, i) =>
        chosen(task) ? [[title(task), timings[i]!.median] as const] : [],
      ),
    );
  const [medians, threaded] = [mediansOf((task) => !onAll(task)), mediansOf(onAll)];
  return tasks.flatMap((task, i) => {
    const { group, name, limit } = task;
    if (group === PEER || onAll(task)) return [];
    const timing = timings[i]!;
    const peer = medians.get(title({ group: PEER, name: title(task) }));
    const base = limit?.beyond ? medians.get(title(limit.beyond))! : 0;
    return {
      group,
      name,
      ...timing,
      limit: limit ? limit.milliseconds + base : null,
      peerRatio: peer === undefined ? null : peer / timing.median,
      threaded: threaded.get(title(task)) ?? null,
    };
  });
}

function cells(row: Row): string[] {
  const { lower, upper, limit, median, fastest, cpu, operations, bytes, threaded } = row;
  const time = (milliseconds: number): string => shortTime(milliseconds / 1000);
  const giga = (count: number): string => (count === 0 ? "" : (count / median / 1e6).toFixed(1));
  return [
    `${row.group}: ${row.name}`,
    time(median),
    `${time(lower)} to ${time(upper)}`,
    time(fastest),
    time(cpu),
    String(row.samples),
    limit === null ? "" : `${time(limit)}${median > limit ? " (over)" : ""}`,
    giga(operations),
    giga(bytes),
    row.peerRatio === null ? "" : `${row.peerRatio.toFixed(1)} x`,
    threaded === null ? "" : `${time(threaded)} (${(threaded / median).toFixed(2)})`,
  ];
}

/** Says in one sentence what the numbers depend on. */
export function machineText({
  cores,
  processor,
  platform,
  node,
  ...rest
}: Report["machine"]): string {
  const { flavour, threads, load } = rest;
  return (
    `1 thread${threads > 1 ? ` and ${threads}` : ""} of ${cores} cores, ${processor}, ` +
    `${platform}; Node ${node}, flavour ${flavour}; load ${load} at the start.`
  );
}

export function reportTable({ rows }: Report): Table {
  const numbers =
    "median | quartiles | fastest | CPU | samples | limit | GFLOP/s | GB/s | tfjs cpu takes | all threads";
  return { columns: columnsOf("what", numbers), rows: rows.map(cells) };
}
