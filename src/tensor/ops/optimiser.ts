// Optimisers as documented by torch.optim: Adam, AdamW, RMSprop, and SGD with momentum.

import * as tf from "@tensorflow/tfjs";
import { needArray, needObject, needText, refuse } from "../../base/arguments.ts";
import { OptionError } from "../../base/errors.ts";
import { checkOptions, type OptionTable } from "../../base/options.ts";
import {
  createMoments,
  type Factors,
  type GroupFactors,
  type Moments,
  type NamedVariable,
} from "./moments.ts";

/** Parameters that share a learning rate and a weight decay. */
export interface ParameterGroup {
  readonly parameters: readonly NamedVariable[];
  readonly learningRate: number;
  /** L2: added to the gradient as weightDecay * parameter. In AdamW it is decoupled: see there. */
  readonly weightDecay: number;
}

/** What has to be saved to continue with the same bits. */
export interface OptimiserState {
  /** The optimiser's name. */
  readonly name: string;
  /** Steps made so far. */
  readonly step: number;
  /** `<parameter>.first` and `<parameter>.second`, flat. */
  readonly moments: Readonly<Record<string, Float32Array>>;
}

const groupNumbers: OptionTable<Omit<ParameterGroup, "parameters">> = {
  learningRate: { kind: "number", min: 0, description: "of the group's parameters" },
  weightDecay: { kind: "number", min: 0, description: "of the group's parameters" },
};

/** @throws OptionError for groups that cannot be trained */
function checkGroups(groups: readonly ParameterGroup[]): void {
  const legal = "groups of parameters, each { parameters, learningRate, weightDecay }";
  needArray(groups, "an optimiser's groups", legal, "parameters");
  for (const [k, { parameters, ...numbers }] of groups.entries()) {
    const what = `an optimiser's groups[${k}]`;
    checkOptions(what, groupNumbers, numbers);
    const named = "parameters, each { name, variable }, as a model has them";
    needArray(parameters, `${what}.parameters`, named, "name", "variable");
    for (const [at, { name, variable }] of parameters.entries()) {
      const one = `${what}.parameters[${at}]`;
      needText(name, `${one}.name`, "the parameter's name");
      if (!(variable instanceof tf.Variable)) refuse(variable, `${one}.variable`, "a tf.Variable");
    }
  }
}

interface Slot extends NamedVariable {
  readonly group: ParameterGroup;
}

/**
 * Updates parameters by their gradients. All optimisers share one update of two moments
 * (src/tensor/assembly/descend.ts) and differ in its factors; RMSprop's first moment is the gradient itself,
 * and SGD's second stays 0.
 */
export abstract class Optimiser {
  /** The name that checkpoints record. */
  abstract readonly name: string;
  readonly #slots: readonly Slot[];
  readonly #moments: Moments;
  #step = 0;

  /**
   * @throws OptionError for malformed groups of parameters, and for numbers out of range
   * @throws {RangeError} for two parameters with the same name
   */
  constructor(groups: readonly ParameterGroup[]) {
    checkGroups(groups);
    this.#slots = groups.flatMap((group) =>
      group.parameters.map(({ name, variable }) => ({ name, variable, group })),
    );
    const names = this.#slots.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new RangeError(`two parameters are named ${twice}`);
    this.#moments = createMoments(this.#slots);
  }

  /** The variables, for tf.variableGrads. */
  get variables(): tf.Variable[] {
    return this.#slots.map(({ variable }) => variable);
  }

  /** @param step counted from 1 */
  protected abstract factors(step: number): Factors;

  /** @param step counted from 1 */
  protected groupFactors(learningRate: number, weightDecay: number, _step: number): GroupFactors {
    return { decay: weightDecay, rate: learningRate, shrink: 1 };
  }

  /**
   * Makes one step. `gradients` are by tf.Variable name, as tf.variableGrads returns them; a variable
   * without a gradient stays as it is. The gradients are not disposed of.
   * @param factor a factor for every group's learning rate at this step: warm-up, a schedule
   */
  step(gradients: tf.NamedTensorMap, factor = 1): void {
    this.#step++;
    const moves = this.#slots.flatMap(({ variable, group }, slot) => {
      const gradient = gradients[variable.name];
      if (!gradient) return [];
      const rate = group.learningRate * factor;
      const factors = this.groupFactors(rate, group.weightDecay, this.#step);
      return [{ slot, variable, gradient, ...factors }];
    });
    this.#moments.step(moves, this.factors(this.#step));
  }

  /** Returns copies of everything that the next steps depend on, except the parameters. */
  state(): OptimiserState {
    const moments: Record<string, Float32Array> = {};
    for (const [slot, { name }] of this.#slots.entries()) {
      [moments[`${name}.first`], moments[`${name}.second`]] = this.#moments.read(slot);
    }
    return { name: this.name, step: this.#step, moments };
  }

  /**
   * @throws OptionError for a state of another optimiser
   * @throws {RangeError} for moments that are missing or of another size
   */
  restore(state: OptimiserState): void {
    if (state.name !== this.name) {
      throw new OptionError(
        `the checkpoint is from training with ${state.name}, but the configuration asks for ` +
          `${this.name}: train from the start, or with ${state.name}`,
      );
    }
    for (const [slot, { name, variable }] of this.#slots.entries()) {
      const first = state.moments[`${name}.first`];
      const second = state.moments[`${name}.second`];
      if (first?.length !== variable.size || second?.length !== variable.size) {
        throw new RangeError(`no moments of the right size for ${name}`);
      }
      this.#moments.write(slot, first, second);
    }
    this.#step = state.step;
  }

  dispose(): void {
    this.#moments.dispose();
  }
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

const adamOptions: OptionTable<AdamOptions> = {
  beta1: {
    kind: "number",
    min: 0,
    max: 1,
    below: true,
    description: "share of the first moment kept",
  },
  beta2: {
    kind: "number",
    min: 0,
    max: 1,
    below: true,
    description: "share of the second moment kept",
  },
  epsilon: { kind: "number", min: 0, description: "added to the divisor" },
};

/** Adam (Kingma and Ba 2015) with L2 weight decay. */
export class Adam extends Optimiser {
  readonly name: string = "adam";
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #epsilon: number;

  /**
   * The defaults are torch's: beta1 0.9, beta2 0.999, epsilon 1e-8.
   * @throws OptionError and {RangeError} as Optimiser, and for options out of range
   */
  constructor(groups: readonly ParameterGroup[], options: AdamOptions = {}) {
    needObject(options, "Adam: options", "{ beta1, beta2, epsilon }");
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, ...unknown } = options;
    checkOptions("Adam", adamOptions, { beta1, beta2, epsilon, ...unknown });
    super(groups);
    this.#beta1 = beta1;
    this.#beta2 = beta2;
    this.#epsilon = epsilon;
  }

  /** Corrects the second moment's bias; the rate corrects the first's. */
  protected factors(step: number): Factors {
    const [beta1, beta2] = [this.#beta1, this.#beta2];
    return {
      keep1: beta1,
      take1: 1 - beta1,
      keep2: beta2,
      take2: 1 - beta2,
      correction: 1 / Math.sqrt(1 - beta2 ** step),
      epsilon: this.#epsilon,
    };
  }

  protected override groupFactors(learningRate: number, decay: number, step: number): GroupFactors {
    return { decay, rate: learningRate / (1 - this.#beta1 ** step), shrink: 1 };
  }
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019): before Adam's step, a parameter is
 * multiplied by 1 - learningRate * weightDecay.
 */
export class AdamW extends Adam {
  override readonly name = "adamw";

  protected override groupFactors(
    learningRate: number,
    weightDecay: number,
    step: number,
  ): GroupFactors {
    const shrink = 1 - learningRate * weightDecay;
    return { ...super.groupFactors(learningRate, 0, step), shrink };
  }
}

/** Hinton's RMSprop, as in torch: smoothing 0.99, epsilon 1e-8 outside the root, not centred, no momentum. */
export class RMSprop extends Optimiser {
  readonly name = "rmsprop";

  protected factors(): Factors {
    const smoothing = 0.99;
    return {
      keep1: 0,
      take1: 1,
      keep2: smoothing,
      take2: 1 - smoothing,
      correction: 1,
      epsilon: 1e-8,
    };
  }
}

const sgdOptions: OptionTable<{ readonly momentum: number }> = {
  momentum: { kind: "number", min: 0, max: 1, below: true, description: "share of the step kept" },
};

/** Gradient descent; with momentum m the step is along b = m b + g, without dampening. */
export class SGD extends Optimiser {
  readonly name = "sgd";
  readonly #momentum: number;

  /**
   * @param options `momentum`: 0 or more, below 1
   * @throws OptionError and {RangeError} as Optimiser, and for a momentum out of range
   */
  constructor(groups: readonly ParameterGroup[], options: { readonly momentum?: number } = {}) {
    needObject(options, "SGD: options", "{ momentum }");
    const { momentum = 0 } = options;
    checkOptions("SGD", sgdOptions, { momentum });
    super(groups);
    this.#momentum = momentum;
  }

  /** The divisor is only epsilon. */
  protected factors(): Factors {
    return { keep1: this.#momentum, take1: 1, keep2: 0, take2: 0, correction: 0, epsilon: 1 };
  }
}
