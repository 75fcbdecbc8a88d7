// The records that come with the project, as plain JSON: lines of packs, and files that are not yet packed.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TrialRecord } from "../../src/experiments/trial-record.ts";

export const RESULTS = join(import.meta.dirname, "../../results");

export interface CommittedRecord {
  /** The file's name. */
  readonly file: string;
  readonly text: string;
  readonly record: TrialRecord;
}

export function committedRecords(): CommittedRecord[] {
  return readdirSync(RESULTS).flatMap((file) => {
    if (!/^[0-9a-f]{16}\.json$|\.jsonl$/.test(file)) return [];
    const text = readFileSync(join(RESULTS, file), "utf8");
    const texts = file.endsWith(".jsonl") ? text.trimEnd().split("\n") : [text];
    return texts.map((one) => ({ file, text: one, record: JSON.parse(one) as TrialRecord }));
  });
}
