// Kernelspecs: what Jupyter reads to start a kernel. Writes, removes, lists and finds them.

import { randomBytes } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import module from "node:module";
import { homedir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseJson } from "../base/json.ts";
import { NAME } from "../base/own-package.ts";
import { PROTOCOL_VERSION } from "./wire.ts";

/** The kernel name that this kernel's notebooks carry. */
export const KERNEL_NAME = NAME;
export const DISPLAY_NAME = `TypeScript (${NAME})`;
export const LANGUAGE = "typescript";

/** Files in logo/ beside this file, under the names that Jupyter looks for. */
const LOGOS = ["logo-svg.svg", "logo-32x32.png", "logo-64x64.png"] as const;

/** The content of a kernel.json. */
export interface Kernelspec {
  readonly argv: readonly string[];
  readonly display_name: string;
  readonly language: string;
  readonly interrupt_mode?: "signal" | "message";
  readonly env?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly kernel_protocol_version?: string;
}

/** An installed kernelspec. */
export interface Installed {
  readonly name: string;
  /** The folder that holds its kernel.json. */
  readonly folder: string;
  readonly spec: Kernelspec;
  /** A file or command that its argv names and that is missing. */
  readonly missing: string | null;
  /** Whether it starts this kernel. */
  readonly own: boolean;
}

/** Where to install: the user's Jupyter folder, or `<prefix>/share/jupyter`. */
export interface Place {
  readonly prefix?: string;
  readonly name?: string;
}

/** A kernelspec that cannot be written, removed or used; the message says what to do. */
export class KernelspecError extends Error {
  override readonly name = "KernelspecError";
  /** Whether the request was wrong, rather than the system unable to fulfil it. */
  readonly wrongRequest: boolean;

  constructor(message: string, options?: ErrorOptions & { readonly wrongRequest?: boolean }) {
    super(message, options);
    this.wrongRequest = options?.wrongRequest ?? false;
  }
}

/** src/kernel/main.ts, or dist/kernel/main.js in an installed package. */
const MAIN = fileURLToPath(new URL(`./main${path.extname(import.meta.url)}`, import.meta.url));
const ROOT = path.resolve(path.dirname(MAIN), "../..");
const FLAGS = ["--disable-warning=ExperimentalWarning"];
/** Marks a kernel.json as ours, whatever its name. */
const OWNER = { implementation: NAME };

/** Returns the kernelspec of this kernel, run by the current Node. */
export function ownKernelspec(): Kernelspec {
  if (!("stripTypeScriptTypes" in module) || !("registerHooks" in module)) {
    throw new KernelspecError(
      `the kernel needs Node.js 22.15 or later, and this is ${process.version}; ` +
        "run the command with a later one",
    );
  }
  return {
    argv: [process.execPath, ...FLAGS, MAIN, "{connection_file}"],
    display_name: DISPLAY_NAME,
    language: LANGUAGE,
    interrupt_mode: "message",
    // JupyterLab offers its debugger by this, not by what the kernel says.
    metadata: { ...OWNER, debugger: true, supported_encryption: "curve" },
    kernel_protocol_version: PROTOCOL_VERSION,
  };
}

/**
 * Installs this kernel. Each file is replaced atomically and kernel.json comes last, so that Jupyter
 * finds either the old kernelspec or the new one at any moment.
 * @returns the kernelspec's folder
 */
export function installKernelspec(place: Place = {}): string {
  const folder = folderOf(place);
  const there = existsSync(path.join(folder, "kernel.json")) ? readInstalled(folder) : null;
  if (there && !there.own) {
    throw new KernelspecError(
      `${folder} holds another kernel, ${there.spec.display_name}; choose another --name`,
      { wrongRequest: true },
    );
  }
  const spec = ownKernelspec();
  const logos = Object.fromEntries(
    LOGOS.map((name) => [name, readFileSync(path.join(import.meta.dirname, "logo", name))]),
  );
  const files = { ...logos, "kernel.json": `${JSON.stringify(spec, null, 2)}\n` };
  try {
    makeFolder(folder);
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(folder, name);
      const temporary = `${file}.${randomBytes(4).toString("hex")}.tmp`;
      try {
        writeFileSync(temporary, content, { flag: "wx" });
        renameSync(temporary, file);
      } catch (error) {
        rmSync(temporary, { force: true });
        throw error;
      }
    }
  } catch (cause) {
    throw systemError("install into", folder, cause);
  }
  return folder;
}

/** Removes this kernel's kernelspec. @returns the folder that it was in */
export function uninstallKernelspec(place: Place = {}): string {
  const folder = folderOf(place);
  if (!existsSync(path.join(folder, "kernel.json"))) {
    const { name = KERNEL_NAME } = place;
    const elsewhere = listKernelspecs().filter((one) => one.name === name && one.own);
    const found = elsewhere.map((one) => one.folder).join(", ");
    throw new KernelspecError(
      `no kernel ${name} in ${path.dirname(folder)}` +
        (found ? `; it is in ${found}: pass that place with --prefix` : ""),
      { wrongRequest: true },
    );
  }
  const { own, spec } = readInstalled(folder);
  if (!own) {
    throw new KernelspecError(
      `${folder} holds another kernel, ${spec.display_name}; remove it with its own tools`,
      { wrongRequest: true },
    );
  }
  try {
    for (const name of ["kernel.json", ...LOGOS]) {
      rmSync(path.join(folder, name), { force: true });
    }
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  } catch (cause) {
    throw systemError("remove", folder, cause);
  }
  return folder;
}

/** Returns all kernelspecs that Jupyter would find here. Of several with one name, the first counts. */
export function listKernelspecs(onUnreadable?: (folder: string, why: string) => void): Installed[] {
  return jupyterFolders().flatMap((data) => {
    const kernels = path.join(data, "kernels");
    let names: string[];
    try {
      names = readdirSync(kernels).sort();
    } catch {
      return []; // most of the folders that Jupyter looks in do not exist
    }
    return names.flatMap((name) => {
      const folder = path.join(kernels, name);
      if (!existsSync(path.join(folder, "kernel.json"))) return [];
      try {
        return [readInstalled(folder)];
      } catch (error) {
        if (!(error instanceof KernelspecError)) throw error;
        onUnreadable?.(folder, error.message);
        return [];
      }
    });
  });
}

/** Returns the installed kernelspec of that name, in any language. Names ignore case. */
export function findKernelspec(name: string): Installed {
  const all = listKernelspecs();
  const found = all.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (!found) {
    const names = [...new Set(all.map((one) => one.name))].join(", ");
    throw new KernelspecError(
      `no kernel ${name} is installed; installed kernels: ${names || "none"}`,
      {
        wrongRequest: true,
      },
    );
  }
  if (found.missing) {
    throw new KernelspecError(
      `the kernel ${name} in ${found.folder} needs ${found.missing}, which is missing; ` +
        "install it again",
    );
  }
  return found;
}

/** Returns the folders that Jupyter keeps data in, in the order of precedence. */
export function jupyterFolders(env: NodeJS.ProcessEnv = process.env): string[] {
  const prefixes = [env["VIRTUAL_ENV"], env["CONDA_PREFIX"], path.join(ROOT, ".venv")];
  const system =
    process.platform === "win32"
      ? [path.join(env["PROGRAMDATA"] ?? "C:\\ProgramData", "jupyter")]
      : ["/usr/local/share/jupyter", "/usr/share/jupyter"];
  const all = [
    ...(env["JUPYTER_PATH"] ?? "").split(path.delimiter).filter((folder) => folder !== ""),
    ...prefixes.flatMap((prefix) => (prefix ? [path.join(prefix, "share/jupyter")] : [])),
    userFolder(env),
    ...system,
  ];
  return [...new Set(all.map((folder) => path.resolve(folder)))];
}

/** Returns the user's own Jupyter data folder. */
export function userFolder(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env["JUPYTER_DATA_DIR"]) return path.resolve(env["JUPYTER_DATA_DIR"]);
  const home = env["HOME"] || homedir();
  if (platform === "darwin") return path.join(home, "Library/Jupyter");
  if (platform === "win32") {
    const data = env["APPDATA"];
    return data ? path.join(data, "jupyter") : path.join(home, ".jupyter/data");
  }
  return path.join(env["XDG_DATA_HOME"] || path.join(home, ".local/share"), "jupyter");
}

function folderOf({ prefix, name = KERNEL_NAME }: Place): string {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
    throw new KernelspecError(
      `"${name}" cannot name a kernel; use lower-case letters, digits, ".", "_" and "-"`,
      { wrongRequest: true },
    );
  }
  const data = prefix === undefined ? userFolder() : path.resolve(prefix, "share/jupyter");
  return path.join(data, "kernels", name);
}

function readInstalled(folder: string): Installed {
  const file = path.join(folder, "kernel.json");
  let spec: Kernelspec;
  try {
    spec = parseJson(readFileSync(file, "utf8")) as Kernelspec;
  } catch (cause) {
    throw new KernelspecError(`cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  const argv: unknown = spec?.argv;
  if (!Array.isArray(argv) || argv.length === 0 || !argv.every((x) => typeof x === "string")) {
    throw new KernelspecError(`${file} has no argv, an array of strings`);
  }
  return {
    name: path.basename(folder),
    folder,
    spec,
    missing: missingFile(argv),
    own: spec.metadata?.["implementation"] === OWNER.implementation,
  };
}

/** Returns what is missing: an absolute path that does not exist, or a command that is not on the PATH. */
function missingFile(argv: readonly string[]): string | null {
  const [command, ...rest] = argv as [string, ...string[]];
  const files = [command, ...rest].filter((part) => path.isAbsolute(part));
  const gone = files.find((file) => !existsSync(file));
  if (gone !== undefined) return gone;
  if (command.includes(path.sep) || /^python[\d.]*$/.test(command)) return null;
  const extensions = process.platform === "win32" ? ["", ".exe", ".cmd"] : [""];
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  const runs = folders.some((folder) =>
    extensions.some((extension) => isExecutable(path.join(folder, command + extension))),
  );
  return runs ? null : command;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Creates folders without mkdirSync's own recursion, which never ends under /proc (Node 24.21). */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  makeFolder(path.dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

function systemError(what: string, folder: string, cause: unknown): KernelspecError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason =
    code === "EACCES" || code === "EPERM" || code === "EROFS"
      ? "permission is denied; use --user, or --prefix with a folder that you own"
      : code === "ENOTDIR" || code === "EEXIST"
        ? "there is a file where a folder is needed; use another --prefix"
        : message;
  return new KernelspecError(`cannot ${what} ${folder}: ${reason}`, { cause });
}
