// Writes npz, numpy's archive of arrays, so that Python can read a trained student.
import { crc32 } from "node:zlib";
import { sha256 } from "../base/sha256.ts";
import type { DigestState } from "./safetensors.ts";

/** An array of one of numpy's types. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array | Int32Array | Uint8Array;
}

const TYPES = [
  [Float32Array, "<f4"],
  [Float64Array, "<f8"],
  [Int32Array, "<i4"],
  [Uint8Array, "|u1"],
] as const;

/** Encodes one array in numpy's npy format, version 1.0, C order. */
export function encodeNpy({ shape, values }: NpyArray): Uint8Array {
  const type = TYPES.find(([Type]) => values instanceof Type)![1];
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sides}), }`;
  // numpy pads with spaces and a final line feed, so that the data start at a multiple of 64 bytes.
  const length = Math.ceil((10 + header.length + 1) / 64) * 64 - 10;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 0xff, length >> 8]);
  const text = Buffer.from(`${header.padEnd(length - 1)}\n`, "latin1");
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return Buffer.concat([start, text, bytes]);
}

const MIDNIGHT_1980 = 0x21 << 16;

/** The archive's comment, which zip readers ignore: this, then the sha256 of everything before its digits. */
const COMMENT = "abkd sha256 ";
const DIGITS = 64;

/**
 * Encodes the arrays as `<name>.npy` members, uncompressed and dated 1980, so that equal arrays give
 * equal bytes. The archive's comment holds the digest.
 */
export function encodeNpz(arrays: ReadonlyMap<string, NpyArray>): Uint8Array {
  const files: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const [key, array] of arrays) {
    const name = Buffer.from(`${key}.npy`);
    const data = encodeNpy(array);
    // Version 2.0, flags (names in UTF-8), method 0 (stored), date, crc, sizes, name, no extra.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt32LE(MIDNIGHT_1980, 6);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, name]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), common, rest, name]));
    files.push(local, data);
    offset += local.length + data.length;
  }
  const index = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(arrays.size, 8);
  end.writeUInt16LE(arrays.size, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  end.writeUInt16LE(COMMENT.length + DIGITS, 20);
  const bytes = Buffer.concat([...files, index, end, Buffer.from(COMMENT)]);
  return Buffer.concat([bytes, Buffer.from(sha256(bytes))]);
}

/** Checks the digest of an npz file; `absent` for files of other programs. */
export function npzDigest(bytes: Buffer): DigestState {
  const end = bytes.length - DIGITS;
  const comment = bytes.toString("latin1", Math.max(0, end - COMMENT.length), Math.max(0, end));
  if (comment !== COMMENT) return "absent";
  return bytes.toString("latin1", end) === sha256(bytes.subarray(0, end)) ? "fits" : "differs";
}
