// Which engine --engine chooses, with and without a build, in a separate folder.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import type { chooseEngine as Choose } from "../../src/tensor/engine/choice.ts";

const root = path.resolve(import.meta.dirname, "../..");
let folder: string;
let chooseEngine: typeof Choose;

before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "abkd-choice-"));
  for (const file of [
    "src/base/errors.ts",
    "src/base/json.ts",
    "src/base/printable.ts",
    "src/tensor/engine/choice.ts",
    "src/tensor/native/build.ts",
  ])
    await cp(path.join(root, file), path.join(folder, file));
  await writeFile(path.join(folder, "package.json"), '{ "type": "module" }');
  const module = await import(path.join(folder, "src/tensor/engine/choice.ts"));
  chooseEngine = (module as { chooseEngine: typeof Choose }).chooseEngine;
});
after(() => rm(folder, { recursive: true }));

const build = async (fasterFromWidth: number | null): Promise<void> => {
  const native = path.join(folder, "build/native");
  await mkdir(native, { recursive: true });
  await writeFile(path.join(native, "tfjs_binding.node"), "");
  await writeFile(path.join(native, "native.json"), JSON.stringify({ fasterFromWidth }));
};

test("without a build, auto means wasm, and native says what to do", () => {
  assert.equal(chooseEngine("auto", 4096), "wasm");
  assert.equal(chooseEngine("wasm", 4096), "wasm");
  assert.throws(() => chooseEngine("native", 64), {
    message: "the native engine is not built: run `npm run native`, or use --engine wasm",
  });
});

test("with a build, auto goes by the measured width", async () => {
  await build(256);
  assert.deepEqual(
    [4, 255, 256, 512].map((width) => chooseEngine("auto", width)),
    ["wasm", "wasm", "native", "native"],
  );
  assert.equal(chooseEngine("native", 4), "native");
  assert.equal(chooseEngine("wasm", 512), "wasm");
  await build(null);
  assert.equal(chooseEngine("auto", 4096), "wasm");
});

test("an unknown name is rejected, with the known ones", () => {
  assert.throws(() => chooseEngine("cuda" as "auto", 64), /cuda is not one of auto, wasm, native/);
});
