// Symbol.for("Jupyter.display"): an object's own view, as a bundle that is safe to send.
import { types } from "node:util";
import type { Bundle } from "../channel.ts";
import { outside } from "../runner/shelter.ts";

/** The key of an object's own view; on globalThis, the key of the host's display function. */
export const DISPLAY = Symbol.for("Jupyter.display");

/** Returns the unchecked result of an object's hook; undefined if it has none. */
export function callHook(value: object): { readonly result: unknown } | undefined {
  // A proxy may answer every question with anything, so it is asked only if it reports the hook.
  if (types.isProxy(value) && !Reflect.has(value, DISPLAY)) return undefined;
  const hook: unknown = Reflect.get(value, DISPLAY);
  // On globalThis the key holds the host's display function, which is not a view of its own.
  if (typeof hook !== "function" || hook === Reflect.get(globalThis, DISPLAY)) return undefined;
  return { result: outside(() => hook.call(value)) };
}

/** Whether a value can be awaited. Proxies do not count: one that answers to every name would never settle. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (types.isPromise(value)) return true;
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  return typeof (value as { then?: unknown }).then === "function";
}

/**
 * Converts a bundle to what can be sent: bytes become base64 (text for text types), JSON types plain values.
 * @throws TypeError if it is not an object of MIME types, or refers to itself
 */
export function normaliseBundle(bundle: unknown): Bundle {
  if (typeof bundle !== "object" || bundle === null || Array.isArray(bundle)) {
    throw new TypeError("a display bundle is an object of values by MIME type");
  }
  const clean: Record<string, unknown> = {};
  for (const [type, data] of Object.entries(bundle)) {
    if (!/^[\w.+-]+\/[\w.+*-]+(;.*)?$/.test(type)) {
      throw new TypeError(`"${type.slice(0, 80)}" is not a MIME type`);
    }
    if (data === undefined) continue;
    clean[type] = normaliseData(type, data);
  }
  return clean;
}

const IS_TEXT = /^text\/|[+/](xml|json)$|^application\/javascript$/;
const IS_JSON = /[+/]json$/;

function normaliseData(type: string, data: unknown): unknown {
  const bytes = types.isAnyArrayBuffer(data) ? new Uint8Array(data) : data;
  if (types.isUint8Array(bytes)) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return buffer.toString(IS_TEXT.test(type) ? "utf8" : "base64");
  }
  if (typeof data === "string") return data.toWellFormed();
  if (IS_JSON.test(type)) return toJson(data, []) ?? null;
  // nbformat writes long texts as arrays of lines.
  if (Array.isArray(data)) return data.join("").toWellFormed();
  if (typeof data === "object" || typeof data === "function") {
    throw new TypeError(`${type} must be text or bytes`);
  }
  return String(data);
}

/** Returns what JSON can carry of a value; typed arrays become arrays. */
function toJson(value: unknown, parents: readonly object[]): unknown {
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  // Python front ends cannot write half of a surrogate pair to a file.
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (parents.includes(value)) throw new TypeError("a display bundle refers to itself");
  const within = [...parents, value];
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && !types.isDataView(value))) {
    return Array.from(value as ArrayLike<unknown>, (item) => toJson(item, within) ?? null);
  }
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function")
    return toJson(
      outside(() => toJSON.call(value)),
      within,
    );
  const clean: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const sent = toJson(item, within);
    if (sent === undefined) continue;
    // Assigning to "__proto__" would change the prototype.
    Object.defineProperty(clean, key, { value: sent, enumerable: true });
  }
  return clean;
}
