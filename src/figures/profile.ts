// A timing profile: where the time goes in a notebook or a script, as tables and as a trace file.
import { inspect } from "node:util";
import { needFunction, needObject } from "../base/arguments.ts";
import { writeAtomic } from "../base/files.ts";
import { columnsOf, formatTable, htmlTable, type Table } from "../base/table.ts";
import { percent, shortTime } from "../display/format.ts";
import { displayHook } from "../display/host.ts";
import {
  type OperatorTime,
  type ProfileData,
  type ProfileTimes,
  startProfile,
  traceJson,
} from "../tensor/index.ts";

const BETWEEN = "JavaScript between operators";

function size(bytes: number | undefined): string {
  if (bytes === undefined) return "";
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(2)} MB`;
}

function rate(count: number | undefined, seconds: number): string {
  return count === undefined || count === 0 ? "" : (count / seconds / 1e9).toFixed(1);
}

/**
 * Builds one row per operator, longest first, and one for everything between operators: the times add up to the
 * wall time. GB/s counts what operators read and write, in memory or caches (tensor/engine/kernels.ts).
 */
export function operatorTable({ operators, between, seconds: wall }: ProfileTimes): Table {
  const row = ({ name, calls, seconds, bytes, operations }: OperatorTime): string[] => [
    name,
    String(calls),
    shortTime(seconds),
    percent(seconds / wall),
    shortTime(seconds / calls),
    size(bytes),
    rate(bytes, seconds),
    rate(operations, seconds),
  ];
  return {
    columns: columnsOf("operator", "calls | time | share | a call | bytes | GB/s | GFLOP/s"),
    rows: [
      ...operators.map(row),
      [BETWEEN, "", shortTime(between), percent(between / wall), "", "", "", ""],
      ["all", "", shortTime(wall), percent(wall / wall), "", "", "", ""],
    ],
  };
}

/** Builds one row per phase, in the order in which they began, and one for the time between them. */
export function phaseTable({ phases, seconds: wall }: ProfileTimes): Table {
  const rest = wall - phases.reduce((sum, { seconds }) => sum + seconds, 0);
  return {
    columns: columnsOf("phase", "time | share | in operators"),
    rows: [
      ...phases.map(({ name, seconds, operators }) => [
        name,
        shortTime(seconds),
        percent(seconds / wall),
        percent(operators / seconds),
      ]),
      ["between phases", shortTime(rest), percent(rest / wall), ""],
    ],
  };
}

/** Returns both tables as text; that of phases only if there are any. */
export function profileText(times: ProfileTimes): string {
  const tables = [operatorTable(times), ...(times.phases.length > 0 ? [phaseTable(times)] : [])];
  return tables.map(formatTable).join("\n\n");
}

/** A recorded timing profile. As the last expression of a notebook's cell, or printed, it is a table. */
export class TimeProfile<T> implements ProfileData {
  /** What the profiled function returned. */
  readonly value: T;
  readonly seconds: number;
  readonly between: number;
  readonly operators: ProfileData["operators"];
  readonly phases: ProfileData["phases"];
  readonly steps: number;
  readonly tracedSteps: number;
  readonly spans: ProfileData["spans"];

  constructor(value: T, data: ProfileData) {
    needObject(
      data,
      "TimeProfile: data",
      "a profile, as profile() measures it",
      "seconds",
      "operators",
    );
    this.value = value;
    this.seconds = data.seconds;
    this.between = data.between;
    this.operators = data.operators;
    this.phases = data.phases;
    this.steps = data.steps;
    this.tracedSteps = data.tracedSteps;
    this.spans = data.spans;
  }

  /**
   * Writes a file for chrome://tracing and ui.perfetto.dev: the first steps, operator by operator.
   * @throws FileError if the file cannot be written
   */
  saveTrace(file: string): void {
    const { seconds, between, operators, phases, steps, tracedSteps, spans } = this;
    const data = { seconds, between, operators, phases, steps, tracedSteps, spans };
    writeAtomic(file, traceJson(data, "abkd"));
  }

  [displayHook](): Readonly<Record<string, string>> {
    const tables = this.phases.length > 0 ? [operatorTable, phaseTable] : [operatorTable];
    return {
      "text/html": tables.map((table) => htmlTable(table(this))).join("\n"),
      "text/plain": profileText(this),
    };
  }

  [inspect.custom](): string {
    return profileText(this);
  }
}

/**
 * Runs a function and records where its time goes: time, bytes and rates by operator on either engine, and by
 * phase if it trains. Worker threads (runTrials) are not measured: profile train() instead, or give runTrials
 * `profile`.
 *
 *     await profile(() => train(task))
 *
 * @throws UserError if another profile is being recorded, and whatever the function throws
 */
export async function profile<T>(run: () => T | Promise<T>): Promise<TimeProfile<T>> {
  needFunction(run, "profile: run", "a function, which is run and measured");
  const stop = startProfile();
  try {
    const value = await run();
    return new TimeProfile(value, stop());
  } finally {
    stop();
  }
}
