// What the runner's main thread and its link share: who may be interrupted when, and what has arrived.
import type { Command } from "../channel.ts";

/** Places in the shared array of 32-bit integers. */
export const WORD = {
  /** 1: the link has asked V8 to stop the main thread, which must enter no critical section now. */
  stopping: 0,
  /** The last command that the main thread has taken. */
  taken: 1,
  /** The last interrupt that the main thread has dealt with. */
  cancelled: 2,
  /** How often V8 was asked to stop the main thread. */
  stops: 3,
  /** 1 while the main thread waits for an answer to `prompt`, without running its event loop. */
  asking: 4,
} as const;

export const WORDS = Object.keys(WORD).length;

/** From the link to the main thread. Sent again until it is taken: an interrupt may swallow it. */
export type LinkMessage =
  | { readonly type: "command"; readonly number: number; readonly command: Command }
  | {
      readonly type: "cancel";
      readonly number: number;
      /** Which of the user's interrupts this is about. */
      readonly request: number;
      /** The first says that the user wants it, others that V8 stopped what ran since. */
      readonly isFirst: boolean;
    };

/** What the link finds out about the main thread by a function that it runs there. */
export const PROBE = Symbol.for("abkd.kernel.probe");
/** "idle": no JavaScript is below the probe, so messages are heard, or V8 is between two promises. */
export type Probed = "idle" | "busy" | "critical";
