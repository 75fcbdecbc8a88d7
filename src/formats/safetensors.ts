// The safetensors format: named arrays with a JSON header. Nothing in a file is trusted.
// Layout: 8 bytes header length (little-endian), the header, the arrays without gaps.
import { statSync } from "node:fs";
import { UserError } from "../base/errors.ts";
import { readStart } from "../base/files.ts";
import { isObject, JsonError, parseJson } from "../base/json.ts";
import { printable } from "../base/printable.ts";
import { sha256 } from "../base/sha256.ts";
import { otherKind } from "./other-kind.ts";

/** Whether a file's digest matches its bytes. */
export type DigestState = "fits" | "differs" | "absent";

/** A file is not what it should be: truncated, altered, or of another kind. */
export class FormatError extends UserError {}

/** @throws FormatError for a weight that is not finite: our training never ends with one */
export function refuseInfinite(values: Float32Array, array: string, file: string): void {
  const at = values.findIndex((x) => !Number.isFinite(x));
  if (at >= 0) {
    throw new FormatError(`${file} is damaged: ${printable(array)} holds ${values[at]} at ${at}`);
  }
}

/** A row-major array: a Float64Array is stored as F64, a Float32Array as F32. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array;
}

/** What may be written: models are of floats, a graph beside a student of small integers. */
export interface WrittenArray {
  readonly shape: readonly number[];
  readonly values: Float64Array | Float32Array | Int32Array | Uint16Array | Uint8Array | Int8Array;
}

export interface TensorFile<A extends WrittenArray = NamedArray> {
  readonly tensors: ReadonlyMap<string, A>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** An array of bytes, stored as I8 or U8. */
export interface ByteArray {
  readonly shape: readonly number[];
  readonly values: Int8Array | Uint8Array;
}

/** A file's contents, and whether its own digest agrees. */
export interface ReadTensorFile extends TensorFile {
  readonly digest: DigestState;
  /** The arrays of bytes, if they were asked for. */
  readonly bytes: ReadonlyMap<string, ByteArray>;
}

/** The types of arrays that are read, and the bytes of a number. */
const FLOATS: Readonly<Record<string, number>> = { F32: 4, F64: 8 };
const BYTES: Readonly<Record<string, number>> = { I8: 1, U8: 1 };

const METADATA = "__metadata__";
/** The metadata's key for the sha256 of the whole file, computed with zeros in the digest's place. */
const DIGEST = "digest";
const NO_DIGEST = "0".repeat(64);
/** The reference implementation's limit. */
const MOST_HEADER_BYTES = 100_000_000;

/**
 * Encodes a file, with its digest among the metadata. The same tensors and metadata give the same
 * bytes, in whatever order they come.
 */
export function encodeSafetensors(file: TensorFile<WrittenArray>): Uint8Array {
  const width = (a: WrittenArray): number => a.values.BYTES_PER_ELEMENT;
  // Putting the widest type first keeps every array aligned.
  const entries = [...file.tensors].sort(
    ([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : 1),
  );
  const metadata = Object.entries({ ...file.metadata, [DIGEST]: NO_DIGEST }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const header: Record<string, unknown> = { [METADATA]: Object.fromEntries(metadata) };
  let size = 0;
  for (const [name, { shape, values }] of entries) {
    const end = size + values.byteLength;
    header[name] = {
      dtype: typeOf(values),
      shape,
      data_offsets: [size, end],
    };
    size = end;
  }
  const text = Buffer.from(JSON.stringify(header));
  const start = 8 + Math.ceil(text.length / 8) * 8;
  const bytes = Buffer.alloc(start + size, " ");
  bytes.writeBigUInt64LE(BigInt(start - 8));
  text.copy(bytes, 8);
  let offset = start;
  for (const [, { values }] of entries) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  bytes.write(sha256(bytes), digestPlace(bytes, start, NO_DIGEST));
  return bytes;
}

/** "F32" for a Float32Array, "U16" for a Uint16Array. */
function typeOf(values: WrittenArray["values"]): string {
  return `${values.constructor.name[0]}${8 * values.BYTES_PER_ELEMENT}`;
}

/** Where in the header the digest's digits are; -1 if nowhere. */
function digestPlace(bytes: Buffer, start: number, digits: string): number {
  const key = `"${DIGEST}":"`;
  const at = bytes.subarray(0, start).indexOf(`${key}${digits}"`);
  return at < 0 ? at : at + key.length;
}

function digestState(bytes: Uint8Array, start: number, digits: string | undefined): DigestState {
  if (digits === undefined) return "absent";
  const copy = Buffer.from(bytes);
  const place = digits.length === NO_DIGEST.length ? digestPlace(copy, start, digits) : -1;
  if (place < 0) return "differs";
  copy.write(NO_DIGEST, place);
  return sha256(copy) === digits ? "fits" : "differs";
}

/**
 * Returns the arrays (copied out) and the metadata without the digest. Every length and offset is checked
 * against the file's size before anything is allocated.
 * @param name the file's name, for messages.
 * @param unread arrays that are left out, whatever their type
 * @param withBytes whether arrays of bytes are read too
 * @throws FormatError
 */
export function decodeSafetensors(
  bytes: Uint8Array,
  name: string,
  unread: (array: string) => boolean = () => false,
  withBytes = false,
): ReadTensorFile {
  const fail = failing(name, bytes);
  const start = headerEnd(bytes, bytes.length, fail);
  const header = parseHeader(bytes.subarray(8, start), fail);
  const { [DIGEST]: digits, ...others } = metadataIn(header, fail);
  const available = bytes.length - start;
  const tensors = new Map<string, NamedArray>();
  const small = new Map<string, ByteArray>();
  const types = withBytes ? { ...FLOATS, ...BYTES } : FLOATS;
  const ranges: [begin: number, end: number][] = [];
  for (const [key, entry] of Object.entries(header)) {
    const name = printable(key);
    if (key === METADATA) continue;
    if (!isObject(entry)) return fail(`the entry "${name}" is not an object`);
    const { dtype, shape, data_offsets: offsets } = entry;
    const left = unread(key);
    const type = typeof dtype === "string" ? dtype : "";
    if (!left && !Object.hasOwn(types, type)) {
      return fail(
        `the array "${name}" has type ${printable(type) || "unknown"}; ${Object.keys(types).join(" and ")} are read`,
      );
    }
    if (!isSizes(shape)) return fail(`the array "${name}" has no proper shape`);
    if (!isSizes(offsets) || offsets.length !== 2) return fail(`"${name}" has no proper offsets`);
    const [begin, end] = offsets as [number, number];
    const size = shape.reduce((product, n) => product * n, types[type] ?? 8);
    if (begin > end || end > available || (!left && end - begin !== size)) {
      return fail(`"${name}" of ${size} bytes claims the bytes ${begin} to ${end} of ${available}`);
    }
    ranges.push([begin, end]);
    if (left) continue;
    const copy = new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
    if (type === "I8") small.set(key, { shape, values: new Int8Array(copy) });
    else if (type === "U8") small.set(key, { shape, values: new Uint8Array(copy) });
    else {
      const values = type === "F32" ? new Float32Array(copy) : new Float64Array(copy);
      tensors.set(key, { shape, values });
    }
  }
  let covered = 0;
  for (const [begin, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (begin !== covered) fail(`its arrays leave a gap or overlap at byte ${covered}`);
    covered = end;
  }
  if (covered !== available) fail(`its arrays end at byte ${covered} of ${available}`);
  const digest = digestState(bytes, start, digits);
  return { tensors, bytes: small, metadata: others, digest };
}

/**
 * Reads only a file's metadata, from its first bytes; does not check whether the file is whole.
 * @throws FormatError, FileError
 */
export function readMetadata(path: string): Readonly<Record<string, string>> {
  const first = readStart(path, 8);
  const fail = failing(path, first);
  const end = headerEnd(first, statSync(path, { throwIfNoEntry: false })?.size ?? 0, fail);
  return metadataIn(parseHeader(readStart(path, end).subarray(8), fail), fail);
}

type Fail = (why: string) => never;

/** @param bytes the file's first ones, or all */
function failing(name: string, bytes: Uint8Array): Fail {
  return (why) => {
    const kind = otherKind(bytes, name);
    if (kind !== undefined) {
      throw new FormatError(`${name} is no safetensors file, nor npz: ${kind}`);
    }
    throw new FormatError(`${name} is not a whole safetensors file: ${why}`);
  };
}

/** @param size the size of the whole file, which begins with `bytes` */
function headerEnd(bytes: Uint8Array, size: number, fail: Fail): number {
  if (bytes.length < 8) fail(`it has ${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(size - 8))
    fail(`its header of ${length} bytes does not fit into its ${size}`);
  if (length > MOST_HEADER_BYTES) {
    fail(`its header has ${length} bytes; at most ${MOST_HEADER_BYTES} are read`);
  }
  return 8 + Number(length);
}

function metadataIn(
  { [METADATA]: entry = {} }: Readonly<Record<string, unknown>>,
  fail: Fail,
): Record<string, string> {
  if (!isObject(entry)) return fail(`the entry "${METADATA}" is not an object`);
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== "string") fail(`the metadata "${printable(key)}" is not text`);
  }
  return { ...(entry as Record<string, string>) };
}

function parseHeader(text: Uint8Array, fail: Fail): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch (error) {
    return fail(`its header ${error instanceof JsonError ? error.message : "is not valid JSON"}`);
  }
  return isObject(header) ? header : fail("its header is not an object");
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
