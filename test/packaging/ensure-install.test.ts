// What runs before `npm start` and `npm test`: it installs when needed, and says what it does and why.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

const root = path.join(import.meta.dirname, "../..");
const posix = process.platform === "win32" ? "for Linux, macOS and WSL" : false;

describe("ensure-install", { skip: posix }, () => {
  let folder: string;
  after(() => rm(folder, { recursive: true }));

  // One copy for all tests, each of which continues where the one before it stopped (compiling takes seconds).
  // It has the project's scripts and WebAssembly kernels, one locked package, and an npm that only records that
  // it ran and then "installs" by linking the real compiler.
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-install-"));
    await cp(path.join(root, "scripts"), path.join(folder, "scripts"), { recursive: true });
    await mkdir(path.join(folder, "src/tensor/assembly"), { recursive: true });
    const kernel = "export function twice(x: f32): f32 { return 2 * x; }\n";
    await writeFile(path.join(folder, "src/tensor/assembly/index.ts"), kernel);
    await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
    await lock("package-lock.json", { one: "1.0.0" });
    await mkdir(path.join(folder, "tools"));
    const npm = `#!/bin/sh
echo "$@" >> npm-calls
mkdir -p node_modules
ln -sfn "${path.join(root, "node_modules/assemblyscript")}" node_modules/assemblyscript
ln -sfn "${path.join(root, "node_modules/binaryen")}" node_modules/binaryen
ln -sfn "${path.join(root, "node_modules/long")}" node_modules/long
cp package-lock.json node_modules/.package-lock.json
mkdir -p node_modules/.bin
printf '#!/bin/sh\\necho pinned "$@"\\n' > node_modules/.bin/node
chmod +x node_modules/.bin/node
exit \${NPM_STATUS:-0}
`;
    await writeFile(path.join(folder, "tools/npm"), npm);
    await chmod(path.join(folder, "tools/npm"), 0o755);
  });

  async function lock(file: string, versions: Record<string, string>): Promise<void> {
    const entry = ([name, version]: string[]) => [`node_modules/${name}`, { version }];
    const packages = { "": {}, ...Object.fromEntries(Object.entries(versions).map(entry)) };
    const far = { "node_modules/other-platform": { version: "1.0.0", optional: true } };
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), JSON.stringify({ packages: { ...packages, ...far } }));
  }

  function run(env: Record<string, string> = {}, node = process.execPath) {
    return spawnSync(node, [path.join(folder, "scripts/ensure-install.mjs")], {
      cwd: folder,
      env: { PATH: `${path.join(folder, "tools")}:/usr/bin:/bin`, ...env },
      encoding: "utf8",
    });
  }

  const npmCalls = () => readFile(path.join(folder, "npm-calls"), "utf8").catch(() => "");

  it("stops if npm fails", async () => {
    const { status, stderr } = run({ NPM_STATUS: "7" });
    assert.equal(status, 1);
    assert.match(stderr, /`npm ci` failed \(exit code 7\)/);
    await rm(path.join(folder, "node_modules"), { recursive: true });
    await rm(path.join(folder, "npm-calls"));
  });

  it("leaves the start itself to the Node that it has just installed", async () => {
    // The system's Node, under another name than the one that npm installs.
    const system = path.join(folder, "tools/node");
    await writeFile(system, `#!/bin/sh\nexec "${process.execPath}" "$@"\n`);
    await chmod(system, 0o755);
    const { scripts } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
    const PATH = ["node_modules/.bin", "tools"].map((part) => path.join(folder, part)).join(":");
    const { stdout } = spawnSync("/bin/sh", ["-c", scripts.start], {
      cwd: folder,
      env: { PATH: `${PATH}:/usr/bin:/bin` },
      encoding: "utf8",
    });
    assert.match(stdout, /^pinned src\/cli\.ts quickstart$/m);
    for (const made of ["node_modules", "build", "npm-calls"])
      await rm(path.join(folder, made), { recursive: true });
  });

  it("installs with `npm ci` if node_modules is missing, builds the engine, then does nothing", async () => {
    const first = run();
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, /node_modules is missing: running `npm ci`/);
    assert.match(first.stdout, /built the engine/);
    assert.equal(await npmCalls(), "ci\n");
    const wasm = await readFile(path.join(folder, "build/engine.fma.wasm"));
    assert.ok(WebAssembly.validate(wasm));
    const second = run();
    assert.deepEqual([second.status, second.stdout, second.stderr], [0, "", ""]);
    assert.equal(await npmCalls(), "ci\n");
  });

  it("installs again if the lock file has another version or one more package", async () => {
    await lock("package-lock.json", { one: "1.1.0" });
    assert.match(run().stdout, /one is 1\.0\.0, the lock file says 1\.1\.0/);
    await lock("package-lock.json", { one: "1.1.0", two: "2.0.0" });
    assert.match(run().stdout, /two 2\.0\.0 is not installed/);
    assert.equal(await npmCalls(), "ci\nci\nci\n");
  });

  it("rebuilds the engine after its sources change", async () => {
    const file = path.join(folder, "src/tensor/assembly/index.ts");
    await writeFile(file, "export function thrice(x: f32): f32 { return 3 * x; }\n");
    assert.match(run().stdout, /built the engine/);
    const wasm = await readFile(path.join(folder, "build/engine.simd.wasm"));
    const names = WebAssembly.Module.exports(new WebAssembly.Module(wasm)).map(({ name }) => name);
    assert.ok(names.includes("thrice"));
  });

  it("shows the compiler's own message if the sources are wrong, and keeps the old engine", async () => {
    const wasm = path.join(folder, "build/engine.simd.wasm");
    const old = await readFile(wasm);
    const file = path.join(folder, "src/tensor/assembly/index.ts");
    const sound = await readFile(file);
    await writeFile(file, "export function (\n");
    const { status, stderr } = run();
    assert.equal(status, 1);
    assert.match(stderr, /in src\/tensor\/assembly\/index\.ts\(/);
    assert.deepEqual(await readFile(wasm), old);
    await writeFile(file, sound);
  });

  it("says what to do if the pinned Node has no binary", async (t) => {
    const old = await oldNode();
    if (old === undefined) return t.skip("no Node older than 22.18 on this machine");
    const pinned = path.join(folder, "node_modules/.bin/node");
    await rm(pinned);
    const { status, stderr } = run({}, old);
    assert.equal(status, 1);
    assert.match(stderr, /install scripts are switched off/);
    assert.match(stderr, /npm rebuild node/);
    await symlink(process.execPath, pinned);
    assert.equal(run({}, old).status, 0);
  });
});

/** Finds a Node on the system that cannot run TypeScript sources, if there is one. */
async function oldNode(): Promise<string | undefined> {
  for (const candidate of ["/usr/bin/node", "/usr/local/bin/node"]) {
    const { stdout } = spawnSync(candidate, ["--version"], { encoding: "utf8" });
    const [major = 99] = (stdout ?? "").replace("v", "").split(".").map(Number);
    if (stdout && major >= 18 && major < 22) return candidate;
  }
  return undefined;
}
