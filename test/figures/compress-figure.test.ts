// The figure of abkd compress: where marks lie, how light it is, and how it grows in a notebook.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CompressProgress } from "../../src/experiments/compress/compress.ts";
import type { TriedStudent } from "../../src/experiments/compress/tried.ts";
import { liveCompress } from "../../src/figures/compress-figure.ts";
import type { Figure } from "../../src/figures/figure.ts";
import { staticSvg } from "../../src/figures/static-svg.ts";

const size = { width: 1000, height: 460 };
const marker = { size: 13, color: "#0072b2", symbol: "square" };
const layout = {
  title: { text: "<b>a & b <c></b>" },
  xaxis: { type: "log", domain: [0, 0.48], title: { text: "parameters" } },
  xaxis2: { type: "log", domain: [0.52, 1] },
  yaxis: { title: { text: "accuracy" } },
} as Figure["layout"];

/** The first points of the paths with this fill, in order. */
function places(svg: string, fill: string): number[][] {
  const paths = svg.matchAll(new RegExp(`<path fill="${fill}"[^>]* d="M([\\d.]+) ([\\d.]+)`, "g"));
  return [...paths].map(([, x, y]) => [Number(x), Number(y)]);
}

test("marks lie where their numbers are, on axes of the same scale as the ticks", () => {
  const data = [
    { x: [100, 1000, 10_000], y: [50, 60, 80], name: "SoftKD", marker, text: ["A", "B", "<C>"] },
    { x: [500], y: [70], xaxis: "x2", showlegend: false, marker: { ...marker, color: "#111111" } },
  ] as Figure["data"];
  const svg = staticSvg({ data, layout }, size);
  const [first, second, third] = places(svg, "#0072b2");
  assert.ok(
    Math.abs(first![0]! + third![0]! - 2 * second![0]!) < 0.2,
    "a power of ten is as wide as the next",
  );
  assert.ok(Math.abs((first![1]! - second![1]!) * 2 - (second![1]! - third![1]!)) < 0.3);
  assert.ok(third![0]! < 64 + 0.48 * 920 && places(svg, "#111111")[0]![0]! > 64 + 0.52 * 920);
  const tick = new RegExp(
    `<path stroke="#e4e4e4" d="M${second![0]} 44V368"/><text[^>]*>1,000</text>`,
  );
  assert.match(svg, tick, "the line of 1,000 goes through the mark of 1,000");
  assert.match(svg, /<title>&lt;C&gt;<\/title>/);
  assert.match(svg, /aria-label="a &amp; b &lt;c&gt;"/);
  assert.equal(svg.match(/>SoftKD</g)?.length, 1, "one place in the legend");
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
});

test("a thousand parameters more or less: a short axis has ticks too", () => {
  const data = [{ x: [5835, 5990], y: [81, 81.2], name: "a", marker }] as Figure["data"];
  const svg = staticSvg({ data, layout }, size);
  assert.match(svg, />5,900</);
  assert.match(svg, />81\.1</);
  assert.doesNotMatch(staticSvg({ data: [], layout }, size), /NaN|Infinity/);
});

const teacher = { name: "gat.npz", accuracy: { val: 0.9, test: 0.8 }, files: [], warnings: [] };
const progress = (finished: readonly TriedStudent[]): CompressProgress => ({
  ...{ stage: "rung 1", done: 1, secondsLeft: 61, finished, teacher, features: 100 },
});
const student = (k: number): TriedStudent => ({
  ...{ contender: "abkd+soft", method: "abkd", parameters: 1000 + k, microseconds: 200 + k },
  size: { model: { kind: "gcn", layers: 2, width: 4 } },
  ...{ validation: (k % 977) / 1000, dead: k % 50 === 0 },
});

test("thousands of runs stay light", () => {
  const many = Array.from({ length: 20_000 }, (_, k) => student(k));
  const x = many.map(({ parameters }) => parameters);
  const y = many.map(({ validation }) => 100 * validation);
  const small = { ...marker, size: 6, opacity: 0.35 };
  const data = [{ x, y, marker: small }] as Figure["data"];
  const svg = staticSvg({ data, layout }, size);
  assert.ok(svg.length < 100_000, `${svg.length} bytes`);
  assert.ok(svg.match(/M\d+ \d+h0/g)!.length > 1000, "they are there");
});

test("in a notebook the figure grows in place, and ends with a picture; elsewhere nothing is shown", async () => {
  liveCompress()(progress([student(1)]));
  const key = Symbol.for("Jupyter.display");
  const shown: { readonly bundle: Record<string, unknown>; readonly update: boolean }[] = [];
  const display = async (
    value: object,
    { raw, update = false }: { raw?: boolean; update?: boolean },
  ) => {
    const hook = Reflect.get(value, key) as () => Promise<Record<string, unknown>>;
    shown.push({ bundle: raw ? (value as never) : await hook.call(value), update });
  };
  Reflect.set(globalThis, key, display);
  try {
    const live = liveCompress();
    live(progress([]));
    assert.equal(shown.length, 0, "nothing to draw yet");
    live(progress([student(1), student(50)]));
    live(progress([student(2)]));
    assert.equal(shown.length, 1, "not at every run");
    live({ ...progress([student(3)]), stage: "done", secondsLeft: 0 });
    for (let k = 0; k < 600 && shown.length < 2; k++) await new Promise((r) => setTimeout(r, 50));
  } finally {
    Reflect.deleteProperty(globalThis, key);
  }
  assert.deepEqual(
    shown.map(({ update }) => update),
    [false, true],
  );
  const figures = shown.map(({ bundle }) => bundle["application/vnd.plotly.v1+json"]) as {
    data: { uid: string; name?: string; x: number[]; y: number[] }[];
    layout: { title: { text: string } };
  }[];
  const trace = (k: number, uid: string) => figures[k]!.data.find((one) => one.uid === uid)!;
  assert.deepEqual(trace(0, "abkd+soft-x").x, [1001], "the dead one is not drawn");
  assert.deepEqual(trace(1, "abkd+soft-x").x, [1001, 1002, 1003]);
  assert.deepEqual(trace(1, "abkd+soft-x2").x, [201, 202, 203]);
  assert.deepEqual(trace(1, "abkd+soft-best-x").y, [0.3]);
  assert.equal(trace(1, "abkd+soft-best-x").name, "ABKD and soft labels");
  assert.match(figures[0]!.layout.title.text, /2 students tried, at most 2 min left \(rung 1\)/);
});
