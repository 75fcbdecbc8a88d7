// The kernel's own package: what is in it, and a notebook run by it in a folder that has nothing else.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";

const root = path.join(import.meta.dirname, "../..");

interface Packed {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

describe("npm run pack:kernel", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "abkd-kernel-package-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const env = { ...inherited, JUPYTER_DATA_DIR: path.join(folder, "jupyter"), JUPYTER_PATH: "" };

  function run(command: string, ...args: string[]) {
    return spawnSync(command, args, { cwd: folder, env, encoding: "utf8", maxBuffer: 1e9 });
  }
  function succeed(command: string, ...args: string[]): string {
    const { status, stdout, stderr, error } = run(command, ...args);
    assert.equal(status, 0, error?.message ?? `${stdout}\n${stderr}`);
    return stdout;
  }
  const tskernel = (...args: string[]) => succeed("npx", "--no-install", "tskernel", ...args);
  const inPackage = (...names: string[]) => path.join(folder, "node_modules", "tskernel", ...names);

  let packed: Packed;
  before(() => {
    const script = path.join(root, "scripts/pack-kernel.mjs");
    const output = succeed(
      process.execPath,
      script,
      "--json",
      "--silent",
      "--pack-destination",
      folder,
    );
    [packed] = JSON.parse(output.slice(output.search(/^\[/m))) as [Packed];
    writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
    succeed("npm", "install", "--prefer-offline", "--silent", `./${packed.filename}`);
  });

  it("holds the kernel, the runner and their commands, in less than 3 MB, and nothing of the library", () => {
    const folders = new Set(
      packed.files
        .map((file) => file.path.split("/"))
        .filter(([first]) => first === "dist")
        .map(([, second]) => second),
    );
    assert.deepEqual([...folders].sort(), [
      "base",
      "cli",
      "display",
      "kernel",
      "notebook",
      "tskernel.d.ts",
      "tskernel.js",
    ]);
    for (const file of ["README.md", "LICENSE", "kernel-package.png"])
      assert.ok(existsSync(inPackage(file)), file);
    assert.ok(packed.unpackedSize < 3e6, `${packed.unpackedSize} bytes`);
  });

  it("depends on what its files import, and on no engine, chart or data frame", () => {
    const text = readFileSync(inPackage("package.json"), "utf8");
    const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
    const imported = new Set(["@types/node"]); // the language service reads it
    for (const name of readdirSync(inPackage("dist"), { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".js")) continue;
      const code = readFileSync(inPackage("dist", name), "utf8");
      for (const [, specifier] of code.matchAll(
        /^(?:import|export)\b[^;]*?\bfrom "([^".][^"]*)";/gm,
      )) {
        if (!specifier!.startsWith("node:")) imported.add(specifier!);
      }
    }
    assert.deepEqual([...imported].sort(), Object.keys(dependencies).sort());
    for (const name of ["tensorflow", "plotly.js-dist", "danfojs-node", "abkd"]) {
      const inside = readdirSync(path.join(folder, "node_modules")).some((one) =>
        one.includes(name),
      );
      assert.ok(!inside, name);
    }
  });

  it("installs a kernelspec under its own name, which Jupyter's folders then hold", () => {
    assert.match(tskernel("install"), /installed .*kernels\/tskernel\n/);
    const file = path.join(folder, "jupyter/kernels/tskernel/kernel.json");
    const spec = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    assert.equal(spec["display_name"], "TypeScript (tskernel)");
    assert.match(tskernel("list"), /^tskernel +TypeScript \(tskernel\) \(this package's\)$/m);
  });

  it("runs a notebook: types, packages of the folder, views, errors at their places", () => {
    const cell = (source: string, ...tags: string[]) => ({
      ...{ cell_type: "code", id: source.slice(0, 8).replace(/\W/g, "-"), source },
      ...{ metadata: { tags }, outputs: [], execution_count: null },
    });
    const notebook = {
      cells: [
        cell(
          "interface Edge { from: number; to: number }\nconst edges: Edge[] = [{ from: 0, to: 1 }, { from: 1, to: 2 }];\nedges",
        ),
        cell("import ts from 'typescript';\nts.version"),
        cell("import { slider } from 'tskernel/widgets';\nslider(0, 10)"),
        cell("import 'abkd'", "raises-exception"),
        cell("throw new Error('here')", "raises-exception"),
      ],
      metadata: {
        kernelspec: {
          name: "tskernel",
          display_name: "TypeScript (tskernel)",
          language: "typescript",
        },
      },
      ...{ nbformat: 4, nbformat_minor: 5 },
    };
    writeFileSync(path.join(folder, "first.ipynb"), JSON.stringify(notebook));
    tskernel("notebook", "run", "first.ipynb", "--inplace", "--kernel", "tskernel");
    const { cells, metadata } = JSON.parse(readFileSync(path.join(folder, "first.ipynb"), "utf8"));
    const [edges, version, shown, missing, thrown] = cells.map(
      (one: { outputs: unknown[] }) => one.outputs[0],
    );
    assert.match(edges.data["text/html"].toString(), /<table/);
    assert.match(String(version.data["text/plain"]), /5\.9\.3/);
    const { model_id } = shown.data["application/vnd.jupyter.widget-view+json"];
    const { state } = metadata.widgets["application/vnd.jupyter.widget-state+json"];
    assert.equal(state[model_id].model_name, "IntSliderModel");
    assert.match(missing.evalue, /^Cannot find the package "abkd".*npm install abkd$/);
    assert.match(thrown.traceback.join("\n"), /Cell \[5\]:1:7/);
  });

  it("says what it is", () => {
    assert.match(tskernel("--version"), /^\d+\.\d+\.\d+\n$/);
    const { status, stderr } = run("npx", "--no-install", "tskernel", "instal");
    assert.equal(status, 2);
    assert.match(stderr, /^tskernel: unknown command 'instal'/);
  });
});
