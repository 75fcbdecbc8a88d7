// TypeScript's language service over cells in memory and files on disk.
import { readFileSync, statSync } from "node:fs";
import ts from "typescript";
import { languageOptions } from "../cell/transpile.ts";
import { configsOf, mappingOf } from "../cell/tsconfig.ts";
import type { CellFile } from "./notebook.ts";
import type { WorkerSettings } from "./protocol.ts";
import { isInstalled, nodeTypes, projectFile, Resolver } from "./resolver.ts";

/** The options for all folders; the notebook's tsconfig.json adds what changes the language. */
const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
  // Files without a package.json beside them are modules too, as in the kernel.
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  customConditions: ["node"],
  allowImportingTsExtensions: true,
  noEmit: true,
  strict: true,
  esModuleInterop: true,
  resolveJsonModule: true,
  noUncheckedSideEffectImports: true,
  allowJs: false,
  skipLibCheck: true,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
  // Node's types are a root file instead, because they can come from two places.
  types: [],
};

/** What TypeScript needs from a host beyond its published interface. */
interface Host extends ts.LanguageServiceHost {
  hasInvalidatedResolutions(path: string): boolean;
  /** Gives TypeScript the package.json files that it has already read. */
  getModuleResolutionCache(): ts.ModuleResolutionCache;
}

export class Workspace {
  readonly service: ts.LanguageService;
  readonly #cells = new Map<string, { readonly text: string; readonly version: string }>();
  readonly #roots: readonly string[];
  #cellRoots: readonly string[] = [];
  /** Versions of files that can change, kept for the duration of one question. */
  #versions = new Map<string, string | undefined>();
  readonly #snapshots = new Map<string, { version: string; snapshot: ts.IScriptSnapshot }>();
  #question = 0;
  #cellVersion = 0;

  constructor(settings: WorkerSettings) {
    const globals = projectFile(settings.projectRoot, "kernel/display/globals");
    this.#roots = [nodeTypes(settings), globals].filter((file) => file !== undefined);
    this.service = ts.createLanguageService(
      this.#createHost(settings),
      ts.createDocumentRegistry(),
    );
  }

  /** Begins a question: files on disk are checked again. */
  begin(): void {
    this.#question++;
    this.#versions = new Map();
  }

  /** Adds or changes a cell. */
  set({ file, prelude, code }: CellFile): void {
    const text = prelude + code;
    if (this.#cells.get(file)?.text === text) return;
    this.#cells.set(file, { text, version: String(++this.#cellVersion) });
    this.#question++;
  }

  /** Sets the cells that questions are about; their imports come with them. */
  setRoots(files: readonly string[]): void {
    this.#cellRoots = files;
    this.#question++;
  }

  get program(): ts.Program {
    const program = this.service.getProgram();
    if (!program) throw new Error("TypeScript has no program");
    return program;
  }

  #createHost(settings: WorkerSettings): Host {
    const { sys } = ts;
    const fileExists = (file: string): boolean => this.#cells.has(file) || sys.fileExists(file);
    const readFile = (file: string): string | undefined =>
      this.#cells.get(file)?.text ?? readText(file);
    const disk = {
      fileExists,
      readFile,
      directoryExists: sys.directoryExists,
      getDirectories: sys.getDirectories,
      readDirectory: sys.readDirectory,
      ...(sys.realpath && { realpath: sys.realpath }),
      getCurrentDirectory: () => settings.folder,
      useCaseSensitiveFileNames: () => sys.useCaseSensitiveFileNames,
    };
    const moduleHost = { ...disk, useCaseSensitiveFileNames: sys.useCaseSensitiveFileNames };
    const exists = (file: string): boolean => this.#version(file) !== undefined;
    const { paths, base } = mappingOf(configsOf(settings.folder));
    const options: ts.CompilerOptions = {
      ...OPTIONS,
      ...languageOptions(settings.folder, ts),
      paths: Object.fromEntries(Object.entries(paths).map(([key, each]) => [key, [...each]])),
      ...(base !== undefined && { baseUrl: base }),
    };
    const resolver = new Resolver(settings, options, moduleHost, exists);
    return {
      ...disk,
      getCompilationSettings: () => options,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      getProjectVersion: () => String(this.#question),
      getScriptFileNames: () => [...this.#roots, ...this.#cellRoots],
      getScriptVersion: (file) => this.#version(file) ?? "",
      getScriptSnapshot: (file) => this.#snapshot(file),
      resolveModuleNameLiterals: (literals, file, _redirect, _options, sourceFile) =>
        resolver.resolve(literals, file, sourceFile),
      hasInvalidatedResolutions: (path) => resolver.isStale(path),
      getModuleResolutionCache: () => resolver.installed,
    };
  }

  /** Reuses snapshots: TypeScript asks for every file with each program, and few have changed. */
  #snapshot(file: string): ts.IScriptSnapshot | undefined {
    const version = this.#version(file);
    const known = this.#snapshots.get(file);
    if (known && known.version === version) return known.snapshot;
    const text = this.#cells.get(file)?.text ?? readText(file);
    if (version === undefined || text === undefined) return undefined;
    const snapshot = ts.ScriptSnapshot.fromString(text);
    this.#snapshots.set(file, { version, snapshot });
    return snapshot;
  }

  #version(file: string): string | undefined {
    const cell = this.#cells.get(file);
    if (cell) return cell.version;
    if (isInstalled(file)) return "installed";
    if (!this.#versions.has(file)) this.#versions.set(file, diskVersion(file));
    return this.#versions.get(file);
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function diskVersion(file: string): string | undefined {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat && `${stat.mtimeMs} ${stat.size}`;
}
