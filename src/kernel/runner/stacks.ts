// Stacks as users read them: cells by their numbers, places as typed, no frame of the kernel or of Node.
import { createRequire, syncBuiltinESMExports } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as util from "node:util";
import { type CompiledCell, cellUrl, type Position } from "../cell/compile.ts";
import type { Modules } from "../cell/modules.ts";
import { type Folders, shortPath } from "../short-path.ts";
import { critical } from "./critical.ts";

/** A cell that has been compiled, for the places in it. */
export interface Known {
  readonly count: number;
  readonly source: string;
  readonly compiled: CompiledCell;
}

/** One line of a stack. */
export interface Frame {
  /** What stands after "at ". */
  readonly text: string;
  readonly cell?: Known;
  readonly place?: Position;
  readonly isBuiltIn: boolean;
}

type Prepare = (error: Error, sites: NodeJS.CallSite[]) => unknown;

/** Node's own. Given no frames it makes an error's first line. */
const STANDARD: Prepare =
  Error.prepareStackTrace ?? ((error) => Error.prototype.toString.call(error));

/** Folders of the kernel itself, which nobody wants to see in a trace. */
const KERNEL = new URL("..", import.meta.url);
const KERNEL_FRAMES = [KERNEL.href, fileURLToPath(KERNEL)];

const FRAME = /^(?:(.*) \()?(?:async )?((?:[^()]|\([^()]*\))*?)(?::(\d+))?(?::(\d+))?\)?$/;
/** A place within a frame's text: that of the eval() which the code came from. */
const INNER = /(?<=\()(cell-\d+\.ts|file:[^\s()]+|\/[^()]+?):(\d+):(\d+)(?=\))/g;
/** V8 does not say in which cell an eval() is. */
const NAMELESS = / \(:\d+:\d+\)/g;
const MAPPED = /^Cell \[(\d+)\]$/;
/** The most that Node's own getCallSites() takes. */
const MOST_SITES = 200;

export class Stacks {
  readonly #cells = new Map<string, Known>();
  readonly #place: Modules["place"];
  readonly #folders: Folders;
  readonly #given = new WeakSet<Prepare>();
  readonly #text: Prepare = (error, sites) =>
    [STANDARD(error, []), ...this.#kept(sites.map(String)).map(lineOf)].join("\n");
  #prepare = this.#text;

  /** `place`: where a module's place is in its file as written. */
  constructor(place: Modules["place"], folders: Folders) {
    this.#place = place;
    this.#folders = folders;
  }

  remember(source: string, count: number, compiled: CompiledCell): void {
    this.#cells.set(compiled.url, { count, source, compiled });
  }

  cell(url: string): Known | undefined {
    return this.#cells.get(url);
  }

  /** The frames of user code in an error's `stack`: a text, or what a user's own hook made of it. */
  frames(stack: unknown): Frame[] {
    const lines = Array.isArray(stack)
      ? stack.map((site) => `    at ${site}`)
      : String(stack ?? "").split("\n");
    return this.#kept(lines.flatMap((line) => /^\s+at (.*)$/.exec(line)?.[1] ?? []));
  }

  /** A line of a stack with its cell's number and the place as typed. */
  rename(line: string): string {
    const [, indent, text] = /^(\s+at )(.*)$/.exec(line) ?? [];
    return text === undefined ? line : `${indent}${this.#frame(text).text}`;
  }

  /**
   * From now on every stack of this thread is the user's, whoever reads it: `error.stack`, the console,
   * an `Error.prepareStackTrace` of the user's own, util.getCallSites().
   */
  install(): void {
    Object.defineProperty(Error, "prepareStackTrace", {
      configurable: true,
      get: () => this.#prepare,
      set: (user: unknown) => {
        this.#prepare = this.#prepareOf(user);
      },
    });
    const util = createRequire(import.meta.url)("node:util") as typeof import("node:util");
    const { getCallSites } = util;
    const own = (count: number | object = 10, options: object = {}) => {
      const isCount = typeof count === "number";
      const found = getCallSites(MOST_SITES, isCount ? options : count).slice(1);
      const named = this.#capture(own).filter((site) => site.getLineNumber() !== null);
      const mapped = found.flatMap((site, index) => this.#callSite(site, named[index]) ?? []);
      return mapped.slice(0, isCount ? count : 10);
    };
    Object.assign(util, { getCallSites: own });
    syncBuiltinESMExports();
  }

  /** What V8 is given for what a user has set; of what was given before, the same. */
  #prepareOf(user: unknown): Prepare {
    if (typeof user !== "function") return this.#text;
    if (user === this.#text || this.#given.has(user as Prepare)) return user as Prepare;
    const given: Prepare = (error, sites) =>
      Reflect.apply(user, Error, [error, this.#sites(sites)]) as unknown;
    this.#given.add(given);
    return given;
  }

  /** The call sites below a function, as V8 has them. */
  #capture(below: (...args: never[]) => unknown): NodeJS.CallSite[] {
    return critical(() => {
      const [prepare, limit] = [this.#prepare, Error.stackTraceLimit];
      this.#prepare = (_, sites) => sites;
      Error.stackTraceLimit = MOST_SITES;
      const holder: { stack?: NodeJS.CallSite[] } = {};
      Error.captureStackTrace(holder, below);
      const { stack = [] } = holder;
      [this.#prepare, Error.stackTraceLimit] = [prepare, limit];
      return stack;
    });
  }

  /** A place as util.getCallSites() tells it, which does not know the names of cells. */
  #callSite(site: util.CallSiteObject, same?: NodeJS.CallSite): util.CallSiteObject | undefined {
    const isSame = same?.getLineNumber() === site.lineNumber;
    const file = (isSame && same?.getScriptNameOrSourceURL()) || site.scriptName;
    if (isInner(file)) return undefined;
    const place = this.#origin(file, site.lineNumber, site.columnNumber);
    if (!place) return site;
    const { line: lineNumber, column: columnNumber } = place;
    const scriptName = this.#cells.has(file) ? place.name : file;
    // Node gives the column under both names.
    return Object.assign(site, { scriptName, lineNumber, columnNumber, column: columnNumber });
  }

  /** Call sites without the kernel's, with the places as typed. */
  #sites(sites: readonly NodeJS.CallSite[]): NodeJS.CallSite[] {
    const kept = sites.filter((site) => !isInner(fileOf(String(site))));
    while (kept.length > 0 && this.#frame(String(kept.at(-1))).isBuiltIn) kept.pop();
    return kept.map((site) => this.#site(site));
  }

  /** V8's call sites cannot be changed, and their methods take no other object. */
  #site(site: NodeJS.CallSite): NodeJS.CallSite {
    const file = site.getScriptNameOrSourceURL() ?? site.getFileName() ?? "";
    const place = this.#origin(file, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0);
    const isCell = this.#cells.has(file);
    const own: Readonly<Record<PropertyKey, unknown>> = {
      toString: () => this.#frame(String(site)).text,
      getEvalOrigin: () => {
        const origin = site.getEvalOrigin();
        return origin === undefined ? undefined : this.#inner(origin);
      },
      ...(place && { getLineNumber: () => place.line, getColumnNumber: () => place.column }),
      ...(place && isCell && { getFileName: () => place.name }),
      ...(place && isCell && { getScriptNameOrSourceURL: () => place.name }),
    };
    return new Proxy(site, {
      get(target, key) {
        if (Object.hasOwn(own, key)) return own[key];
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  #kept(texts: readonly string[]): Frame[] {
    const frames = texts.filter((text) => !isInner(fileOf(text))).map((text) => this.#frame(text));
    // Built-in functions at the end called kernel code that is not shown.
    while (frames.at(-1)?.isBuiltIn) frames.pop();
    return frames;
  }

  #frame(original: string): Frame {
    const [, name = "", file = "", row, column] = FRAME.exec(original) ?? [];
    const isBuiltIn = file === "<anonymous>" || file === "native";
    const known = this.#mapped(file);
    const place = known
      ? { name: file, line: Number(row), column: Number(column) }
      : this.#origin(file, Number(row), Number(column));
    if (!place) return { text: this.#inner(original), isBuiltIn };
    const where = `${place.name}:${place.line}:${place.column}`;
    const text = name ? `${name} (${where})` : where;
    const cell = known ?? this.#cells.get(file);
    return { text, isBuiltIn, ...(cell && { cell, place }) };
  }

  /** The cell of a frame that shows it as people call it already. */
  #mapped(file: string): Known | undefined {
    const [, count] = MAPPED.exec(file) ?? [];
    return count === undefined ? undefined : this.#cells.get(cellUrl(Number(count)));
  }

  #inner(text: string): string {
    return text
      .replace(NAMELESS, "")
      .replace(INNER, (all, file: string, line: string, column: string) => {
        const place = this.#origin(file, Number(line), Number(column));
        return place ? `${place.name}:${place.line}:${place.column}` : all;
      });
  }

  /** Where a place of a cell or of a file is as typed, and what people call the two. */
  #origin(file: string, line: number, column: number): (Position & { name: string }) | undefined {
    const cell = this.#cells.get(file);
    if (cell) {
      const place = cell.compiled.map(line, column) ?? { line, column };
      return { ...place, name: `Cell [${cell.count}]` };
    }
    const url = file.startsWith("/") ? pathToFileURL(file).href : file;
    const place = this.#place(url, line, column);
    if (!place) return undefined;
    return { ...place, name: shortPath(place.path, this.#folders) };
  }
}

const lineOf = ({ text }: Frame): string => `    at ${text}`;

const fileOf = (text: string): string => FRAME.exec(text)?.[2] ?? "";

/** Whether a frame's file is Node's or the kernel's. */
function isInner(file: string): boolean {
  return /^node:/.test(file) || KERNEL_FRAMES.some((folder) => file.includes(folder));
}
