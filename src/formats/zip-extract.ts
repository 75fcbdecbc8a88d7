// Writes members of a zip archive of any size to files, as streams; lengths and CRCs are checked.
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { makeFolders } from "../base/folders.ts";
import { BadFileError } from "./errors.ts";
import { LOCAL_HEADER, type Member, readDirectory } from "./zip.ts";

/** The directory, and a comment after it, must be within so many last bytes. */
const TAIL = 1 << 20;

/**
 * Writes the members that `targetOf` gives a path to. A file appears when it is whole; one that is there stays.
 * @param archive its path
 * @param targetOf the file for a member's name; undefined for members that are left out
 * @returns the paths, in the order of the directory
 * @throws BadFileError for an archive or a member that is damaged; the system's error for a target that cannot be
 *   written
 */
export async function extractZip(
  archive: string,
  targetOf: (member: string) => string | undefined,
): Promise<string[]> {
  const targets: string[] = [];
  for (const [name, member] of await directoryOf(archive)) {
    const target = targetOf(name);
    if (target === undefined) continue;
    makeFolders(path.dirname(target));
    const part = `${target}.part`;
    try {
      await writeMember(archive, name, member, part);
      await rename(part, target);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
    targets.push(target);
  }
  return targets;
}

async function directoryOf(archive: string): Promise<Map<string, Member>> {
  const file = await open(archive);
  try {
    const { size } = await file.stat();
    const first = Math.max(0, size - TAIL);
    const tail = Buffer.alloc(size - first);
    await file.read(tail, 0, tail.length, first);
    return readDirectory(tail, archive, first);
  } finally {
    await file.close();
  }
}

async function writeMember(
  archive: string,
  name: string,
  { method, flags, packed, size, crc, offset }: Member,
  target: string,
): Promise<void> {
  const fail = (what: string): never => {
    throw new BadFileError(archive, `member ${name} ${what}`);
  };
  if (flags & 1) fail("is encrypted");
  if (method !== 0 && method !== 8) fail(`is packed by unknown method ${method}`);
  const start = await dataStart(archive, offset);
  if (start === undefined) return fail(`has no local header at offset ${offset}`);
  let [length, sum] = [0, 0];
  const checked = new Transform({
    transform(chunk: Buffer, _, done) {
      length += chunk.length;
      sum = crc32(chunk, sum);
      done(length > size ? new BadFileError(archive, `member ${name} is too long`) : null, chunk);
    },
  });
  const source = createReadStream(archive, { start, end: Math.max(start, start + packed - 1) });
  const sink = createWriteStream(target);
  try {
    if (method === 8) await pipeline(source, createInflateRaw(), checked, sink);
    else await pipeline(source, checked, sink);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    throw code.startsWith("Z_")
      ? new BadFileError(archive, `member ${name} does not unpack`)
      : error;
  }
  if (length !== size) fail(`unpacks to ${length} bytes instead of ${size}`);
  if (sum !== crc) fail("is damaged: its CRC differs");
}

/** Where a member's data begin, after its local header, whose lengths may differ from the directory's. */
async function dataStart(archive: string, offset: number): Promise<number | undefined> {
  const file = await open(archive);
  try {
    const header = Buffer.alloc(30);
    const { bytesRead } = await file.read(header, 0, 30, offset);
    if (bytesRead < 30 || header.readUInt32LE(0) !== LOCAL_HEADER) return undefined;
    return offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
}
