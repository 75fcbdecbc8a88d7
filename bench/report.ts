// What a benchmark found, as a table for a terminal, as Markdown and as data.
import os from "node:os";
import { PEER } from "./kernels.ts";
import type { Task, Timing } from "./measure.ts";

export interface Row extends Timing {
  readonly group: string;
  readonly name: string;
  /** Milliseconds; null where nothing is promised. */
  readonly limit: number | null;
  /** 10^9 operations a second by the median; null where they are not counted. */
  readonly gflops: number | null;
  /** How many times as long tfjs's cpu back end takes, by the medians; null where not compared. */
  readonly peerRatio: number | null;
  /** The median on all threads; null where it was not measured. */
  readonly threaded: number | null;
}

export interface Report {
  readonly dataset: string;
  readonly nodes: number;
  readonly arcs: number;
  readonly machine: {
    readonly cores: number;
    readonly processor: string;
    readonly platform: string;
    readonly node: string;
    readonly flavour: string;
    readonly threads: number;
    /** Load of the machine when the benchmark began, itself not counted. */
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

/** One row a task of this engine on one thread; the peer's rows and those on all become ratios. */
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
    const { group, name, limit, operations } = task;
    if (group === PEER || onAll(task)) return [];
    const timing = timings[i]!;
    const peer = medians.get(title({ group: PEER, name: title(task) }));
    const base = limit?.beyond ? medians.get(title(limit.beyond))! : 0;
    return {
      ...{ group, name, ...timing },
      limit: limit ? limit.milliseconds + base : null,
      gflops: operations === undefined ? null : operations / timing.median / 1e6,
      peerRatio: peer === undefined ? null : peer / timing.median,
      threaded: threaded.get(title(task)) ?? null,
    };
  });
}

const HEAD = [
  "what",
  "median",
  "quartiles",
  "fastest",
  "CPU",
  "samples",
  "limit",
  "GFLOP/s",
  "tfjs cpu takes",
  "all threads",
];

function duration(milliseconds: number): string {
  if (milliseconds < 1) return `${(milliseconds * 1000).toFixed(0)} µs`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 0)} ms`;
}

function cells(row: Row): string[] {
  const { lower, upper, limit, median, fastest, cpu } = row;
  return [
    `${row.group}: ${row.name}`,
    duration(median),
    `${duration(lower)} to ${duration(upper)}`,
    duration(fastest),
    duration(cpu),
    String(row.samples),
    limit === null ? "" : `${duration(limit)}${median > limit ? " (over)" : ""}`,
    row.gflops === null ? "" : row.gflops.toFixed(1),
    row.peerRatio === null ? "" : `${row.peerRatio.toFixed(1)} x`,
    row.threaded === null
      ? ""
      : `${duration(row.threaded)} (${(row.threaded / median).toFixed(2)})`,
  ];
}

/** The facts that the numbers depend on, in one sentence. */
export function facts({ dataset, nodes, arcs, machine }: Omit<Report, "rows">): string {
  const { cores, processor, platform, node, flavour, threads, load } = machine;
  return (
    `${dataset} (${nodes} nodes, ${arcs} arcs); ` +
    `1 thread${threads > 1 ? ` and ${threads}` : ""} of ${cores} cores, ${processor}, ` +
    `${platform}; Node ${node}, flavour ${flavour}; load ${load} at the start`
  );
}

export function terminalTable(report: Report): string {
  const table = [HEAD, ...report.rows.map(cells)];
  const widths = HEAD.map((_, c) => Math.max(...table.map((line) => line[c]!.length)));
  const lines = table.map((line) =>
    line
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join("  ")
      .trimEnd(),
  );
  return `${facts(report)}\n\n${lines.join("\n")}\n`;
}

/** A Markdown table's lines; all columns but the first stand to the right. */
export function markdownLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const line = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  const rule = head.map((_, c) => (c === 0 ? "---" : "---:"));
  return [head, rule, ...rows].map(line);
}

export function markdownTable(report: Report): string {
  return [`${facts(report)}.`, "", ...markdownLines(HEAD, report.rows.map(cells))].join("\n");
}
