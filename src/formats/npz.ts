// Reads arrays from an npz archive; each npy header is checked against the bytes that follow it.

import { printable } from "../base/printable.ts";
import type { RawArray } from "./arrays.ts";
import { BadFileError } from "./errors.ts";
import { ZipArchive } from "./zip.ts";

/** Arrays by name: the members of an npz file, or .npy files side by side. */
export interface ArraySource {
  readonly names: readonly string[];
  /** How messages refer to an array. */
  where(name: string): string;
  /** @throws BadFileError for a missing array or one that is not of numbers */
  array(name: string): RawArray;
}

/** An npz file. Members that are not asked for (strings, pickled objects) are never unpacked. */
export class NpzFile implements ArraySource {
  private readonly archive: ZipArchive;
  private readonly file: string;

  constructor(bytes: Buffer, file: string) {
    this.archive = new ZipArchive(bytes, file);
    this.file = file;
  }

  /** The arrays' names; an array may still be of text or objects. */
  get names(): string[] {
    return this.archive.names.flatMap((name) => (name.endsWith(".npy") ? name.slice(0, -4) : []));
  }

  /** How messages refer to a member. */
  where(name: string): string {
    return `${this.file}: ${name}`;
  }

  /** @throws BadFileError for a missing member or one that is not an array of numbers. */
  array(name: string): RawArray {
    return parseNpy(this.bytes(name), this.where(name));
  }

  /** An array as its npy file has it. @throws BadFileError for a missing member */
  bytes(name: string): Uint8Array {
    return this.archive.read(`${name}.npy`);
  }
}

/** What an npy array says of itself, and the bytes that follow. */
export interface NpyParts {
  /** numpy's name of the type, such as `<f4`, `<U12` or `|O`; empty for a record. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly fortranOrder: boolean;
  readonly data: Buffer;
}

/**
 * Parses an npy array of numbers; strings and pickled objects are refused.
 *
 * @param where file and member, for messages.
 */
export function parseNpy(bytes: Uint8Array, where: string): RawArray {
  const { type, shape, fortranOrder, data } = npyParts(bytes, where);
  const match = /^([<>=|]?)(b1|[iu][1248]|f[248])$/.exec(type);
  if (!match) {
    const found = type === "" ? "none" : `'${printable(type)}'`;
    throw new BadFileError(where, `an array of numbers expected, type ${found} found`);
  }
  const code = match[2]!;
  const size = shape.reduce((product, side) => product * side, Number(code.slice(1)));
  if (size !== data.length) {
    throw new BadFileError(
      where,
      `shape (${shape.join(", ")}) of type ${code} needs ${size} bytes, ${data.length} are there`,
    );
  }
  return { shape, code, littleEndian: match[1] !== ">", fortranOrder, bytes: data };
}

/** Reads the header of an npy array of any type. @throws BadFileError for one that is damaged */
export function npyParts(bytes: Uint8Array, where: string): NpyParts {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (buffer.length < 12 || buffer.toString("latin1", 0, 6) !== "\x93NUMPY") {
    throw new BadFileError(where, "not an npy array");
  }
  const version = buffer[6]!;
  if (version < 1 || version > 3) throw new BadFileError(where, `npy version ${version}`);
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? buffer.readUInt16LE(8) : buffer.readUInt32LE(8));
  if (end > buffer.length) throw new BadFileError(where, "its npy header is cut short");
  if (end - start > 10_000) throw new BadFileError(where, "its npy header is too long");
  const header = buffer.toString("latin1", start, end);
  const fortranOrder = /'fortran_order'\s*:\s*True\b/.test(header);
  if (!fortranOrder && !/'fortran_order'\s*:\s*False\b/.test(header)) {
    throw new BadFileError(where, "its npy header states no fortran_order");
  }
  const type = /'descr'\s*:\s*'([^']*)'/.exec(header)?.[1] ?? "";
  return { type, shape: parseShape(header, where), fortranOrder, data: buffer.subarray(end) };
}

function parseShape(header: string, where: string): number[] {
  const text = /'shape'\s*:\s*\(([\dL\s,]*)\)/.exec(header)?.[1];
  if (text === undefined) throw new BadFileError(where, "its npy header states no shape");
  // Python 2 wrote long integers as 2708L.
  const shape = text
    .split(",")
    .map((side) => side.trim().replace(/L$/, ""))
    .filter((side) => side !== "")
    .map(Number);
  if (shape.length > 32 || !shape.every(Number.isSafeInteger)) {
    throw new BadFileError(where, `an impossible shape (${printable(text)})`);
  }
  return shape;
}
