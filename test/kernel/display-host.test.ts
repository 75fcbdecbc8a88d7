// The display function: what it emits and when; and tslab's API on top of it.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createDisplay, type DisplayEvent, isDisplay } from "../../src/kernel/display/host.ts";
import * as tslab from "../../src/kernel/display/tslab.ts";

const DISPLAY = Symbol.for("Jupyter.display");

function host() {
  const events: DisplayEvent[] = [];
  return { events, ...createDisplay((event) => events.push(event)) };
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, DISPLAY);
});

test("a synchronous view is shown before display returns", async () => {
  const { display, events } = host();
  const done = display({ a: 1 });
  assert.deepEqual(events, [
    { type: "display", data: { "text/plain": "{ a: 1 }" }, metadata: {}, update: false },
  ]);
  assert.ok(isDisplay(done), "a cell that ends in display() has no other result");
  assert.ok(!isDisplay(Promise.resolve()));
  await done;
  display.clear();
  display.clear(true);
  assert.deepEqual(events.slice(1), [
    { type: "clear", wait: false },
    { type: "clear", wait: true },
  ]);
});

test("raw takes a bundle, id and update name the place", () => {
  const { display, events } = host();
  display({ "image/png": new Uint8Array([1]) }, { raw: true, id: "plot" });
  display("new", { id: "plot", update: true });
  assert.deepEqual(events, [
    { type: "display", data: { "image/png": "AQ==" }, metadata: {}, update: false, id: "plot" },
    { type: "display", data: { "text/plain": "'new'" }, metadata: {}, update: true, id: "plot" },
  ]);
});

test("a figure that replaces another one comes after output of another type", () => {
  const { display, events } = host();
  const plotly = "application/vnd.plotly.v1+json";
  const figure = { data: [{ y: [1] }], layout: { height: 200 } };
  const shown = (bundle: object, options: object) => {
    const before = events.length;
    display(bundle, { raw: true, id: "plot", ...options });
    return events.slice(before).map((event) => (event.type === "display" ? event : undefined));
  };
  assert.deepEqual(
    shown({ [plotly]: figure, "text/plain": "1" }, {}).map((event) => event?.data),
    [{ [plotly]: figure, "text/plain": "1" }],
  );
  // JupyterLab's renderer ignores a new figure if it already holds a graph, so the renderer has to change.
  const [box, next, ...more] = shown({ [plotly]: figure, "text/plain": "2" }, { update: true });
  assert.deepEqual(more, []);
  assert.deepEqual([box?.id, box?.update, next?.id, next?.update], ["plot", true, "plot", true]);
  assert.ok(box && !(plotly in box.data));
  assert.match(String(box.data["text/html"]), /height: 200px/);
  assert.deepEqual(next?.data, { [plotly]: figure, "text/plain": "2" });
  const picture = "AQ==";
  const [still, last] = shown({ [plotly]: figure, "image/png": picture }, { update: true });
  assert.deepEqual(still?.data, { "image/png": picture, "text/plain": "" });
  assert.deepEqual(last?.data, { [plotly]: figure, "image/png": picture });
});

test("a figure's box has a height, whatever the figure specifies", () => {
  const { display, events } = host();
  for (const layout of [undefined, null, "tall", { height: '1"><b>' }, { height: -5 }]) {
    const figure = { "application/vnd.plotly.v1+json": { data: [], layout } };
    display(figure, { raw: true, id: "plot", update: true });
  }
  const boxes = events.flatMap((event) =>
    event.type === "display" && event.data["text/html"] ? [event.data["text/html"]] : [],
  );
  assert.deepEqual(
    boxes.map((html) => /height: (.*?)px/.exec(String(html))?.[1]),
    Array(5).fill("360"),
  );
});

test("the host's function on globalThis is not a view of globalThis", () => {
  const { display, events } = host();
  Reflect.set(globalThis, DISPLAY, display);
  display(globalThis);
  assert.equal(events.length, 1);
  assert.match(String(events[0]?.type === "display" && events[0].data["text/plain"]), /global/);
});

test("wrong use rejects and shows nothing", async () => {
  const { display, events } = host();
  await assert.rejects(display("text", { raw: true }), /by MIME type/);
  await assert.rejects(display(1, { update: true }), /update needs an id/);
  await assert.rejects(display(1, { id: 5 as unknown as string }), /id is not a string/);
  assert.deepEqual(events, []);
});

test("unsettled tells of asynchronous views, including those started meanwhile", async () => {
  const { display, events, unsettled, forget } = host();
  const settled = async (): Promise<void> => {
    for (let shown = unsettled(); shown; shown = unsettled()) await shown;
  };
  await settled();
  const later = (ms: number, text: string, then?: () => void) => ({
    [DISPLAY]: () =>
      new Promise((resolve) =>
        setTimeout(() => {
          then?.();
          resolve({ "text/plain": text });
        }, ms),
      ),
  });
  display(later(20, "first", () => display(later(20, "second"))));
  display({ [DISPLAY]: () => Promise.reject(new Error("no")), toString: undefined });
  await settled();
  const shown = events.map((event) => (event.type === "display" ? event.data["text/plain"] : ""));
  assert.equal(shown.length, 3);
  assert.match(String(shown[0]), /failed: no/);
  assert.deepEqual(shown.slice(1), ["first", "second"]);

  display({ [DISPLAY]: () => new Promise(() => {}) });
  forget();
  await settled(); // otherwise the test would never end
});

/** tslab 1.0.22's public API as its public.d.ts declares it: names and numbers of parameters. */
const API = {
  exports: { versions: "object", newDisplay: 0, display: "object" },
  versions: ["tslab", "typescript", "node"],
  display: {
    javascript: 1,
    html: 1,
    markdown: 1,
    latex: 1,
    svg: 1,
    png: 1,
    jpeg: 1,
    gif: 1,
    pdf: 1,
    text: 1,
    raw: 2,
  },
};

test("all of tslab's names exist, with as many parameters", () => {
  const found = Object.entries(tslab).map(([name, value]): [string, unknown] => [
    name,
    typeof value === "function" ? value.length : typeof value,
  ]);
  assert.deepEqual(Object.fromEntries(found), API.exports);
  assert.deepEqual(Object.keys(tslab.versions), API.versions);
  for (const version of Object.values(tslab.versions)) assert.match(version, /^v?\d+\.\d+\.\d+/);
  for (const display of [tslab.display, tslab.newDisplay()]) {
    for (const [name, parameters] of Object.entries(API.display)) {
      const method: unknown = Reflect.get(display, name);
      assert.ok(typeof method === "function", name);
      assert.equal(method.length, parameters, name);
    }
  }
});

test("tslab's methods show one MIME type each, bytes as base64", () => {
  const { display, events } = host();
  assert.throws(() => tslab.display.html("<b>"), /does not run in a Jupyter kernel/);
  Reflect.set(globalThis, DISPLAY, display);
  tslab.display.html("<b>");
  tslab.display.javascript("1");
  tslab.display.markdown("*a*");
  tslab.display.latex("$x$");
  tslab.display.svg("<svg/>");
  tslab.display.text("t");
  for (const type of ["png", "jpeg", "gif", "pdf"] as const) {
    tslab.display[type](new Uint8Array([1, 2]));
  }
  tslab.display.raw("text/x", "r");
  assert.deepEqual(
    events.map((event) => (event.type === "display" ? event.data : event)),
    [
      { "text/html": "<b>" },
      { "text/javascript": "1" },
      { "text/markdown": "*a*" },
      { "text/latex": "$x$" },
      { "image/svg+xml": "<svg/>" },
      { "text/plain": "t" },
      { "image/png": "AQI=" },
      { "image/jpeg": "AQI=" },
      { "image/gif": "AQI=" },
      { "application/pdf": "AQI=" },
      { "text/x": "r" },
    ],
  );
});

test("tslab's newDisplay replaces what it showed first", () => {
  const { display, events } = host();
  Reflect.set(globalThis, DISPLAY, display);
  const [one, two] = [tslab.newDisplay(), tslab.newDisplay()];
  one.text("a");
  two.text("b");
  one.html("c");
  const places = events.map((event) =>
    event.type === "display" ? { id: event.id, update: event.update } : event,
  );
  assert.deepEqual(
    places.map((place) => "update" in place && place.update),
    [false, false, true],
  );
  const ids = places.map((place) => "id" in place && place.id);
  assert.ok(ids[0]);
  assert.equal(ids[0], ids[2]);
  assert.notEqual(ids[0], ids[1]);
});
