// ABKD's options: every choice that the paper makes or leaves open.
import { OptionError } from "../../base/errors.ts";
import type { OptionTable } from "../../base/options.ts";
import type { Outline } from "../../models/model.ts";
import type { Held } from "../method.ts";
import { type Weights, weightOptions } from "../objective.ts";
import { MAP_KINDS, type MapKind } from "./maps.ts";
import { type Side, sideOf } from "./side.ts";

export type AbkdOptions = Weights & {
  readonly embedding: number;
  readonly attention: "learned" | "uniform" | "diagonal" | "last";
  readonly softmax: "student-layers" | "teacher-layers" | "all";
  readonly form: "literal" | "node-mean" | "mse";
  readonly distance: "euclidean" | "cosine";
  readonly projections: "trained" | "frozen" | "fixed-teacher";
  readonly subspace: boolean;
  readonly linear: "per-layer" | "shared";
  readonly logits: boolean;
  readonly teacherMaps: MapKind;
  readonly studentMaps: MapKind;
  readonly learningRate: number | null;
};

/**
 * The default form trains: the teacher's side cannot shrink, so the loss has no trivial optimum. Each
 * student layer is regressed onto the teacher's maps, weighted by learned attention. Eq. 4 as the
 * paper writes it is the preset `literal`.
 */
export const defaults: AbkdOptions = {
  beta: 0.5,
  embedding: 256,
  attention: "learned",
  softmax: "student-layers",
  form: "mse",
  distance: "euclidean",
  projections: "fixed-teacher",
  subspace: false,
  linear: "per-layer",
  logits: false,
  teacherMaps: "scaled-centred",
  studentMaps: "centred",
  learningRate: 0.01,
  hardWeight: 1,
  softWeight: 0,
  temperature: 1,
};

const literal = {
  beta: 10,
  embedding: 256,
  attention: "learned",
  softmax: "student-layers",
  form: "literal",
  distance: "euclidean",
  projections: "trained",
  subspace: true,
  linear: "per-layer",
  logits: false,
  teacherMaps: "raw",
  studentMaps: "raw",
  learningRate: null,
  hardWeight: 1,
  softWeight: 0,
} as const satisfies Partial<AbkdOptions>;

export const presets = {
  // Equations 3 to 6 as written, with the paper's beta and d_a.
  literal,
  paper: literal,
  // The same with a mean over nodes in place of the sum: beta then means the same on every graph.
  "node-mean": { ...literal, form: "node-mean" },
  // Both sides are projected and trained; D is the mean square over nodes and d_a.
  mse: { ...literal, form: "mse" },
  // The paper's modified ABKD (table 5): only the last pair of layers.
  modified: { ...literal, attention: "last" },
  // The default form on the last pair alone, which gets the beta of 64 teacher layers.
  "last-pair": { attention: "last", beta: 32 },
} as const satisfies Readonly<Record<string, Partial<AbkdOptions>>>;

export const table: OptionTable<AbkdOptions> = {
  beta: {
    ...weightOptions.beta,
    description: "weight of L_abkd (eq. 6); counts once per teacher layer (eq. 5 sums over them)",
  },
  embedding: {
    kind: "number",
    min: 1,
    whole: true,
    symbol: "d_a",
    description: "width of the embedding space; with a fixed teacher only the attention's",
  },
  attention: {
    kind: "choice",
    choices: ["learned", "uniform", "diagonal", "last"],
    symbol: "A",
    description:
      "eq. 3; or fixed: uniform 1 / S_l, diagonal (T_l / S_l teacher layers for each student " +
      'layer, in order), last (1 for the last two hidden maps, with "logits" for the two logits, ' +
      "else 0: modified ABKD)",
  },
  softmax: {
    kind: "choice",
    choices: ["student-layers", "teacher-layers", "all"],
    symbol: "softmax (eq. 3)",
    description: "over which layers learned attention sums to 1; the paper does not say",
  },
  form: {
    kind: "choice",
    choices: ["literal", "node-mean", "mse"],
    symbol: "D (eq. 4)",
    description:
      "literal: mean over d_a, then the squared norm over nodes (eq. 4); node-mean: that " +
      "divided by n; mse: the square's mean over nodes and d_a",
  },
  distance: {
    kind: "choice",
    choices: ["euclidean", "cosine"],
    description:
      "cosine: 1 - cos of the two n-vectors (literal, node-mean), or of each node's two vectors, " +
      "averaged (mse)",
  },
  projections: {
    kind: "choice",
    choices: ["trained", "frozen", "fixed-teacher"],
    symbol: "P_t, P_s, P",
    description:
      "all trained; all as drawn; or P_t the identity and P_s (d_s x d_t) trained: S_j is " +
      "regressed on T_i",
  },
  subspace: {
    kind: "switch",
    symbol: "P",
    description: "whether both sides are multiplied by P; not with a fixed teacher",
  },
  linear: {
    kind: "choice",
    choices: ["per-layer", "shared"],
    symbol: "W^pt, W^ps, P_t, P_s",
    description:
      "one linear map per layer, or one for all teacher layers and one for all student layers " +
      "(table 7), in the attention and in the projections alike",
  },
  logits: {
    kind: "switch",
    description:
      "whether the logits count as a layer of T and of S, the last; those of a GCN or an MLP always do",
  },
  teacherMaps: {
    kind: "choice",
    choices: MAP_KINDS,
    symbol: "T",
    description:
      "scaled: unit mean square over a layer's nodes and width; centred: mean 0 over nodes; " +
      "normalised: each node's vector of length 1",
  },
  studentMaps: {
    kind: "choice",
    choices: MAP_KINDS,
    symbol: "S",
    description: "as teacherMaps",
  },
  learningRate: {
    kind: "number",
    min: 0,
    above: true,
    none: "the student's",
    description: "learning rate of the attention and the projections",
  },
  hardWeight: weightOptions.hardWeight,
  softWeight: weightOptions.softWeight,
  temperature: weightOptions.temperature,
};

/** @throws {OptionError} for two options that contradict each other */
export function checkTogether({ projections, subspace }: AbkdOptions): void {
  if (projections === "fixed-teacher" && subspace) {
    throw new OptionError(
      'abkd: option "subspace" is true, but projections "fixed-teacher" have no P; ' +
        'legal: false, or projections "trained" or "frozen"',
    );
  }
}

/**
 * Counts the weights of attention and projections, and the teacher's maps: at the start all of them, in a
 * step those that take part, or one number per node of each if they are projected only once.
 */
export function leastNumbers(
  options: AbkdOptions,
  teacher: Outline,
  student: Outline,
  nodes: number,
): Held {
  const { attention, linear, projections, subspace, embedding, form } = options;
  const taught = sideOf(teacher, options);
  const weights = ({ layers, width }: Side): number =>
    (linear === "shared" ? 1 : layers.length) * width * embedding;
  const both = weights(taught) + weights(sideOf(student, options));
  const attended = attention === "learned" ? both : 0;
  const projected = projections === "fixed-teacher" ? 0 : both + (subspace ? embedding ** 2 : 0);
  const [trained, frozen] =
    projections === "frozen" ? [attended, projected] : [attended + projected, 0];
  const all = teacher.widths.reduce((sum, width) => sum + width, 0);
  const projectedOnce = form !== "mse" && projections !== "trained";
  const kept = taught.layers.length * (projectedOnce ? 1 : taught.width);
  return { trained, start: nodes * all + frozen, step: nodes * kept + frozen };
}
