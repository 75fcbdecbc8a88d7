// What `npm run native` leaves behind: the binding's files and a record of what they were made of.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UserError } from "../../base/errors.ts";
import { JsonError, parseJson } from "../../base/json.ts";

/** Holds everything of the native engine, TensorFlow itself apart. */
export const NATIVE_FOLDER = fileURLToPath(new URL("../../../build/native/", import.meta.url));

/** The record is written last: where it is, the build is whole and was proved. */
export const NATIVE_RECORD = `${NATIVE_FOLDER}native.json`;
export const NATIVE_BINDING = `${NATIVE_FOLDER}tfjs_binding.node`;
/** Keeps the binding's load silent: scripts/native-quiet.cc says why. */
export const NATIVE_QUIET = `${NATIVE_FOLDER}quiet.node`;

/** What was built, from what, and what it measured. */
export interface NativeRecord {
  /** The npm package whose JavaScript and C++ are used. */
  readonly package: string;
  /** TensorFlow's folder: its libraries are loaded from there. */
  readonly tensorflow: string;
  /** TensorFlow's version, e.g. 2.21.0. */
  readonly version: string;
  readonly device: "cpu" | "gpu";
  /**
   * From this hidden width on, a GCNII training step is faster on this engine than on the
   * project's own, as `npm run native` measured here; null where it never was.
   */
  readonly fasterFromWidth: number | null;
}

/** The record of a finished build, or undefined where there is none. */
export function nativeRecord(): NativeRecord | undefined {
  if (!existsSync(NATIVE_RECORD) || !existsSync(NATIVE_BINDING)) return undefined;
  try {
    return parseJson(readFileSync(NATIVE_RECORD, "utf8")) as NativeRecord;
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new UserError(`${NATIVE_RECORD} ${cause.message}; build anew: npm run native`, { cause });
  }
}

/** TensorFlow's version and the device: another one's results differ in the last bits. */
export function nativeFlavour({ version, device }: NativeRecord): string {
  return `tensorflow-${version}-${device}`;
}

/** @throws UserError where the native engine is not built */
export function requireNativeRecord(): NativeRecord {
  const record = nativeRecord();
  if (record) return record;
  throw new UserError("the native engine is not built: run `npm run native`, or use --engine wasm");
}
