// Versions of local files, by their content and that of all local files they import.
import { createHash } from "node:crypto";
import { readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The result of reading a file. */
interface Content {
  readonly mark: string;
  /** Whether reading again finds the same as long as `mark` is the same. */
  readonly settled: boolean;
  readonly hash: string;
  readonly dependencies: readonly string[];
}

/** The coarsest tick of a file's clock, in milliseconds. */
const TICK = 50;

const SPECIFIER =
  /(?:\bfrom|\bimport|\brequire|\bnew\s+URL)\s*(?:\(\s*)?(?:\/\*[^*]*\*\/\s*)?["'`]([^"'`\n$]+)["'`]/g;

/** Versions of local files by content. All questions between two calls of `look` see the same state. */
export class Versions {
  readonly #contents = new Map<string, Content>();
  readonly #resolveBare: (specifier: string, from: string) => string | undefined;
  #seen = new Map<string, Content | undefined>();
  #closures = new Map<string, string>();

  /** @param resolveBare returns the local file that a specifier without a path stands for, if any */
  constructor(resolveBare: (specifier: string, from: string) => string | undefined) {
    this.#resolveBare = resolveBare;
  }

  /** Makes the next questions see what is on disk now. */
  look(): void {
    this.#seen = new Map();
    this.#closures = new Map();
  }

  /** Returns a digest of a file and of every local file that it imports, directly or not. */
  of(file: string): string {
    const known = this.#closures.get(file);
    if (known !== undefined) return known;
    const files = this.filesOf(file);
    const digest = createHash("sha256");
    for (const each of [...files].sort()) digest.update(`${each}\0${this.#content(each)?.hash}\0`);
    const version = digest.digest("hex").slice(0, 12);
    this.#closures.set(file, version);
    return version;
  }

  /** Returns a file and every local file that it imports, directly or not. */
  filesOf(file: string): ReadonlySet<string> {
    const files = new Set([file]);
    for (const each of files) {
      for (const next of this.#content(each)?.dependencies ?? []) files.add(next);
    }
    return files;
  }

  #content(file: string): Content | undefined {
    if (this.#seen.has(file)) return this.#seen.get(file);
    const content = this.#read(file);
    this.#seen.set(file, content);
    return content;
  }

  #read(file: string): Content | undefined {
    let stats: Stats;
    try {
      stats = statSync(file);
      if (!stats.isFile()) return undefined;
      const mark = `${stats.mtimeMs} ${stats.ctimeMs} ${stats.size} ${stats.ino}`;
      const known = this.#contents.get(file);
      if (known?.settled && known.mark === mark) return known;
      const isOld = Math.max(stats.mtimeMs, stats.ctimeMs) < Date.now() - TICK;
      const text = readFileSync(file, "utf8");
      const hash = createHash("sha256").update(text).digest("hex");
      const dependencies = this.#dependencies(file, text);
      // A missing file may appear later, with another extension.
      const settled = isOld && dependencies.every(isFile);
      const content = { mark, settled, hash, dependencies };
      this.#contents.set(file, content);
      return content;
    } catch {
      return undefined; // deleted or unreadable: the import will report it
    }
  }

  #dependencies(file: string, text: string): string[] {
    if (file.endsWith(".json")) return [];
    const found = new Set<string>();
    for (const [, specifier] of text.matchAll(SPECIFIER)) {
      const path = isPath(specifier!)
        ? localFile(toPath(specifier!, dirname(file)))
        : this.#resolveBare(specifier!, file);
      if (path && isCode(path)) found.add(path);
    }
    return [...found];
  }
}

/** Whether a specifier is a path or a file URL, rather than a package's name. */
export function isPath(specifier: string): boolean {
  return /^(?:\.{1,2}(?:\/|$)|\/|file:)/.test(specifier);
}

/** Returns the path of a specifier for which isPath holds. */
export function toPath(specifier: string, folder: string): string {
  if (specifier.startsWith("file:")) return fileURLToPath(specifier);
  return resolve(folder, specifier.replace(/[?#].*/s, ""));
}

/** Whether importing a file can depend on its content. */
export function isCode(path: string): boolean {
  return /\.(?:[cm]?[jt]s|[jt]sx|json)$/.test(path);
}

/** Whether a file is TypeScript, with or without JSX. */
export function isTypeScript(path: string): boolean {
  return /\.(?:[cm]?ts|tsx)$/.test(path);
}

/** Returns the file that an import path means to TypeScript users: without an extension, or with that of
 *  the compiled file. If there is no such file, returns the path itself. */
export function localFile(path: string): string {
  const sources = [path.replace(/\.([cm]?)js(x?)$/, ".$1ts$2"), path.replace(/\.js$/, ".tsx")];
  for (const each of [path, ...sources, ...ENDINGS.map((ending) => path + ending)]) {
    if (isFile(each)) return realpathSync.native(each);
  }
  return path;
}

const ENDINGS = [
  ...[".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cts", ".cjs", ".json"],
  ...["/index.ts", "/index.tsx", "/index.js", "/index.jsx"],
];

export function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
