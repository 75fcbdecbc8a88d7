// The checkpoint: everything that decides how a run goes on, in one safetensors file.
import { existsSync } from "node:fs";
import { canonicalJson } from "../base/canonical.ts";
import { readBytes, writeAtomic } from "../base/files.ts";
import { JsonError, parseJson } from "../base/json.ts";
import { count, object, optional, real, text } from "../base/json-form.ts";
import { printable } from "../base/printable.ts";
import type { Inspection } from "../distillation/method.ts";
import {
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  type NamedArray,
  readMetadata,
  refuseInfinite,
} from "../formats/safetensors.ts";
import type { OptimiserState } from "../tensor/index.ts";
import type { EpochProgress } from "./batches.ts";
import { isOurs } from "./origin.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { inspectionForm } from "./run-form.ts";
import { runId } from "./run-id.ts";

const FORMAT = "abkd-checkpoint/2";

/** Numbers by parameter name, flat. */
export type Values = ReadonlyMap<string, Float32Array>;

/**
 * The state between two steps. Dropout draws from (seed, step), so no random state is needed:
 * equal states lead to equal bits.
 */
export interface TrainingState {
  /** Epochs done. */
  readonly epoch: number;
  /** Steps done, in all epochs. */
  readonly step: number;
  /** Progress of an epoch that has begun and is not done. */
  readonly within?: EpochProgress;
  /** The best epoch so far, counted from 1; the patience counts from it. */
  readonly bestEpoch: number;
  readonly curve: RunResult["curve"];
  /** The trained numbers now, and as they were at the best epoch. */
  readonly parameters: Values;
  readonly best: Values;
  readonly optimiser: OptimiserState;
  /** What the method reported before the first step. */
  readonly first?: Inspection;
  /** Seconds spent so far; for the timing only. */
  readonly seconds: number;
}

/** What a checkpoint belongs to: one of another run or another engine is refused. */
export interface CheckpointOwner {
  readonly config: RunConfig;
  /** Fingerprint of the graph and the split. */
  readonly data: string;
  readonly flavour: string;
}

/** Whether the numbers that training goes on from are finite: readCheckpoint() refuses all others. */
export function isFiniteState({ parameters, best, optimiser }: TrainingState): boolean {
  const arrays = [...parameters.values(), ...best.values(), ...Object.values(optimiser.moments)];
  return arrays.every((numbers) => numbers.every((x) => Number.isFinite(x)));
}

export function writeCheckpoint(path: string, owner: CheckpointOwner, state: TrainingState): void {
  const tensors = new Map<string, NamedArray>();
  const put = (group: string, values: Iterable<[string, Float32Array | Float64Array]>): void => {
    for (const [name, numbers] of values) {
      tensors.set(`${group}/${name}`, { shape: [numbers.length], values: numbers });
    }
  };
  put("parameters", state.parameters);
  put("best", state.best);
  const { moments, ...optimiser } = state.optimiser;
  put(optimiser.name, Object.entries(moments));
  put(
    "curve",
    Object.entries(state.curve).map(([name, numbers]) => [name, Float64Array.from(numbers)]),
  );
  const { epoch, step, within, bestEpoch, seconds, first } = state;
  const metadata = {
    format: FORMAT,
    ...ownerMetadata(owner),
    state: JSON.stringify({ epoch, step, within, bestEpoch, seconds, optimiser, first }),
  };
  writeAtomic(path, encodeSafetensors({ tensors, metadata }));
}

/** Returns the fingerprint of a checkpoint's data; undefined if it cannot be read. */
export function checkpointData(path: string): string | undefined {
  try {
    return readMetadata(path)["data"];
  } catch {
    return undefined; // there is no checkpoint, or readCheckpoint() says what is wrong with it
  }
}

/**
 * Reads the state at which the run stopped; returns undefined if there is no checkpoint.
 * @throws FormatError if the file is damaged or belongs to something else.
 */
export function readCheckpoint(path: string, owner: CheckpointOwner): TrainingState | undefined {
  if (!existsSync(path)) return undefined;
  const { tensors, metadata, digest } = decodeSafetensors(readBytes(path), path);
  const format = metadata["format"] ?? "";
  if (!isOurs(metadata, digest, path) || !format.startsWith("abkd-checkpoint/")) {
    throw new FormatError(`${path} is not a checkpoint of a run`);
  }
  if (format !== FORMAT) {
    throw new FormatError(`${path} is ${printable(format)}; this version reads ${FORMAT}`);
  }
  for (const [key, expected] of Object.entries(ownerMetadata(owner))) {
    if (metadata[key] === expected) continue;
    throw new FormatError(
      `${path} belongs to another run: its ${key} is ${printable(metadata[key] ?? "missing")}, ` +
        `not ${printable(expected)}`,
    );
  }
  const group = (prefix: string): Map<string, Float32Array> =>
    new Map(
      [...tensors]
        .filter(([name, { values }]) => name.startsWith(prefix) && values instanceof Float32Array)
        .map(([name, { values }]) => {
          refuseInfinite(values as Float32Array, name, path);
          return [name.slice(prefix.length), values as Float32Array];
        }),
    );
  const numbers = parseState(metadata["state"], path);
  const curve = (name: keyof RunResult["curve"]): number[] => {
    const values = tensors.get(`curve/${name}`)?.values;
    if (values?.length !== numbers.epoch) throw damaged(path, `its curve ${name} is cut off`);
    return [...values];
  };
  const { optimiser, ...rest } = numbers;
  return {
    ...rest,
    curve: {
      loss: curve("loss"),
      trainAccuracy: curve("trainAccuracy"),
      valLoss: curve("valLoss"),
      valAccuracy: curve("valAccuracy"),
    },
    parameters: group("parameters/"),
    best: group("best/"),
    optimiser: { ...optimiser, moments: Object.fromEntries(group(`${optimiser.name}/`)) },
  };
}

/** The part of the state that is stored as JSON. */
type StateNumbers = Pick<
  TrainingState,
  "epoch" | "step" | "within" | "bestEpoch" | "seconds" | "first"
> & { readonly optimiser: Pick<OptimiserState, "name" | "step"> };

const stateForm = object({
  epoch: count,
  step: count,
  within: optional(object({ steps: count, loss: real })),
  bestEpoch: count,
  seconds: real,
  optimiser: object({ name: text, step: count }),
  first: optional(inspectionForm),
});

function parseState(text: string | undefined, path: string): StateNumbers {
  let value: unknown;
  try {
    value = parseJson(text ?? "null");
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw damaged(path, `its state ${error.message}`);
  }
  if (stateForm(value, "") !== undefined) throw damaged(path, "its state is incomplete");
  const state = value as StateNumbers;
  const { epoch, step, within, bestEpoch, optimiser } = state;
  // An epoch has at least one step, and the best epoch is one of those done.
  if (optimiser.step !== step || step < epoch + (within?.steps ?? 0) || bestEpoch > epoch) {
    throw damaged(path, "its state contradicts itself");
  }
  return state;
}

function damaged(path: string, why: string): FormatError {
  return new FormatError(`${path} is damaged: ${why}`);
}

function ownerMetadata(owner: CheckpointOwner): Record<string, string> {
  return {
    run: runId(owner.config),
    config: canonicalJson(owner.config),
    data: owner.data,
    flavour: owner.flavour,
  };
}
