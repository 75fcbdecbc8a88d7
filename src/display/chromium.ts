// A headless Chromium: how it is found, started, and driven over a pipe (the DevTools protocol).
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { access, constants, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { UserError } from "../base/errors.ts";
import { printable } from "../base/printable.ts";
import { isRunning } from "../base/processes.ts";

/** Advice for someone who wants pictures and has no browser. */
const advice =
  "no Chromium was found: install one (Debian: `apt-get install chromium`; elsewhere Google Chrome, " +
  "or `npm install @sparticuz/chromium`), or name its executable in $CHROMIUM";

/** Returns this advice, and says if $CHROMIUM names something that cannot be run. */
export function noBrowserAdvice(): string {
  const named = process.env["CHROMIUM"];
  return named ? `${advice} ($CHROMIUM is ${printable(named, 200)}, which cannot be run)` : advice;
}

const macApplications = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** A folder's execute permission says that it may be entered, so folders are excluded. */
async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** The optional package @sparticuz/chromium carries a Chromium for Linux servers. */
async function packagedChromium(): Promise<string | undefined> {
  try {
    const { resolve } = createRequire(import.meta.url);
    const { default: packaged } = await import(resolve("@sparticuz/chromium"));
    return await packaged.executablePath();
  } catch {
    return undefined;
  }
}

/**
 * Finds a Chromium: $CHROMIUM, then `chromium`, `chromium-browser` or `google-chrome` in $PATH,
 * then macOS's applications, then the package @sparticuz/chromium if someone installed it.
 * @returns the executable's path, or undefined if there is none
 */
export async function findChromium(): Promise<string | undefined> {
  const candidates = process.env["CHROMIUM"] ? [process.env["CHROMIUM"]] : [];
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter).filter(Boolean))
    for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
      candidates.push(path.join(folder, name));
  candidates.push(...macApplications);
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  return packagedChromium();
}

const switches = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-default-apps",
  "--disable-dev-shm-usage",
  "--disable-extensions",
  "--disable-sync",
  "--hide-scrollbars",
  "--mute-audio",
  "--password-store=basic",
  "--use-mock-keychain",
  // Equal figures must give equal bytes.
  "--font-render-hinting=none",
  "--force-color-profile=srgb",
  "--force-device-scale-factor=1",
  "--disable-lcd-text",
  "--disable-gpu",
];

/** A browser's profile folder is named after the process that it belongs to. */
const PROFILE = "abkd-chromium-";
const OWN_PROFILE = new RegExp(`^${PROFILE}(\\d+)-`);

/** Removes what killed processes left behind, such as Jupyter kernels that were restarted. */
function removeOrphans(): void {
  for (const name of readdirSync(tmpdir())) {
    // Only whole names: others may begin the same way, and 9mhB53 is no process.
    const pid = Number(OWN_PROFILE.exec(name)?.[1]);
    if (!(pid > 0)) continue;
    try {
      if (!isRunning(pid)) rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // It belongs to another user.
    }
  }
}

interface Reply {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * A browser of our own. It keeps this process alive only while an answer is awaited, and ends with it: it is
 * killed at exit, or ended by its closed pipe if this process is killed.
 */
export class Chromium {
  readonly #child: ChildProcess;
  readonly #executable: string;
  /** Whether it has ever answered: if not, it is no browser or cannot start here. */
  #answered = false;
  readonly #profile: string;
  readonly #pending = new Map<number, Pending>();
  #parts: Buffer[] = [];
  #next = 1;
  #alive = true;
  readonly #atExit = (): void => this.close();

  /** @param executable from findChromium(); a failure to start shows here or in the first send() */
  constructor(executable: string) {
    removeOrphans();
    this.#executable = executable;
    this.#profile = mkdtempSync(path.join(tmpdir(), `${PROFILE}${process.pid}-`));
    // Chromium's sandbox refuses to run as root.
    const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const parameters = [...switches, ...root, `--user-data-dir=${this.#profile}`, "about:blank"];
    try {
      this.#child = spawn(executable, parameters, {
        stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
        // In a group of its own: Ctrl-C does not reach the browser, and all its processes end together.
        detached: true,
        env: { ...process.env, TMPDIR: this.#profile },
      });
    } catch (error) {
      // Some failures are thrown at once (a file that is no program), others arrive as events.
      rmSync(this.#profile, { recursive: true, force: true });
      throw this.#failure((error as Error).message);
    }
    this.#child.on("error", (error) => this.#end(error.message));
    this.#child.on("exit", (code, signal) => this.#end(`it ended with ${signal ?? code}`));
    this.#commands.on("error", (error) => this.#end(error.message));
    this.#answers.on("data", (chunk: Buffer) => this.#read(chunk));
    process.on("exit", this.#atExit);
    this.#holdProcess(false);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** @throws if the browser is gone or refuses; UserError if it never started */
  send<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#alive) throw new Error("the browser is gone");
      const id = this.#next++;
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#holdProcess(true);
      this.#commands.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Ends the browser at once, whatever it is doing. */
  close(): void {
    this.#answered = true;
    this.#end("it was closed");
  }

  #failure(why: string): Error {
    if (this.#answered) return new Error(`the browser is gone: ${why}`);
    return new UserError(
      `${this.#executable} cannot be started as a browser: ${why}; name a Chromium in $CHROMIUM`,
      { exitCode: 1 },
    );
  }

  get #commands(): Writable {
    return this.#child.stdio[3] as Writable;
  }

  get #answers(): Readable {
    return this.#child.stdio[4] as Readable;
  }

  #holdProcess(hold: boolean): void {
    const handles = [this.#child, this.#commands, this.#answers] as unknown as NodeJS.Timeout[];
    for (const handle of handles) {
      if (hold) handle.ref();
      else handle.unref();
    }
  }

  /** Splits the stream into messages, which end with a zero byte. */
  #read(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, from)) {
      this.#parts.push(chunk.subarray(from, end));
      const text = Buffer.concat(this.#parts).toString();
      this.#parts = [];
      from = end + 1;
      this.#answer(JSON.parse(text) as Reply);
    }
    if (from < chunk.length) this.#parts.push(chunk.subarray(from));
  }

  #answer({ id, result, error }: Reply): void {
    this.#answered = true;
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || !pending) return;
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#holdProcess(false);
    if (error) pending.reject(new Error(`the browser: ${error.message}`));
    else pending.resolve(result);
  }

  #end(why: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    process.off("exit", this.#atExit);
    this.#holdProcess(false);
    for (const { reject } of this.#pending.values()) reject(this.#failure(why));
    this.#pending.clear();
    this.#commands.destroy();
    this.#answers.destroy();
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // It has already ended by itself.
    }
    try {
      rmSync(this.#profile, { recursive: true, force: true, maxRetries: 3 });
    } catch {
      // Its last writes may come later; the rest stays in the folder for temporary files.
    }
  }
}
