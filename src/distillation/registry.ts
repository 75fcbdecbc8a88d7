// Finds methods by name, checks their options and starts them from a configuration.

import { needFunction, needObject, needText, shown } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { checkOptions, type OptionValue } from "../base/options.ts";
import { checkDefaults, Registry } from "../base/registry.ts";
import type { Suggested } from "../base/suggested.ts";
import type { Outline, Reads } from "../models/model.ts";
import { Targets } from "../tensor/ops/loss.ts";
import { lacking } from "./given-teacher.ts";
import { type Distillation, type Method, ROLES, type Scene, type TaughtScene } from "./method.ts";
import * as all from "./methods.ts";

/** A method whose options are known only from its table. */
export type AnyMethod = Method<Readonly<Record<string, OptionValue>>>;

/** The name of a built-in method, which is that of its export in methods.ts. */
export type MethodName = keyof typeof all;

/** Options by their public names: the soft labels' weight has other keys in configurations. */
type Named<Options> = {
  readonly [K in keyof Options as K extends "alpha" | "softLabels" ? "softWeight" : K]: Options[K];
};

/** Any method's options; an option that several have takes every value that one of them takes. */
type EveryOptions = { [Name in MethodName]: Named<(typeof all)[Name]["defaults"]> }[MethodName];
type KeyOf<T> = T extends T ? keyof T : never;
type ValueOf<T, K> = T extends T ? (K extends keyof T ? T[K] : never) : never;
type SomeOptions = { readonly [K in KeyOf<EveryOptions>]?: ValueOf<EveryOptions, K> };

/** The options of the method of that name; completion offers those of all if the name is unknown. */
export type OptionsOf<Name extends string> = Name extends MethodName
  ? Partial<Named<(typeof all)[Name]["defaults"]>>
  : SomeOptions | Readonly<Record<string, unknown>>;

type PresetsOf<Name> = Name extends MethodName
  ? keyof (typeof all)[Name]["presets"] & string
  : never;

/** The presets of the method of that name; those of all if it is unknown. */
export type PresetOf<Name extends string> = Suggested<
  PresetsOf<Name extends MethodName ? Name : MethodName>
>;

/** Orders by role, then by place; the sort is stable, so that those without a place keep their order. */
const rank = ({ role = "rival", place = 99 }: AnyMethod): number =>
  100 * ROLES.indexOf(role) + place;

const registry = new Registry<AnyMethod>(
  "method",
  Object.values<AnyMethod>(all).sort((a, b) => rank(a) - rank(b)),
);

/** All methods in the order of reports, then those that a program added. */
export const methods = registry.all;

/** @throws {OptionError} for an unknown name, listing the known ones */
export function findMethod(name: Suggested<MethodName>): AnyMethod {
  return registry.find(name);
}

/** Returns a method's name as people write it; an unknown name is returned as it is. */
export function methodLabel(name: string): string {
  return methods.find((method) => method.name === name)?.label ?? name;
}

/** Whether a program added the method, see registerMethod(). */
export const isAddedMethod = (name: string): boolean => registry.isAdded(name);

/** See Registry. */
export const methodDigest = (name: string): string | undefined => registry.digest(name);

const PARTS = ["name", "summary", "version", "needsTeacher", "defaults", "options", "presets"];

/**
 * Adds a method, which is then treated like the built-in ones. Name the module that calls this in the
 * `modules` of runTrials(), so that worker threads know the method.
 *
 * @returns a function that removes the method again
 * @throws {OptionError} for a malformed or taken name, a missing part, or defaults or a preset that the
 *   method's own table or check() refuses
 */
export function registerMethod<Options extends object>(method: Method<Options>): () => void {
  needObject(method, "registerMethod: method", "a Method, such as findMethod() gives", ...PARTS);
  registry.checkName(method.name);
  const owner = `the method ${method.name}`;
  needFunction(method.create, `${owner}: create`, "a function");
  if (method.teacherParts) {
    needFunction(method.teacherParts, `${owner}: teacherParts`, "a function of the options");
  }
  const { label = method.name, role = "rival", version, needsTeacher } = method;
  const { defaults, options, presets } = method;
  needText(label, `${owner}: label`, "text");
  if (!ROLES.includes(role)) {
    throw new OptionError(`${owner}: role is ${shown(role)}; legal: ${ROLES.join(", ")}`);
  }
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new OptionError(`${owner}: version is ${version}; legal: a whole number, 1 or more`);
  }
  if (typeof needsTeacher !== "boolean") {
    throw new OptionError(`${owner}: needsTeacher is ${needsTeacher}; legal: true, false`);
  }
  checkDefaults(owner, method);
  for (const preset of [{}, ...Object.values(presets)]) {
    const chosen: Options = { ...defaults, ...preset };
    checkOptions(`${owner}: presets`, options, chosen);
    method.check?.(chosen);
  }
  return registry.add(method as unknown as AnyMethod);
}

/** A method as a configuration holds it. */
export interface ConfiguredMethod {
  readonly name: string;
  readonly version: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Checks all that can be known about a method before anything is trained.
 * @param hasTeacher whether there will be one
 * @throws {OptionError} for an unknown method, another version of it, options that are missing,
 *   unknown, illegal or contradict each other, or a method that lacks the teacher it needs
 */
export function checkMethod(
  { name, version, options }: ConfiguredMethod,
  hasTeacher: boolean,
): void {
  const method = findMethod(name);
  if (version !== method.version) {
    throw new OptionError(
      `${name}: version ${version} is configured, but this is version ${method.version}: equal ` +
        "options no longer give the same loss",
    );
  }
  checkUse(method, options, hasTeacher);
}

function checkUse(
  method: AnyMethod,
  options: object,
  hasTeacher: boolean,
): asserts options is Record<string, OptionValue> {
  checkOptions(method.name, method.options, options);
  method.check?.(options);
  if (!method.needsTeacher || hasTeacher) return;
  throw new OptionError(`${method.name} needs a teacher, but none is given`);
}

/** @throws {OptionError} for a method that reads a part of its teacher that is not known */
export function checkTeacherParts(
  { name, options }: ConfiguredMethod,
  known: readonly Reads[],
): void {
  const parts = findMethod(name).teacherParts?.(options as Readonly<Record<string, OptionValue>>);
  const missing = parts?.find((part) => !known.includes(part));
  if (missing !== undefined) throw lacking(name, missing, known);
}

/** Returns how many students a run of this method trains; 1 without a method. */
export function studentCount(method: ConfiguredMethod | undefined): number {
  if (!method) return 1;
  const options = method.options as Readonly<Record<string, OptionValue>>;
  const count = findMethod(method.name).students?.(options) ?? 1;
  if (Number.isInteger(count) && count >= 1) return count;
  throw new OptionError(
    `${method.name}: students() returned ${String(count)}; legal: a whole number, 1 or more`,
  );
}

/** Returns how many steps, one of each student, an epoch takes where students take turns; otherwise 1. */
export function turnCount(method: ConfiguredMethod | undefined): number {
  return method && findMethod(method.name).turns ? studentCount(method) : 1;
}

/** @throws {OptionError} for a student that the method cannot train */
export function checkStudent({ name, options }: ConfiguredMethod, student: Outline): void {
  findMethod(name).checkStudent?.(student, options as Readonly<Record<string, OptionValue>>);
}

/** @throws {OptionError} for a method that reads logits as one distribution over the classes */
export function checkLabelSets(name: string): void {
  const method = findMethod(name);
  if (method.labelSets) return;
  const legal = methods.flatMap(({ name, labelSets }) => (labelSets ? [name] : []));
  throw new OptionError(
    `${method.name} reads logits as one distribution over the classes, but here each item has a set ` +
      `of classes; methods for that: ${legal.join(", ")}`,
  );
}

/**
 * @param hasArcs whether batches have the arcs between their nodes
 * @throws {OptionError} for a method that cannot learn from these batches
 */
export function checkByBatch(name: string, hasArcs: boolean): void {
  const { byBatch } = findMethod(name);
  if (byBatch === true || (byBatch && hasArcs)) return;
  if (byBatch) {
    throw new OptionError(
      `${name} compares nodes along arcs, and nodes dealt out to batches have few among them: draw batches that ` +
        "have theirs (--batch 2000 --sampler walks:2:30)",
    );
  }
  const others = registry.all.filter((method) => method.byBatch).map((method) => method.name);
  throw new OptionError(
    `${name} needs the whole graph at each step and cannot learn from batches of nodes; ` +
      `these methods can: ${others.join(", ")}`,
  );
}

/**
 * Starts the method that a configuration names, with the options it holds.
 *
 * @throws {OptionError} for an unknown method, options that are missing, unknown, illegal or contradict
 *   each other, or a method that lacks the teacher it needs
 */
export function createDistillation(
  method: Pick<ConfiguredMethod, "name" | "options">,
  scene: Scene,
): Distillation {
  needObject(method, "createDistillation: method", "{ name, options }", "name", "options");
  const parts = "{ graph, student, train, seed } and a teacher where the method needs one";
  needObject(scene, "createDistillation: scene", parts, "graph", "student", "train", "seed");
  const { name, options } = method;
  const found = findMethod(name);
  checkUse(found, options, scene.teacher !== undefined);
  if (!(scene.train instanceof Targets)) checkLabelSets(name);
  const made = found.create(scene as TaughtScene, options);
  const legal = "{ parameters, reads, loss, inspect, dispose }";
  const needed = ["parameters", "reads", "loss", "inspect", "dispose"];
  needObject(made, `the method ${name}: what create() returned`, legal, ...needed);
  return made;
}
