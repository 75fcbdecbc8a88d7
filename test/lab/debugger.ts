// The debugger's panel of a real JupyterLab: a breakpoint in a cell, its locals, steps, and the variables of a session.
import assert from "node:assert/strict";
import { before, it } from "node:test";
import { writeNotebook } from "./charts.ts";
import { NotebookPage } from "./jupyterlab.ts";
import type { LabPage } from "./lab-page.ts";

const file = "debugger.ipynb";

/** Puts the notebook for `testDebugger` into the folder of a JupyterLab that has not started. */
export const writeDebugged = (folder: string): Promise<void> => writeNotebook(folder, file);

/** Registers the tests. */
export function testDebugger(at: LabPage): void {
  let opened: NotebookPage;
  before(async () => {
    opened = await NotebookPage.open(at.page, at.lab, file, "TypeScript (abkd)");
  });

  /** Waits until the panel shows a variable with such a value. */
  const shows = async (name: string, value: RegExp): Promise<void> => {
    const named = at.page.locator(".jp-DebuggerVariables-name").getByText(name, { exact: true });
    const item = at.page.locator(".jp-DebuggerVariables jp-tree-item").filter({ has: named });
    await item.locator(".jp-DebuggerVariables-detail", { hasText: value }).first().waitFor();
  };

  it("stops at a breakpoint that was set in the margin, shows its locals, steps, and goes on", async () => {
    assert.equal(await opened.run("const base: number = 10;\nbase"), "10");
    await at.page.locator('[data-jp-item-name="debugger-icon"]').click();
    const cell = await opened.add(
      "function scaled(x: number): number {\n  const product = x * base;\n  return product + 1;\n}\nscaled(4)",
    );
    const margin = cell.locator(".cm-gutter.cm-breakpoint-gutter .cm-gutterElement");
    await margin.nth(2).click();
    await cell.locator(".cm-breakpoint-icon").nth(1).waitFor();
    await opened.start(cell);
    await shows("x", /^4$/);
    await shows("product", /^\[no value yet\]$/);
    const frames = at.page.locator(".jp-DebuggerCallstackFrame-name");
    assert.deepEqual(await frames.allTextContents(), ["scaled", "Cell [2]"]);
    await at.page.keyboard.press("F10");
    await shows("product", /^40$/);
    const listed = at.page.locator(".jp-DebuggerBreakpoints-body");
    await listed.getByText("2", { exact: true }).waitFor();
    await at.screenshot("breakpoint");
    await at.page.keyboard.press("F9");
    assert.equal(await opened.finished(cell), "41");
  });

  it("shows the session's variables between cells: a tensor with its shape, and what it holds", async () => {
    await opened.run(
      'import { tf } from "abkd";\nconst weights = tf.tensor2d([[1, 2], [3, 4], [5, 6]]);',
    );
    await shows("base", /^10$/);
    await shows("weights", /^Tensor float32 \[3, 2\]$/);
    await at.screenshot("variables");
  });
}
