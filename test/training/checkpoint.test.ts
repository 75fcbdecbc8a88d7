// Checkpoints: the state comes back whole, or the reason why not.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  type CheckpointOwner,
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "../../src/training/checkpoint.ts";
import { FormatError } from "../../src/training/safetensors.ts";
import { smallConfig, temporaryFolder } from "./small.ts";

const owner: CheckpointOwner = { config: smallConfig(), data: "0123", flavour: "fma" };

const state: TrainingState = {
  epoch: 2,
  step: 2,
  bestEpoch: 1,
  curve: {
    loss: [1.5, 1 / 3],
    trainAccuracy: [0.5, 0.6],
    valLoss: [1.1, 1.2],
    valAccuracy: [0.4, 0.3],
  },
  parameters: new Map([["w", Float32Array.of(1, 2)]]),
  best: new Map([["w", Float32Array.of(3, 4)]]),
  optimiser: {
    ...{ name: "adam", step: 2 },
    moments: { "w.first": Float32Array.of(5, 6), "w.second": Float32Array.of(7, 8) },
  },
  first: { scalars: { u: 0.1 }, matrices: { a: [[1, 2]] }, warnings: [] },
  seconds: 12.5,
};

test("a state comes back bit for bit; without a file there is none", (t) => {
  const path = join(temporaryFolder(t), "run", "checkpoint.safetensors");
  assert.equal(readCheckpoint(path, owner), undefined);
  writeCheckpoint(path, owner, state);
  assert.deepEqual(readCheckpoint(path, owner), state);
});

test("another run's, other data's and another engine's checkpoints are refused", (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  writeCheckpoint(path, owner, state);
  const others: [CheckpointOwner, RegExp][] = [
    [{ ...owner, config: { ...owner.config, seed: 9 } }, /belongs to another run: its run is/],
    [{ ...owner, data: "4567" }, /its data is 0123, not 4567/],
    [{ ...owner, flavour: "simd" }, /its flavour is fma, not simd/],
  ];
  for (const [other, message] of others) {
    assert.throws(() => readCheckpoint(path, other), { name: "FormatError", message });
  }
});

test("a cut or altered checkpoint is refused", (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  writeCheckpoint(path, owner, state);
  const whole = readFileSync(path);
  for (const text of ['\\"epoch\\":2', "curve/valLoss", "abkd-checkpoint/2"]) {
    const altered = Buffer.from(whole);
    altered[whole.indexOf(text) + text.length - 1]! ^= 1;
    writeFileSync(path, altered);
    assert.throws(() => readCheckpoint(path, owner), FormatError, text);
  }
  writeFileSync(path, whole.subarray(0, whole.length - 1));
  assert.throws(() => readCheckpoint(path, owner), FormatError);
});
