// ONNX files of every kind of model, and a Python that runs them; run as a script, it writes onnx.json.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeOnnxModel } from "../../src/deployment/onnx.ts";
import { startEngine } from "../../src/tensor/index.ts";
import type { ModelFile } from "../../src/training/model-file.ts";
import { CONFIGS, modelOf, oddGraph, titleOf } from "../student/models.ts";

/** What run_onnx.py prints. */
export interface OnnxAnswers {
  readonly onnxruntime: string;
  readonly cases: Readonly<
    Record<
      string,
      {
        readonly sha256: string;
        readonly inputs: readonly string[];
        readonly logits: readonly number[];
        readonly probabilities: readonly number[];
      }
    >
  >;
}

startEngine("wasm", { threads: 1 });
export const graph = oddGraph();

const all = CONFIGS.map((model) => ({
  name: titleOf(model).replace(" batchNorm", "-normalised").replace(" ", "-"),
  file: modelOf(model, graph),
}));
const some = { name: "gcnii-some-features", file: modelOf(CONFIGS[0]!, graph, [0, 3, 4, 8]) };
/** Models of features that an import changed; column 3 was constant. */
const means = Array.from({ length: 9 }, (_, k) => k / 7 - 0.5);
const deviations = means.map((_, k) => (k === 3 ? 0 : 0.3 + k / 5));
const kept = [0, 3, 4, 8];
const gcn = CONFIGS.find(({ kind }) => kind === "gcn")!;
const at = (list: readonly number[]): number[] => kept.map((k) => list[k]!);
const formed = (
  [
    ["binary", undefined, { featuresMade: "binary" }],
    ["unit-some", kept, { featuresMade: "unit", featuresAsIs: true }],
    [
      "standardised",
      undefined,
      { featuresMade: "standardised", featuresAsIs: true, featureScales: { means, deviations } },
    ],
    [
      "standardised-some",
      kept,
      {
        ...{ featuresMade: "standardised", featuresAsIs: true },
        featureScales: { means: at(means), deviations: at(deviations) },
      },
    ],
  ] as const
).map(([name, columns, facts]) => ({
  name: `gcn-${name}`,
  file: { ...modelOf(gcn, graph, columns), ...facts } as ModelFile,
}));

export const cases: readonly { name: string; file: ModelFile; bytes: Uint8Array }[] = [
  ...all,
  some,
  ...formed,
].map((one) => ({ ...one, bytes: encodeOnnxModel(one.file) }));

/** The graph as run_onnx.py and PyG take it. */
function inputs(): { x: number[][]; edge_index: [number[], number[]] } {
  const { nodes, adjacency, features } = graph;
  const x = Array.from({ length: nodes }, (_, node) => {
    const row = new Array<number>(features.columns).fill(0);
    for (let k = features.indptr[node]!; k < features.indptr[node + 1]!; k++) {
      row[features.indices[k]!] = features.values?.[k] ?? 1;
    }
    return row;
  });
  const targets = Array.from({ length: nodes }, (_, node) =>
    new Array<number>(adjacency.indptr[node + 1]! - adjacency.indptr[node]!).fill(node),
  ).flat();
  return { x, edge_index: [Array.from(adjacency.indices), targets] };
}

/** @param python one that has onnx and onnxruntime */
export function answersOf(python: string): OnnxAnswers {
  const folder = mkdtempSync(join(tmpdir(), "abkd-onnx-"));
  try {
    for (const { name, bytes } of cases) writeFileSync(join(folder, `${name}.onnx`), bytes);
    writeFileSync(join(folder, "inputs.json"), JSON.stringify(inputs()));
    const script = join(import.meta.dirname, "run_onnx.py");
    const printed = execFileSync(python, [script, folder], { encoding: "utf8" });
    return JSON.parse(printed) as OnnxAnswers;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const answers = answersOf(process.argv[2] ?? "python3");
  writeFileSync(join(import.meta.dirname, "onnx.json"), `${JSON.stringify(answers)}\n`);
}
