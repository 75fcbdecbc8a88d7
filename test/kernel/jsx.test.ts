// JSX and decorators in cells and local files, as pragmas and tsconfig.json ask, with exact places; elements as HTML.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are code
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { bundleOf } from "../../src/kernel/display/bundle.ts";
import { setImporter } from "../../src/kernel/display/components.ts";
import { ModuleCells } from "./module-cells.ts";
import { CellError } from "./repl.ts";
import { TestRunner } from "./runner-harness.ts";

const cells = new ModuleCells();
const { failure, run, write } = cells;

/** Renders elements whose `type` and `props` are React's or Preact's. */
const RENDER = `
const render = (node) => Array.isArray(node) ? node.map(render).join("")
  : node === null || typeof node !== "object" ? String(node ?? "")
  : typeof node.type === "function" ? render(node.type(node.props))
  : typeof node.type === "symbol" ? render(node.props.children)
  : "<" + node.type + (node.props.id ? ' id="' + node.props.id + '"' : "") + ">" +
    render(node.props.children) + "</" + node.type + ">";
`;

/** Packages with the shapes of the real ones: React 19's and 18's elements, Preact 10's, Hono 4's. */
const PACKAGES: Readonly<Record<string, string>> = {
  "react/package.json": '{ "name": "react", "exports": { ".": "./index.js", "./*": "./*.js" } }',
  "react/index.js":
    'const $$typeof = Symbol.for("react.element");\n' +
    "exports.createElement = (type, props, ...children) => ({ $$typeof, type, key: null, ref: null, props: { ...props, children } });\n" +
    'exports.Fragment = Symbol.for("react.fragment");',
  "react/jsx-runtime.js":
    'const $$typeof = Symbol.for("react.transitional.element");\n' +
    "exports.jsx = exports.jsxs = (type, props, key = null) => ({ $$typeof, type, key, props, _owner: null, _store: {} });\n" +
    'exports.Fragment = Symbol.for("react.fragment");',
  "react-dom/package.json": '{ "name": "react-dom", "exports": { "./server": "./server.js" } }',
  "react-dom/server.js": `${RENDER}exports.renderToStaticMarkup = render;`,
  "preact/package.json":
    '{ "name": "preact", "type": "module", "exports": { "./jsx-runtime": "./jsx-runtime.js" } }',
  "preact/jsx-runtime.js":
    "export const jsx = (type, props, key) => ({ type, props, key, ref: undefined, __k: null, __: null, __b: 0, __e: null, __c: null, constructor: undefined, __v: 1, __i: -1, __u: 0 });\n" +
    "export { jsx as jsxs }; export const Fragment = (props) => props.children;",
  "preact-render-to-string/package.json":
    '{ "name": "preact-render-to-string", "type": "module", "exports": "./index.js" }',
  "preact-render-to-string/index.js": `${RENDER}export const renderToString = (node) => "<!--preact-->" + render(node);`,
  "hono/package.json":
    '{ "name": "hono", "type": "module", "exports": { "./jsx/jsx-runtime": "./runtime.js" } }',
  "hono/runtime.js":
    "class JSXNode { constructor(tag, props) { this.tag = tag; this.props = props; this.children = [props.children].flat(); this.isEscaped = true; }\n" +
    '  toString() { return typeof this.tag === "function" ? Promise.resolve(this.tag(this.props)).then(String) : `<${this.tag}>${this.children.join("")}</${this.tag}>`; } }\n' +
    "export const jsx = (tag, props) => new JSXNode(tag, props); export { jsx as jsxs, jsx as Fragment };",
};

const install = (...names: string[]): void =>
  write(
    Object.fromEntries(
      Object.entries(PACKAGES)
        .filter(([path]) => names.includes(path.split("/")[0]!))
        .map(([path, text]) => [`node_modules/${path}`, text]),
    ),
  );

const tsconfig = (options: object): void =>
  write({ "tsconfig.json": JSON.stringify({ compilerOptions: options }) });

/** Returns the views of a cell's value, as the kernel makes them. */
async function views(source: string): Promise<Readonly<Record<string, unknown>>> {
  setImporter((name) => cells.repl.modules.dynamic(name));
  return bundleOf(await run(source));
}

/** Returns where a cell throws, as typed. */
async function placeIn(source: string): Promise<string> {
  const error = await run(source).then(
    () => assert.fail("no error"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CellError, String(error));
  return `${error.place?.line}:${error.place?.column}`;
}

/** Returns where a local file throws, as written. */
function placeOf({ stack = "" }: Error, name: string): string {
  const [, url = "", line, column] =
    stack
      .match(/(file:[^\s)]*?):(\d+):(\d+)/g)
      ?.map((each) => /(.*):(\d+):(\d+)$/.exec(each)!)[0] ?? [];
  const place = cells.repl.modules.place(url, Number(line), Number(column));
  assert.equal(place?.path, join(cells.folder, name));
  return `${place.line}:${place.column}`;
}

test("a React element is rendered by react-dom/server, its functions seen by later cells", async () => {
  install("react", "react-dom");
  await run(
    'import * as React from "react";\nfunction Hi({ who }: { who: string }) {\n  return <><b id="x">{who}</b>!</>;\n}',
  );
  assert.deepEqual(await views('<p><Hi who="you" /> {1 < 2 ? "yes" : <i/>}</p>'), {
    "text/html": '<p><b id="x">you</b>! yes</p>',
    "text/plain": "<p> (29 characters)",
  });
  assert.equal((await views("<svg><g/></svg>"))["image/svg+xml"] !== undefined, true);
  assert.equal((await views('React.createElement("u", null, 3)'))["text/html"], "<u>3</u>");
  assert.deepEqual(await run("({ a: <p/> }).a.props"), {});
  assert.deepEqual(Object.keys((await run("{ a: <p/>, b: 2 }")) as object), ["a", "b"]);
  // The runtime and the compiler's helpers are no variables.
  assert.equal(
    await run("[typeof _jsx, typeof _jsxs, typeof _Fragment].join()"),
    "undefined,undefined,undefined",
  );
});

test("a runtime by pragma is the cell's own: Preact and Hono beside React", async () => {
  install("react", "react-dom", "preact", "preact-render-to-string", "hono");
  await run("const A = () => <a>react</a>;");
  const preact = "/** @jsxImportSource preact */\n";
  assert.equal(
    (await views(`${preact}const B = () => <b>preact</b>; <p><B /></p>`))["text/html"],
    "<!--preact--><p><b>preact</b></p>",
  );
  assert.equal((await views("A()"))["text/html"], "<a>react</a>");
  const eleven = 'Object.assign(<p>11</p>, { constructor: Symbol.for("pv") })';
  assert.equal((await views(preact + eleven))["text/html"], "<!--preact--><p>11</p>");
  const hono = "/** @jsxImportSource hono/jsx */\n";
  assert.equal((await views(`${hono}<p>a<i>b</i></p>`))["text/html"], "<p>a<i>b</i></p>");
  const later = "const Later = async () => <b>later</b>; <Later />";
  assert.equal((await views(`${hono}${later}`))["text/html"], "<b>later</b>");
});

test("an element whose library is missing is text with the reason", async () => {
  install("react");
  assert.match(
    String((await views("<p/>"))["text/plain"]),
    /\n\[react-dom\/server failed: .*npm install react-dom\]$/,
  );
});

test("an element that throws is text with its message; what only looks like one is an object", async () => {
  install("react", "react-dom");
  const text = String(
    (await views("const Bad = () => { throw new Error('no data') }; <Bad />"))["text/plain"],
  );
  assert.match(text, /\n\[react-dom\/server failed: Error: no data\n.*Bad/);
  const look = { $$typeof: "react.element", type: "p", props: {} };
  assert.equal("text/html" in (await bundleOf(look)), false);
});

test("without the runtime, the import says what to install; errors in JSX name the tag", async () => {
  assert.match((await failure("<p/>")).message, /npm install react$/);
  for (const [code, message, line, column] of [
    ["const a = 1;\nconst b = <p><i>x</p>;", /'i' has no corresponding closing tag/, 2, 15],
    ["const a = 1;\nconst b = <p></p> const", /,.* expected|declaration expected/, 2, 19],
    ["class A {\n  f(@dec x: number) {}\n}", /parameter .*experimentalDecorators/, 2, 5],
    [
      "const dec = 0;\n@dec function f() {}",
      /^(decorators belong to classes|Decorators are not valid)/i,
      2,
      1,
    ],
  ] as const) {
    const error = await run(code).then(
      () => assert.fail(code),
      (thrown) => thrown,
    );
    assert.match(error.message, message);
    assert.deepEqual([error.name, error.line, error.column], ["SyntaxError", line, column], code);
  }
});

test("tsconfig.json chooses the runtime and the factory, in cells and in local files", async () => {
  install("react", "preact");
  write({
    "view.tsx": "export const view = <p/>;",
    "old.jsx": "import { h } from './h.ts';\nexport const old = <p/>;",
  });
  write({ "h.ts": "export const h = (...all: unknown[]): unknown => all;" });
  // With comments, a trailing comma, and options from a file that it extends.
  write({
    "tsconfig.json": '{ // own\n "extends": "./base", "compilerOptions": { "jsx": "preserve", }, }',
    "base.json": '{ "compilerOptions": { "jsx": "react", "jsxImportSource": "preact" } }',
  });
  assert.equal(await run("'__k' in <p/>"), true);
  assert.equal(await run('import { view } from "./view"; "__k" in view'), true);
  tsconfig({ jsx: "react", jsxFactory: "h", jsxFragmentFactory: "null" });
  assert.deepEqual(await run('import { h } from "./h.ts"; <p>x</p>'), ["p", null, "x"]);
  assert.deepEqual(await run("<>y</>"), [null, null, "y"]);
  assert.deepEqual(await run('import { old } from "./old.jsx"; old'), ["p", null]);
  assert.equal(await run('import { old } from "./old.js"; old.length'.replace("old.js", "old")), 2);
});

test("local .tsx files are loaded again once edited, and their types are removed", async () => {
  install("react", "react-dom");
  write({
    "types.ts": "export interface Props { n: number }",
    "inner.tsx": "export const inner = <i>1</i>;",
    "view.tsx":
      'import { Props } from "./types.ts";\nimport { inner } from "./inner.js";\nexport const View = ({ n }: Props) => <p>{n}{inner}</p>;',
  });
  const cell = 'import { View } from "./view.tsx"; <View n={2} />';
  assert.equal((await views(cell))["text/html"], "<p>2<i>1</i></p>");
  write({ "inner.tsx": "export const inner = <b>3</b>;" });
  assert.equal((await views(cell))["text/html"], "<p>2<b>3</b></p>");
  write({ "alone.tsx": "export const alone = <u/>;" });
  assert.equal(await run('require("./alone.tsx").alone.type'), "u");
});

test("places are as typed, in cells and in files, with JSX and with decorators", async () => {
  install("react");
  const fail = (column: number) => `${" ".repeat(column - 1)}throw new TypeError("x")`;
  assert.equal(
    await placeIn(`const v: number = 1;\nconst e = <p>{v}</p>;\nif (v) {\n${fail(7)}\n}`),
    "4:13",
  );
  assert.equal(
    await placeIn("const a = <p\n  title={(() => {\n    return null!.x;\n  })()}\n/>;"),
    "3:18",
  );
  assert.equal(
    await placeIn(
      `const d = (v: unknown, c: DecoratorContext): void => {};\n@d\nclass A {\n  @d m(): never {\n${fail(5)}\n  }\n}\nnew A().m()`,
    ),
    "5:11",
  );
  write({
    "view.tsx": `interface P { x: number }\nexport const V = ({ x }: P) => {\n  const tags = <p>\n    {x}\n  </p>;\n${fail(4)};\n};`,
    "model.ts": `export const d = (v: any, c: any): void => {};\nexport class M {\n  accessor x: number = 1;\n  @d m(): never {\n${fail(9)}\n  }\n}`,
  });
  assert.equal(
    placeOf(await failure('import { V } from "./view.tsx"; V({ x: 1 })'), "view.tsx"),
    "6:10",
  );
  assert.equal(
    placeOf(await failure('import { M } from "./model.ts"; new M().m()'), "model.ts"),
    "5:15",
  );
  write({ "bad.tsx": "export const a =\n  <p><i></p>;" });
  assert.match(
    (await failure('import "./bad.tsx"')).message,
    /'i' has no .* \(\.\/bad\.tsx:2:7\)$/,
  );
});

const LOGGED = `const seen: unknown[] = [];
function log(value: any, context: any): any { seen.push(typeof context === "object" ? context.kind : context); }
`;

test("decorators and accessor are TC39's, legacy where tsconfig.json asks", async () => {
  const cell = `${LOGGED}@log\nclass A {\n  @log x = 1;\n  @log accessor y = 2;\n  @log m(): number { return this.x + this.y; }\n}\n[seen, new A().m()]`;
  assert.deepEqual(await run(cell), [["accessor", "method", "field", "class"], 3]);
  assert.equal(await run("class B { accessor z = 4 }\nObject.keys(new B()).length + new B().z"), 4);
  // A later cell's class replaces an earlier one; the helpers are no variables.
  assert.equal(await run("@log class A { static n = 7 }\nA.n"), 7);
  assert.equal(await run("typeof __esDecorate"), "undefined");
  tsconfig({ experimentalDecorators: true });
  const legacy = `${LOGGED.replaceAll("context", "key")}\nconst inject = (target: any, key: any, index: number) => { seen.push(index) };\nclass C {\n  constructor(@inject private n: number) {}\n  @log m() { return this.n; }\n}\n[seen, new C(5).m()]`;
  assert.deepEqual(await run(legacy), [["m", 0], 5]);
  write({
    "c.ts":
      "const seen: string[] = [];\nfunction p(t: object, key: string) { seen.push(key); }\nexport class D { @p name = 'd'; }\nexport { seen };",
  });
  assert.deepEqual(await run('import { seen as keys } from "./c.ts"; keys'), ["name"]);
});

test("class fields are assigned where the target of tsconfig.json is older than fields", async () => {
  const cell =
    "class P { set x(v: number) { got.push(v) } }\nclass Q extends P { x = 1 }\nconst got: number[] = []; new Q(); got";
  write({
    "q.ts": `${cell.replace("class Q", "export class Q").replace("; got", ";")} export { got };`,
  });
  assert.deepEqual(await run(cell), []);
  tsconfig({ target: "ES2021" });
  assert.deepEqual(await run(cell), [1]);
  assert.deepEqual(await run('import { got as own } from "./q.ts"; own'), [1]);
  tsconfig({ target: "es2021", useDefineForClassFields: true });
  assert.deepEqual(await run(cell), []);
});

test("in a kernel, the result and display() are HTML, and components fail at their place", async () => {
  install("react", "react-dom");
  const before = process.cwd();
  process.chdir(cells.folder);
  const runner = new TestRunner();
  process.chdir(before);
  try {
    await runner.ready;
    const { outcome, events } = await runner.run("display(<i>1</i>); <b>2</b>");
    assert.equal(outcome.status === "ok" && outcome.result?.data["text/html"], "<b>2</b>");
    const [shown] = events.filter((each) => each.type === "display");
    assert.equal(shown?.data["text/html"], "<i>1</i>");
    const bad = await runner.run("const Bad = () => { throw new Error('no data') };\n<Bad />");
    const text = bad.outcome.status === "ok" && bad.outcome.result?.data["text/plain"];
    assert.match(String(text), /failed: Error: no data\n.*Bad.* \(Cell \[2\]:1:27\)/);
    const failed = await runner.run(
      'import { renderToStaticMarkup as show } from "react-dom/server";\nconst Bad = () => {\n  return null!.x;\n};\nshow(<p><Bad /></p>)',
    );
    const lines = failed.outcome.status === "error" ? failed.outcome.traceback : [];
    assert.match(lines.join("\n"), /Bad .*\(Cell \[3\]:3:16\)/);
  } finally {
    await runner.close();
  }
});

test("paths and baseUrl of tsconfig.json lead to files, whose edits are seen", async () => {
  write({
    "tsconfig.json": `{ "extends": "./base", "compilerOptions": { "paths": { "@/*": ["./none/*", "./lib/*"], "@/deep/*": ["./deep/*"], "one": ["./lib/a"] } } }`,
    "base.json": '{ "compilerOptions": { "paths": { "@/*": ["./wrong/*"] } } }',
    "lib/a.ts": 'import { d } from "@/deep/d";\nexport const a: number = 1 + d;',
    "deep/d.ts": "export const d = 1;",
    "node_modules/one/index.js": "exports.a = 'package';",
  });
  assert.equal(await run('import { a } from "@/a"; a'), 2);
  assert.equal(await run('(await import("@/deep/d")).d + require("@/a.ts").a'), 3);
  assert.equal(await run('import { a as installed } from "one"; installed'), "package");
  write({ "deep/d.ts": "export const d = 10;" });
  assert.equal(await run('import { a as later } from "@/a"; later'), 11);
  write({
    "tsconfig.json":
      '{ "compilerOptions": { "baseUrl": "./lib", "paths": { "@/deep/*": ["../deep/*"] } } }',
  });
  assert.equal(await run('import { a as based } from "a"; based'), 11);
});
