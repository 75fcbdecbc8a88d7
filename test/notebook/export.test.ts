// abkd notebook export: what a page shows, that nothing on it runs, and the files that the command writes.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { Chromium, findChromium } from "../../src/display/chromium.ts";
import { evaluate, openPage } from "../../src/display/print.ts";
import {
  type Cell,
  type Notebook,
  type Output,
  serialiseNotebook,
} from "../../src/notebook/nbformat.ts";
import { notebookPage } from "../../src/notebook/page.ts";
import { abkd, start } from "../cli/abkd.ts";
import { temporaryFolder } from "./files.ts";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const text = (source: string, more: object = {}): Cell =>
  ({ cell_type: "markdown", id: "t", metadata: {}, source, ...more }) as Cell;
const code = (source: string, outputs: Output[], ...tags: string[]): Cell =>
  ({ cell_type: "code", id: "c", metadata: { tags }, source, execution_count: 1, outputs }) as Cell;
const shows = (data: Record<string, string | object>): Output =>
  ({ output_type: "display_data", data, metadata: {} }) as Output;

function notebook(...cells: Cell[]): Notebook {
  const metadata = { language_info: { name: "typescript" } };
  return { nbformat: 4, nbformat_minor: 5, metadata, cells };
}

const page = (...cells: Cell[]): string =>
  notebookPage(notebook(...cells), { file: "x.ipynb" }).html;

describe("a notebook's page", () => {
  it("has its first heading as title, tables, and mathematics without a script", () => {
    const html = page(text("# Loss (eq. 6)\n\n$L_\\beta$ costs $5\n\n| a |\n|---|\n| 1 |"));
    assert.match(html, /<title>Loss \(eq\. 6\)<\/title>/);
    assert.match(html, /<h1 id="Loss-\(eq\.-6\)">/);
    assert.match(html, /<math [^>]*>.*<mi>L<\/mi><mi>β<\/mi>/);
    assert.match(html, /costs \$5/);
    assert.match(html, /<td>1<\/td>/);
  });

  it("shows a formula in error as it was typed", () => {
    assert.match(page(text("$\\frac{1$")), /\\frac\{1/);
  });

  it("colours TypeScript, across the lines of a template too", () => {
    const html = page(
      code(["const a = `one", "const b $", "{1}`; // 2 < 3"].join("\n").replace("$\n", "$"), []),
    );
    assert.match(html, /<span class="k">const<\/span> a/);
    assert.equal(html.match(/class="k">const/g)?.length, 1);
    assert.match(html, /<span class="c">\/\/ 2 &lt; 3<\/span>/);
  });

  it("shows streams and errors without terminals' codes", () => {
    const html = page(
      code("f()", [
        { output_type: "stream", name: "stdout", text: "\u001b[31mred\u001b[0m <b>\n" },
        {
          output_type: "error",
          ename: "E",
          evalue: "v",
          traceback: ["\u001b[1mE: v\u001b[0m", "  at f"],
        },
      ]),
    );
    assert.match(html, /<pre>red &lt;b&gt;<\/pre>/);
    assert.match(html, /<pre class="error">E: v\n {2}at f<\/pre>/);
  });

  it("shows a plot's picture, named by its text, and counts the plots that have none", () => {
    const plot = { "application/vnd.plotly.v1+json": { data: [] }, "text/plain": 'a "plot"' };
    const cells = [
      code("", [shows({ ...plot, "image/png": `${PIXEL}\n` })]),
      code("", [shows(plot)]),
    ];
    const { html, plain } = notebookPage(notebook(...cells), { file: "x.ipynb" });
    assert.match(
      html,
      new RegExp(
        `<img src="data:image/png;base64,${PIXEL.replaceAll("+", "\\+")}" alt="a &quot;plot&quot;">`,
      ),
    );
    assert.equal(html.match(/<img/g)?.length, 1);
    assert.equal(plain, 1);
  });

  it("takes pictures from attachments and files beside the notebook, none from elsewhere", () => {
    using folder = temporaryFolder();
    writeFileSync(path.join(folder.path, "a b.png"), Buffer.from(PIXEL, "base64"));
    writeFileSync(path.join(folder.path, "secret.txt"), "secret");
    const attachments = { "in.png": { "image/png": PIXEL } };
    const source =
      "![1](attachment:in.png) ![2](a%20b.png) ![3](https://example.org/x.png) ![4](secret.txt) ![5](/etc/x.png)";
    const file = path.join(folder.path, "x.ipynb");
    const { html } = notebookPage(notebook(text(source, { attachments })), { file });
    const sources = [...html.matchAll(/<img([^>]*)>/g)].map(
      ([, all]) => /src="([^"]*)"/.exec(all!)?.[1],
    );
    const own = `data:image/png;base64,${PIXEL}`;
    assert.deepEqual(sources, [own, own, undefined, undefined, undefined]);
  });

  it("leaves out what tags and --no-input say", () => {
    const output: Output[] = [{ output_type: "stream", name: "stdout", text: "out" }];
    const cells = [
      code("first", output, "remove-input"),
      code("second", output, "remove-output"),
      code("third", output, "remove-cell"),
    ];
    const words = (input: boolean): string[] =>
      notebookPage(notebook(...cells), { file: "x", input }).html.match(
        /first|second|third|(?<=<pre>)out/g,
      ) ?? [];
    assert.deepEqual(words(true), ["out", "second"]);
    assert.deepEqual(words(false), ["out"]);
  });

  const hostile = [
    "<script>window.hit = 1</script>",
    '<img src="x" onerror="window.hit = 2">',
    '<svg onload="window.hit = 3"><script>window.hit = 4</script></svg>',
    '<a id="link" href="java&#10;script:window.hit = 5">x</a>',
    '<iframe srcdoc="<script>parent.hit = 6</script>"></iframe>',
    '<meta http-equiv="refresh" content="0;url=https://example.org/"><base href="https://example.org/">',
    '<form action="https://example.org/"><input autofocus onfocus="window.hit = 7"></form>',
    '<math><mtext><table><mglyph><style><img src=x onerror="window.hit = 8">',
    '<noscript><p title="</noscript><img src=x onerror=window.hit=9>">',
    '<svg><a xlink:href="javascript:window.hit=10"><text>x</text></a><use href="https://example.org/#a"/></svg>',
    '<p style="background: url(https://example.org/p.png)">p</p><link rel="stylesheet" href="https://example.org/s.css">',
    "</div></div></body></html><!-- ",
  ];

  it("keeps a stranger's HTML from running, fetching or reaching the cells after it", async (t) => {
    const executable = await findChromium();
    if (executable === undefined) return t.skip("no Chromium");
    const cells = hostile.flatMap((html) => [
      text(html),
      code("", [shows({ "text/html": html })]),
      code("", [shows({ "text/markdown": html })]),
    ]);
    const html = page(...cells, text('<i class="last">end</i>'));
    const browser = new Chromium(executable);
    try {
      const session = await openPage(browser);
      const look = `document.open(); document.write(${JSON.stringify(html)}); document.close();
        document.querySelectorAll("a").forEach((a) => a.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true })));
        new Promise((resolve) => setTimeout(() => resolve({
          hit: globalThis.hit ?? null,
          bad: document.querySelectorAll("script,iframe,form,base,link,object,[onerror],[onload],[onfocus]").length,
          metas: document.querySelectorAll("meta[http-equiv=refresh]").length,
          last: document.querySelector("body > .text > p > .last")?.textContent ?? null,
          place: String(location),
        }), 200))`;
      const found = await evaluate(browser, look, session, "the page");
      assert.deepEqual(found, { hit: null, bad: 0, metas: 0, last: "end", place: "about:blank" });
      assert.ok(!html.includes("example.org"));
    } finally {
      browser.close();
    }
  });
});

describe("abkd notebook export", () => {
  function written(folder: string, name = "a b.ipynb"): string {
    const file = path.join(folder, name);
    writeFileSync(file, serialiseNotebook(notebook(text("# Title"), code("const a = 1;", []))));
    return file;
  }

  it("writes HTML and a PDF beside the notebook, the same bytes again", async (t) => {
    if ((await findChromium()) === undefined) return t.skip("no Chromium");
    using folder = temporaryFolder();
    const file = written(folder.path);
    const [html, pdf] = [".html", ".pdf"].map((ending) => file.replace(".ipynb", ending)) as [
      string,
      string,
    ];
    const one = await abkd("notebook", "export", file, "--html", "--pdf");
    assert.equal(one.stdout, `${file}: written to ${html}\n${file}: written to ${pdf}\n`);
    const first = readFileSync(pdf);
    assert.equal(first.subarray(0, 5).toString(), "%PDF-");
    assert.match(readFileSync(html, "utf8"), /<h1 id="Title">/);
    await abkd("notebook", "export", file, "--output", pdf);
    assert.deepEqual(readFileSync(pdf), first);
  });

  it("needs no browser for HTML, and says so for a PDF before anything is written", async () => {
    using folder = temporaryFolder();
    const file = written(folder.path, "x.ipynb");
    const env = { PATH: path.dirname(process.execPath), CHROMIUM: "" };
    const both = await start(["notebook", "export", file, "--html", "--pdf"], env).outcome;
    // A Chromium may be installed as an npm package.
    if (both.code !== 0) {
      assert.match(both.stderr, /^abkd: cannot write a PDF: no Chromium was found: install one/);
      assert.ok(!existsSync(path.join(folder.path, "x.html")));
    }
    assert.equal((await start(["notebook", "export", file, "--html"], env).outcome).code, 0);
  });

  it("says what to name, in one line", async () => {
    const refused: readonly (readonly [string[], RegExp])[] = [
      [["a.ipynb"], /^abkd: say --html, --pdf or --output FILE\n$/],
      [
        ["a.ipynb", "b.ipynb", "--output", "c.html"],
        /^abkd: --output takes one notebook; use --html or --pdf\n$/,
      ],
      [
        ["a.ipynb", "--output", "c.txt"],
        /^abkd: --output c\.txt: its name must end in \.html or \.pdf\n$/,
      ],
    ];
    for (const [args, message] of refused) {
      const { code: status, stderr } = await abkd("notebook", "export", ...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
    }
  });
});
