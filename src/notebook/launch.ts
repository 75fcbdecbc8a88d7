// A kernel's process: its connection file, its start, its signals, and how it ended.
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** The fields of a kernel.json that are needed to start a kernel. */
export interface KernelSpec {
  readonly argv: readonly string[];
  readonly display_name?: string;
  readonly language?: string;
  readonly interrupt_mode?: "signal" | "message";
  readonly env?: Readonly<Record<string, string>>;
}

/** The content of a connection file. */
export interface Connection {
  readonly transport: "tcp" | "ipc";
  readonly ip: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
  readonly key: string;
  readonly signature_scheme: "hmac-sha256";
  readonly kernel_name: string;
  /** If both keys are given, everything is encrypted (CurveZMQ, with keys as in jupyter_client 8.10). */
  readonly curve_publickey?: string;
  readonly curve_secretkey?: string;
}

/** How a kernel is reached: over ports of this machine, or over files that only their owner may open. */
export type Transport = Connection["transport"];

export interface ProcessOptions {
  /** The kernel's working folder. */
  readonly cwd?: string;
  /** Overrides this process's environment and the kernelspec's; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The folder of the kernel.json, used for {resource_dir} and to find a `python` of the same prefix. */
  readonly resourceDir?: string;
  /** Overrides the connection file's usual content. */
  readonly connection?: Partial<Connection>;
}

/** How a kernel's process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines that it wrote to standard error. */
  readonly stderr: string;
}

/** The longest path of a unix socket, in bytes; the system refuses longer ones. */
const SOCKET_PATH_BYTES = process.platform === "linux" ? 107 : 103;
/** How much of standard error is kept. */
const TAIL_CHARACTERS = 8_192;
const TAIL_LINES = 20;
/** What a kernel prints if one of its ports is taken. */
const PORT_TAKEN = /address.*in use/i;
/** The wait after the exit for pipes that a child of the kernel keeps open. */
const STDERR_MILLISECONDS = 200;

/** The kernels that must not outlive this process. */
const open = new Set<KernelProcess>();

function endAll(): void {
  for (const kernel of [...open]) {
    kernel.signal("SIGKILL");
    kernel.dispose();
  }
}

/** A kernel's process. Its temporary folder and its process group end with this process. */
export class KernelProcess {
  readonly connection: Connection;
  readonly connectionFile: string;
  /** Until the kernel answers, it is killed if it reports a taken port: tslab would live on without answering. */
  starting = true;
  /** Whether it reported a taken port. */
  portTaken = false;
  readonly #spec: KernelSpec;
  readonly #options: ProcessOptions;
  readonly #folder: string;
  #child: ChildProcess | null = null;
  #exit: Exit | null = null;
  #exited: Promise<Exit> = new Promise(() => {});

  private constructor(spec: KernelSpec, options: ProcessOptions, ports: readonly number[]) {
    this.#spec = spec;
    this.#options = options;
    this.#folder = makeFolder();
    this.connection = { ...connectionOf(this.#folder, ports), ...options.connection };
    this.connectionFile = path.join(this.#folder, "kernel.json");
    writeFileSync(this.connectionFile, JSON.stringify(this.connection, null, 1), { mode: 0o600 });
    if (open.size === 0) process.on("exit", endAll);
    open.add(this);
  }

  static async start(spec: KernelSpec, options: ProcessOptions = {}): Promise<KernelProcess> {
    const { transport } = options.connection ?? {};
    const ports = transport === "ipc" ? [] : await freePorts(5);
    const started = new KernelProcess(spec, options, ports);
    started.spawn();
    return started;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Null while the process runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** Resolves when the current process has ended. */
  get exited(): Promise<Exit> {
    return this.#exited;
  }

  /** Starts the process, or starts it again after its end with the same ports and key. */
  spawn(): void {
    const [command, ...args] = this.#spec.argv.map((part) => this.#fill(part));
    if (!command) throw new Error("the kernelspec's argv is empty");
    const env: NodeJS.ProcessEnv = { ...process.env, JPY_PARENT_PID: String(process.pid) };
    for (const [name, value] of Object.entries(this.#spec.env ?? {})) {
      env[name] = value.replace(/\$\{(\w+)\}/g, (_, key: string) => process.env[key] ?? "");
    }
    const child = spawn(this.#python(command), args, {
      cwd: this.#options.cwd,
      env: { ...env, ...this.#options.env },
      stdio: ["ignore", "ignore", "pipe"],
      // The kernel gets a process group: whoever runs it decides whether a terminal's Ctrl-C is passed on.
      detached: process.platform !== "win32",
    });
    this.#child = child;
    this.#exit = null;
    this.#exited = this.#follow(child);
  }

  /** Signals the kernel and its children, as Jupyter does. Returns false if the kernel has ended. */
  signal(signal: NodeJS.Signals): boolean {
    const child = this.#child;
    if (this.#exit || child?.pid === undefined || child.exitCode !== null || child.signalCode) {
      return false;
    }
    try {
      if (process.platform === "win32") return child.kill(signal);
      process.kill(-child.pid, signal);
      return true;
    } catch {
      return false;
    }
  }

  /** Kills the process and its children. */
  async kill(): Promise<Exit> {
    this.signal("SIGKILL");
    return await this.#exited;
  }

  /** Removes the connection file. The process must have ended, or be about to. */
  dispose(): void {
    open.delete(this);
    if (open.size === 0) process.off("exit", endAll);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #fill(part: string): string {
    return part
      .replaceAll("{connection_file}", this.connectionFile)
      .replaceAll("{resource_dir}", this.#options.resourceDir ?? "");
  }

  /** Returns the Python of the prefix that the kernelspec lies in, if there is one. */
  #python(command: string): string {
    const { resourceDir } = this.#options;
    if (!resourceDir || !/^python[\d.]*$/.test(command)) return command;
    const windows = process.platform === "win32";
    const prefix = path.resolve(resourceDir, "../../../..");
    const own = path.join(prefix, windows ? "python.exe" : `bin/${command}`);
    return existsSync(own) ? own : command;
  }

  #follow(child: ChildProcess): Promise<Exit> {
    let tail = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-TAIL_CHARACTERS);
      this.portTaken ||= PORT_TAKEN.test(tail);
      if (this.starting && this.portTaken) this.signal("SIGKILL");
    });
    return new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => {
        if (this.#exit && this.#child === child) return;
        const stderr = tail.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
        const exit = { code, signal, stderr };
        if (this.#child === child) this.#exit = exit;
        child.stderr?.destroy();
        resolve(exit);
      };
      child.on("error", (error) => {
        tail += `${error.message}\n`;
        if (child.pid === undefined) end(null, null);
      });
      child.on("close", end);
      child.on("exit", (code, signal) => {
        setTimeout(() => end(code, signal), STDERR_MILLISECONDS).unref();
      });
    });
  }
}

/** Describes a connection over the ports, or over files in the folder if no ports are given. */
function connectionOf(folder: string, ports: readonly number[]): Connection {
  const isFile = ports.length === 0;
  const [shell_port = 1, iopub_port = 2, stdin_port = 3, control_port = 4, hb_port = 5] = ports;
  return {
    transport: isFile ? "ipc" : "tcp",
    ip: isFile ? path.join(folder, "s") : "127.0.0.1",
    shell_port,
    iopub_port,
    stdin_port,
    control_port,
    hb_port,
    key: randomUUID(),
    signature_scheme: "hmac-sha256",
    kernel_name: "",
  };
}

/** Creates a folder for its owner alone, with a path short enough to hold sockets. */
function makeFolder(): string {
  const name = "abkd-kernel-";
  const bytes = Buffer.byteLength(path.join(tmpdir(), `${name}XXXXXX`, "s-1"));
  return mkdtempSync(path.join(bytes > SOCKET_PATH_BYTES ? "/tmp" : tmpdir(), name));
}

/**
 * Returns ports that nothing listens on. They lie below the range for outgoing connections: otherwise
 * the system might give one to a connection before the kernel binds it.
 */
async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (let tries = 0; held.length < count; tries++) {
      if (tries > 1000) throw new Error("no free ports from 20000 to 32767");
      const server = await listen(randomInt(20_000, 32_768));
      if (server) held.push(server);
    }
    return held.map((server) => (server.address() as { port: number }).port);
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

function listen(port: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(null);
      else reject(error);
    });
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(server));
  });
}
