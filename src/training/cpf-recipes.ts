// How CPF's authors train its student: by dataset, with a GCN as the teacher, in the variant `ind`.
import { cpf } from "../models/cpf.ts";
import type { Recipe } from "./recipes.ts";

/** What its authors vary by dataset (BUPT-GAMMA/CPF, spawn_worker.py, 304ada6). */
const CHOICES: Readonly<Record<string, Partial<typeof cpf.defaults>>> = {
  cora: { layers: 8 },
  citeseer: { layers: 6 },
  pubmed: { layers: 5 },
  "amazon-photo": { layers: 6 },
  "amazon-computers": { layers: 10, dropout: 0.5, edgeDropout: 0.8 },
};

/** Returns the student's recipe; for a dataset that its authors do not have, Cora's. */
export function cpfRecipe(dataset: string): Recipe {
  const own = CHOICES[dataset];
  return {
    model: { kind: "cpf", ...cpf.defaults, ...(own ?? CHOICES["cora"]) },
    training: {
      ...{ epochs: 500, patience: 50, learningRate: 0.001, weightDecay: 0.01 },
      keep: "latest-accuracy",
    },
    source: own
      ? "CPF's repository (GCN teacher, ind)"
      : "our choice: as CPF's repository has it for Cora, not tuned",
  };
}
