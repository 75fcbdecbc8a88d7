// Creates folders as `mkdir -p` does. Imports nothing from the project, so every part may use it.
import { mkdirSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Creates a folder and its missing parents. Node's own `recursive` retries for ever below a folder
 * that silently refuses new ones (/proc).
 * @param mode permissions of each folder that is created
 * @throws the system's error, or an Error in words where the system has no fitting one
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
  // Another process may have created it first.
  makeFolders(wanted, mode);
}

function isFolder(folder: string): boolean {
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
