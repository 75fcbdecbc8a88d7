// Reads tables of numbers in text files, mostly gzipped, as a stream: blocks of rows, parsed on all cores where the file is large.
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { PassThrough } from "node:stream";
import { createGunzip } from "node:zlib";
import { Piscina } from "piscina";
import { reasonOf } from "../base/files.ts";
import { BadFileError } from "./errors.ts";
import { BadNumber, type NumberBlock, type NumberKind, parseNumbers } from "./number-text.ts";
import type { Parsed, ParseTask } from "./number-worker.ts";

/** What a table must be. */
export interface NumberTable {
  readonly columns: number;
  readonly kind: NumberKind;
  /** How many rows it has; if left out, any number up to `most`. */
  readonly rows?: number;
  readonly most?: number;
}

/** More numbers than this are refused: an array of them could not be made. */
const MOST_NUMBERS = 2 ** 31;
/** Text that is parsed at once. */
const BLOCK = 1 << 22;
/** A longer line is no row of numbers. */
const LONGEST_LINE = 1 << 20;
/** Smaller files (packed) are parsed by this thread while zlib's unpacks: starting others would take longer. */
const LARGE_FILE = 1 << 23;

/**
 * Reads a `.csv.gz` file, or an unpacked `.csv`, without a header. At no time is more of its text in memory than a few blocks.
 * @returns its numbers, row by row
 * @throws BadFileError naming the line and column of what is no number, a damaged or shorter file, and a row too many
 */
export async function readNumbers(
  file: string,
  table: NumberTable & { readonly kind: "i32" },
): Promise<Int32Array>;
export async function readNumbers(
  file: string,
  table: NumberTable & { readonly kind: "f32" },
): Promise<Float32Array>;
export async function readNumbers(
  file: string,
  { columns, kind, rows, most = rows ?? MOST_NUMBERS }: NumberTable,
): Promise<Int32Array | Float32Array> {
  if (columns * (rows ?? 0) > MOST_NUMBERS) {
    throw new BadFileError(file, `${rows} rows of ${columns} numbers; at most ${MOST_NUMBERS}`);
  }
  const numbers = new Growing(kind, rows === undefined ? undefined : rows * columns);
  let seen = 0;
  await eachBlock(file, { columns, kind }, (block) => {
    seen += block.rows;
    if (seen > most) throw new BadFileError(file, `more than ${most} rows`);
    numbers.add(block.values);
  });
  if (rows !== undefined && seen !== rows) {
    throw new BadFileError(file, `${seen} rows instead of ${rows}: it is cut short`);
  }
  return numbers.values();
}

/** How many columns the first line of a `.csv.gz` file has. @throws BadFileError for an empty or damaged file */
export async function columnsOf(file: string): Promise<number> {
  for await (const bytes of wholeLines(file)) {
    const end = bytes.indexOf(10);
    const line = end < 0 ? bytes : bytes.subarray(0, end);
    return line.reduce((count, byte) => count + Number(byte === 44), 1);
  }
  throw new BadFileError(file, "it has no rows");
}

/** An array that grows by doubling, up to its known length if there is one: a claim alone allocates nothing. */
class Growing {
  readonly #known: number | undefined;
  #array: Int32Array | Float32Array;
  #length = 0;

  constructor(kind: NumberKind, known: number | undefined) {
    this.#known = known;
    this.#array = kind === "i32" ? new Int32Array(0) : new Float32Array(0);
  }

  add(values: Int32Array | Float32Array): void {
    const length = this.#length + values.length;
    if (length > this.#array.length) {
      const room = Math.min(Math.max(2 * this.#array.length, length), this.#known ?? 2 ** 32);
      const next = values instanceof Int32Array ? new Int32Array(room) : new Float32Array(room);
      next.set(this.#array.subarray(0, this.#length));
      this.#array = next;
    }
    this.#array.set(values, this.#length);
    this.#length = length;
  }

  values(): Int32Array | Float32Array {
    return this.#length === this.#array.length ? this.#array : this.#array.slice(0, this.#length);
  }
}

/** Calls `take` with each block in the file's order. */
async function eachBlock(
  file: string,
  { columns, kind }: { readonly columns: number; readonly kind: NumberKind },
  take: (block: NumberBlock) => void,
): Promise<void> {
  const { size } = await stat(file).catch((error: unknown) => unreadable(file, error));
  let rows = 0;
  const taken = (block: NumberBlock): void => {
    take(block);
    rows += block.rows;
  };
  if (size < LARGE_FILE || availableParallelism() === 1) {
    for await (const bytes of wholeLines(file)) {
      try {
        taken(parseNumbers(bytes, columns, kind));
      } catch (error) {
        throw error instanceof BadNumber ? error.in(file, rows) : error;
      }
    }
    return;
  }
  const threads = availableParallelism();
  // Beside this file: .ts in the sources, .js in the built package.
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
  const pool = new Piscina<ParseTask, Parsed>({
    filename: new URL(`./number-worker${extension}`, import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  const ahead: Promise<Parsed>[] = [];
  const next = async (): Promise<void> => {
    const parsed = await ahead.shift()!;
    if ("what" in parsed) {
      throw new BadNumber(parsed.row, parsed.column, parsed.what).in(file, rows);
    }
    taken(parsed);
  };
  try {
    for await (const bytes of wholeLines(file)) {
      const sent = pool.run({ bytes, columns, kind }, { transferList: [bytes.buffer] });
      // Whoever waits for it hears of a failure; until then it is not unheard of.
      sent.catch(() => {});
      ahead.push(sent);
      if (ahead.length > 2 * threads) await next();
    }
    while (ahead.length > 0) await next();
  } finally {
    await pool.destroy();
  }
}

/** The file's text in blocks that end with a line's end, each an array of its own. */
async function* wholeLines(file: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const source = createReadStream(file, { highWaterMark: 1 << 18 });
  const text = file.endsWith(".csv") ? new PassThrough() : createGunzip({ chunkSize: 1 << 20 });
  source.on("error", (error) => text.destroy(error));
  let parts: Buffer[] = [];
  let held = 0;
  try {
    for await (const chunk of source.pipe(text)) {
      const part = chunk as Buffer;
      parts.push(part);
      held += part.length;
      if (held < BLOCK) continue;
      const end = part.lastIndexOf(10) + 1;
      if (end === 0) {
        if (held > BLOCK + LONGEST_LINE) {
          throw new BadFileError(file, `a line of more than ${LONGEST_LINE} bytes`);
        }
        continue;
      }
      parts[parts.length - 1] = part.subarray(0, end);
      yield joined(parts);
      parts = [part.subarray(end)];
      held = part.length - end;
    }
    if (held > 0) yield joined(parts);
  } catch (error) {
    unreadable(file, error);
  } finally {
    source.destroy();
    text.destroy();
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function unreadable(file: string, error: unknown): never {
  if (error instanceof BadFileError) throw error;
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") throw new BadFileError(file, "its gzip data are cut short");
  if (code.startsWith("Z_")) throw new BadFileError(file, "it is not gzip, or damaged");
  throw new BadFileError(file, `cannot be read (${reasonOf(error)})`);
}
