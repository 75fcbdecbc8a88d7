// Who is compared: each method, its kernels, and soft labels beside it, with what a search may choose.
import { optionKey } from "../base/options.ts";
import { findMethod, methodLabel, methods } from "../distillation/registry.ts";

/** Options of a method that belong together: one of a list is drawn. */
export type Options = Readonly<Record<string, string | number | boolean | null>>;

/** What a search may choose from: one value of each list, drawn independently. */
export interface SearchSpace {
  readonly dropout: readonly number[];
  /** Caps of the epochs. */
  readonly epochs: readonly number[];
  /** Which epoch is kept: that of the lowest validation loss, or of the highest accuracy. */
  readonly keep: readonly ("loss" | "accuracy")[];
  readonly learningRate: readonly number[];
  readonly weightDecay: readonly number[];
  /** Of the method, over its defaults. */
  readonly options: readonly (readonly Options[])[];
}

/** One row of a comparison, with a recipe of its own. */
export interface Contender {
  /** Of the recipe: a method's name, with `:kernel` and `+soft` where it has several. */
  readonly id: string;
  readonly method: string;
  readonly label: string;
  /** What makes it this contender, over the method's defaults. */
  readonly fixed: Options;
  /** The method's options to begin with: the published weights, or an earlier recipe. */
  readonly start: Options;
  readonly space: SearchSpace;
  /** Whether `start` are weights that the method's authors published. */
  readonly published: boolean;
}

const TRAINING: Omit<SearchSpace, "options"> = {
  // Of four ReLU units few survive dropout: half of the draws go without.
  dropout: [0, 0, 0.1, 0.2],
  epochs: [600, 2000],
  keep: ["loss", "accuracy"],
  learningRate: [0.01, 0.03],
  weightDecay: [0, 1e-5, 1e-4, 1e-3],
};

const list = (option: string, values: readonly (string | number | boolean | null)[]): Options[] =>
  values.map((value) => ({ [option]: value }));

/** Each of one list with each of another. */
const both = (one: readonly Options[], other: readonly Options[]): Options[] =>
  one.flatMap((a) => other.map((b) => ({ ...a, ...b })));

/**
 * Of hard and soft labels: soft ones alone, both, and hard ones alone, as the plain student has them.
 * Spaces are nested: SoftKD chooses from these, and so does every method beside soft labels.
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

/** @param weight the method's key for alpha */
const named = <T extends { readonly alpha: number }>({ alpha, ...rest }: T, weight: string) => ({
  ...rest,
  [weight]: alpha,
});

/** Weights of the method's own term; with 0 it is what it stands beside, the student or SoftKD. */
const betas = (...values: readonly number[]): Options[] => list("beta", [0, ...values]);

interface Row {
  readonly method: string;
  readonly name?: string;
  /** The method's where left out. */
  readonly label?: string;
  readonly fixed?: Options;
  readonly start?: Options;
  readonly options: readonly (readonly Options[])[];
  /** The method's own preset for both together, where it is compared beside soft labels too. */
  readonly soft?: { readonly start: Options; readonly options?: readonly (readonly Options[])[] };
  readonly published?: boolean;
}

/** Sums over all pairs of nodes: a beta of the order of 1 / n^2 is where they meet the labels. */
const PAIRS = betas(1e-10, 1e-9, 1e-8, 1e-7);
/** The same where a kernel is a sum over 128 features, so that its square is 10^3 to 10^4. */
const FEATURES = betas(1e-14, 1e-13, 1e-12, 3e-12);

/** @param options of what the search chooses from, a list a choice */
function row(
  method: string,
  options: Row["options"],
  more: Omit<Row, "method" | "options"> = {},
): Row {
  return { method, options, ...more };
}

const published = true;
/** What ABKD chooses from beside beta. */
const ABKD_CHOICES = [
  list("learningRate", [0.003, 0.01]),
  list("teacherMaps", ["scaled-centred", "normalised"]),
  list("logits", [false, true]),
];

const ROWS: readonly Row[] = [
  // Beside their training these have nothing to search.
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
    // As wide as the teacher's map, as the published 256 is for its models: a step costs by its width.
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
    // One pair in place of 64 rows that each sum to 1.
    {
      name: "abkd:modified",
      label: "modified ABKD (last pair alone)",
      fixed: { attention: "last" },
      start: { beta: 32 },
    },
  ),
];

/** Geometric KD beside soft labels: one row, its kernels a choice as LSP's and GSP's are. */
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

/** A method that no row names: its training, and beta where it has one. */
function unnamed(): Row[] {
  const known = new Set(ROWS.map(({ method }) => method));
  return methods
    .filter(({ name }) => !known.has(name))
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

/** In the order in which reports list them: alone, then beside soft labels. */
export function contenders(): Contender[] {
  const rows = [...ROWS, ...unnamed()];
  return [...rows.map(alone), ...[...rows, GEOMETRIC_SOFT].flatMap(besideSoftLabels)];
}
