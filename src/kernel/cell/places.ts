// Maps places in loaded modules to places in the files as written.
import { fileURLToPath } from "node:url";
import type { LoadedModule } from "./local.ts";
import { Lines, type Position } from "./source.ts";

export interface Place extends Position {
  readonly path: string;
}

/** Places in modules, by the URLs that appear in stack traces. */
export class Places {
  readonly #modules = new Map<string, { code: LoadedModule; lines?: Lines }>();

  add(url: string, code: LoadedModule): void {
    this.#modules.set(url, { code });
  }

  of(url: string, line: number, column: number): Place | undefined {
    if (!url.startsWith("file:")) return undefined;
    const path = fileURLToPath(url);
    const module = this.#modules.get(url);
    if (!module) return { path, line, column };
    module.lines ??= new Lines(module.code.code);
    const offset = module.lines.offset({ line, column });
    return { path, ...(offset === undefined ? { line, column } : module.code.origin(offset)) };
  }
}
