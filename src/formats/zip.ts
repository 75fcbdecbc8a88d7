// Reads members of a zip archive (npz), stored or deflated; checks the directory, lengths and CRCs.
import { crc32, inflateRawSync } from "node:zlib";
import { printable } from "../base/printable.ts";
import { BadFileError } from "./errors.ts";

/** A deflated member that claims to unpack to more than this is refused before it is unpacked. */
const MAX_MEMBER = 64 * 1024 * 1024;
/** Deflate cannot compress by more than this factor: a larger claim is false. */
const MAX_RATIO = 1032;

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
export const LOCAL_HEADER = 0x04034b50;
const ZIP64_EXTRA = 0x0001;

/** What the directory says of a member. */
export interface Member {
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly packed: number;
  readonly size: number;
  /** The offset of the local header. */
  readonly offset: number;
}

/** An opened archive. Nothing is unpacked until it is asked for. */
export class ZipArchive {
  private readonly bytes: Buffer;
  private readonly file: string;
  private readonly members: ReadonlyMap<string, Member>;

  /** @throws BadFileError if there is no valid central directory. */
  constructor(bytes: Buffer, file: string) {
    this.bytes = bytes;
    this.file = file;
    this.members = readDirectory(bytes, file);
  }

  /** The members' names, in the order of the directory. */
  get names(): string[] {
    return [...this.members.keys()];
  }

  /**
   * Returns the bytes of one member.
   *
   * @throws BadFileError for a missing member, an unknown method, a length or CRC that is wrong,
   *   or a claimed size that is impossible or too large.
   * @param most bytes that are unpacked
   */
  read(name: string, most = MAX_MEMBER): Uint8Array {
    const member = this.members.get(name);
    if (!member) throw new BadFileError(this.file, `the archive has no member ${name}`);
    const data = this.packed(name, member, most);
    const contents = member.method === 0 ? data : this.inflate(name, member, data);
    if (contents.length !== member.size) {
      this.fail(name, `unpacks to ${contents.length} bytes instead of ${member.size}`);
    }
    if (crc32(contents) !== member.crc) this.fail(name, "is damaged: its CRC differs");
    return contents;
  }

  private fail(name: string, what: string): never {
    throw new BadFileError(this.file, `member ${name} ${what}`);
  }

  private packed(name: string, member: Member, most: number): Buffer {
    const { offset, packed, size, method, flags } = member;
    if (flags & 1) this.fail(name, "is encrypted");
    if (method !== 0 && method !== 8) this.fail(name, `is packed by unknown method ${method}`);
    // What is stored as it is cannot be larger than the file.
    if (size > most && method !== 0) {
      const limit = `at most ${most} are read; store it uncompressed (numpy.savez)`;
      this.fail(name, `claims ${size} bytes unpacked; ${limit}`);
    }
    if (size > MAX_RATIO * packed + 64) {
      this.fail(name, `claims ${size} bytes out of ${packed}, more than deflate can`);
    }
    if (offset + 30 > this.bytes.length || this.bytes.readUInt32LE(offset) !== LOCAL_HEADER) {
      this.fail(name, `has no local header at offset ${offset}`);
    }
    // The local extra field may differ from the directory's: numpy writes a zip64 field only here.
    const nameLength = this.bytes.readUInt16LE(offset + 26);
    const extraLength = this.bytes.readUInt16LE(offset + 28);
    const localName = this.bytes.toString("latin1", offset + 30, offset + 30 + nameLength);
    if (localName !== name) this.fail(name, `is named "${printable(localName)}" in its own header`);
    const start = offset + 30 + nameLength + extraLength;
    if (start + packed > this.bytes.length) this.fail(name, "reaches beyond the end of the file");
    return this.bytes.subarray(start, start + packed);
  }

  private inflate(name: string, member: Member, data: Buffer): Buffer {
    try {
      return inflateRawSync(data, { maxOutputLength: Math.max(1, member.size) });
    } catch (error) {
      const tooLong = error instanceof RangeError;
      this.fail(name, tooLong ? `unpacks to more than ${member.size} bytes` : "does not unpack");
    }
  }
}

/**
 * @param bytes an archive, or its last part with the whole directory
 * @param first where in the archive `bytes` begin
 * @throws BadFileError for a directory that is damaged or not in `bytes`
 */
export function readDirectory(bytes: Buffer, file: string, first = 0): Map<string, Member> {
  const end = findEnd(bytes, file);
  const count = bytes.readUInt16LE(end + 10);
  const size = bytes.readUInt32LE(end + 12);
  const start = bytes.readUInt32LE(end + 16) - first;
  if (bytes.readUInt16LE(end + 4) !== 0 || bytes.readUInt16LE(end + 8) !== count) {
    throw new BadFileError(file, "an archive in several parts");
  }
  if (start < 0 || start + size > end)
    throw new BadFileError(file, "its zip directory is cut short");
  const members = new Map<string, Member>();
  let at = start;
  for (let k = 0; k < count; k++) {
    if (at + 46 > end || bytes.readUInt32LE(at) !== DIRECTORY_ENTRY) {
      throw new BadFileError(file, `entry ${k} of its zip directory is damaged (offset ${at})`);
    }
    const nameEnd = at + 46 + bytes.readUInt16LE(at + 28);
    const extraEnd = nameEnd + bytes.readUInt16LE(at + 30);
    const next = extraEnd + bytes.readUInt16LE(at + 32);
    if (next > end) throw new BadFileError(file, `entry ${k} of its zip directory is cut short`);
    const name = bytes.toString("latin1", at + 46, nameEnd);
    if (members.has(name)) {
      throw new BadFileError(file, `two members are called ${printable(name)}`);
    }
    members.set(name, readEntry(bytes, at, nameEnd, extraEnd));
    at = next;
  }
  return members;
}

function readEntry(bytes: Buffer, at: number, nameEnd: number, extraEnd: number): Member {
  const zip64 = zip64Fields(bytes.subarray(nameEnd, extraEnd));
  // A field of all ones means that the value is the next 64-bit one in the zip64 extra field.
  const wide = (value: number): number =>
    value === 0xffffffff ? Number(zip64.shift() ?? value) : value;
  const size = wide(bytes.readUInt32LE(at + 24));
  const packed = wide(bytes.readUInt32LE(at + 20));
  const offset = wide(bytes.readUInt32LE(at + 42));
  return {
    method: bytes.readUInt16LE(at + 10),
    flags: bytes.readUInt16LE(at + 8),
    crc: bytes.readUInt32LE(at + 16),
    packed,
    size,
    offset,
  };
}

function zip64Fields(extra: Buffer): bigint[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === ZIP64_EXTRA) {
      const fields: bigint[] = [];
      const last = Math.min(at + 4 + length, extra.length) - 8;
      for (let k = at + 4; k <= last; k += 8) fields.push(extra.readBigUInt64LE(k));
      return fields;
    }
    at += 4 + length;
  }
  return [];
}

/** Finds the end-of-directory record, which a comment of up to 65,535 bytes may follow. */
function findEnd(bytes: Buffer, file: string): number {
  const first = Math.max(0, bytes.length - 22 - 0xffff);
  for (let at = bytes.length - 22; at >= first; at--) {
    if (bytes.readUInt32LE(at) !== END_OF_DIRECTORY) continue;
    if (at + 22 + bytes.readUInt16LE(at + 20) === bytes.length) return at;
  }
  throw new BadFileError(file, "not a zip archive, or cut short: it has no end of directory");
}
