// Notebook tables: danfojs frames of numbers, shown whole, with danfojs loaded only when needed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import * as tf from "@tensorflow/tfjs";
import { dataFrame } from "../../src/figures/data-frame.ts";

const content = {
  columns: ["method", ["n", 0], ["test %", 2]],
  rows: [
    ["a < b", 4, 84.256],
    ["softkd", 4, 88.3],
    ["none", 0, undefined],
  ],
  caption: "Quick & small.",
} as const;

test("a frame of numbers can be sorted, and shows all its rows", async () => {
  const frame = await dataFrame(content);
  assert.deepEqual(frame.shape, [3, 3]);
  assert.deepEqual(frame.columns, ["method", "n", "test %"]);
  assert.equal(frame.at(0, "test %"), 84.26);
  assert.ok(Number.isNaN(frame.at(2, "test %")));
  const sorted = frame.query(frame["n"].gt(0)).sortValues("test %", { ascending: false });
  assert.deepEqual(
    (sorted.values as unknown[][]).map(([name]) => name),
    ["softkd", "a < b"],
  );
  const hook = Reflect.get(frame, Symbol.for("Jupyter.display")) as () => Record<string, string>;
  const bundle = hook();
  assert.match(bundle["text/html"]!, /a &lt; b<\/td><td align="right"[^>]*>4<.*84\.26/);
  assert.match(bundle["text/html"]!, /Quick &amp; small\./);
  assert.equal(bundle["text/plain"], inspect(frame));
  assert.match(inspect(frame), /softkd +4 +88\.30/);
});

test("a frame, and one derived from it, refer to abkd's plot, since danfojs cannot draw", async () => {
  const frame = await dataFrame(content);
  for (const each of [frame, frame.sortValues("n"), frame["n"]]) {
    assert.throws(() => each.plot("chart"), {
      name: "UserError",
      message: /plot\(\) of abkd: plot\(/,
    });
  }
});

test("a long table is not cut, and tf's back end stays the same", async () => {
  await tf.setBackend("cpu");
  const rows = Array.from({ length: 60 }, (_, k) => [`row ${k}`, k, k / 3]);
  const frame = await dataFrame({ columns: content.columns, rows });
  assert.match(inspect(frame), /row 30/);
  assert.equal(tf.getBackend(), "cpu");
  const { tensor } = await dataFrame({ columns: [["x", 1]], rows: [[1], [2]] });
  assert.ok(tensor instanceof tf.Tensor, "danfojs uses the one tfjs that is here");
});

test("importing the library loads no danfojs", () => {
  const index = path.join(import.meta.dirname, "../../src/index.ts");
  const program =
    `await import(${JSON.stringify(index)});` +
    'const { createRequire } = await import("node:module");' +
    "const loaded = Object.keys(createRequire(import.meta.url).cache);" +
    'console.log(loaded.length > 0, loaded.some((file) => file.includes("danfojs")));';
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const args = ["--input-type=module", "-e", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  assert.equal(stdout.trim(), "true false", stderr);
});
