// `npm run tslab [-- 02 06]`: runs notebooks on tslab 1.0.22 with the packed package.
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { UserError } from "../src/base/errors.ts";
import { dataFolders } from "../src/datasets/locate.ts";
import { readNotebook, serialiseNotebook } from "../src/notebook/nbformat.ts";

const root = path.resolve(import.meta.dirname, "..");

export const TSLAB = "tslab@1.0.22";

/** Runs a program to its end. @throws UserError with its output if it fails */
async function succeed(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<string> {
  const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code === 0) return output;
  throw new UserError(`${command} ${args.join(" ")} failed: ${output}${errors}`, { exitCode: 1 });
}

/** What the package is made of: files, folders, and patterns of files. */
export const PACKED_FROM = [
  ...["src", "scripts", "package.json", "README.md", "CITATION.cff", "LICENSE", "tsconfig.json"],
  ...["tsconfig.build.json", "build/engine.*"],
];

/**
 * Packs a copy of the sources, since others may be building dist/ in place. The built WebAssembly is copied too.
 * @param options.checked without it types are not checked again: the same files in a third of the time
 * @returns the archive's name in `folder`
 */
export async function pack(
  folder: string,
  env: NodeJS.ProcessEnv,
  { checked = false } = {},
): Promise<string> {
  const copy = path.join(folder, "sources");
  for (const part of globSync(PACKED_FROM, { cwd: root }))
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true });
  if (!checked) {
    const unchecked = { extends: "./checked.json", compilerOptions: { noCheck: true } };
    renameSync(path.join(copy, "tsconfig.build.json"), path.join(copy, "checked.json"));
    writeFileSync(path.join(copy, "tsconfig.build.json"), JSON.stringify(unchecked));
  }
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  const args = ["pack", "--silent", "--pack-destination", folder];
  const output = await succeed("npm", args, { cwd: copy, env });
  // `prepack` may print something first.
  return output.trim().split("\n").at(-1)!;
}

/**
 * Installs tslab, the packed package and danfojs-node into an empty folder, and registers the Jupyter kernel
 * "tslab" there: JUPYTER_PATH must be `folder/share/jupyter`.
 * @param archive the path of the packed package
 */
export async function installTslab(
  folder: string,
  env: NodeJS.ProcessEnv,
  archive: string,
): Promise<void> {
  cpSync(path.join(root, "shims"), path.join(folder, "shims"), { recursive: true });
  const { overrides } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
    overrides: object;
  };
  const dependencies = {
    "@tensorflow/tfjs-node": "file:./shims/tfjs-node",
    "danfojs-node": "1.2.0",
  };
  const manifest = { private: true, dependencies, overrides };
  writeFileSync(path.join(folder, "package.json"), JSON.stringify(manifest));
  const packages = [archive, TSLAB];
  const args = ["install", "--prefer-offline", "--silent", ...packages];
  await succeed("npm", args, { cwd: folder, env });
  // The files that `tslab install` would write with the help of Python.
  const kernel = path.join(folder, "share/jupyter/kernels/tslab");
  mkdirSync(kernel, { recursive: true });
  const binary = path.join(folder, "node_modules/.bin/tslab");
  const argv = [binary, "kernel", "--config-path", "{connection_file}"];
  const spec = { argv, display_name: "TypeScript", language: "typescript" };
  writeFileSync(path.join(kernel, "kernel.json"), JSON.stringify(spec));
}

/** Copies one of this project's notebooks, without the cells whose widgets only this project's kernel has. */
export function copyForTslab(name: string, folder: string): void {
  const notebook = readNotebook(path.join(root, "notebooks", name));
  const cells = notebook.cells.filter(({ source }) => !source.includes('from "tskernel/widgets"'));
  writeFileSync(path.join(folder, name), serialiseNotebook({ ...notebook, cells }));
}

async function main(chosen: readonly string[]): Promise<void> {
  const folder = path.join(root, "build/tslab");
  // An installed package does not look for data beside this checkout.
  const data = dataFolders().searched.find((one) => existsSync(path.join(one, "planetoid")));
  const env = {
    ...process.env,
    JUPYTER_PATH: path.join(folder, "share/jupyter"),
    ...(data && { ABKD_DATA: data }),
  };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, "notebooks"), { recursive: true });
  console.log("installing tslab and the packed package in build/tslab");
  await installTslab(folder, env, path.join(folder, await pack(folder, env)));
  for (const shared of ["results", "runs"]) {
    if (existsSync(path.join(root, shared)))
      symlinkSync(path.join(root, shared), path.join(folder, shared));
  }
  const names = globSync("*.ipynb", { cwd: path.join(root, "notebooks") }).sort();
  let failed = 0;
  for (const name of names) {
    if (chosen.length > 0 && !chosen.some((one) => name.startsWith(one))) continue;
    const file = path.join(folder, "notebooks", name);
    copyForTslab(name, path.join(folder, "notebooks"));
    const cli = [path.join(root, "src/cli.ts"), "notebook", "run", file, "--kernel", "tslab"];
    // Nothing is trained, only read from the store: this tests the Jupyter kernel.
    const trains = /const train = /.test(readFileSync(file, "utf8"));
    const args = [...cli, "--inplace", ...(trains ? ["--param", "train=[]"] : [])];
    try {
      await succeed(process.execPath, args, { cwd: folder, env });
      console.log(`${name}: ok`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      console.error(error.message);
      failed++;
    }
  }
  process.exitCode = failed > 0 ? 1 : 0;
}

if (process.argv[1] === import.meta.filename) {
  await main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    console.error(`abkd: ${error.message}`);
    process.exitCode = error.exitCode;
  });
}
