// Views of tensors and data frames: real tfjs tensors, and frames shaped like danfojs-node 1.2.0's.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { bundleOf } from "../../src/kernel/display/bundle.ts";

function view(value: unknown, type = "text/plain"): string {
  return String((bundleOf(value) as Record<string, unknown>)[type]);
}

await tf.setBackend("cpu");

test("small tensors print as numpy prints arrays", () => {
  assert.equal(
    view(
      tf.tensor2d([
        [1, 2.5],
        [3, -4.123456789],
      ]),
    ),
    "Tensor float32 [2, 2]\n[[       1,      2.5],\n [       3, -4.12346]]",
  );
  assert.equal(view(tf.scalar(0.1)), "Tensor float32 [] 0.1");
  assert.equal(view(tf.tensor1d([1, 20], "int32")), "Tensor int32 [2]\n[ 1, 20]");
  assert.equal(view(tf.tensor1d([true, false], "bool")), "Tensor bool [2]\n[ true, false]");
  assert.equal(view(tf.tensor1d(["<a>"])), 'Tensor string [1]\n["<a>"]');
  assert.equal(view(tf.complex([1, 2], [3, -4])), "Tensor complex64 [2]\n[1+3i, 2-4i]");
  assert.equal(view(tf.zeros([0, 3])), "Tensor float32 [0, 3] []");
  assert.equal(view(tf.zeros([2, 1, 2])), "Tensor float32 [2, 1, 2]\n[[[0, 0]],\n [[0, 0]]]");
});

test("variables show their name, disposed tensors show that they are disposed", () => {
  const variable = tf.variable(tf.ones([2]), false, "bias");
  assert.equal(view(variable), 'Variable "bias" float32 [2] (not trainable)\n[1, 1]');
  const gone = tf.ones([2, 3]);
  gone.dispose();
  assert.equal(view(gone), "Tensor float32 [2, 3] (disposed)");
  assert.equal(view([gone]), "[ Tensor float32 [2, 3] (disposed) ]");
});

test("long axes show their ends, with the right values", () => {
  const grid = view(tf.range(0, 100 * 50).reshape([100, 50]));
  assert.equal(
    grid,
    [
      "Tensor float32 [100, 50]",
      "[[   0,    1,    2, ...,   47,   48,   49],",
      " [  50,   51,   52, ...,   97,   98,   99],",
      " [ 100,  101,  102, ...,  147,  148,  149],",
      " ...,",
      " [4850, 4851, 4852, ..., 4897, 4898, 4899],",
      " [4900, 4901, 4902, ..., 4947, 4948, 4949],",
      " [4950, 4951, 4952, ..., 4997, 4998, 4999]]",
    ].join("\n"),
  );
  // Whole reads and reads by slices give the same corners.
  for (const shape of [[60, 3], [3, 5, 8, 7], [9, 1, 100], [400]]) {
    const size = shape.reduce((product, each) => product * each, 1);
    const values = tf.range(0, size).reshape(shape);
    const plain = view(values);
    const numbers = [...plain.slice(plain.indexOf("\n")).matchAll(/\d+/g)].map(
      ([digits]) => +digits,
    );
    assert.equal(numbers[0], 0);
    assert.equal(numbers.at(-1), size - 1);
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
    assert.ok(plain.split("\n").length <= 41);
  }
});

test("a large tensor is not read as a whole, and leaks nothing", () => {
  const large = tf.zeros([3000, 1000]);
  let read = 0;
  const before = tf.memory().numTensors;
  const backend = tf.backend();
  const readSync = backend.readSync;
  backend.readSync = function (id) {
    const data = readSync.call(this, id);
    read += (data as Float32Array).length;
    return data;
  };
  try {
    assert.match(view(large), /^Tensor float32 \[3000, 1000\]\n\[\[0, 0, 0, \.\.\., 0, 0, 0\]/);
    assert.match(
      view({ weights: large, loss: tf.scalar(0.25) }),
      /weights: Tensor float32 \[3000, 1000\],\s+loss: Tensor float32 \[\] 0.25/,
    );
  } finally {
    backend.readSync = readSync;
  }
  assert.ok(read <= 37, `${read} values read`);
  assert.equal(tf.memory().numTensors, before + 1);
});

test("a tensor that cannot be read shows the reason", () => {
  const broken = {
    dtype: "float32",
    shape: [2],
    dataSync() {
      throw new Error("use data() on WebGPU");
    },
  };
  assert.match(view(broken), /^Tensor float32 \[2\] \(its values cannot be read: use data\(\) on/);
});

/** The members of danfojs-node 1.2.0's DataFrame and Series, as recorded from its NDframe. */
class Frame {
  readonly $isSeries: boolean;
  readonly $data: readonly unknown[];
  readonly $index: readonly unknown[];
  readonly $columns: readonly string[];
  readonly $dtypes: readonly string[];

  constructor(data: readonly unknown[], columns: string[], dtypes: string[], isSeries = false) {
    this.$isSeries = isSeries;
    this.$data = data;
    this.$index = data.map((_, i) => i);
    this.$columns = columns;
    this.$dtypes = dtypes;
  }
  get values() {
    return this.$data;
  }
  get index() {
    return this.$index;
  }
  get columns() {
    return this.$columns;
  }
  get dtypes() {
    return this.$dtypes;
  }
}

test("a data frame is shown as a table, as escaped HTML and as text", () => {
  const rows = [
    [0.123456789, "<script>alert(1)</script>", null],
    [2, "b\nc", { deep: 1 }],
  ];
  const frame = new Frame(rows, ["x", "<i>", "o"], ["float32", "string", "string"]);
  assert.equal(
    view(frame, "text/html"),
    [
      '<table class="dataframe">',
      "<thead><tr><th></th><th>x<br><small>float32</small></th>" +
        "<th>&lt;i&gt;<br><small>string</small></th><th>o<br><small>string</small></th></tr></thead>",
      "<tbody>",
      "<tr><th>0</th><td>0.123457</td><td>&lt;script&gt;alert(1)&lt;/script&gt;</td><td>null</td></tr>",
      "<tr><th>1</th><td>2</td><td>b c</td><td>{ deep: 1 }</td></tr>",
      "</tbody>",
      "</table>",
      "<p>2 rows × 3 columns</p>",
    ].join("\n"),
  );
  assert.match(
    view(frame),
    /^ +x +<i> +o\n +float32 .*\n0 +0.123457 .*\n1 +2 +b c +\{ deep: 1 \}\n2 rows/,
  );
  assert.equal(view({ frame }), "{ frame: DataFrame (2 rows × 3 columns) }");
});

test("a long or wide frame shows its ends; a series has one column", () => {
  const rows = Array.from({ length: 1000 }, (_, r) => Array.from({ length: 50 }, (_, c) => r * c));
  const names = Array.from({ length: 50 }, (_, c) => `c${c}`);
  const frame = new Frame(
    rows,
    names,
    names.map(() => "int32"),
  );
  const html = view(frame, "text/html");
  assert.equal(html.match(/<tr>/g)?.length, 1 + 21);
  assert.equal(html.match(/<th>.*<\/th>/)?.[0].match(/<th>/g)?.length, 17 + 0);
  assert.match(html, /<td>48951<\/td><\/tr>\n<\/tbody>/);
  assert.match(html, /1,000 rows × 50 columns/);
  for (const line of view(frame).split("\n")) assert.ok(line.length <= 100);
  const series = new Frame([1.5, Number.NaN], ["loss"], ["float32"], true);
  assert.equal(view(series), "      loss\n   float32\n0      1.5\n1      NaN\n2 values");
  assert.equal(view([series]), "[ Series loss float32 (2) ]");
  assert.match(view(new Frame([], [], [])), /0 rows × 0 columns/);
});
