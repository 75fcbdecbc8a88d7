// The notebook that this process runs in, found by symbols: its display function, its interrupts.
import { notebookGlobal } from "../base/notebook.ts";

/** Jupyter's bundle: a value in several forms, by MIME type. */
export type Bundle = Readonly<Record<string, unknown>>;

/** Objects with this method show themselves in notebooks (Deno's and this project's kernel). */
export const displayHook: unique symbol = Symbol.for("Jupyter.display") as never;

/** Shows a value in the running cell; `id` names it for later updates, `raw` takes it as a bundle. */
export type Display = (
  value: unknown,
  options?: { readonly id?: string; readonly update?: boolean; readonly raw?: boolean },
) => Promise<void>;

/** The notebook's display function; undefined elsewhere, and in worker threads. */
export function notebookDisplay(): Display | undefined {
  const display = notebookGlobal("display");
  return typeof display === "function" ? (display as Display) : undefined;
}

/**
 * Where the notebook dispatches "interrupt" when its user stops a cell; undefined elsewhere.
 * By then the code that ran is gone: killed between any two function calls, its `finally` blocks
 * not run, its promises never settled. preventDefault() asks for time to end in an orderly way.
 */
export function notebookInterrupts(): EventTarget | undefined {
  const target = notebookGlobal("interrupt");
  return target instanceof EventTarget ? target : undefined;
}

/**
 * What `work` comes to; where the user interrupts it, what `end` does. `work` may have been killed
 * and never settle, so whoever awaits this goes on all the same.
 */
export function orInterrupted<T>(work: Promise<T>, end: () => T | Promise<T>): Promise<T> {
  const interrupts = notebookInterrupts();
  if (!interrupts) return work;
  return new Promise((resolve, reject) => {
    const onInterrupt = (event: Event): void => {
      event.preventDefault();
      try {
        resolve(end());
      } catch (error) {
        reject(error);
      }
    };
    interrupts.addEventListener("interrupt", onInterrupt, { once: true });
    const done = (): void => interrupts.removeEventListener("interrupt", onInterrupt);
    work.finally(done).then(resolve, reject);
  });
}
