// `npm run lab`: starts JupyterLab with the TypeScript kernel, in notebooks/; everything stays in this folder.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { UserError } from "../src/base/errors.ts";
import { ensureVenv, venvPython } from "./venv.ts";

const root = path.resolve(import.meta.dirname, "..");
const venv = path.join(root, ".venv");

/** Runs at each start, so that a moved folder or another Node is noticed. */
function installKernel(): void {
  const args = [path.join(root, "src/cli.ts"), "kernel", "install", "--prefix", venv];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new UserError("the kernel could not be installed", { exitCode: 1 });
}

/** Returns where Jupyter keeps settings and connection files: inside this folder, unless the user chose otherwise. */
function jupyterFolders(): Record<string, string> {
  const home = path.join(root, ".jupyter");
  return {
    JUPYTER_CONFIG_DIR: path.join(home, "config"),
    JUPYTER_DATA_DIR: path.join(home, "data"),
    JUPYTER_RUNTIME_DIR: path.join(home, "runtime"),
    IPYTHONDIR: path.join(home, "ipython"),
  };
}

/** Runs JupyterLab until it ends or is told to end. By default it listens on localhost, with a token. */
async function runLab(extra: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  // Ctrl-C ends it without asking; a user who is root chose to be.
  const flags = ["-y", ...(process.getuid?.() === 0 ? ["--allow-root"] : [])];
  // A notebook that the user names opens instead.
  if (!extra.some((one) => one.includes("default_url")))
    flags.push("--LabApp.default_url=/lab/tree/00-start-here.ipynb");
  const child = spawn(venvPython(root), ["-m", "jupyterlab", ...flags, ...extra], {
    cwd: path.join(root, "notebooks"),
    env: { ...jupyterFolders(), ...process.env, ...env },
    stdio: "inherit",
  });
  // Ctrl-C reaches JupyterLab through the terminal too, but a signal to this process alone does not.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => child.kill("SIGTERM"));
  // A parent with an IPC channel, such as a test, may be killed, and then no signal arrives.
  process.on("disconnect", () => child.kill("SIGTERM"));
  // Listening would keep the channel open, and this process alive after JupyterLab has ended.
  process.channel?.unref();
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/**
 * Runs JupyterLab with its kernels behind sockets that only their owner may open. Their paths may have 107 bytes,
 * too few in some checkouts, and they begin with Jupyter's runtime folder.
 */
async function runPrivately(extra: readonly string[]): Promise<number> {
  const longest = path.join("abkd-XXXXXX", `kernel-${"0".repeat(36)}-ipc-5`);
  const isShort = path.join(tmpdir(), longest).length <= 103;
  const folder = mkdtempSync(path.join(isShort ? tmpdir() : "/tmp", "abkd-"));
  try {
    return await runLab(["--KernelManager.transport=ipc", ...extra], {
      JUPYTER_RUNTIME_DIR: folder,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes `--transport` out of the arguments; the rest go to JupyterLab. */
function splitTransport(args: readonly string[]): { transport: string; extra: string[] } {
  const at = args.findIndex((one) => /^--transport(=|$)/.test(one));
  if (at < 0) return { transport: "tcp", extra: [...args] };
  const [, inline] = /^--transport=(.*)$/.exec(args[at] ?? "") ?? [];
  const transport = inline ?? args[at + 1] ?? "";
  if (transport !== "tcp" && transport !== "ipc")
    throw new UserError(`--transport takes tcp or ipc, not "${transport}"`);
  return { transport, extra: args.toSpliced(at, inline === undefined ? 2 : 1) };
}

async function main(args: readonly string[]): Promise<number> {
  const { transport, extra } = splitTransport(args);
  await ensureVenv(root);
  installKernel();
  if (args.includes("--install-only")) return 0;
  return transport === "ipc" ? await runPrivately(extra) : await runLab(extra, {});
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    console.error(`abkd: ${error.message}`);
    process.exitCode = error.exitCode;
  },
);
