// What a reader of a form finds in its files, before it becomes a graph.
import { stat } from "node:fs/promises";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { readBytes } from "../../base/files.ts";
import { printable } from "../../base/printable.ts";
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import type { RawSplit } from "../splits.ts";

/** The classes of nodes. */
export interface FoundLabels {
  /** The class of each node, or UNLABELLED. */
  readonly labels: Int32Array;
  readonly classes: number;
  /** What the file calls the classes, if not 0, 1, 2 ... */
  readonly names?: readonly string[];
  /** The classes of each node, if it may have several. */
  readonly labelSets?: Csr;
}

export interface FoundGraph extends FoundLabels {
  /** The form in a few words. */
  readonly form: string;
  readonly nodes: number;
  /** What the files call the nodes, if not 0, 1, 2 ... */
  readonly ids?: readonly string[];
  /** The ends of each stored arc, as the file has them, all of them nodes. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** nodes x features, canonical (sparse.ts); absent: the files have none. */
  readonly features?: Csr;
  /** What the files call the columns of features, if all have names that differ. */
  readonly featureNames?: readonly string[];
  /** The time of each node, if the files have it, in any unit. */
  readonly times?: Float64Array;
  /** The file's own sets of nodes, none or several. */
  readonly splits: readonly RawSplit[];
  /** What was decided where the files leave a choice, a sentence each. */
  readonly decisions: readonly string[];
  /** What is probably not meant, a sentence each. */
  readonly warnings?: readonly string[];
}

/** Larger files are refused unread. */
const MAX_FILE = 512 * 1024 * 1024;
/** A text file of this size has more cells than are read; a bomb would unpack to a thousand times its size. */
const MAX_UNZIPPED = 256 * 1024 * 1024;

/**
 * Reads a file, also one that gzip compressed.
 * @throws BadFileError for a file that is empty, too large or unreadable
 */
export async function readOwn(file: string): Promise<Buffer> {
  const { size } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    const why =
      error.code === "ENOENT" ? "there is no such file" : `cannot be read (${error.message})`;
    throw new BadFileError(file, why);
  });
  if (size === 0) {
    throw new BadFileError(file, "the file is empty; write it anew, or take it out of the folder");
  }
  if (size > MAX_FILE) throw new BadFileError(file, `${size} bytes; at most ${MAX_FILE} are read`);
  const bytes = readBytes(file);
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? unzipped(file, bytes) : bytes;
}

function unzipped(file: string, bytes: Buffer): Buffer {
  try {
    const whole = gunzipSync(bytes, { maxOutputLength: MAX_UNZIPPED });
    if (whole.length > 0) return whole;
  } catch (error) {
    const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    const what = large
      ? `more than ${MAX_UNZIPPED} bytes when unpacked`
      : `a gzip file that is damaged (${printable((error as Error).message, 60)})`;
    throw new BadFileError(file, what, { cause: error });
  }
  throw new BadFileError(file, "the file is empty when unpacked");
}

/**
 * Numbered from 1 where they are to be numbered from 0: said with the remedy.
 * @param remedy what else than subtracting 1 may be done about it
 */
export function outOfRange(
  where: string,
  node: number,
  nodes: number,
  least: number,
  remedy = "",
): never {
  if (node === nodes && least >= 1) {
    throw new BadFileError(
      where,
      `node ${node} of ${nodes}, and none is 0: they are numbered from 1; subtract 1 from each${remedy}`,
    );
  }
  throw new BadFileError(where, `node ${node} is not one of 0 to ${nodes - 1}`);
}

/** How one says what the first node's number is: a choice of importDataset, and an option of abkd data import. */
export const FIRST_NODE = ", or say --first-node 1 (abkd data import)";

/**
 * What is open where edges name nodes by numbers and none of them is 0; undefined where nothing is.
 * @param most the greatest number in an edge, less than `nodes`
 */
export function firstNodeDoubt(least: number, most: number, nodes: number): string | undefined {
  if (least === 0) return undefined;
  return (
    `edges name the nodes ${least} to ${most}, and there are ${nodes}: either they are numbered from 0 and the first ` +
    "has no edge, or from 1 and the last has none"
  );
}

/** The ids of nodes that are numbered from 1. */
export function idsFrom1(nodes: number): string[] {
  return Array.from({ length: nodes }, (_, node) => String(node + 1));
}

/** The files of a folder by name, sorted. */
export function inFolder(folder: string, names: readonly string[], pattern: RegExp): string[] {
  return names.filter((name) => pattern.test(name)).map((name) => path.join(folder, name));
}
