// What a run's configuration may hold: every key, type and range, looked at before anything is trained.
import { shown } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { datasetEntry, parseSplit } from "../datasets/index.ts";
import { checkMethod } from "../distillation/registry.ts";
import { checkModel } from "../models/registry.ts";
import { checkInheritance } from "./initial.ts";
import type { OptimiserConfig, RunConfig, ScheduleConfig, TrainingConfig } from "./run.ts";

const CONFIG_KEYS = [
  "dataset",
  "split",
  "seed",
  "order",
  "model",
  "training",
  "method",
  "teacher",
  "initial",
];
const TRAINING_KEYS = [
  "epochs",
  "patience",
  "learningRate",
  "weightDecay",
  "optimiser",
  "warmUp",
  "schedule",
  "clip",
  "keep",
];

/**
 * @throws OptionError for a configuration that cannot be run, naming the part and what is legal; the
 *   teacher's and the donor's are looked at too
 */
export function checkConfig(config: RunConfig, what = "a run's configuration"): void {
  checkKeys(config, CONFIG_KEYS, what);
  const { dataset, split, order, model, training, method, teacher, initial } = config;
  datasetEntry(dataset);
  parseSplit(split);
  checkSeed(config.seed, what);
  if (order !== undefined && order !== "locality") {
    throw new OptionError(`${what}: order is ${shown(order)}; legal: "locality", or left out`);
  }
  checkModel(model, `${what}: model`);
  checkTraining(training, what);
  if (method !== undefined) {
    checkKeys(method, ["name", "version", "options"], `${what}: method`);
    checkMethod(method, teacher !== undefined);
  }
  if (teacher !== undefined) checkConfig(teacher, `${what}: teacher`);
  if (initial === undefined) return;
  checkKeys(initial, ["from", "layer"], `${what}: initial`);
  checkConfig(initial.from, `${what}: initial.from`);
  checkInheritance(initial, model);
}

/**
 * @throws OptionError for a number of epochs, a rate and the like that nothing can be trained with, and
 *   for parts that contradict each other
 */
export function checkTraining(training: TrainingConfig, what = "a run's configuration"): void {
  checkKeys(training, TRAINING_KEYS, `${what}: training`);
  const { epochs, optimiser, warmUp, schedule, keep } = training;
  const check = checkNumbers(training, what);
  check("epochs", "a whole number, 0 or more", (n) => Number.isSafeInteger(n) && n >= 0);
  check("patience", ONE_OR_MORE, isOneOrMore);
  check("learningRate", "a number, 0 or more", (n) => n >= 0);
  check("weightDecay", "a number, 0 or more", (n) => n >= 0);
  if (optimiser !== undefined) checkOptimiser(optimiser, `${what}: optimiser`);
  if (warmUp !== undefined) {
    // Of one epoch it would be none, under another id.
    check("warmUp", "a whole number, 2 or more, or left out", (n) => isOneOrMore(n) && n >= 2);
  }
  if (schedule !== undefined) checkSchedule(schedule, `${what}: schedule`);
  if (training.clip !== undefined) check("clip", "a number above 0", (n) => n > 0);
  if (keep !== undefined && keep !== "accuracy") {
    throw new OptionError(
      `${what}: keep is ${shown(keep)}; legal: "accuracy", or left out for the lowest validation loss`,
    );
  }
  // Without any epoch nothing is trained, whatever the rest says.
  if (epochs === 0) return;
  if (warmUp !== undefined && warmUp > epochs) {
    throw new OptionError(`${what}: warmUp is ${warmUp}, more than the ${epochs} epochs`);
  }
  if (schedule?.name === "linear" && epochs === 1) {
    throw new OptionError(
      `${what}: the linear schedule changes no rate before the second epoch, and there is 1: leave it out`,
    );
  }
  if (schedule?.name === "step" && schedule.every >= epochs) {
    throw new OptionError(
      `${what}: the schedule's first step comes after ${schedule.every} epochs, and there are ${epochs}`,
    );
  }
}

/** The keys beside `name`, by name. */
const OPTIMISERS = { adamw: [], rmsprop: [], sgd: ["momentum"] } as const;
const SCHEDULES = { step: ["every", "factor"], linear: [] } as const;

function checkOptimiser(optimiser: OptimiserConfig, what: string): void {
  checkNamed(optimiser, OPTIMISERS, what, "; without an optimiser it is Adam");
  if (optimiser.name !== "sgd" || optimiser.momentum === undefined) return;
  const check = checkNumbers(optimiser, what);
  check("momentum", "a number above 0 and below 1, or left out", (n) => n > 0 && n < 1);
}

function checkSchedule(schedule: ScheduleConfig, what: string): void {
  checkNamed(schedule, SCHEDULES, what);
  if (schedule.name !== "step") return;
  const check = checkNumbers(schedule, what);
  check("every", ONE_OR_MORE, isOneOrMore);
  check("factor", "a number above 0 and below 1", (n) => n > 0 && n < 1);
}

/** An object whose name is one of the table's, with no other keys than those. */
function checkNamed(
  value: { readonly name: string },
  keys: Readonly<Record<string, readonly string[]>>,
  what: string,
  hint = "",
): void {
  checkKeys(value, ["name", ...Object.values(keys).flat()], what);
  const { name } = value;
  // An array of one name would do as a key.
  if (typeof name !== "string" || !Object.hasOwn(keys, name)) {
    const legal = Object.keys(keys).join(", ");
    throw new OptionError(`${what}: name is ${shown(name)}; legal: ${legal}${hint}`);
  }
  checkKeys(value, ["name", ...keys[name]!], `${what} ${name}`);
}

const ONE_OR_MORE = "a whole number, 1 or more";
const isOneOrMore = (n: number): boolean => Number.isSafeInteger(n) && n >= 1;

/** @returns looks at one member of an object: a finite number that is legal */
function checkNumbers<T extends object>(values: T, what: string) {
  return (name: keyof T & string, legal: string, isLegal: (n: number) => boolean): void => {
    const value: unknown = values[name];
    if (typeof value === "number" && Number.isFinite(value) && isLegal(value)) return;
    throw new OptionError(`${what}: ${name} is ${shown(value)}; legal: ${legal}`);
  };
}

/** @throws OptionError for what seeds no random numbers */
export function checkSeed(seed: unknown, what: string): void {
  if (Number.isSafeInteger(seed) && Number(seed) >= 0) return;
  throw new OptionError(
    `${what}: seed is ${shown(seed)}; legal: a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`,
  );
}

/** @throws OptionError for what is no object, or has a key that nothing reads: a typo */
export function checkKeys(value: unknown, known: readonly string[], what: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new OptionError(`${what} is ${shown(value)}, not an object with ${known.join(", ")}`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw new OptionError(`${what}: there is no "${unknown}"; there is ${known.join(", ")}`);
}
