// Adam with L2 weight decay, as torch.optim.Adam computes it (Kingma and Ba 2015).
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "./backend.ts";
import { Buffer } from "./buffer.ts";
import { NativeMoments } from "./native/adam.ts";
import { nativeIsCurrent } from "./native/backend.ts";

/** Parameters that share a learning rate and a weight decay. */
export interface ParameterGroup {
  readonly parameters: readonly { readonly name: string; readonly variable: tf.Variable }[];
  readonly learningRate: number;
  /** Added to the gradient as weightDecay * parameter. */
  readonly weightDecay: number;
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** What has to be kept to go on with the same bits: names as in `moments`, see state(). */
export interface AdamState {
  /** Steps made so far. */
  readonly step: number;
  /** `<parameter>.first` and `<parameter>.second`, flat. */
  readonly moments: Readonly<Record<string, Float32Array>>;
}

/** One parameter's step, in numbers: src/tensor/assembly/adam.ts has the formula. */
export interface AdamFactors {
  readonly decay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly rate: number;
  readonly correction: number;
  readonly epsilon: number;
}

/** A parameter's two moments on an engine, and the step that reads and changes them. */
export interface Moments {
  step(variable: tf.Variable, gradient: tf.Tensor, factors: AdamFactors): void;
  /** Copies. */
  read(): [first: Float32Array, second: Float32Array];
  write(first: Float32Array, second: Float32Array): void;
  dispose(): void;
}

interface Slot {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly group: ParameterGroup;
  readonly moments: Moments;
}

class WasmMoments implements Moments {
  readonly #first: Buffer;
  readonly #second: Buffer;

  constructor(size: number, name: string) {
    this.#first = Buffer.floats(new Float32Array(size), `Adam's moments of ${name}`);
    this.#second = Buffer.floats(new Float32Array(size), `Adam's moments of ${name}`);
  }

  step(variable: tf.Variable, gradient: tf.Tensor, factors: AdamFactors): void {
    const backend = runningBackend();
    const { decay, beta1, beta2, rate, correction, epsilon } = factors;
    // A new block rather than in place: copies of the variable must keep their numbers.
    const out = backend.allocate(variable.shape);
    backend.engine.run(
      "adam",
      variable.size,
      backend.address(variable),
      backend.address(gradient),
      this.#first.address,
      this.#second.address,
      backend.address(out),
      decay,
      beta1,
      beta2,
      rate,
      correction,
      epsilon,
    );
    const moved = tf.engine().makeTensorFromTensorInfo(out);
    // assign() lets go of the old numbers first: an interrupt there must not leave it with none.
    const old = variable.dataId;
    backend.incRef(old);
    variable.assign(moved);
    moved.dispose();
    if (backend.disposeData(old)) tf.engine().removeDataId(old, backend);
  }

  read(): [first: Float32Array, second: Float32Array] {
    return [Float32Array.from(this.#first.floats), Float32Array.from(this.#second.floats)];
  }

  write(first: Float32Array, second: Float32Array): void {
    this.#first.floats.set(first);
    this.#second.floats.set(second);
  }

  dispose(): void {
    this.#first.dispose();
    this.#second.dispose();
  }
}

export class Adam {
  readonly #slots: Slot[];
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #epsilon: number;
  #step = 0;

  /** Defaults are torch's: beta1 0.9, beta2 0.999, epsilon 1e-8. */
  constructor(
    groups: readonly ParameterGroup[],
    { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: AdamOptions = {},
  ) {
    this.#beta1 = beta1;
    this.#beta2 = beta2;
    this.#epsilon = epsilon;
    this.#slots = groups.flatMap((group) =>
      group.parameters.map(({ name, variable }) => ({
        name,
        variable,
        group,
        moments: nativeIsCurrent()
          ? new NativeMoments(variable.shape)
          : new WasmMoments(variable.size, name),
      })),
    );
    const names = this.#slots.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new RangeError(`two parameters are named ${twice}`);
  }

  /** The variables, for tf.variableGrads. */
  get variables(): tf.Variable[] {
    return this.#slots.map(({ variable }) => variable);
  }

  /**
   * One step. `gradients` is by tf.Variable name, as tf.variableGrads returns it; a variable
   * without a gradient stays as it is. The gradients are not disposed of.
   */
  step(gradients: tf.NamedTensorMap): void {
    this.#step++;
    const [beta1, beta2, epsilon] = [this.#beta1, this.#beta2, this.#epsilon];
    const correction = 1 / Math.sqrt(1 - beta2 ** this.#step);
    for (const { variable, group, moments } of this.#slots) {
      const gradient = gradients[variable.name];
      if (!gradient) continue;
      const rate = group.learningRate / (1 - beta1 ** this.#step);
      const decay = group.weightDecay;
      moments.step(variable, gradient, { decay, beta1, beta2, rate, correction, epsilon });
    }
  }

  /** Copies of everything that the next steps depend on, parameters apart. */
  state(): AdamState {
    const moments: Record<string, Float32Array> = {};
    for (const { name, moments: own } of this.#slots) {
      [moments[`${name}.first`], moments[`${name}.second`]] = own.read();
    }
    return { step: this.#step, moments };
  }

  /** @throws {RangeError} for moments that are missing or of another size */
  restore(state: AdamState): void {
    for (const { name, variable, moments } of this.#slots) {
      const first = state.moments[`${name}.first`];
      const second = state.moments[`${name}.second`];
      if (first?.length !== variable.size || second?.length !== variable.size) {
        throw new RangeError(`no moments of the right size for ${name}`);
      }
      moments.write(first, second);
    }
    this.#step = state.step;
  }

  dispose(): void {
    for (const { moments } of this.#slots) moments.dispose();
  }
}
