// Heat kernels that are inner products of features, tanh(x W): randomised and parametric.
//
// With K = F E F', where F are the n x f features and E = diag(e), no pair of nodes is visited:
//
//     |K_t - K_s|^2 = <e e', (F_t'F_t)^2 - 2 (F_t'F_s)^2 + (F_s'F_s)^2>   (squares elementwise)
//
// and pairs along arcs, including the diagonal, are added separately.
import * as tf from "@tensorflow/tfjs";
import type { GraphInputs, Outputs } from "../../models/model.ts";
import { arcProducts } from "../../tensor/ops/arc-products.ts";
import { meanSquaredError } from "../../tensor/ops/loss.ts";
import { normal } from "../../tensor/ops/random.ts";
import { tanh } from "../../tensor/ops/tanh.ts";
import { detached, gradientOnly } from "../detached.ts";
import type { Held, TaughtScene } from "../method.ts";
import type { Term } from "../objective.ts";
import { centre, StandardisedProjection, standardised } from "../standardised.ts";
import { TeacherSide } from "../teacher.ts";

export interface FeaturesOptions {
  readonly kernel: "random" | "parametric";
  readonly delta: number;
  readonly features: number;
  readonly draws: number;
  readonly learningRate: number | null;
}

/** What both sides' features are made from: W, and e as a row. */
interface Expansion {
  readonly weight: tf.Tensor2D;
  readonly signs: tf.Tensor2D;
}

/** A map, factored as `map` times `factors`. */
interface Product {
  /** n x inputs. */
  readonly map: tf.Tensor2D;
  /** inputs x width. */
  readonly factors: tf.Tensor2D;
}

/**
 * Counts W and, as measured with f features, at least what a step holds: maps of nodes x f, and Gram
 * matrices of f x f.
 */
export function heldFeatures(
  { kernel, features, draws }: Pick<FeaturesOptions, "kernel" | "features" | "draws">,
  width: number,
  nodes: number,
): Held {
  const trained = kernel === "parametric";
  const count = width * features * (trained ? 1 : draws);
  const [maps, squares] = trained ? [20, 10] : [12, 8];
  return {
    trained: trained ? width * count : 0,
    start: 0,
    step: maps * nodes * count + squares * count ** 2,
  };
}

export function featuresTerm(
  { teacher, graph, student, seed }: TaughtScene,
  { kernel, delta, features, draws, learningRate }: FeaturesOptions,
): Term {
  const side = new TeacherSide(teacher, "hidden", ({ hidden }) => standardised(hidden!));
  const width = side.of().shape[1];
  const count = width * features;
  const projection = new StandardisedProjection(
    "geometric.projection",
    student.hidden,
    width,
    seed,
  );
  // The student's projected map is only ever multiplied by a matrix: by its factors first, so that no
  // n x width map is made.
  const project = (outputs: Outputs): Product => {
    const centred = centre(outputs.hidden!);
    return { map: centred.map, factors: projection.factors(centred) };
  };
  const rate = learningRate !== null && { learningRate };
  if (kernel === "random") {
    return {
      ...rate,
      parameters: projection.parameters,
      value(outputs, step, batch) {
        const expansion = drawn(seed, step, width, count, draws);
        const t = tanhProduct(side.of(batch?.nodes), expansion.weight);
        const s = tanhOfProduct(project(outputs), expansion.weight);
        return distance(t, s, expansion.signs, batch?.graph ?? graph, delta);
      },
      dispose() {
        side.dispose();
        projection.dispose();
      },
    };
  }
  const name = "geometric.phi";
  const start = normal(seed, name, width * count);
  const phi = tf.tidy(() => tf.variable(tf.tensor2d(start, [width, count])));
  const weight = phi as unknown as tf.Tensor2D;
  const early = new TeacherSide(teacher, "layers", (outputs) =>
    standardised(firstActivated(outputs)),
  );
  return {
    ...rate,
    reads: "layers",
    parameters: [...projection.parameters, { name, variable: phi }],
    value(outputs, _step, batch) {
      const own = project(outputs);
      const hidden = side.of(batch?.nodes);
      const fixed = detached(weight);
      const learned = {
        t: tanhProduct(hidden, weight),
        s: tanhOfProduct({ map: detached(own.map), factors: detached(own.factors) }, weight),
      };
      const s = tanhOfProduct(own, fixed);
      const signs = tf.ones([1, count]) as tf.Tensor2D;
      const loss = distance(detached(learned.t), s, signs, batch?.graph ?? graph, delta);
      const last = standardised(detached(outputs.hidden!));
      const first = standardised(detached(firstActivated(outputs)));
      const rebuilt = tf.add(
        reconstruction(learned.t, hidden, early.of(batch?.nodes)),
        reconstruction(learned.s, last, first),
      ) as tf.Scalar;
      return tf.add(loss, gradientOnly(rebuilt));
    },
    dispose() {
      side.dispose();
      early.dispose();
      phi.dispose();
      projection.dispose();
    },
  };
}

/** Returns the first layer's map after its activation, which phi learns to reconstruct. */
function firstActivated({ layers }: Outputs): tf.Tensor2D {
  return layers!.activated(0);
}

/**
 * Returns |standardised(K x_last) - x_first|^2 with K = F F': phi learns a kernel that undoes the layers
 * between the first and the last map.
 */
function reconstruction(features: tf.Tensor2D, last: tf.Tensor2D, first: tf.Tensor2D): tf.Scalar {
  const spread = tf.matMul(features, tf.matMul(features, last, true, false));
  return squaredGap(standardised(spread as tf.Tensor2D), first);
}

/** Returns |x - target|^2, differentiable with respect to x. */
function squaredGap(x: tf.Tensor, target: tf.Tensor): tf.Scalar {
  return tf.mul(meanSquaredError(x, target), x.size);
}

/** Sums w (K_t - K_s)^2 over pairs; w is 1 along arcs and on the diagonal, else delta. */
function distance(
  t: tf.Tensor2D,
  s: tf.Tensor2D,
  signs: tf.Tensor2D,
  { adjacency }: GraphInputs,
  delta: number,
): tf.Scalar {
  const outer = tf.matMul(signs, signs, true, false);
  // Summed by a product, because tf.sum's gradient is a slow broadcast.
  const square = (products: tf.Tensor2D): tf.Tensor =>
    tf.matMul(
      tf.reshape(tf.mul(products, products), [1, -1]),
      tf.reshape(outer, [-1, 1]) as tf.Tensor2D,
    );
  const own = tf.add(square(gram(t)), square(gram(s)));
  const pairs = tf.sub(own, tf.mul(square(tf.matMul(t, s, true, false)), 2));
  const all = tf.reshape(pairs, []) as tf.Scalar;
  const rows = tf.matMul(tf.ones([t.shape[0], 1]), signs);
  const along = (x: tf.Tensor2D): tf.Tensor1D =>
    arcProducts(adjacency, tf.mul(x, rows) as tf.Tensor2D, x);
  const arcs = squaredGap(along(s), along(t));
  return tf.add(tf.mul(all, delta), tf.mul(arcs, 1 - delta));
}

/** Returns x' x; with tf's own gradient, the backward pass would take two products of x's size. */
function gram(x: tf.Tensor2D): tf.Tensor2D {
  const op = tf.customGrad((...args: unknown[]) => {
    const [input, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    save([input]);
    const gradFunc = (dy: tf.Tensor, [from]: tf.Tensor[]): tf.Tensor =>
      tf.matMul(from as tf.Tensor2D, tf.add(dy, tf.transpose(dy)) as tf.Tensor2D);
    return { value: tf.matMul(input, input, true, false), gradFunc };
  });
  return op(x) as tf.Tensor2D;
}

/** Returns the features tanh(map (factors W)). */
function tanhOfProduct({ map, factors }: Product, weight: tf.Tensor2D): tf.Tensor2D {
  return tanhProduct(map, tf.matMul(factors, weight));
}

/** Returns the features tanh(x W). */
function tanhProduct(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  return tanh(tf.matMul(x, weight) as tf.Tensor2D);
}

/** Draws `draws` normal matrices, side by side, each with one normal number e for all its columns. */
export function drawn(
  seed: number,
  step: number,
  width: number,
  count: number,
  draws: number,
): Expansion {
  const numbers = normal(seed, `geometric.weight.${step}`, width * count * draws);
  const e = normal(seed, `geometric.e.${step}`, draws);
  const signs = Float32Array.from({ length: count * draws }, (_, k) => e[Math.floor(k / count)]!);
  return {
    weight: tf.tensor2d(numbers, [width, count * draws]),
    signs: tf.tensor2d(signs, [1, count * draws]),
  };
}
