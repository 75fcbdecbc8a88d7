// Checks the form of a run's configuration and result when read from a file: run.ts, at run time.

import { shown } from "../base/arguments.ts";
import { isObject } from "../base/json.ts";
import {
  anything,
  count,
  dictionary,
  each,
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
import { trainingOptions } from "./options.ts";

/** A number that is not finite when written (seconds per epoch without an epoch) is null in JSON. */
export const number: Form = either(real, just(null));

/** Accepts legal values of a table's options, and no other options. */
const optionsForm = (infos: Readonly<Record<string, OptionInfo>>) => {
  const legal = ([name, info]: [string, OptionInfo]): [string, Form] => [
    name,
    where((option) => isLegal(info, option)),
  ];
  return object(Object.fromEntries(Object.entries(infos).map(legal)));
};

/** Accepts a known kind, and legal values of its options. */
const model: Form = (value, at) => {
  const given = isObject(value) ? value["kind"] : undefined;
  const kind = models.find(({ name }) => name === given);
  if (!kind) return `${at}.kind (${shown(given)}: --module may add it)`;
  return optionsForm(kind.options)(value, at);
};
const config: Form = object({
  dataset: text,
  split: text,
  seed: count,
  order: optional(just("locality")),
  features: optional(list(count)),
  model,
  training: optionsForm(trainingOptions),
  method: optional(object({ name: text, version: count, options: dictionary(anything) })),
  teacher: optional((value, at) => config(value, at)),
  teacherOutputs: optional(
    object({
      fingerprints: list(text),
      classes: optional(count),
      hidden: optional(count),
      widths: list(count),
      endsInLogits: optional(just(true)),
    }),
  ),
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

const scored = {
  accuracy: object(each(fraction, "train val test")),
  dead: flag,
} as const;

/** What results and records have in common. */
export const outcomeForm = {
  id: text,
  config,
  engine: object({ name: text, flavour: text }),
  versions: dictionary(text),
  data: object({
    ...each(count, "nodes arcs features classes train val test"),
    fingerprint: optional(text),
    decided: optional(list(text)),
  }),
  parameters: object({
    ...each(count, "model method"),
    teacher: optional(count),
    ratio: optional(real),
  }),
  bestEpoch: count,
  metric: optional(just("micro-F1")),
  ...scored,
  students: optional(list(object(scored))),
  together: optional(object(scored)),
  warnings: list(text),
  timing: object({
    seconds: real,
    secondsPerEpoch: number,
    threads: optional(count),
    recorded: optional(text),
  }),
} as const;

export const resultForm: Form = object({
  format: just("abkd-run/1"),
  ...outcomeForm,
  curve: object(each(list(number), "loss trainAccuracy valLoss valAccuracy")),
  teacherAccuracy: optional(object(each(fraction, "train val test"))),
  integers: optional(
    object({ accuracy: object(each(fraction, "train val test")), differing: count }),
  ),
  nodeKinds: optional(object(each(fraction, "entities classless all constant"))),
  inspection: optional(object(each(inspection, "first last"))),
  modelSha256: optional(text),
});
