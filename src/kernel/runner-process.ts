// The process that runs the cells, as the supervisor sees it: commands in, events out, its end.
import { type ChildProcess, spawn } from "node:child_process";
import { enableCompileCache } from "node:module";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Command, Event } from "./channel.ts";
import { encodeCommand } from "./commands.ts";
import { type Death, LAST_WORDS, LINK_LOST } from "./death.ts";
import { type Decoded, FrameDecoder, newToken, TOKEN_VARIABLE } from "./frames.ts";

export interface RunnerListener {
  event(event: Event): void;
  /** Text that child processes or native code wrote. */
  text(name: "stdout" | "stderr", text: string): void;
  /** The process has ended, and all that it wrote has been told. */
  died(death: Death): void;
}

/** What is kept of standard error: enough for V8's last words. */
const TAIL_CHARACTERS = 65_536;
/** An interrupt stops Node's own code too: without this flag, Node aborts where a timer was stopped. */
const UNCHECKED = "--no-force-async-hooks-checks";
/** After the exit, for what children of the runner keep open. */
const CLOSE_MILLISECONDS = 300;

export class RunnerProcess {
  readonly #child: ChildProcess;
  readonly #token = newToken();
  readonly #ended: Promise<Pick<Death, "code" | "signal">>;
  #ready = false;
  #exit: Death["exit"];
  #tail = "";
  /** Standard error since V8 announced its end: shown only if the runner lives on. */
  #held = "";

  /** Starts the process at once; what it says waits for `listen`. */
  constructor() {
    const extension = path.extname(import.meta.url);
    const file = fileURLToPath(new URL(`./runner-entry${extension}`, import.meta.url));
    const quiet = "--disable-warning=ExperimentalWarning";
    const flags = [...process.execArgv.filter((flag) => flag !== quiet), quiet, UNCHECKED];
    this.#child = spawn(process.execPath, [...flags, file], {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      // With code compiled and types stripped once, a start takes half the time and memory.
      env: {
        NODE_COMPILE_CACHE: enableCompileCache().directory,
        ...process.env,
        [TOKEN_VARIABLE]: this.#token,
      },
      // A group of its own: a signal for the kernel's group is the supervisor's to pass on, and
      // the runner's children can be ended with it.
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
    // Writing to a process that has just ended is no error of its own; to one that lives it is its end.
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
      // It has ended already.
    }
  }

  /** Ends a process that can be told nothing any more, or that says what nobody understands. */
  #lost(why: string): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#tail += `${LINK_LOST}: ${why}\n`;
    this.signal("SIGKILL");
  }

  get #commands(): Writable {
    return this.#child.stdio[3] as Writable;
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
        this.#stderr(decoded.text, listener);
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
