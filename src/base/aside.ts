// Names for damaged files that are set aside. Imports nothing from the project, so every part may use it.
import { lstatSync } from "node:fs";

/**
 * Returns `<path>.<ending>`, or `<path>.<ending>.2` and so on if that name is taken.
 * @throws the system's error
 */
export function nameAside(path: string, ending: string): string {
  let aside = `${path}.${ending}`;
  for (let n = 2; lstatSync(aside, { throwIfNoEntry: false }); n++) {
    aside = `${path}.${ending}.${n}`;
  }
  return aside;
}
