// What was executed, in this session and earlier ones: SQLite in Jupyter's data folder.
import { chmodSync, mkdirSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

/** [session, line, source], or with output [session, line, [source, output]]. */
export type HistoryEntry = [number, number, string | [string, string | null]];

export interface Line {
  readonly count: number;
  readonly source: string;
  /** The result as plain text, where there was one. */
  readonly output: string | null;
}

export interface Range {
  /** 0 is this session, -1 the one before it. */
  readonly session: number;
  readonly start: number;
  /** The first line not wanted; undefined for all. */
  readonly stop: number | undefined;
}

interface Row {
  session: number;
  line: number;
  source: string;
  output: string | null;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sessions (session INTEGER PRIMARY KEY AUTOINCREMENT, start TEXT);
  CREATE TABLE IF NOT EXISTS lines (
    session INTEGER, line INTEGER, source TEXT, output TEXT, PRIMARY KEY (session, line)
  );`;
/** Several kernels write to one file; a write does not wait longer for the others. */
const BUSY_MILLISECONDS = 150;
/** Kernels that make the file at the same moment refuse each other at once. */
const OPEN_ATTEMPTS = 4;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** $ABKD_KERNEL_HISTORY, or a file in Jupyter's data folder. */
export function historyFile(env: NodeJS.ProcessEnv = process.env): string {
  const given = env["ABKD_KERNEL_HISTORY"];
  if (given) return given;
  const xdg = env["XDG_DATA_HOME"] || path.join(homedir(), ".local", "share");
  const usual =
    process.platform === "darwin"
      ? path.join(homedir(), "Library", "Jupyter")
      : path.join(xdg, "jupyter");
  return path.join(env["JUPYTER_DATA_DIR"] || usual, "abkd", "history.sqlite");
}

/**
 * A history that never fails: where its file is damaged it begins a new one, and where that cannot
 * be written it keeps this session in memory. `log` hears of both.
 */
export class History {
  readonly #file: string;
  readonly #log: (line: string) => void;
  readonly #session: Row[] = [];
  #database: Promise<{ database: DatabaseSync; session: number }> | undefined;
  /** One after the other: a failure in one must not overtake the next. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: string, log: (line: string) => void) {
    this.#file = file;
    this.#log = log;
  }

  add({ count, source, output }: Line): Promise<void> {
    const row = { session: 0, line: count, source, output };
    this.#session.push(row);
    return this.#use((database, session) => insert(database, session, row));
  }

  /** The last `n` lines, of earlier sessions too. */
  tail(n: number, output: boolean): Promise<HistoryEntry[]> {
    const sql = "SELECT * FROM lines ORDER BY session DESC, line DESC LIMIT ?";
    return this.#use((database) => entries(database.prepare(sql).all(limit(n)).reverse(), output));
  }

  range({ session, start, stop }: Range, output: boolean): Promise<HistoryEntry[]> {
    const sql = "SELECT * FROM lines WHERE session = ? AND line >= ? AND line < ? ORDER BY line";
    return this.#use((database, current) => {
      const wanted = session > 0 ? session : current + session;
      const end = stop ?? Number.MAX_SAFE_INTEGER;
      return entries(database.prepare(sql).all(wanted, start, end), output);
    });
  }

  /** The last `n` lines that match the glob pattern; of equal ones the latest, if `unique`. */
  search(pattern: string, n: number, unique: boolean, output: boolean): Promise<HistoryEntry[]> {
    const latest =
      "AND NOT EXISTS (SELECT 1 FROM lines AS later WHERE later.source = lines.source " +
      "AND (later.session, later.line) > (lines.session, lines.line))";
    const sql =
      `SELECT * FROM lines WHERE source GLOB ? ${unique ? latest : ""} ` +
      "ORDER BY session DESC, line DESC LIMIT ?";
    return this.#use((database) =>
      entries(database.prepare(sql).all(pattern, limit(n)).reverse(), output),
    );
  }

  async close(): Promise<void> {
    await this.#last;
    const opened = await this.#database;
    this.#database = undefined;
    opened?.database.close();
  }

  #use<T>(work: (database: DatabaseSync, session: number) => T): Promise<T> {
    const result = this.#last.then(async () => {
      try {
        this.#database ??= this.#open();
        const { database, session } = await this.#database;
        return work(database, session);
      } catch (error) {
        this.#log(
          `history: ${this.#file}: ${(error as Error).message}; kept in memory from here on`,
        );
        (await this.#database?.catch(() => undefined))?.database.close();
        this.#database = this.#remember();
        const { database, session } = await this.#database;
        return work(database, session);
      }
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #open(): Promise<{ database: DatabaseSync; session: number }> {
    if (this.#file === ":memory:") return this.#remember();
    mkdirSync(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    try {
      return await patiently(async () => begin(await connect(this.#file)));
    } catch (error) {
      const code = resultCode(error);
      if (code !== SQLITE_CORRUPT && code !== SQLITE_NOTADB) throw error;
      const aside = `${this.#file}.damaged`;
      renameSync(this.#file, aside);
      this.#log(`history: the damaged file is now ${aside}; a new one begins`);
      return begin(await connect(this.#file));
    }
  }

  /** A database in memory with what this session has executed. */
  async #remember(): Promise<{ database: DatabaseSync; session: number }> {
    const opened = begin(await connect(":memory:"));
    for (const row of this.#session) insert(opened.database, opened.session, row);
    return opened;
  }
}

/** Tries again where another process has the file locked. */
async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (resultCode(error) !== SQLITE_BUSY || attempt === OPEN_ATTEMPTS) throw error;
      await delay(attempt * 20 * (1 + Math.random()));
    }
  }
}

/** SQLite's result code without the detail in its upper bits. */
function resultCode(error: unknown): number {
  return ((error as { errcode?: number }).errcode ?? 0) & 0xff;
}

/** Loaded when it is first needed, which is after the first cell. */
async function connect(file: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(file, { timeout: BUSY_MILLISECONDS });
  try {
    // People's code: for its owner alone.
    if (file !== ":memory:") chmodSync(file, 0o600);
    // Without a wait for the disk at each cell; what a power cut may lose is the last lines.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    database.exec(SCHEMA);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function begin(database: DatabaseSync): { database: DatabaseSync; session: number } {
  const sql = "INSERT INTO sessions (start) VALUES (datetime('now'))";
  const { lastInsertRowid } = database.prepare(sql).run();
  return { database, session: Number(lastInsertRowid) };
}

function insert(database: DatabaseSync, session: number, { line, source, output }: Row): void {
  const sql = "INSERT OR REPLACE INTO lines (session, line, source, output) VALUES (?, ?, ?, ?)";
  database.prepare(sql).run(session, line, source, output);
}

function entries(rows: readonly unknown[], output: boolean): HistoryEntry[] {
  return (rows as Row[]).map((row) => [
    row.session,
    row.line,
    output ? [row.source, row.output] : row.source,
  ]);
}

/** SQLite takes a negative limit for none. */
function limit(n: number): number {
  return Math.max(0, n);
}
