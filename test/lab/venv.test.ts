// What `npm run lab` does before JupyterLab starts, with a Python and a pip that only record their calls.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { root } from "./parts.ts";

const fakePython = `#!/bin/sh
PATH=/usr/bin:/bin
echo "$@" >> "$NOTES"
case "$1 $2" in
  "-c "*) echo "$VERSION $VENV" ;;
  "-m venv") mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  "-m pip")
    echo "Collecting one==1.0"
    echo "Collecting two==2.0 (from one)"
    echo "ERROR: as told" >&2
    exit "\${PIP_STATUS:-0}" ;;
esac
`;

describe("npm run lab -- --install-only", () => {
  let folder: string;
  let notes: string;

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-venv-"));
    notes = path.join(folder, "notes");
    for (const file of [
      "scripts/lab.ts",
      "scripts/venv.ts",
      "src/base/errors.ts",
      "src/base/printable.ts",
    ])
      await cp(path.join(root, file), path.join(folder, file));
    await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(path.join(folder, "requirements.txt"), "# Some.\none==1.0\ntwo==2.0\n");
    const cli = `import { appendFileSync } from "node:fs";
appendFileSync(process.env.NOTES, "abkd " + process.argv.slice(2).join(" ") + "\\n");\n`;
    await writeFile(path.join(folder, "src/cli.ts"), cli);
    await mkdir(path.join(folder, "tools"));
    await writeFile(path.join(folder, "tools/python3"), fakePython);
    await chmod(path.join(folder, "tools/python3"), 0o755);
  });
  beforeEach(() => rm(notes, { force: true }));
  after(() => rm(folder, { recursive: true }));

  function install(env: Record<string, string> = {}) {
    return spawnSync(process.execPath, [path.join(folder, "scripts/lab.ts"), "--install-only"], {
      cwd: folder,
      env: {
        PATH: path.join(folder, "tools"),
        NOTES: notes,
        VERSION: "3.12.1",
        VENV: "True",
        ...env,
      },
      encoding: "utf8",
    });
  }

  /** Returns the calls of Python and of our own command, without the probes. */
  async function calls(): Promise<string[]> {
    const lines = (await readFile(notes, "utf8")).trimEnd().split("\n");
    return lines.filter((line) => /^(-m|abkd) /.test(line)).map((line) => line.split(" ")[1]!);
  }

  /** Returns the one line that a user without a fitting Python gets. */
  function refusal(env: Record<string, string>): string {
    const { status, stdout, stderr } = install(env);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
    return stderr;
  }

  it("reports in one line that there is no Python", () => {
    const line = refusal({ PATH: path.join(folder, "nothing") });
    assert.match(line, /Python 3\.10 or later.*none in PATH:.*apt-get.*brew.*npm run lab/);
  });

  it("names a Python that is too old", () => {
    const line = refusal({ VERSION: "3.9.2" });
    assert.match(line, /Python 3\.10 or later.*\(python3 is 3\.9\.2\)/);
  });

  it("reports what Debian leaves out", () => {
    assert.match(refusal({ VENV: "False" }), /3\.12\.1.*venv.*apt-get install python3-venv/);
  });

  it("shows why pip failed, and does not accept what pip left as an environment", async () => {
    const { status, stderr } = install({ PIP_STATUS: "1" });
    assert.equal(status, 1);
    assert.match(stderr, /pip failed \(exit code 1\).*ERROR: as told.*npm run lab/s);
    assert.deepEqual(await calls(), ["venv", "pip"]);
  });

  it("starts over after that, printing lines, and installs the kernel", async () => {
    const { status, stdout, stderr } = install();
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^abkd: making \.venv with python3 \(Python 3\.12\.1\)$/m);
    assert.match(stdout, /^abkd: installing 2 Python packages/m);
    assert.deepEqual(await calls(), ["venv", "pip", "kernel"]);
    assert.match(await readFile(notes, "utf8"), /^abkd kernel install --prefix .*\.venv$/m);
  });

  it("changes nothing that is already there, but notices a moved folder", async () => {
    const { status, stdout } = install();
    assert.equal(status, 0);
    assert.equal(stdout, "");
    assert.deepEqual(await calls(), ["kernel"]);
  });

  it("updates an environment without rebuilding it", async () => {
    await writeFile(path.join(folder, "requirements.txt"), "one==1.1\n");
    assert.equal(install().status, 0);
    assert.deepEqual(await calls(), ["pip", "kernel"]);
  });
});
