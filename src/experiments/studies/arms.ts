// Arms that studies share: methods from the registry, ABKD's forms, and a sceptic's controls.
import { findMethod } from "../../distillation/registry.ts";
import {
  type Changes,
  chosenRecipe,
  furtherRecipe,
  studentConfig,
  studentRecipe,
} from "../../training/recipes.ts";
import type { RunConfig } from "../../training/run.ts";
import { type Contender, contenders } from "../contenders.ts";
import { type Arm, type Claim, searchArm } from "../study.ts";
import { runLabel } from "../summary.ts";
import { SEARCHES } from "../verdict.ts";

/** Makes an arm of a method with its searched recipe and the arm's own changes. */
export function methodArm(
  method: string,
  about: { readonly id?: string; readonly label?: string; readonly role: Arm["role"] },
  changes: Changes = {},
): Arm {
  return {
    id: about.id ?? method,
    label: about.label ?? runLabel(method),
    role: about.role,
    config: (subject, teacher) => studentConfig(subject, method, teacher, changes),
  };
}

/** The plain student and SoftKD, tuned as hard as ABKD. */
export const baselines: readonly Arm[] = [
  methodArm("student", { role: "baseline" }),
  methodArm("softkd", { role: "control" }),
];

/** ABKD in the form and with the recipe that the search chose. */
export const searched: Arm = methodArm("abkd", { role: "method" });

/** Equations 3 to 6 as the paper writes them, with its beta and d_a. */
export const literal: Arm = methodArm(
  "abkd",
  { id: "abkd:literal", label: "ABKD, eqs. 3-6 as written", role: "method" },
  { preset: "literal" },
);

/** Makes a control of ABKD with its searched recipe and a sceptic's change to it. */
function control(id: string, label: string, changes: Changes): Arm {
  const about = { id: `abkd:${id}`, label: `ABKD, ${label}`, role: "control" } as const;
  return methodArm("abkd", about, changes);
}

/** Multiplies beta by the number of teacher layers: one pair replaces rows that each sum to 1. */
const lastPair: Arm = {
  ...control("last", "last pair only", {}),
  config(subject, teacher) {
    const recipe = studentRecipe(subject.dataset, "abkd");
    const beta = Number(recipe.options?.["beta"] ?? findMethod("abkd").defaults["beta"]);
    const options = { attention: "last", beta: beta * teacher.model.layers } as const;
    return studentConfig(subject, "abkd", teacher, { options });
  },
};

/** Claims that an arm's students train at all, as the paper's five did. */
export function survival({ id, label }: Pick<Arm, "id" | "label">): Claim {
  return { kind: "survival", text: `${label}: its students train`, arm: id };
}

/** Fixed attention in place of learned attention; all else is as in `searched`. */
export const attentionControls: readonly Arm[] = [
  control("uniform", "uniform attention", { options: { attention: "uniform" } }),
  control("diagonal", "fixed-diagonal attention", { options: { attention: "diagonal" } }),
  lastPair,
];

/** The paper's equations in settings that may train: averaged over nodes, or with a small beta. */
const milderForms: readonly Arm[] = [
  control("node-mean", "eqs. 3-6, mean over nodes", { preset: "node-mean" }),
  ...[0.01, 1].map((beta) => {
    const label = `eqs. 3-6 as written, beta ${beta}`;
    return control(`literal-beta-${beta}`, label, { preset: "literal", options: { beta } });
  }),
];

const softLabelsAlone: Arm = methodArm(
  "softkd",
  { id: "softkd:soft-only", label: "soft labels without hard ones", role: "control" },
  { options: { hardWeight: 0, alpha: 1, temperature: 1 } },
);

/** The searched form with a teacher that was never trained. */
const randomTeacher: Arm = {
  ...control("random-teacher", "a random teacher", {}),
  config: (subject, teacher) =>
    studentConfig(subject, "abkd", { ...teacher, training: { ...teacher.training, epochs: 0 } }),
};

/** Targets as uncertain as the teacher's, with nothing else from the teacher. */
const smoothed: Arm = contenderArm(contenders().find(({ id }) => id === "smoothing")!, "control");

/** Other students of about the same size, taught by soft labels with SoftKD's recipe. */
const otherStudents: readonly Arm[] = [
  otherStudent("softkd:mlp", "SoftKD into an MLP (GLNN)", ({ dropout }) => {
    return { kind: "mlp", layers: 2, width: 4, dropout };
  }),
  otherStudent("softkd:mustad", "SoftKD into MustaD's student", (searched, { layers }) => {
    return { ...searched, kind: "mustad", layers };
  }),
];

function otherStudent(
  id: string,
  label: string,
  modelOf: (searched: RunConfig["model"], teacher: RunConfig["model"]) => Changes["model"],
): Arm {
  return {
    id,
    label,
    role: "control",
    config(subject, teacher) {
      const { model, training } = studentRecipe(subject.dataset, "softkd");
      const changes = { model: modelOf(model, teacher.model)!, training };
      return studentConfig(subject, "softkd", teacher, changes);
    },
  };
}

/** Controls that a sceptic asks for beyond those of the quick profile. */
const scepticArms: readonly Arm[] = [
  ...milderForms,
  softLabelsAlone,
  randomTeacher,
  smoothed,
  ...otherStudents,
].map((arm) => ({ ...arm, paperOnly: true }));

/** The controls that every ABKD table has beside its own arms. */
export const controls: readonly Arm[] = [...baselines, ...attentionControls, ...scepticArms];

/** Makes an arm of a contender with its searched recipe, or with its start if it was never searched. */
export function contenderArm(contender: Contender, role: Arm["role"]): Arm {
  const { id, method, label, start } = contender;
  return {
    id,
    label,
    role,
    config(subject, teacher) {
      const searched = chosenRecipe(subject.dataset, id) !== undefined;
      const changes = searched ? { recipe: id } : { recipe: null, options: start };
      return studentConfig(subject, method, teacher, changes);
    },
  };
}

/** The contenders of the headline claims: ABKD against the student, three rivals and SoftKD. */
export const HEADLINE: readonly string[] = ["abkd", "student", "lsp", "gsp", "gcrd", "softkd"];

/** Makes arms of a contender with the recipes of searches after the first, on datasets that have them. */
export function searchArms({ id, method, label }: Contender): Arm[] {
  return Array.from({ length: SEARCHES - 1 }, (_, k): Arm => {
    const search = k + 2;
    return {
      id: searchArm(id, search),
      label: `${label}, search ${search}`,
      role: "rival",
      searchedAgain: id,
      paperOnly: true,
      has: (dataset) => furtherRecipe(dataset, id, search) !== undefined,
      config(subject, teacher) {
        const { model, training, options } = furtherRecipe(subject.dataset, id, search)!;
        return studentConfig(subject, method, teacher, { recipe: null, model, training, options });
      },
    };
  });
}

/** Makes an arm with the weights that the method's authors published and the searched training. */
export function publishedArm({ id, method, label, fixed }: Contender): Arm {
  return {
    id: `${id}:published`,
    label: `${label}, published weights`,
    role: "rival",
    publishedOf: id,
    config(subject, teacher) {
      const recipe = studentRecipe(subject.dataset, id);
      const { dropout } = recipe.model;
      return studentConfig(subject, method, teacher, {
        recipe: null,
        model: { dropout },
        training: recipe.training,
        options: fixed,
      });
    },
  };
}
