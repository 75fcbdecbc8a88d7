// The contenders of a comparison: each method, alone (some per kernel) and with soft labels, and its search space.
import { optionKey } from "../base/options.ts";
import { findMethod, methodLabel, methods } from "../distillation/registry.ts";
import type { ModelName } from "../models/registry.ts";
import type { RunConfig } from "../training/run.ts";

/** Options of a method that belong together; a search draws one such set from a list. */
export type Options = Readonly<Record<string, string | number | boolean | null>>;

/** What a search may choose from: one value of each list is drawn, independently. */
export interface SearchSpace {
  readonly dropout: readonly number[];
  /** Limits on the number of epochs. */
  readonly epochs: readonly number[];
  /** Which epoch is kept: the one with the lowest validation loss, or with the highest validation accuracy. */
  readonly keep: readonly ("loss" | "accuracy")[];
  readonly learningRate: readonly number[];
  readonly weightDecay: readonly number[];
  /** The method's options, which override its defaults. */
  readonly options: readonly (readonly Options[])[];
  /** The students; by default the paper's alone, GCNII 4L-4H. */
  readonly students?: readonly StudentSize[];
}

/** A student's size, and the columns of the features that it reads, by default all. */
export interface StudentSize extends Pick<RunConfig, "features"> {
  readonly model: { readonly kind: ModelName; readonly layers: number; readonly width: number };
}

/** One row of a comparison, with a recipe of its own. */
export interface Contender {
  /** The recipe's id: the method's name, with `:kernel` or `+soft` where the method has several contenders. */
  readonly id: string;
  readonly method: string;
  readonly label: string;
  /** The options that define this contender; they override the method's defaults. */
  readonly fixed: Options;
  /** The method's options that the search starts from: the published weights, or an earlier recipe. */
  readonly start: Options;
  readonly space: SearchSpace;
  /** Whether `start` holds the weights that the method's authors published. */
  readonly published: boolean;
}

const TRAINING: Omit<SearchSpace, "options"> = {
  // Few of four ReLU units survive dropout, so half of the draws go without it.
  dropout: [0, 0, 0.1, 0.2],
  epochs: [600, 2000],
  keep: ["loss", "accuracy"],
  learningRate: [0.01, 0.03],
  weightDecay: [0, 1e-5, 1e-4, 1e-3],
};

const list = (option: string, values: readonly (string | number | boolean | null)[]): Options[] =>
  values.map((value) => ({ [option]: value }));

/** Combines each entry of one list with each of another. */
const both = (one: readonly Options[], other: readonly Options[]): Options[] =>
  one.flatMap((a) => other.map((b) => ({ ...a, ...b })));

/**
 * Mixtures of hard and soft labels: soft ones alone, both, and hard ones alone as for the plain student.
 * Spaces are nested: SoftKD chooses from these, and so does every method combined with soft labels.
 */
const MIXTURES = [
  { hardWeight: 0, alpha: 1 },
  { hardWeight: 0.1, alpha: 0.9 },
  { hardWeight: 1, alpha: 1 },
  { hardWeight: 1, alpha: 5 },
  { hardWeight: 1, alpha: 0 },
];
const TEMPERATURES = list("temperature", [1, 2, 4]);
/** The reference's mixture. */
const USUAL = { ...MIXTURES[1]!, temperature: 4 };

/** Renames alpha to `weight`, the method's own key for it. */
const named = <T extends { readonly alpha: number }>({ alpha, ...rest }: T, weight: string) => ({
  ...rest,
  [weight]: alpha,
});

/** Weights of the method's own term; with 0 the method is its own baseline, the student or SoftKD. */
const betas = (...values: readonly number[]): Options[] => list("beta", [0, ...values]);

interface Row {
  readonly method: string;
  readonly name?: string;
  /** Defaults to the method's label. */
  readonly label?: string;
  readonly fixed?: Options;
  readonly start?: Options;
  readonly options: readonly (readonly Options[])[];
  /** Start and options with soft labels, where the method is compared with those too. */
  readonly soft?: { readonly start: Options; readonly options?: readonly (readonly Options[])[] };
  readonly published?: boolean;
}

/** For sums over all pairs of nodes: with a beta of about 1 / n^2 they are as large as the labels' loss. */
const PAIRS = betas(1e-10, 1e-9, 1e-8, 1e-7);
/** The same for kernels that sum over 128 features, whose squares are 10^3 to 10^4. */
const FEATURES = betas(1e-14, 1e-13, 1e-12, 3e-12);

/** @param options what the search chooses from, one list per choice */
function row(
  method: string,
  options: Row["options"],
  more: Omit<Row, "method" | "options"> = {},
): Row {
  return { method, options, ...more };
}

const published = true;
/** What a search for ABKD chooses from besides beta. */
const ABKD_CHOICES = [
  list("learningRate", [0.003, 0.01]),
  list("teacherMaps", ["scaled-centred", "normalised"]),
  list("logits", [false, true]),
];

const ROWS: readonly Row[] = [
  // These have nothing to search but their training.
  row("student", []),
  row("smoothing", []),
  row("softkd", [MIXTURES, TEMPERATURES]),
  row("fitnet", [betas(1, 10, 100, 1000, 1e4)], {
    published,
    soft: { start: { beta: 100 } },
  }),
  row("at", [betas(1e2, 1e3, 1e4, 1e5)], { published, soft: { start: { beta: 1e4 } } }),
  row("lsp", [list("kernel", ["cosine", "poly", "l2", "rbf"]), betas(0.1, 1, 10, 100, 1000)], {
    published,
    soft: { start: { beta: 100 } },
  }),
  row(
    "gsp", // Each kernel has its own scale; the third of each is the published weight.
    [
      [
        ...both([{ kernel: "cosine" }], list("beta", [1, 10, 100])),
        ...both([{ kernel: "poly" }], list("beta", [1, 10, 100])),
        ...both([{ kernel: "l2" }], list("beta", [0.01, 0.1, 1])),
        ...both([{ kernel: "rbf" }], list("beta", [1, 100, 1e5])),
        { kernel: "cosine", beta: 0 },
      ],
    ],
    { published, soft: { start: { beta: 10 } } },
  ),
  row("gcrd", [betas(0.01, 0.1, 1), list("tau", [0.05, 0.075, 0.1, 0.2])], {
    published,
    // As wide as the teacher's map, like the published 256 for its models: the width sets the cost of a step.
    fixed: { projection: 64 },
    soft: { start: { beta: 0.01, tau: 0.05 } },
  }),
  row(
    "graphakd",
    [
      betas(0.01, 0.1, 1),
      list("criticEvery", [1, 5, 15]),
      [
        { logitCritic: true, logitDistance: true, localCritic: true, globalCritic: true },
        { logitCritic: true, logitDistance: true, localCritic: false, globalCritic: false },
        { logitCritic: false, logitDistance: false, localCritic: true, globalCritic: true },
      ],
    ],
    { published, soft: { start: {} } },
  ),
  ...(["gaussian", "sigmoid", "random", "parametric"] as const).map((kernel): Row => {
    const features = kernel === "random" || kernel === "parametric";
    const options = features
      ? [FEATURES, list("delta", [0.1, 1]), list("learningRate", [0.001, 0.01])]
      : [PAIRS, list("delta", [0.1, 1]), ...(kernel === "gaussian" ? [list("t", [1, 4])] : [])];
    const label = `Geometric KD, ${kernel} kernel`;
    return row("geometric", options, {
      name: `geometric:${kernel}`,
      label,
      published,
      fixed: { kernel },
    });
  }),
  row("abkd", [betas(0.02, 0.1, 0.5, 2, 8), ...ABKD_CHOICES], {
    start: { beta: 0.5 },
    soft: { start: { beta: 0.5 } },
  }),
  row(
    "abkd",
    [betas(1.28, 6.4, 32, 128, 512), ...ABKD_CHOICES],
    // One pair replaces 64 rows that each sum to 1, so beta is 64 times as large.
    {
      name: "abkd:modified",
      label: "modified ABKD (last pair alone)",
      fixed: { attention: "last" },
      start: { beta: 32 },
    },
  ),
];

/** Geometric KD with soft labels: one row, where the kernel is a choice, as for LSP and GSP. */
const GEOMETRIC_SOFT = row("geometric", [], {
  soft: {
    start: { kernel: "sigmoid", beta: 1e-8 },
    options: [
      [
        ...both(list("kernel", ["gaussian", "sigmoid"]), PAIRS),
        ...both(list("kernel", ["random", "parametric"]), FEATURES),
      ],
      list("delta", [0.1, 1]),
    ],
  },
});

/** Makes rows for methods that have none above and are compared: they search their training, and beta if they have one. */
function unnamed(): Row[] {
  const known = new Set(ROWS.map(({ method }) => method));
  return methods
    .filter(({ name, role }) => role !== "apart" && !known.has(name))
    .map(({ name, defaults }) => {
      const beta = defaults["beta"];
      const factors = [0.01, 0.1, 1, 10];
      const options =
        typeof beta === "number" ? [betas(...factors.map((factor) => factor * beta))] : [];
      return row(name, options);
    });
}

function alone(row: Row): Contender {
  const { method, name = method, fixed = {}, start = {}, options, published = false } = row;
  const { label = methodLabel(method) } = row;
  return {
    id: name,
    method,
    label,
    fixed,
    published,
    start: { ...fixed, ...start },
    space: { ...TRAINING, options },
  };
}

function besideSoftLabels({ method, fixed = {}, options, soft }: Row): Contender[] {
  if (!soft) return [];
  const label = methodLabel(method);
  const weight = optionKey(findMethod(method).options, "softWeight");
  return [
    {
      id: `${method}+soft`,
      method,
      label: `${label} and soft labels`,
      published: false,
      fixed,
      start: { ...fixed, ...soft.start, ...named(USUAL, weight) },
      space: {
        ...TRAINING,
        options: [
          ...(soft.options ?? options),
          MIXTURES.map((one) => named(one, weight)),
          TEMPERATURES,
        ],
      },
    },
  ];
}

/** Returns all contenders in the order in which reports list them: alone first, then with soft labels. */
export function contenders(): Contender[] {
  const rows = [...ROWS, ...unnamed()];
  return [...rows.map(alone), ...[...rows, GEOMETRIC_SOFT].flatMap(besideSoftLabels)];
}
