// Stacks as users read them: cells by number, places as typed, no frames of the kernel or of Node.
import { createRequire, syncBuiltinESMExports } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as util from "node:util";
import { type CompiledCell, cellUrl, type Position } from "../cell/compile.ts";
import type { Modules } from "../cell/modules.ts";
import { type Folders, shortPath } from "../short-path.ts";
import { critical } from "./critical.ts";
import { sheltered } from "./shelter.ts";

/** A compiled cell, kept to map the places in it. */
export interface Known {
  readonly count: number;
  readonly source: string;
  readonly compiled: CompiledCell;
}

/** One line of a stack. */
export interface Frame {
  /** The text after "at ". */
  readonly text: string;
  readonly cell?: Known;
  readonly place?: Position;
  readonly isBuiltIn: boolean;
}

type Prepare = (error: Error, sites: NodeJS.CallSite[]) => unknown;

/** Node's own function. Given no frames, it returns an error's first line. */
const STANDARD: Prepare =
  Error.prepareStackTrace ?? ((error) => Error.prototype.toString.call(error));

/** The kernel's own folder, whose frames nobody wants to see in a trace. */
const KERNEL = new URL("..", import.meta.url);
const KERNEL_FRAMES = [KERNEL.href, fileURLToPath(KERNEL)];

const FRAME = /^(?:(.*) \()?(?:async )?((?:[^()]|\([^()]*\))*?)(?::(\d+))?(?::(\d+))?\)?$/;
/** A place inside a frame's text: that of the eval() that the code came from. */
const INNER = /(?<=\()(cell-\d+\.ts|file:[^\s()]+|\/[^()]+?):(\d+):(\d+)(?=\))/g;
/** What Node puts in front of the stack of an error that its own code has thrown in a worker. */
const NODE_PREFACE = /^node:[^\n]*:\d+\n(?:[^\n]+\n)*\n/;
/** V8 does not tell which cell an eval() is in. */
const NAMELESS = / \(:\d+:\d+\)/g;
const MAPPED = /^Cell \[(\d+)\]$/;
/** The most frames that Node's own getCallSites() accepts. */
const MOST_SITES = 200;

export class Stacks {
  readonly #cells = new Map<string, Known>();
  readonly #place: Modules["place"];
  readonly #folders: Folders;
  readonly #given = new WeakSet<Prepare>();
  readonly #text: Prepare = (error, sites) => {
    const text = (): string =>
      [STANDARD(error, []), ...this.#kept(sites.map(String)).map(lineOf)].join("\n");
    try {
      return text();
    } catch {
      // Stacks are read often, so they are sheltered only from a cell that has broken what this needs.
      return sheltered(text);
    }
  };
  #prepare = this.#text;

  /** @param place maps a place in a module to its file as written */
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

  /** Returns the frames of user code in an error's `stack`: a text, or what the user's own hook made of it. */
  frames(stack: unknown): Frame[] {
    const lines = Array.isArray(stack)
      ? stack.map((site) => `    at ${site}`)
      : String(stack ?? "").split("\n");
    return this.#kept(lines.flatMap((line) => /^\s+at (.*)$/.exec(line)?.[1] ?? []));
  }

  /** Rewrites a line of a stack with its cell's number and the place as typed. */
  rename(line: string): string {
    const [, indent, text] = /^(\s+at )(.*)$/.exec(line) ?? [];
    return text === undefined ? line : `${indent}${this.#frame(text).text}`;
  }

  /** Rewrites a stack that another thread has made. */
  tidied(stack: string): string {
    const lines = stack.replace(NODE_PREFACE, "").split("\n");
    return lines
      .flatMap((line) => {
        const text = /^\s+at (.*)$/.exec(line)?.[1];
        if (text === undefined) return line;
        return isInner(fileOf(text)) ? [] : lineOf(this.#frame(text));
      })
      .join("\n");
  }

  /**
   * Makes every stack of this thread show the user's view, whoever reads it: `error.stack`, the console,
   * the user's own `Error.prepareStackTrace`, util.getCallSites().
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

  /** Returns what V8 gets in place of the user's hook. A hook that was read back stays the same. */
  #prepareOf(user: unknown): Prepare {
    if (typeof user !== "function") return this.#text;
    if (user === this.#text || this.#given.has(user as Prepare)) return user as Prepare;
    const given: Prepare = (error, sites) =>
      Reflect.apply(user, Error, [error, this.#sites(sites)]) as unknown;
    this.#given.add(given);
    return given;
  }

  /** Returns the call sites below a function, as V8 has them. */
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

  /** Rewrites a place from util.getCallSites(), which does not know cells' names. */
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

  /** Returns call sites without the kernel's, with places as typed. */
  #sites(sites: readonly NodeJS.CallSite[]): NodeJS.CallSite[] {
    const kept = sites.filter((site) => !isInner(fileOf(String(site))));
    while (kept.length > 0 && this.#frame(String(kept.at(-1))).isBuiltIn) kept.pop();
    return kept.map((site) => this.#site(site));
  }

  /** Wraps a call site: V8's cannot be changed, and their methods accept no other object. */
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
    // Trailing built-in functions called kernel code that is not shown.
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

  /** Returns the cell of a frame that already shows the cell as users call it. */
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

  /** Maps a place in a cell or a file to the place as typed, with the name that users know. */
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
  return (
    /^(node:|\[worker eval\]-wrapper$)/.test(file) ||
    KERNEL_FRAMES.some((folder) => file.includes(folder))
  );
}
