// Paths as a reader of the notebook knows them, whatever the machine.
import { relative } from "node:path";
import { NAME } from "../base/own-package.ts";

export interface Folders {
  /** The notebook's folder. */
  readonly folder: string;
  /** The root of this package. */
  readonly projectRoot: string;
}

/** Shortens a path for a reader of the notebook: inside a package, inside this one, or relative to the folder. */
export function shortPath(path: string, { folder, projectRoot }: Folders): string {
  const at = path.lastIndexOf("/node_modules/");
  if (at >= 0) return path.slice(at + "/node_modules/".length);
  const inFolder = relative(folder, path);
  if (!inFolder.startsWith("..")) return `./${inFolder}`;
  const inProject = relative(projectRoot, path);
  return inProject.startsWith("..") ? inFolder : `${NAME}/${inProject}`;
}
