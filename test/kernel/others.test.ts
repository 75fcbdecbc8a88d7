// Cells of other kernels' notebooks: Deno, ijavascript, xeus-javascript, and %%html.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { withoutMagic } from "../../src/kernel/cell/magic.ts";
import type { Bundle } from "../../src/kernel/channel.ts";
import { TestRunner } from "./runner-harness.ts";
import { TypedNotebook } from "./types-kit.ts";

const folder = mkdtempSync(join(tmpdir(), "abkd-others-"));
const runner = new TestRunner();
before(() => runner.ready);
after(async () => {
  await runner.close();
  rmSync(folder, { recursive: true });
});

interface Shown {
  readonly result: Bundle | undefined;
  readonly displays: readonly Bundle[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a cell that must not fail. */
async function shown(code: string): Promise<Shown> {
  const { outcome, events, stdout, stderr } = await runner.run(code);
  if (outcome.status === "error") assert.fail(`${code}: ${outcome.traceback.join("\n")}`);
  const displays = events.flatMap((each) => (each.type === "display" ? [each.data] : []));
  return { result: outcome.result?.data, displays, stdout, stderr };
}

async function failure(code: string): Promise<string> {
  const { outcome } = await runner.run(code);
  assert.equal(outcome.status, "error", code);
  return outcome.status === "error" ? outcome.traceback.join("\n") : "";
}

test("Deno.jupyter shows templates, pictures and bundles", async () => {
  const png = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    Buffer.alloc(24),
  ]);
  writeFileSync(join(folder, "p.png"), png);
  const html = await shown("Deno.jupyter.html`<b>\u0024{1}\u0024{undefined}</b>`");
  assert.deepEqual(html.result, { "text/html": "<b>1</b>", "text/plain": "<b>1</b>" });
  const { result: md } = await shown(
    "const { md, display: show } = Deno.jupyter; md`# \u0024{null}`",
  );
  assert.equal(md?.["text/markdown"], "# null");
  const { result: svg } = await shown("Deno.jupyter.svg`<svg/>`");
  assert.equal(svg?.["image/svg+xml"], "<svg/>");
  const path = JSON.stringify(join(folder, "p.png"));
  const { result: image } = await shown(`Deno.jupyter.image(${path})`);
  assert.equal(image?.["image/png"], png.toString("base64"));
  assert.match(
    await failure(`Deno.jupyter.image(new Uint8Array(9))`),
    /not the bytes of a picture/,
  );

  const raw = await shown(`await show({ "text/plain": "ok" }, { raw: true })`);
  assert.deepEqual([raw.displays, raw.result], [[{ "text/plain": "ok" }], undefined]);
  const sent = await shown(`
    await Deno.jupyter.broadcast("display_data", { data: { "text/html": "a" }, metadata: {}, transient: { display_id: "x" } });
    await Deno.jupyter.broadcast("update_display_data", { data: { "text/html": "b" }, transient: { display_id: "x" } });
    await Deno.jupyter.broadcast("stream", { name: "stderr", text: "said" });
    (await Deno.jupyter.format({ [Deno.jupyter.$display]: () => ({ "text/plain": "own" }) }))["text/plain"]`);
  assert.deepEqual(sent.displays, [{ "text/html": "a" }, { "text/html": "b" }]);
  assert.deepEqual([sent.stderr, sent.result?.["text/plain"]], ["said", "'own'"]);
  assert.match(
    await failure(`await Deno.jupyter.broadcast("execute_reply", {})`),
    /sends no "exec/,
  );
});

test("Deno's files, environment and errors are Node's", async () => {
  const at = (name: string) => JSON.stringify(join(folder, name));
  const { result } = await shown(`
    await Deno.writeTextFile(${at("a.txt")}, "long text");
    await Deno.writeTextFile(${at("a.txt")}, "one", { create: false });
    Deno.writeTextFileSync(${at("a.txt")}, "two", { append: true });
    Deno.env.set("OTHER", "there");
    const listed = []; for await (const { name, isFile } of Deno.readDir(${JSON.stringify(folder)})) if (isFile) listed.push(name);
    const caught = await Deno.readTextFile(${at("none")}).catch((e) => e instanceof Deno.errors.NotFound && !(e instanceof Deno.errors.AlreadyExists));
    const info = await Deno.stat(${at("a.txt")});
    JSON.stringify([await Deno.readTextFile(${at("a.txt")}), (await Deno.readFile(${at("a.txt")})).constructor.name,
      Deno.env.get("OTHER"), Deno.cwd() === process.cwd(), listed.sort(), caught, info.size, info.isFile, Deno.args])`);
  assert.equal(
    result?.["text/plain"],
    `'["onetwo","Uint8Array","there",true,["a.txt","p.png"],true,6,true,[]]'`,
  );
  assert.equal(readFileSync(join(folder, "a.txt"), "utf8"), "onetwo");
  await shown(`await Deno.remove(${at("a.txt")})`);
  assert.match(await failure(`await Deno.remove(${at("a.txt")})`), /ENOENT/);
});

test("what Deno has and this kernel has not gets the hint; Deno.test fails its cell", async () => {
  assert.match(
    await failure("Deno.serve(() => 1)"),
    /Deno\.serve is not there.*In this kernel: Node's own modules/s,
  );
  const failing = `Deno.test("fails", async (t) => { await t.step("inner", () => { throw new Error("deep") }) })`;
  assert.match(await failure(failing), /deep/);
  await shown(
    `Deno.test({ name: "passes", fn() {} }); Deno.test("skipped", { ignore: true }, () => { throw 1 })`,
  );
});

test("the names are no globals, and a notebook's own variables of these names count", async () => {
  const { result } = await shown(
    `[typeof Deno, typeof globalThis.Deno, "Deno" in globalThis, typeof $$, typeof eval("globalThis.$$")].join()`,
  );
  assert.equal(result?.["text/plain"], "'undefined,undefined,false,object,undefined'");
  const within = await shown(
    `((Deno) => Deno + 1)(1) + ({ $$: 2 }).$$ + (() => { const ijs = 3; return ijs })()`,
  );
  assert.equal(within.result?.["text/plain"], "7");
  await shown("const f = () => $$.x; const read = () => Deno.cwd();");
  await shown("const $$ = { x: 5 };");
  const later = await shown("({ own: f(), $$, same: read() === process.cwd() })");
  assert.equal(later.result?.["text/plain"], "{ own: 5, '$$': { x: 5 }, same: true }");
});

test("ijavascript's $$ shows instead of the cell's value, at once or later", async () => {
  // A notebook of its own: the one above has a variable $$.
  const other = new TestRunner();
  await other.ready;
  try {
    const run = async (code: string) => {
      const { outcome, events, stderr } = await other.run(code);
      const displays = events.flatMap((each) => (each.type === "display" ? [each.data] : []));
      const result = outcome.status === "ok" ? outcome.result?.data["text/plain"] : outcome.evalue;
      return [displays.map((each) => Object.values(each)[0]), result, stderr];
    };
    assert.deepEqual(await run(`$$.html("<i>"); 3`), [["<i>"], undefined, ""]);
    assert.deepEqual(await run(`$$.svg("one"); $$.svg("two")`), [["one"], undefined, ""]);
    assert.deepEqual(
      await run(`$$.async(); setTimeout(() => { $$.text("a", true); $$.sendResult([1]) }, 5); 3`),
      [["a", "[ 1 ]"], undefined, ""],
    );
    assert.deepEqual(await run(`$$.png(new Promise((done) => setTimeout(done, 5, "AAAA"))); 3`), [
      ["AAAA"],
      undefined,
      "",
    ]);
    assert.deepEqual(await run(`$$.html(Promise.reject(new Error("no")))`), [[], "no", ""]);
    assert.deepEqual(
      await run(`$$.async(); setTimeout(() => $$.sendError(new Error("late")), 5)`),
      [[], "late", ""],
    );
    assert.deepEqual(
      await run(`$$async$$ = true; setTimeout(() => { $$svg$$ = "<svg>"; $$done$$(); }, 5); 3`),
      [["<svg>"], undefined, ""],
    );
    assert.deepEqual(await run(`$$async$$ = true; $$done$$("bye")`), [["'bye'"], undefined, ""]);
    assert.deepEqual(
      await run(`const d = $$.display("p"); d.html("1"); d.html("2"); $$.display().text("3"); 4`),
      [["1", "2", "3"], "4", ""],
    );
    assert.deepEqual(await run("$$.async(); throw new Error('at once')"), [[], "at once", ""]);
    assert.deepEqual(await run("5"), [[], "5", ""]);

    const waiting = other.start("$$.async()");
    setTimeout(() => other.interrupt(), 300);
    const { outcome } = await waiting.ran;
    assert.equal(outcome.status === "error" && outcome.ename, "KeyboardInterrupt");
  } finally {
    await other.close();
  }
});

test("_toHtml() and its like are views", async () => {
  await shown(`class P { _toHtml() { return "<p>" } _toPng() { return "AAAA" } _toMime() { return { "text/plain": "P!" } } }
    class Bad { _toSvg() { throw new Error("broken") } }`);
  const { result } = await shown("new P()");
  assert.deepEqual(result, { "text/html": "<p>", "image/png": "AAAA", "text/plain": "P!" });
  const { result: bad } = await shown("new Bad()");
  assert.equal(bad?.["text/plain"], "Bad {}\n[_toSvg() failed: broken]");
});

test("ijs.display shows, and so does a cell that begins with %%html", async () => {
  const { displays } = await shown(
    `ijs.display.json({ a: 1 }); ijs.display.mime_type("text/latex", "$x$")`,
  );
  assert.deepEqual(displays, [{ "application/json": { a: 1 } }, { "text/latex": "$x$" }]);
  const page = "<script>const x = `\u0024{1}`;\u2028</script>\r\n%%html\n";
  const html = await shown(`\n%%HTML --isolated\n${page}`);
  assert.deepEqual([html.displays, html.result], [[{ "text/html": page }], undefined]);
  assert.deepEqual((await shown("%%markdown\r\n# a")).displays, [{ "text/markdown": "# a" }]);
  assert.deepEqual((await shown("%%svg")).displays, [{ "image/svg+xml": "" }]);
  assert.match(await failure("%%htmlx\n<p>"), /no magics but %%html, %%markdown/);
  assert.equal(withoutMagic("1 %%html\n"), "1 %%html\n");
});

test("the types of these names are known where a cell uses them, and offered nowhere else", async () => {
  const notebook = new TypedNotebook();
  try {
    const codes = await notebook.errors(
      `const text: string = await Deno.readTextFile("x"); Deno.jupyter.md\`# \${text}\`;\n` +
        `Deno.serve; $$.html(1); $$.async(); $$html$$ = "a"; ijs.display.html("a"); %%`,
    );
    assert.deepEqual(codes, []); // a syntax error silences the rest
    const wrong = await notebook.errors(
      `const text: string = await Deno.readTextFile("x"); Deno.jupyter.md\`# \${text}\`;\n` +
        `Deno.serve; $$.html(1); $$.async(); $$html$$ = "a"; ijs.display.html("a");`,
    );
    assert.deepEqual(wrong, [2339, 2345]);
    await notebook.errors("%%html\n<script>const page = 1;</script>");
    assert.deepEqual(await notebook.errors("page"), [2304]);
    assert.deepEqual(await notebook.errors("const Deno = { x: 1 }; Deno.x"), []);
    assert.deepEqual(await notebook.errors("Deno.x; Deno.cwd"), [2339]);
    const offered = await notebook.complete("De|");
    assert.ok(!offered.matches.includes("ijs"));
    const { matches } = await notebook.complete("ijs.display.ht|");
    assert.deepEqual(
      matches.map((each) => each.replace(/^.*\./, "")),
      ["html"],
    );
  } finally {
    await notebook.close();
  }
});
