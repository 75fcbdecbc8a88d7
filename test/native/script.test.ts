// `npm run native` where something is missing, with fake tools that only take notes; and its removal.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";

const root = path.resolve(import.meta.dirname, "../..");
const linux = process.platform === "linux";
const skip = linux ? false : "the native engine is built on Linux only";

/** A fake Python whose .venv has a TensorFlow once pip was asked for it. */
const fakePython = `#!/bin/sh
PATH=/usr/bin:/bin
echo "$@" >> "$NOTES"
here=$(dirname "$(dirname "$0")")
case "$*" in
  *find_spec\\(\\"tensorflow*) [ -d "$here/tensorflow" ] && echo "$here/tensorflow" || echo ;;
  "-c "*) echo "$VERSION True" ;;
  "-m venv"*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  *" list "*) echo pip==1; [ -d "$here/tensorflow" ] && echo tensorflow_cpu==2; true ;;
  *" install "*)
    [ -n "$PIP_FAILS" ] && echo "ERROR: as told" >&2 && exit 1
    mkdir -p "$here/tensorflow/include/tensorflow/c"
    touch "$here/tensorflow/libtensorflow_cc.so.2" "$here/tensorflow/libtensorflow_framework.so.2" ;;
  *" uninstall "*) rm -r "$here/tensorflow" ;;
esac
`;

describe("npm run native", { skip }, () => {
  let folder: string;
  let notes: string;
  const tool = async (name: string, text: string): Promise<void> => {
    await writeFile(path.join(folder, "tools", name), text);
    await chmod(path.join(folder, "tools", name), 0o755);
  };

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-native-"));
    notes = path.join(folder, "notes");
    const files = ["native.ts", "native-tensorflow.ts", "native-quiet.cc", "venv.ts"];
    for (const file of files)
      await cp(path.join(root, "scripts", file), path.join(folder, "scripts", file));
    for (const file of [
      "src/base/errors.ts",
      "src/base/json.ts",
      "src/base/printable.ts",
      "src/tensor/native/build.ts",
    ])
      await cp(path.join(root, file), path.join(folder, file));
    await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(path.join(folder, "requirements.txt"), "jupyterlab==1.0\n");
    await mkdir(path.join(folder, "tools"));
    await tool("python3", fakePython);
    await tool("g++", "#!/bin/sh\nexit 0\n");
    await tool("npm", "#!/bin/sh\necho 'npm error 404 as told' >&2\nexit 1\n");
    await symlink("/bin/sh", path.join(folder, "tools/sh"));
  });
  beforeEach(() => rm(notes, { force: true }));
  after(() => rm(folder, { recursive: true }));

  function run(env: Record<string, string> = {}, ...args: string[]) {
    const script = path.join(folder, "scripts/native.ts");
    return spawnSync(process.execPath, [script, ...args], {
      cwd: folder,
      env: { PATH: path.join(folder, "tools"), NOTES: notes, VERSION: "3.12.1", ...env },
      encoding: "utf8",
    });
  }

  const lines = (text: string): string[] => text.trimEnd().split("\n");

  test("one line without a compiler, before anything is downloaded", async () => {
    await rm(path.join(folder, "tools/g++"));
    const { status, stdout, stderr } = run();
    await tool("g++", "#!/bin/sh\nexit 0\n");
    assert.deepEqual([status, stdout, lines(stderr).length], [2, "", 1]);
    assert.match(stderr, /C\+\+ compiler.*g\+\+, c\+\+, clang\+\+.*apt-get install g\+\+/);
    assert.ok(!existsSync(path.join(folder, "build")));
  });

  test("one line without Python, and with one that TensorFlow has no wheels for", async () => {
    for (const [version, found] of [
      ["3.9.1", /python3 is 3\.9\.1/],
      ["3.14.0", /python3 is 3\.14\.0/],
    ] as const) {
      const { status, stdout, stderr } = run({ VERSION: version });
      assert.deepEqual([status, stdout, lines(stderr).length], [2, "", 1]);
      assert.match(stderr, /TensorFlow 2\.\d+\.\d+ needs Python 3\.10 to 3\.13.*npm run native/);
      assert.match(stderr, found);
    }
    await rm(path.join(folder, "tools/python3"));
    const { status, stderr } = run();
    await tool("python3", fakePython);
    assert.deepEqual([status, lines(stderr).length], [2, 1]);
    assert.match(stderr, /none in PATH: install it/);
    assert.ok(!existsSync(path.join(folder, ".venv")));
  });

  test("a variable that points nowhere is named", () => {
    const { status, stderr } = run({ ABKD_TENSORFLOW: folder });
    assert.equal(status, 2);
    assert.match(stderr, /ABKD_TENSORFLOW is .*, which has no libtensorflow_cc\.so\.2/);
  });

  test("pip's failure is shown", () => {
    const { status, stderr } = run({ PIP_FAILS: "1" });
    assert.equal(status, 1);
    assert.match(stderr, /pip failed.*ERROR: as told.*npm run native/s);
  });

  test("TensorFlow goes into .venv, once; both npm packages are tried; nothing counts as built", async () => {
    const first = run();
    assert.equal(first.status, 1);
    assert.match(first.stderr, /installing tensorflow\S* into \.venv/);
    assert.match(first.stderr, /tfjs-node-gpu@4\.22\.0.*trying @tensorflow\/tfjs-node$/m);
    assert.match(first.stderr, /npm could not fetch @tensorflow\/tfjs-node@4.*404 as told/s);
    assert.ok(!existsSync(path.join(folder, "build/native/native.json")));
    assert.ok(!existsSync(path.join(folder, "build/pip")));
    assert.match(await readFile(notes, "utf8"), /pip .*install .*tensorflow/);
    await rm(notes);
    assert.doesNotMatch(run().stderr, /installing/);
    assert.doesNotMatch(await readFile(notes, "utf8"), / install /);
  });

  test("--measure tests a build again and keeps its record of parts; without a build it says so", async () => {
    const native = path.join(folder, "build/native");
    const missing = run({}, "--measure");
    assert.equal(missing.status, 2);
    assert.match(missing.stderr, /the native engine is not built: run `npm run native`/);
    await mkdir(native, { recursive: true });
    await writeFile(path.join(native, "tfjs_binding.node"), "");
    const record = { package: "some-package", tensorflow: "/some/tensorflow" };
    const old = { version: "2.0.0", device: "cpu", fasterFromWidth: 512 };
    await writeFile(path.join(native, "native.json"), JSON.stringify({ ...record, ...old }));
    const found = { version: "2.1.0", device: "cpu", fasterFromWidth: 64 };
    const proof = path.join(folder, "scripts/native-proof.ts");
    const answer = JSON.stringify({ ...found, gigaflops: 3 });
    await writeFile(proof, `if (process.argv[2] === "some-package") console.log('${answer}');`);
    const { status, stdout } = run({}, "--measure");
    assert.equal(status, 0);
    assert.match(stdout, /TensorFlow 2\.1\.0 on cpu.*--engine auto uses it from width 64 on\n$/);
    const text = await readFile(path.join(native, "native.json"), "utf8");
    assert.deepEqual(JSON.parse(text), { ...record, ...found });
    await rm(proof);
  });

  test("--remove deletes build/native and its own .venv, in one line", () => {
    const { status, stdout } = run({}, "--remove");
    assert.equal(status, 0);
    assert.equal(stdout, "abkd: native engine removed: build/native and .venv\n");
    assert.ok(!existsSync(path.join(folder, ".venv")));
    assert.ok(!existsSync(path.join(folder, "build/native")));
    assert.match(run({}, "--remove").stdout, /no native engine to remove/);
  });

  test("--remove deletes only what it installed from JupyterLab's .venv", async () => {
    run();
    await writeFile(path.join(folder, ".venv/.requirements.sha256"), "JupyterLab's\n");
    const { stdout } = run({}, "--remove");
    assert.equal(stdout, "abkd: native engine removed: build/native and tensorflow_cpu in .venv\n");
    assert.ok(existsSync(path.join(folder, ".venv/bin/python")));
    assert.match(await readFile(notes, "utf8"), /uninstall -y tensorflow_cpu$/m);
  });
});
