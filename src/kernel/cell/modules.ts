// Loads modules for cells from the notebook's folder and from this project, and again once edited.
import { createRequire, isBuiltin, registerHooks } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ENGINE_OFFER, libraryFile } from "../../base/library.ts";
import { NAME } from "../../base/own-package.ts";
import { TRACED } from "../debug/questions.ts";
import { installedFrom } from "../npm/specifier.ts";
import { KERNEL_MODULES } from "../own-modules.ts";
import { type Folders, shortPath } from "../short-path.ts";
import { Constants } from "./constants.ts";
import { Declarations } from "./declarations.ts";
import { FOREIGN_SCHEME, foreignSpecifier } from "./foreign.ts";
import { isAbsent, isLinked } from "./installed.ts";
import { commonJs, whole } from "./interop.ts";
import { compileModule, isOwn, type LoadedModule, markOwn, syntaxErrorIn } from "./local.ts";
import { type Place, Places } from "./places.ts";
import { Tfjs } from "./tfjs.ts";
import { mappedFile } from "./tsconfig.ts";
import {
  isMissing,
  isOwnInside,
  noExport,
  noFile,
  noPackage,
  portable,
  unresolved,
} from "./unresolved.ts";
import { isCode, isFile, isPath, isTypeScript, localFile, toPath, Versions } from "./versions.ts";

type Hooks = Parameters<typeof registerHooks>[0];
type Resolve = NonNullable<Hooks["resolve"]>;
type Context = Parameters<Resolve>[1];
type Load = NonNullable<Hooks["load"]>;

/** Prefixes that mark a cell's import, a question where a file's import leads, and a request for Node alone. */
const CELL = "cell:";
const LOOK_UP = "cell-lookup:";
const PLAIN = "cell-plain:";

/** This file is .ts in a checkout and .js when installed; so are the files that it resolves names to. */
const HERE = import.meta.url;
const EXTENSION = HERE.slice(HERE.lastIndexOf("."));
const NODE_MODULES = `${sep}node_modules${sep}`;
const KERNEL = fileURLToPath(new URL("..", HERE));

/** The modules of one kernel. The constructor installs Node's hooks for this thread. */
export class Modules {
  /** require() for cells. */
  readonly require: NodeJS.Require;
  /** import.meta for cells. */
  readonly meta: object;
  /** The names that cells have declared as constants. */
  readonly constants = new Constants();
  /** Whether a debugger wants to stop before modules run. */
  isTraced: () => boolean = () => false;
  readonly #folders: Folders;
  readonly #folder: string;
  readonly #projectRoot: string;
  readonly #versions: Versions;
  readonly #tfjs: Tfjs;
  /** The version of a file that its plain URL stands for, and the version that was resolved last. */
  readonly #first = new Map<string, string>();
  readonly #last = new Map<string, string>();
  /** The versions that CommonJS has loaded, and those of the ES modules that it has required. */
  readonly #commonJs = new Map<string, string>();
  readonly #required = new Map<string, string>();
  readonly #declarations = new Declarations();
  readonly #places = new Places();
  readonly #hooks: ReturnType<typeof registerHooks>;
  /** The local files that each running import() of a cell has loaded. */
  readonly #loading = new Set<Set<string>>();
  /** How many failed imports a file has been part of. */
  readonly #retries = new Map<string, number>();

  /** Resolves relative paths from the notebook's folder; packages from there, then from this project. */
  constructor(folders: Folders) {
    const { folder, projectRoot } = folders;
    this.#folders = folders;
    this.#folder = folder;
    this.#projectRoot = projectRoot;
    this.#tfjs = new Tfjs(folders, ENGINE_OFFER?.href);
    this.#versions = new Versions((specifier, from) => this.#localPackage(specifier, from));
    const filename = join(folder, "cell.ts");
    const require = createRequire(filename);
    // require asks no hook for a name that it has already loaded.
    const requireAnew = (name: string): unknown => {
      this.#forgetChanged();
      const loaded = new Set<string>();
      this.#loading.add(loaded);
      try {
        const module: unknown = require(name);
        void this.#tfjs.serve((url) => require(fileURLToPath(url)));
        return module;
      } catch (error) {
        throw this.#explained(error, loaded);
      } finally {
        this.#loading.delete(loaded);
      }
    };
    this.require = Object.assign(requireAnew, require);
    this.meta = {
      url: pathToFileURL(filename).href,
      filename,
      dirname: folder,
      main: true,
      resolve: (specifier: string) => withoutVersion(import.meta.resolve(CELL + specifier)),
    };
    this.#hooks = registerHooks({
      resolve: (specifier, context, next) => this.#resolve(specifier, context, next),
      load: (url, context, next) => this.#load(url, context, next),
    });
  }

  /** A cell's static import. `names` must be exported. The exports in `unused`, keyed by local name, may be
   *  types. */
  async import(
    specifier: string,
    attributes: Readonly<Record<string, string>>,
    names: readonly string[] = [],
    unused: Readonly<Record<string, string>> = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const module = await this.dynamic(specifier, { with: attributes });
    const exported = commonJs(module) ?? module;
    if (names.length === 0 && Object.keys(unused).length === 0) return whole(module, exported);
    // A cell may have given all other objects a `then`.
    const bound: Record<string, unknown> = Object.create(null);
    for (const name of names) {
      if (name in module) bound[name] = module[name];
      else if (name in exported) bound[name] = exported[name];
      else throw new SyntaxError(noExport(specifier, name, module));
    }
    const values = Object.entries(unused).flatMap(([local, name]) =>
      name in module ? [[local, module[name]]] : name in exported ? [[local, exported[name]]] : [],
    );
    if (values.length > 0) {
      this.#declarations.declare(Object.fromEntries(values));
      this.constants.fix(
        "import",
        values.map(([local]) => String(local)),
      );
    }
    return bound;
  }

  /** A cell's import(). */
  async dynamic(specifier: unknown, options?: unknown): Promise<Readonly<Record<string, unknown>>> {
    this.#versions.look();
    const loaded = new Set<string>();
    this.#loading.add(loaded);
    try {
      const module = await import(`${CELL}${specifier}`, options as ImportCallOptions);
      await this.#tfjs.serve((url) => import(url));
      for (const other of this.#loading) for (const path of loaded) other.delete(path);
      return module;
    } catch (error) {
      this.#tryAgain(loaded);
      throw this.#explained(error, loaded);
    } finally {
      this.#loading.delete(loaded);
    }
  }

  /** Returns an error of Node's loader for a reader of the notebook. */
  #explained(error: unknown, loaded: ReadonlySet<string>): unknown {
    let own = isOwn(error) ? error : undefined;
    if (error instanceof SyntaxError && !own) {
      const files = [...loaded].filter((path) => /\.[cm]?js$/.test(path));
      for (const path of files) own ??= syntaxErrorIn(path, shortPath(path, this.#folders));
    }
    if (!own) return portable(error, this.#folders);
    // An error made deep inside Node's loader does not know which cell it was for.
    Error.captureStackTrace(own);
    return own;
  }

  /** Gives up the running imports, which were stopped and will never settle. */
  abandon(): void {
    for (const loaded of this.#loading) this.#tryAgain(loaded);
    this.#loading.clear();
  }

  /** Gives files a new version: Node keeps a module that failed, and the next import must load it again. */
  #tryAgain(loaded: ReadonlySet<string>): void {
    for (const path of loaded) this.#retries.set(path, (this.#retries.get(path) ?? 0) + 1);
  }

  /** Maps a place in a stack trace to the file as written: the path without its version mark, and the line
   *  and column in the TypeScript. */
  place(url: string, line: number, column: number): Place | undefined {
    return this.#places.of(url, line, column);
  }

  /** Removes the hooks. */
  close(): void {
    this.#hooks.deregister();
    this.#declarations.close();
  }

  #resolve: Resolve = (specifier, context, next) => {
    if (specifier.startsWith(PLAIN)) return next(specifier.slice(PLAIN.length), context);
    if (specifier.startsWith(LOOK_UP)) {
      const [parentURL, name] = JSON.parse(specifier.slice(LOOK_UP.length));
      return { ...this.#find(name, { ...context, parentURL }, next), shortCircuit: true };
    }
    const isCell = specifier.startsWith(CELL);
    const name = isCell ? specifier.slice(CELL.length) : specifier;
    const parent = isCell ? join(this.#folder, "cell.ts") : pathOf(context.parentURL);
    if (!parent || (!isCell && !this.#isLocal(parent))) return next(specifier, context);
    if (this.#loading.size === 0) this.#versions.look(); // an import() or a require() within code
    const own = this.#own(name);
    const found = own
      ? { url: pathToFileURL(own).href }
      : this.#find(name, { ...context, parentURL: pathToFileURL(parent).href }, next);
    this.#tfjs.note(name, found.url);
    const versioned = this.#versioned(found.url);
    if (context.conditions.includes("require")) this.#refuseOld(name, pathOf(found.url));
    return { ...found, shortCircuit: true, ...versioned };
  };

  /** Refuses a changed ES module to require(), which would return the first version for ever. */
  #refuseOld(name: string, path: string | undefined): void {
    const required = path && this.#required.get(path);
    if (required === undefined || required === this.#last.get(path!)) return;
    throw new Error(
      `${path} has changed, and require() cannot load an ES module again: await import("${name}")`,
    );
  }

  /** Resolves as Node does from the parent, then from the notebook's folder, then from this project. */
  #find(name: string, context: Context, next: Parameters<Resolve>[2]): ReturnType<Resolve> {
    if (name === "") throw unresolved({ code: "ERR_INVALID_MODULE_SPECIFIER" }, name);
    const parent = fileURLToPath(context.parentURL!);
    if (isPath(name)) {
      const path = localFile(toPath(name, dirname(parent)));
      const query = withoutVersion(/[?#].*$/.exec(name)?.[0] ?? "");
      if (isFile(path)) return { url: pathToFileURL(path).href + query };
      try {
        return next(name, context); // a folder with a package.json, for require
      } catch (error) {
        throw noFile(error, name, shortPath(path, this.#folders));
      }
    }
    const folders = [parent, join(this.#folder, "cell.ts"), join(this.#projectRoot, "cell.ts")];
    const lent = name.startsWith("npm:") ? installedFrom(name, this.#folder) : undefined;
    if (lent && context.conditions.includes("require")) {
      return { url: pathToFileURL(createRequire(lent.from).resolve(PLAIN + lent.bare)).href };
    }
    if (lent) {
      const parentURL = pathToFileURL(lent.from).href;
      return this.#find(lent.bare, { ...context, parentURL }, next);
    }
    if (FOREIGN_SCHEME.test(name)) this.#refuseForeign(name); // it would fail only when loaded
    const mapped = isAbsent(name, parent) ? mappedFile(name, dirname(parent)) : undefined;
    if (mapped !== undefined) return { url: pathToFileURL(mapped).href };
    let first: unknown;
    for (const folder of new Set(folders)) {
      if (isAbsent(name, folder)) {
        this.#refuseForeign(name);
        first ??= { code: "ERR_MODULE_NOT_FOUND" };
        if (isOwnInside(name)) throw unresolved(first, name);
        continue;
      }
      try {
        const parentURL = pathToFileURL(folder).href;
        if (folder === parent || !context.conditions.includes("require")) {
          return next(name, { ...context, parentURL });
        }
        // require.resolve looks from its own file, whatever parent a hook names.
        return { url: pathToFileURL(createRequire(folder).resolve(PLAIN + name)).href };
      } catch (error) {
        this.#refuseForeign(name);
        if (!isMissing(error) || isOwnInside(name)) throw unresolved(error, name);
        first ??= error;
      }
    }
    throw noPackage(first, name);
  }

  #refuseForeign(name: string): void {
    const refusal = foreignSpecifier(name, this.#folder);
    if (refusal !== undefined) throw markOwn(new Error(`Cannot import "${name}": ${refusal}`));
  }

  /** Resolves what this package itself provides, whatever the folder. */
  #own(name: string): string | undefined {
    const library = libraryFile(name);
    if (library) return fileURLToPath(library);
    if (name === `${NAME}/package.json`) return join(this.#projectRoot, "package.json");
    if (name === "node:test") return join(KERNEL, "runner", `node-test${EXTENSION}`);
    const module = KERNEL_MODULES.get(name);
    return module === undefined ? undefined : join(KERNEL, module + EXTENSION);
  }

  #versioned(url: string): { url: string; importAttributes?: ImportAttributes } {
    if (!url.startsWith("file:")) return { url };
    const path = fileURLToPath(url);
    const importAttributes = path.endsWith(".json") ? { importAttributes: { type: "json" } } : {};
    if (!this.#isLocal(path) || !isCode(path)) return { url, ...importAttributes };
    const version = this.#versionOf(path);
    if (this.#last.get(path) !== version) this.#forget(path);
    this.#last.set(path, version);
    if (!this.#first.has(path)) this.#first.set(path, version);
    if (this.#first.get(path) === version) return { url, ...importAttributes };
    return { url: `${url}${url.includes("?") ? "&" : "?"}v=${version}`, ...importAttributes };
  }

  #versionOf(path: string): string {
    const retries = this.#retries.get(path);
    return this.#versions.of(path) + (retries === undefined ? "" : `-${retries}`);
  }

  #forgetChanged(): void {
    this.#versions.look();
    for (const [path, version] of this.#last) {
      if (this.#versionOf(path) !== version) this.#forget(path);
    }
  }

  /** Removes a file from CommonJS's cache, which knows files but not versions. */
  #forget(path: string): void {
    for (const file of this.#versions.filesOf(path)) {
      const content = this.#versions.of(file);
      if (this.#commonJs.get(file) !== content) delete this.require.cache[file];
      this.#commonJs.set(file, content);
    }
    delete this.require.cache[path]; // even if only the number of retries has changed
  }

  #load: Load = (url, context, next) => {
    const path = pathOf(url);
    if (!path || !this.#isLocal(path)) return next(url, context);
    for (const loaded of this.#loading) loaded.add(path);
    // This project's own files need only Node, and there are many.
    const isOurs = (isTypeScript(path) || path.endsWith(".jsx")) && !this.#isProject(path);
    const loaded = isOurs ? this.#compile(url, path) : next(url, context);
    const isImported = !context.conditions.includes("require");
    if (!isImported && loaded.format?.startsWith("module")) {
      this.#required.set(path, this.#last.get(path) ?? "");
    }
    if (!isImported || !loaded.format?.startsWith("commonjs")) return loaded;
    return { format: "module", source: this.#wrap(path), shortCircuit: true };
  };

  #compile(url: string, path: string): ReturnType<Load> {
    const compiled = compileModule(path, shortPath(path, this.#folders));
    const module = this.isTraced() ? traced(compiled) : compiled;
    this.#places.add(url, module);
    return { format: module.format, source: module.code, shortCircuit: true };
  }

  /** Wraps what require() returns as an ES module, because Node's own wrapper keeps the first version. */
  #wrap(path: string): string {
    const exported: unknown = this.require(path);
    const isObject = typeof exported === "function" || (typeof exported === "object" && exported);
    const names = isObject ? Object.keys(exported).filter((name) => !OWN_NAMES.has(name)) : [];
    return [
      `import { createRequire } from "node:module";`,
      `const exported = createRequire(import.meta.url)(${JSON.stringify(path)});`,
      `export { exported as default, exported as "module.exports" };`,
      ...names.map((name, i) => {
        const text = JSON.stringify(name);
        return `const e${i} = exported[${text}]; export { e${i} as ${text} };`;
      }),
    ].join("\n");
  }

  /** Whether users edit the file while the kernel runs: it is neither in a package nor the kernel's. */
  #isLocal(path: string): boolean {
    return !path.includes(NODE_MODULES) && !path.startsWith(KERNEL);
  }

  #isProject(path: string): boolean {
    return path.startsWith(join(KERNEL, "..") + sep);
  }

  /** Returns the local file that a bare name means: this package's, or one linked into node_modules. */
  #localPackage(specifier: string, from: string): string | undefined {
    const own = this.#own(specifier);
    if (own) return this.#isLocal(own) ? own : undefined;
    const mapped = isAbsent(specifier, from) ? mappedFile(specifier, dirname(from)) : undefined;
    if (mapped !== undefined) return mapped;
    if (isBuiltin(specifier) || !(specifier.startsWith("#") || isLinked(specifier, from))) {
      return undefined;
    }
    try {
      const question = JSON.stringify([pathToFileURL(from).href, specifier]);
      const path = pathOf(import.meta.resolve(LOOK_UP + question));
      return path && this.#isLocal(path) ? path : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A statement that comes first, because V8 stops at each turn of a loop that does. */
const FIRST = "0;";

/** Returns a module that V8 stops before, for a debugger. */
function traced({ format, code, origin }: LoadedModule): LoadedModule {
  return {
    format,
    code: FIRST + code + TRACED,
    origin: (offset) => origin(Math.min(Math.max(0, offset - FIRST.length), code.length)),
  };
}

const OWN_NAMES: ReadonlySet<string> = new Set(["default", "module.exports"]);

function pathOf(url: string | undefined): string | undefined {
  return url?.startsWith("file:") ? fileURLToPath(url) : undefined;
}

const withoutVersion = (url: string) => url.replace(/[?&]v=[0-9a-f]{12}(?:-\d+)?$/, "");
