// A model of low precision: of any kind, with weights, activations and messages rounded to few integers.
// Tailor, Fernandez-Marques, Lane: Degree-Quant, ICLR 2021, algorithm 1.
import * as tf from "@tensorflow/tfjs";
import { read } from "../../tensor/ops/elements.ts";
import { gridOf } from "../../tensor/ops/grid.ts";
import { fakeQuantise } from "../../tensor/ops/quantise.ts";
import { SparseMatrix } from "../../tensor/ops/sparse.ts";
import {
  type Hooks,
  type Model,
  type Outputs,
  type Parameter,
  type Pass,
  type Shapes,
  withHooks,
} from "../model.ts";
import { filled } from "../start.ts";
import type { Precision, RangeRule } from "./precision.ts";
import { drawLeft, drawSpared } from "./protection.ts";
import { endsOf, moveRange, RANGE_NUMBERS, rangeAt } from "./ranges.ts";

/** The names of the two buffers that hold ranges. */
export const WEIGHT_RANGES = "ranges.weights";
export const MAP_RANGES = "ranges.maps";

const PARTS = ["activation", "message", "inner"] as const;
export type Part = (typeof PARTS)[number];

/** Whether a parameter is rounded: matrices are; biases and what normalises are added in full precision. */
export const isRounded = (name: string, shape: readonly number[]): boolean =>
  shape.length >= 2 && !name.endsWith("bias");

/** Returns the rounded parameters' names, in the order of their ranges. */
export const roundedNames = (parameters: Shapes["parameters"]): string[] =>
  [...parameters].filter(([name, shape]) => isRounded(name, shape)).map(([name]) => name);

/** Returns a map's place among the ranges of a model with so many layers. */
export const mapSlot = (part: Part, layer: number): number =>
  layer * PARTS.length + PARTS.indexOf(part);

/** Returns the shapes of the ranges that a model of low precision keeps beside its own buffers. */
export function rangeShapes({ outline, parameters }: Pick<Shapes, "outline" | "parameters">) {
  return new Map<string, readonly number[]>([
    [WEIGHT_RANGES, [roundedNames(parameters).length, RANGE_NUMBERS]],
    // The last layer's map may be read by one more.
    [MAP_RANGES, [PARTS.length * (outline.widths.length + 1), RANGE_NUMBERS]],
  ]);
}

/** The matrices of a graph that models multiply by. */
const OPERANDS: readonly PropertyKey[] = ["adjacency", "features"];

/** Returns the inputs with their sparse matrices rounded, row by row; others as they are. */
function roundedInputs<I>(inputs: I): I {
  if (typeof inputs !== "object" || inputs === null) return inputs;
  return new Proxy(inputs, {
    get(of, key) {
      const value: unknown = Reflect.get(of, key, of);
      return OPERANDS.includes(key) && value instanceof SparseMatrix ? value.rounded() : value;
    },
  });
}

/**
 * Shares its parameters with the model that it is made of. In a training pass the ranges move, as batch
 * normalisation's statistics do: their new numbers are part of `Outputs.moved`. A tensor whose range was never
 * set stays as it is, and so does everything until calibrate() if `precision` says that ranges are found after
 * the training. The graph's own matrices are always rounded to 8 bits, row by row.
 */
export class Quantised<I> implements Model<I> {
  readonly outline: Model<I>["outline"];
  readonly parameters: readonly Parameter[];
  readonly buffers: readonly Parameter[];
  readonly precision: Precision;
  readonly #model: Model<I>;
  readonly #chances: Float32Array | undefined;
  readonly #slots: ReadonlyMap<string, number>;
  /** Of weights, then of maps. */
  readonly #ranges: readonly Parameter[];

  /**
   * @param model disposed of with this one
   * @param chances each node's chance of being spared in a training pass, if the precision spares any
   */
  constructor(model: Model<I>, precision: Precision, chances?: Float32Array) {
    const shapes = new Map(model.parameters.map(({ name, variable }) => [name, variable.shape]));
    const ranges = rangeShapes({ outline: model.outline, parameters: shapes });
    this.outline = model.outline;
    this.parameters = model.parameters;
    this.#ranges = [...ranges].map(([name, shape]) => filled(name, shape, 0));
    this.buffers = [...(model.buffers ?? []), ...this.#ranges];
    this.precision = precision;
    this.#model = model;
    this.#chances = chances;
    this.#slots = new Map(roundedNames(shapes).map((name, slot) => [name, slot]));
  }

  forward(inputs: I, pass: Pass = {}): Outputs {
    return this.#pass(inputs, pass, pass.dropout !== undefined && Boolean(this.precision.training));
  }

  /** Finds the ranges in one pass without dropout, if the training found none. */
  calibrate(inputs: I): void {
    if (this.precision.training) return;
    tf.tidy(() => {
      const { moved } = this.#pass(inputs, {}, true);
      for (const { name, variable } of this.#ranges) {
        variable.assign(tf.tensor(moved!.get(name)!, variable.shape));
      }
    });
  }

  dispose(): void {
    this.#model.dispose();
    for (const { variable } of this.#ranges) variable.dispose();
  }

  #pass(inputs: I, pass: Pass, observes: boolean): Outputs {
    const [weights, maps] = this.#ranges.map(({ variable }) => variable.dataSync<"float32">());
    const ranges: Ranges = { weights: weights!, maps: maps!, slots: this.#slots };
    const draw = pass.dropout && { ...pass.dropout, chances: this.#chances };
    const outputs =
      observes || isSet(ranges)
        ? withHooks(this.#model, roundingHooks(ranges, this.precision, observes, draw)).forward(
            roundedInputs(inputs),
            pass,
          )
        : this.#model.forward(inputs, pass);
    if (!observes && !draw) return outputs;
    const moved = new Map(outputs.moved);
    moved.set(WEIGHT_RANGES, ranges.weights);
    moved.set(MAP_RANGES, ranges.maps);
    // By reference: some outputs are computed where they are read.
    return Object.create(outputs, { moved: { value: moved, enumerable: true } }) as Outputs;
  }
}

/** A pass's ranges, which it moves. */
interface Ranges {
  /** One for each rounded parameter. */
  readonly weights: Float32Array;
  readonly maps: Float32Array;
  /** The place of each rounded parameter's range. */
  readonly slots: ReadonlyMap<string, number>;
}

const isSet = ({ weights, maps }: Ranges): boolean =>
  rangeAt(weights, 0) !== undefined || rangeAt(maps, 0) !== undefined;

/** What a pass draws. */
interface Draw {
  readonly seed: number;
  readonly step: number;
  readonly chances: Float32Array | undefined;
}

/** Ranges that are found after the training hold all numbers of its pass. */
const ALL: RangeRule = { percentile: 0 };

/**
 * Makes the hooks of one pass.
 * @param observes whether the pass moves the ranges
 * @param draw what a training pass draws
 */
function roundingHooks(
  ranges: Ranges,
  { bits, training }: Precision,
  observes: boolean,
  draw: Draw | undefined,
): Hooks {
  const rule = training?.ranges ?? ALL;
  const gradient = training?.gradient ?? "straight";
  const spared = draw?.chances && drawSpared(draw.chances, draw.seed, draw.step);
  const rounded = <T extends tf.Tensor>(
    x: T,
    of: Float32Array,
    slot: number,
    exempt?: {
      readonly exemptRows?: Uint8Array | undefined;
      readonly exempt?: Uint8Array | undefined;
    },
  ): T => {
    if (observes) {
      const ends = endsOf(keptRows(read(x), x.shape, exempt?.exemptRows), rule);
      if (ends) moveRange(of, slot, ends, rule);
    }
    const ends = rangeAt(of, slot);
    return ends ? fakeQuantise(x, gridOf(...ends, bits), { gradient, ...exempt }) : x;
  };
  const map =
    (part: Part) =>
    (x: tf.Tensor2D, layer: number): tf.Tensor2D =>
      rounded(x, ranges.maps, mapSlot(part, layer), { exemptRows: spared });
  const made = new Map<string, tf.Tensor>();
  return {
    weight({ name, variable }) {
      const slot = ranges.slots.get(name);
      if (slot === undefined) return variable;
      const noise = draw && training?.noise;
      const exempt =
        noise === undefined
          ? undefined
          : drawLeft(variable.size, noise, draw!.seed, draw!.step, name);
      // A matrix that a pass reads twice is rounded once.
      const found =
        made.get(name) ?? rounded(variable as tf.Tensor, ranges.weights, slot, { exempt });
      made.set(name, found);
      return found;
    },
    activation: map("activation"),
    message: map("message"),
    inner: map("inner"),
  };
}

/** Returns the numbers of the rows that are not exempt. */
function keptRows(
  values: Float32Array,
  shape: readonly number[],
  exemptRows: Uint8Array | undefined,
): Float32Array {
  if (!exemptRows) return values;
  const width = values.length / (shape[0] ?? 1);
  const kept = new Float32Array(values.length);
  let count = 0;
  for (const [row, isExempt] of exemptRows.entries()) {
    if (isExempt) continue;
    kept.set(values.subarray(row * width, (row + 1) * width), count);
    count += width;
  }
  return kept.subarray(0, count);
}
