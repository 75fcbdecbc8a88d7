// Adam with L2 weight decay, as torch.optim.Adam computes it (Kingma and Ba 2015).
import * as tf from "@tensorflow/tfjs";
import { needArray, needObject } from "../arguments.ts";
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

/** What a step is for all parameters: src/tensor/assembly/adam.ts has the formula. */
export interface AdamFactors {
  readonly beta1: number;
  readonly beta2: number;
  readonly correction: number;
  readonly epsilon: number;
}

/** A parameter that a step moves. */
export interface AdamMove {
  /** Its place among the parameters. */
  readonly slot: number;
  readonly variable: tf.Variable;
  readonly gradient: tf.Tensor;
  readonly decay: number;
  readonly rate: number;
}

/** All parameters' moments on an engine, and the step that reads and changes them. */
export interface Moments {
  step(moves: readonly AdamMove[], factors: AdamFactors): void;
  /** Copies of a parameter's. */
  read(slot: number): [first: Float32Array, second: Float32Array];
  write(slot: number, first: Float32Array, second: Float32Array): void;
  dispose(): void;
}

interface Slot {
  readonly name: string;
  readonly variable: tf.Variable;
  readonly group: ParameterGroup;
}

/** Words of a slot as the kernel reads it. */
const SLOT_WORDS = 9;

class WasmMoments implements Moments {
  readonly #moments: readonly { readonly first: Buffer; readonly second: Buffer }[];
  /** What the kernel reads of the parameters that a step moves. */
  readonly #slots: Buffer;

  constructor(slots: readonly Slot[]) {
    this.#moments = slots.map(({ name, variable: { size } }) => {
      const zeros = (): Buffer =>
        Buffer.floats(new Float32Array(size), `Adam's moments of ${name}`);
      return { first: zeros(), second: zeros() };
    });
    this.#slots = Buffer.floats(new Float32Array(slots.length * SLOT_WORDS), "Adam's slots");
  }

  step(moves: readonly AdamMove[], { beta1, beta2, correction, epsilon }: AdamFactors): void {
    const backend = runningBackend();
    const { engine } = backend;
    // Threads may still be reading the slots where an interrupt cut the last step.
    engine.settle();
    const floats = this.#slots.floats;
    const words = new Int32Array(floats.buffer, floats.byteOffset, floats.length);
    const moved: [tf.Variable, tf.TensorInfo][] = [];
    let units = 0;
    for (const [k, { slot, variable, gradient, decay, rate }] of moves.entries()) {
      const { first, second } = this.#moments[slot]!;
      const from = backend.address(variable);
      let to = from;
      // A copy of the variable that shares its numbers must keep them.
      if (backend.refCount(variable.dataId) > 1) {
        const out = backend.allocate(variable.shape);
        moved.push([variable, out]);
        to = backend.address(out);
      }
      const { size } = variable;
      const at = k * SLOT_WORDS;
      words.set(
        [from, backend.address(gradient), first.address, second.address, to, size, units],
        at,
      );
      floats[at + 7] = decay;
      floats[at + 8] = rate;
      units += Math.ceil(size / engine.elementsAUnit);
    }
    const slots = this.#slots.address;
    engine.run("adam", units, slots, moves.length, beta1, beta2, correction, epsilon);
    for (const [variable, out] of moved) replace(variable, out);
  }

  read(slot: number): [first: Float32Array, second: Float32Array] {
    const { first, second } = this.#moments[slot]!;
    return [Float32Array.from(first.floats), Float32Array.from(second.floats)];
  }

  write(slot: number, first: Float32Array, second: Float32Array): void {
    this.#moments[slot]!.first.floats.set(first);
    this.#moments[slot]!.second.floats.set(second);
  }

  dispose(): void {
    this.#slots.dispose();
    for (const { first, second } of this.#moments) {
      first.dispose();
      second.dispose();
    }
  }
}

/** Gives a variable other numbers. */
function replace(variable: tf.Variable, numbers: tf.TensorInfo): void {
  const backend = runningBackend();
  const moved = tf.engine().makeTensorFromTensorInfo(numbers);
  // assign() lets go of the old numbers first: an interrupt there must not leave it with none.
  const old = variable.dataId;
  backend.incRef(old);
  variable.assign(moved);
  moved.dispose();
  if (backend.disposeData(old)) tf.engine().removeDataId(old, backend);
}

export class Adam {
  readonly #slots: readonly Slot[];
  readonly #moments: Moments;
  readonly #beta1: number;
  readonly #beta2: number;
  readonly #epsilon: number;
  #step = 0;

  /** Defaults are torch's: beta1 0.9, beta2 0.999, epsilon 1e-8. */
  constructor(groups: readonly ParameterGroup[], options: AdamOptions = {}) {
    needArray(groups, "Adam: groups", "groups of parameters", "parameters");
    needObject(options, "Adam: options", "{ beta1, beta2, epsilon }");
    const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
    this.#beta1 = beta1;
    this.#beta2 = beta2;
    this.#epsilon = epsilon;
    this.#slots = groups.flatMap((group) =>
      group.parameters.map(({ name, variable }) => ({ name, variable, group })),
    );
    const names = this.#slots.map(({ name }) => name);
    const twice = names.find((name, i) => names.indexOf(name) !== i);
    if (twice !== undefined) throw new RangeError(`two parameters are named ${twice}`);
    this.#moments = nativeIsCurrent()
      ? new NativeMoments(this.variables)
      : new WasmMoments(this.#slots);
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
    const moves: AdamMove[] = [];
    for (const [slot, { variable, group }] of this.#slots.entries()) {
      const gradient = gradients[variable.name];
      if (!gradient) continue;
      const rate = group.learningRate / (1 - beta1 ** this.#step);
      moves.push({ slot, variable, gradient, decay: group.weightDecay, rate });
    }
    this.#moments.step(moves, { beta1, beta2, correction, epsilon });
  }

  /** Copies of everything that the next steps depend on, parameters apart. */
  state(): AdamState {
    const moments: Record<string, Float32Array> = {};
    for (const [slot, { name }] of this.#slots.entries()) {
      [moments[`${name}.first`], moments[`${name}.second`]] = this.#moments.read(slot);
    }
    return { step: this.#step, moments };
  }

  /** @throws {RangeError} for moments that are missing or of another size */
  restore(state: AdamState): void {
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
