// The host's display function, through which cells, objects and libraries show things.
import type { Event } from "../channel.ts";
import { sheltered } from "../runner/shelter.ts";
import { bundleOf } from "./bundle.ts";
import { normaliseBundle } from "./hook.ts";
import { beforeUpdate } from "./plotly.ts";

/** How `display` shows a value. */
export interface DisplayOptions {
  /** A name under which the output can be changed later. */
  readonly id?: string;
  /** Changes what was shown under `id` instead of showing it again. */
  readonly update?: boolean;
  /** The value is a bundle: data by MIME type. */
  readonly raw?: boolean;
}

/** Shows values. It is `globalThis[Symbol.for("Jupyter.display")]`. */
export interface Display {
  /**
   * Shows a value below the cell: at once, unless its own view is asynchronous. The promise
   * resolves when the value is shown; the cell waits for it in any case.
   */
  (value: unknown, options?: DisplayOptions): Promise<void>;
  /** Clears the cell's output; with `wait`, only when the next output comes, so that nothing flickers. */
  clear(wait?: boolean): void;
}

type Without<E, K extends PropertyKey> = E extends unknown ? Omit<E, K> : never;

/** The events that the display function sends; the kernel adds the cell. */
export type DisplayEvent = Without<Extract<Event, { type: "display" | "clear" }>, "cell">;

export interface DisplayHost {
  readonly display: Display;
  /** Returns what resolves when those asynchronous displays have settled that are not shown yet; undefined if
   *  there are none. */
  unsettled(): Promise<unknown> | undefined;
  /** Stops waiting for displays that are not shown yet: their cell was interrupted, and they may never end. */
  forget(): void;
}

const displays = new WeakSet<object>();

/** Whether a value is what display() returned, which is not worth showing as a cell's result. */
export function isDisplay(value: unknown): boolean {
  return typeof value === "object" && value !== null && displays.has(value);
}

/** Creates the display function. It calls `emit` in the context of the code that displays. */
export function createDisplay(emit: (event: DisplayEvent) => void): DisplayHost {
  const pending = new Set<Promise<void>>();

  function show(value: unknown, options: DisplayOptions = {}): undefined | Promise<void> {
    const { id, update = false, raw = false } = options;
    if (id !== undefined && typeof id !== "string")
      throw new TypeError("display: id is not a string");
    if (update && id === undefined) throw new TypeError("display: update needs an id");
    const send = (data: ReturnType<typeof normaliseBundle>): void => {
      const named = { update, ...(id === undefined ? {} : { id }) };
      const before = update ? beforeUpdate(data) : undefined;
      if (before) emit({ type: "display", data: before, metadata: {}, ...named });
      emit({ type: "display", data, metadata: {}, ...named });
    };
    const bundle = raw ? normaliseBundle(value) : bundleOf(value);
    if (bundle instanceof Promise) return bundle.then((data) => sheltered(() => send(data)));
    send(bundle);
    return undefined;
  }

  async function track(value: unknown, options?: DisplayOptions): Promise<void> {
    const later = show(value, options);
    if (!later) return;
    pending.add(later);
    try {
      await later;
    } finally {
      sheltered(() => pending.delete(later));
    }
  }

  function display(value: unknown, options?: DisplayOptions): Promise<void> {
    return sheltered(() => {
      const shown = track(value, options);
      displays.add(shown);
      return shown;
    });
  }

  function clear(wait = false): void {
    sheltered(() => emit({ type: "clear", wait: Boolean(wait) }));
  }

  const unsettled = () => (pending.size > 0 ? Promise.allSettled(pending) : undefined);

  const forget = () => pending.clear();

  return { display: Object.assign(display, { clear }), unsettled, forget };
}
