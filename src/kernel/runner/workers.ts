// Errors that come from cells' worker threads: their stacks show what the user wrote.
import { EventEmitter } from "node:events";
import { Worker } from "node:worker_threads";
import { apply } from "../originals.ts";
import { sheltered } from "./shelter.ts";
import type { Stacks } from "./stacks.ts";

const { emit } = EventEmitter.prototype;

/** Rewrites the stack of each error that a worker reports, before anyone sees it. */
export function installWorkers(stacks: Stacks): void {
  const own = function (this: Worker, ...args: [string | symbol, ...unknown[]]): boolean {
    if (args[0] === "error") sheltered(() => tidy(args[1], stacks));
    return apply(emit, this, args);
  };
  Object.defineProperty(Worker.prototype, "emit", {
    value: own,
    configurable: true,
    writable: true,
  });
}

function tidy(error: unknown, stacks: Stacks): void {
  // Node makes a plain object with an error's prototype of it.
  if (!(error instanceof Error) || typeof error.stack !== "string") return;
  const value = stacks.tidied(error.stack);
  Reflect.defineProperty(error, "stack", { value, configurable: true, writable: true });
}
