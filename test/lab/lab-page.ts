// A JupyterLab and a page in a real Chromium for the tests of one file, with pictures of what they saw.
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, afterEach, before } from "node:test";
import { type Browser, chromium as engine, type Page } from "playwright-core";
import { type Lab, startLab, writeSettings } from "./jupyterlab.ts";
import { assertParts, chromium, root } from "./parts.ts";

export interface LabPage {
  /** JupyterLab's own files, with the notebooks in `notebooks`. */
  readonly folder: string;
  readonly lab: Lab;
  readonly page: Page;
  /** Takes a picture, kept in build/`name`. */
  screenshot(what: string): Promise<unknown>;
}

interface Settings {
  /** The name of the folder for pictures. */
  readonly name: string;
  /** The longest that anything on the page may take, in milliseconds. */
  readonly patience: number;
  /** Puts notebooks into the folder before JupyterLab starts. */
  readonly prepare: (folder: string) => Promise<void>;
}

/** Starts both before a suite's tests and ends both after them; a failing test leaves a picture. */
export function labPage({ name, patience, prepare }: Settings): LabPage {
  const pictures = path.join(root, "build", name);
  let folder: string;
  let lab: Lab;
  let browser: Browser;
  let page: Page;
  let shot = 0;
  const screenshot = (what: string): Promise<unknown> =>
    page.screenshot({ path: path.join(pictures, `${++shot}-${what}.png`) });

  before(async () => {
    assertParts("browser");
    folder = await mkdtemp(path.join(os.tmpdir(), `abkd-${name}-`));
    await rm(pictures, { recursive: true, force: true });
    await prepare(folder);
    await writeSettings(folder);
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    // Start one after the other: `after` must know what has started, whatever fails then.
    lab = await startLab(folder);
    browser = await engine.launch({ executablePath: chromium!, args });
    page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    page.setDefaultTimeout(patience);
  });
  after(async () => {
    await browser?.close();
    await lab?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  afterEach(async (context) => {
    if ("passed" in context && !context.passed) await screenshot("failed").catch(() => {});
  });
  return {
    get folder() {
      return folder;
    },
    get lab() {
      return lab;
    },
    get page() {
      return page;
    },
    screenshot,
  };
}
