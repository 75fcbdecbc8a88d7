// Specifiers meant for other runtimes and bundlers: says what to write instead.
import { basename, dirname, resolve } from "node:path";
import { isObject } from "../../base/json.ts";
import { configsOf } from "./tsconfig.ts";
import { isFile, localFile } from "./versions.ts";

/** A specifier with a scheme that Node's loader does not have; the kernel's own marks begin with "cell". */
export const FOREIGN_SCHEME = /^(?!node:|file:|data:|cell)([a-z][a-z\d+.-]+):(.*)$/i;

/** Explains why a specifier that is not a path cannot work in Node, and what to do; undefined if it can. */
export function foreignSpecifier(name: string, folder: string): string | undefined {
  const [, given, rest = ""] = FOREIGN_SCHEME.exec(name) ?? [];
  const scheme = given?.toLowerCase();
  if (scheme === "npm") {
    const [, bare, inside = ""] = /^\/*((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?(\/.*)?$/.exec(rest) ?? [];
    if (bare === undefined) return "it names no package";
    return `this kernel runs on Node: npm install ${bare}, then import from "${bare}${inside}"`;
  }
  if (scheme === "jsr") {
    return `this kernel runs on Node: npx jsr add ${rest}, then import without "jsr:"`;
  }
  if (scheme === "bun") return "this kernel runs on Node, which does not have Bun's modules";
  if (scheme === "https" || scheme === "http") {
    return "Node loads no modules from the web: npm install the package, then import it by its name";
  }
  if (scheme !== undefined) {
    return `"${given}:" belongs to another runtime or to a bundler; Node has node:, file: and data:`;
  }
  const mapped = mappedBy(name, folder);
  if (mapped !== undefined) {
    return `this kernel does not read ${mapped}: import the file by its relative path`;
  }
  if (/^[@~]\//.test(name)) {
    return "only a bundler understands aliases: import the file by its relative path";
  }
  return undefined;
}

/** Returns the setting of the nearest tsconfig.json, or of one that it extends, which would map a specifier. */
function mappedBy(name: string, folder: string): string | undefined {
  for (const { file, options } of configsOf(folder)) {
    const { paths, baseUrl } = options;
    const key = Object.keys(isObject(paths) ? paths : {}).find((each) => matches(each, name));
    if (key !== undefined) return `"paths" of ${basename(file)} (${key})`;
    if (typeof baseUrl !== "string") continue;
    if (isFile(localFile(resolve(dirname(file), baseUrl, name)))) {
      return `"baseUrl" of ${basename(file)} (${baseUrl})`;
    }
  }
  return undefined;
}

function matches(pattern: string, name: string): boolean {
  const [before = "", after] = pattern.split("*");
  if (after === undefined) return name === pattern;
  return before !== "" && name.startsWith(before) && name.endsWith(after);
}
