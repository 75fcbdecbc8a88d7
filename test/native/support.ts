// Whether the native engine can be tested here.
import { nativeRecord } from "../../src/tensor/index.ts";

/** The reason to skip its tests, or false. */
export function whyNoNative(): string | false {
  return nativeRecord() ? false : "the native engine is not built: run `npm run native`";
}
