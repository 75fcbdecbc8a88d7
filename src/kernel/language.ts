// Completion, inspection, is_complete and type warnings, from the language service and the runner's names.
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { kernelVariable } from "../base/own-package.ts";
import { codePoints, utf16Offset } from "./code-points.ts";
import { integerOf, textOf } from "./contents.ts";
import type { Cell } from "./executions.ts";
import { log } from "./log.ts";
import { nameBefore } from "./typed-name.ts";
import { TypeService } from "./types/service.ts";
import type { Content } from "./wire.ts";

export interface LanguageOptions {
  /** Returns names as they are at run time. */
  readonly members: (expression: string) => Promise<readonly string[]>;
  /** Shows type warnings under a cell. */
  readonly warn: (cell: Cell, text: string) => void;
}

/** The service starts by itself once nothing has run for this long. */
const IDLE_MILLISECONDS = 500;
/** How long names known at run time wait for their types. It is short, because front ends soon give up. */
const TYPES_MILLISECONDS = 500;
/** What can be written after a dot, or alone. */
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The longest code that is analysed: TypeScript reads each recorded cell for every later question. */
const CHARACTERS = 200_000;
/** Longer names are not completed. */
const NAME_CHARACTERS = 500;

export class Language {
  readonly #options: LanguageOptions;
  readonly #service = new TypeService({ folder: process.cwd(), projectRoot: PROJECT_ROOT });
  #unchecked: Cell[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LanguageOptions) {
    this.#options = options;
  }

  /** Notes that something runs: this is no time to load a compiler. */
  busy(): void {
    clearTimeout(this.#timer);
  }

  idle(): void {
    clearTimeout(this.#timer);
    if (this.#service.started) return;
    this.#timer = setTimeout(() => {
      this.#service.start().then(() => this.#checkAll(), logged);
    }, IDLE_MILLISECONDS);
  }

  /** Takes a cell that was executed. */
  record(cell: Cell): void {
    if (cell.code.length > CHARACTERS) return;
    this.#service.record(cell.count, cell.code);
    if (!wantsDiagnostics(cell)) return;
    this.#unchecked.push(cell);
    if (this.#service.started) this.#checkAll();
  }

  /** Completes by types; by run-time names if the types offer nothing or come too late. */
  async complete(content: Content): Promise<Content> {
    const code = textOf(content, "code");
    const cursor = utf16Offset(code, integerOf(content, "cursor_pos", code.length));
    const place = placesIn(code);
    const isShort = code.length <= CHARACTERS;
    const typed = isShort
      ? this.#service.complete(code, cursor).catch(logged)
      : Promise.resolve(undefined);
    const known = this.#runtimeNames(code, cursor);
    // Only types know strings, keys and the members of what a call returns, so wait for them when
    // there are no run-time names.
    const late = known.then(({ matches }) =>
      matches.length > 0 ? delay(TYPES_MILLISECONDS, undefined) : typed,
    );
    const found = await Promise.race([typed, late]);
    if (found && found.matches.length > 0) {
      const types = found.types.map((type) => ({
        ...type,
        start: place(type.start),
        end: place(type.end),
      }));
      return {
        status: "ok",
        matches: found.matches,
        cursor_start: place(found.start),
        cursor_end: place(found.end),
        metadata: { _jupyter_types_experimental: types },
      };
    }
    const { matches, start } = await known;
    return {
      status: "ok",
      matches,
      cursor_start: place(start),
      cursor_end: place(cursor),
      metadata: {},
    };
  }

  /** Returns the session's variables and globals, or the members of an existing value. */
  async #runtimeNames(
    code: string,
    cursor: number,
  ): Promise<{ readonly matches: readonly string[]; readonly start: number }> {
    const before = beforeCursor(code, cursor);
    const typed = nameBefore(before, before.length);
    if (!typed) return { matches: [], start: cursor };
    const { object, prefix } = typed;
    const names = await this.#options.members(object);
    const matches = names.filter((name) => name.startsWith(prefix) && IDENTIFIER.test(name));
    return { matches, start: cursor - prefix.length };
  }

  async inspect(content: Content): Promise<Content> {
    const code = textOf(content, "code");
    const cursor = utf16Offset(code, integerOf(content, "cursor_pos", code.length));
    const level = integerOf(content, "detail_level", 0);
    const isShort = code.length <= CHARACTERS;
    const inspection = isShort && (await this.#service.inspect(code, cursor, level).catch(logged));
    const { found, data } = inspection || { found: false, data: {} };
    return { status: "ok", found, data, metadata: {} };
  }

  async isComplete(content: Content): Promise<Content> {
    const code = textOf(content, "code");
    const isShort = code.length <= CHARACTERS;
    const completeness = isShort && (await this.#service.isComplete(code).catch(logged));
    if (!completeness) return { status: "unknown" };
    const { status, indent } = completeness;
    return status === "incomplete" ? { status, indent } : { status };
  }

  #checkAll(): void {
    for (const cell of this.#unchecked.splice(0)) {
      this.#service.diagnostics(cell.count, cell.code).then(({ text }) => {
        if (text !== "") this.#options.warn(cell, text);
      }, logged);
    }
  }
}

/** Converts offsets to Jupyter's, each once: an answer has few, and the text may be long. */
function placesIn(code: string): (offset: number) => number {
  const known = new Map<number, number>();
  return (offset) => {
    const place = known.get(offset) ?? codePoints(code, offset);
    known.set(offset, place);
    return place;
  };
}

/** Returns as much text before the cursor as a name can have. */
function beforeCursor(code: string, cursor: number): string {
  return code.slice(Math.max(0, cursor - NAME_CHARACTERS), cursor);
}

/** Logs the service's own problems: a front end asked about its code, and is not told of them. */
function logged(error: Error): undefined {
  log(error.message);
}

/** Whether type errors are shown. Headless runs hide them: saved notebooks must not depend on timing. */
function wantsDiagnostics({ allowInput }: Cell): boolean {
  const setting = process.env[kernelVariable("DIAGNOSTICS")];
  if (setting === "on" || setting === "off") return setting === "on";
  return allowInput;
}
