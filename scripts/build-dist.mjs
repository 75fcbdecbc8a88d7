// Builds dist/, the plain JavaScript that a package must carry; runs as `npm run prepack`.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildWasm } from "./build-wasm.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const dist = path.join(root, "dist");

/** Compiles src/ with declarations; Node strips no types under node_modules. */
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

async function main() {
  await buildWasm();
  compile();
  // Data, which the compiler leaves behind.
  const recipes = "experiments/recipes";
  cpSync(path.join(root, "src", recipes), path.join(dist, recipes), { recursive: true });
  // npm sets this when it links a package's command, but not for whoever runs the file itself.
  chmodSync(path.join(dist, "cli.js"), 0o755);
}

main().catch((error) => {
  console.error(`abkd: the package could not be built: ${error.message}`);
  process.exitCode = 1;
});
