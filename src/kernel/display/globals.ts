// What a cell finds without an import; the language service shows these words on Shift-Tab.
import type { CommHost } from "../runner/comm.ts";
import type { DisplayOptions } from "./host.ts";

declare global {
  /**
   * Shows a value below the cell, as Out[n] would.
   *
   * An object says what it looks like by `[Symbol.for("Jupyter.display")]() { return { "text/html": ... } }`;
   * everything else has a built-in view. The cell waits for views that are asynchronous.
   *
   * ```ts
   * display(tensor);
   * display({ "text/markdown": "**done**" }, { raw: true });
   * display(0, { id: "step" });
   * display(1, { id: "step", update: true }); // in place of the 0
   * ```
   *
   * @param options `raw`: the value is data by MIME type, bytes as Uint8Array; `id`: a name for what
   * is shown; `update`: change what was shown under that name
   */
  function display(value: unknown, options?: DisplayOptions): Promise<void>;

  namespace display {
    /**
     * Empties the output of the cell.
     * @param wait only when the next output comes, so that nothing flickers
     */
    function clear(wait?: boolean): void;
  }

  /**
   * Asks for a line of text and waits for it; nothing else runs meanwhile.
   * @returns what was typed; the default where that is nothing
   * @throws where nobody can answer, as when a notebook is run from the command line
   */
  function prompt(message?: string, defaultValue?: string): string;

  /** Asks a question; true where the answer is y or yes. Nothing else runs meanwhile. */
  function confirm(message?: string): boolean;

  /**
   * Asks for a line of text; timers and other cells' promises go on meanwhile.
   * @param options `password`: what is typed is not shown
   */
  function input(message?: string, options?: { readonly password?: boolean }): Promise<string>;

  /**
   * Channels between cells and what the front end shows, as widgets need them.
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
