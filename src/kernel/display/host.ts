// The host's display function: what cells, objects and libraries show things with.
import type { Event } from "../channel.ts";
import { bundleOf } from "./bundle.ts";
import { normaliseBundle } from "./hook.ts";
import { beforeUpdate } from "./plotly.ts";

/** How `display` shows a value. */
export interface DisplayOptions {
  /** A name under which what is shown can be changed later. */
  readonly id?: string;
  /** Changes what was shown under `id` instead of showing it again. */
  readonly update?: boolean;
  /** The value is a bundle: data by MIME type. */
  readonly raw?: boolean;
}

/** Shows values; `globalThis[Symbol.for("Jupyter.display")]`. */
export interface Display {
  /**
   * Shows a value below the cell: at once, unless its own view is asynchronous. The promise is
   * fulfilled when it has been shown; the cell waits for it by itself.
   */
  (value: unknown, options?: DisplayOptions): Promise<void>;
  /** Empties the cell's output; with `wait`, when the next output comes, so that nothing flickers. */
  clear(wait?: boolean): void;
}

type Without<E, K extends PropertyKey> = E extends unknown ? Omit<E, K> : never;

/** What the display function says to the kernel, which knows the cell. */
export type DisplayEvent = Without<Extract<Event, { type: "display" | "clear" }>, "cell">;

export interface DisplayHost {
  readonly display: Display;
  /** Fulfilled when all asynchronous displays have been shown, also those started meanwhile. */
  settled(): Promise<void>;
  /** Waits no longer for what has not been shown: its cell was interrupted, it may never end. */
  forget(): void;
}

const displays = new WeakSet<object>();

/** Whether a value is what display() gave back: nothing to show as a cell's result. */
export function isDisplay(value: unknown): boolean {
  return typeof value === "object" && value !== null && displays.has(value);
}

/** The display function that shows through `emit`, called while the displaying code's context holds. */
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
    if (bundle instanceof Promise) return bundle.then(send);
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
      pending.delete(later);
    }
  }

  function display(value: unknown, options?: DisplayOptions): Promise<void> {
    const shown = track(value, options);
    displays.add(shown);
    return shown;
  }

  function clear(wait = false): void {
    emit({ type: "clear", wait: Boolean(wait) });
  }

  async function settled(): Promise<void> {
    while (pending.size > 0) await Promise.allSettled(pending);
  }

  const forget = () => pending.clear();

  return { display: Object.assign(display, { clear }), settled, forget };
}
