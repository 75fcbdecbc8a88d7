// Sums, products and reductions for every pattern of shapes agree with tfjs's cpu back end.
import { before, describe, test } from "node:test";
import * as tf from "@tensorflow/tfjs";
import { agree, startBoth } from "./agreement.ts";
import type { Input } from "./operator-case.ts";

before(startBoth);

describe("add, sub, mul and others with every pattern of broadcasting", () => {
  const pairs: readonly (readonly [number[], number[]])[] = [
    [[], []],
    [[], [3]],
    [[1], [3]],
    [[1], [1, 1]],
    [[3], [1, 3]],
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], [3]],
    [[2, 3], [1]],
    [[2, 3], []],
    [
      [2, 3],
      [1, 3],
    ],
    [
      [2, 3],
      [2, 1],
    ],
    [
      [2, 1],
      [1, 3],
    ],
    [[65, 7], [7]],
    [
      [7, 65],
      [1, 65],
    ],
    [[4, 2, 3], [3]],
    [
      [4, 2, 3],
      [2, 3],
    ],
    [
      [4, 2, 3],
      [4, 1, 3],
    ],
    [
      [4, 2, 3],
      [1, 1, 3],
    ],
    [
      [4, 2, 3],
      [4, 2, 1],
    ],
    [
      [4, 2, 3],
      [1, 2, 1],
    ],
    [
      [4, 1, 3],
      [1, 2, 3],
    ],
    [
      [5, 4, 2, 3],
      [5, 4, 1, 3],
    ],
    [
      [5, 4, 2, 3],
      [4, 1, 3],
    ],
    [
      [5, 4, 2, 3],
      [5, 1, 1, 3],
    ],
    [
      [2, 2, 3, 5],
      [2, 2, 1, 5],
    ],
    [[0], [0]],
    [[0, 3], [3]],
    [
      [0, 3],
      [1, 3],
    ],
    [
      [3, 0],
      [1, 0],
    ],
    [
      [2, 0, 3],
      [2, 1, 3],
    ],
    [[0], []],
  ];
  const operators = { add: tf.add, sub: tf.sub, mul: tf.mul, div: tf.div } as const;
  const others = { maximum: tf.maximum, minimum: tf.minimum, less: tf.less, mod: tf.mod } as const;
  const kinds = ["float", "int", "bool"] as const;
  for (const [p, q] of pairs) {
    test(`[${p}] with [${q}]`, () => {
      for (const [a, b] of [
        [p, q],
        [q, p],
      ] as const) {
        for (const [name, run] of Object.entries(operators)) {
          const divisor = name === "div" ? "positive" : "float";
          const inputs: Input[] = [[a], [b, divisor]];
          // tfjs's own gradients mistake an empty tensor's broadcast axis for a full one.
          const gradient = !a.includes(0) && !b.includes(0);
          agree({ name, inputs, gradient, run: (x, y) => run(x!, y!) });
        }
        for (const [name, run] of Object.entries(others)) {
          agree({
            name,
            inputs: [[a], [b, "positive"]],
            gradient: false,
            run: (x, y) => run(x!, y!),
          });
        }
        for (const first of kinds) {
          for (const second of kinds) {
            if (first === "bool" && second === "bool") continue;
            const inputs: Input[] = [
              [a, first],
              [b, second],
            ];
            const run = (x?: tf.Tensor, y?: tf.Tensor): tf.Tensor[] => [
              tf.add(x!, y!),
              tf.sub(x!, y!),
              tf.mul(x!, y!),
            ];
            agree({ name: `${first}, ${second}`, inputs, gradient: false, run });
          }
        }
      }
    });
  }
});

describe("reductions over every choice of axes", () => {
  const operators: Record<string, (x: tf.Tensor, axis?: number[], keep?: boolean) => tf.Tensor> = {
    sum: tf.sum,
    mean: tf.mean,
    max: tf.max,
    min: tf.min,
    prod: tf.prod,
    logSumExp: tf.logSumExp,
    norm: (x, axis, keep) =>
      axis && axis.length > 2 ? tf.sum(x) : tf.norm(x, "euclidean", axis, keep),
  };
  const shapes = [[], [7], [3, 65], [4, 3, 5], [2, 3, 1, 4], [0, 3], [3, 0], [1, 1]];
  for (const shape of shapes) {
    for (const [name, run] of Object.entries(operators)) {
      // tfjs's own gradients of these fail for empty tensors and tensors of rank 0.
      const gradient = shape.length > 0 && !shape.includes(0) && name !== "prod";
      test(`${name} of [${shape}]`, () => {
        const subsets = Array.from({ length: 2 ** shape.length }, (_, bits) =>
          shape.map((_, axis) => axis).filter((axis) => bits & (1 << axis)),
        );
        for (const axes of [undefined, ...subsets.filter((axes) => axes.length > 0)]) {
          if (name === "norm" && (axes === undefined || axes.length > 2)) continue;
          for (const keep of [false, true]) {
            const title = `axes ${axes}, keepDims ${keep}`;
            agree({ name: title, inputs: [[shape]], gradient, run: (x) => run(x!, axes, keep) });
            const negative = axes?.map((axis) => axis - shape.length);
            agree({
              ...{ name: title, inputs: [[shape]], gradient: false },
              run: (x) => run(x!, negative, keep),
            });
          }
        }
      });
    }
    test(`sum and mean of integers, any, all, argMax, argMin of [${shape}]`, () => {
      if (shape.includes(0)) return;
      for (const axis of shape.keys()) {
        const inputs: Input[] = [
          [shape, "int"],
          [shape, "bool"],
        ];
        agree({
          ...{ name: `axis ${axis}`, inputs, gradient: false },
          run: (x, y) => [
            tf.sum(x!, axis),
            tf.sum(y!, axis),
            tf.mean(x!, axis),
            tf.max(x!, axis, true),
            tf.any(y!, axis),
            tf.all(y!, axis, true),
            tf.argMax(x!, axis),
            tf.argMin(x!, axis),
          ],
        });
      }
    });
  }
});

describe("batches of products", () => {
  const shapes: readonly (readonly [number[], number[]])[] = [
    [
      [3, 4],
      [4, 5],
    ],
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [
      [2, 3, 4],
      [4, 5],
    ],
    [
      [3, 4],
      [2, 4, 5],
    ],
    [
      [1, 3, 4],
      [6, 4, 5],
    ],
    [
      [2, 3, 3, 4],
      [2, 3, 4, 5],
    ],
    [
      [2, 1, 3, 4],
      [1, 3, 4, 5],
    ],
    [
      [2, 3, 3, 4],
      [3, 4, 5],
    ],
    [
      [2, 3, 3, 4],
      [1, 1, 4, 5],
    ],
    [
      [7, 65],
      [65, 9],
    ],
    [
      [0, 3],
      [3, 2],
    ],
    [
      [3, 0],
      [0, 2],
    ],
    [
      [2, 3],
      [3, 0],
    ],
    [
      [0, 2, 3],
      [0, 3, 2],
    ],
  ];
  const swapped = (shape: number[]): number[] => [
    ...shape.slice(0, -2),
    shape.at(-1)!,
    shape.at(-2)!,
  ];
  for (const [a, b] of shapes) {
    for (const [transposeA, transposeB] of [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      test(`[${a}] by [${b}]${transposeA ? ", A'" : ""}${transposeB ? ", B'" : ""}`, () => {
        const inputs: Input[] = [[transposeA ? swapped(a) : a], [transposeB ? swapped(b) : b]];
        const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.slice(0, -2), b.slice(0, -2));
        const whole = (x: tf.Tensor): tf.Tensor =>
          tf.broadcastTo(x, [...batch, ...x.shape.slice(-2)]);
        // tfjs's cpu back end is wrong if both batches are broadcast, and its gradients are if
        // either is; then the batches are made equal first.
        const run = (x?: tf.Tensor, y?: tf.Tensor): tf.Tensor =>
          tf.getBackend() === "cpu"
            ? tf.matMul(whole(x!), whole(y!), transposeA, transposeB)
            : tf.matMul(x!, y!, transposeA, transposeB);
        const equal = a.slice(0, -2).join() === b.slice(0, -2).join();
        const gradient = equal && !a.includes(0) && !b.includes(0);
        agree({ name: "matMul", inputs, gradient, run });
      });
    }
  }
});
