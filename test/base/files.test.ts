// Atomic writing and canonical JSON.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { canonicalJson } from "../../src/base/canonical.ts";
import { OptionError } from "../../src/base/errors.ts";
import { FileError, probeFolder, writeAtomic } from "../../src/base/files.ts";
import { runId } from "../../src/training/run-id.ts";
import { smallConfig, temporaryFolder } from "../training/small.ts";

test("a file is written into new folders, and replaced", (t) => {
  const path = join(temporaryFolder(t), "a", "b", "file");
  writeAtomic(path, "one");
  writeAtomic(path, Uint8Array.of(1, 2));
  assert.deepEqual([...readFileSync(path)], [1, 2]);
  assert.deepEqual(readdirSync(join(path, "..")), ["file"]);
});

test("a path through a file, and a folder in the way, are reported in one line", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, "file"), "");
  mkdirSync(join(folder, "taken"));
  for (const path of [join(folder, "file", "x"), join(folder, "taken")]) {
    assert.throws(
      () => writeAtomic(path, "x"),
      (error) =>
        error instanceof FileError &&
        error.exitCode === 1 &&
        error.message.startsWith(`cannot write ${path}: `) &&
        !error.message.includes("\n"),
    );
  }
  assert.deepEqual(readdirSync(folder).sort(), ["file", "taken"]);
});

test("a folder that refuses new folders is reported, and not retried for ever", {
  skip: !existsSync("/proc/self") && "no /proc",
}, async () => {
  // In a separate process: Node's own mkdirSync() never returns from this.
  const module = new URL("../../src/base/files.ts", import.meta.url).href;
  const code = `import { probeFolder } from ${JSON.stringify(module)};
try { probeFolder("/proc/abkd/runs"); } catch (error) { console.log(error.message); }`;
  const args = ["--input-type=module", "-e", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 60_000 });
  assert.equal(stdout, "cannot write in /proc/abkd/runs: /proc takes no folders; choose another\n");
});

test("a probed folder keeps all of the user's files, including a link's target", (t) => {
  const folder = temporaryFolder(t);
  const [target, probed] = [join(folder, "target"), join(folder, "runs", "new")];
  probeFolder(probed);
  assert.deepEqual(readdirSync(probed), []);
  writeFileSync(target, "mine");
  symlinkSync(target, join(probed, ".probe"));
  probeFolder(probed);
  assert.deepEqual(readdirSync(probed), [".probe"]);
  assert.equal(readFileSync(join(probed, ".probe"), "utf8"), "mine");
});

// /dev/full fails a write like a full disk, but cannot be renamed to; a limit on file size works.
test("a write that fails half-way leaves the old file intact and no leftovers", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "file");
  writeFileSync(path, "old");
  const module = new URL("../../src/base/files.ts", import.meta.url).href;
  const script = `import { writeAtomic } from ${JSON.stringify(module)};
    try { writeAtomic(${JSON.stringify(path)}, new Uint8Array(1 << 20)); }
    catch (error) { console.log(error.message); }`;
  const { stdout } = await promisify(execFile)("bash", [
    "-c",
    'ulimit -f 100; exec "$0" --input-type=module -e "$1"',
    process.execPath,
    script,
  ]);
  assert.match(stdout, /^cannot write .*file: the file would be larger than the system allows\n$/);
  assert.equal(readFileSync(path, "utf8"), "old");
  assert.deepEqual(readdirSync(folder), ["file"]);
});

test("canonical JSON sorts keys at every depth and rejects values that JSON cannot hold", () => {
  const a = { b: [1, { d: 2, c: null }], a: undefined, "-": -0 };
  const b = { "-": 0, b: [1, { c: null, d: 2 }] };
  assert.equal(canonicalJson(a), '{"-":0,"b":[1,{"c":null,"d":2}]}');
  assert.equal(canonicalJson(a), canonicalJson(b));
  assert.throws(() => canonicalJson({ x: Number.NaN }), OptionError);
});

test("a run's id is the hash of its configuration, whatever the order of its members", () => {
  const config = smallConfig();
  const reversed = Object.fromEntries(Object.entries(config).reverse()) as typeof config;
  assert.match(runId(config), /^[0-9a-f]{16}$/);
  assert.equal(runId(reversed), runId(config));
  assert.notEqual(runId({ ...config, seed: 4 }), runId(config));
});
