// Reads the numeric and sparse arrays of MATLAB's MAT-files of level 5 (save -v7, scipy.io.savemat); skips all others.
// Source: MathWorks, MAT-File Format, chapter 1.
import { inflateSync } from "node:zlib";
import { printable } from "../base/printable.ts";
import type { RawArray } from "./arrays.ts";
import { BadFileError } from "./errors.ts";

/** A matrix by columns: MATLAB stores all arrays so. */
export type MatlabArray =
  | { readonly name: string; readonly dense: RawArray }
  | {
      readonly name: string;
      readonly shape: readonly [number, number];
      /** Where each column begins, the row of each entry, and its value. */
      readonly columns: readonly [RawArray, RawArray, RawArray];
    };

const HEADER = 128;
const MATRIX = 14;
const COMPRESSED = 15;
/** Types of stored numbers. */
const CODES: Readonly<Record<number, string>> = {
  ...{ 1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8" },
};
const SPARSE = 5;
/** Classes of arrays of numbers: double, single and the integers. */
const NUMERIC = { first: 6, last: 15 };
const COMPLEX = 0x08;
const MAX_UNPACKED = 256 * 1024 * 1024;
const MAX_ARRAYS = 1000;

/** Whether bytes begin as a MAT-file does, of any level from 5. */
export function isMatlab(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 10) === "MATLAB 5.0" || isHdf(bytes);
}

const isHdf = (bytes: Buffer): boolean => bytes.toString("latin1", 0, 10) === "MATLAB 7.3";

/** @throws BadFileError for a file that is damaged, of another level or byte order */
export function readMatlab(bytes: Buffer, file: string): MatlabArray[] {
  if (isHdf(bytes)) throw new BadFileError(file, "of MATLAB 7.3; save it with -v7");
  if (bytes.length < HEADER) throw new BadFileError(file, "its header is cut short");
  if (bytes.toString("latin1", 126, 128) !== "IM") {
    throw new BadFileError(file, "it is not a MAT-file in little-endian order");
  }
  const found: MatlabArray[] = [];
  let unpacked = 0;
  for (let at = HEADER; at < bytes.length; ) {
    const { type, data, next } = elementAt(bytes, at, file);
    // Compressed elements are not padded.
    at = type === COMPRESSED ? data.byteOffset - bytes.byteOffset + data.length : next;
    let matrix = type === MATRIX ? data : undefined;
    if (type === COMPRESSED) {
      const whole = inflated(data, MAX_UNPACKED - unpacked, file);
      unpacked += whole.length;
      const inner = elementAt(whole, 0, file);
      if (inner.type === MATRIX) matrix = inner.data;
    }
    const array = matrix && arrayOf(matrix, file);
    if (array) found.push(array);
    if (found.length > MAX_ARRAYS) throw new BadFileError(file, `more than ${MAX_ARRAYS} arrays`);
  }
  return found;
}

function inflated(data: Buffer, most: number, file: string): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: Math.max(1, most) });
  } catch (error) {
    const why = printable((error as Error).message, 60);
    throw new BadFileError(file, `a compressed array is damaged or too large (${why})`, {
      cause: error,
    });
  }
}

interface Element {
  readonly type: number;
  readonly data: Buffer;
  /** Where the next one begins. */
  readonly next: number;
}

function elementAt(bytes: Buffer, at: number, file: string): Element {
  if (at + 8 > bytes.length) throw new BadFileError(file, `byte ${at}: an element is cut short`);
  const first = bytes.readUInt32LE(at);
  // A small element has its length in the upper half of the first word, and its data in the second.
  const small = first >>> 16;
  const length = small > 0 ? small : bytes.readUInt32LE(at + 4);
  const start = small > 0 ? at + 4 : at + 8;
  if (start + length > bytes.length || (small > 4 && small > 0)) {
    throw new BadFileError(file, `byte ${at}: an element of ${length} bytes is cut short`);
  }
  const end = start + length;
  const next = small > 0 ? at + 8 : end + ((8 - (length % 8)) % 8);
  return { type: small > 0 ? first & 0xffff : first, data: bytes.subarray(start, end), next };
}

/** @returns undefined for an array of text, cells, structures or complex numbers */
function arrayOf(bytes: Buffer, file: string): MatlabArray | undefined {
  const parts: Element[] = [];
  for (let at = 0; at < bytes.length && parts.length < 6; ) {
    const part = elementAt(bytes, at, file);
    parts.push(part);
    at = part.next;
  }
  const [flags, dimensions, named, ...rest] = parts;
  if (!flags || flags.data.length < 8 || !dimensions || !named) {
    throw new BadFileError(file, "an array without flags, dimensions and a name");
  }
  const word = flags.data.readUInt32LE(0);
  const kind = word & 0xff;
  const name = named.data.toString("latin1");
  const where = `${file}: ${printable(name)}`;
  if (((word >> 8) & COMPLEX) !== 0) return undefined;
  const shape = Array.from({ length: Math.floor(dimensions.data.length / 4) }, (_, k) =>
    dimensions.data.readInt32LE(4 * k),
  );
  const values = (part: Element | undefined, count?: number): RawArray => {
    const code = CODES[part?.type ?? 0];
    if (!part || code === undefined) throw new BadFileError(where, "its numbers are missing");
    const size = Number(code.slice(1));
    const length = count ?? Math.floor(part.data.length / size);
    if (length * size > part.data.length) {
      throw new BadFileError(where, `${length} numbers expected, ${part.data.length} bytes there`);
    }
    const data = part.data.subarray(0, length * size);
    return { shape: [length], code, littleEndian: true, fortranOrder: false, bytes: data };
  };
  if (shape.length < 2 || shape.some((side) => side < 0)) {
    throw new BadFileError(where, `shape (${shape.join(", ")})`);
  }
  const [rows, columns] = shape as [number, number];
  if (kind === SPARSE) {
    const [places, starts, numbers] = rest;
    const jc = values(starts, columns + 1);
    const count = jc.code === "i4" ? Buffer.from(jc.bytes).readInt32LE(4 * columns) : -1;
    if (count < 0) throw new BadFileError(where, "the beginnings of its columns are damaged");
    return {
      name,
      shape: [rows, columns],
      columns: [jc, values(places, count), values(numbers, count)],
    };
  }
  if (kind < NUMERIC.first || kind > NUMERIC.last) return undefined;
  const count = shape.reduce((product, side) => product * side, 1);
  return { name, dense: { ...values(rest[0], count), shape, fortranOrder: true } };
}
