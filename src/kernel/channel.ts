// What the supervisor and the runner tell each other: commands one way, events the other.
//
// Commands go over fd 3 (commands.ts) and are read by the runner's link thread. Events come back
// inside the runner's standard output (frames.ts), so that they keep their order with what native
// code and child processes print there. Only what the debugger says comes back over fd 3, from the link
// thread: it has to speak while the main thread is stopped.

import type { DebugReply, DebugRequest } from "./debug/dap.ts";

/** A value by MIME type: binary types are base64 text, JSON types are plain values. */
export type Bundle = Readonly<Record<string, unknown>>;

/** The execute_request that something belongs to. The supervisor counts them from 1; 0 means none. */
export type CellId = number;

export type Command =
  | {
      readonly type: "execute";
      readonly cell: CellId;
      /** The n of In[n], which stack traces show; 0 if the cell is not counted. */
      readonly count: number;
      readonly code: string;
      readonly silent: boolean;
      readonly allowInput: boolean;
      readonly userExpressions: Readonly<Record<string, string>>;
      /** The notebook's cell, if the front end names it: the same each time it is run. */
      readonly place?: string;
    }
  | { readonly type: "interrupt" }
  | { readonly type: "input"; readonly value: string }
  | ({ readonly type: "comm" } & CommMessage)
  /** Asks for names as they are at run time. Evaluating `expression` has no side effects. */
  | { readonly type: "members"; readonly request: number; readonly expression: string }
  | { readonly type: "debug"; readonly request: number; readonly message: DebugRequest }
  | { readonly type: "exit" };

export interface CommMessage {
  readonly kind: "open" | "msg" | "close";
  readonly commId: string;
  readonly target?: string;
  readonly data: unknown;
  readonly metadata?: unknown;
  /** base64 */
  readonly buffers?: readonly string[];
}

export interface Failure {
  readonly status: "error";
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

export type Outcome =
  | {
      readonly status: "ok";
      /** What Out[n] shows. Absent if the cell does not end in an expression, or ends in undefined. */
      readonly result?: { readonly data: Bundle; readonly metadata: Bundle };
      readonly userExpressions: Readonly<Record<string, unknown>>;
    }
  | Failure;

export type Event =
  /** Cells can run. `names` are those that the first one can use. */
  | { readonly type: "ready"; readonly names: readonly string[] }
  | {
      readonly type: "stream";
      readonly cell: CellId;
      readonly name: "stdout" | "stderr";
      readonly text: string;
    }
  | {
      readonly type: "display";
      readonly cell: CellId;
      readonly data: Bundle;
      readonly metadata: Bundle;
      readonly id?: string;
      /** Changes what was displayed under `id` before. */
      readonly update: boolean;
    }
  | { readonly type: "clear"; readonly cell: CellId; readonly wait: boolean }
  /** Answered by the command "input". */
  | {
      readonly type: "input";
      readonly cell: CellId;
      readonly prompt: string;
      readonly password: boolean;
    }
  | ({ readonly type: "comm"; readonly cell: CellId } & CommMessage)
  | { readonly type: "members"; readonly request: number; readonly names: readonly string[] }
  /** The answer to a debug request. */
  | { readonly type: "debug"; readonly request: number; readonly reply: DebugReply }
  /** An event of the Debug Adapter Protocol. */
  | { readonly type: "debugEvent"; readonly event: string; readonly body: object }
  /** The process is about to end at its own request: by which call, where in a cell, and how it ends. */
  | {
      readonly type: "exit";
      readonly call: string;
      readonly place?: string;
      readonly code?: number;
      readonly signal?: NodeJS.Signals;
    }
  /** None of the cell's synchronous output comes after this. On fd 2, "mark" means the same. */
  | { readonly type: "done"; readonly cell: CellId; readonly outcome: Outcome }
  | { readonly type: "mark"; readonly cell: CellId };
