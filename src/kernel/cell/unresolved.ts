// Explains why a specifier leads to no module: what to do, without any path of the machine.
import { ENTRIES } from "../../base/library.ts";
import { KERNEL_MODULES } from "../own-modules.ts";
import { type Folders, shortPath } from "../short-path.ts";
import { markOwn } from "./local.ts";

/** Returns the package name that a bare specifier begins with. */
export const packageName = (name: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name;

const PACKAGE = /^(?:@[\w.~-]+\/)?[\w.~-]/;

/** What Node's error codes mean. */
const REASONS: Readonly<Record<string, (name: string) => string>> = {
  ERR_PACKAGE_PATH_NOT_EXPORTED: (name) =>
    `the package ${packageName(name)} does not export it: its package.json lists what it exports under "exports"`,
  ERR_PACKAGE_IMPORT_NOT_DEFINED: () =>
    `names with # come from "imports" in the nearest package.json, which does not list it`,
  ERR_UNSUPPORTED_DIR_IMPORT: () => "it is a folder: import a file in it",
  ERR_INVALID_MODULE_SPECIFIER: () => `it is neither a package's name nor a path, such as "./x.ts"`,
  ERR_INVALID_PACKAGE_CONFIG: (name) =>
    `the package.json of ${packageName(name)} is not valid JSON`,
};

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code);
}

function isNotFound(error: unknown): boolean {
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(codeOf(error));
}

/** Whether the package itself is missing, rather than a file of an existing package. */
export function isMissing(error: unknown): boolean {
  return isNotFound(error) && !/ '\//.test((error as Error).message);
}

/** Explains what Node's resolver threw for a path. */
export function noFile(error: unknown, name: string, shown: string): unknown {
  if (isNotFound(error)) return refusal(error, `Cannot find "${name}": there is no file ${shown}`);
  return unresolved(error, name);
}

/** Explains that no node_modules folder has the name. */
export function noPackage(error: unknown, name: string): unknown {
  if (name.startsWith("#")) return unresolved({ code: "ERR_PACKAGE_IMPORT_NOT_DEFINED" }, name);
  if (!PACKAGE.test(name)) return unresolved({ code: "ERR_INVALID_MODULE_SPECIFIER" }, name);
  const wanted = packageName(name);
  return refusal(
    error,
    `Cannot find the package "${wanted}": it is not in node_modules of the notebook's ` +
      `folder or of one above it, nor in this kernel's own. Install it there: npm install ${wanted}`,
  );
}

/** Returns the names that the kernel itself offers of a package. */
const offeredOf = (own: string): string[] =>
  [...KERNEL_MODULES.keys()].filter((each) => packageName(each) === own);

/** Whether a name means a file inside this package, which cells can only import as a whole. */
export function isOwnInside(name: string): boolean {
  const own = packageName(name);
  return name !== own && (ENTRIES.has(own) || offeredOf(own).length > 0);
}

/** Explains what Node's resolver threw, in our words where Node's would name files of the machine. */
export function unresolved(error: unknown, name: string): unknown {
  const own = packageName(name);
  const kernels = offeredOf(own);
  const offered = kernels.length > 0 ? kernels : [...ENTRIES.keys()];
  const reason = isOwnInside(name)
    ? `cells can only import ${new Intl.ListFormat("en-GB").format(offered.map((name) => `"${name}"`))}`
    : REASONS[codeOf(error)]?.(name);
  return reason === undefined ? error : refusal(error, `Cannot import "${name}": ${reason}`);
}

/** Says which names a module has, where a cell imports another one. */
export function noExport(specifier: string, name: string, module: object): string {
  const names = Object.keys(module).filter(
    (each) => each !== "default" && each !== "module.exports",
  );
  const some = names.slice(0, 20).join(", ") + (names.length > 20 ? ", .." : "");
  if (name === "default") {
    return `"${specifier}" has no default export; import { .. } from these names: ${some}`;
  }
  return `"${specifier}" does not export "${name}"; it exports ${some || "nothing by name"}`;
}

function refusal(error: unknown, message: string): Error {
  const code = codeOf(error).replace(/^MODULE_/, "ERR_MODULE_");
  return markOwn(Object.assign(new Error(message), { code }));
}

/** Where Node's loader names a file in a message, and in front of a SyntaxError and its stack. Folder names may
 *  contain blanks; a file's own name is read only up to a blank, which is enough. */
const NAMED = /(?<=^|[\s'"(])\/(?=[^\s'":/])(?:[^\s'":/](?:[^'":/\n]*[^\s'":/])?\/+)*[^\s'":/]*/g;
const PLACE = /^\/.*?(?=:\d+\n|: )/;

/** Shortens the paths in an error of Node's loader for a reader of the notebook. */
export function portable(error: unknown, folders: Folders): unknown {
  const isSyntax = error instanceof SyntaxError;
  if (!(error instanceof Error) || !(isSyntax || /^(ERR|MODULE)_/.test(codeOf(error))))
    return error;
  const { message, stack } = error;
  const short = (path: string): string => shortPath(path, folders);
  error.message = message.replace(isSyntax ? PLACE : NAMED, short);
  if (typeof stack === "string") {
    error.stack = stack.replace(PLACE, short).replace(message, () => error.message);
  }
  return error;
}
