// Writes one small file of each kind of the project, with its reader, and files with a new digest.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonText, sealed } from "../../src/base/sealed-json.ts";
import { parseRecord, recordOf } from "../../src/experiments/trial-record.ts";
import { FormatError } from "../../src/formats/safetensors.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/training/checkpoint.ts";
import { decodeModel, encodeModel, encodeModelNpz } from "../../src/training/model-file.ts";
import type { RunResult } from "../../src/training/run.ts";
import { runId } from "../../src/training/run-id.ts";
import { readResult } from "../../src/training/run-store.ts";
import { smallConfig } from "./small.ts";

const config = smallConfig();
const shape = { features: 5, classes: 3 };
const { width } = config.model;

function array(...sides: number[]): { shape: number[]; values: Float32Array } {
  const size = sides.reduce((a, b) => a * b, 1);
  return { shape: sides, values: Float32Array.from({ length: size }, (_, k) => Math.sin(k + 1)) };
}

export const model = {
  ...{ config, shape, data: "0123456789abcdef", flavour: "fma" },
  parameters: new Map([
    ["input.weight", array(5, width)],
    ["input.bias", array(width)],
    ["convolution.0.weight", array(width, width)],
    ["convolution.1.weight", array(width, width)],
    ["convolution.2.weight", array(width, width)],
    ["output.weight", array(width, 3)],
    ["output.bias", array(3)],
  ]),
} as const;

export const result: RunResult = {
  format: "abkd-run/1",
  id: runId(config),
  config,
  engine: { name: "wasm", flavour: "fma" },
  versions: { abkd: "0.1.0", node: "24.0.0", tfjs: "4.22.0" },
  data: { nodes: 60, arcs: 240, features: 12, classes: 3, train: 24, val: 18, test: 18 },
  parameters: { model: 300, method: 0 },
  curve: {
    loss: [1.5, 1 / 3],
    trainAccuracy: [0.5, 2 / 3],
    valLoss: [1.1, 1.2],
    valAccuracy: [0.4, 0.3],
  },
  bestEpoch: 1,
  accuracy: { train: 2 / 3, val: 0.4, test: 0.8169014084507042 },
  dead: false,
  warnings: ["β is 0"],
  timing: { seconds: 1.25, secondsPerEpoch: 0.625 },
};

const owner = { config, data: model.data, flavour: "fma" };
const state = {
  ...{ epoch: 2, step: 2, bestEpoch: 1, curve: result.curve, seconds: 12.5 },
  parameters: new Map([["w", Float32Array.of(1, 2)]]),
  best: new Map([["w", Float32Array.of(3, 4)]]),
  optimiser: { name: "adam", step: 2, moments: { "w.first": Float32Array.of(5, 6) } },
  first: { scalars: { u: 0.1 }, matrices: { a: [[1, 2]] }, warnings: [] },
};

/** A kind of file: how it is written, and what reads it (and throws). */
export interface Kind {
  readonly name: string;
  readonly bytes: (folder: string) => Buffer;
  readonly read: (file: string, bytes: Buffer) => unknown;
}

function checkpointBytes(folder: string): Buffer {
  const file = join(folder, "written.safetensors");
  writeCheckpoint(file, owner, state);
  return readFileSync(file);
}

export const kinds: readonly Kind[] = [
  {
    name: "model.safetensors",
    bytes: () => Buffer.from(encodeModel(model)),
    read: (file, bytes) => decodeModel(bytes, file),
  },
  {
    name: "model.npz",
    bytes: () => Buffer.from(encodeModelNpz(model)),
    read: (file, bytes) => decodeModel(bytes, file),
  },
  {
    name: "checkpoint.safetensors",
    bytes: checkpointBytes,
    read(file, bytes) {
      writeFileSync(file, bytes);
      return readCheckpoint(file, owner);
    },
  },
  {
    name: "run.json",
    bytes: () => Buffer.from(jsonText(sealed(result))),
    read(file, bytes) {
      writeFileSync(file, bytes);
      return readResult(file);
    },
  },
  {
    name: "record.json",
    bytes: () => Buffer.from(jsonText(recordOf(result))),
    read(_, bytes) {
      const record = parseRecord(bytes.toString("utf8"), result.id);
      if (typeof record === "string") throw new FormatError(record);
      return record;
    },
  },
];

/** Corrects the digest of an altered safetensors file, as someone who wants to deceive would. */
export function resealed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const at = copy.indexOf('"digest":"') + 10;
  copy.write("0".repeat(64), at);
  copy.write(createHash("sha256").update(copy).digest("hex"), at);
  return copy;
}

/** Makes a safetensors file with any header, as another program (or nobody) would write it. */
export function crafted(header: unknown, data: Uint8Array = new Uint8Array(8)): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, data]);
}
