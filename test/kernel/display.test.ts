// Views of values: own views, built-in views, odd and hostile values, never more than a screenful.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { runInNewContext } from "node:vm";
import type { Bundle } from "../../src/kernel/channel.ts";
import { bundleOf } from "../../src/kernel/display/bundle.ts";
import { setCellNames } from "../../src/kernel/display/errors.ts";

const DISPLAY = Symbol.for("Jupyter.display");

/** Returns the bundle of a value whose views are synchronous. */
function bundle(value: unknown): Bundle {
  const result = bundleOf(value);
  assert.ok(!(result instanceof Promise));
  return result;
}

function text(value: unknown): string {
  const plain = bundle(value)["text/plain"];
  assert.ok(typeof plain === "string");
  return plain;
}

test("an object's own view comes first, on objects, classes and functions", () => {
  const html = { [DISPLAY]: () => ({ "text/html": "<b>a</b>", "text/plain": "a" }) };
  assert.deepEqual(bundle(html), { "text/html": "<b>a</b>", "text/plain": "a" });
  class Model {
    layers = 3;
    static [DISPLAY]() {
      return { "text/plain": "the class" };
    }
    [DISPLAY]() {
      return { "text/markdown": `**${this.layers}** layers` };
    }
  }
  assert.equal(text(Model), "the class");
  assert.deepEqual(bundle(new Model()), {
    "text/markdown": "**3** layers",
    "text/plain": "Model { layers: 3 }",
  });
});

test("an asynchronous view gives a promise, other views do not", async () => {
  const later = bundleOf({ [DISPLAY]: async () => ({ "text/plain": "later" }) });
  assert.ok(later instanceof Promise);
  assert.deepEqual(await later, { "text/plain": "later" });
  assert.ok(!(bundleOf(Promise.resolve(1)) instanceof Promise));
});

test("bytes become base64, or text for text types; JSON types stay values", () => {
  const raw = {
    "image/png": new Uint8Array([137, 80, 78, 71]),
    "application/pdf": new Uint8Array([1, 2]).buffer,
    "image/svg+xml": Buffer.from("<svg/>"),
    "application/vnd.plotly.v1+json": {
      data: [{ x: new Float32Array([1, 2]), y: [1n, Number.NaN, undefined], f: () => 1 }],
      at: new Date(0),
    },
    "text/markdown": ["# a\n", "b"],
    "text/latex": undefined,
    "text/x-count": 5,
  };
  assert.deepEqual(bundle({ [DISPLAY]: () => raw, toString: () => "x" })["image/png"], "iVBORw==");
  const clean = bundle({ [DISPLAY]: () => raw });
  assert.equal(clean["application/pdf"], "AQI=");
  assert.equal(clean["image/svg+xml"], "<svg/>");
  assert.equal(clean["text/markdown"], "# a\nb");
  assert.ok(!("text/latex" in clean));
  assert.equal(clean["text/x-count"], "5");
  assert.deepEqual(clean["application/vnd.plotly.v1+json"], {
    data: [{ x: [1, 2], y: [1, null, null] }],
    at: "1970-01-01T00:00:00.000Z",
  });
});

test("a failing view shows the text and the error message", async () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const failing: [() => unknown, RegExp][] = [
    [
      () => {
        throw new Error("no plot");
      },
      /no plot/,
    ],
    [() => Promise.reject(new Error("no plot")), /no plot/],
    [() => 5, /MIME/],
    [() => undefined, /MIME/],
    [() => ({ html: "<b>" }), /"html" is not a MIME type/],
    [() => ({ "text/html": {} }), /text\/html must be text/],
    [() => ({ "application/json": cycle }), /refers to itself/],
    [
      () => {
        throw {
          toString() {
            throw new Error("worse");
          },
        };
      },
      /unknown error/,
    ],
  ];
  for (const [hook, message] of failing) {
    const plain = (await bundleOf({ a: 1, [DISPLAY]: hook }))["text/plain"];
    assert.match(String(plain), /^\{\s+a: 1/);
    assert.match(String(plain), message);
  }
  const getter = {
    get [DISPLAY]() {
      throw new Error("getter");
    },
  };
  assert.match(text(getter), /failed: getter/);
});

test("common values read as Node prints them", () => {
  const cases: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    [1, "1"],
    [-0, "-0"],
    [10n, "10n"],
    ["it's", `"it's"`],
    [Symbol("s"), "Symbol(s)"],
    [/a/g, "/a/g"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [[1, "a", [2]], "[ 1, 'a', [ 2 ] ]"],
    [{ a: { b: 1 } }, "{ a: { b: 1 } }"],
    [new Map([["a", new Set([1])]]), "Map(1) { 'a' => Set(1) { 1 } }"],
    [Buffer.from("abc"), "<Buffer 61 62 63>"],
    [Object.assign(Object.create(null), { a: 1 }), "[Object: null prototype] { a: 1 }"],
    // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
    [[1, , 3], "[ 1, <1 empty item>, 3 ]"],
    [Object.assign([1], { extra: 2 }), "[ 1, extra: 2 ]"],
    [new (class Point extends Array {})(), "Point(0) []"],
    [{ [inspect.custom]: () => "mine" }, "mine"],
    [{ in: { [inspect.custom]: () => "mine" } }, "{ in: mine }"],
    [new URL("http://a/b").searchParams, "URLSearchParams {}"],
  ];
  for (const [value, expected] of cases) assert.equal(text(value), expected);
  // The test runner's async hooks add symbols to promises.
  assert.match(text(Promise.resolve(3)), /^Promise \{\s+3\b/);
  assert.match(text(new Promise(() => {})), /^Promise \{\s+<pending>/);
});

test("functions show their signature", () => {
  const cases: [unknown, string][] = [
    [
      function add(a: number, b = 2) {
        return a + b;
      },
      "function add(a, b = 2)",
    ],
    [
      async function* walk({ depth } = { depth: ")" }, ...rest: number[]) {
        yield [depth, rest];
      },
      'async function* walk({ depth } = { depth: ")" }, ...rest)',
    ],
    [{ square: (x: number) => x * x }.square, "square = (x) => ..."],
    [
      {
        method(a: number, /* ) */ b: number) {
          return a + b;
        },
      }.method,
      "function method(a, b)",
    ],
    [class A extends Map {}, "class A extends Map"],
    [class {}, "class (anonymous)"],
    [Math.max, "function max() { [native code] }"],
    [Object.assign(function cached() {}, { size: 3 }), "function cached() { size: 3 }"],
  ];
  for (const [value, expected] of cases) assert.equal(text(value), expected);
});

test("errors have a short stack, their cause and their properties", () => {
  const deep = (n: number): Error => (n > 0 ? deep(n - 1) : new RangeError("deep"));
  const error = Object.assign(deep(30), { code: "E", cause: new TypeError("why") });
  const lines = text(error).split("\n");
  assert.equal(lines[0], "RangeError: deep");
  assert.ok(lines.length < 25);
  assert.match(text(error), /\.\.\. \d+ more \{\n/);
  assert.match(text(error), /code: 'E'/);
  assert.match(text(error), /TypeError: why/);
  assert.doesNotMatch(text(error), /node:|matching cause/);
  setCellNames((line) => line.replace(/\(.*display\.test\.ts:/, "(Cell [7]:"));
  try {
    assert.match(text(deep(1)), /at deep \(Cell \[7\]:\d+:\d+\)/);
  } finally {
    setCellNames((line) => line);
  }
  assert.match(text([new Error("in a list")]), /^\[\n {2}Error: in a list\n {6}at .*\n\]$/);
});

test("typed arrays show type, length, values, and the range of many", () => {
  assert.equal(text(new Float32Array([0.1, 2])), "Float32Array(2) [ 0.1, 2 ]");
  assert.equal(text(new BigInt64Array(1)), "BigInt64Array(1) [ 0n ]");
  assert.equal(text(new Uint8Array()), "Uint8Array(0) []");
  const many = text(Float64Array.from({ length: 1000 }, (_, i) => (i === 5 ? Number.NaN : i)));
  assert.match(many, /^Float64Array\(1000\) \[/);
  assert.match(many, /\.\.\. 980 more\n\]\nmin 0, max 999, 1 NaN$/);
  assert.match(text({ weights: new Float32Array(500) }), /Float32Array\(500\) \[ 0, .*492 more \]/);
});

test("large values are shown at once, without a full conversion", () => {
  const large: [string, unknown][] = [
    ["typed array", new Float32Array(1e7)],
    ["array", new Array(1e6).fill(1)],
    ["nested", Array.from({ length: 300 }, () => Array.from({ length: 300 }, (_, i) => ({ i })))],
    ["map", new Map(Array.from({ length: 1e5 }, (_, i) => [i, { i }]))],
    ["object", Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`k${i}`, i]))],
    ["string", "a".repeat(1e7)],
    ["lines", "a\n".repeat(1e5)],
    ["buffer", new ArrayBuffer(1e8)],
    ["text of its own", { [inspect.custom]: () => "x\n".repeat(1e6) }],
  ];
  for (const [name, value] of large) {
    const start = performance.now();
    const shown = text(value);
    const ms = performance.now() - start;
    // Converted in full, the largest take minutes; a busy machine needs a second for all.
    assert.ok(ms < 20_000, `${name}: ${ms} ms`);
    assert.ok(shown.length < 5000, `${name}: ${shown.length} characters`);
    assert.ok(shown.split("\n").length <= 41, name);
    assert.match(shown, /more|byteLength: 100000000/, name);
  }
});

test("hostile values do no harm", () => {
  let ran = 0;
  const trap = () => {
    ran++;
    throw new Error("trap");
  };
  const handler = new Proxy({}, { get: () => trap });
  const circular: { self?: unknown; list: unknown[] } = { list: [] };
  circular.self = circular;
  circular.list.push(circular);
  const everything: unknown = new Proxy(() => {}, { get: () => everything, has: () => true });
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const values: [unknown, RegExp][] = [
    [
      {
        get a() {
          return trap();
        },
        get dtype() {
          return trap();
        },
        get $isSeries() {
          return trap();
        },
      },
      /a: \[Getter\]/,
    ],
    [new Proxy({ a: 1 }, handler), /a: 1/],
    [everything, /Function/],
    [revoked.proxy, /Revoked Proxy/],
    [circular, /<ref \*1> \{.*\[Circular \*1\]/s],
    [{ [inspect.custom]: trap, a: 1 }, /a: 1/],
    [
      new (class {
        get [Symbol.toStringTag](): string {
          return trap();
        }
      })(),
      /./,
    ],
    [Object.defineProperty(new Error("e"), "stack", { get: trap }), /./],
    [runInNewContext("({ a: [1] })"), /a: \[ 1 \]/],
    [Object.defineProperty([1], Symbol.iterator, { value: trap }), /1/],
    [Object.assign(new Map([[1, 2]]), { entries: trap, [Symbol.iterator]: trap }), /1 => 2/],
  ];
  for (const [value, expected] of values) assert.match(text(value), expected);
  ran = 0;
  text(values[0]![0]);
  assert.equal(ran, 0, "no getter of a value is run");
});

test("records become an HTML table, with everything escaped", () => {
  const records = [
    { name: "<img src=x onerror=alert(1)>", "<b>": 0.123456789 },
    { name: `"&'`, "<b>": 2 },
  ];
  const html = String(bundle(records)["text/html"]);
  assert.match(html, /<th>&lt;b&gt;<\/th>/);
  assert.match(html, /<td>&lt;img src=x onerror=alert\(1\)&gt;<\/td><td>0.123457<\/td>/);
  assert.match(html, /<td>&quot;&amp;&#39;<\/td>/);
  assert.equal(text(records), inspect(records));
  for (const other of [
    [{ a: 1 }],
    [{ a: 1 }, { b: 1 }],
    [{ a: {} }, { a: 1 }],
    [1, 2],
    [{ a: "x".repeat(100) }, { a: "" }],
  ]) {
    assert.ok(!("text/html" in bundle(other)), inspect(other));
  }
});

test("no half of a surrogate pair leaves the kernel", () => {
  const half = "\ud83d";
  const shown = [
    bundle(half),
    bundle({ [inspect.custom]: () => half }),
    bundle({ [inspect.custom]: () => "\u{1f600}".repeat(4000) }),
    bundle([{ a: half }, { a: 1 }]),
    bundle({ [DISPLAY]: () => ({ "text/html": half, "application/json": { a: [half] } }) }),
  ];
  for (const views of shown) {
    JSON.stringify(views, (_, value: unknown) => {
      if (typeof value === "string") assert.ok(value.isWellFormed(), value);
      return value;
    });
  }
});
