// What the runner's main thread and its link share: who may be interrupted when, and what has arrived.
import type { Command } from "../channel.ts";

/** Places in the shared array of 32-bit integers. */
export const WORD = {
  /** Who has the main thread's JavaScript: one of HOLD. */
  hold: 0,
  /** The last command that the main thread has taken. */
  taken: 1,
  /** The user's interrupt that the main thread has heard of since it was last stopped; 0 for none. */
  cancelled: 2,
  /** How often V8 was asked to stop the main thread. */
  stops: 3,
  /** 1 while the main thread waits for an answer to `prompt`, without running its event loop. */
  asking: 4,
  /** 1 when the main thread has started: nothing may be stopped before. */
  ready: 5,
} as const;

/** A lock: the main thread enters no critical section while it may be stopped, nor the other way round. */
export const HOLD = { free: 0, critical: 1, stopping: 2 } as const;

export const WORDS = Object.keys(WORD).length;

/** From the link to the main thread. Sent again until it is taken: an interrupt may swallow it. */
export type LinkMessage =
  | { readonly type: "command"; readonly number: number; readonly command: Command }
  | {
      readonly type: "cancel";
      /** Which of the user's interrupts this is about. */
      readonly request: number;
      /** The last command that had come when the user interrupted: a later cell is not meant. */
      readonly before: number;
    };

/** A function that the link runs on the main thread: whether it looks idle there. */
export const PROBE = Symbol.for("abkd.kernel.probe");
