// abkd notebook run: parameters, and refused requests.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { serialiseNotebook } from "../../src/notebook/nbformat.ts";
import { abkd } from "../cli/abkd.ts";
import { codeCells, notebookOf, shown, temporaryFolder, writeNotebook } from "./files.ts";

describe("parameters", () => {
  const sources = [
    ["const epochs = 3\nlet name = 'a', rates = [0], deep = true, none = 1", "parameters"],
    "[epochs, name, rates, deep, none]",
  ] as const;
  const given = ["epochs=7", "name=bob", "rates=[0.1,1e-3]", "deep=false", "none=null"];
  const params = given.flatMap((text) => ["--param", text]);

  it("are put into a cell after their defaults, typed, and replaced on a rerun", async () => {
    using folder = temporaryFolder();
    const file = writeNotebook(folder.path, ...sources);
    assert.equal((await abkd("notebook", "run", file, "--inplace", ...params)).code, 0);
    const [defaults, injected, cell] = codeCells(file);
    assert.deepEqual(defaults?.metadata.tags, ["parameters"]);
    assert.deepEqual(injected?.metadata.tags, ["injected-parameters"]);
    assert.equal(
      injected?.source,
      '// Parameters\nlet epochs = 7;\nlet name = "bob";\nlet rates = [0.1,0.001];\n' +
        "let deep = false;\nlet none = null;",
    );
    assert.equal(shown(cell), "[ 7, 'bob', [ 0.1, 0.001 ], false, null ]");
    const args = ["notebook", "run", file, "--inplace", "--param", "epochs=8"];
    assert.equal((await abkd(...args)).code, 0);
    const again = codeCells(file);
    assert.equal(again.length, 3);
    assert.equal(again[1]?.id, injected?.id);
    assert.equal(again[1]?.source, "// Parameters\nlet epochs = 8;");
    assert.equal(shown(again[2]), "[ 8, 'a', [ 0 ], true, 1 ]");
  });

  for (const [what, source, param, message] of [
    [
      "without a cell that declares them",
      "1",
      "a=1",
      /takes no parameters: no code cell is tagged/,
    ],
    [
      "that its cell does not mention",
      ["let abc = 1", "parameters"],
      "ab=1",
      /has no parameter ab: /,
    ],
    [
      "without a value",
      ["let a = 1", "parameters"],
      "a",
      /"a" is not a parameter; write name=value/,
    ],
    ["that are not names", ["let a = 1", "parameters"], "a-b=1", /"a-b=1" is not a parameter/],
  ] as const) {
    it(`are refused ${what}`, async () => {
      using folder = temporaryFolder();
      const file = writeNotebook(folder.path, source);
      const { code, stderr } = await abkd("notebook", "run", file, "--param", param);
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});

describe("a wrong request to run", () => {
  it("is refused in one line, before anything runs", async () => {
    using folder = temporaryFolder();
    const file = writeNotebook(folder.path, "1");
    const broken = path.join(folder.path, "broken.ipynb");
    writeFileSync(broken, "{");
    const python = path.join(folder.path, "python.ipynb");
    const kernelspec = { name: "python3", display_name: "Python 3", language: "python" };
    writeFileSync(python, serialiseNotebook({ ...notebookOf("1"), metadata: { kernelspec } }));
    for (const [args, message] of [
      [[file, broken], /broken\.ipynb: not valid JSON, so not a notebook/],
      [[python], /is written in python; run it with its own kernel: --kernel python3/],
      [[file, "--kernel", "no-such"], /no kernel no-such is installed; installed kernels: /],
      [[file, file, "--output", "x"], /--output takes one notebook/],
      [[file, "--inplace", "--output", "x"], /'--inplace' cannot be used with option '--output/],
      [[path.join(folder.path, "no.ipynb")], /no\.ipynb: there is no such file/],
    ] as const) {
      const { code, stderr } = await abkd("notebook", "run", ...args);
      assert.equal(code, 2, stderr);
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 2, stderr);
    }
  });
});
