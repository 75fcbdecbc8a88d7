// Adam with L2 weight decay, as torch.optim.Adam computes it (Kingma and Ba 2015).
import * as tf from "@tensorflow/tfjs";
import { runningBackend } from "./backend.ts";
import { Buffer } from "./buffer.ts";

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

interface Slot {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly group: ParameterGroup;
  readonly first: Buffer;
  readonly second: Buffer;
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
        first: Buffer.floats(new Float32Array(variable.size), `Adam's moments of ${name}`),
        second: Buffer.floats(new Float32Array(variable.size), `Adam's moments of ${name}`),
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
    const backend = runningBackend();
    this.#step++;
    const correction = 1 / Math.sqrt(1 - this.#beta2 ** this.#step);
    for (const { variable, group, first, second } of this.#slots) {
      const gradient = gradients[variable.name];
      if (!gradient) continue;
      const rate = group.learningRate / (1 - this.#beta1 ** this.#step);
      // A new block rather than in place: copies of the variable must keep their numbers.
      const out = backend.allocate(variable.shape);
      backend.engine.run(
        "adam",
        variable.size,
        backend.address(variable),
        backend.address(gradient),
        first.address,
        second.address,
        backend.address(out),
        group.weightDecay,
        this.#beta1,
        this.#beta2,
        rate,
        correction,
        this.#epsilon,
      );
      const moved = tf.engine().makeTensorFromTensorInfo(out);
      // assign() lets go of the old numbers first: an interrupt there must not leave it with none.
      const old = variable.dataId;
      backend.incRef(old);
      variable.assign(moved);
      moved.dispose();
      if (backend.disposeData(old)) tf.engine().removeDataId(old, backend);
    }
  }

  /** Copies of everything that the next steps depend on, parameters apart. */
  state(): AdamState {
    const moments: Record<string, Float32Array> = {};
    for (const { name, first, second } of this.#slots) {
      moments[`${name}.first`] = Float32Array.from(first.floats);
      moments[`${name}.second`] = Float32Array.from(second.floats);
    }
    return { step: this.#step, moments };
  }

  /** @throws {RangeError} for moments that are missing or of another size */
  restore(state: AdamState): void {
    for (const { name, first, second } of this.#slots) {
      for (const [buffer, part] of [
        [first, "first"],
        [second, "second"],
      ] as const) {
        const values = state.moments[`${name}.${part}`];
        if (values?.length !== buffer.floats.length) {
          throw new RangeError(`no moments of the right size for ${name}`);
        }
        buffer.floats.set(values);
      }
    }
    this.#step = state.step;
  }

  dispose(): void {
    for (const { first, second } of this.#slots) {
      first.dispose();
      second.dispose();
    }
  }
}
