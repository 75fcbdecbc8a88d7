// The engine's WebAssembly kernels. Each takes a range begin <= unit < end of outputs that no other
// range writes, so that any number of threads gives the same bits. Addresses are bytes in the
// shared memory; arrays are float32 unless stated otherwise. Compiled twice: see vector.ts.
export { arcCrossEntropy, arcDifferences, arcPairs, arcSigns } from "./arcs";
export { contrastRows } from "./contrast";
export { descend, ELEMENTS_A_UNIT } from "./descend";
export { applyBits, dropout } from "./dropout";
export { combine, combineRows, multiply, multiplyRows, relu, scale } from "./elementwise";
export { addHeads, arcSums, gatBackward, gatForward, gatWeights, headDots } from "./gat";
export { gcniiBackward, gcniiForward, gcniiWeightGradient } from "./gcnii";
export {
  integerCodes, integerFloats, integerOffsets, integerProduct, integerSparse,
} from "./integer";
export { layerRows, layerRowsGradient } from "./layer-rows";
export { packPanels, transposeDense } from "./layout";
export { narrowHead, narrowHeadGradient, narrowProduct } from "./linear";
export { crossEntropy, softCrossEntropy } from "./loss";
export { NODES_A_UNIT, narrowBackward, narrowForward } from "./narrow";
export { NODES_A_BLOCK, pairDistances, pairRegression } from "./pairs";
export { product, productTransposedA } from "./product";
export { sumColumns, sumRows } from "./reduce";
export { unitRows, unitRowsGradient } from "./rows";
export { scalarPairs } from "./scalar-pairs";
export { ROWS_A_BLOCK, similarities, similarityMismatch } from "./similarity";
export { arcProducts, gather, sparseProduct } from "./sparse";
export { tanh } from "./tanh";
export { multiplyAdd } from "./vector";
