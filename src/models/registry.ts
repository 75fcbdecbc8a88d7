// The kinds of models by name, and models from their configurations.
import { OptionError } from "../errors.ts";
import { checkOptions, type OptionValue } from "../options.ts";
import { findByName } from "../registry.ts";
import type { Suggested } from "../suggested.ts";
import type { Configured, GraphShape, Model, ModelKind, Outline, Shapes } from "./model.ts";
import * as all from "./models.ts";

/** Every kind's name; that of its export in models.ts. */
export type ModelName = keyof typeof all;

/** The configuration of a kind. */
export type ModelConfigOf<Name extends ModelName> = Name extends ModelName
  ? Parameters<(typeof all)[Name]["create"]>[0]
  : never;

/** A model as a run's configuration holds it: `kind` and that kind's options. */
export type ModelConfig = ModelConfigOf<ModelName>;

/** The model that a configuration makes. */
export type ModelOf<C extends ModelConfig> = ReturnType<(typeof all)[C["kind"]]["create"]>;

/** Changes to a configuration; with another kind than it has, to that kind's defaults. */
export type ModelChanges<Name extends ModelName> = { readonly kind?: Name } & OptionsOf<Name>;
type OptionsOf<Name extends ModelName> = Name extends ModelName
  ? Partial<Omit<ModelConfigOf<Name>, "kind">>
  : never;

/** A kind whose options are known only by its table. */
export type AnyModelKind = ModelKind<
  Configured & { readonly [option: string]: OptionValue },
  unknown
>;

export const models: readonly AnyModelKind[] = Object.values<AnyModelKind>(all);

/** @throws {OptionError} naming the kinds there are */
export function findModel(name: Suggested<ModelName>): AnyModelKind {
  return findByName("model", name, models);
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
  const { label, options: table } = findModel(String(kind));
  checkOptions(label, table, options);
}

/** A configuration with changes, which may name another kind. @throws {OptionError} for an unknown one */
export function changedModel<Name extends ModelName>(
  config: ModelConfig,
  changes: ModelChanges<Name> | undefined,
): ModelConfigOf<Name> {
  const kind = changes?.kind ?? config.kind;
  const base = kind === config.kind ? config : { kind, ...findModel(kind).defaults };
  return { ...base, ...changes } as unknown as ModelConfigOf<Name>;
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
