// tfjs, loaded for a cell, gets this project's engine; a copy that the engine cannot serve, a word.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const NAME = "@tensorflow/tfjs";

/** Loads a module that is there. */
type LoadModule = (url: string) => unknown;

/** The parts of tfjs that name its back ends. */
interface Backends {
  findBackend(name: string): { firstUse?: boolean } | null;
}

export class Tfjs {
  readonly #projectRoot: string;
  readonly #offer: string;
  /** Resolved since the last call of serve(). */
  readonly #found = new Set<string>();
  readonly #served = new Set<string>();

  /** @param offer the file whose loading gives this project's tfjs the engine */
  constructor(projectRoot: string, offer: string) {
    this.#projectRoot = projectRoot;
    this.#offer = offer;
  }

  /** An import leads to a file. */
  note(name: string, url: string): void {
    if (name === NAME && !this.#served.has(url)) this.#found.add(url);
  }

  /** Looks after what has been loaded since the last time. */
  async serve(load: LoadModule): Promise<void> {
    for (const url of this.#found) {
      this.#found.delete(url);
      this.#served.add(url);
      if (url === this.#ownUrl()) await load(this.#offer);
      else this.#warn(url, (await load(url)) as Partial<Backends>);
    }
  }

  /** In place of tfjs's own advice, which names a package that does not help here. */
  #warn(url: string, module: Partial<Backends>): void {
    const cpu = module.findBackend?.("cpu");
    if (!cpu?.firstUse) return;
    cpu.firstUse = false;
    const path = fileURLToPath(url);
    const folder = path.slice(0, path.lastIndexOf(NAME) + NAME.length);
    console.log(
      `tfjs of ${folder} is a copy of its own and computes on its slow back end. For the fast engine ` +
        `remove that copy (npm uninstall ${NAME}): cells then find the one that abkd uses.`,
    );
  }

  #ownUrl(): string | undefined {
    const { resolve } = createRequire(join(this.#projectRoot, "cell.ts"));
    try {
      return pathToFileURL(resolve(NAME)).href;
    } catch {
      return undefined;
    }
  }
}
