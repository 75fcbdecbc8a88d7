// Compiles the WebAssembly kernels to build/engine.{simd,fma}.wasm; runs as `npm run prepare`.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const packageRoot = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** The flavours of the engine, with the WebAssembly features of each. */
const flavours = { simd: "simd,threads", fma: "simd,threads,relaxed-simd" };

const options = [
  "-O3",
  "--noAssert",
  ...["--runtime", "stub"],
  "--importMemory",
  "--sharedMemory",
  // At least two pages; 32-bit addresses reach no more than 65,536 pages (4 GiB).
  ...["--initialMemory", "2"],
  ...["--maximumMemory", "65536"],
  "--zeroFilledMemory",
];

/** Returns the paths under a package root. */
function layout(root) {
  const build = path.join(root, "build");
  return {
    sources: path.join(root, "src/tensor/assembly"),
    entry: path.join(root, "src/tensor/assembly/index.ts"),
    compiler: path.join(root, "node_modules/assemblyscript"),
    build,
    stamp: path.join(build, "engine.hash"),
    wasm: (flavour) => path.join(build, `engine.${flavour}.wasm`),
  };
}

/** Returns a digest of all that determines the output: sources, compiler version and this script. */
function inputsHash(root) {
  const { sources, compiler } = layout(root);
  const hash = createHash("sha256");
  const files = readdirSync(sources, { recursive: true })
    .filter((name) => name.endsWith(".ts"))
    .sort();
  for (const name of files) hash.update(`${name}\0`).update(readFileSync(path.join(sources, name)));
  const compilerPackage = path.join(compiler, "package.json");
  // Without the compiler nothing can be rebuilt, so a build must not look stale for lack of its version.
  if (existsSync(compilerPackage))
    hash.update(JSON.parse(readFileSync(compilerPackage, "utf8")).version);
  return hash.update(readFileSync(fileURLToPath(import.meta.url))).digest("hex");
}

/**
 * Whether both wasm files exist and match the current sources.
 * @param {string} [root] the package root
 */
export function wasmIsCurrent(root = packageRoot) {
  const { sources, stamp, wasm } = layout(root);
  if (!Object.keys(flavours).every((flavour) => existsSync(wasm(flavour)))) return false;
  // An installed package contains the wasm without the sources, so there is nothing to compare with.
  if (!existsSync(sources)) return true;
  return existsSync(stamp) && readFileSync(stamp, "utf8") === inputsHash(root);
}

/** Compiles one flavour to `target`; rejects with the compiler's own messages. */
function compile(root, features, target) {
  const { compiler, entry } = layout(root);
  const asc = path.join(compiler, "bin/asc.js");
  const args = [asc, path.relative(root, entry), "-o", target, "--enable", features, ...options];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const output = [];
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => output.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve();
      else
        reject(new Error(Buffer.concat(output).toString().trim() || `asc ended with code ${code}`));
    });
  });
}

/**
 * Builds both flavours unless they are current. Files appear complete or not at all.
 * @param {string} [root] the package root
 * @returns {Promise<"built" | "current">}
 * @throws {Error} with the compiler's messages, or if the compiler or the sources are missing
 */
export async function buildWasm(root = packageRoot) {
  if (wasmIsCurrent(root)) return "current";
  const { entry, compiler, build, stamp, wasm } = layout(root);
  if (!existsSync(entry))
    throw new Error(`the sources of the WebAssembly kernels are missing: ${entry}`);
  if (!existsSync(path.join(compiler, "bin/asc.js")))
    throw new Error(
      "the AssemblyScript compiler is not installed; run `npm ci` without --omit=dev to build the engine",
    );
  const hash = inputsHash(root);
  mkdirSync(build, { recursive: true });
  const names = Object.keys(flavours);
  const temporary = names.map((flavour) => `${wasm(flavour)}.${process.pid}.tmp`);
  try {
    await Promise.all(names.map((flavour, i) => compile(root, flavours[flavour], temporary[i])));
    rmSync(stamp, { force: true });
    for (const [i, flavour] of names.entries()) renameSync(temporary[i], wasm(flavour));
    writeFileSync(stamp, hash);
  } finally {
    for (const file of temporary) rmSync(file, { force: true });
  }
  return "built";
}

async function main() {
  const { sources, compiler } = layout(packageRoot);
  // `npm ci --omit=dev` runs `prepare` too; without compiler or sources there is nothing to do.
  if (!existsSync(sources) || !existsSync(compiler)) {
    if (!wasmIsCurrent())
      console.log("abkd: the engine was not built: the AssemblyScript compiler is not installed");
    return;
  }
  const started = performance.now();
  try {
    if ((await buildWasm()) === "built")
      console.log(
        `abkd: built the engine in ${((performance.now() - started) / 1000).toFixed(1)} s`,
      );
  } catch (error) {
    console.error(`abkd: the engine could not be built:\n${error.message}`);
    process.exitCode = 1;
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
