// Packs the kernel and the notebook runner as a package of their own, without the library; `npm run pack:kernel`.
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const target = path.join(root, "build/kernel-package");

/** What src/kernel, src/notebook and the two commands import; test/packaging compares. */
const DEPENDENCIES = [
  "@types/node",
  "@vscode/markdown-it-katex",
  "acorn",
  "acorn-walk",
  "commander",
  "markdown-it",
  "parse5",
  "typescript",
  "zeromq",
];

function manifest() {
  const whole = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  return {
    name: "tskernel",
    version: whole.version,
    description:
      "A TypeScript and JavaScript kernel for Jupyter, and a notebook runner without Python",
    keywords: ["jupyter", "kernel", "typescript", "javascript", "notebook", "jupyterlab"],
    license: whole.license,
    type: "module",
    engines: { node: ">=22.15" },
    bin: { tskernel: "dist/tskernel.js" },
    files: ["dist", "kernel-package.png"],
    dependencies: Object.fromEntries(DEPENDENCIES.map((name) => [name, whole.dependencies[name]])),
  };
}

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, {
    cwd,
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status !== 0)
    throw new Error(`${path.basename(args[0])} failed${error ? `: ${error.message}` : ""}`);
}

try {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  run(process.execPath, [compiler, "-p", "tsconfig.kernel.json"], root);
  chmodSync(path.join(target, "dist/tskernel.js"), 0o755);
  // The compiler does not copy data.
  cpSync(path.join(root, "src/kernel/logo"), path.join(target, "dist/kernel/logo"), {
    recursive: true,
  });
  cpSync(path.join(root, "LICENSE"), path.join(target, "LICENSE"));
  cpSync(path.join(root, "docs/kernel-package.png"), path.join(target, "kernel-package.png"));
  cpSync(path.join(root, "docs/kernel-package.md"), path.join(target, "README.md"));
  writeFileSync(path.join(target, "package.json"), `${JSON.stringify(manifest(), null, 2)}\n`);
  // A later --pack-destination counts.
  run("npm", ["pack", "--pack-destination", root, ...process.argv.slice(2)], target);
} catch (error) {
  console.error(`abkd: the kernel's package could not be made: ${error.message}`);
  process.exitCode = 1;
}
