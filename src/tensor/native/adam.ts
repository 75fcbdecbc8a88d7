// One parameter's Adam step on the native engine.
import * as tf from "@tensorflow/tfjs";
import type { AdamFactors, Moments } from "../adam.ts";

/** The two moments of a parameter, as tensors. */
export class NativeMoments implements Moments {
  #first: tf.Tensor;
  #second: tf.Tensor;

  constructor(shape: readonly number[]) {
    this.#first = tf.keep(tf.zeros([...shape]));
    this.#second = tf.keep(tf.zeros([...shape]));
  }

  step(variable: tf.Variable, gradient: tf.Tensor, factors: AdamFactors): void {
    const { decay, beta1, beta2, rate, correction, epsilon } = factors;
    const next = tf.tidy(() => {
      const g = decay === 0 ? gradient : tf.add(gradient, tf.mul(variable, decay));
      const first = tf.add(tf.mul(this.#first, beta1), tf.mul(g, 1 - beta1));
      const second = tf.add(tf.mul(this.#second, beta2), tf.mul(tf.square(g), 1 - beta2));
      const size = tf.add(tf.mul(tf.sqrt(second), correction), epsilon);
      const value = tf.sub(variable, tf.mul(tf.div(first, size), rate));
      return { first, second, value };
    });
    tf.dispose([this.#first, this.#second]);
    this.#first = tf.keep(next.first);
    this.#second = tf.keep(next.second);
    variable.assign(next.value);
    next.value.dispose();
  }

  read(): [first: Float32Array, second: Float32Array] {
    return [this.#first.dataSync<"float32">(), this.#second.dataSync<"float32">()];
  }

  write(first: Float32Array, second: Float32Array): void {
    const { shape } = this.#first;
    this.dispose();
    this.#first = tf.keep(tf.tensor(first.slice(), shape));
    this.#second = tf.keep(tf.tensor(second.slice(), shape));
  }

  dispose(): void {
    tf.dispose([this.#first, this.#second]);
  }
}
