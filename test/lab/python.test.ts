// Jupyter's own Python tools against the kernel: its conformance tests, and tools that run notebooks.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { serialiseNotebook } from "../../src/notebook/nbformat.ts";
import { codeCells, notebookOf } from "../notebook/files.ts";
import { copyOnboarding, trainingLimit } from "./onboarding.ts";
import {
  assertParts,
  chromium,
  type Finished,
  installKernel,
  jupyterEnvironment,
  python,
  root,
  run,
  skipWithout,
  succeed,
} from "./parts.ts";

/** One cell for each kind of output that the onboarding notebook has. */
const outputs = notebookOf(
  'import { dataFrame, plot, progress } from "abkd"; console.log("a stream")',
  "dataFrame({ columns: ['n', ['half', 1]], rows: [[1, 0.5]] })",
  "for (const n of progress([1, 2, 3], 'steps')) await new Promise((resolve) => setTimeout(resolve, 60))",
  [
    "const sum: number = [1, 2, 3].reduce((a, b) => a + b); console.log('sum', sum)",
    "nbval-check-output",
  ],
  "plot({ data: [{ y: [1, 3, 2] }] })",
);
outputs.metadata["kernelspec"] = {
  display_name: "TypeScript (abkd)",
  language: "typescript",
  name: "abkd",
};
const compared = codeCells(outputs)[3]!;
compared.execution_count = 4;
compared.outputs = [{ output_type: "stream", name: "stdout", text: "sum 6\n" }];

const limits = { skip: skipWithout("python"), timeout: 2 * trainingLimit };

describe("Jupyter's Python tools", limits, () => {
  let folder: string;
  const file = "start.ipynb";
  const short = "outputs.ipynb";

  let notebooks: string;

  const inPython = (...args: string[]) =>
    succeed(python, args, { cwd: notebooks, env: jupyterEnvironment(folder) });

  const pytest = (args: readonly string[]) =>
    run(python, args, { cwd: notebooks, env: jupyterEnvironment(folder) });

  before(async () => {
    assertParts("python");
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-python-"));
    notebooks = path.join(folder, "notebooks");
    await copyOnboarding(folder, file);
    await writeFile(path.join(notebooks, short), serialiseNotebook(outputs));
    await installKernel(folder);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("find the kernel that `abkd kernel install` wrote", async () => {
    const { kernelspecs } = JSON.parse(
      await inPython("-m", "jupyter_client.kernelspecapp", "list", "--json"),
    );
    const { resource_dir, spec } = kernelspecs["abkd"];
    assert.equal(resource_dir, path.join(folder, "share/jupyter/kernels/abkd"));
    assert.equal(spec.display_name, "TypeScript (abkd)");
  });

  it("pass jupyter_kernel_test: all but the deprecated pager's", async () => {
    const tests = path.join(root, "test/lab/test_kernel.py");
    const args = ["-m", "pytest", "-v", "-rA", "--color=no", "-p", "no:cacheprovider", tests];
    // The tests give each message of iopub 0.1 s, less than a busy machine may keep a process waiting.
    const isLate = ({ output }: Finished) => output.includes("_queue.Empty");
    let finished = await pytest(args);
    for (let again = 0; again < 2 && isLate(finished); again++) finished = await pytest(args);
    const { code, output } = finished;
    assert.equal(code, 0, output);
    const outcomes = [...output.matchAll(/::(test_\w+) (PASSED|SKIPPED|FAILED|ERROR)/g)];
    const others = outcomes.filter(([, , outcome]) => outcome !== "PASSED");
    assert.deepEqual(
      others.map(([, test]) => test),
      ["test_pager"],
      output,
    );
    assert.equal(outcomes.length, 13, output);
  });

  it("run the onboarding notebook: nbclient, which leaves valid nbformat 4.5", async () => {
    const program = `
import nbclient, nbformat
notebook = nbformat.read("${file}", 4)
tagged = [cell for cell in notebook.cells if "nbval-check-output" in cell.metadata.get("tags", [])]
committed = [output.text for cell in tagged for output in cell.outputs]
assert committed
nbclient.NotebookClient(notebook, timeout=600).execute()
nbformat.validate(notebook)
counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
assert counts == list(range(1, len(counts) + 1)), counts
assert [output.text for cell in tagged for output in cell.outputs] == committed
`;
    await inPython("-c", program);
  });

  it("run a notebook: nbconvert --execute --to html", async () => {
    await inPython("-m", "nbconvert", "--execute", "--to", "html", "--output", "page", short);
    const page = await readFile(path.join(notebooks, "page.html"), "utf8");
    // Drop the style sheet, which names every kind of output. Not assert.match: it would print all of the page.
    const body = page.slice(page.indexOf("<body"));
    const picture = chromium === undefined ? [] : [/<img [^>]*src="data:image\/png/];
    for (const part of [/>In.\[1\]:</, />Out\[\d+\]:</, ...picture])
      assert.ok(part.test(body), `${part}`);
    for (const kind of ["error", "stderr"])
      assert.ok(!body.includes(`data-mime-type="application/vnd.jupyter.${kind}"`), kind);
  });

  it("run a notebook: nbval, whose --nbval-lax compares tagged cells", async () => {
    const output = await inPython(
      ...["-m", "pytest", "--color=no", "-p", "no:cacheprovider", "--nbval-lax", short],
    );
    assert.match(output, /\d+ passed/);
  });

  it("accept every widget's state: ipywidgets' own classes, and nbconvert's page", async () => {
    const source = `import * as w from "tskernel/widgets";
const all = [w.slider(0, 9), w.slider(0, 1, { step: 0.1, layout: { width: "50%" } }), w.checkbox("on"), w.text(),
  w.text({ lines: 3 }), w.text({ password: true }), w.dropdown(["a", "b"]), w.progress(5), w.color(), w.fileUpload(),
  w.date({ value: "2026-11-30" }), w.html("<b>"), w.button("go"), w.box([], { direction: "row" }), w.output()];
w.tabs({ all: w.box(all), own: w.widget({ esm: "export default {}" }, { bytes: new Uint8Array([1, 2]) }) })`;
    const cell = {
      cell_type: "code",
      id: "w",
      source,
      metadata: {},
      outputs: [],
      execution_count: null,
    };
    const notebook = { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 };
    await writeFile(path.join(notebooks, "widgets.ipynb"), JSON.stringify(notebook));
    const args = [path.join(root, "src/cli.ts"), "notebook", "run", "widgets.ipynb", "--inplace"];
    await succeed(process.execPath, args, { cwd: notebooks, env: jupyterEnvironment(folder) });
    const program = `
import anywidget, ipywidgets, nbformat
from ipywidgets.widgets.widget import _registry
notebook = nbformat.read("widgets.ipynb", as_version=nbformat.NO_CONVERT)
nbformat.validate(notebook)
models = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"].state
names = ("_model_module", "_model_module_version", "_model_name", "_view_module", "_view_module_version", "_view_name")
for model in models.values():
    state = dict(model.state)
    kind = [state.pop(name) for name in names]
    if kind[0] == "anywidget":
        assert model.buffers[0].data == "AQI=" and model.buffers[0].path == ["bytes"], model
        continue
    made = _registry.get(*kind)()
    if "_options_labels" in state: made.options = state.pop("_options_labels")
    if "children" in state: made.children = [ipywidgets.Label() for _ in state.pop("children")]
    for key, value in sorted(state.items()):
        reader = made.trait_metadata(key, "from_json", lambda value, _: value)
        assert key in made.traits(sync=True), (kind, key)
        if not str(value).count("IPY_MODEL_"):
            setattr(made, key, reader(value, made))
print(len(models))
`;
    assert.equal((await inPython("-c", program)).trim(), "19"); // 15, a layout, a box, tabs, our own
    await inPython("-m", "nbconvert", "--to", "html", "--output", "widgets", "widgets.ipynb");
    const page = await readFile(path.join(notebooks, "widgets.html"), "utf8");
    assert.ok(page.includes('<script type="application/vnd.jupyter.widget-state+json">'));
    assert.ok(page.includes('<script type="application/vnd.jupyter.widget-view+json">'));
  });

  it("accept what `abkd notebook run` writes", async () => {
    const args = [path.join(root, "src/cli.ts"), "notebook", "run", short, "--output", "out.ipynb"];
    await succeed(process.execPath, args, { cwd: notebooks, env: jupyterEnvironment(folder) });
    const program = `
import nbformat
notebook = nbformat.read("out.ipynb", as_version=nbformat.NO_CONVERT)
assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
nbformat.validate(notebook)
assert any(cell.outputs for cell in notebook.cells if cell.cell_type == "code")
`;
    await inPython("-c", program);
  });
});
