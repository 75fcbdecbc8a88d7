// The process that runs the cells, as the supervisor sees it: commands go in, events and its end come out.
import { type ChildProcess, spawn } from "node:child_process";
import { enableCompileCache } from "node:module";
import path from "node:path";
import type { Duplex, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Command, Event } from "./channel.ts";
import { CommandDecoder, encodeCommand } from "./commands.ts";
import { type Death, LAST_WORDS, LINK_LOST } from "./death.ts";
import { type Decoded, FrameDecoder, newToken, TOKEN_VARIABLE } from "./frames.ts";

export interface RunnerListener {
  event(event: Event): void;
  /** Takes text that child processes or native code wrote. */
  text(name: "stdout" | "stderr", text: string): void;
  /** Called when the process has ended and everything that it wrote has been delivered. */
  died(death: Death): void;
}

/** How much of standard error is kept: enough for V8's last words. */
const TAIL_CHARACTERS = 65_536;
/** An interrupt stops Node's own code too: without this flag, Node aborts when a timer was stopped. */
const UNCHECKED = "--no-force-async-hooks-checks";
/** The wait after the exit for pipes that the runner's children keep open. */
const CLOSE_MILLISECONDS = 300;

/** What Node prints at an exit while a debugger is attached. */
const DETACHING = "Waiting for the debugger to disconnect...\n";

export class RunnerProcess {
  readonly #child: ChildProcess;
  readonly #token = newToken();
  readonly #ended: Promise<Pick<Death, "code" | "signal">>;
  #ready = false;
  #exit: Death["exit"];
  #tail = "";
  /** Standard error since V8 announced its end; shown only if the runner survives. */
  #held = "";

  /** Starts the process at once; its output waits for `listen`. */
  constructor() {
    const extension = path.extname(import.meta.url);
    const file = fileURLToPath(new URL(`./runner-entry${extension}`, import.meta.url));
    const quiet = "--disable-warning=ExperimentalWarning";
    const flags = [...process.execArgv.filter((flag) => flag !== quiet), quiet, UNCHECKED];
    this.#child = spawn(process.execPath, [...flags, file], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      // A shared compile cache halves the time and memory of a start.
      env: {
        NODE_COMPILE_CACHE: enableCompileCache().directory,
        ...process.env,
        [TOKEN_VARIABLE]: this.#token,
      },
      // The runner has a process group of its own: the supervisor decides which signals to pass on,
      // and can end the runner's children with it.
      detached: true,
    });
    this.#ended = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void =>
        resolve({ code, signal });
      this.#child.on("close", end);
      this.#child.on("exit", (code, signal) => {
        setTimeout(() => end(code, signal), CLOSE_MILLISECONDS);
      });
      this.#child.on("error", ({ message }) => {
        this.#tail += message;
        end(null, null);
      });
    });
    // A failed write to a process that has just ended is no error; a closed pipe ends a process that lives.
    this.#commands.on("error", () => {});
    this.#commands.on("close", () => {
      setTimeout(() => this.#lost("it was closed"), CLOSE_MILLISECONDS).unref();
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves when the process has ended. */
  get ended(): Promise<unknown> {
    return this.#ended;
  }

  listen(listener: RunnerListener): void {
    this.#read("stdout", listener);
    this.#read("stderr", listener);
    this.#readLink(listener);
    void this.#ended.then((end) => {
      listener.died({ ...end, ready: this.#ready, stderr: this.#tail, exit: this.#exit });
    });
  }

  send(command: Command): void {
    this.#commands.write(encodeCommand(command));
  }

  /** Signals the process and its children, as a terminal does. */
  signal(signal: "SIGINT" | "SIGKILL"): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It has already ended.
    }
  }

  /** Kills a process that commands no longer reach, or whose output cannot be decoded. */
  #lost(why: string): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#tail += `${LINK_LOST}: ${why}\n`;
    this.signal("SIGKILL");
  }

  get #commands(): Duplex {
    return this.#child.stdio[3] as Duplex;
  }

  /** Reads what the link's thread says itself. */
  #readLink(listener: RunnerListener): void {
    const decoder = new CommandDecoder<Event>();
    this.#commands.on("data", (bytes: Buffer) => {
      try {
        for (const event of decoder.push(bytes)) listener.event(event);
      } catch (error) {
        this.#lost((error as Error).message);
      }
    });
  }

  #read(name: "stdout" | "stderr", listener: RunnerListener): void {
    const decoder = new FrameDecoder(this.#token);
    const tell = (decoded: Decoded): void => {
      if (decoded.type !== "raw") {
        if (decoded.type === "mark") this.#release(listener);
        if (decoded.type === "ready") this.#ready = true;
        if (decoded.type === "exit") this.#exit = decoded;
        listener.event(decoded);
      } else if (name === "stderr") {
        this.#stderr(decoded.text.replace(DETACHING, ""), listener);
      } else {
        listener.text(name, decoded.text);
      }
    };
    const stream = this.#child[name] as Readable;
    stream.on("data", (bytes: Buffer) => {
      try {
        for (const decoded of decoder.push(bytes)) tell(decoded);
      } catch (error) {
        this.#lost((error as Error).message);
      }
    });
    stream.on("end", () => {
      for (const decoded of decoder.end()) tell(decoded);
    });
  }

  #stderr(text: string, listener: RunnerListener): void {
    this.#tail = (this.#tail + text).slice(-TAIL_CHARACTERS);
    const all = this.#held + text;
    const at = this.#held === "" ? text.indexOf(LAST_WORDS) : 0;
    this.#held = at < 0 ? "" : all.slice(at);
    const shown = at < 0 ? text : all.slice(0, at);
    if (shown !== "") listener.text("stderr", shown);
  }

  #release(listener: RunnerListener): void {
    if (this.#held !== "") listener.text("stderr", this.#held);
    this.#held = "";
  }
}
