// Tables 6, 7, 10, 11 and 12: one choice of ABKD varied, in two forms, beside the controls.
import type { Changes } from "../../training/recipes.ts";
import { type PublishedAccuracy, table6, table7, table10, table11, table12 } from "../published.ts";
import type { Arm, Claim, Study } from "../study.ts";
import { controls, methodArm, searched, survival } from "./arms.ts";

/** A form of ABKD in which a choice is varied. */
interface Form {
  readonly id: string;
  readonly label: string;
  readonly changes: Changes;
}

const SEARCHED: Form = { id: "searched", label: "searched form", changes: {} };
const LITERAL: Form = {
  id: "literal",
  label: "eqs. 3-6 as written",
  changes: { preset: "literal" },
};
/** All projections trained, as in eq. 4, but a mean square in place of its sum over nodes. */
const MEAN_SQUARE: Form = {
  id: "mse",
  label: "mean square, all projections trained",
  changes: { preset: "mse" },
};

/** One value of the choice, with the paper's number for it. */
interface Variant {
  readonly id: string;
  readonly label: string;
  readonly options: NonNullable<Changes["options"]>;
  paper(dataset: string): PublishedAccuracy | undefined;
}

interface Variation {
  readonly name: string;
  readonly title: string;
  readonly about: readonly string[];
  readonly datasets: readonly string[];
  readonly forms: readonly Form[];
  readonly variants: readonly Variant[];
  /** The orderings that the paper's text states, as pairs of variants. */
  readonly orderings: readonly (readonly [better: string, worse: string])[];
  readonly sweep?: NonNullable<Study["sweep"]>;
}

const armId = (form: Form, variant: Variant): string => `abkd:${form.id}/${variant.id}`;

function variationStudy(variation: Variation): Study {
  const { forms, variants, orderings, ...rest } = variation;
  const arms = forms.flatMap((form) =>
    variants.map((variant): Arm => {
      const label = `ABKD, ${variant.label} (${form.label})`;
      const options = { ...form.changes.options, ...variant.options };
      const about = { id: armId(form, variant), label, role: "method" } as const;
      return methodArm("abkd", about, { ...form.changes, options });
    }),
  );
  const claims = (dataset: string): Claim[] => {
    const values = forms.flatMap((form) =>
      variants.flatMap((variant): Claim[] => {
        const paper = variant.paper(dataset);
        const text = `${variant.label}: test accuracy (${form.label})`;
        const arm = armId(form, variant);
        const label = `${variant.label} (${form.label})`;
        return paper ? [{ kind: "value", text, arm, paper }, survival({ id: arm, label })] : [];
      }),
    );
    const find = (id: string): Variant => variants.find((variant) => variant.id === id)!;
    const pairs = forms.flatMap((form) =>
      orderings.map(([high, low]): Claim => {
        const [better, worse] = [find(high), find(low)];
        const [above, below] = [better.paper(dataset), worse.paper(dataset)];
        return {
          kind: "ordering",
          text: `${better.label} is above ${worse.label} (${form.label})`,
          better: armId(form, better),
          worse: armId(form, worse),
          ...(above && below && { paper: above.mean - below.mean }),
        };
      }),
    );
    return [...values, ...pairs];
  };
  return { ...rest, arms: [...arms, searched, ...controls], subject: searched.id, claims };
}

const bare = (mean: number | undefined): PublishedAccuracy | undefined =>
  mean === undefined ? undefined : { mean };

/** Returns a dataset's row in a table of the paper, if it has one. */
function rowOf<Row>(table: Readonly<Record<string, unknown>>, dataset: string): Row | undefined {
  return dataset !== "values" && Object.hasOwn(table, dataset)
    ? (table[dataset] as Row)
    : undefined;
}

type Accuracies<Names extends string> = Readonly<Record<Names, PublishedAccuracy>>;

const SMALL_GRAPHS = ["cora", "citeseer", "pubmed", "nell"];

export const table6Study = variationStudy({
  name: "table6",
  title: "Table 6: with and without the subspace projection P",
  about: [
    "P needs a teacher's side that is projected, so the choice is varied in the forms that train " +
      "all projections: eq. 4 as written, and its mean square.",
    "By algebra P cannot change which dissimilarities can be reached (see the paper's inconsistencies).",
  ],
  datasets: SMALL_GRAPHS,
  forms: [LITERAL, MEAN_SQUARE],
  variants: [
    {
      id: "with-p",
      label: "with P",
      options: { subspace: true },
      paper: (dataset) => rowOf<Accuracies<"subspace">>(table6, dataset)?.subspace,
    },
    {
      id: "without-p",
      label: "without P",
      options: { subspace: false },
      paper: (dataset) => rowOf<Accuracies<"none">>(table6, dataset)?.none,
    },
  ],
  orderings: [["with-p", "without-p"]],
});

export const table7Study = variationStudy({
  name: "table7",
  title: "Table 7: one linear layer a hidden layer, or one for all",
  about: ["`shared` uses one map for all layers of a side, in the attention and in eq. 4 alike."],
  datasets: SMALL_GRAPHS,
  forms: [SEARCHED, LITERAL],
  variants: [
    {
      id: "per-layer",
      label: "a linear layer each",
      options: { linear: "per-layer" },
      paper: (dataset) => rowOf<Accuracies<"perLayer">>(table7, dataset)?.perLayer,
    },
    {
      id: "shared",
      label: "one shared linear layer",
      options: { linear: "shared" },
      paper: (dataset) => rowOf<Accuracies<"shared">>(table7, dataset)?.shared,
    },
  ],
  orderings: [["per-layer", "shared"]],
});

export const table10Study = variationStudy({
  name: "table10",
  title: "Table 10: beta",
  about: [
    "The paper's text says that lower beta is better; its table does not (see its inconsistencies).",
    "Beta weighs another D in each form: eq. 4 sums over nodes, the searched form is a mean.",
  ],
  datasets: SMALL_GRAPHS,
  forms: [SEARCHED, LITERAL],
  variants: table10.values.map((beta, k) => ({
    id: `beta-${beta}`,
    label: `beta ${beta}`,
    options: { beta },
    paper: (dataset: string) => bare(rowOf<readonly number[]>(table10, dataset)?.[k]),
  })),
  sweep: "beta",
  orderings: [["beta-1", `beta-${table10.values.at(-1)}`]],
});

export const table11Study = variationStudy({
  name: "table11",
  title: "Table 11: the embedding dimension d_a",
  about: [
    "The paper's text says that higher d_a is better; its table does not on Cora and Pubmed.",
    "In the searched form d_a is the attention's alone: its teacher side is not projected.",
  ],
  datasets: SMALL_GRAPHS,
  forms: [SEARCHED, LITERAL],
  variants: table11.values.map((embedding, k) => ({
    id: `d-${embedding}`,
    label: `d_a ${embedding}`,
    options: { embedding },
    paper: (dataset: string) => bare(rowOf<readonly number[]>(table11, dataset)?.[k]),
  })),
  sweep: "embedding",
  orderings: [[`d-${table11.values.at(-1)}`, `d-${table11.values[0]}`]],
});

export const table12Study = variationStudy({
  name: "table12",
  title: "Table 12: Euclidean or cosine distance",
  about: [
    "The paper does not say whether cosine is of the n-vectors after averaging (as written) or of " +
      "each node's vectors (searched form).",
  ],
  datasets: SMALL_GRAPHS,
  forms: [SEARCHED, LITERAL],
  variants: (["euclidean", "cosine"] as const).map((distance) => ({
    id: distance,
    label: `${distance} distance`,
    options: { distance },
    paper: (dataset: string) =>
      bare(rowOf<Readonly<Record<"euclidean" | "cosine", number>>>(table12, dataset)?.[distance]),
  })),
  orderings: [["euclidean", "cosine"]],
});
