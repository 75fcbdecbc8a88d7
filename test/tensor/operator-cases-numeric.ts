// Calls of tf's operators: signals, linear algebra, convolutions, images, sparse, text, losses.
import * as tf from "@tensorflow/tfjs";
import { Cases, type Input } from "./operator-case.ts";

const cases = new Cases();
const { both, value } = cases;

const matrix: Input = [[3, 5]];
const image: Input = [[1, 5, 6, 2]];

// Signals and linear algebra.
value("fft, ifft", [[[3, 8]], [[3, 8]]], (x, y) => {
  const z = tf.spectral.fft(tf.complex(x!, y!));
  const back = tf.spectral.ifft(z);
  return [tf.real(z), tf.imag(z), tf.real(back), tf.imag(back)];
});
value("rfft, irfft", [[[2, 8]]], (x) => {
  const z = tf.spectral.rfft(x!);
  return [tf.real(z), tf.imag(z), tf.spectral.irfft(z)];
});
value("stft", [[[20]]], (x) => tf.abs(tf.signal.stft(x as tf.Tensor1D, 8, 4)));
value("qr", [[[5, 3]]], (x) => tf.linalg.qr(x!)[1]);
value("qr's q, gramSchmidt", [[[4, 4]]], (x) => [
  tf.linalg.qr(x!)[0],
  tf.linalg.gramSchmidt(x as tf.Tensor2D) as tf.Tensor2D,
]);
value("bandPart", [[[5, 6]]], (x) => tf.linalg.bandPart(x!, 1, 2));
value("einsum", [[[3, 4]], [[4, 5]]], (x, y) => tf.einsum("ij,jk->ki", x!, y!));
both("dot", [[[7]], [[7]]], (x, y) => tf.dot(x!, y!));
both("outerProduct", [[[3]], [[4]]], (x, y) => tf.outerProduct(x as tf.Tensor1D, y as tf.Tensor1D));
both("fused matMul", [matrix, [[5, 4]], [[4]]], (a, b, bias) =>
  tf.fused.matMul({ a: a!, b: b!, bias: bias!, activation: "relu" }),
);

// Convolutions and images.
both("conv1d", [[[2, 9, 3]], [[4, 3, 5]]], (x, w) =>
  tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 2, "same"),
);
both("conv2d", [image, [[3, 2, 2, 4]]], (x, w) =>
  tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, [2, 1], "same"),
);
both("conv2dTranspose", [[[1, 3, 3, 2]], [[2, 2, 3, 2]]], (x, w) =>
  tf.conv2dTranspose(x as tf.Tensor4D, w as tf.Tensor4D, [1, 6, 6, 3], 2, "same"),
);
both("conv3d", [[[1, 3, 4, 4, 2]], [[2, 2, 2, 2, 3]]], (x, w) =>
  tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, "valid"),
);
both("depthwiseConv2d", [image, [[3, 3, 2, 2]]], (x, w) =>
  tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same"),
);
both("separableConv2d", [image, [[3, 3, 2, 1]], [[1, 1, 2, 3]]], (x, d, p) =>
  tf.separableConv2d(x as tf.Tensor4D, d as tf.Tensor4D, p as tf.Tensor4D, 1, "valid"),
);
both("dilation2d", [image, [[2, 2, 2]]], (x, w) =>
  tf.dilation2d(x as tf.Tensor4D, w as tf.Tensor3D, 1, "valid"),
);
value("fused conv2d", [image, [[3, 3, 2, 4]], [[4]]], (x, filter, bias) =>
  tf.fused.conv2d({
    ...{ x: x as tf.Tensor4D, filter: filter as tf.Tensor4D, bias: bias! },
    ...{ strides: 1, pad: "same", activation: "elu" },
  }),
);
both("maxPool", [image], (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, "same"));
both("avgPool", [image], (x) => tf.avgPool(x as tf.Tensor4D, 3, 1, "valid"));
both("maxPool3d, avgPool3d", [[[1, 4, 4, 4, 1]]], (x) => [
  tf.maxPool3d(x as tf.Tensor5D, 2, 2, "same"),
  tf.avgPool3d(x as tf.Tensor5D, 2, 1, "valid"),
]);
both("localResponseNormalization", [image], (x) =>
  tf.localResponseNormalization(x as tf.Tensor4D, 1),
);
both("batchNorm", [matrix, [[5]], [[5], "positive"], [[5]], [[5]]], (x, mean, v, offset, scale) =>
  tf.batchNorm(
    x!,
    mean as tf.Tensor1D,
    v as tf.Tensor1D,
    offset as tf.Tensor1D,
    scale as tf.Tensor1D,
  ),
);
both("resizeBilinear", [[[1, 5, 5, 2]]], (x) => tf.image.resizeBilinear(x as tf.Tensor4D, [7, 7]));
both("resizeNearestNeighbor", [image], (x) =>
  tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [3, 11]),
);
value("flipLeftRight, rotateWithOffset, cropAndResize", [image], (x) => [
  tf.image.flipLeftRight(x as tf.Tensor4D),
  tf.image.rotateWithOffset(x as tf.Tensor4D, 0.4),
  tf.image.cropAndResize(
    x as tf.Tensor4D,
    tf.tensor2d([[0.1, 0, 0.8, 1]]),
    tf.tensor1d([0], "int32"),
    [4, 4],
  ),
]);
value("image.transform", [image], (x) =>
  tf.image.transform(x as tf.Tensor4D, tf.tensor2d([[1, 0.1, 0, 0, 1, 1, 0, 0]])),
);
value("nonMaxSuppression", [], () =>
  tf.image.nonMaxSuppression(
    tf.tensor2d([0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3], [3, 4]),
    tf.tensor1d([0.9, 0.8, 0.7]),
    3,
    0.5,
  ),
);

// Sparse, ragged, text.
value("sparseToDense", [[[3]]], (x) =>
  tf.sparseToDense(tf.tensor1d([1, 4, 5], "int32"), x!, [7], -1),
);
value("sparse segment mean and sum", [[[4, 3]]], (x) => {
  const [indices, segments] = [tf.tensor1d([0, 1, 3], "int32"), tf.tensor1d([0, 0, 1], "int32")];
  return [
    tf.sparse.sparseSegmentMean(x as tf.Tensor2D, indices, segments),
    tf.sparse.sparseSegmentSum(x as tf.Tensor2D, indices, segments),
  ];
});
value("sparseFillEmptyRows", [[[3]]], (x) => {
  const out = tf.sparse.sparseFillEmptyRows(
    tf.tensor2d([0, 1, 2, 0, 2, 3], [3, 2], "int32"),
    x as tf.Tensor1D,
    tf.tensor1d([4, 5], "int32"),
    tf.scalar(-2),
  ) as unknown as Record<string, tf.Tensor>;
  return [out["outputIndices"]!, out["outputValues"]!];
});
value("stringSplit, stringToHashBucketFast", [], () => {
  const parts = tf.string.stringSplit(
    tf.tensor1d(["a bc", "d"]),
    tf.scalar(" "),
  ) as unknown as Record<string, tf.Tensor>;
  return [parts["indices"]!, parts["values"]!, tf.string.stringToHashBucketFast(["x", "y"], 9)];
});

// Losses and cells.
both("losses", [matrix, matrix], (x, y) => [
  tf.losses.meanSquaredError(x!, y!),
  tf.losses.huberLoss(x!, y!),
  tf.losses.cosineDistance(x!, y!, 1),
  tf.losses.softmaxCrossEntropy(tf.softmax(x!), y!),
  tf.losses.sigmoidCrossEntropy(tf.sigmoid(x!), y!),
]);
both("basicLSTMCell", [[[1, 3]], [[5, 8]], [[8]], [[1, 2]], [[1, 2]]], (x, w, b, c, h) =>
  tf.basicLSTMCell(
    tf.scalar(1),
    w as tf.Tensor2D,
    b as tf.Tensor1D,
    x as tf.Tensor2D,
    c as tf.Tensor2D,
    h as tf.Tensor2D,
  ),
);

export const numericCases: Cases["all"] = cases.all;
