// Looks up kinds of models by name, and makes models from their configurations.
import { needFunction, needObject } from "../base/arguments.ts";
import { OptionError } from "../base/errors.ts";
import { checkOptions, type OptionValue } from "../base/options.ts";
import { checkDefaults, Registry } from "../base/registry.ts";
import type { Suggested } from "../base/suggested.ts";
import type { Graph } from "../graph/graph.ts";
import type { Configured, GraphShape, Model, ModelKind, Outline, Shapes } from "./model.ts";
import * as all from "./models.ts";
import { relationalShape } from "./relational.ts";

/** The built-in kinds' names, which are those of the exports in models.ts. */
export type ModelName = keyof typeof all;

/** The configuration of a built-in kind; an added kind's options are known only from its table. */
export type ModelConfigOf<Name extends string> = Name extends ModelName
  ? Parameters<(typeof all)[Name]["create"]>[0]
  : ModelConfig;

/** A model's part of a run's configuration: `kind` and that kind's options. */
export type ModelConfig = Parameters<(typeof all)[ModelName]["create"]>[0];

/** The type of model that a configuration makes. */
export type ModelOf<C extends ModelConfig> = ReturnType<(typeof all)[C["kind"]]["create"]>;

/** Changes to a configuration; if they name another kind, changes to that kind's defaults. */
export type ModelChanges<Name extends string> = { readonly kind?: Name } & OptionsOf<Name>;
type OptionsOf<Name extends string> = Name extends ModelName
  ? Partial<Omit<ModelConfigOf<Name>, "kind">>
  : Readonly<Record<string, OptionValue>>;

/** A kind whose options are known only from its table. */
export type AnyModelKind = ModelKind<
  Configured & { readonly [option: string]: OptionValue },
  unknown
>;

const registry = new Registry<AnyModelKind>("model", Object.values<AnyModelKind>(all));

/** The built-in kinds, then the added ones. */
export const models = registry.all;

/** @throws {OptionError} naming the known kinds */
export function findModel(name: Suggested<ModelName>): AnyModelKind {
  return registry.find(name);
}

/** Whether a program added the kind, by registerModel(). */
export const isAddedModel = (name: string): boolean => registry.isAdded(name);

/** See Registry. */
export const modelDigest = (name: string): string | undefined => registry.digest(name);

const PARTS = ["name", "label", "summary", "defaults", "options", "forwardText"] as const;
const FUNCTIONS = ["size", "prepare", "shapes", "create"] as const;
/** An arbitrary shape, to see what a kind's shapes are. */
const SOME_SHAPE: GraphShape = { features: 2, classes: 2 };

/**
 * Adds a kind of model, which then works like the built-in ones: recipes (its defaults), training,
 * every method, files. Pass the module that calls this to runTrials() as one of its `modules`.
 *
 * @returns a function that removes the kind again
 * @throws {OptionError} for a name that is malformed or taken, a missing part, or defaults that
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
 * @param what what the configuration belongs to, for messages
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

/** Applies changes, which may name another kind, to a configuration. @throws {OptionError} for an unknown kind */
export function changedModel<Name extends string>(
  config: ModelConfig,
  changes: ModelChanges<Name> | undefined,
): ModelConfigOf<Name> {
  const kind = changes?.kind === undefined ? config.kind : changes.kind;
  const base = kind === config.kind ? config : { kind, ...findModel(kind).defaults };
  return { ...base, ...changes, kind } as unknown as ModelConfigOf<Name>;
}

/** Returns the kind of a configuration, and the configuration with the type that the kind's functions take. */
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
  const made = kind.create(given, shape, seed);
  const legal = "a model: { outline, parameters, forward, dispose }";
  const needed = ["outline", "parameters", "forward", "dispose"];
  needObject(made, `the model ${kind.name}: what create() returned`, legal, ...needed);
  return made as ModelOf<C> & Model;
}

/** Returns the sizes of a graph that a model of this kind depends on. */
export function graphShape(graph: Graph, kind: string): GraphShape {
  const legal = "a graph, as returned by loadDataset()";
  needObject(graph, "graphShape: graph", legal, "features", "classes");
  const { features, classes } = graph;
  const { relational: isRelational, transductive } = findModel(kind);
  const relational = isRelational && relationalShape(graph);
  return {
    features: features.columns,
    classes,
    ...(relational && { relational }),
    ...(transductive && { nodes: graph.nodes }),
  };
}

/** @throws {OptionError} for a kind that spreads the classes of nodes, on a graph whose items are others */
export function checkItems(kind: string, { name, labelSets, graphs, types }: Graph): void {
  if (!findModel(kind).transductive || !(labelSets || graphs || types)) return;
  const items = labelSets ? "sets of classes" : graphs ? "whole graphs" : "nodes of several types";
  throw new OptionError(
    `${kind} spreads the one class of each node, but ${name} has ${items}: choose another kind of model`,
  );
}

export function modelShapes(config: ModelConfig, shape: GraphShape): Shapes {
  const [kind, given] = kindOf(config);
  return kind.shapes(given, shape);
}

/** Returns a size such as "64L-64H". */
export function modelSize(config: ModelConfig): string {
  const [kind, given] = kindOf(config);
  return kind.size(given);
}

/** Returns a title such as "GCNII 64L-64H". */
export function modelTitle(config: ModelConfig): string {
  return `${findModel(config.kind).label} ${modelSize(config)}`;
}

/** Returns the widest hidden map's width, which decides which engine is faster. */
export function hiddenWidth(config: ModelConfig): number {
  const { widths, hidden } = outlineOf(config);
  return Math.max(...widths, hidden);
}

/** Counts a model's layer maps. */
export const layerMaps = (config: ModelConfig): number => outlineOf(config).widths.length;

/** The outline of a configuration, but for the graph's features and classes. */
const outlineOf = (config: ModelConfig): Outline =>
  modelShapes(config, { features: 1, classes: 1 }).outline;
