// Flips every bit of each kind of file of ours, and 500 bits of a committed teacher: all are refused.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeModel } from "../../src/training/model-file.ts";
import { readResult } from "../../src/training/run-store.ts";
import { accepted, spread } from "./flips.ts";
import { type Kind, kinds } from "./own-files.ts";
import { temporaryFolder } from "./small.ts";

for (const kind of kinds) {
  test(`${kind.name}: every flipped bit is refused`, (t) => {
    const folder = temporaryFolder(t);
    const whole = kind.bytes(folder);
    const bits = Array.from({ length: 8 * whole.length }, (_, bit) => bit);
    t.diagnostic(`${bits.length} bits`);
    assert.deepEqual(accepted(kind, whole, bits, folder), []);
  });
}

const TEACHER = new URL("../../results/runs/teachers/52b49e167b098297/", import.meta.url).pathname;

const committed: readonly Kind[] = [
  {
    name: "model.safetensors",
    bytes: () => readFileSync(join(TEACHER, "model.safetensors")),
    read: (file, bytes) => decodeModel(bytes, file),
  },
  {
    name: "run.json",
    bytes: () => readFileSync(join(TEACHER, "run.json")),
    read(file, bytes) {
      writeFileSync(file, bytes);
      return readResult(file);
    },
  },
];

for (const kind of committed) {
  test(`the committed teacher's ${kind.name}: 500 flipped bits in header and payload are refused`, (t) => {
    const folder = temporaryFolder(t);
    const whole = kind.bytes(folder);
    kind.read(join(folder, kind.name), whole);
    const header = Array.from({ length: 250 }, (_, k) => 13 * k);
    const bits = [...new Set([...header, ...spread(whole, 250)])];
    assert.deepEqual(accepted(kind, whole, bits, folder), []);
  });
}
