// How features are given to models: divided by their row's sum, or as they are, perhaps scaled before.
import { BadFileError } from "../../formats/errors.ts";
import type { Csr } from "../../graph/csr.ts";
import type { FeatureScales, Graph } from "../../graph/graph.ts";
import { csrFromDense, withoutOnes } from "../sparse.ts";

/** What each form of features is. */
export const FEATURE_FORMS = {
  rows: "models divide each row by its sum",
  "as-is": "models read them as they are",
  binary: "what is not 0 becomes 1, and models divide each row by its sum",
  standardised: "each column gets the mean 0 and the standard deviation 1",
  unit: "each row gets the length 1",
} as const;

export type FeatureForm = keyof typeof FEATURE_FORMS;

export interface FormedFeatures {
  readonly features: Csr;
  /** See Graph. */
  readonly featuresAsIs?: true;
  readonly featuresMade?: Graph["featuresMade"];
  readonly featureScales?: FeatureScales;
  /** What was decided, a sentence each. */
  readonly decisions: readonly string[];
}

/** More features than this that are not 0 are refused. */
const MAX_NONZEROS = 1 << 25;
/** A sum of a row that is this small beside its numbers is the difference of large ones. */
const SMALL_SUM = 0.05;

/**
 * Gives features their form: `rows` if none is given, and `as-is` if some are negative, because a row's
 * sum may then be near 0.
 * @param where the graph's path, for messages
 */
export function formed(
  features: Csr,
  form: FeatureForm | undefined,
  where: string,
): FormedFeatures {
  const said = (text: FeatureForm): string => `features: ${FEATURE_FORMS[text]}`;
  switch (form) {
    case undefined:
      if (!features.values?.some((value) => value < 0))
        return { features, decisions: [said("rows") + hidingColumn(features)] };
      return {
        features,
        featuresAsIs: true,
        decisions: [`${said("as-is")}, because some are negative and a row's sum may be near 0`],
      };
    case "rows":
      return { features, decisions: [said(form), ...smallSums(features)] };
    case "as-is":
      return { features, featuresAsIs: true, decisions: [said(form)] };
    case "binary":
      return { features: binary(features), featuresMade: form, decisions: [said(form)] };
    case "standardised": {
      const scales = scalesOf(features, where);
      return {
        features: standardised(features, scales, where),
        featuresAsIs: true,
        featuresMade: form,
        featureScales: scales,
        decisions: [said(form)],
      };
    }
    case "unit":
      return {
        features: unitRows(features),
        featuresAsIs: true,
        featuresMade: form,
        decisions: [said(form)],
      };
  }
}

/**
 * Gives features, as files have them, the form of another graph's.
 * @returns undefined for a form that cannot be given: made of the graph itself, or by scales that are not known
 * @throws BadFileError for too many standardised features
 */
export function formedAs(
  features: Csr,
  { featuresMade: form, featureScales: scales }: Pick<Graph, "featuresMade" | "featureScales">,
  where: string,
): Csr | undefined {
  if (form === "binary") return binary(features);
  if (form === "unit") return unitRows(features);
  return form === "standardised" && scales ? standardised(features, scales, where) : undefined;
}

function binary({ rows, columns, indptr, indices }: Csr): Csr {
  return { rows, columns, indptr, indices };
}

/** Says why a graph's features do not allow new nodes; undefined if they do. */
export function newNodesFault({ name, featuresMade, featureScales }: Graph): string | undefined {
  if (featuresMade === "identity" || featuresMade === "degree") {
    return `${name} has no features of its own, and those that were made (${featuresMade}) fit its nodes only`;
  }
  if (featuresMade !== "standardised" || featureScales) return undefined;
  return (
    `the features of ${name} were standardised by an earlier version, which kept no means and deviations: ` +
    "import its files again"
  );
}

/** A column with more of the rows' sums than this leaves next to nothing to the others; no word of texts has it. */
const MOST_SHARE = 0.8;

/** Says that one column hides the others when a row is divided by its sum: income beside age, age beside 0 and 1. */
function hidingColumn({ rows, columns, indptr, indices, values }: Csr): string {
  if (!values || columns === 1) return "";
  const shares = new Float64Array(columns);
  let counted = 0;
  for (let r = 0; r < rows; r++) {
    const [start, end] = [indptr[r]!, indptr[r + 1]!];
    let sum = 0;
    for (let k = start; k < end; k++) sum += values[k]!;
    if (sum > 0) counted++;
    for (let k = start; k < end && sum > 0; k++) shares[indices[k]!]! += values[k]! / sum;
  }
  const column = shares.indexOf(shares.reduce((most, share) => Math.max(most, share), 0));
  const share = shares[column]! / counted;
  if (!(share > MOST_SHARE)) return "";
  const what = `feature ${column + 1} alone is ${Math.floor(100 * share)} % of that sum, which hides the others`;
  return `; ${what}: --features standardised`;
}

function smallSums({ rows, indptr, values }: Csr): string[] {
  if (!values?.some((value) => value < 0)) return [];
  let small = 0;
  for (let r = 0; r < rows; r++) {
    let [sum, size] = [0, 0];
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      sum += values[k]!;
      size += Math.abs(values[k]!);
    }
    if (size > 0 && Math.abs(sum) < SMALL_SUM * size) small++;
  }
  const huge = small > 0 ? `, and ${small} rows sum to almost 0, which makes them huge` : "";
  return [`some features are negative: their rows change their scale and their sign${huge}`];
}

/** Deviations are those of the whole column, not of a sample. */
function scalesOf(features: Csr, where: string): FeatureScales {
  const { rows, columns, indices, values } = features;
  checkDense(features, where);
  const [sums, squares] = [new Float64Array(columns), new Float64Array(columns)];
  const valueAt = (k: number): number => values?.[k] ?? 1;
  for (let k = 0; k < indices.length; k++) sums[indices[k]!]! += valueAt(k);
  const means = sums.map((sum) => sum / rows);
  const stored = new Int32Array(columns);
  for (let k = 0; k < indices.length; k++) {
    squares[indices[k]!]! += (valueAt(k) - means[indices[k]!]!) ** 2;
    stored[indices[k]!]!++;
  }
  // Zeros are not stored, but deviate too.
  const deviations = squares.map((square, c) => {
    const deviation = Math.sqrt((square + (rows - stored[c]!) * means[c]! ** 2) / rows);
    return deviation > 1e-7 * Math.abs(means[c]!) ? deviation : 0;
  });
  return { means: Array.from(means), deviations: Array.from(deviations) };
}

function checkDense({ rows, columns }: Csr, where: string): void {
  if (rows * columns <= MAX_NONZEROS) return;
  const size = `${rows} x ${columns} standardised features`;
  throw new BadFileError(where, `${size} are almost all not 0; at most ${MAX_NONZEROS} are kept`);
}

function standardised(features: Csr, { means, deviations }: FeatureScales, where: string): Csr {
  const { rows, columns, indptr, indices, values } = features;
  checkDense(features, where);
  // Fingerprints of graphs depend on the last bits of these products.
  const scales = Float64Array.from(deviations, (deviation) => (deviation > 0 ? 1 / deviation : 0));
  const dense = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) dense[r * columns + c] = -means[c]! * scales[c]!;
    for (let k = indptr[r]!; k < indptr[r + 1]!; k++) {
      const c = indices[k]!;
      dense[r * columns + c] = ((values?.[k] ?? 1) - means[c]!) * scales[c]!;
    }
  }
  return csrFromDense(dense, columns);
}

function unitRows(features: Csr): Csr {
  const { rows, indptr, indices, values } = features;
  const scaled = values?.slice() ?? new Float32Array(indices.length).fill(1);
  for (let r = 0; r < rows; r++) {
    const row = scaled.subarray(indptr[r], indptr[r + 1]);
    const length = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    // A row of zeros, or of numbers so small that their squares vanish, stays as it is.
    if (length > 0) for (let k = 0; k < row.length; k++) row[k]! /= length;
  }
  return withoutOnes({ ...features, values: scaled });
}
