// Figure 5: where the attention of trained students lies.
import type { Claim, Study } from "../study.ts";
import type { TrialRecord } from "../trial-record.ts";
import { controls, literal, searched } from "./arms.ts";

/** The third layer, which the paper's map for Cora shows dark. */
const CORA_LAYER = 2;

/**
 * The share of all attention that each student layer has.
 * @returns fractions that sum to 1; undefined where none was learned
 */
export function attentionShares({ attention }: TrialRecord): number[] | undefined {
  if (!attention?.[0]) return undefined;
  const sums = attention[0].map((_, j) => attention.reduce((sum, row) => sum + row[j]!, 0));
  const total = sums.reduce((sum, x) => sum + x, 0);
  return sums.map((sum) => sum / total);
}

/** 1 where one student layer has more than half of all attention. */
function oneLayerHasMost(record: TrialRecord): number | undefined {
  const shares = attentionShares(record);
  return shares && (Math.max(...shares) > 0.5 ? 1 : 0);
}

/** 1 where the third student layer has the largest share. */
function thirdLayerLeads(record: TrialRecord): number | undefined {
  const shares = attentionShares(record);
  return shares && (shares.indexOf(Math.max(...shares)) === CORA_LAYER ? 1 : 0);
}

function claims(dataset: string): Claim[] {
  return [searched, literal].flatMap(({ id, label }): Claim[] => {
    const most: Claim = {
      ...{ kind: "majority", arm: id, measure: oneLayerHasMost },
      text: `${label}: one student layer has most of the attention`,
    };
    const third: Claim = {
      ...{ kind: "majority", arm: id, measure: thirdLayerLeads },
      text: `${label}: the third student layer has the largest share`,
    };
    return dataset === "cora" ? [most, third] : [most];
  });
}

export const figure5: Study = {
  name: "figure5",
  title: "Figure 5: attention maps",
  about: [
    "The paper shows one map a dataset; here every split and seed has one, so that it can be seen " +
      "whether the darkest layer belongs to the data or to the start.",
    "Attention is eq. 3's after the last epoch. The controls show what the map is worth: their " +
      "attention is fixed.",
  ],
  datasets: ["cora", "citeseer", "pubmed"],
  arms: [searched, literal, ...controls],
  subject: searched.id,
  claims,
};
