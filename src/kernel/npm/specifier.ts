// Specifiers such as npm:zod@3, and the folder beside the notebook that holds their packages.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isObject } from "../../base/json.ts";

/** The folder, beside the notebook. */
export const FOLDER = ".abkd";

/** A package of npm's registry. */
export interface Wanted {
  readonly name: string;
  /** Versions or a tag, as in package.json: "3", "^1.2", "*". */
  readonly range: string;
}

const NAME = /^(?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*$/i;
/** Neither a path, an address, an alias, a file's name nor a flag: these could lead elsewhere than to the registry. */
const RANGE = /^(?!.*\.(?:tgz|tar|tar\.gz)$)[\w^~<>=*][\w.^~<>=*|+ -]*$/i;
const MOST_CHARACTERS = 200;

/** Returns what a package.json may say of one dependency; undefined for all that is not in the registry. */
export function wantedOf(name: string, range: unknown): Wanted | undefined {
  if (typeof range !== "string" || name.length > 214 || range.length > MOST_CHARACTERS) return;
  if (!NAME.test(name) || !RANGE.test(range) || /^-|\/-/.test(name)) return undefined;
  return name === "node_modules" ? undefined : { name, range };
}

/** Reads npm:name@range/inside; undefined for anything else. `bare` is what Node calls the module. */
export function npmSpecifier(specifier: string): (Wanted & { readonly bare: string }) | undefined {
  const [, name, range = "*", inside = ""] =
    /^npm:\/*((?:@[^/@]+\/)?[^/@]+)(?:@([^/]*))?(\/.*)?$/i.exec(specifier) ?? [];
  const wanted = name === undefined ? undefined : wantedOf(name, range);
  return wanted && { ...wanted, bare: wanted.name + inside };
}

/** Returns the dependencies that the folder's package.json records; none if there is no such file. */
export function recorded(folder: string): Readonly<Record<string, unknown>> {
  try {
    const { dependencies } = JSON.parse(readFileSync(join(folder, FOLDER, "package.json"), "utf8"));
    return isObject(dependencies) ? dependencies : {};
  } catch {
    return {};
  }
}

/** Whether a package is there, in the range that was asked for last. */
export function isThere(folder: string, { name, range }: Wanted): boolean {
  const dependencies = recorded(folder);
  if (!Object.hasOwn(dependencies, name)) return false;
  if (range !== "*" && dependencies[name] !== range) return false;
  return existsSync(join(folder, FOLDER, "node_modules", name, "package.json"));
}

/** Returns what a specifier means once its package is there: a bare name, and a file that may import it. */
export function installedFrom(
  specifier: string,
  folder: string,
): { readonly bare: string; readonly from: string } | undefined {
  const wanted = npmSpecifier(specifier);
  if (!wanted || !isThere(folder, wanted)) return undefined;
  return { bare: wanted.bare, from: join(folder, FOLDER, "cell.ts") };
}
