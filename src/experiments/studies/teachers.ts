// The teachers alone: whether GCNII 64L-64H with its authors' hyper-parameters is as good as theirs.
import { publishedAccuracy } from "../published.ts";
import { type Claim, type Study, TEACHER_ARM } from "../study.ts";

/**
 * GCNII's own full-supervised accuracies over the ten splits, in percent, and how far from them a
 * sound teacher may lie (chennnM/GCNII; ABKD's table 3 has 88.40 and 77.33).
 */
const EXPECTED: Readonly<Record<string, { readonly mean: number; readonly within: number }>> = {
  cora: { mean: 88.4, within: 0.6 },
  citeseer: { mean: 77.2, within: 0.8 },
};

function claims(dataset: string): Claim[] {
  const claims: Claim[] = [];
  const expected = EXPECTED[dataset];
  if (expected) {
    const { mean, within } = expected;
    claims.push({
      kind: "range",
      arm: TEACHER_ARM,
      text: `the mean over splits is GCNII's own, ${mean} ± ${within}`,
      low: mean - within,
      high: mean + within,
    });
  }
  const paper = publishedAccuracy(dataset, TEACHER_ARM);
  const text = "the teacher's test accuracy in table 3";
  if (paper) claims.push({ kind: "value", arm: TEACHER_ARM, text, paper });
  return claims;
}

export const teachers: Study = {
  name: "teachers",
  title: "The teachers: GCNII 64L-64H over the splits",
  about: [
    "GCNII's full-supervised hyper-parameters (its repository), 1,500 epochs at most, patience 100 on " +
      "the validation loss, one seed a split. All studies distil these very teachers.",
  ],
  datasets: ["cora", "citeseer"],
  arms: [],
  subject: TEACHER_ARM,
  claims,
};
