// The onboarding notebook in the other TypeScript kernel: tslab, beside the packed package.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { installTslab } from "../../scripts/tslab.ts";
import { copyOnboarding, trainingLimit } from "../lab/onboarding.ts";
import { jupyterEnvironment, root, run } from "../lab/parts.ts";

const file = "start.ipynb";

describe("tslab", { timeout: 2 * trainingLimit }, () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-tslab-"));
    env = { ...jupyterEnvironment(folder), JUPYTER_PATH: path.join(folder, "share/jupyter") };
    await installTslab(folder, env);
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
