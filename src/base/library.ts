// URLs of the library's files that others load by address: .ts in a checkout, .js when installed. The kernel's
// own package has none of them.
import { existsSync } from "node:fs";

const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."));
const file = (name: string): URL => new URL(`../${name}${extension}`, import.meta.url);

/** What can be imported of this package, as its package.json has it, and the file beside this folder. */
export const ENTRIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    abkd: "index",
    "abkd/paper": "paper",
    "abkd/student": "student/index",
  }).filter(([, name]) => existsSync(file(name))),
);

/** The file that a name means in cells and in the modules of workers, where it is one of ENTRIES. */
export function libraryFile(name: string): URL | undefined {
  const entry = ENTRIES.get(name);
  return entry === undefined ? undefined : file(entry);
}

/** The module that offers the engine to a tfjs loaded beside the library. */
export const ENGINE_OFFER: URL | undefined = existsSync(file("tensor/offer"))
  ? file("tensor/offer")
  : undefined;
