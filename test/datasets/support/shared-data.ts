// The real datasets, which are beside a checkout on some machines.
import { existsSync } from "node:fs";
import path from "node:path";

export const SHARED_DATA = path.join(import.meta.dirname, "..", "..", "..", "..", "shared", "data");

/** Says why tests of real files are skipped; false if the files are present. */
export function skipWithoutData(folder = "planetoid"): string | false {
  return (
    !existsSync(path.join(SHARED_DATA, folder)) && `../shared/data/${folder} is not on this machine`
  );
}
