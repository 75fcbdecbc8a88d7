// This process's one browser: opened when the first picture is needed, and reopened if it dies.

import { type Chromium, findChromium } from "../display/chromium.ts";
import { notebookInterrupts } from "../display/host.ts";
import { FigureExporter } from "./export.ts";

interface Opening {
  readonly exporter: Promise<FigureExporter | undefined>;
  browser?: Chromium;
  ready?: FigureExporter;
}

let current: Opening | undefined;
let watching = false;

/**
 * Draws with this process's browser, opening it if needed. The browser does not keep the process alive, and it is
 * replaced if it dies, even in the middle of a drawing.
 * @returns undefined if there is no Chromium
 */
export async function withBrowser<T>(
  draw: (exporter: FigureExporter) => Promise<T>,
): Promise<T | undefined> {
  for (let attempt = 1; ; attempt++) {
    const exporter = await opened();
    if (!exporter) return undefined;
    try {
      return await draw(exporter);
    } catch (error) {
      if (exporter.alive || attempt > 1) throw error;
    }
  }
}

/** Starts to open the browser, so that it is ready when the first picture is drawn. */
export function warmBrowser(): void {
  opened().catch(() => {});
}

function opened(): Promise<FigureExporter | undefined> {
  if (current?.ready?.alive === false) current = undefined;
  current ??= open();
  watchInterrupts();
  return current.exporter;
}

function open(): Opening {
  const start = async (): Promise<FigureExporter | undefined> => {
    const executable = await findChromium();
    if (executable === undefined) return undefined;
    return FigureExporter.open(executable, (browser) => {
      opening.browser = browser;
    });
  };
  const opening: Opening = {
    exporter: start().then(
      (exporter) => {
        if (exporter) opening.ready = exporter;
        // A browser may be installed while the notebook is open, so look again next time.
        else if (current === opening) current = undefined;
        return exporter;
      },
      (error: unknown) => {
        if (current === opening) current = undefined;
        throw error;
      },
    ),
  };
  return opening;
}

/** A browser that an interrupt killed while it opened or drew never answers, so the next drawing opens a new one. */
function watchInterrupts(): void {
  const interrupts = notebookInterrupts();
  if (watching || !interrupts) return;
  watching = true;
  interrupts.addEventListener("interrupt", () => {
    if (!current || (current.ready && !current.ready.busy)) return;
    current.browser?.close();
    current = undefined;
  });
}
