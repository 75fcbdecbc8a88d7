// The form of a run's configuration and result as read from a file: run.ts, at run time.

import { shown } from "../base/arguments.ts";
import { isObject } from "../base/json.ts";
import {
  anything,
  count,
  dictionary,
  either,
  type Form,
  flag,
  fraction,
  just,
  list,
  object,
  optional,
  real,
  text,
  where,
} from "../base/json-form.ts";
import { isLegal, type OptionInfo } from "../base/options.ts";
import { models } from "../models/registry.ts";

/** What is not finite when it is written (seconds an epoch of no epoch) is null in JSON. */
export const number: Form = either(real, just(null));

/** A kind that there is, and legal values of its options. */
const model: Form = (value, at) => {
  const given = isObject(value) ? value["kind"] : undefined;
  const kind = models.find(({ name }) => name === given);
  if (!kind) return `${at}.kind (${shown(given)}: --module may add it)`;
  const legal = ([name, info]: [string, OptionInfo]): [string, Form] => [
    name,
    where((option) => isLegal(info, option)),
  ];
  return object(Object.fromEntries(Object.entries(kind.options).map(legal)))(value, at);
};
const training: Form = object({
  epochs: count,
  patience: count,
  learningRate: real,
  weightDecay: real,
  optimiser: optional(object({ name: text, momentum: optional(real) })),
  warmUp: optional(count),
  schedule: optional(object({ name: text, every: optional(count), factor: optional(real) })),
  clip: optional(real),
  keep: optional(just("accuracy")),
});

const config: Form = object({
  dataset: text,
  split: text,
  seed: count,
  order: optional(just("locality")),
  model,
  training,
  method: optional(object({ name: text, version: count, options: dictionary(anything) })),
  teacher: optional((value, at) => config(value, at)),
  initial: optional(
    object({ from: (value, at) => config(value, at), layer: either(count, just("attended")) }),
  ),
});

export const configForm: Form = config;

const inspection = object({
  scalars: dictionary(number),
  matrices: dictionary(list(list(number))),
  warnings: list(text),
});

export const inspectionForm: Form = inspection;

/** What results and records have in common. */
export const outcomeForm = {
  id: text,
  config,
  engine: object({ name: text, flavour: text }),
  versions: dictionary(text),
  data: object({
    nodes: count,
    arcs: count,
    features: count,
    classes: count,
    train: count,
    val: count,
    test: count,
    fingerprint: optional(text),
  }),
  parameters: object({
    model: count,
    method: count,
    teacher: optional(count),
    ratio: optional(real),
  }),
  bestEpoch: count,
  accuracy: object({ train: fraction, val: fraction, test: fraction }),
  dead: flag,
  warnings: list(text),
  timing: object({
    seconds: real,
    secondsPerEpoch: number,
    threads: optional(count),
    recorded: optional(text),
  }),
} as const;

const curve = list(number);

export const resultForm: Form = object({
  format: just("abkd-run/1"),
  ...outcomeForm,
  curve: object({ loss: curve, trainAccuracy: curve, valLoss: curve, valAccuracy: curve }),
  nodeKinds: optional(
    object({ entities: fraction, classless: fraction, all: fraction, constant: fraction }),
  ),
  inspection: optional(object({ first: inspection, last: inspection })),
  modelSha256: optional(text),
});
