// The package as users get it: packed, installed elsewhere, imported, required, run.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { OWN_MODULE } from "../training/own-module.ts";
import { packedPackage } from "./packed.ts";

const root = path.join(import.meta.dirname, "../..");

function run(folder: string, command: string, ...args: string[]) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(command, args, { cwd: folder, env, encoding: "utf8", maxBuffer: 1e9 });
}

function succeed(folder: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = run(folder, command, ...args);
  assert.equal(status, 0, error?.message ?? `${stdout}\n${stderr}`);
  return stdout;
}

describe("package.json", () => {
  const { dependencies, ...manifest } = JSON.parse(
    readFileSync(path.join(root, "package.json"), "utf8"),
  ) as { dependencies: Record<string, string>; bin: Record<string, string>; main: string };

  it("keeps development tools and packages with native parts out of `dependencies`", () => {
    for (const name of [
      "danfojs-node",
      "tslab",
      "@tensorflow/tfjs-node",
      "@tensorflow/tfjs-node-gpu",
    ])
      assert.ok(!(name in dependencies), name);
  });

  it("pins exact versions", () => {
    for (const version of Object.values(dependencies)) assert.match(version, /^\d+\.\d+\.\d+$/);
    assert.equal(manifest.main, "./dist/index.js");
  });

  it("has a lock file without registry addresses", () => {
    const lock = readFileSync(path.join(root, "package-lock.json"), "utf8");
    assert.doesNotMatch(lock, /"resolved": "https?:/);
  });
});

describe("the packed package", () => {
  let folder: string;
  let files: string[];
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-pack-"));
    await writeFile(path.join(folder, "package.json"), '{ "private": true }\n');
    succeed(folder, "npm", "install", "--prefer-offline", "--silent", await packedPackage());
    const installed = path.join(folder, "node_modules/abkd");
    files = readdirSync(installed, { recursive: true, encoding: "utf8" }).filter((file) =>
      statSync(path.join(installed, file)).isFile(),
    );
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("contains JavaScript, declarations, both engines, licence and citation, and no sources", () => {
    for (const file of [
      ...["dist/index.js", "dist/index.d.ts", "dist/cli.js", "LICENSE", "CITATION.cff"],
      ...["build/engine.simd.wasm", "build/engine.fma.wasm", "package.json"],
    ])
      assert.ok(files.includes(file), file);
    // The checkout has more than what was packed from: its own list, without building anything.
    const pack = ["pack", "--dry-run", "--ignore-scripts", "--json", "--silent"];
    const [{ files: here }] = JSON.parse(succeed(root, "npm", ...pack));
    const all = [...files, ...here.map((file: { path: string }) => file.path)];
    const strays = all.filter((file) => /^(src|test|scripts|runs)\/|(?<!\.d)\.ts$/.test(file));
    assert.deepEqual(strays, []);
  });

  it("can be imported and required, with the same result", async () => {
    await writeFile(
      path.join(folder, "esm.mjs"),
      'for (const name of ["abkd", "abkd/paper", "abkd/student"])\n' +
        "  console.log(Object.keys(await import(name)).sort().join());\n",
    );
    await writeFile(
      path.join(folder, "commonjs.cjs"),
      'for (const name of ["abkd", "abkd/paper", "abkd/student"])\n' +
        "  console.log(Object.keys(require(name)).sort().join());\n",
    );
    const imported = succeed(folder, process.execPath, "esm.mjs");
    const [library, paper, student] = imported.split("\n").map((line) => line.split(","));
    assert.ok(student!.includes("loadStudent"));
    for (const name of ["distill", "evaluate", "runTrials", "tf"]) {
      assert.ok(library!.includes(name), name);
    }
    assert.ok(paper!.includes("theoremWords") && !library!.includes("theoremWords"));
    assert.equal(succeed(folder, process.execPath, "commonjs.cjs"), imported);
  });

  it("has types for ESM and CommonJS consumers", async () => {
    const use = (text: string) => `${text}
import { table9Claims } from "abkd/paper";
export const claims: Promise<readonly { readonly dataset: string }[]> = table9Claims();
const configs: RunConfig[] = [];
export const done: Promise<RunResult[]> = runTrials(configs, { workers: 1 });
// @ts-expect-error: there is no such option
export const wrong = runTrials(configs, { labourers: 1 });\n`;
    const importLine = 'import { type RunConfig, type RunResult, runTrials } from "abkd";';
    await writeFile(path.join(folder, "consumer.mts"), use(importLine));
    await writeFile(path.join(folder, "consumer.cts"), use(importLine));
    const compilerOptions = {
      ...{ module: "nodenext", target: "es2023", strict: true, noEmit: true },
      // Other packages' declarations are not tested here (tfjs's need a browser's types).
      ...{ skipLibCheck: true, types: [] },
    };
    const config = { compilerOptions, files: ["consumer.mts", "consumer.cts"] };
    await writeFile(path.join(folder, "tsconfig.json"), JSON.stringify(config));
    succeed(
      folder,
      process.execPath,
      path.join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      ".",
    );
  });

  it("has declarations without errors of their own, even without danfojs and a browser's types", async () => {
    const file = path.join(folder, "strict.mts");
    const names = "type RunConfig, runTrials, dataFrame, openStudy, SparseMatrix";
    await writeFile(
      file,
      `import { ${names} } from "abkd";
const configs: RunConfig[] = [];
export const all = [runTrials(configs), dataFrame, openStudy, SparseMatrix];\n`,
    );
    assert.ok(!existsSync(path.join(folder, "node_modules/danfojs-node")));
    const strict = { strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
    for (const [module, lib] of [
      ["nodenext", ["es2022"]],
      ["preserve", ["es2022", "dom"]],
    ] as const) {
      const moduleResolution = module === "preserve" ? "bundler" : module;
      const given = { module, moduleResolution, lib, target: "es2022", noEmit: true };
      const compilerOptions = { ...strict, ...given, types: ["node"] };
      const config = { compilerOptions, files: ["strict.mts"] };
      await writeFile(path.join(folder, "tsconfig.strict.json"), JSON.stringify(config));
      const compiler = path.join(root, "node_modules/typescript/bin/tsc");
      const { stdout } = run(folder, process.execPath, compiler, "-p", "tsconfig.strict.json");
      // Other packages' declarations have errors of their own: tfjs's and plotly's need a browser's types.
      const ours = stdout.split("\n").filter((line) => /^(node_modules\/abkd\/|strict)/.test(line));
      assert.deepEqual(ours, [], `${module}, ${lib.join()}`);
    }
  });

  it("distils on the embedded graph with `npx abkd distill`", () => {
    const tiny = [
      ...["--teacher-layers", "4", "--teacher-width", "8", "--teacher-epochs", "3"],
      ...["--epochs", "4", "--seed", "1", "--quiet", "--json"],
    ];
    const call = ["abkd", "distill", "--method", "abkd", "--dataset", "synthetic", ...tiny];
    const [result] = JSON.parse(succeed(folder, "npx", "--no-install", ...call));
    assert.equal(result.format, "abkd-run/1");
    assert.equal(result.config.dataset, "synthetic");
    assert.equal(result.curve.loss.length, 4);
    assert.ok(result.accuracy.test > 0 && result.accuracy.test <= 1);
    assert.ok(existsSync(path.join(folder, "runs")));
  });

  it("trains a script's own method, model and dataset in parallel, without a fork", async () => {
    const guide = readFileSync(path.join(root, "CONTRIBUTING.md"), "utf8");
    const part = guide.slice(guide.indexOf("## Without a fork"));
    const script = /```ts\n([\s\S]*?)```/.exec(part)![1]!;
    const own = path.join(folder, "own");
    await mkdir(own);
    await writeFile(path.join(own, "package.json"), '{ "type": "module" }\n');
    await writeFile(path.join(own, "mine.ts"), OWN_MODULE);
    await writeFile(path.join(own, "run.ts"), script);
    const compilerOptions = {
      ...{ module: "nodenext", target: "es2023", strict: true, noEmit: true },
      ...{ allowImportingTsExtensions: true, skipLibCheck: true, types: ["node"] },
    };
    const config = { compilerOptions, files: ["run.ts"] };
    await writeFile(path.join(own, "tsconfig.json"), JSON.stringify(config));
    const compiler = path.join(root, "node_modules/typescript/bin/tsc");
    succeed(own, process.execPath, compiler, "-p", ".");

    const printed = succeed(own, process.execPath, "run.ts");
    const rows = printed.trim().split("\n");
    assert.deepEqual(
      rows.map((row) => row.split(" ")[0]),
      ["1", "2", "3"],
    );
    for (const row of rows) assert.ok(Number(row.split(" ")[1]) > 0.5, printed);
    // Resumed: nothing is trained, no file is written.
    const files = () =>
      readdirSync(path.join(own, "runs"), { recursive: true, encoding: "utf8" })
        .filter((file) => file.includes("."))
        .map((file) => [file, statSync(path.join(own, "runs", file)).mtimeMs]);
    const before = files();
    assert.equal(succeed(own, process.execPath, "run.ts"), printed);
    assert.equal(before.length, 8, "a model and a result of the teacher and each student");
    assert.deepEqual(files(), before);

    await writeFile(path.join(own, "without.ts"), script.replace("modules, resume", "resume"));
    const without = run(own, process.execPath, "without.ts");
    assert.equal(without.status, 1);
    assert.match(without.stderr, /the method "own-matching" was added by this program, but worker/);
    await writeFile(path.join(own, "other.ts"), "export {};\n");
    const other = script.replace('URL("./mine.ts"', 'URL("./other.ts"');
    await writeFile(path.join(own, "wrong.ts"), other);
    const wrong = run(own, process.execPath, "wrong.ts");
    assert.match(wrong.stderr, /"own-matching" is not known in a worker thread/);
  });

  it("classifies whole graphs with CONTRIBUTING's script", async () => {
    const guide = readFileSync(path.join(root, "CONTRIBUTING.md"), "utf8");
    const part = guide.slice(guide.indexOf("## Another task"));
    const script = /```ts\n([\s\S]*?)```/.exec(part)![1]!;
    const own = path.join(folder, "graphs");
    await mkdir(own);
    await writeFile(path.join(own, "package.json"), '{ "type": "module" }\n');
    await writeFile(path.join(own, "graphs.ts"), script);
    // Half of the graphs are of each class.
    assert.ok(Number(succeed(own, process.execPath, "graphs.ts")) > 0.9);
  });

  it("distils and evaluates with one call each, as in the README", async () => {
    const readme = readFileSync(path.join(root, "README.md"), "utf8");
    const [, script] = /```ts\n(import \{ distill[\s\S]*?)```/.exec(readme)!;
    const teacher = "teacher: { model: { layers: 4, width: 8 }, training: { epochs: 3 } }";
    const small = script!
      .replace('dataset: "cora"', 'dataset: "synthetic"')
      .replace('teacher: "gcnii"', teacher);
    assert.ok(small.includes(teacher) && small.includes("synthetic"), small);
    await writeFile(path.join(folder, "short.mjs"), small);
    const printed = succeed(folder, process.execPath, "short.mjs");
    assert.match(printed, /^0\.\d+ /m);
    assert.ok(existsSync(path.join(folder, "student.safetensors")));
  });

  it("reports a wrong request in one line, with exit code 2", () => {
    const { status, stderr } = run(
      folder,
      "npx",
      "--no-install",
      "abkd",
      "distill",
      "--epoch",
      "4",
    );
    assert.equal(status, 2);
    assert.equal(
      stderr
        .trimEnd()
        .split("\n")
        .filter((line) => !/^npm warn/.test(line)).length,
      1,
    );
  });
});
