// abkd notebook check: what is compared and how, the form, and the message about each problem.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { warningNote } from "../../src/kernel/display/warnings.ts";
import { formProblems } from "../../src/notebook/check.ts";
import { compareOutputs } from "../../src/notebook/compare.ts";
import {
  type Json,
  type Notebook,
  type Output,
  readNotebook,
  serialiseNotebook,
} from "../../src/notebook/nbformat.ts";
import { abkd, start } from "../cli/abkd.ts";
import {
  codeCells,
  fakeKernel,
  install,
  notebookOf,
  type Source,
  temporaryFolder,
  writeNotebook,
} from "./files.ts";

/** Runs a notebook in place, lets `change` edit what is committed, and checks it. */
async function check(
  sources: readonly Source[],
  change: (notebook: Notebook) => void = () => {},
  ...args: string[]
): Promise<{ code: number | null; lines: string[] }> {
  using folder = temporaryFolder();
  const file = writeNotebook(folder.path, ...sources);
  const run = await abkd("notebook", "run", "--inplace", "--allow-errors", file);
  assert.equal(run.code, 0, run.stderr);
  const notebook = readNotebook(file);
  change(notebook);
  const text = serialiseNotebook(notebook);
  writeFileSync(file, text);
  const { code, stdout } = await abkd("notebook", "check", file, ...args);
  assert.equal(readFileSync(file, "utf8"), text, "a check changes nothing");
  const lines = stdout.trimEnd().split("\n");
  return { code, lines: lines.map((line) => line.replace(`${file}: `, "")) };
}

const stream = (text: string, name = "stdout"): Output => ({ output_type: "stream", name, text });
const data = (mime: string, value: Json): Output => ({
  output_type: "display_data",
  metadata: {},
  data: { [mime]: value },
});

describe("abkd notebook check", () => {
  it("accepts a notebook that shows the same again", async () => {
    const { code, lines } = await check([
      ["console.log(1.25, [1, 2])", "nbval-check-output"],
      ["Math.random()", "nbval-ignore-output"],
      "Date.now()",
      ["throw new Error('as said')", "raises-exception", "nbval-check-output"],
    ]);
    assert.deepEqual(lines, ["as committed"]);
    assert.equal(code, 0);
  });

  it("accepts, in another folder, what a notebook prints about errors that it catches", async () => {
    using folder = temporaryFolder();
    using other = temporaryFolder();
    const code =
      'import { fail } from "./fail.ts";\ntry { fail() } catch (e) { console.log(e); console.error(e.stack) }' +
      '\ntry { await import("./none.ts") } catch (e) { console.log(e) }\nconsole.trace("here")';
    const file = writeNotebook(folder.path, [code, "nbval-check-output"]);
    for (const { path: each } of [folder, other]) {
      const text =
        "export function fail(): never { throw new Error('caught', { cause: new Error() }) }\n";
      writeFileSync(path.join(each, "fail.ts"), text);
    }
    const run = await abkd("notebook", "run", "--inplace", file);
    assert.equal(run.code, 0, run.stderr);
    const copy = path.join(other.path, "test.ipynb");
    writeFileSync(copy, readFileSync(file, "utf8"));
    const { code: status, stdout } = await abkd("notebook", "check", copy);
    assert.equal(status, 0, stdout);
  });

  it("compares outputs if nbval-check-output is set, and no others", async () => {
    const old = [stream("old\n")];
    const { code, lines } = await check(
      [
        ["console.log('new')", "nbval-check-output"],
        "console.log('new')",
        ["console.log('new')", "nbval-ignore-output"],
        ["console.log('new')", "nbval-ignore-output", "nbval-check-output"],
      ],
      (notebook) => {
        for (const cell of codeCells(notebook)) cell.outputs = old;
      },
    );
    assert.equal(code, 1);
    assert.deepEqual(lines, [
      'cell 1: it shows "new\\n" instead of "old\\n"; run the notebook again, or tag it ' +
        "nbval-ignore-output",
    ]);
  });

  it("uses the given tolerance", async () => {
    const change = (notebook: Notebook): void => {
      codeCells(notebook)[0]!.outputs = [stream("loss 1.23\n")];
    };
    const sources: Source[] = [["console.log('loss', 1.25)", "nbval-check-output"]];
    assert.equal((await check(sources, change)).code, 1);
    assert.equal((await check(sources, change, "--tolerance", "0.1")).code, 0);
  });

  it("reports which cell fails, and that later cells did not run", async () => {
    const { code, lines } = await check(["1", "nothing.here", "2", "3"], (notebook) => {
      for (const cell of codeCells(notebook)) cell.outputs = [];
    });
    assert.equal(code, 1);
    assert.deepEqual(lines, [
      "cell 2: ReferenceError: nothing is not defined; fix the cell; the 2 after it were not run",
    ]);
  });

  it("expects an exception if raises-exception is set", async () => {
    const { lines } = await check([["1", "raises-exception"]]);
    assert.deepEqual(lines, [
      "cell 1: it is tagged raises-exception but raised none; drop the tag or fix the cell",
    ]);
  });

  it("does not run cells tagged nbval-skip", async () => {
    const { code } = await check([["throw new Error('never')", "nbval-skip", "raises-exception"]]);
    assert.equal(code, 0);
  });

  it("reports a cell that took too long", async () => {
    using folder = temporaryFolder();
    const env = install(folder.path, "fake", fakeKernel("serve"));
    const file = writeNotebook(folder.path, "say a", "die");
    const { code, stdout } = await start(["notebook", "check", file, "--kernel", "fake"], env)
      .outcome;
    assert.equal(code, 1);
    assert.match(stdout, /cell 1: no execution count instead of \[1\]; run the notebook from/);
    assert.match(stdout, /cell 2: the kernel was ended by SIGKILL before its execute_reply/);
  });
});

describe("comparing outputs", () => {
  type Shown = Pick<Output & { output_type: "display_data" }, "data" | "metadata">;
  const plot = (y: number[], type = "scatter", name = "loss"): Output =>
    data("application/vnd.plotly.v1+json", { data: [{ type, name, y }], layout: { title: "t" } });
  const same: [what: string, a: Output[], b: Output[]][] = [
    ["near numbers", [stream("loss 0.5000, 1e-3")], [stream("loss 0.5002, 0.001")]],
    ["negative and tiny numbers", [stream("-1.0 1e-17")], [stream("-1.0005 -2e-16")]],
    ["columns that moved", [stream("a  9.999 b\n")], [stream("a 10.001 b")]],
    [
      "streams that interleave differently",
      [stream("a"), stream("e", "stderr"), stream("b")],
      [stream("e", "stderr"), stream("ab")],
    ],
    ["other pictures", [data("image/png", "AAAA")], [data("image/png", "BBBB")]],
    ["other values in a plot", [plot([1, 2])], [plot([3, 4])]],
    [
      "JSON with near numbers",
      [data("application/json", { a: [1.5] })],
      [data("application/json", { a: [1.5001] })],
    ],
    [
      "the kernel's type warnings",
      [stream("a"), { output_type: "display_data", ...(warningNote("TS1: b") as Shown) }],
      [stream("a")],
    ],
  ];
  for (const [what, a, b] of same) {
    it(`accepts ${what}`, () => assert.equal(compareOutputs(a, b, 1e-3), null));
  }

  const different: [what: string, a: Output[], b: Output[], message: RegExp][] = [
    ["numbers that are not near", [stream("0.5")], [stream("0.502")], /"0\.502" instead of "0\.5"/],
    ["another whole number", [stream("2708 nodes")], [stream("2709 nodes")], /"2709 nodes"/],
    ["another word", [stream("a 1 b")], [stream("a 1 c")], /"a 1 c" instead of "a 1 b"/],
    ["a missing output", [stream("a"), data("text/plain", "x")], [stream("a")], /no output disp/],
    ["a new output", [], [stream("a", "stderr")], /a new output, stderr/],
    [
      "a picture that is missing",
      [data("image/png", "A")],
      [data("text/plain", "x")],
      /a new text/,
    ],
    ["a plot of another kind", [plot([1])], [plot([1], "bar")], /\.type is "bar" instead of "scat/],
    ["a plot of another length", [plot([1])], [plot([1, 2])], /\.y has 2 entries instead of 1/],
    ["another kind of output", [data("text/plain", "x")], [stream("x")], /stdout instead of disp/],
    [
      "JSON with other texts",
      [data("application/json", { a: "x" })],
      [data("application/json", { a: "y" })],
      /application\/json: \.a is "y" instead of "x"/,
    ],
  ];
  for (const [what, a, b, message] of different) {
    it(`finds ${what}`, () => assert.match(compareOutputs(a, b, 1e-3) ?? "same", message));
  }
});

describe("a notebook's form", () => {
  function problems(change: (notebook: Notebook) => void, ...sources: Source[]): string[] {
    const notebook = notebookOf(...sources);
    for (const [index, cell] of codeCells(notebook).entries()) cell.execution_count = index + 1;
    change(notebook);
    const folder = path.resolve(path.parse(tmpdir()).root, "srv/study");
    return formProblems(notebook, folder).map(({ cell, message }) => `${cell}: ${message}`);
  }

  it("has at most 20 code cells of at most 12 lines", () => {
    const many = Array.from({ length: 21 }, (_, i) => `${i}`);
    assert.deepEqual(
      problems(() => {}, ...many),
      ["null: 21 code cells; join or drop some; the limit is 20"],
    );
    assert.deepEqual(
      problems(() => {}, ...many.slice(1)),
      [],
    );
    assert.deepEqual(
      problems(() => {}, "x\n".repeat(12)),
      [],
    );
    assert.deepEqual(
      problems(() => {}, "1", "x\n".repeat(13)),
      ["2: 13 lines; shorten or split it; the limit is 12"],
    );
  });

  it("counts executions from 1 to n", () => {
    const change = (notebook: Notebook): void => {
      codeCells(notebook)[1]!.execution_count = 7;
    };
    assert.deepEqual(problems(change, "1", "2", "3"), [
      "2: [7] instead of [2]; run the notebook from start to end",
    ]);
  });

  it("contains no error that its cell does not announce", () => {
    const error: Output = { output_type: "error", ename: "E", evalue: "", traceback: [] };
    const change = (notebook: Notebook): void => {
      for (const cell of codeCells(notebook)) cell.outputs = [error];
    };
    assert.deepEqual(problems(change, "1", ["2", "raises-exception"]), [
      "1: it holds the error E; fix it, or tag it raises-exception",
    ]);
  });

  const checkout = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");
  for (const text of [
    "/home/ada/x.ts",
    "/Users/ada/x.ts",
    "file:///home/ada/x",
    "C:\\Users\\ada\\x",
    "/root/x",
    "/tmp/x",
    "/var/folders/zz/x",
    `${checkout}/src/index.ts`,
    path.join(homedir(), "x"),
    "/srv/study/data",
  ]) {
    it(`must not contain ${text}`, () => {
      assert.equal(problems(() => {}, `read(${JSON.stringify(text)})`).length, 1, "in a source");
      const change = (notebook: Notebook): void => {
        codeCells(notebook)[0]!.outputs = [data("text/html", `<p>${text}</p>`)];
      };
      const [problem] = problems(change, "1");
      assert.match(
        problem ?? "",
        /^1: its output contains .*, a path of one machine; use relative paths/,
      );
    });
  }

  for (const text of ["https://example.org/home/ada", "./tmp/x", "data/root/x", "/rooted", "~/x"]) {
    it(`may contain ${text}`, () =>
      assert.deepEqual(
        problems(() => {}, `read("${text}")`),
        [],
      ));
  }

  it("may contain pictures, whatever their base64 spells", () => {
    const change = (notebook: Notebook): void => {
      codeCells(notebook)[0]!.outputs = [data("image/png", "AAAA/tmp/xyz=")];
    };
    assert.deepEqual(problems(change, "1"), []);
  });
});
