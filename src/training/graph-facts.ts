// What a model's file keeps of the graph that it learned from: names, and the form of its features.
import { canonicalJson } from "../base/canonical.ts";
import { type Form, list, object, real, text } from "../base/json-form.ts";
import { printable } from "../base/printable.ts";
import { FormatError } from "../formats/safetensors.ts";
import type { FeatureScales, Graph } from "../graph/graph.ts";
import type { RunConfig } from "./run.ts";

/** Each is there if the graph has it. */
export interface GraphFacts {
  /** What its graph called the classes, if not 0, 1, 2 ... */
  readonly classNames?: readonly string[];
  /** Present if its graph's features were not divided by their rows' sums; then no graph's are. */
  readonly featuresAsIs?: true;
  /** How its graph's features were changed or made at the import; other graphs' and new nodes' are, too. */
  readonly featuresMade?: Graph["featuresMade"];
  /** Those of the columns that the model reads, in their order. */
  readonly featureScales?: Graph["featureScales"];
  /** Of the columns that the model reads, in their order. */
  readonly featureNames?: Graph["featureNames"];
}

/** Returns what the file of a model that learned from the graph keeps of it. */
export function graphFacts({ features: kept }: Pick<RunConfig, "features">, graph: Graph) {
  const { classNames, featuresAsIs, featuresMade, featureScales, featureNames } = graph;
  const read = <T>(list: readonly T[]): readonly T[] =>
    kept?.map((column) => list[column]!) ?? list;
  const facts: GraphFacts = {
    ...(classNames && { classNames }),
    ...(featuresAsIs && { featuresAsIs }),
    ...(featuresMade && { featuresMade }),
    ...(featureScales && {
      featureScales: {
        means: read(featureScales.means),
        deviations: read(featureScales.deviations),
      },
    }),
    ...(featureNames && { featureNames: read(featureNames) }),
  };
  return facts;
}

const AS_IS_TEXT =
  "Features are read as they are, whatever follows: nothing is divided by its sum. ";
const KEPT_TEXT = "Of the features, only the columns listed in config.features, in this order. ";
/** What each form of features, as files have them, is before all else. */
const FORM_TEXTS: Readonly<Record<NonNullable<Graph["featuresMade"]>, string>> = {
  binary: "Features are first made binary: what is not 0 becomes 1. ",
  standardised:
    "Features are first standardised: each column that is read minus its mean, divided by its deviation " +
    "(featureScales, in the order of these columns); where that is 0, the column becomes 0. ",
  unit: "Each row of features, of all columns, is first divided by its length, the root of its squares' sum. ",
  identity:
    "Features are no input: node k of the graph of the training alone has a 1 in column k, and no other graph fits. ",
  degree:
    "Features are no input: a node has a 1 in the column of its number of neighbours, at most the last. ",
};

/** What is done to features, as files have them, before anything else, for whoever reads the file without this library. */
export function featuresText(
  { features }: Pick<RunConfig, "features">,
  { featuresMade, featuresAsIs }: GraphFacts,
): string {
  const form = featuresMade ? FORM_TEXTS[featuresMade] : "";
  return form + (features ? KEPT_TEXT : "") + (featuresAsIs ? AS_IS_TEXT : "");
}

/** The facts as a file's metadata. */
export function factsText({
  classNames,
  featuresAsIs,
  featuresMade,
  featureScales,
  featureNames,
}: GraphFacts): Record<string, string> {
  return {
    ...(classNames && { classNames: canonicalJson(classNames) }),
    ...(featuresAsIs && { featuresAsIs: "true" }),
    ...(featuresMade && { featuresMade }),
    ...(featureScales && { featureScales: canonicalJson(featureScales) }),
    ...(featureNames && { featureNames: canonicalJson(featureNames) }),
  };
}

/**
 * Reads the facts from a file's metadata.
 * @param sizes how many classes the graph has, and how many columns of features the model reads
 * @param parse reads JSON of a form
 * @param name the file's, for messages
 * @throws FormatError
 */
export function factsIn(
  metadata: Readonly<Record<string, string>>,
  sizes: { readonly classes: number; readonly features: number },
  parse: (written: string, form: Form) => unknown,
  name: string,
): GraphFacts {
  const { classNames, featuresAsIs, featuresMade: made, featureScales, featureNames } = metadata;
  if (made !== undefined && !Object.hasOwn(FORM_TEXTS, made)) {
    const known = Object.keys(FORM_TEXTS).join(", ");
    throw new FormatError(`${name}: features that were made ${printable(made)}; known: ${known}`);
  }
  const { classes, features } = sizes;
  const each = (written: string, count: number, what: string): readonly string[] => {
    const names = parse(written, list(text)) as string[];
    if (names.length === count) return names;
    throw new FormatError(`${name} is damaged: it names ${names.length} of ${count} ${what}`);
  };
  const scales =
    featureScales === undefined ? undefined : parse(featureScales, scalesForm(features));
  return {
    ...(classNames && { classNames: each(classNames, classes, "classes") }),
    ...(featuresAsIs === "true" && { featuresAsIs: true }),
    ...(made && { featuresMade: made as keyof typeof FORM_TEXTS }),
    ...(scales !== undefined && { featureScales: scales as FeatureScales }),
    ...(featureNames && { featureNames: each(featureNames, features, "features") }),
  };
}

const scalesForm = (columns: number): Form => {
  const numbers: Form = (value, at) =>
    list(real)(value, at) ?? ((value as unknown[]).length === columns ? undefined : at);
  return object({ means: numbers, deviations: numbers });
};
