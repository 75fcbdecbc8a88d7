// The notebook that this process runs in, found by symbols: its display function and its interrupts.
import { notebookGlobal } from "../base/notebook.ts";

/** A Jupyter bundle: a value in several forms, by MIME type. */
export type Bundle = Readonly<Record<string, unknown>>;

/** Objects with this method define their own view in notebooks (in Deno's kernel and in this project's). */
export const displayHook: unique symbol = Symbol.for("Jupyter.display") as never;

/** Shows a value in the running cell; `id` names it for later updates, `raw` means that it is a bundle. */
export type Display = (
  value: unknown,
  options?: { readonly id?: string; readonly update?: boolean; readonly raw?: boolean },
) => Promise<void>;

/** Returns the notebook's display function; undefined outside notebooks and in worker threads. */
export function notebookDisplay(): Display | undefined {
  const display = notebookGlobal("display");
  return typeof display === "function" ? (display as Display) : undefined;
}

/**
 * Returns the target of "interrupt" events, sent when the user stops a cell; undefined outside
 * notebooks. By then the running code is gone: it was killed between any two function calls, its
 * `finally` blocks did not run, and its promises never settle. preventDefault() asks for time to end
 * in an orderly way.
 */
export function notebookInterrupts(): EventTarget | undefined {
  const target = notebookGlobal("interrupt");
  return target instanceof EventTarget ? target : undefined;
}

/**
 * Resolves as `work` does, or as `end` does if the user interrupts. An interrupt may kill `work` so that
 * it never settles; whoever awaits this promise continues all the same.
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
