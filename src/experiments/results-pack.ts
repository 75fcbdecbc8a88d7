// A pack: the finished trials of one dataset in one file, one record per line. pack-results.ts writes it.
import { readFileSync, statSync } from "node:fs";
import { fileError } from "../base/files.ts";
import { parseJson } from "../base/json.ts";
import { isWholeLine, openLine } from "../base/sealed-json.ts";
import { runId } from "../training/run-id.ts";
import {
  FAILURE_FORMAT,
  parseFailure,
  parseRecord,
  RECORD_FORMAT,
  type StoredRecord,
  sameOutcome,
  type TrialRecord,
} from "./trial-record.ts";

/** How the names of packs end: `cora.jsonl`. */
export const PACK_ENDING = ".jsonl";

export type RecordKind = "result" | "failure";

/** A line whose digest matches; the rest of it is checked when it is parsed. */
export interface PackedLine {
  readonly id: string;
  readonly kind: RecordKind;
  readonly text: string;
  /** The line's number in the file, from 1. */
  readonly number: number;
}

/** A line that cannot be trusted. */
export interface DamagedLine extends Pick<PackedLine, "text" | "number"> {
  /** The line's trial; both ids if the line states one and its configuration has another. */
  readonly ids: readonly string[];
  /** Names the file, the line and what is wrong with it. */
  readonly message: string;
}

export interface Pack {
  readonly path: string;
  readonly text: string;
  /** The sound lines by `lineKey`, in file order, which a merge of two branches may disturb. */
  readonly lines: ReadonlyMap<string, PackedLine>;
  /** Lines that were cut or altered, a merge's conflict markers, and lines that contradict each other. */
  readonly damaged: readonly DamagedLine[];
}

/** Identifies a record: a trial that diverged and has a result from a later run has two. */
export function lineKey({ id, kind }: Pick<PackedLine, "id" | "kind">): string {
  return `${id} ${kind}`;
}

/** @returns the record, or what is wrong with the line */
export function parseLine({ id, kind, text }: PackedLine): StoredRecord | string {
  return kind === "result" ? parseRecord(text, id, openLine) : parseFailure(text, id, openLine);
}

const IDENTITY = new RegExp(
  `"format":"(${RECORD_FORMAT}|${FAILURE_FORMAT})","id":"([0-9a-f]{16})"`,
);

/**
 * Reads a pack and checks the digest of every line. There is no digest of the whole file, so that one bad line
 * does not spoil the others and git can merge two packs.
 * @returns undefined if there is no such file
 * @throws FileError if it cannot be read
 */
export function readPack(path: string): Pack | undefined {
  const content = readWhole(path);
  if (content === undefined) return undefined;
  return packOf(path, content);
}

function packOf(path: string, content: string): Pack {
  const lines = new Map<string, PackedLine>();
  const damaged: DamagedLine[] = [];
  const doubt = (line: Pick<DamagedLine, "text" | "number" | "ids">, why: string): void => {
    damaged.push({ ...line, message: `${path} line ${line.number} ${why}` });
  };
  const contradicted = new Map<string, PackedLine>();
  for (const [k, text] of content.replace(/\n$/, "").split("\n").entries()) {
    const number = k + 1;
    const [, format, id] = IDENTITY.exec(text) ?? [];
    if (id === undefined || !isWholeLine(text)) {
      if (content === "") continue;
      doubt({ text, number, ids: idsIn(text) }, "was cut or altered: its digest does not match");
      continue;
    }
    const kind = format === RECORD_FORMAT ? "result" : "failure";
    const line: PackedLine = { id, kind, text, number };
    const earlier = lines.get(lineKey(line));
    if (!earlier) lines.set(lineKey(line), line);
    else if (!agree(earlier, line)) {
      contradicted.set(lineKey(line), earlier);
      doubt(
        { text, number, ids: [id] },
        `and line ${earlier.number} have different results for trial ${id}`,
      );
    }
  }
  for (const [key, { id, text, number }] of contradicted) {
    lines.delete(key);
    doubt({ text, number, ids: [id] }, `and another line have different results for trial ${id}`);
  }
  return { path, text: content, lines, damaged };
}

/** Returns the trials whose record an altered line may have been. */
function idsIn(text: string): string[] {
  const [, , said] = IDENTITY.exec(text) ?? [];
  return [...new Set([said, idOfConfig(text)])].filter((id) => id !== undefined);
}

function idOfConfig(text: string): string | undefined {
  try {
    return runId((parseJson(text) as TrialRecord).config);
  } catch {
    return undefined; // no JSON, or no configuration in it
  }
}

function agree(one: PackedLine, other: PackedLine): boolean {
  if (one.text === other.text) return true;
  const [a, b] = [parseLine(one), parseLine(other)];
  return typeof a === "object" && typeof b === "object" && sameOutcome(a, b);
}

function readWhole(path: string): string | undefined {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (!there) return undefined;
    // Reading a pipe would block. The pack is not missing, so this must not make trials run again.
    if (!there.isFile()) throw new Error("it is not a regular file; move it away");
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw fileError("read", path, cause);
  }
}
