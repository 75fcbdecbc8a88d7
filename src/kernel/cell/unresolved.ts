// Why a specifier leads to no module, in words for a cell: what to do, and no path of the machine.
import { ENTRIES } from "../../base/library.ts";
import { type Folders, shortPath } from "../short-path.ts";
import { markOwn } from "./local.ts";

/** The name of the package that a bare specifier begins with. */
export const packageName = (name: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name;

const PACKAGE = /^(?:@[\w.~-]+\/)?[\w.~-]/;

/** What Node's codes come to. */
const REASONS: Readonly<Record<string, (name: string) => string>> = {
  ERR_PACKAGE_PATH_NOT_EXPORTED: (name) =>
    `the package ${packageName(name)} does not offer it: what it offers stands in its package.json, under "exports"`,
  ERR_PACKAGE_IMPORT_NOT_DEFINED: () =>
    `names with # are those of the nearest package.json, under "imports", and it is not there`,
  ERR_UNSUPPORTED_DIR_IMPORT: () => "it is a folder: import a file of it",
  ERR_INVALID_MODULE_SPECIFIER: () => `it is neither a package's name nor a path, such as "./x.ts"`,
  ERR_INVALID_PACKAGE_CONFIG: (name) => `the package.json of ${packageName(name)} is no sound JSON`,
};

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code);
}

function isNotFound(error: unknown): boolean {
  return /^(ERR_)?MODULE_NOT_FOUND$/.test(codeOf(error));
}

/** Whether there is no such package: one that is there and lacks a file is no missing one. */
export function isMissing(error: unknown): boolean {
  return isNotFound(error) && !/ '\//.test((error as Error).message);
}

/** For a path: what Node's resolver threw. */
export function noFile(error: unknown, name: string, shown: string): unknown {
  if (isNotFound(error)) return refusal(error, `Cannot find "${name}": there is no file ${shown}`);
  return unresolved(error, name);
}

/** For a name that no folder's node_modules has. */
export function noPackage(error: unknown, name: string): unknown {
  if (name.startsWith("#")) return unresolved({ code: "ERR_PACKAGE_IMPORT_NOT_DEFINED" }, name);
  if (!PACKAGE.test(name)) return unresolved({ code: "ERR_INVALID_MODULE_SPECIFIER" }, name);
  const wanted = packageName(name);
  return refusal(
    error,
    `Cannot find the package "${wanted}": it is not in node_modules of the notebook's ` +
      `folder or of one above it, nor in ABKD's own. Install it there: npm install ${wanted}`,
  );
}

/** Whether a name means a file inside of what this package offers cells as a whole. */
export const isOwnInside = (name: string): boolean => /^(abkd|tslab)\//.test(name);

/** What Node's resolver threw, in our words where its own name files of the machine. */
export function unresolved(error: unknown, name: string): unknown {
  const own = packageName(name);
  const offered = own === "tslab" ? [own] : [...ENTRIES.keys()];
  const reason = isOwnInside(name)
    ? `all that cells may use of ${own} is in "${offered.join('" and "')}"`
    : REASONS[codeOf(error)]?.(name);
  return reason === undefined ? error : refusal(error, `Cannot import "${name}": ${reason}`);
}

function refusal(error: unknown, message: string): Error {
  const code = codeOf(error).replace(/^MODULE_/, "ERR_MODULE_");
  return markOwn(Object.assign(new Error(message), { code }));
}

/** Where Node names a file in a message of its loader's, and in front of a SyntaxError and its stack. Folders'
 *  names may have blanks within; of a file's own name only what stands before a blank is read, which is enough. */
const NAMED = /(?<=^|[\s'"(])\/(?=[^\s'":/])(?:[^\s'":/](?:[^'":/\n]*[^\s'":/])?\/+)*[^\s'":/]*/g;
const PLACE = /^\/.*?(?=:\d+\n|: )/;

/** An error of Node's loader, with its paths as a reader of the notebook knows them. */
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
