// A graph and configurations small enough for a test to train on.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Sealed } from "../../src/base/sealed-json.ts";
import { type Csr, csrFromPairs } from "../../src/graph/csr.ts";
import type { Graph, Split } from "../../src/graph/graph.ts";
import { randomStream } from "../../src/graph/random.ts";
import type { GcniiConfig } from "../../src/models/gcnii.ts";
import type { RunConfig, RunResult } from "../../src/training/run.ts";

const NODES = 60;
const FEATURES = 12;
const CLASSES = 3;

/** Makes a ring of 60 nodes with chords, and three classes that show in the features. */
export function smallGraph(): Graph {
  const random = randomStream(7);
  const labels = Int32Array.from({ length: NODES }, (_, node) => node % CLASSES);
  const rows: number[] = [];
  const columns: number[] = [];
  const link = (a: number, b: number): void => {
    rows.push(a, b);
    columns.push(b, a);
  };
  for (let node = 0; node < NODES; node++) {
    link(node, (node + 1) % NODES);
    link(node, (node + CLASSES) % NODES);
  }
  const words: [number[], number[]] = [[], []];
  for (let node = 0; node < NODES; node++) {
    for (let k = 0; k < 3; k++) {
      words[0].push(node);
      words[1].push(
        random.uniform() < 0.7 ? labels[node]! * 4 + random.below(4) : random.below(FEATURES),
      );
    }
  }
  const adjacency: Csr = csrFromPairs(NODES, NODES, rows, columns);
  const features: Csr = csrFromPairs(NODES, FEATURES, ...words);
  return { name: "small", nodes: NODES, classes: CLASSES, adjacency, features, labels };
}

export function smallSplit(): Split {
  const nodes = (begin: number, end: number): Int32Array =>
    Int32Array.from({ length: end - begin }, (_, k) => begin + k);
  const unlabelled = { train: 0, val: 0, test: 0 };
  return {
    name: "small",
    train: nodes(0, 24),
    val: nodes(24, 42),
    test: nodes(42, 60),
    unlabelled,
  };
}

/** Makes a configuration with dropout, so that the draws of each step matter. */
export function smallConfig(training: Partial<RunConfig["training"]> = {}): RunConfig<GcniiConfig> {
  return {
    dataset: "small",
    split: "small",
    seed: 3,
    model: { kind: "gcnii", layers: 3, width: 6, alpha: 0.2, lambda: 0.5, dropout: 0.4 },
    training: { epochs: 30, patience: 30, learningRate: 0.02, weightDecay: 1e-4, ...training },
  };
}

/** Makes a folder that is removed after the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "abkd-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Returns every file under a folder by its path; run results without their timing and digest. */
export function contents(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return new Map(
    files
      .filter((file) => statSync(join(folder, file)).isFile())
      .map((file) => {
        const bytes = readFileSync(join(folder, file));
        if (!file.endsWith(".json")) return [file, bytes.toString("base64")];
        const {
          timing,
          digest: _,
          ...rest
        } = JSON.parse(bytes.toString("utf8")) as RunResult & Sealed;
        return [file, `${typeof timing.seconds} ${JSON.stringify(rest)}`];
      }),
  );
}
