// Packages in node_modules, looked for without Node's loader.
import { lstatSync, readFileSync, realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, sep } from "node:path";
import { packageName } from "./unresolved.ts";

/** Names of packages or aliases, rather than subpath imports (#x), paths and URLs. */
const BARE = /^[@\w.~-][^:]*$/;

/** Whether the package is a link to a folder outside any node_modules. */
export function isLinked(specifier: string, from: string): boolean {
  const path = folderOf(specifier, from);
  if (path === undefined || !lstatSync(path).isSymbolicLink()) return false;
  return !realpathSync(path).includes(`${sep}node_modules${sep}`);
}

/**
 * Whether Node cannot find the package of a specifier from a file. Node is not asked, because it remembers that a
 * package has no package.json, and would not find the package once it has been installed.
 */
export function isAbsent(specifier: string, from: string): boolean {
  if (!BARE.test(specifier) || isBuiltin(specifier) || process.env.NODE_PATH) return false;
  return folderOf(specifier, from) === undefined && ownName(from) !== packageName(specifier);
}

/** Returns the package's folder in the nearest node_modules that has one. */
function folderOf(specifier: string, from: string): string | undefined {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", packageName(specifier));
    if (lstatSync(path, { throwIfNoEntry: false })) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Returns the name of the package that a file belongs to: it can import itself. */
function ownName(file: string): unknown {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, "package.json"), "utf8");
      return (JSON.parse(text) as { name?: unknown }).name;
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      if (!isMissing || folder === dirname(folder)) return undefined;
    }
  }
}
