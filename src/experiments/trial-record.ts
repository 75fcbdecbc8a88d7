// What a study keeps of a trial: one small JSON that knows whether it is whole.
import { createHash } from "node:crypto";
import { canonicalJson, runId } from "../training/canonical.ts";
import type { RunConfig, RunResult } from "../training/run.ts";

export const RECORD_FORMAT = "abkd-result/1";
export const FAILURE_FORMAT = "abkd-failure/1";

/** Accuracies are fractions, 0 to 1. */
export interface TrialRecord {
  readonly format: typeof RECORD_FORMAT;
  /** The hash of the configuration, as of its run. */
  readonly id: string;
  readonly config: RunConfig;
  readonly engine: RunResult["engine"];
  readonly versions: RunResult["versions"];
  readonly data: RunResult["data"];
  readonly parameters: RunResult["parameters"];
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly accuracy: RunResult["accuracy"];
  readonly dead: boolean;
  /** The method's numbers at the end of the training (see Distillation.inspect). */
  readonly scalars: Readonly<Record<string, number>>;
  /** Where attention was learned: A at the end, teacher x student layers, four decimals. */
  readonly attention?: readonly (readonly number[])[];
  readonly warnings: readonly string[];
  /** Never compared. Seconds; `recorded` is the day (UTC), which older records have not. */
  readonly timing: RunResult["timing"] & { readonly recorded?: string };
  /** 16 hex digits of the sha256 of all the rest. */
  readonly digest: string;
}

export function recordOf(result: RunResult): TrialRecord {
  const { id, config, engine, versions, data, parameters, bestEpoch, accuracy, dead } = result;
  const last = result.inspection?.last;
  const learned = config.method?.options["attention"] === "learned";
  const attention = learned ? last?.matrices["attention"] : undefined;
  const content = {
    ...({ format: RECORD_FORMAT, id, config, engine, versions, data, parameters } as const),
    ...{ epochs: result.curve.loss.length, bestEpoch, accuracy, dead },
    scalars: last?.scalars ?? {},
    ...(attention && { attention: attention.map((row) => row.map((a) => Number(a.toFixed(4)))) }),
    warnings: result.warnings,
    timing: { ...result.timing, recorded: new Date().toISOString().slice(0, 10) },
  };
  return { ...content, digest: digestOf(content) };
}

/** A trial that left the numbers (a loss of NaN) and would again: kept in a result's place. */
export interface FailureRecord {
  readonly format: typeof FAILURE_FORMAT;
  readonly id: string;
  readonly config: RunConfig;
  /** Names the run, the epoch and the number. */
  readonly reason: string;
  readonly digest: string;
}

export function failureOf(config: RunConfig, reason: string): FailureRecord {
  const content = { format: FAILURE_FORMAT, id: runId(config), config, reason } as const;
  return { ...content, digest: digestOf(content) };
}

function digestOf(content: object): string {
  // Through JSON once: what is read back (-0, undefined) must give the digest that was written.
  const text = canonicalJson(JSON.parse(JSON.stringify(content)));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Indented, with arrays of numbers on one line each. */
export function recordText(record: TrialRecord | FailureRecord): string {
  const text = JSON.stringify(record, null, 2);
  return `${text.replace(/\[[^[\]{}"]*\]/g, (array) => array.replace(/\n\s*/g, " "))}\n`;
}

/**
 * @param id whose record the text should be
 * @returns the record, or what is wrong with the text: `is cut off or damaged ...`
 */
export function parseRecord(text: string, id: string): TrialRecord | string {
  return parse<TrialRecord>(text, id, RECORD_FORMAT);
}

/** The same for a trial that failed. */
export function parseFailure(text: string, id: string): FailureRecord | string {
  return parse<FailureRecord>(text, id, FAILURE_FORMAT);
}

function parse<R extends TrialRecord | FailureRecord>(
  text: string,
  id: string,
  format: R["format"],
): R | string {
  let value: Partial<R> | null;
  try {
    value = JSON.parse(text) as Partial<R> | null;
  } catch {
    return `is cut off or damaged (${text.length} characters that are no JSON)`;
  }
  if (typeof value !== "object" || value === null) return "is damaged: it holds no object";
  if (value.format !== format) {
    return `is from another version (format ${JSON.stringify(value.format)}, not "${format}")`;
  }
  const { digest, ...content } = value as R;
  if (digest !== digestOf(content)) return "was altered: its digest does not fit";
  if (value.id !== id || runId((value as R).config) !== id) {
    return `holds the result of another configuration (${value.id})`;
  }
  return value as R;
}
