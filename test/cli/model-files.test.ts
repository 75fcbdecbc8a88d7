// Exported models: other programs read the same logits from them, and predict applies them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { loadDataset } from "../../src/datasets/index.ts";
import { parseNpy } from "../../src/formats/npz.ts";
import type { Csr } from "../../src/graph/csr.ts";
import type { Graph } from "../../src/graph/graph.ts";
import type { GcniiConfig } from "../../src/models/gcnii.ts";
import type { RunConfig, RunResult } from "../../src/training/run.ts";
import { crafted, resealed } from "../training/own-files.ts";
import { temporaryFolder } from "../training/small.ts";
import { abkd, abkdHere } from "./abkd.ts";

const run = promisify(execFile);

/** Trains one student for all tests in this file. */
let runs = "";
let result: RunResult;
before(async () => {
  runs = mkdtempSync(join(tmpdir(), "abkd-test-"));
  const args = ["--method", "student", "--dataset", "synthetic", "--epochs", "40"];
  const { stdout, stderr } = await abkd("distill", ...args, "--runs", runs, "--json", "--quiet");
  assert.equal(stderr, "");
  [result] = JSON.parse(stdout) as [RunResult];
});
after(() => rmSync(runs, { recursive: true, force: true }));

async function exportModel(folder: string, format: string): Promise<string> {
  const file = join(folder, `student.${format}`);
  const args = ["--format", format, "--output", file, "--runs", runs];
  const { code, stderr } = await abkdHere("export", result.id.slice(0, 6), ...args);
  assert.equal(code, 0, stderr);
  return file;
}

async function predictedLogits(file: string, folder: string): Promise<Float32Array> {
  const npy = join(folder, "logits.npy");
  const { code, stderr } = await abkdHere("predict", file, "--logits", npy);
  assert.equal(code, 0, stderr);
  const { shape, code: type, bytes } = parseNpy(readFileSync(npy), npy);
  assert.deepEqual(shape, [2708, 7]);
  assert.equal(type, "f4");
  return new Float32Array(new Uint8Array(bytes).buffer);
}

/** Reads safetensors by the format's specification alone. */
function readSafetensors(file: string): {
  config: RunConfig<GcniiConfig>;
  array: (name: string) => { rows: number; columns: number; values: Float32Array };
} {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<
    string,
    { shape: number[]; data_offsets: [number, number] } & Record<string, string>
  >;
  return {
    config: JSON.parse(header["__metadata__"]!["config"]!) as RunConfig<GcniiConfig>,
    array: (name) => {
      const {
        shape,
        data_offsets: [begin, end],
      } = header[name]!;
      const values = new Float32Array(
        new Uint8Array(bytes.subarray(start + begin, start + end)).buffer,
      );
      return { rows: shape[0]!, columns: shape[1] ?? 1, values };
    },
  };
}

/** Computes GCNII in double precision, node by node, from the arrays of a file. */
function referenceLogits(file: string, graph: Graph): Float64Array {
  const { config, array } = readSafetensors(file);
  const { layers, width, alpha, lambda } = config.model;
  const n = graph.nodes;
  const relu = (x: Float64Array): Float64Array => x.map((value) => Math.max(0, value));
  const degree = (node: number): number =>
    graph.adjacency.indptr[node + 1]! - graph.adjacency.indptr[node]! + 1;
  const times = (x: Float64Array, name: string, inner: number): Float64Array => {
    const { columns, values } = array(name);
    const out = new Float64Array(n * columns);
    for (let node = 0; node < n; node++) {
      for (let c = 0; c < columns; c++) {
        for (let k = 0; k < inner; k++) {
          out[node * columns + c]! += x[node * inner + k]! * values[k * columns + c]!;
        }
      }
    }
    return out;
  };
  const plusBias = (x: Float64Array, name: string): Float64Array => {
    const bias = array(name).values;
    return x.map((value, k) => value + bias[k % bias.length]!);
  };
  const propagate = (x: Float64Array): Float64Array => {
    const out = new Float64Array(x.length);
    for (let node = 0; node < n; node++) {
      const { indptr, indices }: Csr = graph.adjacency;
      const neighbours = [node, ...indices.subarray(indptr[node]!, indptr[node + 1]!)];
      for (const other of neighbours) {
        const weight = 1 / Math.sqrt(degree(node) * degree(other));
        for (let k = 0; k < width; k++) out[node * width + k]! += weight * x[other * width + k]!;
      }
    }
    return out;
  };
  const dense = new Float64Array(n * graph.features.columns);
  for (let node = 0; node < n; node++) {
    const { indptr, indices, values } = graph.features;
    let sum = 0;
    for (let k = indptr[node]!; k < indptr[node + 1]!; k++) sum += values?.[k] ?? 1;
    for (let k = indptr[node]!; k < indptr[node + 1]!; k++) {
      dense[node * graph.features.columns + indices[k]!] = (values?.[k] ?? 1) / sum;
    }
  }
  const first = relu(plusBias(times(dense, "input.weight", graph.features.columns), "input.bias"));
  let hidden = first;
  for (let l = 0; l < layers; l++) {
    const theta = Math.log(lambda / (l + 1) + 1);
    const z = propagate(hidden).map((value, k) => (1 - alpha) * value + alpha * first[k]!);
    const product = times(z, `convolution.${l}.weight`, width);
    hidden = relu(z.map((value, k) => theta * product[k]! + (1 - theta) * value));
  }
  return plusBias(times(hidden, "output.weight", width), "output.bias");
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((most, value, k) => Math.max(most, Math.abs(value - b[k]!)), 0);
}

test("logits of both formats agree with the formula in double precision to 1e-5", async (t) => {
  const folder = temporaryFolder(t);
  const safetensors = await exportModel(folder, "safetensors");
  const logits = await predictedLogits(safetensors, folder);
  const reference = referenceLogits(safetensors, await loadDataset("synthetic"));
  assert.ok(Math.max(...logits) - Math.min(...logits) > 1, "the logits say something");
  assert.ok(largestDifference(logits, reference) < 1e-5);
  assert.deepEqual(
    await predictedLogits(join(runs, result.id), folder),
    logits,
    "by the run's folder",
  );
  const fromNpz = await predictedLogits(await exportModel(folder, "npz"), folder);
  assert.deepEqual(fromNpz, logits);
});

test("predict prints the run's own accuracies and writes each node's class", async (t) => {
  const folder = temporaryFolder(t);
  const file = await exportModel(folder, "safetensors");
  const [csv, json] = [join(folder, "classes.csv"), join(folder, "classes.json")];
  const { stdout } = await abkdHere("predict", file, "--json", "--output", csv);
  const { accuracy } = JSON.parse(stdout) as { accuracy: Record<string, number> };
  for (const set of ["train", "val", "test"] as const) {
    assert.ok(Math.abs(accuracy[set]! - result.accuracy[set]) < 1e-9);
  }
  await abkdHere("predict", file, "--output", json);
  const rows = JSON.parse(readFileSync(json, "utf8")) as { label: number; predicted: number }[];
  const right = rows.filter(({ label, predicted }) => label === predicted).length;
  assert.ok(Math.abs(right / rows.length - accuracy["all"]!) < 1e-12);
  const lines = readFileSync(csv, "utf8").trimEnd().split("\n");
  assert.equal(lines[0], "node,label,predicted");
  assert.equal(lines.length, 1 + 2708);
  assert.equal(lines[5], `4,${rows[4]!.label},${rows[4]!.predicted}`);
});

test("a model of another graph, and an altered one, are refused in one line", async (t) => {
  const folder = temporaryFolder(t);
  const file = await exportModel(folder, "safetensors");
  const bytes = readFileSync(file, "latin1");
  const altered = join(folder, "altered.safetensors");
  const anew = (text: string): string => resealed(Buffer.from(text, "latin1")).toString("latin1");
  const cases: [RegExp, string][] = [
    [
      /its configuration is not the one it names/,
      anew(bytes.replace('\\"layers\\":4', '\\"layers\\":5')),
    ],
    [/its digest does not match/, bytes.replace('\\"layers\\":4', '\\"layers\\":5')],
    [/is not an abkd model/, anew(bytes.replace("abkd-model/1", "abkd-model/9"))],
    [
      /input.weight is \[1433,4\], .* needs \[1434,4\]/,
      anew(bytes.replace('\\"features\\":1433', '\\"features\\":1434')),
    ],
  ];
  for (const [message, content] of cases) {
    assert.notEqual(content, bytes);
    writeFileSync(altered, content, "latin1");
    const { code, stdout, stderr } = await abkdHere("predict", altered);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, /^abkd: [^\n]+\n$/);
    assert.match(stderr, message);
  }
});

test("another program's file is accepted, with a note; its weights must be numbers", async (t) => {
  const folder = temporaryFolder(t);
  const bytes = readFileSync(await exportModel(folder, "safetensors"));
  const end = 8 + Number(bytes.readBigUInt64LE());
  const { __metadata__: own, ...arrays } = JSON.parse(bytes.toString("utf8", 8, end)) as {
    __metadata__: { config: string; shape: string };
  };
  const { config, shape } = own;
  const file = join(folder, "theirs.safetensors");
  const data = bytes.subarray(end);
  writeFileSync(file, crafted({ __metadata__: { config, shape }, ...arrays }, data));
  const taken = await abkdHere("predict", file);
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stdout, /accuracy: /);
  assert.equal(taken.stderr, `abkd: ${file} was written by another program and has no digest\n`);
  data.writeFloatLE(Number.NaN, data.length - 4);
  writeFileSync(file, crafted({ __metadata__: { config, shape }, ...arrays }, data));
  const refused = await abkdHere("predict", file);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /^abkd: [^\n]* holds NaN at \d+\n$/);
});

const PYTHON = `
import json, sys
import numpy as np
try:
    import torch
    own = lambda y: torch.from_numpy(np.ascontiguousarray(y))
    print("torch", torch.__version__)
except ImportError:
    own = lambda y: y
    print("numpy", np.__version__)
z = np.load(sys.argv[1])
meta = json.loads(bytes(z["metadata"]).decode())
m = json.loads(meta["config"])["model"]
w = {k: own(z[k]) for k in z.files if k != "metadata"}
g = json.load(open(sys.argv[2]))
n = g["nodes"]
a = np.eye(n, dtype="f4")
a[g["from"], g["to"]] = 1
d = 1 / np.sqrt(a.sum(1))
p = own(d[:, None] * a * d[None, :])
x = np.zeros((n, g["features"]), "f4")
x[g["node"], g["word"]] = g["value"]
x = own(x / x.sum(1, keepdims=True))
relu = lambda y: y * (y > 0)
h0 = h = relu(x @ w["input.weight"] + w["input.bias"])
for l in range(m["layers"]):
    s = (1 - m["alpha"]) * (p @ h) + m["alpha"] * h0
    t = float(np.log(m["lambda"] / (l + 1) + 1))
    h = relu(t * (s @ w[f"convolution.{l}.weight"]) + (1 - t) * s)
np.asarray(h @ w["output.weight"] + w["output.bias"]).astype("<f4").tofile(sys.argv[3])
`;

test("torch (or numpy without torch) computes the same logits from the npz to 1e-5", async (t) => {
  try {
    await run("python3", ["-c", "import numpy"], { timeout: 60_000 });
  } catch {
    t.skip("python3 with numpy is missing; the formula in double precision was checked");
    return;
  }
  const folder = temporaryFolder(t);
  const file = await exportModel(folder, "npz");
  const graph = await loadDataset("synthetic");
  const coordinates = ({ indptr, indices }: Csr): [number[], number[]] => [
    Array.from(indices, (_, k) => indptr.findLastIndex((begin) => begin <= k)),
    Array.from(indices),
  ];
  const [from, to] = coordinates(graph.adjacency);
  const [node, word] = coordinates(graph.features);
  const value = Array.from(word, (_, k) => graph.features.values?.[k] ?? 1);
  const [script, arcs, out] = ["read.py", "graph.json", "out.bin"].map((f) => join(folder, f)) as [
    string,
    string,
    string,
  ];
  writeFileSync(script, PYTHON);
  writeFileSync(
    arcs,
    JSON.stringify({
      nodes: graph.nodes,
      features: graph.features.columns,
      from,
      to,
      node,
      word,
      value,
    }),
  );
  const { stdout } = await run("python3", [script, file, arcs, out], { timeout: 60_000 });
  t.diagnostic(`read by ${stdout.trim()}`);
  const read = new Float32Array(new Uint8Array(readFileSync(out)).buffer);
  assert.ok(largestDifference(read, await predictedLogits(file, folder)) < 1e-5);
});
