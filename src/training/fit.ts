// A graph as a model is to read it: the nodes that it knows, and features in the order and the form that it learned from.
import { UserError } from "../base/errors.ts";
import { columnOrder, inOrder } from "../datasets/import/feature-names.ts";
import { formedAs } from "../datasets/import/features.ts";
import type { Csr } from "../graph/csr.ts";
import type { FeatureScales, Graph } from "../graph/graph.ts";
import type { ModelFile } from "./model-file.ts";

/** What of a model's file says which features it reads, and of which graph. */
export type FittedModel = Omit<ModelFile, "parameters" | "flavour" | "data">;

/** A graph for a model. */
export interface Fitted {
  readonly graph: Graph;
  /** What was done to its features, a sentence each. */
  readonly done: readonly string[];
}

/** Whether the graph is the one that the model learned from: by its name, or by the fingerprint in it. */
export function isOwnGraph({ config: { dataset } }: FittedModel, { name }: Graph): boolean {
  const digits = (text: string): string | undefined => /-([0-9a-f]{12})$/.exec(text)?.[1];
  // A graph of one's own may be read from another path, which is in its name.
  return name === dataset || (digits(name) !== undefined && digits(name) === digits(dataset));
}

/**
 * Brings a graph's features into the order and the form of those that the model learned from; what was brought
 * already stays as it is.
 * @throws UserError for a graph that the model cannot read: of other nodes where it knows its own by their rows, with
 *   other columns, or with features in another form
 */
export function fitGraph(file: FittedModel, given: Graph): Fitted {
  const done: string[] = [];
  const { config, shape } = file;
  const own = isOwnGraph(file, given);
  if (!own) refuseOtherNodes(file, given);
  const ordered = own ? given : inOrderOf(file, given, done);
  const { columns } = ordered.features;
  if (columns !== shape.features) {
    throw new UserError(
      `the model is for ${shape.features} features; ${given.name} has ${columns}`,
    );
  }
  const made = file.featuresMade;
  if (made === undefined) return { graph: dividedAs(file, ordered, own, done), done };
  const scales = file.featureScales && scalesOfAll(file.featureScales, columns, config.features);
  const features = own ? ordered.features : inFormOf(file, ordered, scales, done);
  const { featuresAsIs: _, featureScales, ...rest } = ordered;
  const kept = scales ?? featureScales;
  const graph: Graph = {
    ...rest,
    features,
    featuresMade: made,
    ...(file.featuresAsIs && { featuresAsIs: true }),
    ...(kept && { featureScales: kept }),
  };
  return { graph, done };
}

/** @throws UserError for another graph where the model has learned something of each node by its row */
function refuseOtherNodes(file: FittedModel, { name, featuresMade }: Graph): void {
  const { config, shape } = file;
  const identity = file.featuresMade === "identity" || featuresMade === "identity";
  const learned = shape.relational?.types.some(({ featureless }) => featureless);
  if (!identity && !learned && shape.nodes === undefined) return;
  const how = identity
    ? "each node's feature is its own"
    : `${config.model.kind} learns numbers of each`;
  throw new UserError(
    `the model knows the nodes of ${config.dataset} by their rows (${how}), and none of another graph, ${name}: ` +
      "apply it to its own, or train a model on features that both have",
  );
}

/** @throws UserError where names are known on both sides and differ */
function inOrderOf(file: FittedModel, graph: Graph, done: string[]): Graph {
  const { config, shape, featureNames: wanted } = file;
  const { features, featureNames: found, name } = graph;
  if (!wanted || !found) return inGivenOrder(file, graph, done);
  const places = columnOrder(wanted, found, !config.features);
  if (typeof places === "string") {
    throw new UserError(
      `${name} has ${places}; the model reads the columns of ${config.dataset} by their names`,
    );
  }
  if (features.columns !== shape.features) return graph;
  const order = withOthers(places, config.features, features.columns);
  if (order.every((place, column) => place === column)) return graph;
  done.push(`the columns of ${name} are read by their names, which are in another order`);
  const { featureScales: scales } = graph;
  const ordered = (list: readonly number[]): number[] => Array.from(order, (k) => list[k]!);
  return {
    ...graph,
    features: inOrder(features, order),
    featureNames: Array.from(order, (place) => found[place]!),
    ...(scales && {
      featureScales: { means: ordered(scales.means), deviations: ordered(scales.deviations) },
    }),
  };
}

/** Where one side alone has names of columns: read in their order, and said; the names are the model's afterwards. */
function inGivenOrder(
  { config, featureNames: wanted }: FittedModel,
  graph: Graph,
  done: string[],
): Graph {
  const { featureNames: found, ...rest } = graph;
  if (!wanted && !found) return graph;
  const { name } = graph;
  const without = wanted ? `those of ${name} have no names` : "the model's file has no names";
  done.push(`the columns of ${name} are read in the order of ${config.dataset}'s: ${without}`);
  if (!wanted) return rest;
  // No column is called "": what the model does not read stays without a name.
  const names = Array.from({ length: graph.features.columns }, () => "");
  for (const [k, wantedName] of wanted.entries()) names[config.features?.[k] ?? k] = wantedName;
  return { ...rest, featureNames: names };
}

/** The places of all columns: those that the model reads where it reads them, the others in between. */
function withOthers(
  places: Int32Array,
  kept: readonly number[] | undefined,
  columns: number,
): Int32Array {
  if (!kept) return places;
  const read = new Set(places);
  const others = Array.from({ length: columns }, (_, k) => k).filter((k) => !read.has(k));
  const at = new Map(kept.map((column, k) => [column, places[k]!]));
  return Int32Array.from({ length: columns }, (_, column) => at.get(column) ?? others.shift()!);
}

/** @throws UserError for a graph that is in another form, or cannot be brought into the model's */
function inFormOf(
  { featuresMade: made, featureScales, config }: FittedModel,
  graph: Graph,
  scales: FeatureScales | undefined,
  done: string[],
): Csr {
  const { name, features, featuresMade } = graph;
  const learned = `the model learned from features that were made ${made}`;
  const again = `import ${name} again without --features, and they are made so for the model`;
  if (featuresMade === undefined) {
    const form = { featuresMade: made, ...(scales && { featureScales: scales }) };
    const found = formedAs(features, form, name);
    if (!found) {
      throw new UserError(
        `${learned}, and those of ${name} are its own: they cannot be made so; train a model on features that ` +
          "both have",
      );
    }
    const by = scales ? `, with the means and deviations of ${config.dataset}` : "";
    done.push(`${learned}: those of ${name} are made so too${by}`);
    return found;
  }
  if (featuresMade !== made) {
    throw new UserError(`${learned}, and those of ${name} were made ${featuresMade}: ${again}`);
  }
  if (made === "standardised" && !scales) {
    throw new UserError(
      `${learned}, by means and deviations that its file does not have (${config.dataset} was imported by an earlier ` +
        "version): import its files again and train it anew",
    );
  }
  if (featureScales && !isNear(graph.featureScales, scales!, config.features)) {
    throw new UserError(
      `${learned}, and those of ${name} were by means and deviations of its own: ${again}`,
    );
  }
  return features;
}

/** Whether the columns that the model reads were standardised by the same numbers, up to the order of a sum. */
function isNear(
  found: FeatureScales | undefined,
  { means, deviations }: FeatureScales,
  kept: readonly number[] | undefined,
): boolean {
  if (!found) return false;
  return (kept ?? Array.from(means.keys())).every((c) => {
    const most = 1e-6 * deviations[c]!;
    const gap = Math.abs(found.deviations[c]! - deviations[c]!);
    if (gap > most) return false;
    return deviations[c] === 0 || Math.abs(found.means[c]! - means[c]!) <= most;
  });
}

/** The scales of all columns; those that the model does not read become 0. */
function scalesOfAll(
  { means, deviations }: FeatureScales,
  columns: number,
  kept: readonly number[] | undefined,
): FeatureScales {
  if (!kept) return { means, deviations };
  const spread = (numbers: readonly number[]): number[] => {
    const all = new Array<number>(columns).fill(0);
    for (const [k, column] of kept.entries()) all[column] = numbers[k]!;
    return all;
  };
  return { means: spread(means), deviations: spread(deviations) };
}

/** Features that no import changed: divided by their rows' sums as the model's were, or not. */
function dividedAs(file: FittedModel, graph: Graph, own: boolean, done: string[]): Graph {
  if (file.featuresAsIs) return { ...graph, featuresAsIs: true };
  if (own || !graph.featuresAsIs) return graph;
  const { name, featuresMade } = graph;
  if (featuresMade !== undefined) {
    throw new UserError(
      "the model learned from rows of features that were divided by their sums, and those of " +
        `${name} were made ${featuresMade}: import ${name} again without --features`,
    );
  }
  if (graph.features.values?.some((value) => value < 0)) {
    throw new UserError(
      "the model learned from rows of features that were divided by their sums, and some features of " +
        `${name} are negative: if the model's were too, import it with --features rows`,
    );
  }
  done.push(`rows of features of ${name} are divided by their sums, as the model's were`);
  const { featuresAsIs: _, ...rest } = graph;
  return rest;
}
