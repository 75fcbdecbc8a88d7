// Gives tfjs, when a cell loads it, this project's engine; warns of a copy that the engine cannot serve.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Folders, shortPath } from "../short-path.ts";

const NAMES: readonly string[] = ["", "-core", "-layers"].map((part) => `@tensorflow/tfjs${part}`);

/** Loads a module that exists. */
type LoadModule = (url: string) => unknown;

/** The parts of tfjs that know its back ends. */
interface Backends {
  findBackend(name: string): { firstUse?: boolean } | null;
}

export class Tfjs {
  readonly #folders: Folders;
  readonly #offer: string | undefined;
  /** Packages by the URL they were resolved to since the last call of serve(). */
  readonly #found = new Map<string, string>();
  readonly #served = new Set<string>();

  /** @param offer the file that, when loaded, gives this project's tfjs the engine, if it has one */
  constructor(folders: Folders, offer: string | undefined) {
    this.#folders = folders;
    this.#offer = offer;
  }

  /** Notes that an import resolves to a file. */
  note(name: string, url: string): void {
    if (NAMES.includes(name) && !this.#served.has(url)) this.#found.set(url, name);
  }

  /** Handles the packages that have been loaded since the last call. */
  async serve(load: LoadModule): Promise<void> {
    if (!this.#offer) return;
    for (const [url, name] of this.#found) {
      this.#found.delete(url);
      this.#served.add(url);
      if (url === this.#ownUrl(name)) await load(this.#offer);
      else this.#warn(name, url, (await load(url)) as Partial<Backends>);
    }
  }

  #ownUrl(name: string): string | undefined {
    const { resolve } = createRequire(join(this.#folders.projectRoot, "cell.ts"));
    try {
      return pathToFileURL(resolve(name)).href;
    } catch {
      return undefined;
    }
  }

  /** Replaces tfjs's own advice, which names a package that does not help here. */
  #warn(name: string, url: string, module: Partial<Backends>): void {
    const cpu = module.findBackend?.("cpu");
    if (!cpu?.firstUse) return;
    cpu.firstUse = false;
    const path = fileURLToPath(url);
    const modules = path.slice(0, path.lastIndexOf(name) - 1);
    const copy = join(shortPath(dirname(modules), this.#folders), "node_modules", name);
    console.log(
      `tfjs in ${copy} is a separate copy and computes on its slow back end. For the fast engine ` +
        `remove that copy (npm uninstall ${name}): cells then find the one that abkd uses.`,
    );
  }
}
