// Distils a student from its dataset, teacher and method, in one call.
import path from "node:path";
import { inspect } from "node:util";
import {
  checkKeys,
  checkValues,
  LEGAL,
  type Legal,
  needObject,
  needText,
  refuse,
} from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import type { Suggested } from "../base/suggested.ts";
import {
  DATASET_NAMES,
  type DataOptions,
  type DatasetName,
  importDataset,
  isOwn,
  LEGAL_SPLIT,
  loadDataset,
  loadSplit,
  nameSets,
  type OwnSplit,
  ownSplit,
  registerDataset,
  type SplitName,
} from "../datasets/index.ts";
import { percent } from "../display/format.ts";
import type { MethodName } from "../distillation/registry.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { findModel, type ModelName, models, modelTitle } from "../models/registry.ts";
import { evaluate, readModelFile } from "./apply.ts";
import { TRIALS_OPTIONS } from "./beforehand.ts";
import { fingerprint } from "./inputs.ts";
import { encodeModel, encodeModelNpz, type ModelFile } from "./model-file.ts";
import {
  type Changes,
  type Subject,
  studentConfig,
  TEACHER_SEED,
  teacherConfig,
} from "./recipes.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { describeRun } from "./run-id.ts";
import { RUNS_FOLDER, readModel, runFiles } from "./run-store.ts";
import { loadTeacherOutputs, type TeacherOutputs } from "./teacher-outputs.ts";
import { loadTeacher, namesRun } from "./teacher-weights.ts";
import { InterruptedError } from "./train.ts";
import { runTrials, type TrialsOptions } from "./trials.ts";

/**
 * A model to train: a kind's name (its recipe for the dataset), changes to a recipe, a whole run's
 * configuration, an object with one (a result, a trained model), or the path of a model file. A teacher's file may
 * be another program's, see loadTeacher().
 */
export type GivenModel<Kind extends string> =
  | Kind
  | Pick<Changes<string, Kind>, "model" | "training" | "recipe">
  | RunConfig
  | { readonly config: RunConfig };

/** What to distil, and the options of runTrials(), which decide where and how it is trained. */
export interface DistillRequest<
  Name extends Suggested<MethodName> = string,
  Kind extends Suggested<ModelName> = string,
  TeacherKind extends Suggested<ModelName> = string,
> extends Omit<TrialsOptions, "workers" | "profile" | "recorded">,
    Pick<Changes<Name>, "options" | "preset">,
    Pick<Subject, "order"> {
  /** A dataset's name or a graph; a graph of your own is then known by its name. */
  readonly dataset: Suggested<DatasetName> | Graph;
  /** The dataset's usual one if left out; with a graph of your own its sets of nodes, or masks. */
  readonly split?: Suggested<SplitName> | OwnSplit;
  /**
   * The dataset's GCNII 64L-64H if left out. Its run is taken from the folder of runs, or trained first. `outputs`:
   * of a teacher that another program trained, as loadTeacherOutputs() takes them.
   */
  readonly teacher?:
    | GivenModel<TeacherKind>
    | { readonly outputs: Parameters<typeof loadTeacherOutputs>[0] };
  /** The method's GCNII 4L-4H if left out. It starts anew, even if a trained one is given. */
  readonly student?: GivenModel<Kind>;
  /** `abkd` if left out. */
  readonly method?: Name;
  /** Seed of the student's initial weights and dropout; by default 1. */
  readonly seed?: number;
  /** Seed of a teacher that is not given as a run; one teacher serves the students of all seeds. */
  readonly teacherSeed?: number;
}

const anything: Legal = { words: "", is: () => true };
const seeds: Legal = {
  words: `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  is: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};

const OPTIONS: Readonly<Record<Exclude<keyof DistillRequest, keyof TrialsOptions>, Legal>> = {
  // These three are checked as they are read.
  dataset: anything,
  teacher: anything,
  student: anything,
  split: LEGAL_SPLIT,
  order: { words: '"locality"', is: (value) => value === "locality" },
  method: { ...LEGAL.name, words: "the name of a method" },
  options: { ...LEGAL.object, words: "an object with the method's options" },
  preset: { ...LEGAL.name, words: "the name of one of the method's presets" },
  seed: seeds,
  teacherSeed: seeds,
};
const LEFT_TO_TRIALS = TRIALS_OPTIONS.filter(
  (name) => !["workers", "profile", "recorded"].includes(name),
);

/**
 * A trained model with its record. It is a ModelFile: encodeModel() and restoreModel() take it. If a
 * method trains several students, it is the first; readModel() reads the others from the run's files.
 */
export class TrainedModel implements ModelFile {
  readonly config: RunConfig;
  readonly shape: ModelFile["shape"];
  readonly classNames?: readonly string[];
  readonly featuresAsIs?: true;
  readonly featuresMade?: ModelFile["featuresMade"];
  readonly featureScales?: ModelFile["featureScales"];
  readonly featureNames?: ModelFile["featureNames"];
  readonly data: string;
  readonly flavour: string;
  readonly parameters: ModelFile["parameters"];
  /** All that came out of the run: its curve, its warnings, what the method reports. */
  readonly result: RunResult;

  constructor(result: RunResult, file: ModelFile) {
    needObject(result, "TrainedModel: result", "a run's result", "accuracy");
    needObject(file, "TrainedModel: file", "what readModel() gives", "config", "parameters");
    this.config = file.config;
    this.shape = file.shape;
    if (file.classNames) this.classNames = file.classNames;
    if (file.featuresAsIs) this.featuresAsIs = true;
    if (file.featuresMade) this.featuresMade = file.featuresMade;
    if (file.featureScales) this.featureScales = file.featureScales;
    if (file.featureNames) this.featureNames = file.featureNames;
    this.data = file.data;
    this.flavour = file.flavour;
    this.parameters = file.parameters;
    this.result = result;
  }

  /** Fractions of the training, validation and test items, at the best epoch. */
  get accuracy(): RunResult["accuracy"] {
    return this.result.accuracy;
  }

  /** Returns what a notebook and console.log show of it: not its weights. */
  [inspect.custom](): string {
    const { accuracy, bestEpoch, config, curve, dead, interrupted, metric, parameters } =
      this.result;
    const { test, val, train } = accuracy;
    const ended = interrupted ? "stopped" : `of ${curve.loss.length}`;
    return [
      `TrainedModel: ${modelTitle(config.model)}, ${describeRun(config)}${dead ? ", DEAD" : ""}`,
      `${metric ?? "accuracy"}: test ${percent(test)}, validation ${percent(val)}, train ${percent(train)} (best epoch ${bestEpoch}, ${ended})`,
      `parameters: ${parameters.model.toLocaleString("en")} in ${this.parameters.size} arrays`,
      "predict(), export(file), result, config",
    ].join("\n");
  }

  /** Returns the class of each item, by default of the graph that the model was trained on. */
  async predict(dataset?: Suggested<DatasetName> | Graph): Promise<Int32Array> {
    return (await evaluate(this, dataset === undefined ? {} : { dataset })).classes;
  }

  /**
   * Writes a file that evaluate(), `abkd predict` and other programs read.
   * @param file its name ends in .safetensors or .npz
   * @throws OptionError for another ending, FileError
   */
  export(file: string): void {
    needText(file, "export: file", "the path of a file");
    const encode = ENCODERS[path.extname(file)];
    if (!encode) refuse(file, "export: file", "a name that ends in .safetensors or .npz");
    writeAtomic(file, encode(this));
  }
}

const ENCODERS: Readonly<Record<string, (file: ModelFile) => Uint8Array>> = {
  ".safetensors": encodeModel,
  ".npz": encodeModelNpz,
};

/**
 * Distils a teacher into a student, as `abkd distill` does: by runTrials(), with the same files.
 *
 *     const student = await distill({ dataset: "cora", student: "mlp", method: "softkd" });
 *     console.log(student.accuracy.test);
 *
 * Missing data is downloaded, unless `download` is false. With `resume` a finished run is taken as it
 * is. A notebook's interrupt ends it with the best epoch so far (`result.interrupted`).
 *
 * @throws OptionError for a request that makes no sense, before anything is trained; and as runTrials does
 */
export async function distill<
  Name extends Suggested<MethodName>,
  Kind extends Suggested<ModelName>,
  TeacherKind extends Suggested<ModelName>,
>(request: DistillRequest<Name, Kind, TeacherKind>): Promise<TrainedModel> {
  needObject(request, "distill", "{ dataset, teacher, student, method }", "dataset");
  checkKeys(request, [...Object.keys(OPTIONS), ...LEFT_TO_TRIALS], "distill");
  checkValues(request, OPTIONS, "distill");
  const { dataset, split, teacher, student, method, options, preset, order, ...rest } = request;
  const { seed = 1, teacherSeed, ...trials } = rest;
  const data = { download: true, ...trials };
  const { forget, ...names } = await known(dataset, split, data);
  try {
    return await trained({ ...names, ...(order && { order }) });
  } catch (error) {
    // The corrected call may bring the corrected graph.
    if (!(error instanceof InterruptedError)) forget?.();
    throw error;
  }

  async function trained(subject: Omit<Subject, "seed">): Promise<TrainedModel> {
    const small = given(student, "student");
    const taught = await teaches(subject);
    const fresh = studentConfig({ ...subject, seed }, method ?? "abkd", taught, {
      ...small.changes,
      ...(options && { options }),
      ...(preset !== undefined && { preset }),
    } as Changes);
    const config = small.config
      ? { ...fresh, model: small.config.model, training: small.config.training }
      : fresh;
    const [result] = await runTrials([config], data);
    const files = runFiles(trials.runsDir ?? RUNS_FOLDER, config);
    return new TrainedModel(result!, readModel(result!.interrupted ? files.stopped : files.model));
  }

  async function teaches(subject: Omit<Subject, "seed">): Promise<RunConfig | TeacherOutputs> {
    if (typeof teacher === "object" && teacher !== null && "outputs" in teacher) {
      checkKeys(teacher, ["outputs"], "distill: teacher");
      if (teacherSeed === undefined) return await loadTeacherOutputs(teacher.outputs);
      throw new OptionError(
        "distill: teacherSeed is for a teacher that is trained here: leave it out",
      );
    }
    if (typeof teacher === "string" && isFile(teacher) && !(await namesRun(teacher))) {
      return await loadTeacher(teacher, subject.dataset, data);
    }
    const { config, changes = {} } = given(teacher, "teacher");
    return config ?? teacherConfig({ ...subject, seed: teacherSeed ?? TEACHER_SEED }, changes);
  }
}

const GIVEN =
  "a kind's name, { model, training }, a run's configuration, an object with one, or a model file's path";

/** @throws OptionError for anything else, FormatError and FileError for a file */
function given(
  value: GivenModel<string> | undefined,
  role: string,
): { readonly config?: RunConfig; readonly changes?: Changes<string, string> } {
  if (value === undefined) return {};
  if (typeof value === "string") {
    if (!isFile(value)) return { changes: { model: { kind: findModel(value).name } } };
    const file = readModelFile(value);
    if (file.ours) return { config: file.config };
    throw new OptionError(
      `distill: ${role}: ${value} was written by another program, so no configuration trains these ` +
        "weights; give a file written by abkd export",
    );
  }
  if (!LEGAL.object.is(value)) refuse(value, `distill: ${role}`, GIVEN);
  if ("config" in value) return { config: value.config };
  return "dataset" in value ? { config: value } : { changes: value };
}

const isFile = (name: string): boolean =>
  /\.(safetensors|npz)$/.test(name) && models.every((kind) => kind.name !== name);

/** An empty split, to compare only graphs. */
const NO_NODES: Split = {
  name: "",
  ...{ train: new Int32Array(), val: new Int32Array(), test: new Int32Array() },
  unlabelled: { train: 0, val: 0, test: 0 },
};

/**
 * Returns the data's names in configurations. Registers a graph if no dataset has its name; `forget` removes it
 * again.
 * @throws OptionError for a graph that differs from the dataset of its name; InputError for wrong sets
 */
async function known(
  dataset: string | Graph,
  split: string | OwnSplit | undefined,
  options: DataOptions,
): Promise<Pick<Subject, "dataset" | "split"> & { readonly forget?: () => void }> {
  const named = (name: string, spec: string | undefined) => ({
    dataset: name,
    ...(spec !== undefined && { split: spec }),
  });
  if (typeof dataset === "string") {
    if (typeof split === "object") {
      throw new OptionError(
        "distill: your own split needs a graph, as returned by makeGraph() or loadDataset()",
      );
    }
    const own = { ...(options.dataDir !== undefined && { dataDir: options.dataDir }) };
    const isGiven = isOwn(dataset, own.dataDir);
    return named(isGiven ? (await importDataset(dataset, own)).graph.name : dataset, split);
  }
  const legal = "a dataset's name, or a graph, as returned by makeGraph()";
  needObject(dataset, "distill: dataset", legal, "name", "adjacency", "features", "labels");
  const { name } = dataset;
  const forget = DATASET_NAMES.includes(name)
    ? undefined
    : registerDataset({ name, graph: dataset });
  if (!forget) {
    const there = await loadDataset(name, options);
    if (fingerprint(dataset, NO_NODES) !== fingerprint(there, NO_NODES)) {
      throw new OptionError(
        `distill: this is not the dataset "${name}": give the graph a name of its own, as in ` +
          '{ ...graph, name: "mine" }',
      );
    }
  }
  try {
    const spec = typeof split === "object" ? await setsName(split, dataset, options) : split;
    return { ...named(name, spec), ...(forget && { forget }) };
  } catch (error) {
    forget?.();
    throw error;
  }
}

/** Returns `public` for the sets that the dataset comes with; others have names of their own. */
async function setsName(sets: OwnSplit, graph: Graph, options: DataOptions): Promise<string> {
  const own = ownSplit(sets, graph);
  const usual = await loadSplit(graph, "public", options).catch(() => NO_NODES);
  if (fingerprint(graph, own) === fingerprint(graph, usual)) return "public";
  return nameSets(sets, graph);
}
