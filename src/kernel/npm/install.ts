// Installs what a notebook names as npm:… into .abkd/ beside it, by npm: locked, and without scripts.
//
// The notebook, and a folder that came with it, are not trusted: npm sees only names and ranges that we wrote, no
// configuration of that folder, and a lock in which each package has an integrity and none an address.
import { spawn } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { isObject, parseJson } from "../../base/json.ts";
import { kernelVariable } from "../../base/own-package.ts";
import { printableLine } from "../../base/printable.ts";
import { FOLDER, isThere, recorded, type Wanted, wantedOf } from "./specifier.ts";

const FLAGS = [
  "install",
  "--ignore-scripts",
  "--package-lock",
  // The lock then names no registry, and packages come from the one that the user has configured.
  "--omit-lockfile-registry-resolved",
  "--no-global",
  "--no-workspaces",
  "--no-audit",
  "--no-fund",
  "--no-progress",
  "--no-update-notifier",
  "--loglevel=error",
];

/** Returns whether cells may install: as the variable says, and without it if a person is there to see it. */
export function mayInstall(isPresent: boolean): boolean {
  const setting = process.env[kernelVariable("INSTALL")];
  return setting === "on" || (setting !== "off" && isPresent);
}

/** Installations one after the other: npm cannot do two in one folder. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Installs the packages that are not there yet.
 * @param folder the notebook's folder
 * @param say shows a line, before anything is fetched
 * @param signal ends npm
 * @throws UserError if the folder is not one that we made, or npm fails
 */
export function install(
  folder: string,
  wanted: readonly Wanted[],
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const done = last.then(async () => {
    const missing = wanted.filter((each) => !isThere(folder, each));
    if (missing.length > 0) await installMissing(folder, missing, say, signal);
  });
  last = done.catch(() => {});
  return done;
}

async function installMissing(
  folder: string,
  missing: readonly Wanted[],
  say: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const at = join(folder, FOLDER);
  const before = recorded(folder);
  const names = missing.map(({ name, range }) => (range === "*" ? name : `${name}@${range}`));
  checkFolder(at, before);
  say(`installing ${names.join(", ")} from npm into ${FOLDER}/ (no scripts are run)`);
  mkdirSync(at, { recursive: true });
  const file = join(at, "package.json");
  const write = (dependencies: object): void =>
    writeFileSync(file, `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`);
  writeFileSync(join(at, ".gitignore"), "node_modules/\n");
  write({ ...before, ...Object.fromEntries(missing.map(({ name, range }) => [name, range])) });
  try {
    await npm(at, signal);
    checkLock(at);
  } catch (error) {
    write(before);
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`cannot install ${names.join(", ")}: ${error.message}`, { cause: error });
  }
}

/** Refuses a folder with anything that could change what npm does. */
function checkFolder(at: string, dependencies: Readonly<Record<string, unknown>>): void {
  if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new UserError(`${FOLDER} is not a folder: move it away`);
  }
  for (const name of [".npmrc", "npm-shrinkwrap.json"]) {
    if (lstatSync(join(at, name), { throwIfNoEntry: false })) {
      throw new UserError(`${FOLDER}/${name} could change what npm does: move it away`);
    }
  }
  for (const name of ["package.json", "package-lock.json", ".gitignore", "node_modules"]) {
    if (lstatSync(join(at, name), { throwIfNoEntry: false })?.isSymbolicLink()) {
      throw new UserError(`${FOLDER}/${name} is a link: move it away`);
    }
  }
  for (const [name, range] of Object.entries(dependencies)) {
    if (wantedOf(name, range)) continue;
    const said = printableLine(name);
    throw new UserError(`${FOLDER}/package.json: ${said} is not a package of npm's: remove it`);
  }
  if (lstatSync(join(at, "package-lock.json"), { throwIfNoEntry: false })) checkLock(at);
}

/** Refuses packages that do not come from the registry, or that nothing proves to be the same as before. */
function checkLock(at: string): void {
  const problem = lockProblem(join(at, "package-lock.json"));
  if (problem === undefined) return;
  rmSync(join(at, "node_modules"), { recursive: true, force: true });
  throw new UserError(`${FOLDER}/package-lock.json: ${problem}; delete the file to lock anew`);
}

function lockProblem(file: string): string | undefined {
  let lock: unknown;
  try {
    lock = parseJson(readText(file));
  } catch (error) {
    return (error as Error).message;
  }
  const packages = isObject(lock) ? lock["packages"] : undefined;
  if (!isObject(packages)) return "it lists no packages";
  // Lists of older npm are read as well, and know addresses.
  if (isObject(lock) && "dependencies" in lock) return "it is of an old version";
  for (const [place, entry] of Object.entries(packages)) {
    if (place === "") continue;
    const said = printableLine(place);
    const isInside = /^node_modules\//.test(place) && !/(?:^|\/)\.\.?(?:\/|$)/.test(place);
    if (!isInside || !isObject(entry)) return `${said} is outside node_modules`;
    const { resolved, link, integrity, inBundle } = entry;
    if (inBundle === true) continue;
    if (resolved !== undefined || link !== undefined) {
      return `${said} does not come from the registry`;
    }
    if (typeof integrity !== "string") return `${said} has no integrity`;
  }
  return undefined;
}

function npm(at: string, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn("npm", [...FLAGS, `--prefix=${at}`], {
    cwd: at,
    stdio: ["ignore", "ignore", "pipe"],
    shell: process.platform === "win32",
    ...(signal && { signal }),
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, 20_000);
  });
  child.on("error", (cause) => {
    // An interrupted npm still has to end.
    if (!signal?.aborted) reject(new UserError(`npm does not start: ${cause.message}`));
  });
  child.on("close", (code) => {
    if (code === 0) return resolve();
    if (signal?.aborted) return reject(new UserError("it was interrupted"));
    const lines = said
      .split("\n")
      .map((line) => line.replace(/^npm (?:error|ERR!) ?/, "").trim())
      .filter((line) => line !== "" && !/^(?:A complete log|.*-debug-\d)/.test(line));
    reject(new UserError(`npm: ${printableLine(lines.slice(0, 3).join(" ")) || `exit ${code}`}`));
  });
  return promise;
}

/** Returns the exact versions of packages by the lock, for those that it knows. */
export function lockedVersions(
  folder: string,
  names: Iterable<string>,
): Readonly<Record<string, string>> {
  let packages: unknown;
  try {
    const text = readFileSync(join(folder, FOLDER, "package-lock.json"), "utf8");
    packages = (JSON.parse(text) as { packages?: unknown }).packages;
  } catch {
    return {};
  }
  const versions = [...names].flatMap((name) => {
    const entry = isObject(packages) ? packages[`node_modules/${name}`] : undefined;
    const version = isObject(entry) ? entry["version"] : undefined;
    return typeof version === "string" && wantedOf(name, version) ? [[name, version]] : [];
  });
  return Object.fromEntries(versions);
}
