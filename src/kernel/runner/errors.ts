// Errors as a notebook shows them: name, message, the cell's line, and a short trace.
import { fileURLToPath } from "node:url";
import { inspect, types } from "node:util";
import { CellSyntaxError, type Position } from "../cell/compile.ts";
import { hint } from "../cell/habits.ts";
import { unmarked } from "../cell/shadows.ts";
import { linesOf } from "../cell/source.ts";
import type { Failure } from "../channel.ts";
import { differenceOf } from "./difference.ts";
import type { Frame, Known, Stacks } from "./stacks.ts";

const MAX_FRAMES = 12;
const MAX_DEPTH = 4;
const MAX_MESSAGE = 4000;
const MAX_ERRORS = 8;

const BUILT_IN = /^(|Aggregate|Eval|Range|Reference|Syntax|Type|URI)Error$/;

const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;

export const INTERRUPTED: Failure = {
  status: "error",
  ename: "KeyboardInterrupt",
  evalue: "the cell was interrupted; its variables are still there",
  traceback: [
    `${red("KeyboardInterrupt")}: the cell was interrupted; its variables are still there`,
  ],
};

/** Adds the message of the library that ended the cell with its own error. */
export function interruptedBy(thrown: unknown): Failure {
  if (!isError(thrown)) return INTERRUPTED;
  const { ename, evalue } = guarded(() => nameOf(thrown), { ...UNDESCRIBED, preface: [] });
  return { ...INTERRUPTED, traceback: [...INTERRUPTED.traceback, `${red(ename)}: ${evalue}`] };
}

/** What is said of a thrown value whose own code throws where it is described. */
const UNDESCRIBED = { ename: "Uncaught", evalue: "[a value that cannot be described]" };

/** Values are strangers' objects: their getters, proxies and `toString` may throw anything, anywhere. */
function guarded<T>(describe: () => T, otherwise: T): T {
  try {
    return describe();
  } catch {
    return otherwise;
  }
}

const isError = (thrown: unknown): thrown is Error =>
  types.isNativeError(thrown) || guarded(() => thrown instanceof Error, false);

let runners: Errors | undefined;

/** Describes an error of code that ran in a cell's name, as the runner describes those of cells. */
export function failureOf(thrown: unknown): Failure {
  if (!runners) throw new Error("no runner describes errors in this process");
  return runners.failure(thrown, "");
}

/** Describes errors in cells. */
export class Errors {
  readonly #stacks: Stacks;

  constructor(stacks: Stacks) {
    this.#stacks = stacks;
    runners = this;
  }

  /** Describes why a cell failed; `at` is V8's place, for errors whose stack does not tell. */
  failure(thrown: unknown, url: string, at?: Position): Failure {
    const traceback = [`${red(UNDESCRIBED.ename)}: ${UNDESCRIBED.evalue}`];
    const otherwise: Failure = { status: "error", ...UNDESCRIBED, traceback };
    return guarded(() => this.#failure(thrown, url, at), otherwise);
  }

  #failure(thrown: unknown, url: string, at?: Position): Failure {
    const name = nameOf(thrown);
    const [ename, evalue] = [unmarked(name.ename), unmarked(name.evalue)];
    const known = this.#stacks.cell(url);
    const own = this.#frames(thrown).find(isOf(known))?.place;
    const isSyntax = at && ename === "SyntaxError" && !own;
    const place = isSyntax ? (known?.compiled.map(at.line, at.column) ?? undefined) : undefined;
    const traceback = this.lines(thrown, known, place).map(unmarked);
    const failed = place ?? own;
    if (known && failed) traceback.push(...hints(ename, evalue, known.source, failed));
    return { status: "error", ename, evalue, traceback };
  }

  /** Describes why a cell could not be compiled. */
  compileFailure(error: unknown, source: string, count: number): Failure {
    if (!(error instanceof CellSyntaxError)) return this.failure(error, "");
    const { line, column, message } = error;
    const traceback = [
      `${red("SyntaxError")}: ${message}`,
      ...codeFrame(source, { line, column }),
      `    at Cell [${count}]:${line}:${column}`,
      ...hints("SyntaxError", message, source, { line, column }),
    ];
    return { status: "error", ename: "SyntaxError", evalue: message, traceback };
  }

  /** Returns the lines that show a thrown value; `place` is its place in `known` if its stack does not tell. */
  lines(thrown: unknown, known?: Known, place?: Position, depth = 0): string[] {
    const otherwise = [`${red(UNDESCRIBED.ename)}: ${UNDESCRIBED.evalue}`];
    return guarded(() => this.#lines(thrown, known, place, depth), otherwise);
  }

  #lines(thrown: unknown, known?: Known, place?: Position, depth = 0): string[] {
    const { ename, evalue, preface } = nameOf(thrown);
    const lines = [...preface, `${red(ename)}${evalue === "" ? "" : `: ${evalue}`}`];
    if (isError(thrown)) {
      const difference = guarded(() => differenceOf(thrown, get), []).join("\n");
      if (difference !== "") lines.push(...shorten(difference).split("\n"));
    }
    if (known && place) {
      lines.push(...codeFrame(known.source, place));
      lines.push(`    at Cell [${known.count}]:${place.line}:${place.column}`);
    }
    const frames = this.#frames(thrown);
    const first = frames.find(({ cell, place }) => cell && place);
    if (!place && first?.cell && first.place) {
      lines.push(...codeFrame(first.cell.source, first.place));
    }
    lines.push(...frames.slice(0, MAX_FRAMES).map(({ text }) => `    at ${text}`));
    if (frames.length > MAX_FRAMES) lines.push(`    ... ${frames.length - MAX_FRAMES} more`);
    if (depth < MAX_DEPTH) lines.push(...this.#related(thrown, depth + 1));
    return lines;
  }

  /** Returns the lines of errors inside an error: those that it collects, and its cause. */
  #related(thrown: unknown, depth: number): string[] {
    if (!isError(thrown)) return [];
    const lines: string[] = [];
    const errors: unknown = get(thrown, "errors");
    if (Array.isArray(errors)) {
      for (const [index, error] of errors.slice(0, MAX_ERRORS).entries()) {
        const [first = "", ...rest] = this.lines(error, undefined, undefined, depth);
        lines.push(`  [${index}] ${first}`, ...rest.map((line) => `  ${line}`));
      }
      if (errors.length > MAX_ERRORS) lines.push(`  ... ${errors.length - MAX_ERRORS} more errors`);
    }
    const cause = get(thrown, "cause");
    if (cause !== undefined) {
      const [first = "", ...rest] = this.lines(cause, undefined, undefined, depth);
      lines.push(`Caused by: ${first}`, ...rest);
    }
    return lines;
  }

  #frames(thrown: unknown): Frame[] {
    return isError(thrown) ? this.#stacks.frames(get(thrown, "stack")) : [];
  }
}

const isOf =
  (known: Known | undefined) =>
  ({ cell }: Frame): boolean =>
    cell !== undefined && cell === known;

/** Returns a file's path without the query that makes a reloaded module's URL unique. */
function toPath(url: string): string {
  return guarded(() => {
    const { protocol, pathname } = new URL(url);
    return fileURLToPath(`${protocol}//${pathname}`);
  }, url);
}

/** Reads a property of an object whose getters may throw. */
function get(object: object, key: string): unknown {
  return guarded(() => Reflect.get(object, key) as unknown, undefined);
}

function nameOf(thrown: unknown): { ename: string; evalue: string; preface: string[] } {
  if (!isError(thrown)) {
    return { ename: "Uncaught", evalue: shorten(inspect(thrown, { depth: 2 })), preface: [] };
  }
  const name = String(get(thrown, "name") ?? "Error");
  const type: unknown = get(thrown, "constructor");
  const own = typeof type === "function" ? type.name : "";
  const evalue = shorten(String(get(thrown, "message") ?? ""));
  return { ename: own && BUILT_IN.test(name) ? own : name, evalue, preface: prefaceOf(thrown) };
}

/** Returns what Node puts in front of a module's SyntaxError: its file, its line and a caret. */
function prefaceOf(error: Error): string[] {
  const stack = get(error, "stack");
  if (typeof stack !== "string" || !/^(file:|\.{0,2}\/|\[worker eval\])[^\n]*:\d+\n/.test(stack))
    return [];
  const lines = stack.split("\n");
  const end = lines.findIndex((line) => /^\w*Error\b/.test(line));
  const [place = "", ...code] = lines.slice(0, Math.max(end, 0)).filter((line) => line !== "");
  const [, url = place, line = ""] = /^(.*?)(:\d+)$/.exec(place) ?? [];
  return [dim(`${toPath(url)}${line}`), ...code];
}

function shorten(text: string): string {
  return text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)}…`;
}

/** Returns the hint about what to write instead, if there is one, as lines of a trace. */
function hints(ename: string, evalue: string, source: string, { line }: Position): string[] {
  const found = hint(ename, evalue, linesOf(source)[line - 1] ?? "");
  return found === undefined ? [] : [found];
}

/** Returns the line of a place and the one before it, with a caret below. */
function codeFrame(source: string, { line, column }: Position): string[] {
  const lines = linesOf(source);
  const width = String(line).length;
  const shown: string[] = [];
  for (let number = Math.max(1, line - 1); number <= line; number++) {
    const text = lines[number - 1];
    if (text === undefined || text.length > 200) return [];
    const mark = number === line ? red(">") : " ";
    shown.push(`${mark} ${dim(`${String(number).padStart(width)} |`)} ${text}`);
  }
  const indent = (lines[line - 1] ?? "").slice(0, column - 1).replace(/[^\t]/g, " ");
  shown.push(`  ${" ".repeat(width)} ${dim("|")} ${indent}${red("^")}`);
  return shown;
}
