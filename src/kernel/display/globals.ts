// The globals that cells have without an import. The language service shows this text on Shift-Tab.
import type { CommHost } from "../runner/comm.ts";
import type { DisplayOptions } from "./host.ts";

declare global {
  /**
   * Shows a value below the cell, as Out[n] would.
   *
   * An object can define its own view: `[Symbol.for("Jupyter.display")]() { return { "text/html": ... } }`.
   * Everything else has a built-in view. The cell waits for asynchronous views.
   *
   * ```ts
   * display(tensor);
   * display({ "text/markdown": "**done**" }, { raw: true });
   * display(0, { id: "step" });
   * display(1, { id: "step", update: true }); // replaces the 0
   * ```
   *
   * @param options `raw`: the value holds data by MIME type, with bytes as Uint8Array; `id`: a name for
   * what is shown; `update`: change what was shown under that name
   */
  function display(value: unknown, options?: DisplayOptions): Promise<void>;

  namespace display {
    /**
     * Clears the cell's output.
     * @param wait clear only when the next output comes, so that nothing flickers
     */
    function clear(wait?: boolean): void;
  }

  /**
   * Asks for a line of text and waits for it; nothing else runs meanwhile.
   * @returns what was typed; the default if that is empty
   * @throws Error if nobody can answer, for example when a notebook runs from the command line
   */
  function prompt(message?: string, defaultValue?: string): string;

  /** Asks a question; returns true if the answer is y or yes. Nothing else runs meanwhile. */
  function confirm(message?: string): boolean;

  /**
   * Asks for a line of text; timers and other cells' promises continue meanwhile.
   * @param options `password`: hides what is typed
   */
  function input(message?: string, options?: { readonly password?: boolean }): Promise<string>;

  /**
   * Channels between cells and the front end's views, as widgets need them.
   *
   * ```ts
   * const slider = comm.open("jupyter.widget", { state });
   * slider.onMessage(({ data }) => console.log(data));
   * slider.send({ method: "update", state: { value: 3 } });
   * comm.registerTarget("my-target", (channel, { data }) => channel.send(data));
   * ```
   */
  const comm: CommHost;
}
