// Names for damaged files that are kept. Imports nothing of the project, so that every part may use it.
import { lstatSync } from "node:fs";

/**
 * `<path>.<ending>`, or `<path>.<ending>.2` and so on where that is taken.
 * @throws the system's error
 */
export function nameAside(path: string, ending: string): string {
  let aside = `${path}.${ending}`;
  for (let n = 2; lstatSync(aside, { throwIfNoEntry: false }); n++) {
    aside = `${path}.${ending}.${n}`;
  }
  return aside;
}
