// The onboarding notebook in the other TypeScript kernel: tslab, beside the packed package.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { copyOnboarding, trainingLimit } from "../lab/onboarding.ts";
import { jupyterEnvironment, root, run, succeed } from "../lab/parts.ts";

const tslab = "tslab@1.0.22";
const file = "start.ipynb";

/** Packs a copy of the sources: the packaging tests build their dist/ in place at the same time. */
async function pack(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  const copy = path.join(folder, "sources");
  const parts = ["src", "scripts", "package.json", "CITATION.cff", "LICENSE"];
  for (const part of [...parts, "tsconfig.json", "tsconfig.build.json"])
    await cp(path.join(root, part), path.join(copy, part), { recursive: true });
  await symlink(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  const args = ["pack", "--silent", "--pack-destination", folder];
  const output = await succeed("npm", args, { cwd: copy, env });
  // `prepack` may say something first.
  return output.trim().split("\n").at(-1)!;
}

describe("tslab", { timeout: 2 * trainingLimit }, () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-tslab-"));
    env = { ...jupyterEnvironment(folder), JUPYTER_PATH: path.join(folder, "share/jupyter") };
    const archive = await pack(folder, env);
    await writeFile(path.join(folder, "package.json"), '{ "private": true }\n');
    await succeed("npm", ["install", "--prefer-offline", "--silent", `./${archive}`, tslab], {
      cwd: folder,
      env,
    });
    // What `tslab install` writes with the help of Python.
    const kernel = path.join(folder, "share/jupyter/kernels/tslab");
    await mkdir(kernel, { recursive: true });
    const binary = path.join(folder, "node_modules/.bin/tslab");
    const argv = [binary, "kernel", "--config-path", "{connection_file}"];
    const spec = { argv, display_name: "TypeScript", language: "typescript" };
    await writeFile(path.join(kernel, "kernel.json"), JSON.stringify(spec));
    await copyOnboarding(folder, file);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("runs the notebook from start to end", async () => {
    const notebooks = path.join(folder, "notebooks");
    const cli = path.join(root, "src/cli.ts");
    const args = [cli, "notebook", "run", file, "--kernel", "tslab", "--output", "out.ipynb"];
    const { code, output } = await run(process.execPath, args, { cwd: notebooks, env });
    const written = await readFile(path.join(notebooks, "out.ipynb"), "utf8").catch(() => "{}");
    assert.equal(code, 0, output);
    const { cells } = JSON.parse(written) as { cells: { cell_type: string; outputs?: object[] }[] };
    assert.ok(cells.some(({ outputs = [] }) => outputs.length > 0));
  });
});
