// Figures as SVG, PNG and PDF: Plotly draws in a headless Chromium, with reproducible bytes.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { plain } from "../base/markup.ts";
import { Chromium } from "../display/chromium.ts";
import { evaluate, openPage, printPage } from "../display/print.ts";
import type { Figure, Size } from "./figure.ts";

export { findChromium, noBrowserAdvice } from "../display/chromium.ts";

/** An element's start tag; the order of its attributes depends on what Plotly has drawn before. */
const TAG = /<([\w:-]+)((?:\s+[\w:-]+="[^"]*")+)/g;

/**
 * Replaces the random token that Plotly puts into an SVG's identifiers, and sorts attributes by name, so that
 * equal figures give equal bytes.
 */
export function normaliseSvg(svg: string): string {
  const token = /id="(?:top)?defs-([0-9a-f]{6})"/.exec(svg)?.[1];
  const named = token === undefined ? svg : svg.replaceAll(token, "figure");
  return named.replace(TAG, (_, name: string, attributes: string) => {
    const sorted = attributes.match(/[\w:-]+="[^"]*"/g)!.sort();
    return `<${name} ${sorted.join(" ")}`;
  });
}

/** Adds alt text to an SVG: what it shows and which runs it comes from. */
function describeSvg(svg: string, description: string): string {
  const start = svg.indexOf(">", svg.indexOf("<svg")) + 1;
  return `${svg.slice(0, start)}<desc>${plain(description)}</desc>${svg.slice(start)}\n`;
}

/** One browser, kept open for any number of figures. */
export class FigureExporter {
  readonly #browser: Chromium;
  /** The session of the page that Plotly draws in. */
  #page = "";
  #busy = 0;

  private constructor(browser: Chromium) {
    this.#browser = browser;
  }

  /**
   * Starts the browser and loads Plotly into an empty page that has no network.
   * @param started called with the browser at once, so that it can be closed before it is ready
   * @throws {Error} if the executable cannot be started
   */
  static async open(
    executable: string,
    started?: (browser: Chromium) => void,
  ): Promise<FigureExporter> {
    const source = readFile(createRequire(import.meta.url).resolve("plotly.js-dist"), "utf8");
    const browser = new Chromium(executable);
    started?.(browser);
    const exporter = new FigureExporter(browser);
    try {
      exporter.#page = await openPage(browser);
      await exporter.#evaluate(`${await source}\n;undefined`, exporter.#page);
      return exporter;
    } catch (error) {
      browser.close();
      throw error;
    }
  }

  /** Whether it is drawing, or was killed while drawing. */
  get busy(): boolean {
    return this.#busy > 0;
  }

  get alive(): boolean {
    return this.#browser.alive;
  }

  /** Draws a figure as SVG text; `description` is its alt text. */
  async svg(figure: Figure, size: Size, description: string): Promise<string> {
    const url = await this.#draw(figure, { format: "svg", ...size });
    const drawn = normaliseSvg(decodeURIComponent(url.slice(url.indexOf(",") + 1)));
    return describeSvg(drawn, description);
  }

  /** Draws a figure as PNG, by default with two device pixels per CSS pixel. */
  async png(figure: Figure, size: Size, scale = 2): Promise<Uint8Array> {
    const url = await this.#draw(figure, { format: "png", ...size, scale });
    return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
  }

  /** Draws a figure as a one-page PDF of its size, in vectors and text. */
  async pdf(figure: Figure, size: Size, description: string): Promise<Uint8Array> {
    const svg = await this.svg(figure, size, description);
    const html =
      `<!doctype html><html lang="en"><head><title>${plain(description)}</title>` +
      `<style>@page{size:${size.width}px ${size.height}px;margin:0}body{margin:0}` +
      `svg{display:block}</style></head><body>${svg}</body></html>`;
    return this.#working(() => printPage(this.#browser, html, size));
  }

  async close(): Promise<void> {
    this.#browser.close();
  }

  #draw(figure: Figure, options: object): Promise<string> {
    // Passed as text rather than as a function, since this program's types do not know the page's globals.
    const call = `Plotly.toImage(${JSON.stringify(figure)}, ${JSON.stringify(options)})`;
    return this.#working(() => this.#evaluate<string>(call, this.#page));
  }

  async #working<T>(work: () => Promise<T>): Promise<T> {
    this.#busy++;
    try {
      return await work();
    } finally {
      this.#busy--;
    }
  }

  #evaluate<T>(expression: string, page: string): Promise<T> {
    return evaluate<T>(this.#browser, expression, page, "Plotly");
  }
}
