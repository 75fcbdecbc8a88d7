// Folders made as `mkdir -p` does. Imports nothing of the project, so that every part may use it.
import { mkdirSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Makes a folder and those above it where they are missing. Node's own `recursive` tries for ever where
 * a folder is there and takes no new ones without saying so (/proc).
 * @param mode rights of each folder that is made
 * @throws the system's error, or in words where it has none that fits
 */
export function makeFolders(folder: string, mode = 0o777): void {
  const wanted = path.resolve(folder);
  try {
    mkdirSync(wanted, { mode });
    return;
  } catch (error) {
    if (isFolder(wanted)) return;
    const above = path.dirname(wanted);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || above === wanted) throw error;
    if (isFolder(above)) throw new Error(`${above} takes no folders; choose another`);
    makeFolders(above, mode);
  }
  // Another process may have been faster.
  makeFolders(wanted, mode);
}

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
