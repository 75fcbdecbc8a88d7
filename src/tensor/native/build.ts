// What `npm run native` leaves behind: the binding's files and a record of what they were built from.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { UserError } from "../../base/errors.ts";
import { JsonError, parseJson } from "../../base/json.ts";

/** The folder of the native engine, which holds everything except TensorFlow itself. */
export const NATIVE_FOLDER = fileURLToPath(new URL("../../../build/native/", import.meta.url));

/** The record, which is written last: if it exists, the build is complete and was tested. */
export const NATIVE_RECORD = `${NATIVE_FOLDER}native.json`;
export const NATIVE_BINDING = `${NATIVE_FOLDER}tfjs_binding.node`;
/** A library that keeps the loading of the binding silent; scripts/native-quiet.cc says why. */
export const NATIVE_QUIET = `${NATIVE_FOLDER}quiet.node`;

/** What was built, from what, and what was measured. */
export interface NativeRecord {
  /** The npm package whose JavaScript and C++ are used. */
  readonly package: string;
  /** TensorFlow's folder, from which its libraries are loaded. */
  readonly tensorflow: string;
  /** TensorFlow's version, e.g. 2.21.0. */
  readonly version: string;
  readonly device: "cpu" | "gpu";
  /**
   * From this hidden width on, `npm run native` measured a GCNII training step as faster on this
   * engine than on the wasm engine; null if it never was.
   */
  readonly fasterFromWidth: number | null;
}

/** Reads the record of a finished build; undefined if there is none. */
export function nativeRecord(): NativeRecord | undefined {
  if (!existsSync(NATIVE_RECORD) || !existsSync(NATIVE_BINDING)) return undefined;
  try {
    return parseJson(readFileSync(NATIVE_RECORD, "utf8")) as NativeRecord;
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new UserError(`${NATIVE_RECORD} ${cause.message}; rebuild: npm run native`, {
      cause,
    });
  }
}

/** TensorFlow's version and the device; results of another one differ in the last bits. */
export function nativeFlavour({ version, device }: NativeRecord): string {
  return `tensorflow-${version}-${device}`;
}

/** @throws UserError if the native engine is not built */
export function requireNativeRecord(): NativeRecord {
  const record = nativeRecord();
  if (record) return record;
  throw new UserError("the native engine is not built: run `npm run native`, or use --engine wasm");
}
