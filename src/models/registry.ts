// The kinds of models by name, and models from their configurations.
import { needFunction, needObject } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { checkOptions, type OptionValue } from "../base/options.ts";
import { checkDefaults, Registry } from "../base/registry.ts";
import type { Suggested } from "../base/suggested.ts";
import type { Configured, GraphShape, Model, ModelKind, Outline, Shapes } from "./model.ts";
import * as all from "./models.ts";

/** The name of every built-in kind; that of its export in models.ts. */
export type ModelName = keyof typeof all;

/** The configuration of a built-in kind; an added one's options are known only by its table. */
export type ModelConfigOf<Name extends string> = Name extends ModelName
  ? Parameters<(typeof all)[Name]["create"]>[0]
  : ModelConfig;

/** A model as a run's configuration holds it: `kind` and that kind's options. */
export type ModelConfig = Parameters<(typeof all)[ModelName]["create"]>[0];

/** The model that a configuration makes. */
export type ModelOf<C extends ModelConfig> = ReturnType<(typeof all)[C["kind"]]["create"]>;

/** Changes to a configuration; with another kind than it has, to that kind's defaults. */
export type ModelChanges<Name extends string> = { readonly kind?: Name } & OptionsOf<Name>;
type OptionsOf<Name extends string> = Name extends ModelName
  ? Partial<Omit<ModelConfigOf<Name>, "kind">>
  : Readonly<Record<string, OptionValue>>;

/** A kind whose options are known only by its table. */
export type AnyModelKind = ModelKind<
  Configured & { readonly [option: string]: OptionValue },
  unknown
>;

const registry = new Registry<AnyModelKind>("model", Object.values<AnyModelKind>(all));

/** The built-in ones, then those that were added. */
export const models = registry.all;

/** @throws {OptionError} naming the kinds there are */
export function findModel(name: Suggested<ModelName>): AnyModelKind {
  return registry.find(name);
}

/** Whether a program added the kind: see registerModel(). */
export const isAddedModel = (name: string): boolean => registry.isAdded(name);

const PARTS = ["name", "label", "summary", "defaults", "options", "forwardText"] as const;
const FUNCTIONS = ["size", "prepare", "shapes", "create"] as const;
/** Any, to see what a kind's shapes are. */
const SOME_SHAPE: GraphShape = { features: 2, classes: 2 };

/**
 * Adds a kind of model, which then has whatever the built-in ones have: recipes (its defaults), training,
 * every method, files. runTrials() takes the module that calls this as one of its `modules`.
 *
 * @returns takes the kind away again
 * @throws {OptionError} for a name that is malformed or taken, a part that is missing, or defaults that
 *   break the kind's own table or make a model of another kind
 */
export function registerModel<C extends Configured, I, M extends Model<I>>(
  kind: ModelKind<C, I, M>,
): () => void {
  needObject(kind, "registerModel: kind", "a ModelKind, such as findModel() gives", ...PARTS);
  registry.checkName(kind.name);
  const owner = `the model ${kind.name}`;
  for (const part of FUNCTIONS) needFunction(kind[part], `${owner}: ${part}`, "a function");
  checkDefaults(owner, kind);
  const config = { ...kind.defaults, kind: kind.name } as unknown as C;
  const { outline } = kind.shapes(config, SOME_SHAPE);
  if (outline.kind !== kind.name) {
    throw new OptionError(`${owner}: its shapes are of the kind "${String(outline.kind)}"`);
  }
  return registry.add(kind as unknown as AnyModelKind);
}

/**
 * @param what the configuration is of, for messages
 * @throws {OptionError} for an unknown kind, or options that are missing, unknown or illegal
 */
export function checkModel(config: ModelConfig, what: string): void {
  if (typeof config !== "object" || config === null) {
    throw new OptionError(
      `${what} is ${String(config)}, not an object with a kind and its options`,
    );
  }
  const { kind, ...options } = config;
  const { label, options: table } = findModel(kind);
  checkOptions(label, table, options);
}

/** A configuration with changes, which may name another kind. @throws {OptionError} for an unknown one */
export function changedModel<Name extends string>(
  config: ModelConfig,
  changes: ModelChanges<Name> | undefined,
): ModelConfigOf<Name> {
  const kind = changes?.kind ?? config.kind;
  const base = kind === config.kind ? config : { kind, ...findModel(kind).defaults };
  return { ...base, ...changes, kind } as unknown as ModelConfigOf<Name>;
}

/** The kind of a configuration, with all that its functions are given. */
function kindOf(config: ModelConfig): [AnyModelKind, Parameters<AnyModelKind["create"]>[0]] {
  return [findModel(config.kind), config as unknown as Parameters<AnyModelKind["create"]>[0]];
}

/** @throws {OptionError} for a configuration or a shape that makes no model */
export function createModel<C extends ModelConfig>(
  config: C,
  shape: GraphShape,
  seed: number,
): ModelOf<C> & Model {
  needObject(
    config,
    "createModel: config",
    "a model's configuration: its kind and options",
    "kind",
  );
  const [kind, given] = kindOf(config);
  return kind.create(given, shape, seed) as ModelOf<C> & Model;
}

export function modelShapes(config: ModelConfig, shape: GraphShape): Shapes {
  const [kind, given] = kindOf(config);
  return kind.shapes(given, shape);
}

/** "64L-64H". */
export function modelSize(config: ModelConfig): string {
  const [kind, given] = kindOf(config);
  return kind.size(given);
}

/** "GCNII 64L-64H". */
export function modelTitle(config: ModelConfig): string {
  return `${findModel(config.kind).label} ${modelSize(config)}`;
}

/** The widest hidden map: what decides which engine is faster. */
export function hiddenWidth(config: ModelConfig): number {
  // What a graph gives and asks for does not count.
  const { widths, hidden }: Outline = modelShapes(config, { features: 1, classes: 1 }).outline;
  return Math.max(...widths, hidden);
}
