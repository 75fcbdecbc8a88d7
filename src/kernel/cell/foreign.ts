// Specifiers meant for other runtimes and bundlers: says what to write instead.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isFile } from "./versions.ts";

/** Explains why a specifier that is not a path cannot work in Node, and what to do; undefined if it can. */
export function foreignSpecifier(name: string, folder: string): string | undefined {
  const [, scheme, rest = ""] = /^([a-z][a-z+.-]*):(.*)$/i.exec(name) ?? [];
  if (scheme === "npm") {
    const bare = /^\/*((?:@[^/@]+\/)?[^/@]+)/.exec(rest)?.[1] ?? rest;
    return `this kernel runs on Node: npm install ${bare}, then import from "${bare}"`;
  }
  if (scheme === "jsr") {
    return `this kernel runs on Node: npx jsr add ${rest}, then import without "jsr:"`;
  }
  if (scheme === "bun") return "this kernel runs on Node, which does not have Bun's modules";
  if (scheme === "https" || scheme === "http") {
    return "Node loads no modules from the web: npm install the package, then import it by its name";
  }
  const mapped = mappedBy(name, folder);
  if (mapped !== undefined) {
    return `this kernel does not read "paths" of tsconfig.json (${mapped}): import the file by its relative path`;
  }
  if (/^[@~]\//.test(name)) {
    return "only a bundler understands aliases: import the file by its relative path";
  }
  return undefined;
}

/** Returns the entry of the nearest tsconfig.json's "paths" that matches a specifier. */
function mappedBy(name: string, folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const file = join(at, "tsconfig.json");
    if (isFile(file)) {
      const [, paths = ""] = /"paths"\s*:\s*\{([^}]*)\}/.exec(readFileSync(file, "utf8")) ?? [];
      const keys = [...paths.matchAll(/"([^"\n]+)"\s*:\s*\[/g)].map(([, key = ""]) => key);
      return keys.find((key) => matches(key, name));
    }
    if (at === dirname(at)) return undefined;
  }
}

function matches(pattern: string, name: string): boolean {
  const [before = "", after] = pattern.split("*");
  if (after === undefined) return name === pattern;
  return before !== "" && name.startsWith(before) && name.endsWith(after);
}
