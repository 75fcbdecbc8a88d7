// Builds dist/, the plain JavaScript that the npm package must contain; runs as `npm run prepack`.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildWasm } from "./build-wasm.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const dist = path.join(root, "dist");

/** Compiles src/ with declarations, since Node strips no types under node_modules. */
function compile() {
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  if (!existsSync(compiler)) throw new Error("TypeScript is not installed; run `npm ci` first");
  rmSync(dist, { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0) throw new Error("tsc failed; its messages are above");
}

/**
 * Types that a consumer's compiler may lack: danfojs-node is an optional peer, and WebAssembly's types come
 * with the browser's. A missing type becomes `any` there; otherwise it would be an error in our files.
 */
const OPTIONAL_TYPES = /^(?!\s*\/?\*)\s*(import .* from "danfojs-node";|.*: .*\bWebAssembly\.)/;

function settleDeclarations() {
  for (const name of readdirSync(dist, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".d.ts")) continue;
    const file = path.join(dist, name);
    const lines = readFileSync(file, "utf8").split("\n");
    if (!lines.some((line) => OPTIONAL_TYPES.test(line))) continue;
    const settled = lines.flatMap((line) =>
      OPTIONAL_TYPES.test(line)
        ? ["// @ts-ignore: `any` where this type is not there", line]
        : [line],
    );
    writeFileSync(file, settled.join("\n"));
  }
}

async function main() {
  await buildWasm();
  compile();
  settleDeclarations();
  // The compiler does not copy data.
  for (const folder of ["training/recipes", "kernel/logo"]) {
    cpSync(path.join(root, "src", folder), path.join(dist, folder), { recursive: true });
  }
  // npm sets this when it links the package's command, but the file may also be run directly.
  chmodSync(path.join(dist, "cli.js"), 0o755);
}

main().catch((error) => {
  console.error(`abkd: the package could not be built: ${error.message}`);
  process.exitCode = 1;
});
