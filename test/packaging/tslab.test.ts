// Three notebooks in the other TypeScript kernel, tslab, with the packed package.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { copyForTslab, installTslab } from "../../scripts/tslab.ts";
import { storeTrials } from "../experiments/arithmetic-study.ts";
import { copyOnboarding, trainingLimit } from "../lab/onboarding.ts";
import { jupyterEnvironment, root, run } from "../lab/parts.ts";
import { packedPackage } from "./packed.ts";

const file = "start.ipynb";

describe("tslab", { timeout: 2 * trainingLimit }, () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-tslab-"));
    env = { ...jupyterEnvironment(folder), JUPYTER_PATH: path.join(folder, "share/jupyter") };
    await installTslab(folder, env, await packedPackage());
    await copyOnboarding(folder, file);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Runs one of the folder's notebooks from start to end; returns the texts of its outputs. */
  async function outputsOf(name: string, ...more: string[]): Promise<string> {
    const notebooks = path.join(folder, "notebooks");
    const cli = path.join(root, "src/cli.ts");
    const args = [cli, "notebook", "run", name, "--kernel", "tslab", "--output", "out.ipynb"];
    const { code, output } = await run(process.execPath, [...args, ...more], {
      cwd: notebooks,
      env,
    });
    const written = await readFile(path.join(notebooks, "out.ipynb"), "utf8").catch(() => "{}");
    assert.equal(code, 0, output);
    const { cells } = JSON.parse(written) as { cells: { outputs?: { text?: string[] }[] }[] };
    return cells.flatMap(({ outputs = [] }) => outputs.flatMap(({ text = [] }) => text)).join("");
  }

  it("runs the onboarding notebook", async () => {
    assert.notEqual(await outputsOf(file), "");
  });

  it("runs a notebook that computes: tables and plots become text", async () => {
    const name = "14-what-does-not-add-up.ipynb";
    copyForTslab(name, path.join(folder, "notebooks"));
    const text = await outputsOf(name);
    assert.match(text, /where +computed/);
    assert.match(text, /\[plot: bar, 4 traces, "The same setting in four tables"\]/);
  });

  it("runs a notebook of a study from a store", async () => {
    const name = "09-table-10-beta.ipynb";
    copyForTslab(name, path.join(folder, "notebooks"));
    storeTrials(path.join(folder, "results"), "table10");
    const text = await outputsOf(name, "--param", "train=[]");
    assert.match(text, /Cora: quick profile, (\d+) of \1 trials/);
    assert.match(text, /method +n +test %/);
    assert.match(text, /a first look at 2 splits/);
  });
});
