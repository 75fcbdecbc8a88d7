// What the debugger, on the link's thread, asks the thread that runs the cells, also while V8 has stopped that one.
import type { Variable } from "./dap.ts";

/** The key of the function on the main thread: takes a question as JSON, and values; returns the answer as JSON. */
export const HOST = Symbol.for("abkd.kernel.debugger");

/** Is added to the code of cells and modules while a debugger is attached: V8 then stops before they run, so that
 *  their breakpoints can be set. */
export const TRACED = "\n//# sourceMappingURL=traced";

/** A place in the code that runs, from 1: line and column. */
export type CodePlace = readonly [line: number, column: number];

/** Where that is in the text as typed; `isAdded` if the kernel has put that code there. */
export interface TypedPlace {
  readonly line: number;
  readonly column: number;
  readonly isAdded: boolean;
}

/** By `ask`: what a question has beside it, and its answer. */
export interface Questions {
  /** The texts of cells, and their numbers, by the names and lengths of scripts; null for what is no cell. */
  cells: [
    { scripts: readonly { url: string; length: number }[] },
    ({ source: string; count: number } | null)[],
  ];
  /** Places as typed; null for code that belongs to no line. */
  places: [{ url: string; places: readonly CodePlace[] }, (TypedPlace | null)[]];
  /** What asks for the variables of scopes, which are given as values, innermost first. */
  scope: [{ isGlobal: boolean }, { reference: number }];
  /** A reference's variables; null if it is too old. */
  parts: [{ reference: number }, Variable[] | null];
  /** A value as the debugger's console shows it. */
  value: [{ isLine: boolean }, { result: string; variablesReference: number }];
  /** A value's views by MIME type. */
  bundle: [object, { data: object }];
  /** An expression as JavaScript. */
  code: [{ expression: string }, { code: string }];
  /** The debugger has stopped a cell: references to earlier values end. */
  stopped: [object, object];
}

export type Question = {
  [Ask in keyof Questions]: { readonly ask: Ask } & Questions[Ask][0];
}[keyof Questions];
