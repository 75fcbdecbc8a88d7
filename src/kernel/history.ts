// The history of executed cells, in this session and earlier ones: SQLite in Jupyter's data folder.
import { chmodSync, lstatSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { nameAside } from "../base/aside.ts";
import { makeFolders } from "../base/folders.ts";
import { kernelVariable, NAME } from "../base/own-package.ts";
import { Glob } from "./glob.ts";

/** [session, line, source], or [session, line, [source, output]] with output. */
export type HistoryEntry = [number, number, string | [string, string | null]];

export interface Line {
  readonly count: number;
  readonly source: string;
  /** The result as plain text, if there was one. */
  readonly output: string | null;
}

export interface Range {
  /** A session's number; 0 is this session, -1 the one before it. */
  readonly session: number;
  readonly start: number;
  /** The first line that is not wanted; undefined for all. */
  readonly stop: number | undefined;
}

interface Row {
  readonly session: number;
  readonly line: number;
  readonly source: string;
  readonly output: string | null;
}

interface Opened {
  readonly database: DatabaseSync;
  readonly session: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (session INTEGER PRIMARY KEY AUTOINCREMENT, start TEXT);
  CREATE TABLE IF NOT EXISTS lines (
    session INTEGER, line INTEGER, source TEXT, output TEXT, PRIMARY KEY (session, line)
  );`;
/** The longest source or output that is kept. */
const ROW_CHARACTERS = 1_000_000;
/** The most characters in the entries of one answer. */
const ANSWER_CHARACTERS = 8_000_000;
const PAGE_ROWS = 50;
/** SQLite must never wait: everything that this process serves would wait with it. */
const BUSY_MILLISECONDS = 0;
/** Other kernels also write to the file, each for a moment. */
const ATTEMPTS = 4;
const ATTEMPT_MILLISECONDS = 20;
/** The wait between later attempts, at first and at most. */
const AGAIN_MILLISECONDS = [100, 5_000] as const;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** Rows that fail this were written by something else, or are damaged. */
const SOUND =
  "typeof(session) = 'integer' AND typeof(line) = 'integer' AND typeof(source) = 'text' " +
  "AND typeof(output) IN ('text', 'null') AND session BETWEEN 1 AND 9007199254740991 " +
  `AND line BETWEEN 0 AND 9007199254740991 AND length(source) <= ${ROW_CHARACTERS} ` +
  `AND ifnull(length(output), 0) <= ${ROW_CHARACTERS}`;

/** Returns the file that ABKD_KERNEL_HISTORY names, or a file in Jupyter's data folder. */
export function historyFile(env: NodeJS.ProcessEnv = process.env): string {
  const given = env[kernelVariable("HISTORY")];
  if (given) return given;
  const xdg = env["XDG_DATA_HOME"] || path.join(homedir(), ".local", "share");
  const usual =
    process.platform === "darwin"
      ? path.join(homedir(), "Library", "Jupyter")
      : path.join(xdg, "jupyter");
  return path.join(env["JUPYTER_DATA_DIR"] || usual, NAME, "history.sqlite");
}

/**
 * A history that never fails. It keeps this session's lines in memory and writes them to the file as
 * soon as it can. It retries a file that is locked, full or forbidden; it moves a damaged one aside and
 * starts a new one. `log` receives each problem once.
 */
export class History {
  readonly #file: string;
  readonly #log: (line: string) => void;
  /** This session's lines; the first `#written` of them are in the file. */
  readonly #lines: Omit<Row, "session">[] = [];
  #written = 0;
  #opened: Opened | undefined;
  /** This session's number in the file, once it has one. */
  #session: number | undefined;
  #again: NodeJS.Timeout | undefined;
  #wait: number = AGAIN_MILLISECONDS[0];
  /** The end of the last write: writes follow one another. */
  #last: Promise<void> = Promise.resolve();

  constructor(file: string, log: (line: string) => void) {
    this.#file = file;
    this.#log = log;
  }

  /** Resolves when the line is written or a retry is scheduled. Lines of over a million characters are not kept. */
  add({ count, source, output }: Line): Promise<void> {
    if (source.length > ROW_CHARACTERS) return this.#last;
    const isShort = output !== null && output.length <= ROW_CHARACTERS;
    this.#lines.push({ line: count, source, output: isShort ? output : null });
    // If the file cannot be written, the next attempt is already scheduled.
    if (this.#again === undefined) this.#last = this.#last.then(() => this.#write());
    return this.#last;
  }

  /** Returns the last `n` lines, including those of earlier sessions. */
  tail(n: number, output: boolean): Promise<HistoryEntry[]> {
    return this.#latest(n, output, () => true);
  }

  async range({ session, start, stop }: Range, output: boolean): Promise<HistoryEntry[]> {
    await this.#last;
    const current = this.#session ?? 1;
    const wanted = session > 0 ? session : current + session;
    const end = stop ?? Number.MAX_SAFE_INTEGER;
    const isWanted = ({ line }: { line: number }): boolean => line >= start && line < end;
    const rows =
      wanted === current
        ? this.#own().filter(isWanted)
        : this.#query(
            "AND session = ? AND line >= ? AND line < ? ORDER BY line LIMIT 10000",
            [wanted, start, end],
            output,
          );
    const answer = new Answer(output);
    for (const row of rows) if (!answer.add(row)) break;
    return answer.entries;
  }

  /**
   * Returns the last `n` lines that match the glob pattern; if `unique`, only the latest of equal ones.
   * @throws Error if the pattern is too long
   */
  async search(
    pattern: string,
    n: number,
    unique: boolean,
    output: boolean,
  ): Promise<HistoryEntry[]> {
    const glob = new Glob(pattern);
    const seen = new Set<string>();
    return await this.#latest(n, output, ({ source }) => {
      if (glob.exhausted) return undefined;
      if (!glob.matches(source) || (unique && seen.has(source))) return false;
      seen.add(source);
      return true;
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#again);
    await this.#last;
    await this.#writeLines().catch(() => {}); // the reason is already logged
    clearTimeout(this.#again);
    this.#opened?.database.close();
    this.#opened = undefined;
  }

  /** @param isWanted returns undefined to end the search */
  async #latest(
    n: number,
    output: boolean,
    isWanted: (row: Row) => boolean | undefined,
  ): Promise<HistoryEntry[]> {
    await this.#last;
    const answer = new Answer(output);
    for await (const row of n > 0 ? this.#newestFirst(output) : []) {
      const wanted = isWanted(row);
      if (wanted === undefined || (wanted && !answer.add(row))) break;
      if (answer.entries.length >= n) break;
    }
    return answer.entries.reverse();
  }

  /** Yields this session's lines from memory, because they may not be in the file yet. */
  async *#newestFirst(output: boolean): AsyncGenerator<Row> {
    const own = this.#own().reverse();
    const current = this.#session ?? 1;
    const page = `AND (session, line) < (?, ?) ORDER BY session DESC, line DESC LIMIT ${PAGE_ROWS}`;
    let hasOwn = false;
    let last: readonly [number, number] | undefined = [Number.MAX_SAFE_INTEGER, 0];
    while (last) {
      const rows = this.#query(page, last, output);
      for (const row of rows) {
        if (!hasOwn && row.session <= current) {
          yield* own;
          hasOwn = true;
        }
        if (row.session !== current) yield row;
      }
      const end = rows.at(-1);
      last = end && [end.session, end.line];
      await turn();
    }
    if (!hasOwn) yield* own;
  }

  #own(): Row[] {
    const session = this.#session ?? 1;
    return this.#lines.map((line) => ({ session, ...line }));
  }

  /**
   * Returns rows of the file, up to the one that fills an answer. If the file cannot be read, returns
   * none and logs a line.
   */
  #query(condition: string, values: readonly number[], output: boolean): Row[] {
    if (!this.#opened) return [];
    const columns = `session, line, source, ${output ? "output" : "NULL AS output"}`;
    const sql = `SELECT ${columns} FROM lines WHERE ${SOUND} ${condition}`;
    const rows: Row[] = [];
    let characters = 0;
    try {
      const found = this.#opened.database.prepare(sql).iterate(...values);
      for (const row of found as Iterable<unknown> as Iterable<Row>) {
        rows.push(row);
        characters += row.source.length + (row.output?.length ?? 0);
        if (characters > ANSWER_CHARACTERS) break;
      }
      return rows;
    } catch (error) {
      this.#log(
        `history: ${this.#file}: ${(error as Error).message}; only this session's history is available`,
      );
      return [];
    }
  }

  async #write(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#writeLines();
        this.#wait = AGAIN_MILLISECONDS[0];
        return;
      } catch (error) {
        const trouble = this.#recover(error as Error);
        if (attempt === ATTEMPTS) {
          this.#writeLater(trouble);
          return;
        }
        await delay(attempt * ATTEMPT_MILLISECONDS * (1 + Math.random()));
      }
    }
  }

  async #writeLines(): Promise<void> {
    if (this.#file === ":memory:" || this.#written === this.#lines.length) return;
    this.#opened ??= await this.#open();
    const { database, session } = this.#opened;
    const sql = "INSERT OR REPLACE INTO lines (session, line, source, output) VALUES (?, ?, ?, ?)";
    const insert = database.prepare(sql);
    for (; this.#written < this.#lines.length; this.#written++) {
      const { line, source, output } = this.#lines[this.#written] as Row;
      insert.run(session, line, source, output);
    }
  }

  #writeLater({ message }: Error): void {
    if (this.#wait === AGAIN_MILLISECONDS[0]) {
      this.#log(`history: ${this.#file}: ${message}; kept in memory until it can be written`);
    }
    this.#again = setTimeout(() => {
      this.#again = undefined;
      this.#last = this.#last.then(() => this.#write());
    }, this.#wait).unref();
    this.#wait = Math.min(2 * this.#wait, AGAIN_MILLISECONDS[1]);
  }

  /**
   * After any error but another kernel's lock, reopens the file and writes it from the start.
   * @returns the error, extended with the reason if a damaged file could not be moved aside
   */
  #recover(error: Error): Error {
    const code = resultCode(error);
    if (code === SQLITE_BUSY) return error;
    this.#written = 0;
    try {
      this.#opened?.database.close();
      this.#opened = undefined;
      if (code !== SQLITE_CORRUPT && code !== SQLITE_NOTADB) return error;
      const aside = setAside(this.#file);
      this.#session = undefined;
      this.#log(`history: the damaged file was renamed to ${aside}, and a new one is started`);
      return error;
    } catch (failure) {
      return new Error(`${error.message}, and ${(failure as Error).message}`);
    }
  }

  async #open(): Promise<Opened> {
    makeFolders(path.dirname(this.#file), 0o700);
    const database = await connect(this.#file);
    try {
      this.#session = begin(database, this.#session);
      return { database, session: this.#session };
    } catch (error) {
      database.close();
      throw error;
    }
  }
}

/** The entries of one answer, up to its size limit. */
class Answer {
  readonly entries: HistoryEntry[] = [];
  readonly #output: boolean;
  #characters = 0;

  constructor(output: boolean) {
    this.#output = output;
  }

  /** @returns whether there was room */
  add({ session, line, source, output }: Row): boolean {
    this.#characters += source.length + (this.#output ? (output?.length ?? 0) : 0);
    if (this.#characters > ANSWER_CHARACTERS) return false;
    this.entries.push([session, line, this.#output ? [source, output] : source]);
    return true;
  }
}

/**
 * Renames a database, and the log that its last lines may be in, to free names.
 * @returns the database's new name
 */
function setAside(file: string): string {
  const aside = nameAside(file, "damaged");
  rmSync(`${file}-shm`, { force: true });
  // The log goes first: a new database must not find it.
  const hasLog = lstatSync(`${file}-wal`, { throwIfNoEntry: false }) !== undefined;
  if (hasLog) renameSync(`${file}-wal`, `${aside}-wal`);
  renameSync(file, aside);
  return aside;
}

/** Returns SQLite's result code without the detail in its upper bits. */
function resultCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** Loads SQLite when it is first needed, which is after the first cell. */
async function connect(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(file, { timeout: BUSY_MILLISECONDS });
  try {
    chmodSync(file, 0o600); // it holds people's code, so only its owner may read it
    // No cell waits for the disk; a power cut may lose the last lines.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    database.exec(SCHEMA);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** Returns the number of a new session, or this session's number if the file already has it. */
function begin(database: DatabaseSync, session: number | undefined): number {
  const known = database.prepare("SELECT 1 FROM sessions WHERE session = ?").get(session ?? 0);
  if (session !== undefined && known) return session;
  const sql = "INSERT INTO sessions (start) VALUES (datetime('now'))";
  return Number(database.prepare(sql).run().lastInsertRowid);
}
