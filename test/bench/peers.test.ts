// The peers compute what we compute: the losses of five steps agree, for every method and layout.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import {
  readGraph,
  readTeacher,
  writeGraph,
  writeTeacher,
  writeWeights,
} from "../../bench/exchange.ts";
import { peerIsInstalled } from "../../bench/install-peers.ts";
import type { Task, Variant } from "../../bench/protocol.ts";
import { PARITY_BOUND } from "../../bench/race.ts";
import { ours, peer, Side } from "../../bench/side.ts";
import { loadDataset, loadSplit } from "../../src/datasets/index.ts";
import { startEngine } from "../../src/tensor/index.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunConfig } from "../../src/training/run.ts";

const skip = peerIsInstalled()
  ? false
  : "PyTorch Geometric is not in .venv-bench: npm run bench -- --install-peers";
const folder = mkdtempSync(path.join(os.tmpdir(), "abkd-peers-test-"));
const sides = { ours: new Side(ours(1)), peer: new Side(peer(1, "default")) };
const subject = { dataset: "synthetic", split: "public", seed: 1 };
const teacher = teacherConfig(subject, { model: { layers: 6, width: 8 } });
const outputs = path.join(folder, "teacher.safetensors");

before(async () => {
  if (skip) return;
  startEngine();
  const graph = await loadDataset("synthetic");
  writeGraph(folder, graph, await loadSplit(graph, "public"));
  writeTeacher(outputs, teacher, readGraph(folder));
});
after(() => {
  for (const side of Object.values(sides)) side.close();
  rmSync(folder, { recursive: true, force: true });
});

async function agree(
  config: RunConfig,
  variant: Variant,
  form?: "collapsed" | "naive",
): Promise<void> {
  const weights = path.join(folder, "weights.safetensors");
  const given = config.teacher && readTeacher(outputs, config.teacher, readGraph(folder));
  writeWeights(weights, config, readGraph(folder), given);
  const task: Task = {
    ...{ kind: "training", graph: folder, config, weights },
    ...(given && { teacher: outputs }),
    ...(form && { form }),
  };
  const request = { operation: "losses", task, variant, steps: 5 } as const;
  const own = (await sides.ours.demand(request)).losses!;
  const other = (await sides.peer.demand(request)).losses!;
  assert.ok(own[0] !== own[4], "the losses move");
  own.forEach((loss, i) => {
    const close = Math.abs(loss - other[i]!) <= PARITY_BOUND * Math.max(1, loss);
    assert.ok(close, `step ${i + 1}: ours ${loss}, the peer's ${other[i]}`);
  });
}

test("GCNII: every layout of P and X", { skip }, async () => {
  for (const adjacency of ["pyg-csr", "pyg-edges", "torch-coo", "torch-csr"]) {
    await agree(teacher, { adjacency, features: "csr" });
  }
  for (const features of ["coo", "dense"]) {
    await agree(teacher, { adjacency: "torch-csr", features });
  }
});

test("SoftKD, ABKD's default form and eq. 4, collapsed and naive", { skip }, async () => {
  const variant = { adjacency: "torch-csr", features: "csr" };
  await agree(studentConfig(subject, "softkd", teacher), variant);
  for (const preset of [undefined, "literal"]) {
    const config = studentConfig(subject, "abkd", teacher, preset ? { preset } : {});
    await agree(config, variant, "collapsed");
    await agree(config, variant, "naive");
  }
});
