// State shared by the runner's main thread and its link: who may be interrupted, and what has arrived.
import type { Command } from "../channel.ts";

/** Indices in the shared array of 32-bit integers. */
export const WORD = {
  /** Who holds the main thread's JavaScript: a value of HOLD. */
  hold: 0,
  /** The last command that the main thread has taken. */
  taken: 1,
  /** The last interrupt that the main thread has handled since it was last stopped; 0 for none. */
  cancelled: 2,
  /** How often V8 was asked to stop the main thread. */
  stops: 3,
  /** 1 while the main thread waits for an answer to `prompt`, without running its event loop. */
  asking: 4,
  /** 1 once the main thread has started: before that, nothing may be stopped. */
  ready: 5,
  /** 1 while a debugger is attached. */
  debugging: 6,
} as const;

/** A lock: the main thread cannot enter a critical section while it may be stopped, and vice versa. */
export const HOLD = { free: 0, critical: 1, stopping: 2 } as const;

export const WORDS = Object.keys(WORD).length;

/** A message from the link to the main thread. It is sent again until taken: an interrupt may swallow it. */
export type LinkMessage =
  | { readonly type: "command"; readonly number: number; readonly command: Command }
  | {
      readonly type: "cancel";
      /** The number of the user's interrupt. */
      readonly request: number;
      /** The last command that had arrived when the user interrupted: later cells are not meant. */
      readonly before: number;
    };

/** The key of a function that the link runs on the main thread to ask whether that looks idle. */
export const PROBE = Symbol.for("abkd.kernel.probe");
