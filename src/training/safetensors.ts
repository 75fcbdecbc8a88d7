// The safetensors format: named arrays with a JSON header, read as if from a stranger.
// Format: 8 bytes header length (little-endian), the header, the arrays without gaps.
import { UserError } from "../errors.ts";

/** A file is not what it should be: cut, altered, or of another kind. */
export class FormatError extends UserError {}

/** A row-major array; Float64Array is stored as F64, Float32Array as F32. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Float64Array;
}

export interface TensorFile {
  readonly tensors: ReadonlyMap<string, NamedArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

const METADATA = "__metadata__";

/** The file's bytes; the same tensors and metadata give the same bytes, in whatever order. */
export function encodeSafetensors(file: TensorFile): Uint8Array {
  const width = (a: NamedArray): number => a.values.BYTES_PER_ELEMENT;
  // The widest first keeps every array aligned.
  const entries = [...file.tensors].sort(
    ([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : 1),
  );
  const metadata = Object.entries(file.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const header: Record<string, unknown> = { [METADATA]: Object.fromEntries(metadata) };
  let size = 0;
  for (const [name, { shape, values }] of entries) {
    const end = size + values.byteLength;
    header[name] = {
      dtype: values instanceof Float64Array ? "F64" : "F32",
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
  return bytes;
}

/**
 * The arrays (copied out) and the metadata. Every length and offset is checked against the
 * file's own size before anything is allocated.
 * @param name of the file, for messages.
 * @throws FormatError
 */
export function decodeSafetensors(bytes: Uint8Array, name: string): TensorFile {
  const fail = (why: string): never => {
    throw new FormatError(`${name} is not a whole safetensors file: ${why}`);
  };
  if (bytes.length < 8) fail(`it has ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerSize = view.getBigUint64(0, true);
  if (headerSize > BigInt(bytes.length - 8)) {
    fail(`its header of ${headerSize} bytes does not fit into its ${bytes.length}`);
  }
  const start = 8 + Number(headerSize);
  const header = parseHeader(bytes.subarray(8, start), fail);
  const available = bytes.length - start;
  const tensors = new Map<string, NamedArray>();
  const metadata: Record<string, string> = {};
  const ranges: [begin: number, end: number][] = [];
  for (const [key, entry] of Object.entries(header)) {
    if (!isRecord(entry)) return fail(`the entry "${key}" is no object`);
    if (key === METADATA) {
      for (const [k, v] of Object.entries(entry)) {
        if (typeof v !== "string") return fail(`the metadata "${k}" is no text`);
        metadata[k] = v;
      }
      continue;
    }
    const { dtype, shape, data_offsets: offsets } = entry;
    if (dtype !== "F32" && dtype !== "F64") {
      return fail(`the array "${key}" has type ${String(dtype)}; F32 and F64 are read`);
    }
    if (!isSizes(shape)) return fail(`the array "${key}" has no proper shape`);
    if (!isSizes(offsets) || offsets.length !== 2) return fail(`"${key}" has no proper offsets`);
    const [begin, end] = offsets as [number, number];
    const size = shape.reduce((product, n) => product * n, dtype === "F32" ? 4 : 8);
    if (begin > end || end > available || end - begin !== size) {
      return fail(`"${key}" of ${size} bytes claims the bytes ${begin} to ${end} of ${available}`);
    }
    ranges.push([begin, end]);
    const copy = new Uint8Array(bytes.subarray(start + begin, start + end)).buffer;
    const values = dtype === "F32" ? new Float32Array(copy) : new Float64Array(copy);
    tensors.set(key, { shape, values });
  }
  let covered = 0;
  for (const [begin, end] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (begin !== covered) fail(`its arrays leave a gap or overlap at byte ${covered}`);
    covered = end;
  }
  if (covered !== available) fail(`its arrays end at byte ${covered} of ${available}`);
  return { tensors, metadata };
}

function parseHeader(text: Uint8Array, fail: (why: string) => never): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(text));
  } catch {
    return fail("its header is not JSON");
  }
  return isRecord(header) ? header : fail("its header is no object");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
