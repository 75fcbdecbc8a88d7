// How long a student's inference takes: one node and all, by plain JavaScript, the engine, a browser, onnxruntime and
// PyG, and what `abkd serve` answers in a second, with its load generator beside it.
//
//   node bench/student.ts [--dataset cora] [--run RUN] [--python PYTHON] [--pyg PYTHON] [--seconds 10] [--write]
//
// --python has onnxruntime, --pyg torch and PyG (bench/peers/requirements.txt).
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { quantile } from "simple-statistics";
import { columnsOf, formatTable, markdownTable } from "../src/base/table.ts";
import { loadDataset } from "../src/datasets/index.ts";
import { encodeOnnxModel } from "../src/deployment/onnx.ts";
import { writeWebFolder } from "../src/deployment/web-folder.ts";
import { shortTime } from "../src/display/format.ts";
import { writeSection } from "../src/experiments/markdown-section.ts";
import { findChromium } from "../src/figures/export.ts";
import { randomStream } from "../src/graph/random.ts";
import { findModel } from "../src/models/registry.ts";
import { startEngine } from "../src/tensor/index.ts";
import { withForward } from "../src/training/evaluate.ts";
import { graphInputs } from "../src/training/inputs.ts";
import { loadStudent } from "../src/training/load-student.ts";
import { restoreModel } from "../src/training/model-file.ts";
import { describeRun } from "../src/training/run-id.ts";
import { findRun, readModel } from "../src/training/run-store.ts";
import { machineFacts } from "./report.ts";

const ROOT = path.join(import.meta.dirname, "..");
const DOCUMENT = path.join(ROOT, "docs/performance.md");
const CALLS = 200;
const CONNECTIONS = 16;
/** Requests per second that are sent, each with a node of its own. */
const RATE = 1000;

const { values: given } = parseArgs({
  options: {
    dataset: { type: "string", default: "cora" },
    run: { type: "string", default: "01b92c1868d340bf" },
    python: { type: "string" },
    pyg: { type: "string" },
    seconds: { type: "string", default: "10" },
    write: { type: "boolean", default: false },
  },
});

const files = findRun(given.run, path.join(ROOT, "results/runs"));
const model = readModel(files.model);
const graph = await loadDataset(given.dataset);
const folder = mkdtempSync(path.join(tmpdir(), "abkd-bench-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** The median of some calls, in seconds, after a few that do not count. */
function timed(call: (k: number) => void): number {
  for (let k = 0; k < 20; k++) call(k);
  const samples = Array.from({ length: CALLS }, (_, k) => {
    const begun = performance.now();
    call(k);
    return performance.now() - begun;
  });
  return quantile(samples, 0.5) / 1000;
}

const random = randomStream(1);
const questions = Array.from({ length: 1000 }, () => ({
  features: Object.fromEntries(
    Array.from({ length: 18 }, () => [random.below(graph.features.columns), 1]),
  ),
  neighbours: [...new Set(Array.from({ length: 4 }, () => random.below(graph.nodes)))],
}));

interface Line {
  readonly where: string;
  readonly one?: number;
  readonly all?: number;
}

async function inNode(): Promise<Line> {
  const student = await loadStudent(model);
  const prepared = student.prepare(graph);
  return {
    where: `plain JavaScript, Node ${process.versions.node}`,
    one: timed((k) => prepared.predict([graph.nodes], [questions[k % questions.length]!])),
    all: timed(() => student.predict(graph)),
  };
}

function onEngine(): Line {
  const { flavour } = startEngine("wasm", { threads: 1 });
  const [restored, forms] = [restoreModel(model), graphInputs(graph)];
  const inputs = findModel(restored.outline.kind).prepare(forms.value);
  const all = timed(() =>
    withForward(restored, inputs, "logits", ({ logits }) => logits.dataSync()),
  );
  return { where: `the engine (${flavour}), one thread`, all };
}

async function inBrowser(): Promise<Line | undefined> {
  const executablePath = await findChromium();
  if (executablePath === undefined) return undefined;
  writeWebFolder(folder, model, graph);
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(path.join(folder, "index.html")).href);
    await page.waitForSelector("circle");
    const samples: number[] = [];
    for (let k = 0; k < 60; k++) {
      await page.click("#any");
      const status = await page.textContent("#status");
      samples.push(Number(/drawn ([\d.]+) ms after/.exec(status!)![1]));
    }
    const where = `the page in Chromium ${browser.version().split(".")[0]}, from the click to the drawing`;
    return { where, all: quantile(samples.slice(10), 0.5) / 1000 };
  } finally {
    await browser.close();
  }
}

const PYTHON = `
import json, sys, time
import numpy, onnxruntime
given = json.load(open(sys.argv[1] + "/graph.json"))
x = numpy.zeros((given["nodes"], given["features"]), "float32")
x[given["row"], given["column"]] = 1
edges = numpy.array([given["from"], given["to"]], "int64")
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1] + "/student.onnx", options)
times = []
for _ in range(60):
    begun = time.perf_counter()
    session.run(["logits"], {"x": x, "edge_index": edges})
    times.append(time.perf_counter() - begun)
print(json.dumps([onnxruntime.__version__, float(numpy.median(times[10:]))]))
`;

/** GCNII by PyG's own layers; the logits must be ours, so that both are one model. */
const PYG = `
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy, torch, torch_geometric
from torch_geometric.nn import GCN2Conv
torch.set_num_threads(1)
given = json.load(open(sys.argv[1] + "/graph.json"))
x = torch.zeros(given["nodes"], given["features"])
x[given["row"], given["column"]] = 1
x = x / x.sum(1, keepdim=True).clamp(min=1e-12)
edges = torch.tensor([given["from"], given["to"]])
weights = {name: torch.tensor(values).reshape(shape) for name, (shape, values) in given["weights"].items()}
options = given["options"]
layers = []
for l in range(options["layers"]):
    layer = GCN2Conv(options["width"], options["alpha"], theta=options["lambda"], layer=l + 1, cached=True)
    layer.weight1.data = weights[f"convolution.{l}.weight"]
    layers.append(layer)
@torch.no_grad()
def logits():
    h = torch.relu(x @ weights["input.weight"] + weights["input.bias"])
    first = h
    for layer in layers:
        h = torch.relu(layer(h, first, edges))
    return h @ weights["output.weight"] + weights["output.bias"]
apart = (logits() - torch.tensor(given["logits"]).reshape(given["nodes"], -1)).abs().max().item()
assert apart < 1e-4, apart
times = []
for _ in range(60):
    begun = time.perf_counter()
    logits()
    times.append(time.perf_counter() - begun)
print(json.dumps([torch_geometric.__version__, torch.__version__.split("+")[0], float(numpy.median(times[10:]))]))
`;

function inPyg(python: string): Line {
  const { kind, ...options } = model.config.model;
  if (kind !== "gcnii") throw new Error(`--pyg measures GCNII, and this student is ${kind}`);
  const [restored, forms] = [restoreModel(model), graphInputs(graph)];
  const logits = withForward(restored, forms.value, "logits", (outputs) =>
    Array.from(outputs.logits.dataSync()),
  );
  const weights = Object.fromEntries(
    [...model.parameters].map(([name, { shape, values }]) => [name, [shape, Array.from(values)]]),
  );
  writeFileSync(
    path.join(folder, "graph.json"),
    JSON.stringify({ ...graphArrays(), options, weights, logits }),
  );
  const printed = execFileSync(python, ["-c", PYG, folder], { encoding: "utf8" });
  const [pyg, torch, all] = JSON.parse(printed) as [string, string, number];
  return { where: `PyG ${pyg} (torch ${torch}), one thread, dense features`, all };
}

/** The graph as lists, which the Python programs read. */
function graphArrays() {
  const rows = ({ indptr, indices }: { indptr: Int32Array; indices: Int32Array }): number[] =>
    Array.from(indptr.subarray(1))
      .flatMap((end, row) => new Array<number>(end - indptr[row]!).fill(row))
      .slice(0, indices.length);
  const { adjacency, features } = graph;
  return {
    nodes: graph.nodes,
    features: features.columns,
    row: rows(features),
    column: Array.from(features.indices),
    from: Array.from(adjacency.indices),
    to: rows(adjacency),
  };
}

function inOnnxruntime(python: string): Line {
  writeFileSync(path.join(folder, "student.onnx"), encodeOnnxModel(model));
  writeFileSync(path.join(folder, "graph.json"), JSON.stringify(graphArrays()));
  const printed = execFileSync(python, ["-c", PYTHON, folder], { encoding: "utf8" });
  const [version, all] = JSON.parse(printed) as [string, number];
  return { where: `onnxruntime ${version}, one thread, dense features`, all };
}

interface Load {
  readonly sent: number;
  readonly perSecond: number;
  readonly median: number;
  readonly p99: number;
  /** Seconds of processor time per answer, which say more than the clock on a busy machine; Linux only. */
  readonly serverTime: number | undefined;
  readonly generatorTime: number;
}

/** Seconds of processor time that a process has used, all threads together. */
function processorTime(pid: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  // In ticks of a hundredth: utime and stime, fields 14 and 15 of proc(5).
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Sends questions at a fixed rate, whatever comes back; a reply's time counts from when its question was due. */
async function load(seconds: number): Promise<Load> {
  const cli = path.join(ROOT, "src/cli.ts");
  const server = spawn(process.execPath, [
    ...[cli, "serve", files.model, "--dataset", given.dataset, "--port", "0"],
  ]);
  try {
    const line = await new Promise<string>((resolve) =>
      server.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString())),
    );
    const url = new URL(/(http:\S+)/.exec(line)![1]!);
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    const ask = (k: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const sent = request(
          url,
          { agent, method: "POST", headers: { "content-type": "application/json" } },
          (answer) => {
            if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
            answer.resume().on("end", resolve);
          },
        );
        sent.on("error", reject).end(JSON.stringify(questions[k % questions.length]));
      });
    for (let k = 0; k < 500; k++) await ask(k);
    const times: number[] = [];
    const open: Promise<void>[] = [];
    const [begun, before, own] = [
      performance.now(),
      processorTime(server.pid!),
      process.cpuUsage(),
    ];
    for (let k = 0; k < seconds * RATE; ) {
      const now = performance.now();
      for (; k < seconds * RATE && begun + (k * 1000) / RATE <= now; k++) {
        const due = begun + (k * 1000) / RATE;
        open.push(ask(k).then(() => void times.push(performance.now() - due)));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(open);
    const took = (performance.now() - begun) / 1000;
    agent.destroy();
    const after = processorTime(server.pid!);
    const { user, system } = process.cpuUsage(own);
    return {
      serverTime:
        before === undefined || after === undefined ? undefined : (after - before) / times.length,
      generatorTime: (user + system) / 1e6 / times.length,
      sent: times.length,
      perSecond: times.length / took,
      median: quantile(times, 0.5) / 1000,
      p99: quantile(times, 0.99) / 1000,
    };
  } finally {
    server.kill("SIGTERM");
  }
}

const { load: before, processor, cores } = machineFacts("");
const lines = [await inNode(), onEngine(), await inBrowser()].filter((line) => line !== undefined);
if (given.python !== undefined) lines.push(inOnnxruntime(given.python));
if (given.pyg !== undefined) lines.push(inPyg(given.pyg));
const served = await load(Number(given.seconds));
const table = {
  columns: columnsOf("where", "one new node | all nodes"),
  rows: lines.map(({ where, one, all }) => [
    where,
    one === undefined ? "" : shortTime(one),
    all === undefined ? "" : shortTime(all),
  ]),
};
const facts =
  `${describeRun(model.config)} on ${graph.name}: ${graph.nodes} nodes; medians. ${cores} cores of ${processor}; ` +
  `load ${before} before, from other work.`;
const service =
  `\`abkd serve\`, ${RATE} requests a second sent for ${given.seconds} s by a generator on the same cores, each a new ` +
  `node with features and neighbours of its own: ${Math.round(served.perSecond)} a second answered, median ` +
  `${shortTime(served.median)}, p99 ${shortTime(served.p99)}, counted from when each was due.` +
  (served.serverTime === undefined
    ? ""
    : ` Processor time per answer: the server ${shortTime(served.serverTime)}, the generator ` +
      `${shortTime(served.generatorTime)}.`);
process.stdout.write(`${facts}\n\n${formatTable(table)}\n\n${service}\n`);
if (given.write) {
  const text = readFileSync(DOCUMENT, "utf8");
  const content = `${facts}\n\n${markdownTable(table)}\n\n${service}`;
  writeFileSync(DOCUMENT, writeSection(text, "student", content));
}
