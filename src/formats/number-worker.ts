// A worker thread of number-file.ts: parses one block of rows.
import { BadNumber, type NumberBlock, type NumberKind, parseNumbers } from "./number-text.ts";

export interface ParseTask {
  readonly bytes: Uint8Array;
  readonly columns: number;
  readonly kind: NumberKind;
}

/** A block, or what is wrong in it: an error of a class of ours does not survive the way between threads. */
export type Parsed =
  | NumberBlock
  | { readonly row: number; readonly column: number; readonly what: string };

/** piscina's entry point. */
export default function parse({ bytes, columns, kind }: ParseTask): Parsed {
  try {
    return parseNumbers(bytes, columns, kind);
  } catch (error) {
    if (!(error instanceof BadNumber)) throw error;
    return { row: error.row, column: error.column, what: error.message };
  }
}
