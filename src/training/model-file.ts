// A trained model as a file: its weights with the configuration that made them.
import * as tf from "@tensorflow/tfjs";
import { needObject, refuse } from "../base/arguments.ts";
import { canonicalJson } from "../base/canonical.ts";
import { OptionError } from "../base/errors.ts";
import { JsonError, parseJson } from "../base/json.ts";
import {
  count,
  dictionary,
  type Form,
  just,
  list,
  object,
  optional,
  text,
} from "../base/json-form.ts";
import { printable } from "../base/printable.ts";
import { studentCount } from "../distillation/registry.ts";
import { toFloat32 } from "../formats/arrays.ts";
import { NpzFile } from "../formats/npz.ts";
import { encodeNpz, type NpyArray, npzDigest } from "../formats/npz-writer.ts";
import {
  type ByteArray,
  type DigestState,
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  type NamedArray,
  refuseInfinite,
} from "../formats/safetensors.ts";
import type { GraphShape, Model } from "../models/model.ts";
import { type PrecisionConfig, precisionOf } from "../models/precision/precision.ts";
import {
  Quantised,
  rangeShapes,
  roundedNames,
  WEIGHT_RANGES,
} from "../models/precision/quantised.ts";
import {
  createModel,
  findModel,
  type ModelConfig,
  type ModelOf,
  modelShapes,
} from "../models/registry.ts";
import { studentPrefix } from "../models/students.ts";
import { factsIn, factsText, featuresText, type GraphFacts } from "./graph-facts.ts";
import { readShape } from "./inputs.ts";
import { CODES_TEXT, floatsOf, storedArrays } from "./integer-arrays.ts";
import { isOurs } from "./origin.ts";
import type { RunConfig } from "./run.ts";
import { configForm } from "./run-form.ts";
import { runId } from "./run-id.ts";

/** The name of the model in a run's folder. */
export const MODEL_NAME = "model.safetensors";

const FORMAT = "abkd-model/1";

/** A trained model, as in its file. `M`: the configuration of its kind, if that is known. */
export interface ModelFile<M extends ModelConfig = ModelConfig> extends GraphFacts {
  readonly config: RunConfig<M>;
  readonly shape: GraphShape;
  /** Fingerprint of the graph and the split that it was trained on. */
  readonly data: string;
  readonly flavour: string;
  /** The parameters, and the buffers that are saved with them but not trained. */
  readonly parameters: ReadonlyMap<string, NamedArray & { readonly values: Float32Array }>;
}

const MODEL = "a model with its configuration, as returned by readModel()";

/** Copies the model's parameters and buffers out of the engine. */
export function modelParameters(model: Model): ModelFile["parameters"] {
  return new Map(
    [...model.parameters, ...(model.buffers ?? [])].map(({ name, variable }) => [
      name,
      { shape: variable.shape, values: variable.dataSync<"float32">() },
    ]),
  );
}

/** What its files say about a model, for readers with and without this library. */
export function modelMetadata({
  config,
  shape,
  data,
  flavour,
  ...facts
}: ModelFile): Record<string, string> {
  return {
    format: FORMAT,
    run: runId(config),
    config: canonicalJson(config),
    shape: canonicalJson(shape),
    ...factsText(facts),
    data,
    flavour,
    // For whoever reads the file without this library.
    forward:
      featuresText(config, facts) +
      (config.training?.precision ? CODES_TEXT : "") +
      findModel(config.model.kind).forwardText,
  };
}

export function encodeModel(file: ModelFile): Uint8Array {
  needObject(file, "encodeModel: file", MODEL, "config", "shape", "parameters");
  const { precision } = file.config.training;
  const tensors = precision
    ? storedArrays(file.parameters, ownShapes(file).parameters, precision)
    : file.parameters;
  return encodeSafetensors({ tensors, metadata: modelMetadata(file) });
}

/** The shapes of one student of a file. */
const ownShapes = ({ config, shape }: Pick<ModelFile, "config" | "shape">) =>
  modelShapes(config.model, readShape(config, shape));

/** Encodes the same as npz, matrices as float32 whatever the precision; `metadata` is a |u1 array with the UTF-8 text of a JSON object. */
export function encodeModelNpz(file: ModelFile): Uint8Array {
  needObject(file, "encodeModelNpz: file", MODEL, "config", "shape", "parameters");
  const text = Buffer.from(canonicalJson(modelMetadata(file)));
  const metadata: [string, NpyArray] = ["metadata", { shape: [text.length], values: text }];
  return encodeNpz(new Map([metadata, ...file.parameters]));
}

/** A model as it was read, and whether a digest vouches for it. */
export interface ReadModelFile extends ModelFile {
  /** False for another program's file, which has no digest. */
  readonly ours: boolean;
}

/**
 * Reads what encodeModel or encodeModelNpz wrote, or another program with the metadata `config` and
 * `shape`; tells the formats apart by their first bytes.
 * @param student which one, from 1, if the run trained several
 * @throws FormatError, BadFileError; OptionError for a student that the file does not hold
 */
export function decodeModel(bytes: Buffer, name: string, student = 1): ReadModelFile {
  if (!Buffer.isBuffer(bytes)) refuse(bytes, "decodeModel: bytes", "a Buffer of a model file");
  const isZip = bytes.subarray(0, 4).toString("latin1") === "PK\x03\x04";
  const source = isZip ? npzSource(bytes, name) : safetensorsSource(bytes, name);
  const { metadata } = source;
  const ours = isOurs(metadata, source.digest, name);
  if (ours ? metadata["format"] !== FORMAT : metadata["config"] === undefined) {
    throw new FormatError(`${name} is not an abkd model: write one with abkd export`);
  }
  const config = parse<RunConfig>(metadata["config"], name, configForm);
  const shape = parse<GraphShape>(metadata["shape"], name, shapeForm);
  if (ours && metadata["run"] !== runId(config)) {
    throw new FormatError(`${name} is damaged: its configuration is not the one it names`);
  }
  const most = studentCount(config.method);
  if (!Number.isInteger(student) || student < 1 || student > most) {
    throw new OptionError(`${name}: there is no student ${student}; legal: 1 to ${most}`);
  }
  const expectedShapes = parameterShapes(config, shape, name);
  const arrayIn = withCodes(config, shape, name);
  const parameters = new Map(
    [...expectedShapes].map(([key, expected]) => {
      const found = arrayIn(source, studentPrefix(student), key, expected);
      if (found.shape.join() !== expected.join()) {
        throw new FormatError(
          `${name} is damaged: ${key} is [${found.shape}], but its configuration needs [${expected}]`,
        );
      }
      refuseInfinite(found.values, key, name);
      return [key, found] as const;
    }),
  );
  const { data = "", flavour = "" } = metadata;
  const sizes = { classes: shape.classes, features: readShape(config, shape).features };
  const facts = factsIn(metadata, sizes, (written, form) => parse(written, name, form), name);
  return { config, shape, ...facts, data, flavour, parameters, ours };
}

/** Returns a function that reads an array of a model, also where a file of low precision has codes. */
function withCodes(config: RunConfig, shape: GraphShape, file: string) {
  const { precision } = config.training;
  const names = precision ? roundedNames(ownShapes({ config, shape }).parameters) : [];
  return (source: Source, prefix: string, key: string, expected: readonly number[]) => {
    const stored = precision && names.includes(key) ? source.bytes(prefix + key) : undefined;
    if (!precision || !stored) return source.array(prefix + key);
    const { values: ranges } = source.array(prefix + WEIGHT_RANGES);
    return floatsOf(stored, key, { shape: expected, names, ranges, precision }, file);
  };
}

const RELATION = object({ name: text, source: text, target: text });
const TYPE = object({ name: text, nodes: count, featureless: optional(just(true)) });
const shapeForm = object({
  features: count,
  classes: count,
  relational: optional(object({ types: list(TYPE), relations: list(RELATION) })),
  nodes: optional(count),
});

/** Makes the model with the file's parameters on the engine, which must have been started. */
export function restoreModel<M extends ModelConfig>(file: ModelFile<M>): ModelOf<M> {
  needObject(file, "restoreModel: file", MODEL, "config", "shape", "parameters");
  const { config, shape, parameters } = file;
  const { precision } = config.training;
  return modelWith(config.model, readShape(config, shape), parameters, precision);
}

/** Makes a model with these parameters and buffers, which are all of its own. */
export function modelWith<M extends ModelConfig>(
  config: M,
  shape: GraphShape,
  parameters: ModelFile["parameters"],
  precision?: PrecisionConfig,
): ModelOf<M> {
  const model = inPrecision(createModel(config, shape, 1), precision);
  for (const { name, variable } of [...model.parameters, ...(model.buffers ?? [])]) {
    tf.tidy(() => variable.assign(tf.tensor(parameters.get(name)!.values, variable.shape)));
  }
  return model;
}

/**
 * Returns the model as its training and its readers run it: in low precision, if the configuration says so.
 * @param chances see Quantised
 */
export function inPrecision<M extends Model>(
  model: M,
  precision: PrecisionConfig | undefined,
  chances?: Float32Array,
): M {
  if (!precision) return model;
  // What a kind's models have beside a model's parts is not there.
  return new Quantised(model, precisionOf(precision), chances) as unknown as M;
}

interface Source {
  readonly metadata: Readonly<Record<string, string>>;
  readonly digest: DigestState;
  array(name: string): NamedArray & { readonly values: Float32Array };
  /** An array of bytes, if there is one of this name. */
  bytes(name: string): ByteArray | undefined;
}

function safetensorsSource(bytes: Uint8Array, name: string): Source {
  const {
    tensors,
    bytes: small,
    metadata,
    digest,
  } = decodeSafetensors(bytes, name, undefined, true);
  return {
    metadata,
    digest,
    bytes: (key) => small.get(key),
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
    bytes: () => undefined,
    array(key) {
      const raw = npz.array(key);
      if (raw.fortranOrder) throw new FormatError(`${name}: ${key} is in Fortran order`);
      return { shape: raw.shape, values: toFloat32(raw, npz.where(key)) };
    },
  };
}

function parse<T>(written: string | undefined, name: string, form: Form): T {
  const damaged = (why: string): FormatError => new FormatError(`${name} is damaged: ${why}`);
  if (written === undefined) throw damaged("its metadata is incomplete");
  let value: unknown;
  try {
    value = parseJson(written);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw damaged(`a part of its metadata ${error.message}`);
  }
  const misfit = form(value, "");
  if (misfit === undefined) return value as T;
  throw damaged(`${printable(misfit) || "a part"} of its metadata is not what it should be`);
}

/** Returns the shape of each parameter and buffer, from the configuration alone. */
function parameterShapes(
  config: RunConfig,
  shape: GraphShape,
  name: string,
): Map<string, readonly number[]> {
  const { features, classes, relational, nodes } = shape;
  if (features === 0 || classes === 0 || relational?.types.length === 0 || nodes === 0) {
    throw new FormatError(`${name} is damaged: its graph has no features, classes, types or nodes`);
  }
  const last = config.features?.at(-1);
  if (config.features && !(last !== undefined && last < shape.features)) {
    throw new FormatError(`${name} is damaged: it reads features that its graph does not have`);
  }
  return savedShapes(config, shape);
}

/** Returns the shape of all that a run's model file holds, by name. @param shape the whole graph's sizes */
export function savedShapes(config: RunConfig, shape: GraphShape): Map<string, readonly number[]> {
  const shapes = ownShapes({ config, shape });
  const ranges = config.training.precision ? rangeShapes(shapes) : [];
  return new Map([...shapes.parameters, ...shapes.buffers, ...ranges]);
}
