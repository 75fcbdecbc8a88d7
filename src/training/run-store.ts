// Stores runs: one folder per run, named by the hash of its configuration.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CONFIG, needObject, needText } from "../base/arguments.ts";
import { UserError } from "../base/errors.ts";
import { readBytes, readText, removeFile, writeAtomic } from "../base/files.ts";
import { printable } from "../base/printable.ts";
import { jsonText, openSealed, type Sealed, sealed } from "../base/sealed-json.ts";
import { sha256 } from "../base/sha256.ts";
import { FormatError } from "../formats/safetensors.ts";
import { type CheckpointOwner, checkpointData } from "./checkpoint.ts";
import { decodeModel, encodeModel, MODEL_NAME, type ModelFile } from "./model-file.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { resultForm } from "./run-form.ts";
import { runId } from "./run-id.ts";

/** The default folder of runs, relative to the working directory. */
export const RUNS_FOLDER = "runs";

/** The files of one run. */
export interface RunFiles {
  readonly folder: string;
  /** The RunResult as JSON; if it exists, the run is complete and `model` is the one that it names. */
  readonly result: string;
  /** The trained model at its best epoch. */
  readonly model: string;
  /** The model at the best epoch so far, when the run was last stopped; removed when the run is complete. */
  readonly stopped: string;
  /** The training's latest state; removed when the run is complete. */
  readonly checkpoint: string;
  /** If the run was profiled: its first steps, as chrome://tracing reads them. */
  readonly trace: string;
}

/**
 * Returns `<runs>/<id>/` for a distilled student, `<runs>/teachers/<id>/` for a model trained alone,
 * which any number of runs reuse as their teacher.
 */
export function runFiles(runsDir: string, config: RunConfig): RunFiles {
  needText(runsDir, "runFiles: runsDir", "the folder of runs");
  needObject(config, "runFiles: config", CONFIG, "dataset", "model");
  const alone = config.method === undefined;
  return filesIn(join(runsDir, ...(alone ? ["teachers"] : []), runId(config)));
}

function filesIn(folder: string): RunFiles {
  return {
    folder,
    result: join(folder, "run.json"),
    model: join(folder, MODEL_NAME),
    stopped: join(folder, "stopped.safetensors"),
    checkpoint: join(folder, "checkpoint.safetensors"),
    trace: join(folder, "trace.json"),
  };
}

/**
 * Writes a finished run's files and removes its checkpoint and its stopped model.
 * @returns the result as it was written, which names its model
 * @throws FileError
 */
export function writeRun(files: RunFiles, result: RunResult, model: ModelFile): RunResult {
  const bytes = encodeModel(model);
  const { timing, ...rest } = result;
  const named = { ...rest, modelSha256: sha256(bytes), timing };
  replaceRun(files, bytes, jsonText(sealed(named)));
  for (const left of [files.checkpoint, files.stopped]) removeFile(left);
  return named;
}

/**
 * Writes both files of a complete run so that no result is ever beside a model of other bytes, wherever
 * this process is killed: an earlier result is removed before its model is replaced. If the model stays,
 * as between processes that train the same run, the result is there all the time.
 * @param result the result's text
 * @throws FileError
 */
export function replaceRun(files: RunFiles, model: Uint8Array, result: string): void {
  if (!existsSync(files.model) || !readBytes(files.model).equals(model)) {
    removeFile(files.result);
    writeAtomic(files.model, model);
  }
  writeAtomic(files.result, result);
}

/** Writes a stopped run's best model so far; an earlier result and its model stay as they are. */
export function writeStoppedModel(files: RunFiles, model: ModelFile): void {
  writeAtomic(files.stopped, encodeModel(model));
}

/** A complete run. */
export interface StoredRun {
  readonly result: RunResult;
  readonly model: ModelFile;
}

/**
 * Reads a run completed earlier; returns undefined if there is none.
 * @throws FormatError if its files are damaged, or belong to other data or another engine.
 */
export function readRun(files: RunFiles, owner: CheckpointOwner): StoredRun | undefined {
  if (!existsSync(files.result)) return undefined;
  const stored = readFiles(files);
  const { result, model } = stored;
  const id = runId(owner.config);
  if (result.id !== id) throw new FormatError(`${files.folder} holds another run: ${result.id}`);
  if (model.data !== owner.data) {
    throw new FormatError(`${files.folder} was trained on other data of the same name`);
  }
  if (model.flavour !== owner.flavour) {
    throw new FormatError(
      `${files.folder} was trained by the engine's ${model.flavour} flavour, ` +
        `which differs in the last bits from ${owner.flavour}`,
    );
  }
  return stored;
}

/**
 * Reads the two files of a complete run, whatever data and engine it was trained with.
 * @throws FormatError if they are damaged or of different runs; FileError
 */
export function readFiles(files: RunFiles): StoredRun {
  const result = readResult(files.result);
  const bytes = readBytes(files.model, 2);
  const model = ownModel(bytes, files.model);
  const { id, modelSha256 } = result;
  const fits = modelSha256 === undefined || modelSha256 === sha256(bytes);
  if (runId(model.config) !== id || !fits) {
    throw new FormatError(`${files.folder} holds the result of one run and the model of another`);
  }
  return { result, model };
}

/** Whether both files of a run exist and are undamaged. */
export function isSound(files: RunFiles): boolean {
  try {
    readFiles(files);
    return true;
  } catch (error) {
    if (error instanceof UserError) return false;
    throw error;
  }
}

/**
 * Protects runs on other data: a run's id says nothing about the data, and two graphs may have one name.
 * @param name the run's name, for the message
 * @param data fingerprint of the graph and the split to be trained on now
 * @throws UserError if the folder holds a run or a checkpoint of other data; both are kept
 */
export function refuseOtherData(files: RunFiles, name: string, data: string): void {
  const there = [storedData(files), checkpointData(files.checkpoint)];
  if (there.every((found) => found === undefined || found === data)) return;
  throw new UserError(
    `${name}: ${files.folder} holds the same run on other data of that name; it is kept: ` +
      "choose another folder for runs, or move that one away",
  );
}

/** Returns the fingerprint of a finished run's data; undefined if there is none or it is damaged. */
function storedData({ result, model }: RunFiles): string | undefined {
  if (!existsSync(result)) return undefined;
  try {
    return readResult(result).data.fingerprint ?? readModel(model).data;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

/** @throws FormatError, FileError */
export function readResult(path: string): RunResult {
  needText(path, "readResult: path", "the path of a file");
  const text = readText(path, 2);
  const found = openSealed<RunResult & Sealed>(text, "abkd-run/1", resultForm);
  if (typeof found === "string") throw new FormatError(`${path} ${found}`);
  const { digest: _, ...result } = found;
  if (result.id !== runId(result.config)) {
    throw new FormatError(`${path} is damaged: its id is not that of its configuration`);
  }
  return result;
}

/**
 * @param student which one, from 1, if the run trained several
 * @throws FormatError, FileError; OptionError for a student that is missing
 */
export function readModel(path: string, student = 1): ModelFile {
  needText(path, "readModel: path", "the path of a file");
  return ownModel(readBytes(path, 2), path, student);
}

function ownModel(bytes: Buffer, path: string, student = 1): ModelFile {
  const { ours, ...model } = decodeModel(bytes, path, student);
  if (!ours) throw new FormatError(`${path} was not written by abkd`);
  return model;
}

/**
 * Finds the files of a run by its folder, its id or the first digits of its id.
 * @throws UserError if there is none, or more than one.
 */
export function findRun(name: string, runsDir: string): RunFiles {
  needText(name, "findRun: name", "a run's folder, its id or the first digits of its id");
  needText(runsDir, "findRun: runsDir", "the folder of runs");
  if (existsSync(join(name, "run.json"))) return filesIn(name);
  const found = [runsDir, join(runsDir, "teachers")].flatMap((folder) =>
    isFolder(folder)
      ? readdirSync(folder)
          .filter((id) => /^[0-9a-f]{16}$/.test(id) && id.startsWith(name))
          .map((id) => filesIn(join(folder, id)))
          .filter(({ result }) => existsSync(result))
      : [],
  );
  if (found.length === 0) {
    throw new UserError(
      `no complete run "${printable(name)}" in ${runsDir}: name its folder or its id`,
    );
  }
  if (found.length > 1) {
    const folders = found.map(({ folder }) => folder).join(", ");
    throw new UserError(`"${printable(name)}" begins the ids of ${found.length} runs: ${folders}`);
  }
  return found[0]!;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
