// Where runs are kept: one folder each, named by the hash of its configuration.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.ts";
import { runId } from "./canonical.ts";
import { type CheckpointOwner, checkpointData } from "./checkpoint.ts";
import { fileError, writeAtomic } from "./files.ts";
import { decodeModel, encodeModel, type ModelFile } from "./model-file.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { FormatError } from "./safetensors.ts";

/** Where runs go unless told otherwise, relative to the working directory. */
export const RUNS_FOLDER = "runs";

/** The files of one run. */
export interface RunFiles {
  readonly folder: string;
  /** The RunResult as JSON; written last, so where it is, the run is complete. */
  readonly result: string;
  /** The trained model at its best epoch. */
  readonly model: string;
  /** Only while the run is not complete. */
  readonly checkpoint: string;
  /** Where the run was profiled: its first steps, as chrome://tracing reads them. */
  readonly trace: string;
}

/**
 * `<runs>/<id>/` for distilled students, `<runs>/teachers/<id>/` for models trained alone, which
 * any number of runs reuse as their teacher.
 */
export function runFiles(runsDir: string, config: RunConfig): RunFiles {
  const alone = config.method === undefined;
  return filesIn(join(runsDir, ...(alone ? ["teachers"] : []), runId(config)));
}

function filesIn(folder: string): RunFiles {
  return {
    folder,
    result: join(folder, "run.json"),
    model: join(folder, "model.safetensors"),
    checkpoint: join(folder, "checkpoint.safetensors"),
    trace: join(folder, "trace.json"),
  };
}

/** Indented JSON with arrays of numbers on one line each. */
export function resultJson(result: RunResult): string {
  const text = JSON.stringify(result, null, 2);
  return `${text.replace(/\[[^[\]{}"]*\]/g, (array) => array.replace(/\n\s*/g, " "))}\n`;
}

/** The model first: a result is only there when its model is. */
export function writeRun(files: RunFiles, result: RunResult, model: ModelFile): void {
  writeAtomic(files.model, encodeModel(model));
  writeAtomic(files.result, resultJson(result));
}

/** A complete run. */
export interface StoredRun {
  readonly result: RunResult;
  readonly model: ModelFile;
}

/**
 * A run completed earlier, or undefined where there is none.
 * @throws FormatError where its files are damaged, or belong to other data or another engine.
 */
export function readRun(files: RunFiles, owner: CheckpointOwner): StoredRun | undefined {
  if (!existsSync(files.result)) return undefined;
  const result = readResult(files.result);
  const model = readModel(files.model);
  const id = runId(owner.config);
  if (result.id !== id || runId(model.config) !== id) {
    throw new FormatError(`${files.folder} holds another run: ${result.id}`);
  }
  if (model.data !== owner.data) {
    throw new FormatError(`${files.folder} was trained on other data of the same name`);
  }
  if (model.flavour !== owner.flavour) {
    throw new FormatError(
      `${files.folder} was trained by the engine's ${model.flavour} flavour, ` +
        `which differs in the last bits from ${owner.flavour}`,
    );
  }
  return { result, model };
}

/**
 * A run's id says nothing of the data: two graphs may go by one name.
 * @param name of the run, for the message
 * @param data fingerprint of the graph and the split that are to be trained on now
 * @throws UserError where the folder holds a run, or a checkpoint, of other data: neither is lost
 */
export function refuseOtherData(files: RunFiles, name: string, data: string): void {
  const there = [storedData(files), checkpointData(files.checkpoint)];
  if (there.every((found) => found === undefined || found === data)) return;
  throw new UserError(
    `${name}: ${files.folder} holds the same run on other data of that name; it is kept: ` +
      "choose another folder for runs, or move that one away",
  );
}

/** The fingerprint of the data of a finished run; undefined where there is none, or it is damaged. */
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
  let result: Partial<RunResult> | null;
  try {
    result = JSON.parse(readBytes(path).toString("utf8")) as Partial<RunResult> | null;
  } catch (error) {
    if (error instanceof SyntaxError) throw new FormatError(`${path} is damaged: it is not JSON`);
    throw error;
  }
  if (result?.format !== "abkd-run/1" || !result.config || result.id !== runId(result.config)) {
    throw new FormatError(`${path} is not the result of a run, or it was altered`);
  }
  return result as RunResult;
}

/** @throws FormatError, FileError */
export function readModel(path: string): ModelFile {
  return decodeModel(readBytes(path), path);
}

function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw fileError("read", path, cause, 2);
  }
}

/**
 * The files of a run as a user names it: its folder, or its id or the first digits of it.
 * @throws UserError where there is none, or more than one.
 */
export function findRun(name: string, runsDir: string): RunFiles {
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
    throw new UserError(`no complete run "${name}" in ${runsDir}: name its folder or its id`);
  }
  if (found.length > 1) {
    const folders = found.map(({ folder }) => folder).join(", ");
    throw new UserError(`"${name}" begins the ids of ${found.length} runs: ${folders}`);
  }
  return found[0]!;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
