// Calls of tf's operators: elementwise, shapes and selection, running sums, types.
import * as tf from "@tensorflow/tfjs";
import { Cases, type Input, type Run } from "./operator-case.ts";

const cases = new Cases();
const { both, value } = cases;

const matrix: Input = [[3, 5]];
const cube: Input = [[2, 3, 4]];

// Elementwise, with one tensor.
const smooth: Record<string, Run> = {
  abs: tf.abs,
  atan: tf.atan,
  asinh: tf.asinh,
  cos: tf.cos,
  cosh: tf.cosh,
  elu: tf.elu,
  erf: tf.erf,
  exp: tf.exp,
  expm1: tf.expm1,
  leakyRelu: (x) => tf.leakyRelu(x!, 0.3),
  logSigmoid: tf.logSigmoid,
  mish: (x) => tf.mul(x!, tf.tanh(tf.softplus(x!))),
  neg: tf.neg,
  relu: tf.relu,
  relu6: tf.relu6,
  selu: tf.selu,
  sigmoid: tf.sigmoid,
  sin: tf.sin,
  sinh: tf.sinh,
  softplus: tf.softplus,
  square: tf.square,
  step: (x) => tf.step(x!, 0.2),
  tan: tf.tan,
  tanh: tf.tanh,
  clipByValue: (x) => tf.clipByValue(x!, -0.5, 0.4),
};
for (const [name, run] of Object.entries(smooth)) {
  both(name, [[[7, 9]]], run);
  value(`${name} of an empty tensor`, [[[0, 3]]], run);
}
for (const [name, run] of Object.entries({
  log: tf.log,
  log1p: tf.log1p,
  sqrt: tf.sqrt,
  rsqrt: tf.rsqrt,
  reciprocal: tf.reciprocal,
  acosh: (x) => tf.acosh(tf.add(x!, 1)),
} satisfies Record<string, Run>)) {
  both(name, [[[65], "positive"]], run);
}
for (const [name, run] of Object.entries({
  acos: tf.acos,
  asin: tf.asin,
  atanh: tf.atanh,
} satisfies Record<string, Run>)) {
  both(name, [[[33], "unit"]], run);
}
for (const [name, run] of Object.entries({
  ceil: tf.ceil,
  floor: tf.floor,
  round: tf.round,
  sign: tf.sign,
  isFinite: (x) => tf.isFinite(tf.log(x!)),
  isInf: (x) => tf.isInf(tf.log(tf.relu(x!))),
  isNaN: (x) => tf.isNaN(tf.log(x!)),
  onesLike: tf.onesLike,
  zerosLike: tf.zerosLike,
  clone: tf.clone,
} satisfies Record<string, Run>)) {
  value(name, [[[4, 7]]], run);
}
value("logicalNot", [[[9], "bool"]], tf.logicalNot);
both("prelu", [matrix, [[5], "positive"]], (x, a) => tf.prelu(x!, a!));

// Elementwise, with two or more tensors.
both("pow", [[[3, 5], "positive"], matrix], (x, y) => tf.pow(x!, y!));
both("atan2", [matrix, matrix], (x, y) => tf.atan2(x!, y!));
both("squaredDifference", [matrix, matrix], (x, y) => tf.squaredDifference(x!, y!));
both("addN", [cube, cube, cube], (...x) => tf.addN(x));
value("divNoNan", [matrix, matrix], (x, y) => tf.divNoNan(x!, y!));
both("where", [[[3, 5], "bool"], matrix, matrix], (c, x, y) =>
  tf.where(tf.cast(c!, "bool"), x!, y!),
);
value(
  "logicalAnd, Or, Xor",
  [
    [[9], "bool"],
    [[9], "bool"],
  ],
  (x, y) => [tf.logicalAnd(x!, y!), tf.logicalOr(x!, y!), tf.logicalXor(x!, y!)],
);
value(
  "bitwiseAnd",
  [
    [[9], "int"],
    [[9], "int"],
  ],
  (x, y) => tf.bitwiseAnd(x!, y!),
);

// Shapes and selection.
both("slice", [cube], (x) => tf.slice(x!, [1, 0, 2], [1, 2, -1]));
both("slice of leading rows", [matrix], (x) => tf.slice(x!, [1], [2]));
value("strided slice", [[[6, 7]]], (x) => tf.stridedSlice(x!, [5, 1], [0, 7], [-2, 3]));
value("strided slice with masks", [cube], (x) =>
  tf.stridedSlice(x!, [0, 1, 0], [2, 3, 4], [1, 1, 2], 0b101, 0b001, 0, 0, 0b010),
);
both("concat", [matrix, [[2, 5]], [[0, 5]]], (...x) => tf.concat(x as tf.Tensor2D[], 0));
both("concat along columns", [matrix, [[3, 1]]], (...x) => tf.concat(x as tf.Tensor2D[], 1));
both("concat3d", [cube, [[2, 3, 2]]], (...x) => tf.concat(x as tf.Tensor3D[], -1));
both("stack", [matrix, matrix], (...x) => tf.stack(x, 1));
both("unstack", [cube], (x) => tf.unstack(x!, 1));
both("split", [[[6, 4]]], (x) => tf.split(x!, 3));
both("split in sizes", [[[3, 7]]], (x) => tf.split(x!, [1, 4, 2], 1));
both("gather", [matrix], (x) => tf.gather(x!, tf.tensor1d([2, 0, 2, 1], "int32")));
both("gather along columns", [cube], (x) => tf.gather(x!, tf.tensor1d([3, 3, 0], "int32"), 2));
value("gatherND", [cube], (x) =>
  tf.gatherND(
    x!,
    tf.tensor2d(
      [
        [0, 1],
        [1, 2],
      ],
      undefined,
      "int32",
    ),
  ),
);
value("scatterND", [[[3, 4]]], (x) =>
  tf.scatterND(tf.tensor2d([[4], [0], [4]], undefined, "int32"), x!, [6, 4]),
);
value("tensorScatterUpdate", [[[6, 4]], [[2, 4]]], (x, y) =>
  tf.tensorScatterUpdate(x!, tf.tensor2d([[4], [0]], undefined, "int32"), y!),
);
both("transpose", [cube], (x) => tf.transpose(x!, [2, 0, 1]));
both("transpose of a matrix", [[[65, 33]]], (x) => tf.transpose(x!));
both("reshape", [cube], (x) => tf.reshape(x!, [4, -1]));
both("expandDims, squeeze", [matrix], (x) => tf.squeeze(tf.expandDims(x!, 1)));
both("pad", [matrix], (x) =>
  tf.pad(
    x!,
    [
      [1, 2],
      [0, 3],
    ],
    7,
  ),
);
value("mirrorPad", [matrix], (x) =>
  tf.mirrorPad(
    x!,
    [
      [1, 2],
      [2, 0],
    ],
    "reflect",
  ),
);
both("tile", [matrix], (x) => tf.tile(x!, [2, 3]));
both("broadcastTo", [[[1, 5]]], (x) => tf.broadcastTo(x!, [4, 5]));
both("reverse", [cube], (x) => tf.reverse(x!, [0, 2]));
both("spaceToBatchND", [[[1, 4, 4, 1]]], (x) =>
  tf.spaceToBatchND(
    x!,
    [2, 2],
    [
      [0, 0],
      [0, 0],
    ],
  ),
);
both("batchToSpaceND", [[[4, 2, 2, 1]]], (x) =>
  tf.batchToSpaceND(
    x!,
    [2, 2],
    [
      [0, 0],
      [0, 0],
    ],
  ),
);
value("depthToSpace", [[[1, 2, 2, 4]]], (x) => tf.depthToSpace(x as tf.Tensor4D, 2));
value("meshgrid", [[[3]], [[4]]], (x, y) => tf.meshgrid(x!, y!));
value("unique", [[[12], "whole"]], (x) => {
  const { values, indices } = tf.unique(x!);
  return [values, indices];
});
value("diag", [[[4]]], (x) => tf.diag(x!));

// Created from a few arguments.
value("eye, linspace, range, fill, truncated", [], () => [
  tf.eye(3, 4),
  tf.linspace(0, 1, 7),
  tf.range(3, 20, 4),
  tf.fill([2, 3], 1.5),
  tf.zeros([2, 0]),
]);
value("seeded random numbers", [], () => [
  tf.randomNormal([5, 3], 0, 1, "float32", 3),
  tf.randomUniform([5, 3], 0, 1, "float32", 3),
  tf.truncatedNormal([9], 0, 1, "float32", 3),
]);
value("oneHot", [], () => tf.oneHot(tf.tensor1d([0, 2, 1, 5], "int32"), 4, 2, -1));
value("multinomial", [], () => tf.multinomial(tf.tensor1d([0.1, 0.2, 0.7]), 20, 5, true));

// Running sums along an axis, sorting, largest elements.
value("cumsum", [cube], (x) => tf.cumsum(x!, 1));
both("cumsum, exclusive, backwards", [matrix], (x) => tf.cumsum(x!, 1, true, true));
value("cumprod", [matrix], (x) => tf.cumprod(x!, 0));
value("topk", [[[4, 9]]], (x) => tf.topk(x!, 3).values);
value("topk's indices", [[[4, 9]]], (x) => tf.topk(x!, 3).indices);
value("searchSorted", [[[2, 5]]], (x) =>
  tf.searchSorted(tf.tensor2d([-0.5, 0, 0.2, -0.7, 0.1, 0.9], [2, 3]), x!, "right"),
);
value("bincount", [[[12], "whole"]], (x) => tf.bincount(x as tf.Tensor1D, tf.ones([12]), 6));
both("unsortedSegmentSum", [[[6, 2]]], (x) =>
  tf.unsortedSegmentSum(x!, tf.tensor1d([0, 2, 0, 1, 2, 2], "int32"), 3),
);
both("moments", [matrix], (x) => {
  const { mean, variance } = tf.moments(x!, 0);
  return [mean, variance];
});
both("norm: euclidean", [matrix], (x) => tf.norm(x!, "euclidean", 1));
both("norm: 1", [matrix], (x) => tf.norm(x!, 1));
value("norm: Infinity", [matrix], (x) => tf.norm(x!, Infinity, 0));
both("softmax", [[[65, 7]]], (x) => tf.softmax(x!));
both("logSoftmax", [[[65, 7]]], (x) => tf.logSoftmax(x!));
both("logSumExp", [cube], (x) => tf.logSumExp(x!, [0, 2], true));
value("confusionMatrix", [], () =>
  tf.math.confusionMatrix(
    tf.tensor1d([0, 1, 2, 1], "int32"),
    tf.tensor1d([0, 2, 2, 1], "int32"),
    3,
  ),
);

// Types.
both("cast to float", [matrix], (x) => tf.cast(x!, "float32"));
value("cast to int32 and bool", [matrix], (x) => [tf.cast(x!, "int32"), tf.cast(x!, "bool")]);
value(
  "cast from int32 and bool",
  [
    [[7], "int"],
    [[7], "bool"],
  ],
  (x, y) => [
    tf.cast(x!, "float32"),
    tf.cast(y!, "float32"),
    tf.cast(y!, "int32"),
    tf.relu(tf.cast(x!, "float32")),
  ],
);
value("complex numbers", [matrix, matrix], (x, y) => {
  const z = tf.mul(tf.complex(x!, y!), tf.complex(y!, x!));
  return [tf.real(z), tf.imag(z), tf.abs(tf.complex(x!, y!)), tf.cast(z, "float32")];
});

export const plainCases: Cases["all"] = cases.all;
