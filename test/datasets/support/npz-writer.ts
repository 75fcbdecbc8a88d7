// Writes npz archives with the oddities of real ones, and with faults that no valid one has.
import { crc32, deflateRawSync } from "node:zlib";
import type { ArraySpec } from "./pickle-writer.ts";

export interface ZipStyle {
  readonly deflate?: boolean;
  /** Whether each local header has a zip64 extra field, as numpy writes. */
  readonly zip64Local?: boolean;
  /** Whether the directory has 64-bit sizes and offsets, as for archives beyond 4 GB. */
  readonly zip64Directory?: boolean;
  /** Whether sizes come after the data and are zero in the local header. */
  readonly dataDescriptor?: boolean;
  readonly comment?: string;
  /** Changes a member's directory entry before it is written. */
  readonly tamper?: (name: string, entry: DirectoryEntry) => DirectoryEntry;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  readonly offset: number;
}

/** Writes a zip archive. @param members contents by name. */
export function writeZip(members: ReadonlyMap<string, Uint8Array>, style: ZipStyle = {}): Buffer {
  const chunks: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const put = (...parts: Buffer[]): void => {
    for (const part of parts) {
      chunks.push(part);
      offset += part.length;
    }
  };
  for (const [name, contents] of members) {
    const data = style.deflate ? deflateRawSync(contents) : Buffer.from(contents);
    const plain: DirectoryEntry = {
      name,
      method: style.deflate ? 8 : 0,
      flags: style.dataDescriptor ? 8 : 0,
      crc: crc32(contents),
      packed: data.length,
      size: contents.length,
      offset,
    };
    const extra = Buffer.alloc(style.zip64Local ? 20 : 0);
    if (style.zip64Local) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(16, 2);
      extra.writeBigUInt64LE(BigInt(plain.size), 4);
      extra.writeBigUInt64LE(BigInt(plain.packed), 12);
    }
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    local.writeUInt16LE(plain.flags, 6);
    local.writeUInt16LE(plain.method, 8);
    if (!style.dataDescriptor) {
      local.writeUInt32LE(plain.crc, 14);
      local.writeUInt32LE(style.zip64Local ? 0xffffffff : plain.packed, 18);
      local.writeUInt32LE(style.zip64Local ? 0xffffffff : plain.size, 22);
    }
    local.writeUInt16LE(name.length, 26);
    local.writeUInt16LE(extra.length, 28);
    put(local, Buffer.from(name, "latin1"), extra, data);
    if (style.dataDescriptor) put(Buffer.alloc(16));
    directory.push(directoryEntry(style.tamper?.(name, plain) ?? plain, style.zip64Directory));
  }
  const start = offset;
  put(...directory);
  const comment = Buffer.from(style.comment ?? "", "latin1");
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.size, 8);
  end.writeUInt16LE(members.size, 10);
  end.writeUInt32LE(offset - start, 12);
  end.writeUInt32LE(start, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...chunks, end, comment]);
}

function directoryEntry(entry: DirectoryEntry, zip64 = false): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(entry.flags, 8);
  header.writeUInt16LE(entry.method, 10);
  header.writeUInt32LE(entry.crc >>> 0, 16);
  header.writeUInt32LE(entry.packed, 20);
  header.writeUInt32LE(entry.size, 24);
  header.writeUInt16LE(entry.name.length, 28);
  header.writeUInt32LE(entry.offset, 42);
  const extra = Buffer.alloc(zip64 ? 28 : 0);
  if (zip64) {
    for (const at of [20, 24, 42]) header.writeUInt32LE(0xffffffff, at);
    header.writeUInt16LE(28, 30);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(BigInt(entry.size), 4);
    extra.writeBigUInt64LE(BigInt(entry.packed), 12);
    extra.writeBigUInt64LE(BigInt(entry.offset), 20);
  }
  return Buffer.concat([header, Buffer.from(entry.name, "latin1"), extra]);
}

/** Writes an npy file of version 1 or 2. */
export function writeNpy(
  { dtype, shape, bytes, fortranOrder = false }: ArraySpec,
  version: 1 | 2 = 1,
): Buffer {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${dtype}', 'fortran_order': ${fortranOrder ? "True" : "False"}, 'shape': (${sides}), }`;
  return rawNpy(text, bytes, version);
}

/** Writes an npy file with any header. */
export function rawNpy(header: string, bytes: Uint8Array, version = 1): Buffer {
  const start = version === 1 ? 10 : 12;
  const length = Math.ceil((start + header.length + 1) / 64) * 64 - start;
  const prefix = Buffer.alloc(start);
  prefix.write("\x93NUMPY", "latin1");
  prefix[6] = version;
  if (version === 1) prefix.writeUInt16LE(length, 8);
  else prefix.writeUInt32LE(length, 8);
  return Buffer.concat([prefix, Buffer.from(`${header.padEnd(length - 1)}\n`, "latin1"), bytes]);
}
