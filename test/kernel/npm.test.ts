// Packages that a notebook names as npm:…, from a registry of the test's own.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { install, lockedVersions } from "../../src/kernel/npm/install.ts";
import { npmSpecifier, wantedOf } from "../../src/kernel/npm/specifier.ts";
import { installDependencies, recordDependencies } from "../../src/notebook/dependencies.ts";
import { parseNotebook } from "../../src/notebook/nbformat.ts";
import { chooseKernel, runNotebook } from "../../src/notebook/run.ts";
import { TestRunner, until } from "./runner-harness.ts";

const home = process.cwd();
const root = mkdtempSync(join(tmpdir(), "abkd-npm-"));
const folder = join(root, "notebooks");
const requests: string[] = [];
let tarball: Buffer;
const server = createServer(({ url = "" }, response) => {
  requests.push(url);
  if (url === "/tiny.tgz") return void response.end(tarball);
  if (url === "/hanging") return; // never answers
  if (url !== "/tiny") return void response.writeHead(404).end("{}");
  const { port } = server.address() as AddressInfo;
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const dist = { tarball: `http://127.0.0.1:${port}/tiny.tgz`, integrity };
  const version = { name: "tiny", version: "1.2.3", dist, scripts: { install: "touch ran" } };
  response.end(
    JSON.stringify({
      name: "tiny",
      "dist-tags": { latest: "1.2.3" },
      versions: { "1.2.3": version },
    }),
  );
});

before(async () => {
  const source = join(root, "package");
  mkdirSync(source);
  mkdirSync(folder);
  const manifest = {
    name: "tiny",
    version: "1.2.3",
    type: "module",
    exports: "./index.js",
    scripts: { install: "touch ran" },
  };
  writeFileSync(join(source, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(source, "index.js"), "export const tiny = 42;");
  execFileSync("tar", ["czf", join(root, "tiny.tgz"), "-C", root, "package"]);
  tarball = readFileSync(join(root, "tiny.tgz"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  process.env["npm_config_registry"] = `http://127.0.0.1:${port}/`;
  process.env["npm_config_cache"] = join(root, "cache");
  process.env["npm_config_userconfig"] = join(root, "none");
  process.env["npm_config_fetch_retries"] = "0";
  process.chdir(folder); // where the runner starts
});
after(() => {
  process.chdir(home);
  server.close();
  server.closeAllConnections();
  rmSync(root, { recursive: true });
});

test("a cell installs what it imports, where a person sees it, and later cells use it", async () => {
  const runner = new TestRunner();
  await runner.ready;
  try {
    const code = `import { tiny } from "npm:tiny@1"; tiny`;
    const headless = await runner.run(code, { allowInput: false });
    const { outcome } = headless;
    assert.match(outcome.status === "error" ? outcome.evalue : "", /npm install tiny.*or let it/);
    assert.deepEqual([requests, existsSync(join(folder, ".abkd"))], [[], false]);

    const { outcome: first, stderr } = await runner.run(code);
    assert.equal(first.status === "ok" && first.result?.data["text/plain"], "42");
    assert.equal(stderr, "installing tiny@1 from npm into .abkd/ (no scripts are run)\n");
    assert.ok(!existsSync(join(folder, ".abkd/node_modules/tiny/ran")));
    const lock = readFileSync(join(folder, ".abkd/package-lock.json"), "utf8");
    assert.match(lock, /"integrity": "sha512-/);
    assert.doesNotMatch(lock, /127\.0\.0\.1/);
    assert.deepEqual(lockedVersions(folder, ["tiny", "other"]), { tiny: "1.2.3" });

    const asked = requests.length;
    const again = await runner.run(`(await import("npm:tiny")).tiny`, { allowInput: false });
    assert.equal(again.outcome.status === "ok" && again.outcome.result?.data["text/plain"], "42");
    assert.deepEqual([requests.length, again.stderr], [asked, ""]);

    assert.equal(await runner.value(`require("npm:tiny").tiny`), "42");

    // The stop button ends npm, so that the next import need not wait for it.
    const waiting = runner.start(`import "npm:hanging@1"`);
    await until(() => requests.includes("/hanging"), "npm asks for the package");
    runner.interrupt();
    const { outcome: stopped } = await waiting.ran;
    assert.equal(stopped.status === "error" && stopped.ename, "KeyboardInterrupt");

    const { outcome: absent } = await runner.run(`import "npm:absent@1"`);
    assert.match(absent.status === "error" ? absent.evalue : "", /cannot install absent@1: npm: /);
    const { dependencies } = JSON.parse(readFileSync(join(folder, ".abkd/package.json"), "utf8"));
    assert.deepEqual(dependencies, { tiny: "1" });
  } finally {
    await runner.close();
  }
});

test("a headless run installs only with leave, and the metadata gives a stranger the same versions", async () => {
  const file = join(folder, "n.ipynb");
  const source = `import { tiny } from "npm:tiny@1";\ntiny`;
  const cell = { cell_type: "code", id: "a", metadata: {}, outputs: [], execution_count: null };
  const text = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [{ ...cell, source }] };
  const notebook = parseNotebook(JSON.stringify(text), file);
  recordDependencies(notebook, folder);
  assert.deepEqual(notebook.metadata["abkd"], { dependencies: { tiny: "1.2.3" } });

  const elsewhere = join(root, "stranger");
  mkdirSync(elsewhere);
  const kernel = chooseKernel();
  const refused = await runNotebook(notebook, { kernel, cwd: elsewhere });
  assert.match(refused.failure?.message ?? "", /--allow-install/);
  const said: string[] = [];
  await installDependencies(notebook, file, elsewhere, (line) => void said.push(line));
  assert.deepEqual(
    said.map((line) => line.split(" ")[1]),
    ["tiny@1.2.3", "tiny@1"],
  );
  const { failure } = await runNotebook(notebook, { kernel, cwd: elsewhere });
  assert.equal(failure, null);
  assert.match(JSON.stringify(notebook.cells), /"text\/plain":"42"/);

  notebook.metadata["abkd"] = { dependencies: { tiny: "file:../x" } };
  await assert.rejects(
    installDependencies(notebook, file, elsewhere, () => {}),
    /abkd\.dependencies/,
  );
});

test("a package that is not what the lock says is refused", async () => {
  const file = join(folder, ".abkd/package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8"));
  lock.packages["node_modules/tiny"].integrity = `sha512-${Buffer.alloc(64).toString("base64")}`;
  writeFileSync(file, JSON.stringify(lock));
  rmSync(join(folder, ".abkd/node_modules"), { recursive: true });
  const wanted = [{ name: "tiny", range: "1" }];
  await assert.rejects(
    install(folder, wanted, () => {}),
    /cannot install tiny@1: npm: .*(?:EINTEGRITY|integrity)/,
  );
});

test("a folder that could lead npm elsewhere is refused before npm starts", async () => {
  const hostile: readonly (readonly [string, string, RegExp])[] = [
    [".npmrc", "git=./evil", /\.npmrc could change/],
    ["package.json", `{"dependencies":{"a":"git+ssh://h/x"}}`, /a is not a package of npm's/],
    [
      "package-lock.json",
      `{"packages":{"node_modules/a":{"resolved":"git+ssh://h/x","integrity":"sha512-x"}}}`,
      /a does not come from the registry/,
    ],
    ["package-lock.json", `{"packages":{"node_modules/a":{}}}`, /a has no integrity/],
    ["package-lock.json", `{"packages":{"../x":{}}}`, /outside node_modules/],
  ];
  const asked = requests.length;
  for (const [name, text, reason] of hostile) {
    const at = mkdtempSync(join(root, "hostile-"));
    mkdirSync(join(at, ".abkd"));
    writeFileSync(join(at, ".abkd", name), text);
    const said: string[] = [];
    const wanted = [{ name: "tiny", range: "1" }];
    await assert.rejects(
      install(at, wanted, (line) => void said.push(line)),
      reason,
    );
    assert.deepEqual(said, []);
  }
  assert.equal(requests.length, asked);
});

test("only packages of the registry have a specifier", () => {
  assert.deepEqual(npmSpecifier("npm:@a/b@^1.2/c/d.js"), {
    name: "@a/b",
    range: "^1.2",
    bare: "@a/b/c/d.js",
  });
  assert.deepEqual(npmSpecifier("npm:zod"), { name: "zod", range: "*", bare: "zod" });
  for (const refused of [
    "--global",
    "../x",
    ".",
    "a@file:b",
    "a@git+ssh:x",
    "a@npm:b",
    "a@.",
    "a@b.tgz",
    "@a/-b",
    "node_modules",
    "a@--x",
    "",
  ]) {
    assert.equal(npmSpecifier(`npm:${refused}`), undefined, refused);
  }
  assert.equal(wantedOf("a", "github:a/b"), undefined);
  assert.equal(wantedOf("a", 3), undefined);
});
