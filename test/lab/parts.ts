// What the tests with real Python and browser parts need, and what happens if it is missing.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { venvIsReady, venvPython } from "../../scripts/venv.ts";
import { findChromium } from "../../src/figures/export.ts";

export const root = path.join(import.meta.dirname, "../..");

/** Continuous integration installs all parts, so a missing one is a failure there. */
const mayMiss = !process.env["CI"];

export const python = venvPython(root);

const noPython = venvIsReady(root)
  ? undefined
  : ".venv does not hold what requirements.txt names: `npm run lab` makes it";

export const chromium = await findChromium();

const noBrowser =
  chromium === undefined
    ? "no Chromium on this machine (Debian: `apt-get install chromium`; or name one in $CHROMIUM)"
    : undefined;

/** Returns node:test's option `skip`: why a test cannot run here, or false if it must run. */
export function skipWithout(part: "python" | "browser"): string | false {
  const missing = [noPython, part === "browser" ? noBrowser : undefined].filter(Boolean);
  return mayMiss && missing.length > 0 ? missing.join("; ") : false;
}

/** Fails in continuous integration if a part is missing. */
export function assertParts(part: "python" | "browser"): void {
  if (noPython !== undefined) assert.fail(noPython);
  if (part === "browser" && noBrowser !== undefined) assert.fail(noBrowser);
}

/** Returns this process's environment with Jupyter's own folders in `folder`, so that no user's are read. */
export function jupyterEnvironment(folder: string): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return {
    ...env,
    JUPYTER_CONFIG_DIR: path.join(folder, "config"),
    JUPYTER_DATA_DIR: path.join(folder, "share/jupyter"),
    JUPYTER_RUNTIME_DIR: path.join(folder, "runtime"),
    // A kernel installed into `folder` takes precedence over the one in .venv.
    JUPYTER_PREFER_ENV_PATH: "0",
    IPYTHONDIR: path.join(folder, "ipython"),
  };
}

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end, without blocking this process. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Finished> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, output };
}

/** Runs a program that must succeed. */
export async function succeed(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<string> {
  const { code, output } = await run(command, args, options);
  assert.equal(code, 0, output);
  return output;
}

/** Installs this checkout's kernel below a folder, where `jupyterEnvironment` looks for it. */
export async function installKernel(folder: string): Promise<void> {
  const args = [path.join(root, "src/cli.ts"), "kernel", "install", "--prefix", folder];
  await succeed(process.execPath, args, { cwd: root, env: jupyterEnvironment(folder) });
}
