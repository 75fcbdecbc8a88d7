// Small teachers and students of odd sizes, option pairs, and comparisons relative to a scale.
import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { AbkdDistillation } from "../../src/distillation/abkd/index.ts";
import { type AbkdOptions, defaults } from "../../src/distillation/abkd/options.ts";
import type { Scene } from "../../src/distillation/method.ts";
import { csrFromPairs } from "../../src/graph/csr.ts";
import { symmetricNormalised } from "../../src/graph/normalise.ts";
import {
  type GraphInputs,
  type Outline,
  type Outputs,
  stackedOutputs,
} from "../../src/models/model.ts";
import { reluDropout } from "../../src/tensor/ops/dropout.ts";
import { Targets } from "../../src/tensor/ops/loss.ts";
import { uniform } from "../../src/tensor/ops/random.ts";
import { SparseMatrix } from "../../src/tensor/ops/sparse.ts";

// Otherwise tfjs's cpu back end prints its advice to install another one.
tf.enableProdMode();

/** Sizes that share no factor with a wasm kernel's tile. */
export const shape = {
  nodes: 11,
  classes: 3,
  teacherLayers: 5,
  teacherWidth: 7,
  studentLayers: 3,
  studentWidth: 2,
};

/** Draws numbers between -1 and 1, shifted by `mean`. */
export function numbers(stream: string, dims: number[], mean = 0): tf.Tensor {
  const values = uniform(7, stream, tf.util.sizeFromShape(dims)).map((u) => 2 * u - 1 + mean);
  return tf.tensor(values, dims);
}

/** A GCNII's outputs, with its maps in one stack. */
export interface Shown extends Outputs {
  readonly maps: tf.Tensor3D;
}

/** @param maps layers x nodes x width */
export function shown(maps: tf.Tensor3D, logits: tf.Tensor2D): Shown {
  const all = stackedOutputs(logits, maps, reluDropout);
  return {
    ...{ maps, logits, layers: all.layers! },
    get hidden() {
      return all.hidden!;
    },
  };
}

export function teacherOutputs(sizes = shape): Shown {
  const { teacherLayers, nodes, teacherWidth, classes } = sizes;
  return shown(
    numbers("T", [teacherLayers, nodes, teacherWidth], 0.3) as tf.Tensor3D,
    numbers("t logits", [nodes, classes]) as tf.Tensor2D,
  );
}

export function studentOutputs(sizes = shape): Shown {
  const { studentLayers, nodes, studentWidth, classes } = sizes;
  return shown(
    numbers("S", [studentLayers, nodes, studentWidth], -0.2) as tf.Tensor3D,
    numbers("s logits", [nodes, classes]) as tf.Tensor2D,
  );
}

/** Returns the outline of a model whose layers all have one width. */
export function outline(layers: number, width: number, classes: number): Outline {
  return {
    ...{ kind: "gcnii", widths: new Array<number>(layers).fill(width), hidden: width, classes },
  };
}

/** Makes a scene of a teacher with constant outputs and a student of equal layers. */
export function sceneOf(
  teacher: Shown | undefined,
  student: { readonly layers: number; readonly width: number; readonly classes: number },
  graph: GraphInputs & Pick<Scene, "train">,
  seed = 1,
): Scene {
  const taught = teacher && {
    outline: outline(teacher.maps.shape[0], teacher.maps.shape[2], teacher.logits.shape[1]),
    outputs: () => shown(teacher.maps, teacher.logits),
  };
  return {
    ...(taught && { teacher: taught }),
    ...{ graph, train: graph.train, seed },
    student: outline(student.layers, student.width, student.classes),
  };
}

/** Returns the small graph's arcs, in both directions: the last node has none, node 0 has many. */
export function arcs(nodes = shape.nodes): [from: number, to: number][] {
  const edges: [number, number][] = [];
  for (let node = 1; node < nodes - 1; node++) {
    edges.push([0, node]);
    if (node % 3 === 0) edges.push([node, node - 1]);
  }
  return edges.flatMap(
    ([a, b]) =>
      [
        [a, b],
        [b, a],
      ] as [number, number][],
  );
}

/** Returns a node's class in the small graph; every third node is for training. */
export const labelOf = (node: number, classes = shape.classes): number => (node * 2) % classes;
export const trainingNodes = (nodes = shape.nodes): number[] =>
  Array.from({ length: Math.ceil(nodes / 3) }, (_, k) => 3 * k);

/** Makes the inputs of a graph with those arcs; no method uses its features. */
export function graphInputs(
  nodes = shape.nodes,
  classes = shape.classes,
): GraphInputs & Pick<Scene, "train"> {
  const all = arcs(nodes);
  const from = all.map(([node]) => node);
  const to = all.map(([, node]) => node);
  const adjacency = symmetricNormalised(csrFromPairs(nodes, nodes, from, to));
  const features = csrFromPairs(nodes, 2, [0], [1]);
  const labels = Int32Array.from({ length: nodes }, (_, node) => labelOf(node, classes));
  return {
    adjacency: SparseMatrix.from(adjacency),
    features: SparseMatrix.from(features),
    train: new Targets(labels, Int32Array.from(trainingNodes(nodes)), classes),
  };
}

/** Returns options small enough for the naive form. */
export function abkdOptions(changes: Partial<AbkdOptions> = {}): AbkdOptions {
  return { ...defaults, embedding: 5, ...changes };
}

export function start(
  teacher: Shown,
  options: AbkdOptions,
  seed = 1,
  sizes = shape,
): AbkdDistillation {
  const { studentLayers: layers, studentWidth: width, classes } = sizes;
  const scene = sceneOf(teacher, { layers, width, classes }, graphInputs(), seed);
  return new AbkdDistillation({ ...scene, teacher: scene.teacher! }, options);
}

/** Returns the trained weights. */
export const variablesOf = (method: AbkdDistillation): tf.Variable[] =>
  method.parameters.map(({ variable }) => variable);

/** Every form, both distances, every kind of projections. */
export const forms: Partial<AbkdOptions>[] = (["literal", "node-mean", "mse"] as const).flatMap(
  (form) =>
    (["euclidean", "cosine"] as const).flatMap((distance) =>
      (["trained", "frozen", "fixed-teacher"] as const).map((projections) => ({
        form,
        distance,
        projections,
        beta: 1,
      })),
    ),
);
export const nameOf = ({ form, distance, projections }: Partial<AbkdOptions>): string =>
  `${form} ${distance} ${projections}`;

/** Returns L, and dL/dmaps, dL/dlogits and dL/d(each parameter) in this order; zeros if L ignores one. */
export function gradients(
  loss: (student: Outputs) => tf.Scalar,
  student: Shown,
  parameters: readonly tf.Variable[],
): { value: number; gradients: Float32Array[] } {
  const maps = tf.variable(student.maps);
  const logits = tf.variable(student.logits);
  const all = [maps, logits, ...parameters];
  const { value, grads } = tf.variableGrads(() => loss(shown(maps, logits)), all);
  const result = {
    value: value.dataSync()[0]!,
    gradients: all.map(
      (v) => (grads[v.name]?.dataSync() as Float32Array) ?? new Float32Array(v.size),
    ),
  };
  tf.dispose([value, grads, maps, logits]);
  return result;
}

/** Asserts that numbers differ by at most `tolerance` times `scale`. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  scale: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, what);
  for (let k = 0; k < actual.length; k++) {
    const difference = Math.abs(actual[k]! - expected[k]!);
    assert.ok(
      difference <= tolerance * scale,
      `${what}[${k}]: ${actual[k]} is not ${expected[k]} to ${tolerance} of ${scale}`,
    );
  }
}

/**
 * Returns a few settings in which every two values of every two options meet. The search is greedy: each
 * new setting takes the values that cover the most pairs not seen yet, unless `legal` refuses it.
 */
export function pairwise<T extends object>(
  choices: { readonly [K in keyof T]: readonly T[K][] },
  legal: (setting: T) => boolean,
): T[] {
  const keys = Object.keys(choices) as (keyof T & string)[];
  const values = (key: keyof T): readonly T[keyof T][] => choices[key];
  const pairName = (a: string, x: unknown, b: string, y: unknown): string => `${a}=${x} ${b}=${y}`;
  const pairsOf = (setting: Partial<T>): string[] => {
    const present = keys.filter((key) => key in setting);
    return present.flatMap((a, i) =>
      present.slice(i + 1).map((b) => pairName(a, setting[a], b, setting[b])),
    );
  };
  const missing = new Map<string, Partial<T>>();
  keys.forEach((a, i) => {
    for (const b of keys.slice(i + 1)) {
      for (const x of values(a)) {
        for (const y of values(b)) {
          const setting = { [a]: x, [b]: y } as Partial<T>;
          missing.set(pairName(a, x, b, y), setting);
        }
      }
    }
  });
  const settings: T[] = [];
  for (const [pair, seed] of [...missing]) {
    if (!missing.has(pair)) continue;
    const complete = (setting: Partial<T>, rest: readonly (keyof T & string)[]): T | undefined => {
      const [key, ...others] = rest;
      if (key === undefined) return legal(setting as T) ? (setting as T) : undefined;
      const gain = (value: T[keyof T]): number =>
        pairsOf({ ...setting, [key]: value }).filter((name) => missing.has(name)).length;
      // Equally good values take turns, so that none occurs only once.
      const turn = settings.length % values(key).length;
      const rotated = [...values(key).slice(turn), ...values(key).slice(0, turn)];
      const ordered = rotated.sort((x, y) => gain(y) - gain(x));
      for (const value of ordered) {
        const found = complete({ ...setting, [key]: value }, others);
        if (found) return found;
      }
      return undefined;
    };
    const setting = complete(
      seed,
      keys.filter((key) => !(key in seed)),
    );
    // Two values that contradict each other never meet.
    missing.delete(pair);
    if (!setting) continue;
    settings.push(setting);
    for (const name of pairsOf(setting)) missing.delete(name);
  }
  return settings;
}
