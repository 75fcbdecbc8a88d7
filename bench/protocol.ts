// What the race asks of either side: one JSON request per line, answered by ours.ts and peers/worker.py.
import type { RunConfig } from "../src/training/run.ts";

/** What one call computes; graphs are given by name. */
export type Work =
  | {
      readonly kind: "product";
      readonly rows: number;
      readonly inner: number;
      readonly columns: number;
    }
  | { readonly kind: "sparse product"; readonly graph: string; readonly columns: number }
  | {
      /** A whole step (forward, backward, Adam), or a forward pass scored on two sets of nodes. */
      readonly kind: "training" | "evaluation";
      readonly graph: string;
      readonly config: RunConfig;
    };

/** The same as a side receives it: `graph`, `weights` and `teacher` name what exchange.ts wrote. */
export type Task =
  | Exclude<Work, { readonly config: RunConfig }>
  | (Extract<Work, { readonly config: RunConfig }> & {
      readonly weights: string;
      readonly teacher?: string;
      /** The form of the peer's ABKD; ours is always collapsed. */
      readonly form?: "collapsed" | "naive";
    });

/** How a side runs a task: the peer's matrix layouts and compiler; our side has no choice. */
export type Variant = Readonly<Record<string, string | boolean>>;

export type Request =
  | { readonly operation: "info" }
  | {
      readonly operation: "prepare";
      readonly key: string;
      readonly task: Task;
      readonly variant: Variant;
      readonly threads: number;
      readonly warmUp: number;
    }
  | {
      readonly operation: "sample";
      readonly key: string;
      readonly calls: number;
      readonly threads: number;
    }
  | {
      readonly operation: "losses";
      readonly task: Task;
      readonly variant: Variant;
      readonly steps: number;
    }
  | {
      readonly operation: "peak";
      readonly task: Task;
      readonly variant: Variant;
      readonly threads: number;
      readonly calls: number;
    }
  | { readonly operation: "forget"; readonly key: string; readonly graphs?: boolean };

/** An answer contains the operation's results, or `error`: what the side could not do. */
export interface Answer {
  readonly milliseconds?: number;
  /** Milliseconds of processor time per call, over all threads. */
  readonly processor?: number;
  readonly losses?: readonly number[];
  readonly megabytes?: number;
  /** Resident megabytes before the task was made. */
  readonly before?: number;
  readonly error?: string;
  readonly [fact: string]: unknown;
}
