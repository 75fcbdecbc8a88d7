// A private JupyterLab, started as `npm run lab` does, and a notebook in it as a user handles it.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { jupyterEnvironment, root } from "./parts.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** The longest that JupyterLab may take to start, in milliseconds; less than a hook's own limit. */
const startLimit = 4 * 60_000;

/** JupyterLab's line about where it listens: the page that it opens, and the token. */
const FIRST_PAGE =
  /(http:\/\/(?:localhost|127\.0\.0\.1):\d+)\/lab\/tree\/00-start-here\.ipynb\?token=/;

export interface Lab {
  /** The address, without a slash at the end. */
  readonly url: string;
  readonly token: string;
  /** Returns everything that it has printed. */
  output(): string;
  /** Ends it by a signal, as Ctrl-C does, and returns its exit code. */
  stop(): Promise<number | null>;
}

/** Starts JupyterLab on `folder/notebooks`; its own settings and files go into `folder` as well. */
export async function startLab(folder: string, ...more: string[]): Promise<Lab> {
  const token = "a-token-for-tests";
  const signal = AbortSignal.timeout(startLimit);
  const port = await freePort();
  const notebooks = path.join(folder, "notebooks");
  await mkdir(notebooks, { recursive: true });
  const args = ["--no-browser", "--port", `${port}`, `--ServerApp.root_dir=${notebooks}`, ...more];
  const child = spawn(process.execPath, [path.join(root, "scripts/lab.ts"), ...args], {
    cwd: root,
    env: { ...jupyterEnvironment(folder), JUPYTER_TOKEN: token },
    // Through the channel it learns of this process's end, however that comes.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const onLate = () => {
      child.kill("SIGTERM");
      reject(new Error(`JupyterLab did not say where it listens:\n${output}`));
    };
    const onData = (chunk: Buffer) => {
      output += chunk;
      const found = FIRST_PAGE.exec(output)?.[1];
      if (found === undefined) return;
      // Otherwise the limit of its start would end it in the middle of the tests.
      signal.removeEventListener("abort", onLate);
      resolve(found);
    };
    child.stdout?.on("data", onData);
    child.stderr?.on("data", onData);
    child.on("error", reject);
    child.on("close", (code) => reject(new Error(`JupyterLab ended (${code}):\n${output}`)));
    signal.addEventListener("abort", onLate);
  });
  return { url, token, output: () => output, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const closed = once(child, "close");
    child.kill("SIGINT");
    await closed;
  }
  return child.exitCode;
}

/** A cell's prompt once the cell has run. */
const counted = /^\[\d+\]:$/;

/** One open notebook. Waits only for what a user would see. */
export class NotebookPage {
  readonly page: Page;
  readonly #panel: Locator;

  private constructor(page: Page) {
    this.page = page;
    this.#panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)");
  }

  /** Opens a notebook and waits until the kernel of that name is ready. */
  static async open(page: Page, { url, token }: Lab, file: string, kernel: string) {
    await page.goto(`${url}/lab/tree/${file}?token=${token}&reset`);
    const opened = new NotebookPage(page);
    const button = opened.#panel.locator('[data-jp-item-name="kernelName"]');
    await button.getByText(kernel, { exact: true }).waitFor();
    await opened.idle();
    return opened;
  }

  async idle(): Promise<void> {
    const indicator = '.jp-Notebook-ExecutionIndicator[data-status="idle"]';
    await this.#panel.locator(indicator).waitFor();
  }

  async menu(menu: string, entry: string): Promise<void> {
    await this.page.locator(".lm-MenuBar-item", { hasText: new RegExp(`^${menu}$`) }).click();
    const label = new RegExp(`^${entry}$`);
    await this.page.locator(".lm-Menu-itemLabel", { hasText: label }).click();
  }

  /** Presses one of the buttons above the notebook. */
  async button(name: "interrupt" | "restart"): Promise<void> {
    await this.#panel.locator(`[data-jp-item-name="${name}"]`).click();
  }

  codeCells(): Locator {
    return this.#panel.locator(".jp-CodeCell");
  }

  errors(): Locator {
    return this.#panel.locator('.jp-OutputArea-output[data-mime-type*="error"]');
  }

  /** Runs all cells, and fails on an error with what the page shows of it. */
  async runAll(timeout: number): Promise<void> {
    await this.menu("Run", "Run All Cells");
    const cells = this.codeCells();
    const failed = this.errors().first().waitFor({ timeout });
    const last = cells.last().locator(".jp-InputPrompt", { hasText: counted }).waitFor({ timeout });
    await Promise.race([failed, last]);
    // The wait that has not ended is rejected when the page closes.
    for (const open of [failed, last]) open.catch(() => {});
    assert.deepEqual(await this.errors().allInnerTexts(), []);
    const prompts = await cells.locator(".jp-InputPrompt").allTextContents();
    assert.deepEqual(
      prompts,
      prompts.map((_, index) => `[${index + 1}]:`),
    );
  }

  /** Adds a cell at the end, with the cursor after its text. */
  async add(code: string): Promise<Locator> {
    const cells = this.codeCells();
    const index = await cells.count();
    await this.#panel.locator(".jp-Notebook-footer").click();
    const cell = cells.nth(index);
    await cell.locator(".cm-content").click();
    await this.page.keyboard.insertText(code);
    return cell;
  }

  /** Starts a cell that `add` made. */
  async start(cell: Locator): Promise<void> {
    await cell.locator(".cm-content").click();
    await this.page.keyboard.press("Control+Enter");
  }

  /** Waits until a cell has run, and returns what it shows. */
  async finished(cell: Locator): Promise<string> {
    await cell.locator(".jp-InputPrompt", { hasText: counted }).waitFor();
    await this.idle();
    return (await cell.locator(".jp-OutputArea-output").allInnerTexts()).join("\n").trim();
  }

  /** Adds a cell, runs it, and returns what it shows. */
  async run(code: string): Promise<string> {
    const cell = await this.add(code);
    await this.start(cell);
    return await this.finished(cell);
  }

  /** Saves by the keyboard and waits until the server has written the file. */
  async save(): Promise<void> {
    const written = this.page.waitForResponse(
      (response) =>
        response.request().method() === "PUT" && response.url().includes("/api/contents/"),
    );
    await this.page.keyboard.press("Control+s");
    assert.equal((await written).status(), 200);
  }
}

/** Writes the settings of every test: all cells are drawn, and nothing is saved unasked. */
export async function writeSettings(folder: string): Promise<void> {
  const settings = path.join(folder, "config/lab/user-settings/@jupyterlab");
  const write = async (name: string, values: object) => {
    const file = path.join(settings, `${name}.jupyterlab-settings`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(values));
  };
  await write("notebook-extension/tracker", { windowingMode: "none" });
  await write("docmanager-extension/plugin", { autosave: false });
}
