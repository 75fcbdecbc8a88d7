// What can follow a package's name in an import: its exports map, or else its files.

import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseJson } from "../../base/json.ts";
import { ENTRIES } from "../../base/library.ts";
import type { Candidate } from "./completions.ts";
import type { WorkerSettings } from "./protocol.ts";

/** Returns a folder's entries; none if there is no such folder. */
export function entries(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** Returns whole specifiers. `typed` begins with the package's name and a slash. */
export function subpaths(typed: string, name: string, settings: WorkerSettings): Candidate[] {
  const found = findPackage(name, settings);
  if (!found) return [];
  const { folder, exports } = found;
  const keys = Object.keys(exports ?? {}).filter((key) => key.startsWith("./"));
  const inside = `.${typed.slice(name.length)}`;
  // An exports value that is a string, or only conditions, exports the package's name and nothing below it.
  const paths = exports === undefined ? list(folder, "./*", "./*", inside) : keys;
  const all = paths.flatMap((key) => {
    if (exports === undefined || !key.includes("*")) return [key];
    const target = firstTarget(exports[key]);
    return target ? list(folder, key, target, inside) : [];
  });
  return [...new Set(all)].map((key) => {
    return { text: name + key.slice(1), type: "module", rank: key.endsWith("/") ? "12" : "11" };
  });
}

type Exports = Readonly<Record<string, unknown>>;

interface Package {
  readonly folder: string;
  /** Undefined if every file can be imported. */
  readonly exports: Exports | undefined;
}

function findPackage(name: string, { folder, projectRoot }: WorkerSettings): Package | undefined {
  // It is in no node_modules of its own checkout.
  if (ENTRIES.has(name)) return { folder: projectRoot, exports: readExports(projectRoot) ?? {} };
  for (const start of [folder, projectRoot]) {
    for (let at = start; ; at = dirname(at)) {
      const place = join(at, "node_modules", name);
      const exports = readExports(place);
      if (exports !== null) return { folder: place, exports };
      if (at === dirname(at)) break;
    }
  }
  return undefined;
}

/** Returns null if there is no package. */
function readExports(folder: string): Exports | undefined | null {
  try {
    const text = readFileSync(join(folder, "package.json"), "utf8");
    const { exports } = parseJson(text) as { exports?: unknown };
    if (exports === undefined) return undefined;
    return typeof exports === "object" && exports !== null ? (exports as Exports) : {};
  } catch {
    return null;
  }
}

/** Returns the first file that a nested map of conditions names. */
function firstTarget(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null) return undefined;
  for (const nested of Object.values(value)) {
    const target = firstTarget(nested);
    if (target) return target;
  }
  return undefined;
}

/** Returns one level of the files behind a pattern such as "./features/*.js". */
function list(folder: string, key: string, target: string, typed: string): string[] {
  const [head = "", tail = ""] = key.split("*");
  const [from = "", ending = ""] = target.split("*");
  const level = typed.startsWith(head)
    ? typed.slice(head.length, Math.max(head.length, typed.lastIndexOf("/") + 1))
    : "";
  return entries(join(folder, from, level)).flatMap((entry) => {
    if (entry.name.startsWith(".") || entry.name === "node_modules") return [];
    if (entry.isDirectory()) return [`${head}${level}${entry.name}/`];
    if (!entry.name.endsWith(ending) || !/\.(js|mjs|cjs|json)$/.test(entry.name)) return [];
    return [head + level + entry.name.slice(0, entry.name.length - ending.length) + tail];
  });
}
