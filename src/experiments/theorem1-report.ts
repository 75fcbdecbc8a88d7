// Theorem 1 as claims with verdicts: its equations by autograd, here and now on the synthetic graph and
// fresh models; what reaches whom at the paper's depth from the numbers that `abkd study theorem` keeps.

import { loadDataset, loadSplit } from "../datasets/index.ts";
import { percent } from "../display/format.ts";
import { Gcnii } from "../models/gcnii.ts";
import { startEngine } from "../tensor/index.ts";
import { graphInputs, splitTargets } from "../training/inputs.ts";
import { studentRecipe, teacherRecipe } from "../training/recipes.ts";
import type { ClaimReport } from "./report-data.ts";
import { checkTerms, REACH_NOISE } from "./theorem1.ts";
import { type DepthRecord, type Reach, readDepth, summedUp, type Terms } from "./theorem1-depth.ts";
import type { Verdict } from "./verdict.ts";

export interface TheoremReport {
  readonly about: string;
  readonly claims: readonly ClaimReport[];
}

/** The tolerance for an identity in 32-bit numbers. */
const EXACT = 1e-4;
const SEED = 1;
/** The depth of the teacher for the equations, which hold at any depth; this one is quick. */
const LAYERS = 8;

/**
 * Starts the engine, on one thread; about a second.
 * @param results the folder that may have the numbers at the paper's depth
 * @throws FileError if these cannot be read
 */
export async function theoremReport(results: string): Promise<TheoremReport> {
  const terms = await freshTerms();
  const depth = readDepth(results);
  const equations =
    `Equations 7 and 8 are checked on the synthetic graph with fresh models (teacher ${LAYERS}L-64H, student ` +
    `4L-4H) over ${terms.pairs} pairs of layers with j < i, by autograd in float32.`;
  const deep =
    depth === undefined || typeof depth === "string"
      ? [
          depth ??
            "The numbers at the paper's depth are not here: abkd study theorem computes them.",
        ]
      : depthWords(depth);
  return {
    about: [equations, ...deep, "notebooks/03-theorem-1.ipynb shows the same layer by layer."].join(
      " ",
    ),
    claims: [
      ...equationClaims(terms),
      ...depthClaims(typeof depth === "object" ? depth : undefined),
    ],
  };
}

async function freshTerms(): Promise<Terms> {
  startEngine();
  const graph = await loadDataset("synthetic");
  const shape = { features: graph.features.columns, classes: graph.classes };
  const inputs = graphInputs(graph);
  const targets = splitTargets(graph, await loadSplit(graph, "random:48/32/20:0"));
  const teacher = new Gcnii({ ...teacherRecipe("synthetic").model, layers: LAYERS }, shape, SEED);
  const student = new Gcnii(studentRecipe("synthetic", "student").model, shape, SEED);
  const scene = { inputs: inputs.value, train: targets.value.train, teacher, student, seed: SEED };
  try {
    const all = Array.from({ length: LAYERS }, (_, k) => k + 1);
    const pairs = all.flatMap((i) =>
      all.slice(0, Math.min(student.config.layers, i - 1)).map((j) => [i, j] as const),
    );
    return summedUp(checkTerms(scene, pairs));
  } finally {
    teacher.dispose();
    student.dispose();
    targets.dispose();
    inputs.dispose();
  }
}

function equationClaims({ pairs, productRule, equation8 }: Terms): ClaimReport[] {
  const identity = (text: string, worst: number): ClaimReport => ({
    text,
    kind: "value",
    ours: `differs by at most ${worst < EXACT ? `${EXACT}` : worst.toExponential(0)}`,
    verdict: {
      outcome: worst < EXACT ? "reproduced" : "differs",
      why: `over ${pairs} pairs`,
    },
  });
  return [
    identity("eq. 7: the gradient of L_ij is the sum of its two terms", productRule),
    identity("eq. 8 is the derivative of the score before softmax, and contains T_i", equation8),
  ];
}

const arrives = (change: number): boolean => change > REACH_NOISE;
/** Returns the teacher layers, from 1, whose weights arrive: at some student layer for `most`, at all for `least`. */
const arriving = (changes: readonly number[]): number[] =>
  changes.flatMap((x, k) => (arrives(x) ? [k + 1] : []));

/** Says what the numbers show besides the claims: how large the theorem's own term is, and where SoftKD starts. */
export function depthWords({ teacher, reach, terms, recorded }: DepthRecord): string[] {
  const { layers, width, alpha } = teacher.model;
  const [least, most] = terms.attentionShare.map((x) => (100 * x).toPrecision(2)) as [
    string,
    string,
  ];
  const blind = reach.filter(({ reads }) => reads !== "inner maps");
  const missed = blind.flatMap(({ most: all }) => all.filter((x) => !arrives(x)));
  return [
    `At the paper's depth (the trained teacher on ${teacher.dataset}, ${layers}L-${width}H, a fresh student; recorded ` +
      `${recorded} by abkd study theorem) a teacher layer arrives when a change of norm 1 of its weights ` +
      `changes the gradient at a student layer by more than ${REACH_NOISE} of itself, which is what 32 bits hold.`,
    `Over ${terms.pairs} pairs of layers there the attention's own term, which eq. 8 is about, is ${least} to ${most} % of ` +
      "the gradient of L_ij; the rest comes from D, which contains the teacher's map too. Softmax and later " +
      `layers, which "~" leaves out, are up to ${percent(terms.leftOut, 0)} of the attention's derivative.`,
    ...(missed.length > 0
      ? [
          "GCNII adds alpha H_0 at each layer, so that what layer i computes reaches the last map and the " +
            `logits with weight (1 - alpha)^(${layers} - i), alpha = ${alpha}: of the layers that do not arrive ` +
            `there none changes the gradient by more than ${Math.max(...missed).toPrecision(1)} of itself.`,
        ]
      : []),
  ];
}

/** Returns what the theorem is said to show, each claim decided by numbers at the paper's depth. */
export function depthClaims(record: DepthRecord | undefined): ClaimReport[] {
  const of = (chosen: (reach: Reach) => boolean): readonly Reach[] =>
    record?.reach.filter(chosen) ?? [];
  const claim = (
    text: string,
    reaches: readonly Reach[],
    decide: (reaches: readonly Reach[]) => Verdict,
  ): ClaimReport => {
    if (reaches.length === 0) {
      return { text, kind: "value", verdict: { outcome: "none", why: "not run here yet" } };
    }
    return { text, kind: "value", ours: reaches.map(words).join("; "), verdict: decide(reaches) };
  };
  return [
    claim(
      "W_j depends on the weights of teacher layer i, at the paper's depth (ABKD)",
      of(({ attention }) => attention),
      arrivalVerdict,
    ),
    claim(
      "the weights of the first quarter of layers are unavailable to a loss on the logits (SoftKD)",
      of(({ reads }) => reads === "logits"),
      earlyVerdict,
    ),
    claim(
      "and to a loss on the last hidden map (FitNet, AT; LSP, GSP, G-CRD read the same)",
      of(({ reads }) => reads === "last map"),
      earlyVerdict,
    ),
    claim(
      "those weights are unavailable to any other method",
      of(({ reads, attention }) => reads === "inner maps" && !attention),
      anyOtherVerdict,
    ),
  ];
}

/** `SoftKD: 14 of 64 teacher layers arrive, the first is 49, 12 of them at every student layer`. */
function words({ label, most, least }: Reach): string {
  const layers = arriving(most);
  const some = layers.length > 0 && layers.length < most.length;
  const first = some ? `, the first is ${layers[0]}, the last ${layers.at(-1)}` : "";
  const everywhere = arriving(least).length;
  const rest = layers.length > 0 ? `, ${everywhere} of them at every student layer` : "";
  return `${label}: ${layers.length} of ${most.length} teacher layers arrive${first}${rest}`;
}

function arrivalVerdict(reaches: readonly Reach[]): Verdict {
  const all = reaches.every(({ most }) => most.every(arrives));
  return { outcome: all ? "reproduced" : "differs", why: "each changed by norm 1" };
}

/** Decides whether none, some or all of the first quarter of layers arrive at any of the losses. */
function earlyVerdict(reaches: readonly Reach[]): Verdict {
  const quarter = Math.floor(reaches[0]!.most.length / 4);
  const early = reaches.flatMap(({ most }) => most.slice(0, quarter));
  const found = early.filter(arrives).length;
  const none = `none of layers 1 to ${quarter} arrives`;
  const why = found === 0 ? none : `${found} of ${early.length} early layers arrive`;
  if (found === 0) return { outcome: "reproduced", why };
  return { outcome: found === early.length ? "differs" : "undecided", why };
}

/** Decides whether each teacher layer arrives at one of these losses, which have no attention. */
function anyOtherVerdict(reaches: readonly Reach[]): Verdict {
  const layers = reaches[0]!.most.map((_, k) => k);
  const count = layers.filter((k) => reaches.some(({ most }) => arrives(most[k]!))).length;
  const found = `${count} of ${layers.length} layers arrive without attention`;
  if (count === 0) return { outcome: "reproduced", why: found };
  if (count < layers.length) return { outcome: "undecided", why: found };
  return {
    outcome: "differs",
    why: `${found}: it takes a loss that reads inner maps, not attention`,
  };
}
