// The two moments that optimisers keep for each parameter's gradient, and the step that updates them.
import * as tf from "@tensorflow/tfjs";
import { asTensor, runningBackend } from "../engine/backend.ts";
import { Buffer } from "../engine/buffer.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import { NativeMoments } from "../native/moments.ts";

/** The factors that all parameters share in a step; src/tensor/assembly/descend.ts has the formula. */
export interface Factors {
  readonly keep1: number;
  readonly take1: number;
  readonly keep2: number;
  readonly take2: number;
  readonly correction: number;
  readonly epsilon: number;
}

/** The factors that differ from group to group. */
export interface GroupFactors {
  /** Weight decay, added to the gradient as decay * parameter. */
  readonly decay: number;
  readonly rate: number;
  /** The factor of the parameter itself. */
  readonly shrink: number;
}

/** A parameter that a step changes. */
export interface Move extends GroupFactors {
  /** Its place among the parameters. */
  readonly slot: number;
  readonly variable: tf.Variable;
  readonly gradient: tf.Tensor;
}

/** The two moments of all parameters on an engine; they start as zeros. */
export interface Moments {
  step(moves: readonly Move[], factors: Factors): void;
  /** Returns copies of a parameter's moments. */
  read(slot: number): [first: Float32Array, second: Float32Array];
  write(slot: number, first: Float32Array, second: Float32Array): void;
  dispose(): void;
}

/** A parameter, with its name in checkpoints. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: tf.Variable;
}

/** Makes moments on the current engine. */
export function createMoments(parameters: readonly NamedVariable[]): Moments {
  return nativeIsCurrent() ? new NativeMoments(parameters) : new WasmMoments(parameters);
}

/** How many words a slot has, as the kernel reads it. */
const SLOT_WORDS = 10;

class WasmMoments implements Moments {
  readonly #moments: readonly { readonly first: Buffer; readonly second: Buffer }[];
  /** What the kernel reads about the parameters that a step changes. */
  readonly #slots: Buffer;

  constructor(parameters: readonly NamedVariable[]) {
    this.#moments = parameters.map(({ name, variable: { size } }) => {
      const zeros = (): Buffer =>
        Buffer.floats(new Float32Array(size), `the optimiser's moments of ${name}`);
      return { first: zeros(), second: zeros() };
    });
    const words = new Float32Array(parameters.length * SLOT_WORDS);
    this.#slots = Buffer.floats(words, "the optimiser's slots");
  }

  step(moves: readonly Move[], factors: Factors): void {
    const backend = runningBackend();
    const { engine } = backend;
    // If an interrupt cut the last step, threads may still be reading the slots.
    engine.settle();
    const floats = this.#slots.floats;
    const words = new Int32Array(floats.buffer, floats.byteOffset, floats.length);
    const moved: [tf.Variable, tf.TensorInfo][] = [];
    let units = 0;
    for (const [k, { slot, variable, gradient, decay, rate, shrink }] of moves.entries()) {
      const { first, second } = this.#moments[slot]!;
      const from = backend.address(variable);
      let to = from;
      // A clone that shares the variable's numbers must keep them.
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
      floats.set([decay, rate, shrink], at + 7);
      units += Math.ceil(size / engine.elementsAUnit);
    }
    const { keep1, take1, keep2, take2, correction, epsilon } = factors;
    const table = [this.#slots.address, moves.length] as const;
    engine.run("descend", units, ...table, keep1, take1, keep2, take2, correction, epsilon);
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

/** Replaces a variable's numbers. */
function replace(variable: tf.Variable, numbers: tf.TensorInfo): void {
  const backend = runningBackend();
  const moved = asTensor(numbers);
  // assign() frees the old numbers first: an interrupt there must not leave the variable with none.
  const old = variable.dataId;
  backend.incRef(old);
  variable.assign(moved);
  moved.dispose();
  if (backend.disposeData(old)) tf.engine().removeDataId(old, backend);
}
