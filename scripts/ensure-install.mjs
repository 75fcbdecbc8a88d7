// Makes `npm start`, `npm test` and `npm run bench` work on a fresh clone, on any Node from 18 up.
//
// package.json calls it as the first part of each script, not as a pre-script, which npm skips if install
// scripts are switched off. The `hash -r` there makes the shell look for `node` again.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildWasm } from "./build-wasm.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const bin = path.join(root, "node_modules/.bin");

/** The first Node that runs TypeScript sources without a flag. */
const minimum = [22, 18];

/** Returns the packages in a lock file, by folder; undefined if the file is missing. */
function lockedPackages(file) {
  try {
    return JSON.parse(readFileSync(path.join(root, file), "utf8")).packages;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw new Error(`${file} cannot be read: ${error.message}`);
  }
}

/** Says in a few words why `npm ci` must run; undefined if the installed packages match the lock file. */
function reasonToInstall() {
  const locked = lockedPackages("package-lock.json");
  if (!locked)
    throw new Error("package-lock.json is missing: this is not a complete copy of the project");
  const installed = lockedPackages("node_modules/.package-lock.json");
  if (!installed) return "node_modules is missing";
  for (const [folder, wanted] of Object.entries(locked)) {
    const found = installed[folder];
    // The root has no entry of its own, and other platforms' packages are not installed.
    if (folder === "" || (!found && wanted.optional)) continue;
    const name = folder.replace(/^.*node_modules\//, "");
    if (!found) return `${name} ${wanted.version} is not installed`;
    if (found.version !== wanted.version)
      return `${name} is ${found.version}, the lock file says ${wanted.version}`;
  }
  return undefined;
}

function install(reason) {
  console.log(`abkd: ${reason}: running \`npm ci\` to install what package-lock.json names`);
  // npm must not run on the Node inside the folder that it is about to replace.
  const outside = (process.env.PATH ?? "").split(path.delimiter).filter((entry) => entry !== bin);
  const env = { ...process.env, PATH: outside.join(path.delimiter) };
  const result = spawnSync("npm", ["ci"], {
    cwd: root,
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (result.error) throw new Error(`npm could not be started: ${result.error.message}`);
  if (result.status !== 0)
    throw new Error(`\`npm ci\` failed (exit code ${result.status}); its messages are above`);
}

function runsTypeScript(version) {
  const [major, minor] = version.replace(/^v/, "").split(".").map(Number);
  return major > minimum[0] || (major === minimum[0] && minor >= minimum[1]);
}

/** Checks that the scripts of this package will find a Node that runs the sources. */
function checkRuntime() {
  if (runsTypeScript(process.versions.node)) return;
  const pinned = spawnSync(path.join(bin, "node"), ["--version"], { encoding: "utf8" });
  if (pinned.status === 0 && runsTypeScript(pinned.stdout.trim())) return;
  throw new Error(
    [
      `this is Node ${process.versions.node}; the sources need Node >= ${minimum.join(".")}.`,
      "The project brings its own as the npm package `node`, but its binary is missing: npm fetches",
      "it by an install script, and install scripts are switched off here. Do one of these:",
      "  npm rebuild node --ignore-scripts=false              run that one script",
      "  npm approve-scripts node && npm rebuild node         where npm asks for each script",
      "  put a Node >= 24 first in PATH",
    ].join("\n"),
  );
}

async function main() {
  const reason = reasonToInstall();
  if (reason) install(reason);
  checkRuntime();
  const started = performance.now();
  if ((await buildWasm()) === "built")
    console.log(`abkd: built the engine in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

main().catch((error) => {
  console.error(`abkd: ${error.message}`);
  process.exitCode = 1;
});
