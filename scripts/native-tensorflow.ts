// Finds the TensorFlow that the native engine is built against, or has pip install it into .venv.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { UserError } from "../src/base/errors.ts";
import { NATIVE_FOLDER } from "../src/tensor/native/build.ts";
import { ensureBareVenv, type Purpose, venvIsBare, venvPython } from "./venv.ts";

/** The tested version; its wheels are for Python 3.10 to 3.13. */
const version = "2.21.0";
const purpose: Purpose = {
  what: `TensorFlow ${version}`,
  command: "npm run native",
  maximumMinor: 13,
};

/** Names a folder `tensorflow` of Python packages. */
const variable = "ABKD_TENSORFLOW";

/** Lists what pip installed into .venv for us, one name per line. */
const installedFile = path.join(NATIVE_FOLDER, "installed-by-pip.txt");

const needed = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2", "include/tensorflow/c"];

function missingIn(folder: string): string | undefined {
  return needed.find((name) => !existsSync(path.join(folder, name)));
}

/** Prints where a Python has its TensorFlow; finding a package does not run it. */
const probe = `from importlib.util import find_spec
spec = find_spec("tensorflow")
print(list(spec.submodule_search_locations)[0] if spec else "")`;

function tensorflowOf(python: string): string | undefined {
  const { status, stdout } = spawnSync(python, ["-c", probe], { encoding: "utf8" });
  const folder = stdout?.trim() ?? "";
  return status === 0 && folder !== "" && missingIn(folder) === undefined ? folder : undefined;
}

/**
 * Returns the folder with TensorFlow's libraries and headers: the environment variable's, .venv's, the
 * active Python's, or else what pip installs into .venv.
 * @throws UserError if the variable leads nowhere, no Python is usable, or pip fails
 */
export async function findTensorflow(root: string, say: (line: string) => void): Promise<string> {
  const named = process.env[variable];
  if (named) {
    const missing = missingIn(named);
    if (missing === undefined) return path.resolve(named);
    throw new UserError(
      `${variable} is ${named}, which has no ${missing}: name the folder tensorflow of a Python's ` +
        "site-packages, or leave the variable out",
    );
  }
  for (const python of [venvPython(root), "python3", "python"]) {
    const found = tensorflowOf(python);
    if (found !== undefined) return found;
  }
  install(root, say);
  const found = tensorflowOf(venvPython(root));
  if (found !== undefined) return found;
  throw new UserError(`pip installed TensorFlow into .venv, but ${needed.join(", ")} are missing`, {
    exitCode: 1,
  });
}

function hasNvidiaDriver(): boolean {
  return existsSync("/proc/driver/nvidia/version") || existsSync("/dev/nvidia0");
}

function pip(root: string, args: readonly string[]): string {
  const all = ["-m", "pip", "--disable-pip-version-check", "--no-input", ...args];
  const { status, stdout, stderr } = spawnSync(venvPython(root), all, { encoding: "utf8" });
  if (status === 0) return stdout;
  const why = `${stdout}${stderr}`.trim().split("\n").slice(-8).join("\n");
  const message = `pip failed (exit code ${status}); its last lines:\n${why}`;
  throw new UserError(`${message}\nFix that, then run \`npm run native\` again`, { exitCode: 1 });
}

const namesIn = (freeze: string): string[] =>
  freeze.split("\n").flatMap((line) => /^([\w.-]+)==/.exec(line)?.[1] ?? []);

function install(root: string, say: (line: string) => void): void {
  ensureBareVenv(root, purpose);
  const before = new Set(namesIn(pip(root, ["list", "--format=freeze"])));
  const gpu = hasNvidiaDriver();
  const cpuPackage = process.arch === "x64" ? "tensorflow-cpu" : "tensorflow";
  // Without a GPU only the libraries are used and none of the Python, so no dependency is needed.
  const wanted = gpu
    ? [`tensorflow[and-cuda]==${version}`]
    : ["--no-deps", `${cpuPackage}==${version}`];
  const size = gpu ? "3 GB" : "300 MB";
  say(`installing ${wanted.at(-1)} into .venv (a download of about ${size}, once)`);
  // Downloads survive an interrupted installation, and nothing is left outside the project.
  const cache = path.join(root, "build/pip");
  mkdirSync(cache, { recursive: true });
  pip(root, ["install", "--progress-bar", "off", "--cache-dir", cache, ...wanted]);
  rmSync(cache, { recursive: true, force: true });
  const added = namesIn(pip(root, ["list", "--format=freeze"])).filter((n) => !before.has(n));
  mkdirSync(NATIVE_FOLDER, { recursive: true });
  writeFileSync(installedFile, `${added.join("\n")}\n`);
}

/**
 * Removes from .venv what install() put there, or all of .venv if it contains nothing else.
 * @returns what was removed, in words, or undefined
 */
export function removeTensorflow(root: string): string | undefined {
  if (venvIsBare(root)) {
    rmSync(path.join(root, ".venv"), { recursive: true, force: true });
    return ".venv";
  }
  if (!existsSync(installedFile) || !existsSync(venvPython(root))) return undefined;
  const requirements = readFileSync(path.join(root, "requirements.txt"), "utf8");
  const same = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, "-");
  const kept = new Set(namesIn(requirements).map(same));
  const names = readFileSync(installedFile, "utf8").trim().split("\n");
  const gone = names.filter((name) => !kept.has(same(name)));
  if (gone.length > 0) pip(root, ["uninstall", "-y", ...gone]);
  return `${gone.join(", ")} in .venv`;
}
