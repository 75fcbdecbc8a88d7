// Checks a run's configuration before anything is trained: every key, type and range.
import { checkKeys, shown } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { checkOptions } from "../base/options.ts";
import { datasetEntry, parseSplit } from "../datasets/index.ts";
import { checkByBatch, checkMethod, checkTeacherParts } from "../distillation/registry.ts";
import { isCount } from "../graph/check.ts";
import type { Reads } from "../models/model.ts";
import { precisionOf } from "../models/precision/precision.ts";
import { checkModel, findModel } from "../models/registry.ts";
import { checkInheritance } from "./initial.ts";
import { trainingOptions } from "./options.ts";
import type { RunConfig, TeacherOutputsConfig, TrainingConfig } from "./run.ts";
import { refuseSampler } from "./sampled-batches.ts";

const HEX = /^[0-9a-f]{16}$/;
const CONFIG_KEYS = [
  "dataset",
  "split",
  "seed",
  "order",
  "features",
  "model",
  "training",
  "method",
  "teacher",
  "teacherOutputs",
  "initial",
];
/**
 * @throws OptionError for a configuration that cannot be run, naming the part and what is legal; the
 *   teacher's and the donor's are checked too
 */
export function checkConfig(config: RunConfig, what = "a run's configuration"): void {
  checkKeys(config, CONFIG_KEYS, what);
  const { dataset, split, order, features, model, training, method, teacher, teacherOutputs } =
    config;
  datasetEntry(dataset);
  parseSplit(split);
  checkSeed(config.seed, what);
  if (order !== undefined && order !== "locality") {
    throw new OptionError(`${what}: order is ${shown(order)}; legal: "locality", or left out`);
  }
  checkFeatures(features, what);
  checkModel(model, `${what}: model`);
  checkTraining(training, what);
  if (order !== undefined && findModel(model.kind).transductive) {
    throw new OptionError(
      `${what}: order is "${order}", but ${model.kind} has learned numbers of each node, as the dataset numbers them: leave it out`,
    );
  }
  checkBatches(config, what);
  if (method !== undefined) {
    checkKeys(method, ["name", "version", "options"], `${what}: method`);
    checkMethod(method, (teacher ?? teacherOutputs) !== undefined);
    if (training.batch !== undefined) {
      checkByBatch(method.name, training.sampler?.name === "walks");
    }
  }
  if (teacher !== undefined) checkConfig(teacher, `${what}: teacher`);
  if (teacherOutputs !== undefined) checkTeacherOutputs(config, teacherOutputs, what);
  const { initial } = config;
  if (initial === undefined) return;
  checkKeys(initial, ["from", "layer"], `${what}: initial`);
  checkConfig(initial.from, `${what}: initial.from`);
  checkInheritance(initial, model);
  if (String(initial.from.features) === String(features)) return;
  throw new OptionError(`${what}: weights are copied from a run that reads other features`);
}

/** @throws OptionError for batches that the model does not take, or a sampler without them */
function checkBatches({ model, training: { batch, sampler } }: RunConfig, what: string): void {
  if (sampler) {
    refuseSampler(model, sampler, `${what}: training: `);
    if (batch === undefined) {
      throw new OptionError(`${what}: training: sampler needs batch, the nodes of a step`);
    }
    return;
  }
  const { ofNodes, ofSample } = findModel(model.kind);
  if (batch === undefined || ofNodes) return;
  throw new OptionError(
    `${what}: training: batch is ${batch}, but ${model.kind} reads ` +
      (ofSample
        ? "arcs: give a sampler too, which draws those of a step"
        : "the whole graph at each step: leave it out"),
  );
}

/** @throws OptionError for columns that are not ascending numbers; whether the graph has them is seen later */
function checkFeatures(features: readonly number[] | undefined, what: string): void {
  if (features === undefined) return;
  const isSound =
    Array.isArray(features) &&
    features.length > 0 &&
    features.every((column, k) => isCount(column) && (k === 0 || column > features[k - 1]!));
  if (isSound) return;
  throw new OptionError(
    `${what}: features is ${shown(features)}; legal: columns from 0, ascending, or left out for all`,
  );
}

/** Returns which of a teacher's parts outputs have. */
export function knownParts({ classes, hidden, widths }: TeacherOutputsConfig): Reads[] {
  return [
    ...(classes === undefined ? [] : (["logits"] as const)),
    ...(hidden === undefined ? [] : (["hidden"] as const)),
    ...(widths.length === 0 ? [] : (["layers"] as const)),
  ];
}

function checkTeacherOutputs(
  { teacher, method }: RunConfig,
  outputs: TeacherOutputsConfig,
  what: string,
): void {
  if (teacher !== undefined) {
    throw new OptionError(`${what}: it has both teacher and teacherOutputs; legal: one of them`);
  }
  const own = `${what}: teacherOutputs`;
  checkKeys(outputs, ["fingerprints", "classes", "hidden", "widths", "endsInLogits"], own);
  const { fingerprints, classes, hidden, widths } = outputs;
  const counts = [classes, hidden, ...(Array.isArray(widths) ? widths : [Number.NaN])];
  const sound = Array.isArray(fingerprints) && fingerprints.every((text) => HEX.test(text));
  const whole = (n: unknown): boolean => n === undefined || (Number.isInteger(n) && Number(n) >= 1);
  if (!sound || fingerprints.length === 0 || !counts.every(whole)) {
    throw new OptionError(`${own}: they are not what loadTeacherOutputs() returns as its config`);
  }
  if (method) checkTeacherParts(method, knownParts(outputs));
}

/**
 * @throws OptionError for numbers, such as epochs or rates, that nothing can be trained with, and for
 *   parts that contradict each other
 */
export function checkTraining(training: TrainingConfig, what = "a run's configuration"): void {
  checkOptions(`${what}: training`, trainingOptions, training);
  const { epochs, warmUp, schedule, precision, batch } = training;
  if (precision && precisionOf(precision, `${what}: precision`).training?.spared && batch) {
    throw new OptionError(
      `${what}: degree-quant spares nodes by their degree in the whole graph: leave batch out`,
    );
  }
  // Without any epoch nothing is trained, whatever the rest says.
  if (epochs === 0) return;
  if (warmUp !== undefined && warmUp > epochs) {
    throw new OptionError(`${what}: warmUp is ${warmUp}, more than the ${epochs} epochs`);
  }
  if (schedule?.name === "linear" && epochs === 1) {
    throw new OptionError(
      `${what}: the linear schedule changes no rate before the second epoch, but there is only 1: leave it out`,
    );
  }
  if (schedule?.name === "step" && schedule.every >= epochs) {
    throw new OptionError(
      `${what}: the schedule's first step comes after ${schedule.every} epochs, but there are only ${epochs}`,
    );
  }
}

/** @throws OptionError for what cannot seed random numbers */
export function checkSeed(seed: unknown, what: string): void {
  if (Number.isSafeInteger(seed) && Number(seed) >= 0) return;
  throw new OptionError(
    `${what}: seed is ${shown(seed)}; legal: a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  );
}
