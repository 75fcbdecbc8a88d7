// ONNX files: onnxruntime gives the engine's logits. onnx.json has what it gave for these very bytes.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { PbfReader } from "pbf";
import { encodeOnnxModel } from "../../src/deployment/onnx.ts";
import { fitGraph } from "../../src/training/fit.ts";
import { loadStudent } from "../../src/training/load-student.ts";
import { abkd } from "../cli/abkd.ts";
import { difference, engineLogits } from "../student/models.ts";
import { temporaryFolder } from "../training/small.ts";
import { answersOf, cases, graph, type OnnxAnswers } from "./onnx-cases.ts";

const kept = JSON.parse(
  readFileSync(new URL("./onnx.json", import.meta.url), "utf8"),
) as OnnxAnswers;

async function compare(answers: OnnxAnswers): Promise<void> {
  assert.deepEqual(Object.keys(answers.cases).sort(), cases.map(({ name }) => name).sort());
  for (const { name, file } of cases) {
    const answer = answers.cases[name]!;
    const { graph: fitted } = fitGraph(file, graph);
    assert.ok(difference(answer.logits, engineLogits(file, fitted)) < 1e-5, name);
    const { probabilities } = (await loadStudent(file)).predict(graph);
    assert.ok(difference(answer.probabilities, probabilities) < 1e-5, name);
    const expected = file.config.model.kind === "mlp" ? ["x"] : ["x", "edge_index"];
    assert.deepEqual(answer.inputs, expected);
  }
}

test(`onnxruntime ${kept.onnxruntime} gave the engine's logits to 1e-5, for every kind`, async () => {
  for (const { name, bytes } of cases) {
    assert.equal(
      createHash("sha256").update(bytes).digest("hex"),
      kept.cases[name]?.sha256,
      `${name}: the file has changed: run node test/deployment/onnx-cases.ts PYTHON`,
    );
  }
  await compare(kept);
});

/** A Python with onnx and onnxruntime: $ABKD_ONNX_PYTHON or python3. */
const python = process.env["ABKD_ONNX_PYTHON"] ?? "python3";
const has = spawnSync(python, ["-c", "import onnx, onnxruntime"]).status === 0;
describe("here", { skip: has ? false : `${python} has no onnx and onnxruntime` }, () => {
  test("onnx accepts every file, and onnxruntime gives the engine's logits to 1e-5", async () => {
    await compare(answersOf(python));
  });
});

test("abkd export --format onnx writes such a file, which says what it is", async (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "student.onnx");
  const runs = join(import.meta.dirname, "../../results/runs");
  const given = ["--format", "onnx", "--runs", runs, "--output", file];
  const { code, stderr } = await abkd("export", "01b92c1868d340bf", ...given);
  assert.deepEqual([code, stderr], [0, ""]);
  const metadata: Record<string, string> = {};
  let [ir, opset] = [0, 0];
  new PbfReader(readFileSync(file)).readFields((tag, _, pbf) => {
    if (tag === 1) ir = pbf.readVarint();
    if (tag === 8) {
      pbf.readMessage((field) => {
        if (field === 2) opset = pbf.readVarint();
      }, null);
    }
    if (tag === 14) {
      const pair: string[] = [];
      pbf.readMessage((field) => {
        pair[field] = pbf.readString();
      }, null);
      metadata[pair[1]!] = pair[2]!;
    }
  }, null);
  assert.deepEqual([ir, opset], [8, 18]);
  assert.equal(metadata["run"], "01b92c1868d340bf");
  assert.equal(JSON.parse(metadata["config"]!).model.kind, "gcnii");
});

test("a kind without a form is refused by name", () => {
  const file = cases[0]!.file;
  const config = { ...file.config, model: { ...file.config.model, kind: "own" as "gcn" } };
  assert.throws(
    () => encodeOnnxModel({ ...file, config } as never),
    /the kind "own" has no ONNX form; known: gat,/,
  );
});
