// Figure 5: where the attention of trained students lies.
import type { MEASURES } from "../attention.ts";
import type { Claim, Study } from "../study.ts";
import { controls, literal, searched } from "./arms.ts";

function claims(dataset: string): Claim[] {
  return [searched, literal].flatMap(({ id: arm, label }) => {
    const claim = (measure: keyof typeof MEASURES, text: string): Claim => {
      return { kind: "majority", arm, measure, text: `${label}: ${text}` };
    };
    const most = claim("one layer has most", "one student layer has most of the attention");
    const third = claim("third layer leads", "the third student layer has the largest share");
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
  showsAttention: true,
  claims,
};
