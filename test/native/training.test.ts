// Whole runs on the native engine: the same losses as on the wasm engine, and what results record.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { methods } from "../../src/distillation/registry.ts";
import { nativeFlavour, requireNativeRecord } from "../../src/tensor/native/build.ts";
import { studentConfig, teacherConfig } from "../../src/training/recipes.ts";
import type { RunResult } from "../../src/training/run.ts";
import { runTrials } from "../../src/training/trials.ts";
import { assertClosely } from "../tensor/support.ts";
import { whyNoNative } from "./support.ts";

const subject = { dataset: "synthetic", seed: 1 };
const epochs = 4;
const teacher = teacherConfig(subject, { model: { layers: 4, width: 8 }, training: { epochs } });
const configs = [
  teacher,
  ...methods.map(({ name: method }) =>
    studentConfig(subject, method, teacher, {
      training: { epochs },
      model: { dropout: 0.3 },
      ...(method === "abkd" && { options: { embedding: 16 } }),
    }),
  ),
  studentConfig(subject, "abkd", teacher, { training: { epochs }, preset: "literal" }),
];

describe("training on the native engine", { skip: whyNoNative() }, () => {
  let folder: string;
  let wasm: RunResult[];
  let native: RunResult[];

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "abkd-native-"));
    wasm = await runTrials(configs, {
      runsDir: path.join(folder, "wasm"),
      engine: "wasm",
      threads: 1,
    });
    native = await runTrials(configs, {
      runsDir: path.join(folder, "native"),
      engine: "native",
      threads: 1,
    });
  });
  after(() => rm(folder, { recursive: true }));

  test("the losses of the first epochs match the wasm engine's, including dropout", () => {
    for (const [i, { curve, config }] of wasm.entries()) {
      const what = config.method?.name ?? "teacher";
      for (const name of ["loss", "valLoss"] as const)
        assertClosely(native[i]!.curve[name], curve[name], 1e-3, `${what} ${name}`);
      assertClosely([native[i]!.curve.loss[0]!], [curve.loss[0]!], 1e-4, `${what}'s first loss`);
    }
  });

  test("the results record which engine ran", () => {
    const flavour = nativeFlavour(requireNativeRecord());
    for (const { engine } of native) assert.deepEqual(engine, { name: "native", flavour });
    for (const { timing } of native) assert.equal(timing.threads, os.availableParallelism());
    for (const { engine } of wasm) assert.equal(engine.name, "abkd");
    for (const { timing } of wasm) assert.equal(timing.threads, 1);
  });

  test("a run of the other engine is not mistaken for this engine's", async () => {
    const student = configs[1]!;
    const runsDir = path.join(folder, "native");
    await assert.rejects(
      runTrials([student], { runsDir, engine: "wasm", resume: true }),
      /trained by the engine's tensorflow-\S+ flavour/,
    );
  });
});
