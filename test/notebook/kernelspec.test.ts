// abkd kernel: installs, finds, lists and removes kernelspecs, and reports what it cannot do.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { inflateSync } from "node:zlib";
import { jupyterFolders, ownKernelspec, userFolder } from "../../src/kernel/kernelspec.ts";
import { startKernel } from "../../src/notebook/client.ts";
import { start } from "../cli/abkd.ts";
import { fakeKernel, install, temporaryFolder } from "./files.ts";

/** Runs `abkd kernel` with only these folders in effect. */
async function kernel(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const own = { HOME: folder, VIRTUAL_ENV: "", CONDA_PREFIX: "", JUPYTER_PATH: "" };
  const unset = { JUPYTER_DATA_DIR: "", XDG_DATA_HOME: "", APPDATA: folder };
  return await start(["kernel", ...args], { ...own, ...unset, ...env }).outcome;
}

describe("abkd kernel install", () => {
  it("writes a kernelspec with logos that starts this kernel", async () => {
    using folder = temporaryFolder();
    const { code, stdout } = await kernel(folder.path, ["install", "--prefix", folder.path]);
    const installed = path.join(folder.path, "share/jupyter/kernels/abkd");
    assert.equal(code, 0);
    assert.equal(stdout, `installed ${installed}\n`);
    assert.deepEqual(readdirSync(installed).sort(), [
      "kernel.json",
      "logo-32x32.png",
      "logo-64x64.png",
      "logo-svg.svg",
    ]);
    const text = readFileSync(path.join(installed, "kernel.json"), "utf8");
    const spec = JSON.parse(text) as ReturnType<typeof ownKernelspec>;
    assert.deepEqual(spec, ownKernelspec());
    assert.equal(spec.argv[0], process.execPath);
    const [main = "", connection] = spec.argv.slice(-2);
    assert.equal(connection, "{connection_file}");
    assert.ok(path.isAbsolute(main) && existsSync(main));
    const { display_name, language, interrupt_mode, kernel_protocol_version } = spec;
    assert.deepEqual(
      { display_name, language, interrupt_mode, kernel_protocol_version },
      {
        display_name: "TypeScript (abkd)",
        language: "typescript",
        interrupt_mode: "message",
        kernel_protocol_version: "5.5",
      },
    );
    await using client = await startKernel(spec);
    assert.equal((await client.execute("1 + 1")).reply.content["status"], "ok");
  });

  for (const size of [32, 64]) {
    it(`draws a logo of ${size} by ${size} pixels`, async () => {
      using folder = temporaryFolder();
      await kernel(folder.path, ["install", "--prefix", folder.path]);
      const png = readFileSync(
        path.join(folder.path, `share/jupyter/kernels/abkd/logo-${size}x${size}.png`),
      );
      assert.equal(png.toString("latin1", 1, 4), "PNG");
      assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [size, size]);
      const pixels = inflateSync(png.subarray(41, png.length - 16));
      assert.equal(pixels.length, size * (4 * size + 1));
      assert.equal(pixels[4], 0, "the corner is clear");
      assert.equal(pixels[(size / 2) * (4 * size + 1) + 4 * 8], 255, "the middle is not");
    });
  }

  it("takes the user's Jupyter folder by default, and another name", async () => {
    using folder = temporaryFolder();
    const data = path.join(folder.path, "data");
    await kernel(folder.path, ["install", "--user", "--name", "ts"], { JUPYTER_DATA_DIR: data });
    assert.ok(existsSync(path.join(data, "kernels/ts/kernel.json")));
  });

  it("leaves only the new files when it is installed again", async () => {
    using folder = temporaryFolder();
    await kernel(folder.path, ["install", "--prefix", folder.path]);
    const installed = path.join(folder.path, "share/jupyter/kernels/abkd");
    const spec = { ...ownKernelspec(), argv: ["/gone/node", "/gone/main.js"] };
    writeFileSync(path.join(installed, "kernel.json"), JSON.stringify(spec));
    const { code } = await kernel(folder.path, ["install", "--prefix", folder.path]);
    assert.equal(code, 0);
    assert.equal(readdirSync(installed).length, 4);
    const text = readFileSync(path.join(installed, "kernel.json"), "utf8");
    assert.deepEqual(JSON.parse(text), ownKernelspec());
  });

  it("does not touch another kernel of that name", async () => {
    using folder = temporaryFolder();
    const { JUPYTER_PATH = "" } = install(folder.path, "python3", fakeKernel("serve"));
    const env = { JUPYTER_DATA_DIR: JUPYTER_PATH };
    for (const action of ["install", "uninstall"]) {
      const { code, stderr } = await kernel(folder.path, [action, "--name", "python3"], env);
      assert.equal(code, 2);
      assert.match(stderr, /holds another kernel, Fake; /);
    }
    assert.ok(existsSync(path.join(JUPYTER_PATH, "kernels/python3/kernel.json")));
  });

  it("says what to do if it cannot write, or if the name is wrong", async () => {
    using folder = temporaryFolder();
    const blocked = path.join(folder.path, "file");
    writeFileSync(blocked, "");
    const a = await kernel(folder.path, ["install", "--prefix", blocked]);
    assert.equal(a.code, 1);
    assert.match(a.stderr, /^abkd: cannot install into .*: there is a file where .* --prefix\n$/);
    const b = await kernel(folder.path, ["install", "--name", "../evil"]);
    assert.equal(b.code, 2);
    assert.match(b.stderr, /"\.\.\/evil" cannot name a kernel; use lower-case letters/);
    const c = await kernel(folder.path, ["install", "--user", "--prefix", "x"]);
    assert.equal(c.code, 2);
    assert.match(c.stderr, /'--user' cannot be used with option '--prefix <folder>'/);
  });
});

describe("abkd kernel uninstall", () => {
  it("removes its own files, and no others", async () => {
    using folder = temporaryFolder();
    const installed = path.join(folder.path, "share/jupyter/kernels/abkd");
    await kernel(folder.path, ["install", "--prefix", folder.path]);
    const { code, stdout } = await kernel(folder.path, ["uninstall", "--prefix", folder.path]);
    assert.equal(code, 0);
    assert.equal(stdout, `removed ${installed}\n`);
    assert.ok(!existsSync(installed));
    await kernel(folder.path, ["install", "--prefix", folder.path]);
    writeFileSync(path.join(installed, "mine.txt"), "");
    await kernel(folder.path, ["uninstall", "--prefix", folder.path]);
    assert.deepEqual(readdirSync(installed), ["mine.txt"]);
  });

  it("says where the kernel is if it is elsewhere", async () => {
    using folder = temporaryFolder();
    await kernel(folder.path, ["install", "--prefix", folder.path]);
    const env = { VIRTUAL_ENV: folder.path };
    const { code, stderr } = await kernel(folder.path, ["uninstall"], env);
    assert.equal(code, 2);
    assert.ok(stderr.includes(`it is in ${folder.path}/share/jupyter/kernels/abkd`), stderr);
  });
});

describe("abkd kernel list", () => {
  it("shows each kernel, where it is, and what it lacks", async () => {
    using folder = temporaryFolder();
    const env = {
      ...install(folder.path, "gone", { ...fakeKernel("serve"), argv: ["/gone/node", "x"] }),
      VIRTUAL_ENV: folder.path,
    };
    mkdirSync(path.join(folder.path, "jupyter/kernels/broken"), { recursive: true });
    writeFileSync(path.join(folder.path, "jupyter/kernels/broken/kernel.json"), "{");
    await kernel(folder.path, ["install", "--prefix", folder.path]);
    const { code, stdout } = await kernel(folder.path, ["list"], env);
    assert.equal(code, 0);
    assert.match(stdout, /^gone +Fake \(broken: \/gone\/node is missing\)$/m);
    assert.match(stdout, /^abkd +TypeScript \(abkd\) \(this package's\)$/m);
    assert.match(stdout, /^broken +\(unreadable: .*kernel\.json.*\)$/m);
    assert.ok(stdout.includes(path.join(folder.path, "share/jupyter/kernels/abkd")));
  });
});

describe("Jupyter's folders", () => {
  it("are those of the system", () => {
    const home = { HOME: "/h" };
    assert.equal(userFolder(home, "linux"), "/h/.local/share/jupyter");
    assert.equal(userFolder({ ...home, XDG_DATA_HOME: "/x" }, "linux"), "/x/jupyter");
    assert.equal(userFolder(home, "darwin"), "/h/Library/Jupyter");
    assert.equal(userFolder({ APPDATA: "/a" }, "win32"), "/a/jupyter");
    assert.equal(userFolder({ ...home, JUPYTER_DATA_DIR: "/d" }, "darwin"), "/d");
  });

  it("begin with JUPYTER_PATH and the active environment", () => {
    const env = { HOME: "/h", JUPYTER_PATH: "/a:/b", VIRTUAL_ENV: "/v" };
    const folders = jupyterFolders(env);
    assert.deepEqual(folders.slice(0, 3), ["/a", "/b", "/v/share/jupyter"]);
    assert.ok(folders.indexOf("/h/.local/share/jupyter") < folders.indexOf("/usr/share/jupyter"));
  });
});
