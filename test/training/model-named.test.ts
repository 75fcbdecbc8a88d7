// A model is named by its file or its run's folder; for any other path the message says what may be meant.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readModelFile } from "../../src/training/apply.ts";
import { encodeModel } from "../../src/training/model-file.ts";
import { CONFIGS, modelOf, oddGraph } from "../student/models.ts";
import { temporaryFolder } from "./small.ts";

test("a path that is no model is refused with what may be meant", (t) => {
  const folder = temporaryFolder(t);
  const at = (...parts: string[]): string => join(folder, ...parts);
  for (const name of ["empty", "run", "compressed", "other"]) mkdirSync(at(name));
  const bytes = encodeModel(modelOf(CONFIGS[0]!, oddGraph()));
  writeFileSync(at("run", "model.safetensors"), bytes);
  writeFileSync(at("compressed", "student.safetensors"), bytes);
  writeFileSync(at("other", "notes.txt"), "?");
  writeFileSync(at("nodes.csv"), "id,label\na,b\n");
  assert.equal(readModelFile(at("run")).shape.features, 9);
  const cases: [string, RegExp][] = [
    [
      at("empty"),
      /empty is an empty folder; name a model's file \(.*\) or a finished run's folder/,
    ],
    [at("other"), /other is a folder without model\.safetensors; name a model's file/],
    [at("compressed"), /a folder without .*; did you mean .*compressed\/student\.safetensors\?$/],
    [folder, /a folder without model\.safetensors; did you mean .*\/run\?$/],
    [at("absent"), /absent: there is no such file or folder; name a model's file/],
    [at("nodes.csv"), /nodes\.csv is no safetensors file, nor npz: it is text$/],
  ];
  for (const [path, message] of cases) assert.throws(() => readModelFile(path), message);
});
