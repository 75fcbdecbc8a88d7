// The record that a study stores per trial: a small JSON with a digest that shows damage.

import { canonicalJson } from "../base/canonical.ts";
import { count, dictionary, type Form, list, object, optional, text } from "../base/json-form.ts";
import { printable } from "../base/printable.ts";
import { type Opener, openSealed, type Sealed, sealed } from "../base/sealed-json.ts";
import type { RunConfig, RunResult } from "../training/run.ts";
import { configForm, number, outcomeForm } from "../training/run-form.ts";
import { runId } from "../training/run-id.ts";
import { learnedAttention } from "./attention.ts";

export const RECORD_FORMAT = "abkd-result/1";
export const FAILURE_FORMAT = "abkd-failure/1";

/** Accuracies are fractions, 0 to 1. */
export interface TrialRecord extends Sealed {
  readonly format: typeof RECORD_FORMAT;
  /** The hash of the configuration, which is also the run's id. */
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
  /** The method's numbers at the end of training (see Distillation.inspect). */
  readonly scalars: Readonly<Record<string, number>>;
  /** A at the end, if attention was learned: teacher x student layers, to four decimals. */
  readonly attention?: readonly (readonly number[])[];
  readonly warnings: readonly string[];
  /** Seconds, never compared; `recorded` is the day (UTC), which older records lack. */
  readonly timing: RunResult["timing"] & { readonly recorded?: string };
}

/** Whether two records agree on everything but the timing, and the digest that covers it. */
export function sameOutcome(one: StoredRecord, other: StoredRecord): boolean {
  const outcome = (record: StoredRecord): string =>
    canonicalJson({ ...record, timing: undefined, digest: undefined });
  return outcome(one) === outcome(other);
}

export function recordOf(result: RunResult): TrialRecord {
  const { id, config, engine, versions, data, parameters, bestEpoch, accuracy, dead } = result;
  const attention = learnedAttention(result);
  return sealed({
    format: RECORD_FORMAT,
    id,
    config,
    engine,
    versions,
    data,
    parameters,
    epochs: result.curve.loss.length,
    bestEpoch,
    accuracy,
    dead,
    scalars: result.inspection?.last.scalars ?? {},
    ...(attention && { attention }),
    warnings: result.warnings,
    timing: { ...result.timing, recorded: new Date().toISOString().slice(0, 10) },
  });
}

/** A trial whose loss became non-finite, and would again; stored in place of a result. */
export interface FailureRecord extends Sealed {
  readonly format: typeof FAILURE_FORMAT;
  readonly id: string;
  readonly config: RunConfig;
  /** Names the run, the epoch and the number. */
  readonly reason: string;
}

export function failureOf(config: RunConfig, reason: string): FailureRecord {
  const content = { format: FAILURE_FORMAT, id: runId(config), config, reason } as const;
  return sealed(content);
}

const recordForm = object({
  ...outcomeForm,
  epochs: count,
  scalars: dictionary(number),
  attention: optional(list(list(number))),
});

const failureForm = object({ id: text, config: configForm, reason: text });

/** What a store holds for a trial. */
export type StoredRecord = TrialRecord | FailureRecord;

/**
 * @param id the trial whose record the text should be
 * @param opener `openSealed` for a file, `openLine` for a line of a pack
 * @returns the record, or what is wrong with the text: `is cut off or damaged ...`
 */
export function parseRecord(text: string, id: string, opener = openSealed): TrialRecord | string {
  return open<TrialRecord>(text, id, RECORD_FORMAT, recordForm, opener);
}

/** Does the same for a trial that failed. */
export function parseFailure(
  text: string,
  id: string,
  opener = openSealed,
): FailureRecord | string {
  return open<FailureRecord>(text, id, FAILURE_FORMAT, failureForm, opener);
}

function open<R extends StoredRecord>(
  text: string,
  id: string,
  format: string,
  form: Form,
  opener: Opener,
): R | string {
  const record = opener<R>(text, format, form);
  if (typeof record === "string") return record;
  if (record.id !== id || runId(record.config) !== id) {
    return `holds the result of another configuration (${printable(record.id)})`;
  }
  return record;
}
