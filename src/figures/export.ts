// Figures as SVG and PNG: Plotly drawing in a headless Chromium, with bytes that repeat.
import { access, constants } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import type { Figure, Size } from "./figure.ts";

const require = createRequire(import.meta.url);

/** What to tell someone who wants pictures and has no browser. */
export const noBrowserAdvice =
  "no Chromium was found: install one (Debian: `apt-get install chromium`; elsewhere Google Chrome, " +
  "or `npm install @sparticuz/chromium`), or name its executable in $CHROMIUM";

const macApplications = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The optional package @sparticuz/chromium carries a Chromium for Linux servers. */
async function packagedChromium(): Promise<string | undefined> {
  try {
    const { default: packaged } = await import(require.resolve("@sparticuz/chromium"));
    return await packaged.executablePath();
  } catch {
    return undefined;
  }
}

/**
 * Finds a Chromium: $CHROMIUM, then `chromium`, `chromium-browser` or `google-chrome` in $PATH,
 * then macOS's applications, then the package @sparticuz/chromium if someone installed it.
 * @returns the executable's path, or undefined where there is none
 */
export async function findChromium(): Promise<string | undefined> {
  const candidates = process.env["CHROMIUM"] ? [process.env["CHROMIUM"]] : [];
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter).filter(Boolean))
    for (const name of ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"])
      candidates.push(path.join(folder, name));
  candidates.push(...macApplications);
  for (const candidate of candidates) if (await isExecutable(candidate)) return candidate;
  return packagedChromium();
}

/**
 * Replaces the random token that Plotly puts into the identifiers of an SVG, so that equal figures
 * give equal bytes.
 */
export function normaliseSvg(svg: string): string {
  const token = /id="(?:top)?defs-([0-9a-f]{6})"/.exec(svg)?.[1];
  return token === undefined ? svg : svg.replaceAll(token, "figure");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Says inside the file what it shows and which runs it comes from: for readers and screen readers. */
function describeSvg(svg: string, description: string): string {
  const start = svg.indexOf(">", svg.indexOf("<svg")) + 1;
  return `${svg.slice(0, start)}<desc>${escapeXml(description)}</desc>${svg.slice(start)}\n`;
}

/** A figure is drawn until two drawings in a row are equal, and no more often than this. */
const MOST_DRAWINGS = 6;

/** One browser, kept for as many figures as are wanted. */
export class FigureExporter {
  readonly #browser: Browser;
  readonly #page: Page;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
  }

  /**
   * Starts the browser and loads Plotly into an empty page that has no network.
   * @throws {Error} where the executable cannot be started
   */
  static async open(executable: string): Promise<FigureExporter> {
    // Chromium's sandbox refuses to run as root.
    const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const repeatable = ["--font-render-hinting=none", "--force-color-profile=srgb"];
    const browser = await chromium.launch({
      executablePath: executable,
      args: [...root, ...repeatable, "--disable-lcd-text", "--disable-gpu"],
    });
    try {
      const context = await browser.newContext({ offline: true });
      const page = await context.newPage();
      await page.setContent("<!doctype html><html><body></body></html>");
      await page.addScriptTag({ path: require.resolve("plotly.js-dist") });
      return new FigureExporter(browser, page);
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** A figure as SVG text; `description` says what it shows and from which runs. */
  async svg(figure: Figure, size: Size, description: string): Promise<string> {
    // Plotly writes a text's attributes in another order once it has measured the text before, so
    // a figure does not repeat itself from the first.
    let drawn = "";
    for (let attempt = 0; attempt < MOST_DRAWINGS; attempt++) {
      const before = drawn;
      const url = await this.#draw(figure, { format: "svg", ...size });
      drawn = normaliseSvg(decodeURIComponent(url.slice(url.indexOf(",") + 1)));
      if (drawn === before) break;
    }
    return describeSvg(drawn, description);
  }

  /** A figure as PNG, at two device pixels a CSS pixel. */
  async png(figure: Figure, size: Size): Promise<Uint8Array> {
    const url = await this.#draw(figure, { format: "png", ...size, scale: 2 });
    return Buffer.from(url.slice(url.indexOf(",") + 1), "base64");
  }

  async #draw(figure: Figure, options: object): Promise<string> {
    // As text, not as a function: the page's globals are unknown to this program's types.
    const call = `Plotly.toImage(${JSON.stringify(figure)}, ${JSON.stringify(options)})`;
    return this.#page.evaluate<string>(call);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}
