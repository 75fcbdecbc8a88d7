// Module resolution: looks in the notebook's folder first, then in this project.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { ENTRIES } from "../../base/library.ts";
import { installedFrom } from "../npm/specifier.ts";
import { KERNEL_MODULES } from "../own-modules.ts";
import type { WorkerSettings } from "./protocol.ts";

type Resolved = ts.ResolvedModuleWithFailedLookupLocations;

/** Whether a file belongs to a package and so does not change while the kernel lives. */
export function isInstalled(file: string): boolean {
  return file.includes("/node_modules/");
}

/**
 * Returns a file of this project: the source in a checkout, the declarations in an installed package.
 * `name` has no extension and is relative to src or dist.
 */
export function projectFile(projectRoot: string, name: string): string | undefined {
  const candidates = [join("src", `${name}.ts`), join("dist", `${name}.d.ts`)];
  return candidates.map((path) => join(projectRoot, path)).find(existsSync);
}

/** Returns Node's type declarations, if any are installed. */
export function nodeTypes({ folder, projectRoot }: WorkerSettings): string | undefined {
  for (const start of [folder, projectRoot]) {
    for (let at = start; ; at = dirname(at)) {
      const file = join(at, "node_modules/@types/node/index.d.ts");
      if (existsSync(file)) return file;
      if (at === dirname(at)) break;
    }
  }
  return undefined;
}

export class Resolver {
  readonly #settings: WorkerSettings;
  readonly #options: ts.CompilerOptions;
  readonly #host: ts.ModuleResolutionHost;
  readonly #exists: (file: string) => boolean;
  /** The cache for imports inside packages, which are never looked up again. */
  readonly installed: ts.ModuleResolutionCache;
  /** Packages found by cells and local modules, by folder and name. */
  readonly #found = new Map<string, Resolved>();
  /** What files outside packages import: the files found, and whether any import was missing. */
  readonly #imports = new Map<string, { found: string[]; missing: boolean }>();

  constructor(
    settings: WorkerSettings,
    options: ts.CompilerOptions,
    host: ts.ModuleResolutionHost,
    exists: (file: string) => boolean,
  ) {
    this.#settings = settings;
    this.#options = options;
    this.#host = host;
    this.#exists = exists;
    this.installed = ts.createModuleResolutionCache(settings.folder, canonical, options);
  }

  resolve(
    literals: readonly ts.StringLiteralLike[],
    file: string,
    sourceFile: ts.SourceFile,
  ): Resolved[] {
    const found: string[] = [];
    let missing = false;
    const local = !isInstalled(file);
    const resolved = literals.map((literal) => {
      const mode = ts.getModeForUsageLocation(sourceFile, literal, this.#options);
      if (!local) return this.#find(literal.text, file, mode, this.installed);
      const result = this.#fromLocal(literal.text, file, mode);
      const target = result.resolvedModule?.resolvedFileName;
      if (!target) missing = true;
      else if (!isInstalled(target)) found.push(target);
      return result;
    });
    if (local) this.#imports.set(canonical(file), { found, missing });
    return resolved;
  }

  /** Whether a file's imports must be looked up again: one was missing, or is missing now. */
  isStale(path: string): boolean {
    const imports = this.#imports.get(path);
    if (!imports) return false;
    return imports.missing || imports.found.some((file) => !this.#exists(file));
  }

  #fromLocal(name: string, file: string, mode: ts.ResolutionMode): Resolved {
    if (/^\.{0,2}\//.test(name)) return this.#find(name, file, mode);
    const own = this.#own(name);
    if (own) return own;
    const npm = name.startsWith("npm:") ? installedFrom(name, this.#settings.folder) : undefined;
    if (npm) return this.#find(npm.bare, npm.from, mode);
    const key = `${dirname(file)}\n${mode}\n${name}`;
    const known = this.#found.get(key);
    if (known) return known;
    let result = this.#find(name, file, mode);
    if (!result.resolvedModule) {
      result = this.#find(name, join(this.#settings.projectRoot, "cell.ts"), mode);
    }
    const target = result.resolvedModule?.resolvedFileName;
    if (target && isInstalled(target)) this.#found.set(key, result);
    return result;
  }

  /** Resolves this package itself, and what the kernel offers, wherever the notebook lies. */
  #own(name: string): Resolved | undefined {
    const module = KERNEL_MODULES.get(name);
    const path = module === undefined ? ENTRIES.get(name) : `kernel/${module}`;
    const file = path && projectFile(this.#settings.projectRoot, path);
    if (!file) return undefined;
    const extension = file.endsWith(".d.ts") ? ts.Extension.Dts : ts.Extension.Ts;
    return {
      resolvedModule: { resolvedFileName: file, extension, isExternalLibraryImport: false },
    };
  }

  #find(
    name: string,
    file: string,
    mode: ts.ResolutionMode,
    cache?: ts.ModuleResolutionCache,
  ): Resolved {
    return ts.resolveModuleName(name, file, this.#options, this.#host, cache, undefined, mode);
  }
}

/** Returns a path in the form in which TypeScript compares paths. */
export function canonical(path: string): string {
  return ts.sys.useCaseSensitiveFileNames ? path : path.toLowerCase();
}
