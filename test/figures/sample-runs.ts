// Artificial runs for tests of figures and tables: shaped like real ones, with meaningless numbers.
import type { RunConfig, RunResult } from "../../src/training/run.ts";

/** A deterministic wobble in -1 to 1, so that curves look like curves. */
function wobble(a: number, b: number): number {
  const value = Math.sin(12.9898 * a + 78.233 * b) * 43758.5453;
  return 2 * (value - Math.floor(value)) - 1;
}

function curve(epochs: number, end: number, pace: number, seed: number): number[] {
  return Array.from(
    { length: epochs },
    (_, t) => 0.15 + (end - 0.15) * (1 - Math.exp(-t / pace)) + 0.008 * wobble(t, seed),
  );
}

const model = { kind: "gcnii", layers: 4, width: 4, alpha: 0.2, lambda: 0.5, dropout: 0 } as const;
const training = { epochs: 600, patience: 100, learningRate: 0.01, weightDecay: 1e-4 };
const teacher: RunConfig = {
  dataset: "cora",
  split: "geom-gcn:0",
  seed: 0,
  model: { ...model, layers: 64, width: 64, dropout: 0.5 },
  training,
};

function inspection(): RunResult["inspection"] {
  const matrix = (cell: (i: number, j: number) => number) =>
    Array.from({ length: 64 }, (_, i) => Array.from({ length: 4 }, (_, j) => cell(i, j)));
  const raw = matrix((i, j) => Math.exp(2.2 * Math.cos((i - 21 * j) / 14) + 0.3 * wobble(i, j)));
  const attention = raw.map((row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((value) => value / sum);
  });
  const dissimilarity = raw.map((row) => row.map((value) => 4 / value ** 1.5));
  const last = { scalars: { "|u_t|": 0.4 }, matrices: { attention, dissimilarity }, warnings: [] };
  return { first: last, last };
}

/** Makes one run; with `method` null it is a teacher's. Accuracies are fractions. */
export function sampleRun(
  method: string | null,
  seed: number,
  test: number,
  more: { dead?: boolean; epochs?: number; dataset?: string } = {},
): RunResult {
  const { dead = false, epochs = 300 + 40 * seed, dataset = "cora" } = more;
  const base = method === null ? teacher : { ...teacher, model };
  const config: RunConfig = {
    ...base,
    dataset,
    seed,
    ...(method === null ? {} : { method: { name: method, version: 1, options: {} } }),
    ...(method === null || method === "student" ? {} : { teacher: { ...teacher, dataset } }),
  };
  const id = Array.from({ length: 16 }, (_, i) =>
    Math.floor(8 * (1 + wobble(i + seed, (method ?? "teacher").length))).toString(16),
  ).join("");
  return {
    format: "abkd-run/1",
    id,
    config,
    engine: { name: "wasm", flavour: "fma" },
    versions: { abkd: "0.1.0" },
    data: {
      nodes: 2708,
      arcs: 10556,
      features: 1433,
      classes: 7,
      train: 1192,
      val: 796,
      test: 497,
    },
    parameters: {
      model: method === null ? 354_375 : 5835,
      method: method === "abkd" ? 1_070_000 : 0,
      ...(method === null || method === "student"
        ? {}
        : { teacher: 354_375, ratio: 354_375 / 5835 }),
    },
    curve: {
      loss: curve(epochs, 0.2, 60, seed).map((value) => 2 - value),
      trainAccuracy: curve(epochs, dead ? 0.29 : test + 0.06, 50, seed + 0.5),
      valLoss: curve(epochs, 0.3, 60, seed).map((value) => 2 - value),
      valAccuracy: curve(epochs, dead ? 0.28 : test + 0.01, 45 + 8 * seed, seed),
    },
    bestEpoch: epochs - 100,
    accuracy: { train: test + 0.06, val: test + 0.01, test },
    dead,
    ...(method === "abkd" ? { inspection: inspection() } : {}),
    warnings: [],
    timing: { seconds: 1.8 + seed / 10, secondsPerEpoch: 0.003 },
  };
}

/** Makes the teacher and three seeds of each method, as `npm start` does. */
export const sampleRuns: readonly RunResult[] = [
  sampleRun(null, 0, 0.866),
  ...[0.792, 0.81, 0.278].map((test, i) => sampleRun("student", i + 1, test, { dead: i === 2 })),
  ...[0.871, 0.879, 0.884].map((test, i) => sampleRun("softkd", i + 1, test)),
  ...[0.83, 0.846, 0.841].map((test, i) => sampleRun("abkd", i + 1, test)),
];
