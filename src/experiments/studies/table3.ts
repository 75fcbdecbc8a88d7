// Table 3: every method of the registry, GCNII 64L-64H into 4L-4H.
import { methods } from "../../distillation/registry.ts";
import { table3 as published, publishedAccuracy } from "../published.ts";
import type { Claim, Study } from "../study.ts";
import { methodLabel } from "../summary.ts";
import { attentionControls, baselines, literal, rivalArms, searched } from "./arms.ts";

const rivals = methods.filter(({ name }) => !["student", "softkd", "abkd"].includes(name));

/** Table 3's methods, and those of ours that stand for ABKD. */
function claims(dataset: string): Claim[] {
  const paper = (arm: string) => publishedAccuracy(dataset, arm);
  const names = ["teacher", "student", ...rivals.map(({ name }) => name), "abkd"];
  const values = names.flatMap((arm): Claim[] => {
    const value = paper(arm);
    const text = `${methodLabel(arm)}'s test accuracy`;
    return value ? [{ kind: "value", text, arm, paper: value }] : [];
  });
  const abkd = paper("abkd");
  const literalValue: Claim[] = abkd
    ? [{ kind: "value", text: `${literal.label}: test accuracy`, arm: literal.id, paper: abkd }]
    : [];
  const beaten = ["student", "lsp", "gsp", "gcrd"].filter((name) => names.includes(name));
  const orderings = [searched, literal].flatMap((form) =>
    beaten.map((worse): Claim => {
      const [ours, theirs] = [paper("abkd"), paper(worse)];
      const text = `${form.label} is above ${methodLabel(worse)}`;
      const difference = ours && theirs ? { paper: ours.mean - theirs.mean } : {};
      return { kind: "ordering", text, better: form.id, worse, ...difference };
    }),
  );
  return [...values, ...literalValue, ...orderings];
}

export const table3: Study = {
  name: "table3",
  title: "Table 3: ABKD against its rivals, GCNII 64L-64H into 4L-4H",
  about: [
    "Every method of the registry with its recipe (docs/recipes.md says which were searched); a " +
      "rival's published weights, and the rival beside soft labels, stand in rows of their own.",
    "ABKD stands twice: in the form that the search chose, and with equations 3 to 6 as written " +
      "(beta 10, d_a 256). Claims are tested for both.",
    "SoftKD, which the paper defines (eq. 1) and does not show, is tuned as hard as ABKD.",
  ],
  datasets: Object.keys(published),
  arms: [...baselines, ...rivals.flatMap(rivalArms), ...[searched, literal], ...attentionControls],
  subject: searched.id,
  claims,
};
