// Specifiers meant for other runtimes and bundlers: says what to write instead.
import { basename } from "node:path";
import { kernelVariable } from "../../base/own-package.ts";
import { npmSpecifier } from "../npm/specifier.ts";
import { bestKey, configsOf, mappingOf } from "./tsconfig.ts";

/** A specifier with a scheme that Node's loader does not have; the kernel's own marks begin with "cell". */
export const FOREIGN_SCHEME = /^(?!node:|file:|data:|cell)([a-z][a-z\d+.-]+):(.*)$/i;

/** Explains why a specifier that is not a path cannot work in Node, and what to do; undefined if it can. */
export function foreignSpecifier(name: string, folder: string): string | undefined {
  const [, given, rest = ""] = FOREIGN_SCHEME.exec(name) ?? [];
  const scheme = given?.toLowerCase();
  if (scheme === "npm") {
    const [, bare, inside = ""] = /^\/*((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?(\/.*)?$/.exec(rest) ?? [];
    if (bare === undefined) return "it names no package";
    if (!npmSpecifier(name)) return "it is not a package of npm's registry and a range of versions";
    return (
      `this kernel runs on Node: npm install ${bare}, then import from "${bare}${inside}"; ` +
      `or let it install: ${kernelVariable("INSTALL")}=on, --allow-install in headless runs`
    );
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
  const { paths, file } = mappingOf(configsOf(folder));
  const [key] = bestKey(Object.keys(paths), name) ?? [];
  if (key !== undefined && key !== "*") {
    return `"paths" of ${basename(file ?? "")} (${key}) lead to no file`;
  }
  if (/^[@~]\//.test(name)) {
    return `aliases need "paths" in tsconfig.json; or import the file by its relative path`;
  }
  return undefined;
}
