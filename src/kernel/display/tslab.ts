// What `import * as tslab from "tslab"` gives a cell: tslab's public API, using only the display symbol.
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

/** Versions of what runs a cell, under tslab's names. */
interface Versions {
  /** The version of tslab that has this API. */
  readonly tslab: string;
  readonly typescript: string;
  readonly node: string;
}

const typescript = createRequire(import.meta.url)("typescript/package.json") as { version: string };

/** The version of tslab that has this API, and the versions of TypeScript and Node. */
export const versions: Versions = {
  tslab: "1.0.22",
  typescript: typescript.version,
  node: process.version,
};

/** Shows one thing below the cell, with a method per type. */
export interface Display {
  javascript(s: string): void;
  html(s: string): void;
  markdown(s: string): void;
  latex(s: string): void;
  svg(s: string): void;
  png(b: Uint8Array): void;
  jpeg(b: Uint8Array): void;
  gif(b: Uint8Array): void;
  pdf(b: Uint8Array): void;
  text(s: string): void;
  /** Shows data of any MIME type. */
  raw(contentType: string, b: string | Uint8Array): void;
}

/** Creates a place below the cell: what is shown through it replaces what it showed before. */
export function newDisplay(): Display {
  return new KernelDisplay(randomBytes(8).toString("hex"));
}

type Host = (
  bundle: Readonly<Record<string, unknown>>,
  options: { raw: true; id?: string; update?: boolean },
) => unknown;

class KernelDisplay implements Display {
  readonly #id: string | undefined;
  #shown = false;

  constructor(id?: string) {
    this.#id = id;
  }

  javascript(s: string): void {
    this.raw("text/javascript", s);
  }
  html(s: string): void {
    this.raw("text/html", s);
  }
  markdown(s: string): void {
    this.raw("text/markdown", s);
  }
  latex(s: string): void {
    this.raw("text/latex", s);
  }
  svg(s: string): void {
    this.raw("image/svg+xml", s);
  }
  png(b: Uint8Array): void {
    this.raw("image/png", b);
  }
  jpeg(b: Uint8Array): void {
    this.raw("image/jpeg", b);
  }
  gif(b: Uint8Array): void {
    this.raw("image/gif", b);
  }
  pdf(b: Uint8Array): void {
    this.raw("application/pdf", b);
  }
  text(s: string): void {
    this.raw("text/plain", s);
  }
  raw(contentType: string, b: string | Uint8Array): void {
    const host = Reflect.get(globalThis, Symbol.for("Jupyter.display")) as Host | undefined;
    if (typeof host !== "function")
      throw new Error("cannot display: this code does not run in a Jupyter kernel");
    const place = this.#id === undefined ? {} : { id: this.#id, update: this.#shown };
    host({ [contentType]: b }, { raw: true, ...place });
    this.#shown = true;
  }
}

/** Shows things below the cell. */
export const display: Display = new KernelDisplay();
