// The Python environment for JupyterLab, made once in .venv from requirements.txt.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { UserError } from "../src/base/errors.ts";

/** The first Python that the pinned packages run on: 3.10. */
const minimumMinor = 10;

/** Who needs the environment, named in errors. */
export interface Purpose {
  readonly what: string;
  /** The command to repeat. */
  readonly command: string;
  /** The latest Python 3 that it runs on; by default there is no limit. */
  readonly maximumMinor?: number;
}

const lab: Purpose = { what: "JupyterLab", command: "npm run lab" };

interface Python {
  readonly command: string;
  readonly version: string;
  /** Whether it can make virtual environments: Debian packages that part separately. */
  readonly venv: boolean;
}

/** Returns the path of the interpreter of a folder's environment. */
export function venvPython(root: string): string {
  return path.join(root, ".venv/bin/python");
}

function stampFile(root: string): string {
  return path.join(root, ".venv/.requirements.sha256");
}

function readText(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
}

function wantedStamp(root: string): string {
  const text = readFileSync(path.join(root, "requirements.txt"));
  return createHash("sha256").update(text).digest("hex");
}

/** Whether .venv works and contains what requirements.txt names. */
export function venvIsReady(root: string): boolean {
  if (readText(stampFile(root)) !== wantedStamp(root)) return false;
  return spawnSync(venvPython(root), ["--version"], { stdio: "ignore" }).status === 0;
}

const probe = `import sys
from importlib.util import find_spec
venv = all(find_spec(name) for name in ("venv", "ensurepip"))
print("%d.%d.%d" % sys.version_info[:3], venv)`;

function pythons(): Python[] {
  const minors = [14, 13, 12, 11, 10].map((minor) => `python3.${minor}`);
  const found: Python[] = [];
  for (const command of ["python3", ...minors, "python", "py"]) {
    const { status, stdout } = spawnSync(command, ["-c", probe], { encoding: "utf8" });
    const [, version, venv] = /^(\S+) (True|False)$/.exec(stdout?.trim() ?? "") ?? [];
    if (status === 0 && version !== undefined)
      found.push({ command, version, venv: venv === "True" });
  }
  return found;
}

function fits({ version }: Python, { maximumMinor = Number.POSITIVE_INFINITY }: Purpose): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major === 3 && minor >= minimumMinor && minor <= maximumMinor;
}

/** @throws UserError if there is none, saying what was found and what to install */
function findPython(purpose: Purpose): Python {
  const { what, command: repeat, maximumMinor } = purpose;
  const again = `then run \`${repeat}\` again`;
  const found = pythons();
  const recent = found.filter((python) => fits(python, purpose));
  const usable = recent.find(({ venv }) => venv);
  if (usable) return usable;
  const [bare] = recent;
  if (bare)
    throw new UserError(
      `Python ${bare.version} cannot make virtual environments, because its venv module is missing: ` +
        `install it (Debian, Ubuntu: \`apt-get install python3-venv\`), ${again}`,
    );
  const old = found.map(({ command, version }) => `${command} is ${version}`).join(", ");
  throw new UserError(
    `${what} needs Python 3.${minimumMinor} ` +
      `${maximumMinor === undefined ? "or later" : `to 3.${maximumMinor}`}, and there is none in PATH` +
      `${old === "" ? "" : ` (${old})`}: install it (Debian, Ubuntu: \`apt-get install python3 ` +
      `python3-venv\`; macOS: \`brew install python\`), ${again}`,
  );
}

function makeVenv(root: string, python: Python): void {
  console.log(`abkd: making .venv with ${python.command} (Python ${python.version})`);
  // An interrupted installation may leave half a package, which pip can neither use nor remove.
  const args = ["-m", "venv", "--clear", path.join(root, ".venv")];
  const { status, stdout, stderr } = spawnSync(python.command, args, { encoding: "utf8" });
  if (status === 0) return;
  const text = `${stdout}${stderr}`.trim();
  throw new UserError(`.venv could not be made:\n${text}`, { exitCode: 1 });
}

/** Stands in place of the requirements' digest until JupyterLab is installed too. */
const noRequirements = "none";

/** Whether .venv exists without JupyterLab, for something else. */
export function venvIsBare(root: string): boolean {
  return readText(stampFile(root)) === noRequirements;
}

/**
 * Makes an empty .venv if there is none that works; `npm run lab` adds what it needs.
 * @throws UserError without a usable Python
 */
export function ensureBareVenv(root: string, purpose: Purpose): void {
  const works = spawnSync(venvPython(root), ["--version"], { stdio: "ignore" }).status === 0;
  if (works) return;
  makeVenv(root, findPython(purpose));
  writeFileSync(stampFile(root), `${noRequirements}\n`);
}

/** Runs pip, and condenses its output to a few lines. */
async function installPackages(root: string): Promise<void> {
  const requirements = path.join(root, "requirements.txt");
  const total = readFileSync(requirements, "utf8").match(/^[^#\n]*==/gm)?.length ?? 0;
  console.log(`abkd: installing ${total} Python packages into .venv (about 300 MB, once)`);
  // Downloads survive an interrupted installation, and nothing is left outside the project.
  const cache = path.join(root, "build/pip");
  mkdirSync(cache, { recursive: true });
  const quiet = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"];
  const args = ["-m", "pip", "install", ...quiet, "--cache-dir", cache, "-r", requirements];
  const child = spawn(venvPython(root), args, { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  let seen = 0;
  const onLine = (line: string) => {
    lines.push(line);
    if (/^(Collecting|Requirement already satisfied:) ?\S*==/.test(line)) seen++;
    else if (line.startsWith("Installing collected")) console.log("abkd:   unpacking them");
    else return;
    if (seen > 0 && seen % 25 === 0) console.log(`abkd:   ${seen} of ${total}`);
  };
  createInterface(child.stdout).on("line", onLine);
  createInterface(child.stderr).on("line", (line) => lines.push(line));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) {
    const text = lines.slice(-12).join("\n");
    const message = `pip failed (exit code ${code}); its last lines:\n${text}\nFix that, then run \`npm run lab\` again`;
    throw new UserError(message, { exitCode: 1 });
  }
  rmSync(cache, { recursive: true, force: true });
}

/** Configures JupyterLab for this folder, and keeps it from asking a web site for news at each start. */
function writeSettings(root: string): void {
  // JupyterLab's yarn is CommonJS, which Node would not know because of the project's package.json.
  writeFileSync(path.join(root, ".venv/package.json"), '{ "type": "commonjs" }\n');
  const folder = path.join(root, ".venv/share/jupyter/lab/settings");
  mkdirSync(folder, { recursive: true });
  const overrides = {
    "@jupyterlab/apputils-extension:notification": { fetchNews: "false", checkForUpdates: false },
    // The first completion waits for the type checker, longer than JupyterLab's usual second.
    "@jupyterlab/completer-extension:manager": { providerTimeout: 4000 },
  };
  writeFileSync(path.join(folder, "overrides.json"), JSON.stringify(overrides, undefined, 2));
}

/**
 * Installs what requirements.txt names into .venv and reports progress; does nothing if it is there.
 * @throws UserError without a usable Python, or if pip fails
 */
export async function ensureVenv(root: string): Promise<void> {
  if (venvIsReady(root)) return;
  const stamp = readText(stampFile(root));
  const works = spawnSync(venvPython(root), ["--version"], { stdio: "ignore" }).status === 0;
  // An environment that was finished for other requirements is updated, and keeps what its owner added.
  if (stamp === undefined || !works) makeVenv(root, findPython(lab));
  rmSync(stampFile(root), { force: true });
  await installPackages(root);
  writeSettings(root);
  writeFileSync(stampFile(root), `${wantedStamp(root)}\n`);
}
