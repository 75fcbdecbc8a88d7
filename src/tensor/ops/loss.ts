// Differentiable losses (cross-entropy over chosen nodes, mean squares), and the scores of a prediction.
import * as tf from "@tensorflow/tfjs";
import { needObject, refuse } from "../../base/arguments.ts";
import { asTensor, type Backend, runningBackend } from "../engine/backend.ts";
import { Buffer } from "../engine/buffer.ts";
import { nativeIsCurrent } from "../native/backend.ts";
import {
  NativeTargets,
  nativeCrossEntropy,
  nativeScores,
  nativeSoftCrossEntropy,
} from "../native/loss.ts";

/** Nodes and their classes on the engine, over which a loss or a score is taken. */
export class Targets {
  readonly count: number;
  readonly classes: number;
  readonly #labels: Int32Array;
  readonly #nodes: Int32Array;
  /** Each engine has its own form, made on first use. */
  #wasm: { readonly labels: Buffer; readonly nodes: Buffer } | undefined;
  #native: NativeTargets | undefined;

  /**
   * @param labels the class of every node of the graph; those not in `nodes` are ignored
   * @param nodes the chosen nodes, each once
   * @throws {RangeError} if there are no nodes, or a node is named twice, is not in the graph
   *   or has no class
   */
  constructor(labels: Int32Array, nodes: Int32Array, classes: number) {
    for (const [name, value] of Object.entries({ labels, nodes })) {
      if (!(value instanceof Int32Array)) refuse(value, `Targets: ${name}`, "an Int32Array");
    }
    if (nodes.length === 0) throw new RangeError("a loss or a score needs at least one node");
    if (new Set(nodes).size !== nodes.length) throw new RangeError("a node is named twice");
    for (const node of nodes) {
      const label = labels[node];
      if (label === undefined) throw new RangeError(`node ${node} is not in the graph`);
      if (label < 0 || label >= classes) {
        throw new RangeError(`node ${node} has class ${label}, not one of 0 to ${classes - 1}`);
      }
    }
    this.count = nodes.length;
    this.classes = classes;
    this.#labels = labels;
    this.#nodes = nodes;
    if (nativeIsCurrent()) this.native();
    else this.#buffers();
  }

  /** The chosen nodes' numbers, in the order given. */
  get chosen(): Int32Array {
    return this.#nodes;
  }

  get labels(): Buffer {
    return this.#buffers().labels;
  }

  get nodes(): Buffer {
    return this.#buffers().nodes;
  }

  /** The native engine's form. */
  native(): NativeTargets {
    this.#native ??= new NativeTargets(this.#labels, this.#nodes);
    return this.#native;
  }

  #buffers(): { readonly labels: Buffer; readonly nodes: Buffer } {
    this.#wasm ??= {
      labels: Buffer.integers(this.#labels, "labels"),
      nodes: Buffer.integers(this.#nodes, "a set of nodes"),
    };
    return this.#wasm;
  }

  /** @throws {RangeError} if logits do not fit these targets */
  check(logits: tf.Tensor2D): void {
    const [rows, columns] = logits.shape;
    if (rows !== this.#labels.length || columns !== this.classes) {
      throw new RangeError(
        `logits are [${logits.shape}], targets need [${this.#labels.length}, ${this.classes}]`,
      );
    }
  }

  /** The mean cross-entropy. @param logits items x classes */
  loss(logits: tf.Tensor2D): tf.Scalar {
    return softmaxCrossEntropy(logits, this);
  }

  /** Scores a prediction. @param logits items x classes */
  scores(logits: tf.Tensor2D): Scores {
    return scores(logits, this);
  }

  dispose(): void {
    this.#wasm?.labels.dispose();
    this.#wasm?.nodes.dispose();
    this.#native?.dispose();
  }
}

/**
 * The mean over the targets of -log softmax(logits)[class], differentiable with respect to the logits.
 * @param logits nodes x classes
 */
export function softmaxCrossEntropy(logits: tf.Tensor2D, targets: Targets): tf.Scalar {
  checkTargets(logits, targets, "softmaxCrossEntropy");
  if (nativeIsCurrent()) return nativeCrossEntropy(logits, targets.native());
  const backend = runningBackend();
  const loss = tf.customGrad((...args: unknown[]) => {
    const [x, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const losses = backend.allocate([targets.count]);
    const gradient = backend.allocate(x.shape);
    backend.floats(gradient).fill(0);
    backend.engine.run(
      "crossEntropy",
      targets.count,
      backend.address(x),
      targets.labels.address,
      targets.nodes.address,
      backend.address(losses),
      backend.address(gradient),
      0,
      targets.classes,
      1 / targets.count,
    );
    save([asTensor(gradient)]);
    return { value: meanOf(backend, losses), gradFunc: timesScalar };
  });
  return loss(logits) as tf.Scalar;
}

/** Returns the mean of what a kernel wrote, and frees that. */
function meanOf(backend: Backend, numbers: tf.TensorInfo): tf.Tensor {
  const mean = backend.allocate([]);
  const size = tf.util.sizeFromShape(numbers.shape);
  const [from, to] = [backend.address(numbers), backend.address(mean)];
  backend.engine.run("sumRows", 1, from, to, size, 1 / size);
  backend.disposeData(numbers.dataId);
  return asTensor(mean);
}

/** Multiplies a gradient that was computed along with the value by the incoming gradient. */
function timesScalar(dy: tf.Tensor, [gradient]: tf.Tensor[]): tf.Tensor {
  const backend = runningBackend();
  const out = backend.allocate(gradient!.shape);
  const [from, to] = [backend.address(gradient!), backend.address(out)];
  backend.engine.run("scale", gradient!.size, from, to, backend.floats(dy)[0]!);
  return asTensor(out);
}

/**
 * The mean over all rows of -sum p log softmax(x / temperature), differentiable with respect to x.
 * @param logits x, nodes x classes
 * @param probabilities p, of x's shape, with rows that sum to 1; a constant
 */
export function softmaxSoftCrossEntropy(
  logits: tf.Tensor2D,
  probabilities: tf.Tensor2D,
  temperature: number,
): tf.Scalar {
  if (!tf.util.arraysEqual(logits.shape, probabilities.shape)) {
    throw new RangeError(`logits are [${logits.shape}], soft labels [${probabilities.shape}]`);
  }
  if (nativeIsCurrent()) return nativeSoftCrossEntropy(logits, probabilities, temperature);
  const backend = runningBackend();
  const loss = tf.customGrad((...args: unknown[]) => {
    const [x, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const [nodes, classes] = x.shape;
    const losses = backend.allocate([nodes]);
    const gradient = backend.allocate(x.shape);
    backend.engine.run(
      "softCrossEntropy",
      nodes,
      backend.address(x),
      backend.address(probabilities),
      backend.address(losses),
      backend.address(gradient),
      classes,
      1 / temperature,
      1 / (temperature * nodes),
    );
    save([asTensor(gradient)]);
    return { value: meanOf(backend, losses), gradFunc: timesScalar };
  });
  return loss(logits) as tf.Scalar;
}

/**
 * The mean of (x - target)^2 over all elements, differentiable with respect to x.
 * @param target a constant of x's shape
 */
export function meanSquaredError(x: tf.Tensor, target: tf.Tensor): tf.Scalar {
  const loss = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const difference = tf.sub(input, target);
    save([difference]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      tf.mul(saved[0]!, tf.mul(dy, 2 / x.size));
    return { value: tf.mean(tf.mul(difference, difference)), gradFunc };
  });
  return loss(x) as tf.Scalar;
}

/** The mean cross-entropy, and the share of nodes whose largest logit is their class's. */
export interface Scores {
  readonly loss: number;
  /** A fraction, 0 to 1. */
  readonly accuracy: number;
  /** What `accuracy` is a fraction of, such as the number of nodes: its weight in a mean. */
  readonly of: number;
}

function checkTargets(logits: tf.Tensor2D, targets: Targets, what: string): void {
  needObject(logits, `${what}: logits`, "a tensor of nodes x classes", "shape");
  if (!(targets instanceof Targets)) refuse(targets, `${what}: targets`, "new Targets()");
  targets.check(logits);
}

/** Scores a prediction. @param logits nodes x classes */
export function scores(logits: tf.Tensor2D, targets: Targets): Scores {
  checkTargets(logits, targets, "scores");
  if (nativeIsCurrent()) return nativeScores(logits, targets.native());
  const backend = runningBackend();
  const losses = backend.allocate([targets.count]);
  const hits = backend.allocate([targets.count]);
  backend.engine.run(
    "crossEntropy",
    targets.count,
    backend.address(logits),
    targets.labels.address,
    targets.nodes.address,
    backend.address(losses),
    0,
    backend.address(hits),
    targets.classes,
    1,
  );
  const mean = (x: Float32Array): number => x.reduce((sum, y) => sum + y, 0) / x.length;
  const result = {
    loss: mean(backend.floats(losses)),
    accuracy: mean(backend.floats(hits)),
    of: targets.count,
  };
  backend.disposeData(losses.dataId);
  backend.disposeData(hits.dataId);
  return result;
}
