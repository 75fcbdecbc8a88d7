// The differentiable loss and the score of items that each have any number of classes.
import * as tf from "@tensorflow/tfjs";
import type { Csr } from "../../graph/csr.ts";
import type { Scores } from "./loss.ts";

/** Items and their sets of classes, over which a loss or a score is taken. Holds no engine memory. */
export class LabelSetTargets {
  readonly count: number;
  readonly classes: number;
  readonly #sets: Csr;
  readonly #items: Int32Array;

  /**
   * @param sets items x classes, without values; rows of items not in `items` are ignored
   * @param items the chosen items, each once
   * @throws {RangeError} if there are no items, or one is named twice or has no row
   */
  constructor(sets: Csr, items: Int32Array) {
    if (items.length === 0) throw new RangeError("a loss or a score needs at least one item");
    if (new Set(items).size !== items.length) throw new RangeError("an item is named twice");
    const beyond = items.find((item) => item < 0 || item >= sets.rows);
    if (beyond !== undefined) throw new RangeError(`item ${beyond} is not one of ${sets.rows}`);
    this.count = items.length;
    this.classes = sets.columns;
    this.#sets = sets;
    this.#items = items;
  }

  /**
   * The mean over items and classes of the cross-entropy between sigmoid(logit) and whether the item has
   * the class (torch's BCEWithLogitsLoss), differentiable with respect to the logits.
   * @param logits items x classes
   */
  loss(logits: tf.Tensor2D): tf.Scalar {
    const op = tf.customGrad((...args: unknown[]) => {
      const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
      const gradient = new Float32Array(input.size);
      const share = 1 / (this.count * this.classes);
      const sum = this.#sum(input, (x, isIn, at) => {
        gradient[at] = (1 / (1 + Math.exp(-x)) - isIn) * share;
        return crossEntropy(x, isIn);
      });
      save([tf.tensor2d(gradient, input.shape)]);
      const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => tf.mul(saved[0]!, dy);
      return { value: tf.scalar(sum * share), gradFunc };
    });
    return op(logits) as tf.Scalar;
  }

  /**
   * Scores the items. `accuracy` is the micro-F1; the predicted classes are those with logits above 0.
   * @param logits items x classes
   */
  scores(logits: tf.Tensor2D): Scores {
    let [right, wrong] = [0, 0];
    const sum = this.#sum(logits, (x, isIn) => {
      if (x > 0 === (isIn === 1)) right += isIn;
      else wrong++;
      return crossEntropy(x, isIn);
    });
    const of = 2 * right + wrong;
    // If no class is predicted and none is present, nothing is wrong.
    const accuracy = of === 0 ? 1 : (2 * right) / of;
    return { loss: sum / (this.count * this.classes), accuracy, of };
  }

  dispose(): void {}

  /** Sums over every class of every chosen item. @param of takes the logit, 1 or 0, and the logit's place */
  #sum(logits: tf.Tensor2D, of: (x: number, isIn: 0 | 1, at: number) => number): number {
    const { rows, indptr, indices } = this.#sets;
    if (logits.shape[0] !== rows || logits.shape[1] !== this.classes) {
      throw new RangeError(`logits are [${logits.shape}], targets need [${rows}, ${this.classes}]`);
    }
    const values = logits.dataSync<"float32">();
    let sum = 0;
    for (const item of this.#items) {
      let next = indptr[item]!;
      for (let c = 0; c < this.classes; c++) {
        const isIn = next < indptr[item + 1]! && indices[next] === c ? 1 : 0;
        next += isIn;
        const at = item * this.classes + c;
        sum += of(values[at]!, isIn, at);
      }
    }
    return sum;
  }
}

/** The cross-entropy, without overflow for large logits of either sign. */
function crossEntropy(x: number, isIn: 0 | 1): number {
  return Math.max(x, 0) - x * isIn + Math.log1p(Math.exp(-Math.abs(x)));
}
