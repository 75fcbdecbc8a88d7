// Questions to the language service and its answers. Offsets are UTF-16 code units.

/** A completion as JupyterLab's `_jupyter_types_experimental` wants it. */
export interface TypedMatch {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** A word for the icon: function, class, property, keyword, ... */
  readonly type: string;
  /** The type, if it is known and short. */
  readonly signature: string;
}

export interface Completion {
  readonly matches: readonly string[];
  /** The range of the cell's code that a match replaces. */
  readonly start: number;
  readonly end: number;
  readonly types: readonly TypedMatch[];
}

export interface Inspection {
  readonly found: boolean;
  /** text/plain and text/markdown; empty if nothing was found. */
  readonly data: Readonly<Record<string, string>>;
}

export interface TypeProblem {
  /** Line and column in the cell, both from 1. */
  readonly line: number;
  readonly column: number;
  /** The n of TSn. */
  readonly code: number;
  readonly message: string;
}

export interface Diagnosis {
  readonly problems: readonly TypeProblem[];
  /** A line `Cell [n]:line:column - warning TSn: message` per problem, each with its line feed. */
  readonly text: string;
}

export interface Completeness {
  readonly status: "complete" | "incomplete" | "invalid";
  /** What the next line should begin with; empty unless incomplete. */
  readonly indent: string;
}

export interface WorkerSettings {
  readonly folder: string;
  readonly projectRoot: string;
}

/** An executed cell, as a later one sees it. */
export interface CellRecord {
  readonly count: number;
  readonly code: string;
}

export type Question =
  | { readonly kind: "complete"; readonly code: string; readonly cursor: number }
  | {
      readonly kind: "inspect";
      readonly code: string;
      readonly cursor: number;
      readonly detailLevel: number;
    }
  | { readonly kind: "isComplete"; readonly code: string }
  | { readonly kind: "diagnostics"; readonly count: number; readonly code: string };

export interface Answers {
  readonly complete: Completion;
  readonly inspect: Inspection;
  readonly isComplete: Completeness;
  readonly diagnostics: Diagnosis;
}

export type Kind = Question["kind"];

export type ToWorker =
  | { readonly type: "record"; readonly cells: readonly CellRecord[] }
  | { readonly type: "ask"; readonly id: number; readonly question: Question };

export type FromWorker =
  /** The worker has read the standard library's types; from now on, questions have a time limit. */
  | { readonly type: "ready" }
  | { readonly type: "answer"; readonly id: number; readonly answer: Answers[Kind] }
  /** TypeScript itself failed, as it does on code that is nested too deeply. */
  | { readonly type: "failure"; readonly id: number; readonly message: string };
