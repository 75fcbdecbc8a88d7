// What precision a model is trained for: the part of a configuration, and what it stands for.
// The recipes of the baseline and of Degree-Quant are those of its public code (camlsys/degree-quant, main.py).
import { OptionError } from "../../base/errors.ts";
import type { OptionInfo, OptionTable } from "../../base/options.ts";
import type { Bits } from "../../tensor/ops/grid.ts";

/** A precision below that of float32, in a run's configuration. */
export interface PrecisionConfig {
  readonly name: "int8" | "int4";
  /**
   * By default plain quantisation-aware training: all are rounded in every pass, by the extremes of all passes.
   * `momentum`: ranges follow slowly, as in the baseline of Degree-Quant's authors. `degree-quant` has the
   * straight-through gradient (STE-PER in their code), `degree-quant-clipped` the other (GC-PER, their runs').
   */
  readonly scheme?: "after" | "degree-quant" | "degree-quant-clipped" | "momentum" | "quant-noise";
  /**
   * degree-quant: the chance with which a node of the highest degree is spared. quant-noise: the share of a
   * matrix's numbers that are rounded at a step.
   */
  readonly share?: number;
  /** degree-quant: the chance of a node whose degree is below all others. */
  readonly least?: number;
}

const chance = { kind: "number", min: 0, max: 1, absent: "by the precision" } as const;

const options: Readonly<Record<string, OptionInfo>> = {
  scheme: {
    kind: "choice",
    choices: ["after", "degree-quant", "degree-quant-clipped", "momentum", "quant-noise"],
    absent: "aware, while it is trained",
    description: "when and what is rounded",
  },
  share: {
    ...chance,
    description:
      "degree-quant: chance that a node of the highest degree is spared; quant-noise: share that is rounded",
  },
  least: {
    ...chance,
    description: "degree-quant: chance that one of the lowest degree is spared",
  },
} satisfies OptionTable<Omit<PrecisionConfig, "name">>;

/** The option of every training. */
export const precisionOption = {
  kind: "variant",
  variants: { int8: options, int4: options },
  absent: "float32",
  description:
    "weights and activations of few bits: rounded while it is trained, or after, or as degree-quant or quant-noise " +
    "do; see docs/precision.md",
} as const satisfies OptionInfo;

/** How a range is found: its ends move to each pass's by a share, or hold all passes' but for a share of outliers. */
export type RangeRule = { readonly momentum: number } | { readonly percentile: number };

/** What a configuration stands for. */
export interface Precision {
  readonly bits: Bits;
  /** Absent: ranges are found after the training, in one pass. */
  readonly training?: {
    readonly gradient: "straight" | "clipped";
    readonly ranges: RangeRule;
    /** Degree-Quant: chances of being spared. */
    readonly spared?: { readonly least: number; readonly most: number };
    /** Quant-Noise: the share of a weight matrix's numbers that are rounded at a step. */
    readonly noise?: number;
  };
}

const MOMENTUM = 0.01;
/** Every number counts. */
const EXTREMES: RangeRule = { percentile: 0 };
/** The share of outliers at each end. */
const PERCENTILE = { int8: 0.001, int4: 0.01 } as const;
/** The chances of REDDIT-BINARY's runs. */
const SPARED = { int8: { least: 0, most: 0.1 }, int4: { least: 0.1, most: 0.2 } } as const;
/** Of Fan et al.'s rates for integers. */
const NOISE = 0.5;

/** Returns what a configuration stands for. @throws OptionError for parts that contradict each other */
export function precisionOf(config: PrecisionConfig, what = "precision"): Precision {
  const { name, scheme, share, least } = config;
  const bits = name === "int8" ? 8 : 4;
  const given = share !== undefined ? "share" : least !== undefined ? "least" : undefined;
  if (given && !scheme?.startsWith("degree-quant") && scheme !== "quant-noise") {
    throw new OptionError(`${what}: ${given} is for degree-quant and quant-noise: leave it out`);
  }
  switch (scheme) {
    case undefined:
      return { bits, training: { gradient: "straight", ranges: EXTREMES } };
    case "momentum":
      return { bits, training: { gradient: "straight", ranges: { momentum: MOMENTUM } } };
    case "after":
      return { bits };
    case "quant-noise":
      if (least !== undefined) {
        throw new OptionError(`${what}: least is for degree-quant: leave it out`);
      }
      return {
        bits,
        training: {
          gradient: "straight",
          ranges: EXTREMES,
          noise: share ?? NOISE,
        },
      };
    case "degree-quant":
    case "degree-quant-clipped": {
      const most = share ?? SPARED[name].most;
      const spared = { most, least: least ?? Math.min(most, SPARED[name].least) };
      if (spared.least <= most) {
        const ranges = { percentile: PERCENTILE[name] };
        const gradient = scheme === "degree-quant" ? "straight" : "clipped";
        return { bits, training: { gradient, ranges, spared } };
      }
      throw new OptionError(
        `${what}: least is ${spared.least}, more than share, ${most}: nodes of high degree are spared more often`,
      );
    }
  }
}
