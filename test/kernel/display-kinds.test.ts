// Views of other libraries' objects: elements, charts, columnar tables, pictures.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Bundle } from "../../src/kernel/channel.ts";
import { bundleOf } from "../../src/kernel/display/bundle.ts";
import { encodePng } from "./png.ts";

function bundle(value: unknown): Bundle {
  const result = bundleOf(value);
  assert.ok(!(result instanceof Promise));
  return result;
}

const text = (value: unknown): unknown => bundle(value)["text/plain"];

const { document } = parseHTML("<html><body></body></html>");

test("an element is shown as HTML, an <svg> as a picture", () => {
  const div = document.createElement("div");
  div.innerHTML = "<b title='>'>bold</b><script>throw 1</script>";
  div.setAttribute("title", "a > b");
  assert.deepEqual(bundle(div), {
    "text/html": div.outerHTML,
    "text/plain": `<div title="a > b"> (${div.outerHTML.length} characters)`,
  });
  assert.match(String(bundle(document)["text/html"]), /^<html>/);
  const selection = { node: () => div, nodes: () => [div], selectAll: () => [], attr: () => "" };
  assert.equal(bundle(selection)["text/html"], div.outerHTML, "a selection of D3's");
  assert.match(String(text([div])), /^\[ <div title=.*characters\) \]$/);

  const chart = Plot.plot({
    document,
    marks: [Plot.dot([{ x: 1, y: 2, name: "a\u00a0b" }], { x: "x", y: "y", title: "name" })],
  });
  const { "image/svg+xml": svg, ...others } = bundle(chart);
  assert.deepEqual(Object.keys(others), ["text/plain"]);
  assert.match(String(svg), /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [^>]*viewBox/);
  // XML does not know HTML's named characters.
  assert.doesNotMatch(String(svg), /&(?!amp;|lt;|gt;|quot;|apos;|#)/);
  const legend = Plot.plot({
    document,
    color: { legend: true, type: "categorical" },
    marks: [Plot.dot([[1, 2]], { fill: "0" })],
  });
  assert.match(String(bundle(legend)["text/html"]), /^<figure/);
});

test("an <svg> gets what XML requires", () => {
  class Svg {
    get nodeType() {
      return 1;
    }
    get outerHTML() {
      return '<svg width="1"><use xlink:href="#a"></use>&nbsp;</svg>';
    }
  }
  assert.equal(
    bundle(new Svg())["image/svg+xml"],
    '<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" width="1">' +
      '<use xlink:href="#a"></use>&#160;</svg>',
  );
});

test("what only looks like an element is shown as text, without running its code", () => {
  let ran = 0;
  const values = [
    {
      get nodeType() {
        return ++ran;
      },
      get outerHTML() {
        ran++;
        return "<b>";
      },
    },
    { nodeType: 1, outerHTML: 5 },
    { nodeType: 3, outerHTML: "<b>" },
    new Proxy({}, { get: () => ++ran }),
    document.createTextNode("text"),
  ];
  for (const value of values) assert.deepEqual(Object.keys(bundle(value)), ["text/plain"]);
  assert.equal(ran, 0);
});

test("specifications of Vega-Lite and Vega are charts", () => {
  const schema = (name: string) => `https://vega.github.io/schema/${name}.json`;
  const chart = { $schema: schema("vega-lite/v5"), data: { values: [{ a: 1n }] }, mark: "bar" };
  const { "application/vnd.vegalite.v5+json": sent, "text/plain": plain } = bundle(chart);
  assert.deepEqual(sent, { ...chart, data: { values: [{ a: 1 }] } });
  assert.match(String(plain), /mark: 'bar'/);
  const types: [string, string][] = [
    ["vega-lite/v6", "application/vnd.vegalite.v5+json"],
    ["vega-lite/v5.20.1", "application/vnd.vegalite.v5+json"],
    ["vega-lite/v4", "application/vnd.vegalite.v4+json"],
    ["vega-lite/v2", "application/vnd.vegalite.v5+json"],
    ["vega/v5", "application/vnd.vega.v5+json"],
    ["vega/v6", "application/vnd.vega.v5+json"],
  ];
  for (const [name, type] of types) assert.ok(type in bundle({ $schema: schema(name) }), name);
  /** Like vega-lite-api's marks, which keep their parts under a symbol. */
  class Mark {
    toSpec() {
      return chart;
    }
  }
  assert.deepEqual(bundle(new Mark()), bundle(chart));
  const odd = {
    get $schema() {
      return assert.fail("a getter ran");
    },
  };
  const others = [
    odd,
    { $schema: "https://json-schema.org/schema" },
    { toSpec: () => 5 },
    { $schema: 1 },
  ];
  for (const other of others) assert.deepEqual(Object.keys(bundle(other)), ["text/plain"]);
  const failing = {
    toSpec() {
      throw new Error("no data");
    },
  };
  assert.match(String(text(failing)), /toSpec/);
});

/** The row methods of arquero 7.2.1's ColumnTable, with a filter and an order. */
class ColumnTable {
  readonly _data = { x: [1, 2, 3], name: ["a", "<b>", null] };
  readonly rows = [2, 1];
  numRows() {
    return this.rows.length;
  }
  numCols() {
    return 2;
  }
  columnNames() {
    return Object.keys(this._data);
  }
  get(name: "x" | "name", row: number) {
    return this._data[name][this.rows[row] ?? 0];
  }
}

/** The parts of apache-arrow 21.2.0's Table; its class has a getter for the number of rows. */
class Table {
  readonly schema = {
    fields: [
      { name: "x", type: { toString: () => "Float32" } },
      { name: "n", type: { toString: () => "Int64" } },
    ],
  };
  get numRows() {
    return 1000;
  }
  getChild() {
    return null;
  }
  getChildAt(i: number) {
    return { get: (row: number) => (i === 0 ? row / 2 : BigInt(row)) };
  }
}

test("columnar tables are shown as tables", () => {
  const arquero = bundle(new ColumnTable());
  assert.match(String(arquero["text/html"]), /<tr><th>0<\/th><td>3<\/td><td>null<\/td><\/tr>/);
  assert.match(String(arquero["text/html"]), /<td>2<\/td><td>&lt;b&gt;<\/td>/);
  assert.equal(arquero["text/plain"], "   x  name\n0  3  null\n1  2   <b>\n2 rows × 2 columns");
  const arrow = bundle(new Table());
  assert.match(String(arrow["text/html"]), /<th>n<br><small>Int64<\/small><\/th>/);
  assert.match(String(arrow["text/html"]), /<td>499.5<\/td><td>999<\/td>/);
  assert.match(String(arrow["text/plain"]), /1,000 rows × 2 columns$/);
  assert.equal(
    text({ a: new Table(), b: [new ColumnTable()] }),
    "{ a: Table (1,000 rows × 2 columns), b: [ Table (2 rows × 2 columns) ] }",
  );
});

test("bytes of picture files are pictures", () => {
  const png = encodePng();
  for (const bytes of [png, new Uint8Array(png), new Uint8Array(png).buffer]) {
    assert.deepEqual(bundle(bytes), {
      "image/png": png.toString("base64"),
      "text/plain": `PNG picture, ${png.length} bytes`,
    });
  }
  const begun = (...start: (string | number)[]) =>
    Buffer.concat([
      ...start.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))),
      Buffer.alloc(40),
    ]);
  assert.ok("image/jpeg" in bundle(begun(0xff, 0xd8, 0xff, 0xe0)));
  assert.ok("image/gif" in bundle(begun("GIF89a")));
  assert.ok("image/webp" in bundle(begun("RIFF", 1, 2, 3, 4, "WEBP")));
  for (const other of [
    begun("RIFF", 1, 2, 3, 4, "WAVE"),
    begun("GIF"),
    Buffer.from([0xff, 0xd8, 0xff]),
  ]) {
    assert.deepEqual(Object.keys(bundle(other)), ["text/plain"]);
  }
  /** Like the canvases of node-canvas and @napi-rs/canvas. */
  class Canvas {
    getContext() {
      return {};
    }
    toDataURL() {
      return `data:image/png;base64,${png.toString("base64")}`;
    }
  }
  assert.equal(bundle(new Canvas())["image/png"], png.toString("base64"));
  assert.match(String(text(begun("RIFF"))), /^<Buffer 52 49/);
  assert.match(String(text({ png: new Uint8Array(png) })), /png: Uint8Array\(\d+\) \[ 137, 80/);
});
