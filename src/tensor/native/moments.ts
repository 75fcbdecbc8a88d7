// An optimiser's step on the native engine, one parameter at a time.
import * as tf from "@tensorflow/tfjs";
import type { Factors, Moments, Move, NamedVariable } from "../ops/moments.ts";

/** The two moments of all parameters, as tensors. */
export class NativeMoments implements Moments {
  readonly #moments: { first: tf.Tensor; second: tf.Tensor }[];

  constructor(parameters: readonly NamedVariable[]) {
    const zeros = (shape: number[]): tf.Tensor => tf.keep(tf.zeros(shape));
    this.#moments = parameters.map(({ variable: { shape } }) => ({
      first: zeros(shape),
      second: zeros(shape),
    }));
  }

  step(moves: readonly Move[], factors: Factors): void {
    for (const move of moves) this.#move(move, factors);
  }

  #move(
    { slot, variable, gradient, decay, rate, shrink }: Move,
    { keep1, take1, keep2, take2, correction, epsilon }: Factors,
  ): void {
    const { first: oldFirst, second: oldSecond } = this.#moments[slot]!;
    const { value, ...moments } = tf.tidy(() => {
      const g = decay === 0 ? gradient : tf.add(gradient, tf.mul(variable, decay));
      const first = tf.add(tf.mul(oldFirst, keep1), tf.mul(g, take1));
      const kept = tf.mul(oldSecond, keep2);
      // Skipped if take2 is 0: the square may overflow.
      const second = take2 === 0 ? kept : tf.add(kept, tf.mul(tf.square(g), take2));
      const size = tf.add(tf.mul(tf.sqrt(second), correction), epsilon);
      const shrunk = shrink === 1 ? variable : tf.mul(variable, shrink);
      const value = tf.sub(shrunk, tf.mul(tf.div(first, size), rate));
      return { first: tf.keep(first), second: tf.keep(second), value };
    });
    this.#moments[slot] = moments;
    tf.dispose([oldFirst, oldSecond]);
    variable.assign(value);
    value.dispose();
  }

  read(slot: number): [first: Float32Array, second: Float32Array] {
    const { first, second } = this.#moments[slot]!;
    return [first.dataSync<"float32">(), second.dataSync<"float32">()];
  }

  write(slot: number, first: Float32Array, second: Float32Array): void {
    const old = this.#moments[slot]!;
    const copy = (numbers: Float32Array): tf.Tensor =>
      tf.keep(tf.tensor(numbers.slice(), old.first.shape));
    this.#moments[slot] = { first: copy(first), second: copy(second) };
    tf.dispose([old.first, old.second]);
  }

  dispose(): void {
    for (const { first, second } of this.#moments) tf.dispose([first, second]);
  }
}
