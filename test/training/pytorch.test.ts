// PyTorch Geometric's models teach: the code of docs/teachers.md writes their outputs, and their weights are read.
// Runs where `npm run bench -- --install-peers` installed PyTorch.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { peerIsInstalled } from "../../bench/install-peers.ts";
import { PEER_PYTHON } from "../../bench/side.ts";
import { rowsOf } from "../../src/datasets/gnn-benchmark.ts";
import { importDataset, loadSplit, registerDataset } from "../../src/datasets/index.ts";
import type { OutputMap } from "../../src/distillation/given-teacher.ts";
import { methods } from "../../src/distillation/registry.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { studentConfig } from "../../src/training/recipes.ts";
import { checkOutputsFit, loadTeacherOutputs } from "../../src/training/teacher-outputs.ts";
import { teacherScores } from "../../src/training/teacher-score.ts";
import { loadTeacher } from "../../src/training/teacher-weights.ts";
import { runTrials } from "../../src/training/trials.ts";
import { smallGraph, smallSplit, temporaryFolder } from "./small.ts";

const skip = peerIsInstalled()
  ? false
  : "PyTorch is not installed (npm run bench -- --install-peers)";
const folder = temporaryFolder({ after } as TestContext);
const small = smallGraph();
const nodes = Int32Array.from({ length: small.nodes }, (_, node) => node);
// One feature more, which every node has: PyG's division of an empty row by its sum gives NaN.
const features = csrFromPairs(
  ...([small.nodes, small.features.columns + 1] as const),
  [...rowsOf(small.features), ...nodes],
  [...small.features.indices, ...nodes.map(() => small.features.columns)],
);
const graph = { ...small, name: "torch", features };
const { train, val, test: rest } = smallSplit();
registerDataset({ name: "torch", graph, split: { train, val, test: rest } });

before(() => {
  if (skip) return;
  writeFileSync(join(folder, "block.py"), blocks()[0]!);
  const dense = Array.from(nodes, () => new Array<number>(features.columns).fill(0));
  for (const [k, node] of rowsOf(features).entries()) dense[node]![features.indices[k]!] = 1;
  const edges = [[...rowsOf(graph.adjacency)], [...graph.adjacency.indices]];
  const written = { features: dense, edges, classes: graph.classes };
  writeFileSync(join(folder, "graph.json"), JSON.stringify(written));
  const script = fileURLToPath(new URL("pytorch.py", import.meta.url));
  execFileSync(PEER_PYTHON, ["-W", "ignore", script, folder], {
    stdio: ["ignore", "ignore", "pipe"],
  });
});

function assertClose(
  found: OutputMap | undefined,
  wanted: OutputMap | undefined,
  most: number,
  what: string,
): void {
  assert.deepEqual(found?.shape, wanted?.shape, what);
  const off = wanted!.values.map((x, k) => Math.abs(x - found!.values[k]!));
  assert.ok(Math.max(...off) <= most, `${what}: off by ${Math.max(...off)}`);
}

for (const name of ["GCN", "GAT", "GraphSAGE", "GIN", "APPNP"]) {
  test(`the code of docs/teachers.md writes what ${name}'s layers give, and every method learns from it`, {
    skip,
  }, async (t) => {
    const teacher = await loadTeacherOutputs(join(folder, `${name}.npz`));
    const { outputs } = await loadTeacherOutputs(join(folder, `${name}.expected.npz`));
    assertClose(teacher.outputs.logits, outputs.logits, 1e-6, "logits");
    assertClose(teacher.outputs.hidden, outputs.hidden, 1e-6, "hidden");
    assert.equal(teacher.outputs.layers.length, name === "APPNP" ? 1 : 2);
    for (const [l, map] of outputs.layers.entries()) {
      assertClose(teacher.outputs.layers[l], map, 1e-6, `layer.${l}`);
    }
    const training = { epochs: 4 };
    const configs = methods.map((method) =>
      studentConfig({ dataset: "torch", seed: 1 }, method.name, teacher, { training }),
    );
    for (const { curve, config } of await runTrials(configs, {
      runsDir: temporaryFolder(t),
      workers: 2,
    })) {
      assert.ok(curve.loss.length === 4 && curve.loss.every(Number.isFinite), config.method!.name);
    }
  });
}

for (const name of ["gcn", "gcn-norm", "sage", "mlp", "gcn2"]) {
  test(`torch's own file of ${name}: its logits are PyG's to 1e-5`, { skip }, async () => {
    const { outputs } = await loadTeacher(join(folder, `${name}.safetensors`), "torch");
    const wanted = await loadTeacherOutputs(join(folder, `${name}.logits.npz`));
    assertClose(outputs.logits, wanted.outputs.logits, 1e-5, name);
  });
}

/** The Python of docs/teachers.md: save_outputs, then the two scripts of its walk. */
function blocks(): string[] {
  const doc = readFileSync(new URL("../../docs/teachers.md", import.meta.url), "utf8");
  return Array.from(doc.matchAll(/```python\n([\s\S]*?)```/g), ([, block]) => block!);
}

test("the walk of docs/teachers.md: its scripts make a graph, and outputs that fit it and are worth something", {
  skip,
}, async (t) => {
  const place = temporaryFolder(t);
  const [save, made, taught] = blocks();
  // The rest of its 60 epochs changes nothing here.
  const short = taught!.replace("range(60)", "range(20)");
  for (const [name, code] of Object.entries({ "graph.py": made!, "gat.py": save! + short })) {
    writeFileSync(join(place, name), code);
    const env = { ...process.env, OMP_NUM_THREADS: "1" };
    execFileSync(PEER_PYTHON, ["-W", "ignore", name], { cwd: place, env, stdio: "pipe" });
  }
  const { graph: found } = await importDataset(join(place, "graph"));
  const { nodes, classes, adjacency, features: words } = found;
  assert.deepEqual([nodes, classes, words.columns], [900, 5, 300]);
  assert.equal(adjacency.indices.length, 5400);
  const teacher = await loadTeacherOutputs(join(place, "gat.npz"));
  checkOutputsFit(teacher, found);
  const { accuracy } = teacherScores(teacher, found, await loadSplit(found, "public"))!;
  assert.ok(accuracy.test > 0.4, `${accuracy.test}: are the rows in the graph's order?`);
});
