// The notebooks of this project: their form, their parts, and their index.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { MOST_CELLS, MOST_LINES } from "../../src/notebook/check.ts";
import { type Notebook, readNotebook, tagsOf } from "../../src/notebook/nbformat.ts";
import { STATE, VIEW } from "../../src/notebook/widgets.ts";

const folder = path.join(import.meta.dirname, "../../notebooks");
const notebooks = globSync("*.ipynb", { cwd: folder })
  .sort()
  .map((file) => ({ file, notebook: readNotebook(path.join(folder, file)) }));

const sources = ({ cells }: Notebook, kind: "code" | "markdown"): string[] =>
  cells.filter(({ cell_type }) => cell_type === kind).map(({ source }) => source);

/** Returns what each output among a notebook's widgets holds. */
function outputsOfWidgets({ metadata }: Notebook) {
  type Shown = { output_type: string; data: Record<string, unknown> };
  type State = { state: { outputs?: readonly Shown[] } };
  const { state = {} } =
    ((metadata["widgets"] as Record<string, unknown> | undefined)?.[STATE] as {
      state?: Record<string, State>;
    }) ?? {};
  return Object.values(state).flatMap(({ state: { outputs } }) => (outputs ? [outputs] : []));
}

const heading = (notebook: Notebook): string =>
  /^# (.*)$/m.exec(sources(notebook, "markdown")[0] ?? "")?.[1] ?? "";

describe("each notebook", () => {
  it("is numbered, from 00 without a gap", () => {
    assert.deepEqual(
      notebooks.map(({ file }) => Number(file.slice(0, 2))),
      notebooks.map((_, k) => k),
    );
  });

  for (const { file, notebook } of notebooks) {
    it(`${file}: has short cells, and code that tslab can run`, () => {
      const code = sources(notebook, "code");
      assert.ok(code.length <= MOST_CELLS, `${code.length} code cells`);
      for (const source of code) {
        assert.ok(source.split("\n").length <= MOST_LINES, `too long:\n${source}`);
        // From `{ a: b } = ` with a name of an earlier cell, tslab makes a program that cannot be parsed.
        assert.doesNotMatch(source, /^const \{[^}]*\w+: \w+[^}]*\} = /m);
      }
    });

    it(`${file}: what its widgets show is saved, and is no error`, () => {
      const knobs = sources(notebook, "code").filter((source) => /\binteract\(/.test(source));
      const outputs = outputsOfWidgets(notebook);
      assert.equal(outputs.length, knobs.length);
      for (const shown of outputs) {
        assert.ok(shown.length > 0);
        for (const { output_type, data } of shown)
          assert.ok(output_type === "display_data" && "image/png" in data);
      }
      // Pages without widgets show a picture.
      for (const { source, ...cell } of notebook.cells) {
        if (!knobs.includes(source) || !("outputs" in cell)) continue;
        const views = cell.outputs.filter((each) => "data" in each && VIEW in each.data);
        assert.ok(
          views.length > 0 && views.every((each) => "data" in each && "image/png" in each.data),
        );
      }
    });

    if (file.startsWith("00-")) continue;
    it(`${file}: has parameters, and things to try`, () => {
      const code = notebook.cells.filter(({ cell_type }) => cell_type === "code");
      assert.ok(tagsOf(code[0]!).includes("parameters"), "the first code cell has the parameters");
      const text = sources(notebook, "markdown").join("\n");
      assert.match(text, /^## Try it yourself$/m);
      assert.ok(heading(notebook).length > 10, "it begins with a heading for the index");
    });
  }
});

it("the index lists every notebook once, with the question that it asks", () => {
  const readme = readFileSync(path.join(folder, "README.md"), "utf8");
  const rows = [...readme.matchAll(/^\| \[([^\]]+)\]\(([^)]+)\) \| (.*?) \| .* \|$/gm)];
  assert.deepEqual(
    rows.map(([, name, link, question]) => ({ name, link, question })),
    notebooks.map(({ file, notebook }) => {
      const name = path.basename(file, ".ipynb");
      return { name, link: file, question: heading(notebook) };
    }),
  );
});
