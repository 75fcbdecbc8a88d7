// A trained model as a file: its weights with the configuration that made them.
import * as tf from "@tensorflow/tfjs";
import { needObject, refuse } from "../arguments.ts";
import { toFloat32 } from "../datasets/arrays.ts";
import { NpzFile } from "../datasets/npz.ts";
import { JsonError, parseJson } from "../json.ts";
import { Gcnii, type GraphShape } from "../models/gcnii.ts";
import type { Model } from "../models/model.ts";
import { printable } from "../printable.ts";
import { canonicalJson, runId } from "./canonical.ts";
import { count, dictionary, type Form, object, text } from "./json-form.ts";
import { encodeNpz, type NpyArray, npzDigest } from "./npz.ts";
import { type DigestState, isOurs } from "./origin.ts";
import type { RunConfig } from "./run.ts";
import { configForm } from "./run-form.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  type NamedArray,
  refuseInfinite,
} from "./safetensors.ts";

const FORMAT = "abkd-model/1";

/** How the arrays give the logits, told to whoever reads the file without this library. */
const FORWARD =
  "X: features, each row divided by its sum; P = D^-1/2 (A + I) D^-1/2. " +
  "H0 = relu(X @ input.weight + input.bias); H = H0; for l = 0 .. layers - 1: " +
  "Z = (1 - alpha) P @ H + alpha H0; theta = log(lambda / (l + 1) + 1); " +
  "H = relu(theta Z @ convolution.l.weight + (1 - theta) Z); " +
  "logits = H @ output.weight + output.bias";

export interface ModelFile {
  readonly config: RunConfig;
  readonly shape: GraphShape;
  /** Fingerprint of the graph and the split it was trained on. */
  readonly data: string;
  readonly flavour: string;
  readonly parameters: ReadonlyMap<string, NamedArray & { readonly values: Float32Array }>;
}

const MODEL = "a model and what it is of, as readModel() gives it";

/** The model's parameters, copied out of the engine. */
export function modelParameters(model: Model): ModelFile["parameters"] {
  return new Map(
    model.parameters.map(({ name, variable }) => [
      name,
      { shape: variable.shape, values: variable.dataSync<"float32">() },
    ]),
  );
}

function metadataOf({ config, shape, data, flavour }: ModelFile): Record<string, string> {
  return {
    format: FORMAT,
    run: runId(config),
    config: canonicalJson(config),
    shape: canonicalJson(shape),
    data,
    flavour,
    forward: FORWARD,
  };
}

export function encodeModel(file: ModelFile): Uint8Array {
  needObject(file, "encodeModel: file", MODEL, "config", "shape", "parameters");
  return encodeSafetensors({ tensors: file.parameters, metadata: metadataOf(file) });
}

/** The same as npz; `metadata` is a |u1 array holding the UTF-8 text of a JSON object. */
export function encodeModelNpz(file: ModelFile): Uint8Array {
  needObject(file, "encodeModelNpz: file", MODEL, "config", "shape", "parameters");
  const text = Buffer.from(canonicalJson(metadataOf(file)));
  const metadata: [string, NpyArray] = ["metadata", { shape: [text.length], values: text }];
  return encodeNpz(new Map([metadata, ...file.parameters]));
}

/** A model as it was read, and whether a digest vouches for it. */
export interface ReadModelFile extends ModelFile {
  /** False for a file of another program, which has no digest. */
  readonly ours: boolean;
}

/**
 * Reads what encodeModel or encodeModelNpz wrote, or another program with the metadata `config` and
 * `shape`; tells the formats apart by their first bytes.
 * @throws FormatError, BadFileError
 */
export function decodeModel(bytes: Buffer, name: string): ReadModelFile {
  if (!Buffer.isBuffer(bytes)) refuse(bytes, "decodeModel: bytes", "a Buffer of a model file");
  const isZip = bytes.subarray(0, 4).toString("latin1") === "PK\x03\x04";
  const source = isZip ? npzSource(bytes, name) : safetensorsSource(bytes, name);
  const { metadata } = source;
  const ours = isOurs(metadata, source.digest, name);
  if (ours ? metadata["format"] !== FORMAT : metadata["config"] === undefined) {
    throw new FormatError(`${name} holds no model of ours: write one with abkd export`);
  }
  const config = parse<RunConfig>(metadata["config"], name, configForm);
  const shape = parse<GraphShape>(metadata["shape"], name, shapeForm);
  if (ours && metadata["run"] !== runId(config)) {
    throw new FormatError(`${name} is damaged: its configuration is not the one it names`);
  }
  const sizes = parameterShapes(config, shape, name);
  const parameters = new Map(
    [...sizes].map(([key, expected]) => {
      const found = source.array(key);
      if (found.shape.join() !== expected.join()) {
        throw new FormatError(
          `${name} is damaged: ${key} is [${found.shape}], its configuration needs [${expected}]`,
        );
      }
      refuseInfinite(found.values, key, name);
      return [key, found] as const;
    }),
  );
  const { data = "", flavour = "" } = metadata;
  return { config, shape, data, flavour, parameters, ours };
}

const shapeForm = object({ features: count, classes: count });

/** The model with the file's parameters, on the engine (which must have been started). */
export function restoreModel(file: ModelFile): Gcnii {
  needObject(file, "restoreModel: file", MODEL, "config", "shape", "parameters");
  const { config, shape, parameters } = file;
  const model = new Gcnii(config.model, shape, config.seed);
  for (const { name, variable } of model.parameters) {
    tf.tidy(() => variable.assign(tf.tensor(parameters.get(name)!.values, variable.shape)));
  }
  return model;
}

interface Source {
  readonly metadata: Readonly<Record<string, string>>;
  readonly digest: DigestState;
  array(name: string): NamedArray & { readonly values: Float32Array };
}

function safetensorsSource(bytes: Uint8Array, name: string): Source {
  const { tensors, metadata, digest } = decodeSafetensors(bytes, name);
  return {
    metadata,
    digest,
    array(key) {
      const found = tensors.get(key);
      if (!(found?.values instanceof Float32Array)) {
        throw new FormatError(`${name} is damaged: it has no float array ${key}`);
      }
      return { shape: found.shape, values: found.values };
    },
  };
}

function npzSource(bytes: Buffer, name: string): Source {
  const npz = new NpzFile(bytes, name);
  const written = Buffer.from(npz.array("metadata").bytes).toString("utf8");
  return {
    metadata: parse<Record<string, string>>(written, name, dictionary(text)),
    digest: npzDigest(bytes),
    array(key) {
      const raw = npz.array(key);
      if (raw.fortranOrder) throw new FormatError(`${name}: ${key} is in Fortran order`);
      return { shape: raw.shape, values: toFloat32(raw, npz.where(key)) };
    },
  };
}

function parse<T>(written: string | undefined, name: string, form: Form): T {
  const damaged = (why: string): FormatError => new FormatError(`${name} is damaged: ${why}`);
  if (written === undefined) throw damaged("its metadata are not complete");
  let value: unknown;
  try {
    value = parseJson(written);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw damaged(`a text of its metadata ${error.message}`);
  }
  const misfit = form(value, "");
  if (misfit === undefined) return value as T;
  throw damaged(`${printable(misfit) || "a part"} of its metadata is not what it should be`);
}

/** More layers than this are taken for damage, before memory is spent on them. */
const MOST_LAYERS = 4096;

/** Shape of each parameter, from the configuration alone (GCNII). */
function parameterShapes(
  { model }: RunConfig,
  { features, classes }: GraphShape,
  name: string,
): Map<string, readonly number[]> {
  const sizes = [model?.layers, model?.width, features, classes];
  const proper = sizes.every((n) => Number.isSafeInteger(n) && n > 0);
  if (!proper || model.layers > MOST_LAYERS) {
    throw new FormatError(`${name} is damaged: its configuration has no proper sizes`);
  }
  const { layers, width } = model;
  const convolutions = Array.from(
    { length: layers },
    (_, l) => [`convolution.${l}.weight`, [width, width]] as const,
  );
  return new Map<string, readonly number[]>([
    ["input.weight", [features, width]],
    ["input.bias", [width]],
    ...convolutions,
    ["output.weight", [width, classes]],
    ["output.bias", [classes]],
  ]);
}
