// Checkpoints: the state is read back whole, or refused with the reason.
import assert from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
} from "../../src/formats/safetensors.ts";
import {
  type CheckpointOwner,
  checkpointData,
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "../../src/training/checkpoint.ts";
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

test("a state is read back bit for bit; without a file there is none", (t) => {
  const path = join(temporaryFolder(t), "run", "checkpoint.safetensors");
  assert.equal(readCheckpoint(path, owner), undefined);
  writeCheckpoint(path, owner, state);
  assert.deepEqual(readCheckpoint(path, owner), state);
});

test("a stop within an epoch, and another optimiser's moments, are read back as well", (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  const { moments } = state.optimiser;
  const within: TrainingState = {
    ...state,
    ...{ step: 8, within: { steps: 2, loss: 0.3 } },
    optimiser: { name: "sgd", step: 8, moments },
  };
  writeCheckpoint(path, owner, within);
  assert.deepEqual(readCheckpoint(path, owner), within);
  for (const wrong of [
    { ...within, step: 9 },
    { ...within, step: 3, optimiser: { ...within.optimiser, step: 3 } },
    { ...within, bestEpoch: 3 },
  ]) {
    writeCheckpoint(path, owner, wrong);
    assert.throws(() => readCheckpoint(path, owner), { message: /its state contradicts itself/ });
  }
});

test("a checkpoint of another format version is refused by name", (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  writeCheckpoint(path, owner, state);
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
  const old = { ...metadata, format: "abkd-checkpoint/1" };
  writeFileSync(path, encodeSafetensors({ tensors, metadata: old }));
  assert.throws(() => readCheckpoint(path, owner), {
    name: "FormatError",
    message: /is abkd-checkpoint\/1; this version reads abkd-checkpoint\/2$/,
  });
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

test("the fingerprint of a checkpoint's data is read from its header alone", (t) => {
  const path = join(temporaryFolder(t), "checkpoint.safetensors");
  assert.equal(checkpointData(path), undefined);
  writeCheckpoint(path, owner, state);
  assert.equal(checkpointData(path), owner.data);
  const whole = readFileSync(path);
  const header = 8 + Number(whole.readBigUInt64LE());
  // A sparse file with arrays of terabytes, which nobody can read.
  writeFileSync(path, whole.subarray(0, header));
  truncateSync(path, 2 ** 41);
  assert.equal(checkpointData(path), owner.data);
  for (const length of [0, 4, header - 1]) {
    writeFileSync(path, whole.subarray(0, length));
    assert.equal(checkpointData(path), undefined);
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
