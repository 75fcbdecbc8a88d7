// Table 3: every contender, GCNII 64L-64H into 4L-4H.
import { type Contender, contenders } from "../contenders.ts";
import { table3 as published, publishedAccuracy } from "../published.ts";
import type { Arm, Claim, Study } from "../study.ts";
import { runLabel } from "../summary.ts";
import {
  baselines,
  contenderArm,
  controls,
  HEADLINE,
  literal,
  methodArm,
  publishedArm,
  searchArms,
  searched,
  survival,
} from "./arms.ts";

const own = new Set([...baselines, ...controls, searched].map(({ id }) => id));
/** Returns the contenders that no other arm represents. */
const others = () => contenders().filter(({ id }) => !own.has(id));
const inPaper = (id: string): boolean =>
  Object.values(published).some((row) => Object.hasOwn(row, id));
const rival = (one: Contender): Arm => contenderArm(one, inPaper(one.id) ? "method" : "rival");

const literalLast: Arm = methodArm(
  "abkd",
  {
    id: "abkd:literal-last",
    label: "modified ABKD, eqs. 3-6 as written",
    role: "control",
  },
  { preset: "modified" },
);

/** Returns the claims on table 3's methods and on our forms of ABKD. */
function claims(dataset: string): Claim[] {
  const paper = (arm: string) => publishedAccuracy(dataset, arm);
  const names = ["teacher", ...contenders().map(({ id }) => id)];
  const values = names.flatMap((arm): Claim[] => {
    const value = paper(arm);
    const text = `${runLabel(arm)}'s test accuracy`;
    return value ? [{ kind: "value", text, arm, paper: value }] : [];
  });
  const abkd = paper("abkd");
  const literalValue: Claim[] = abkd
    ? [{ kind: "value", text: `${literal.label}: test accuracy`, arm: literal.id, paper: abkd }]
    : [];
  const orderings = [searched, literal].flatMap((form) =>
    ["student", "lsp", "gsp", "gcrd"].map((worse): Claim => {
      const [ours, theirs] = [paper("abkd"), paper(worse)];
      const text = `${form.label} is above ${runLabel(worse)}`;
      const difference = ours && theirs ? { paper: ours.mean - theirs.mean } : {};
      return { kind: "ordering", text, better: form.id, worse, ...difference };
    }),
  );
  const lives = abkd ? [searched, literal].map(survival) : [];
  return [...values, ...literalValue, ...lives, ...orderings];
}

export const table3: Study = {
  name: "table3",
  title: "Table 3: ABKD against its rivals, GCNII 64L-64H into 4L-4H",
  about: [
    "Every method of the registry with the recipe that the search chose for it on validation nodes, " +
      "by the same rule for each (docs/recipes.md); alone, then beside soft labels. " +
      "A claim's verdict rests on these. The weights that a method's authors published stand in a " +
      "column of their own, with the searched training.",
    "Datasets that were not searched take Cora's recipes.",
    "ABKD stands twice: in the form that the search chose, and with equations 3 to 6 as written " +
      "(beta 10, d_a 256). Claims are tested for both. Modified ABKD keeps the last pair of layers alone.",
    "SoftKD, which the paper defines (eq. 1) and does not show, is tuned as hard as ABKD.",
  ],
  datasets: Object.keys(published),
  // A getter, so that it includes the methods that programs have added by then.
  get arms() {
    return [
      ...[...baselines, ...others().map(rival), searched, literal, literalLast],
      ...controls.filter((arm) => !baselines.includes(arm)),
      ...others()
        .filter((one) => one.published)
        .map(publishedArm),
      ...contenders()
        .filter(({ id }) => HEADLINE.includes(id))
        .flatMap(searchArms),
    ];
  },
  subject: searched.id,
  claims,
};
