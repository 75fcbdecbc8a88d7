// The scripts that a debugger knows: their paths, places as typed, and breakpoints.
import { readFileSync, statSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { literal } from "../../base/literal.ts";
import { cellPath } from "./cell-paths.ts";
import { DebugError } from "./dap.ts";
import type { CodePlace, TypedPlace } from "./questions.ts";
import type { V8 } from "./v8.ts";

/** A breakpoint that a front end wants. */
export interface Wanted {
  readonly line: number;
  readonly column?: number;
  readonly condition?: string;
}

/** What a front end is told of it. */
export interface Breakpoint {
  readonly id: number;
  readonly verified: boolean;
  readonly line: number;
  readonly column?: number;
  readonly message?: string;
}

/** A script of the user's: a cell or a local file. */
export interface Owner {
  readonly path: string;
  /** What its frames are called: `Cell [3]`, or a file's name. */
  readonly name: string;
  /** Whether it is a package's: the kernel uses some itself. */
  readonly isPackage: boolean;
}

interface Script {
  readonly url: string;
  readonly length: number;
  /** Whose it is, once known; null for the kernel's, Node's and those of no file. */
  owner?: Owner | null;
}

/** A place at which V8 can stop. */
interface Candidate {
  /** From 0. */
  readonly code: { lineNumber: number; columnNumber: number };
  readonly typed: TypedPlace;
}

/** The kernel's own folders: nobody debugs them. */
const KERNEL = ["../", "../../base/"].map((folder) => new URL(folder, import.meta.url));
/** Files that Node runs as they are written. */
const PLAIN = /\.[cm]?js$/;
const CELL = /^cell-\d+\.ts$/;
/** The largest file that is shown. */
const FILE_BYTES = 4 * 2 ** 20;

/** Patterns of the scripts that V8 steps over, and in which it sees no exceptions. */
export const HIDDEN = [
  "^node:",
  ...KERNEL.flatMap((url) => [url.href, fileURLToPath(url)]).map((folder) => `^${literal(folder)}`),
];

export class Scripts {
  readonly #v8: V8;
  readonly #prefix: string;
  readonly #folder: string;
  readonly #scripts = new Map<string, Script>();
  /** The texts of cells, by their paths: those that a front end has shown, and those that ran. */
  readonly #texts: Map<string, string>;
  readonly #wanted = new Map<string, readonly Wanted[]>();
  readonly #candidates = new Map<string, readonly Candidate[]>();
  /** V8's names of the breakpoints that are set, by path. */
  readonly #set = new Map<string, string[]>();
  /** Changes of breakpoints, one after another. */
  #changing: Promise<unknown> = Promise.resolve();
  #ids = 0;

  /** @param texts cells' texts by path, to which those are added that run */
  constructor(v8: V8, prefix: string, folder: string, texts: Map<string, string>) {
    this.#v8 = v8;
    this.#prefix = prefix;
    this.#folder = folder;
    this.#texts = texts;
  }

  parsed({ scriptId, url, length }: { scriptId: string; url: string; length: number }): void {
    const file = fileOf(url);
    if (file === undefined && !CELL.test(url)) return;
    if (file !== undefined && KERNEL.some((own) => file.startsWith(fileURLToPath(own)))) return;
    const owner = file === undefined ? undefined : ownerOf(file);
    this.#scripts.set(scriptId, { url, length, ...(owner && { owner }) });
  }

  /** Returns the local files that have been loaded. */
  files(): Owner[] {
    const all = [...this.#scripts.values()].flatMap(({ url, owner }) =>
      owner && !CELL.test(url) && !owner.isPackage ? [owner] : [],
    );
    return [...new Map(all.map((owner) => [owner.path, owner])).values()];
  }

  /** Returns the breakpoints that front ends want, by path. */
  wanted(): { source: string; breakpoints: readonly Wanted[] }[] {
    return [...this.#wanted].map(([source, breakpoints]) => ({ source, breakpoints }));
  }

  /** Returns whose scripts these are; null for scripts that are nobody's. */
  async owners(scriptIds: readonly string[]): Promise<(Owner | null)[]> {
    const unknown = [...new Set(scriptIds)].flatMap((id) => {
      const script = this.#scripts.get(id);
      return script && script.owner === undefined ? [script] : [];
    });
    if (unknown.length > 0) {
      const scripts = unknown.map(({ url, length }) => ({ url, length }));
      const cells = await this.#v8.ask("cells", { scripts });
      for (const [i, script] of unknown.entries()) script.owner = this.#cell(cells[i] ?? null);
    }
    return scriptIds.map((id) => this.#scripts.get(id)?.owner ?? null);
  }

  #cell(cell: { source: string; count: number } | null): Owner | null {
    if (!cell) return null;
    const path = cellPath(this.#prefix, cell.source);
    this.#texts.set(path, cell.source);
    return { path, name: cell.count > 0 ? `Cell [${cell.count}]` : "Cell", isPackage: false };
  }

  /** Returns places of a script as typed; null for code that belongs to no line. */
  places(scriptId: string, places: readonly CodePlace[]): Promise<(TypedPlace | null)[]> {
    const { url = "" } = this.#scripts.get(scriptId) ?? {};
    return this.#v8.ask("places", { url, places });
  }

  /** Sets the breakpoints of a path in place of those that it has. */
  set(path: string, wanted: readonly Wanted[]): Promise<Breakpoint[]> {
    return this.#change(async () => {
      const known = this.#pathOf(path);
      if (wanted.length > 0) this.#wanted.set(path, wanted);
      else this.#wanted.delete(path);
      for (const breakpointId of this.#set.get(known) ?? []) {
        await this.#v8.post("Debugger.removeBreakpoint", { breakpointId });
      }
      this.#set.delete(known);
      if (PLAIN.test(known)) return this.#setPlain(known, wanted);
      const scripts = await this.#of(known);
      let bound: (Candidate | undefined)[] = [];
      for (const scriptId of scripts) bound = await this.#bind(scriptId, known, wanted);
      return wanted.map((each, i) => this.#told(known, each, bound[i], scripts.length > 0));
    });
  }

  /** Sets the breakpoints of a script that is about to run. */
  prepare(scriptId: string): Promise<void> {
    return this.#change(async () => {
      const [owner] = await this.owners([scriptId]);
      const wanted = owner && this.#wantedAt(owner.path);
      if (owner && wanted && !PLAIN.test(owner.path))
        await this.#bind(scriptId, owner.path, wanted);
    });
  }

  /** Returns the text at a path. @throws DebugError if there is none */
  text(path: string): string {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    try {
      const file = this.#pathOf(path);
      if (statSync(file).size <= FILE_BYTES) return readFileSync(file, "utf8");
    } catch {
      // It is no file either.
    }
    throw new DebugError(`${path} has no text that can be shown`);
  }

  #wantedAt(path: string): readonly Wanted[] | undefined {
    for (const [source, wanted] of this.#wanted) if (this.#pathOf(source) === path) return wanted;
    return undefined;
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(work);
    this.#changing = changed.catch(() => {});
    return changed;
  }

  /** Returns the path as scripts have it. */
  #pathOf(path: string): string {
    return path.startsWith(this.#prefix) ? path : resolve(this.#folder, path);
  }

  /** Returns the scripts at a path, in the order in which they were made. */
  async #of(path: string): Promise<string[]> {
    const isCell = path.startsWith(this.#prefix);
    const ids = [...this.#scripts].flatMap(([id, { url }]) =>
      CELL.test(url) === isCell ? [id] : [],
    );
    const owners = await this.owners(ids);
    return ids.filter((_, i) => owners[i]?.path === path);
  }

  /** Sets the breakpoints of a file that runs as it is written: V8 does it by name, before it is loaded too. */
  async #setPlain(path: string, wanted: readonly Wanted[]): Promise<Breakpoint[]> {
    const names = [pathToFileURL(path).href, path].map(literal).join("|");
    const told: Breakpoint[] = [];
    for (const each of wanted) {
      const { line, column = 1, condition } = each;
      const { breakpointId, locations } = await this.#v8.post<{
        breakpointId: string;
        locations: Candidate["code"][];
      }>("Debugger.setBreakpointByUrl", {
        urlRegex: `^(${names})(\\?.*)?$`,
        lineNumber: line - 1,
        columnNumber: column - 1,
        ...(condition && { condition }),
      });
      this.#set.set(path, [...(this.#set.get(path) ?? []), breakpointId]);
      const [found] = locations;
      const typed = found && { line: found.lineNumber + 1, column: found.columnNumber + 1 };
      const bound = found && typed && { code: found, typed: { ...typed, isAdded: false } };
      told.push(this.#told(path, each, bound, false));
    }
    return told;
  }

  async #bind(
    scriptId: string,
    path: string,
    wanted: readonly Wanted[],
  ): Promise<(Candidate | undefined)[]> {
    const candidates = await this.#candidatesOf(scriptId);
    const chosen = wanted.map((each) => choose(candidates, each));
    for (const [i, candidate] of chosen.entries()) {
      if (!candidate || chosen.indexOf(candidate) < i) continue;
      const { condition } = wanted[i]!;
      const { breakpointId } = await this.#v8.post<{ breakpointId: string }>(
        "Debugger.setBreakpoint",
        { location: { scriptId, ...candidate.code }, ...(condition && { condition }) },
      );
      this.#set.set(path, [...(this.#set.get(path) ?? []), breakpointId]);
    }
    return chosen;
  }

  async #candidatesOf(scriptId: string): Promise<readonly Candidate[]> {
    const known = this.#candidates.get(scriptId);
    if (known) return known;
    const { locations } = await this.#v8.post<{ locations: Candidate["code"][] }>(
      "Debugger.getPossibleBreakpoints",
      { start: { scriptId, lineNumber: 0, columnNumber: 0 } },
    );
    const places = locations.map((at): CodePlace => [at.lineNumber + 1, at.columnNumber + 1]);
    const typed = await this.places(scriptId, places);
    const candidates = locations.flatMap(({ lineNumber, columnNumber }, i) => {
      const place = typed[i];
      return place ? [{ code: { lineNumber, columnNumber }, typed: place }] : [];
    });
    this.#candidates.set(scriptId, candidates);
    return candidates;
  }

  #told(path: string, wanted: Wanted, bound: Candidate | undefined, isLoaded: boolean): Breakpoint {
    const id = ++this.#ids;
    const { line } = wanted;
    if (bound) return { id, verified: true, line: bound.typed.line, column: bound.typed.column };
    if (isLoaded) return { id, verified: false, line, message: "no code at or after this line" };
    try {
      const lines = this.text(path).split("\n").length;
      if (line >= 1 && line <= lines) return { id, verified: true, line };
      return { id, verified: false, line, message: `the text has ${lines} lines` };
    } catch {
      return { id, verified: false, line, message: "no such cell or file" };
    }
  }
}

/** Returns the first place at which V8 can stop, from a place as typed on. */
function choose(candidates: readonly Candidate[], { line, column = 1 }: Wanted) {
  let best: Candidate | undefined;
  for (const candidate of candidates) {
    const { typed } = candidate;
    if (typed.line < line || (typed.line === line && typed.column < column)) continue;
    if (!best || isBefore(typed, best.typed)) best = candidate;
  }
  return best;
}

function isBefore(one: TypedPlace, other: TypedPlace): boolean {
  return one.line < other.line || (one.line === other.line && one.column < other.column);
}

function ownerOf(path: string): Owner {
  const isPackage = /[\\/]node_modules[\\/]/.test(path);
  return { path, name: path.replace(/^.*[\\/]/, ""), isPackage };
}

/** Returns the path of a script that is a file; CommonJS has it as a path. */
function fileOf(url: string): string | undefined {
  try {
    if (isAbsolute(url)) return url;
    return url.startsWith("file:") ? fileURLToPath(url) : undefined;
  } catch {
    return undefined;
  }
}
