// The engine's public API: starting it, its memory use, and its differentiable operators.

export {
  BACKEND,
  type EngineName,
  engineFlavour,
  freeDropped,
  memory,
  mostDuring,
  type StartedEngine,
  type StartedWasm,
  startEngine,
  wantedThreads,
} from "./engine/backend.ts";
export { chooseEngine, ENGINE_CHOICES, type EngineChoice } from "./engine/choice.ts";
export type { Flavour } from "./engine/engine.ts";
export { type MemoryUse, OutOfMemoryError, WASM_BYTES } from "./engine/memory.ts";
export {
  beginPhase,
  beginStep,
  endStep,
  type OperatorTime,
  type PhaseTime,
  type ProfileData,
  type ProfileTimes,
  type Span,
  startProfile,
  traceJson,
} from "./engine/profiler.ts";
export { MOST_THREADS } from "./engine/threads.ts";
export type { StartedNative } from "./native/backend.ts";
export { NATIVE_BACKEND } from "./native/backend.ts";
export { nativeRecord } from "./native/build.ts";
export { arcProducts } from "./ops/arc-products.ts";
export {
  Arcs,
  arcAbsoluteDistances,
  arcCrossEntropy,
  arcDistances,
  arcDots,
  arcSoftmax,
} from "./ops/arcs.ts";
export { clipGradients } from "./ops/clip.ts";
export { infoNce } from "./ops/contrast.ts";
export { dropout, reluDropout } from "./ops/dropout.ts";
export type { DropoutStream } from "./ops/dropout-stream.ts";
export { type GatOptions, type GatScales, gatSums } from "./ops/gat.ts";
export { type ConvolutionOptions, gcniiConvolutions, lastMap } from "./ops/gcnii.ts";
export { LabelSetTargets } from "./ops/label-sets.ts";
export { mapLinear, sparseLinear } from "./ops/linear.ts";
export {
  meanSquaredError,
  type Scores,
  scores,
  softmaxCrossEntropy,
  softmaxSoftCrossEntropy,
  Targets,
} from "./ops/loss.ts";
export {
  Adam,
  type AdamOptions,
  AdamW,
  Optimiser,
  type OptimiserState,
  type ParameterGroup,
  RMSprop,
  SGD,
} from "./ops/optimiser.ts";
export { type PairDistances, pairDistances } from "./ops/pairs.ts";
export { uniform } from "./ops/random.ts";
export { relationalSums } from "./ops/relational.ts";
export type {
  RelationArcs,
  RelationalGraph,
  RelationalOptions,
  TypeRows,
} from "./ops/relational-graph.ts";
export { takeRows, unitRows } from "./ops/rows.ts";
export { Segments, weightedProduct } from "./ops/segments.ts";
export { type Similarity, similarities, similarityMismatch } from "./ops/similarity.ts";
export { SparseMatrix, spmm } from "./ops/sparse.ts";
export { tanh } from "./ops/tanh.ts";
