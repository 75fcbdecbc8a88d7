// A notebook in a temporary folder, with the real language service.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Completion, Diagnosis, Inspection } from "../../src/kernel/types/protocol.ts";
import { TypeService, type TypeServiceOptions } from "../../src/kernel/types/service.ts";

export const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));

// The orders of eight things are 40,320 types: checking each of the many sets takes a second or two.
const SETS = Array.from({ length: 40 }, (_, set) => {
  return Array.from({ length: 8 }, (_, i) => `"${set}.${i}"`).join(" | ");
});
/** A cell that keeps the language service busy for a minute, but runs at once. */
export const SLOW = `type Orders<T, U = T> =
  [T] extends [never] ? [] : U extends U ? [U, ...Orders<Exclude<T, U>>] : never;
${SETS.map((set, i) => `const o${i}: Orders<${set}> = 0;`).join("\n")}`;

export class TypedNotebook {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), "abkd-types-")));
  readonly service: TypeService;
  #count = 0;

  constructor(options: Partial<TypeServiceOptions> = {}) {
    this.service = new TypeService({
      folder: this.folder,
      projectRoot: PROJECT_ROOT,
      timeLimit: 60_000,
      ...options,
    });
  }

  write(path: string, text: string): void {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Executes a cell, as far as types are concerned. */
  run(code: string): number {
    this.service.record(++this.#count, code);
    return this.#count;
  }

  /** Executes a cell and returns its type errors. */
  check(code: string): Promise<Diagnosis> {
    return this.service.diagnostics(this.run(code), code);
  }

  async errors(code: string): Promise<number[]> {
    return (await this.check(code)).problems.map((problem) => problem.code);
  }

  /** Completes at `|`, which marks the cursor. */
  complete(marked: string): Promise<Completion> {
    return this.service.complete(marked.replace("|", ""), marked.indexOf("|"));
  }

  /** Returns what the cell would become with each match. */
  async completed(marked: string): Promise<string[]> {
    const code = marked.replace("|", "");
    const { matches, start, end } = await this.complete(marked);
    return matches.map((match) => code.slice(0, start) + match + code.slice(end));
  }

  inspect(marked: string, detailLevel = 0): Promise<Inspection> {
    return this.service.inspect(marked.replace("|", ""), marked.indexOf("|"), detailLevel);
  }

  async close(): Promise<void> {
    await this.service.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
