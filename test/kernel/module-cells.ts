// Cells in a folder of their own, in this process, with modules that a test writes there.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { CellError, Repl } from "./repl.ts";

/** Where a file's running test has its cells and modules. */
export class ModuleCells {
  folder = "";
  #repl: Repl | undefined;

  constructor() {
    beforeEach(() => {
      this.folder = mkdtempSync(join(tmpdir(), "abkd-modules-"));
      this.#repl = new Repl(this.folder);
    });
    afterEach(() => {
      this.repl.close();
      rmSync(this.folder, { recursive: true });
    });
  }

  get repl(): Repl {
    if (!this.#repl) throw new Error("no test is running");
    return this.#repl;
  }

  readonly write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      const path = join(this.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  };

  readonly run = (source: string): Promise<unknown> => this.repl.run(source);

  /** Returns what a cell throws. */
  readonly failure = async (source: string): Promise<Error> => {
    try {
      await this.run(source);
    } catch (error) {
      return error instanceof CellError ? error.thrown : (error as Error);
    }
    throw new Error(`no error: ${source}`);
  };
}
