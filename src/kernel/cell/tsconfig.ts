// The settings of the nearest tsconfig.json or jsconfig.json, read without TypeScript.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { type AnyNode, parseExpressionAt } from "acorn";
import { isObject } from "../../base/json.ts";
import { isFile, isPath, localFile } from "./versions.ts";

/** One configuration file. */
export interface Config {
  readonly file: string;
  /** Its own "compilerOptions". */
  readonly options: Readonly<Record<string, unknown>>;
}

const CONFIGS = ["tsconfig.json", "jsconfig.json"];

/**
 * Returns the configuration that holds in a folder, nearest first: its file, then those that it extends. The first
 * that has an option decides. Files that cannot be read say nothing.
 */
export function configsOf(folder: string): readonly Config[] {
  const nearest = nearestConfig(folder);
  const found: Config[] = [];
  const waiting = nearest === undefined ? [] : [nearest];
  const seen = new Set<string>();
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const content = read(file);
    const { compilerOptions: options, extends: parents = [] } = isObject(content) ? content : {};
    found.push({ file, options: isObject(options) ? options : {} });
    // Of several parents, the last one decides.
    const names = Array.isArray(parents) ? parents.toReversed() : [parents];
    waiting.unshift(...names.flatMap((name) => parentOf(name, file) ?? []));
  }
  return found;
}

/** Returns an option as the configuration of a folder sets it; undefined if it does not. */
export function optionOf(configs: readonly Config[], name: string): unknown {
  return configs.find(({ options }) => Object.hasOwn(options, name))?.options[name];
}

/** What "paths" and "baseUrl" make of names, with absolute targets; both may be missing. */
export interface Mapping {
  readonly paths: Readonly<Record<string, readonly string[]>>;
  readonly base: string | undefined;
  /** The file that has the paths. */
  readonly file: string | undefined;
}

/** Returns how the configuration of a folder maps names. */
export function mappingOf(configs: readonly Config[]): Mapping {
  const owner = configs.find(({ options }) => isObject(options.paths));
  const based = configs.find(({ options }) => typeof options.baseUrl === "string");
  const base = based && resolve(dirname(based.file), String(based.options.baseUrl));
  const folder = base ?? dirname(owner?.file ?? "/");
  const paths = Object.entries(isObject(owner?.options.paths) ? owner.options.paths : {});
  const absolute = paths.map(([key, targets]) => [
    key,
    (Array.isArray(targets) ? targets : []).map((each) => resolve(folder, String(each))),
  ]);
  return { paths: Object.fromEntries(absolute), base, file: owner?.file };
}

/** Returns the local file that the tsconfig.json of a folder gives to a name that is no path; undefined if none. */
export function mappedFile(name: string, folder: string): string | undefined {
  const { paths, base } = mappingOf(configsOf(folder));
  const [key, star] = bestKey(Object.keys(paths), name) ?? [];
  const targets = key === undefined ? [] : (paths[key] ?? []);
  const candidates = targets.map((each) => each.replace("*", () => star ?? ""));
  if (base !== undefined) candidates.push(resolve(base, name));
  return candidates.map(localFile).find(isFile);
}

/** Returns the pattern that fits a name best, as TypeScript has it, with what its star stands for. */
export function bestKey(
  keys: readonly string[],
  name: string,
): [key: string, star: string] | undefined {
  if (keys.includes(name)) return [name, ""];
  const fitting = keys.flatMap((key): [string, string, number][] => {
    const [before = "", after] = key.split("*");
    const fits = after !== undefined && name.startsWith(before) && name.endsWith(after);
    if (!fits || name.length < before.length + after.length) return [];
    return [[key, name.slice(before.length, name.length - after.length), before.length]];
  });
  const [best] = fitting.toSorted((a, b) => b[2] - a[2]);
  return best && [best[0], best[1]];
}

function nearestConfig(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const nearest = CONFIGS.map((each) => join(at, each)).find(isFile);
    if (nearest !== undefined || at === dirname(at)) return nearest;
  }
}

/** Returns the file that "extends" names: a path, or a file of a package. */
function parentOf(name: unknown, file: string): string | undefined {
  if (typeof name !== "string") return undefined;
  if (isPath(name)) {
    const path = resolve(dirname(file), name);
    return [path, `${path}.json`].find(isFile);
  }
  const { resolve: find } = createRequire(file);
  for (const each of [name, `${name}.json`, `${name}/tsconfig.json`]) {
    try {
      const path = find(each);
      if (path.endsWith(".json")) return path;
    } catch {
      // Another form of the name may be a file.
    }
  }
  return undefined;
}

/** Reads JSON with comments and trailing commas, which is an expression of JavaScript. */
function read(file: string): unknown {
  try {
    const text = readFileSync(file, "utf8");
    return literal(parseExpressionAt(text, 0, { ecmaVersion: "latest" }));
  } catch {
    return undefined;
  }
}

function literal(node: AnyNode): unknown {
  switch (node.type) {
    case "Literal":
      return node.value;
    case "ArrayExpression":
      return node.elements.map((each) => each && literal(each));
    case "ObjectExpression": {
      const entries = node.properties.flatMap((each) =>
        each.type === "Property" && each.key.type === "Literal"
          ? [[String(each.key.value), literal(each.value)]]
          : [],
      );
      return Object.fromEntries(entries);
    }
    default:
      return undefined;
  }
}
