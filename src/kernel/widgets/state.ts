// A widget's state as messages carry it: JSON, with bytes taken out and sent beside it by their paths.
import { types } from "node:util";

/** Where a value stands in a state. */
export type Path = readonly (string | number)[];

export interface Packed {
  readonly state: Readonly<Record<string, unknown>>;
  /** Where the buffers belong, in their order. In arrays null stands in their place. */
  readonly paths: readonly Path[];
  readonly buffers: readonly Uint8Array[];
}

/** Deeper than any widget's state nests; an object that refers to itself reaches it too. */
export const MOST_DEPTH = 100;

/** Whether arrays and objects of JSON nest deeper than `most`. */
export function isDeeper(value: unknown, most: number): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
  return most === 0 || Object.values(value).some((each) => isDeeper(each, most - 1));
}

/** Returns the bytes of a buffer or a view of one; undefined for anything else. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (types.isAnyArrayBuffer(value)) return new Uint8Array(value);
  if (!ArrayBuffer.isView(value)) return undefined;
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}

/**
 * Takes the bytes out of a state.
 * @param refer returns what stands for a value that is a widget; null for one that was closed, which lists leave out;
 *   undefined for other values
 * @throws TypeError for what JSON cannot carry, with its place
 */
export function pack(
  state: Readonly<Record<string, unknown>>,
  refer: (value: object) => string | null | undefined,
): Packed {
  const paths: Path[] = [];
  const buffers: Uint8Array[] = [];
  const packed = (value: unknown, path: Path): unknown => {
    if (typeof value === "string") return value.toWellFormed();
    if (typeof value === "number") return Number.isFinite(value) ? value : null;
    if (typeof value === "boolean" || value === null || value === undefined) return value;
    if (typeof value !== "object")
      throw new TypeError(`a widget's ${path.join(".")} cannot be a ${typeof value}`);
    const bytes = bytesOf(value);
    if (bytes) {
      paths.push(path);
      buffers.push(bytes);
      return typeof path.at(-1) === "number" ? null : undefined;
    }
    const reference = refer(value);
    if (reference !== undefined) return reference;
    if (path.length > MOST_DEPTH)
      throw new TypeError(`a widget's ${path[0]} nests too deep, or refers to itself`);
    if (Array.isArray(value)) {
      const kept = value.filter(
        (item) => typeof item !== "object" || !item || refer(item) !== null,
      );
      return kept.map((item, i) => packed(item, [...path, i]) ?? null);
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") return packed(toJSON.call(value), path);
    return object(value, path);
  };
  const object = (value: object, path: Path): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(value).flatMap(([key, item]) => {
        const sent = packed(item, [...path, key]);
        return sent === undefined ? [] : [[key, sent]];
      }),
    );
  return { state: object(state, []), paths, buffers };
}

/**
 * Puts bytes that arrived beside a state back into it.
 * @returns why they do not fit; undefined if all is well
 */
export function unpack(
  state: object,
  paths: unknown,
  buffers: readonly Uint8Array[],
): string | undefined {
  if (paths === undefined && buffers.length === 0) return undefined;
  if (!Array.isArray(paths) || paths.length !== buffers.length)
    return `it has ${buffers.length} buffers and ${Array.isArray(paths) ? paths.length : "no"} buffer_paths`;
  for (const [i, path] of (paths as unknown[]).entries()) {
    if (!putIn(state, path, buffers[i]!)) return "its buffer_paths lead nowhere";
  }
  return undefined;
}

function putIn(state: object, path: unknown, bytes: Uint8Array): boolean {
  if (!Array.isArray(path) || path.length === 0 || path.length > MOST_DEPTH) return false;
  let at: unknown = state;
  for (const key of path.slice(0, -1) as unknown[]) {
    if (!isIn(at, key)) return false;
    at = Reflect.get(at as object, key as PropertyKey);
  }
  const last: unknown = path.at(-1);
  if (typeof at !== "object" || at === null || bytesOf(at)) return false;
  // In arrays null keeps the place; an object's key is new.
  if (Array.isArray(at) ? !isIn(at, last) : typeof last !== "string") return false;
  Object.defineProperty(at, last as PropertyKey, {
    value: bytes,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return true;
}

/** Whether an object or array of JSON has an entry of its own. */
function isIn(at: unknown, key: unknown): boolean {
  if (typeof at !== "object" || at === null || bytesOf(at)) return false;
  if (Array.isArray(at)) return Number.isInteger(key) && Object.hasOwn(at, key as number);
  return typeof key === "string" && Object.hasOwn(at, key);
}
