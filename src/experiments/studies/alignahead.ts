// Alignahead's claims: students without a teacher, on the sets of its paper that are here.
// Guo, Chen, Wang: Alignahead: Online Cross-Layer Knowledge Extraction on Graph Neural Networks, IJCNN 2022.
import type { ModelName } from "../../models/registry.ts";
import { studentConfig } from "../../training/recipes.ts";
import type { Arm, Claim, Study } from "../study.ts";

/** The reference's training (GuoJY-eatsTG/Alignahead, for PPI), with all its epochs. */
const TRAINING = { epochs: 300, patience: 300, learningRate: 0.005, weightDecay: 0 };

/** The paper's kinds of model, with four layers of 64. */
const FAMILIES: readonly { readonly kind: ModelName; readonly label: string }[] = [
  { kind: "gcn", label: "GCN" },
  { kind: "sage", label: "GraphSAGE" },
  { kind: "gat", label: "GAT" },
];

/** How many students, and which layers they align. */
const GROUPS = [
  { id: "same-3", label: "three students, equal layers (OC)", students: 3, align: "same" },
  { id: "ahead-2", label: "two students, a layer ahead", students: 2, align: "ahead" },
  { id: "ahead-3", label: "three students, a layer ahead", students: 3, align: "ahead" },
  { id: "ahead-4", label: "four students, a layer ahead", students: 4, align: "ahead" },
] as const;

function armsOf({ kind, label }: (typeof FAMILIES)[number]): Arm[] {
  const model = {
    ...{ kind, layers: 4, dropout: 0 },
    ...(kind === "gat" ? { heads: 3, width: 64 } : { width: 64 }),
  };
  const base = { recipe: null, model, training: TRAINING } as const;
  // A GAT's step takes many times as long as the others'.
  const paperOnly = kind === "gat" ? { paperOnly: true } : {};
  const alone: Arm = {
    ...{ id: `${kind}:alone`, label: `${label} alone`, role: "baseline", ...paperOnly },
    config: (subject, teacher) => studentConfig(subject, "student", teacher, base),
  };
  const groups = GROUPS.map(({ id, label: words, students, align }): Arm => {
    const options = { students, align };
    return {
      ...{ id: `${kind}:${id}`, label: `${label}, ${words}`, role: "method", ...paperOnly },
      config: (subject, teacher) =>
        studentConfig(subject, "alignahead", teacher, { ...base, options }),
    };
  });
  return [alone, ...groups];
}

function claims(): Claim[] {
  const ordering = (better: string, worse: string, text: string): Claim => ({
    ...{ kind: "ordering", better, worse, text },
  });
  return FAMILIES.flatMap(({ kind, label }) => [
    ordering(`${kind}:ahead-3`, `${kind}:alone`, `${label}: Alignahead is above a student alone`),
    ordering(
      `${kind}:ahead-3`,
      `${kind}:same-3`,
      `${label}: a layer ahead is above equal layers (OC)`,
    ),
    ordering(`${kind}:ahead-4`, `${kind}:ahead-2`, `${label}: four students are above two`),
  ]);
}

export const alignaheadStudy: Study = {
  name: "alignahead",
  title: "Alignahead: students without a teacher",
  about: [
    "Students from one start take turns; each layer learns the local structure of the layer before it in the others " +
      "(a weight of 1). The baseline OC aligns equal layers; a student alone has neither.",
    "An arm's accuracy is its first student's. The paper's numbers for these sets were not at hand: only orderings are " +
      "asked for. Its fifth set, PPI, has many graphs and several labels a node, and is not here.",
    "Four layers of 64 (GAT: three heads of 64), 300 epochs at 0.005, the model of the lowest validation loss: the " +
      "reference's numbers for PPI, not tuned here.",
  ],
  datasets: ["amazon-photo", "amazon-computers", "coauthor-cs", "coauthor-physics", "ppi"],
  teacher: null,
  arms: FAMILIES.flatMap(armsOf),
  subject: "gcn:ahead-3",
  claims,
};
