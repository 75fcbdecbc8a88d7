// The engine's public face: start it, see its memory, and its differentiable operators.
export { Arcs, arcCrossEntropy, arcDistances, arcDots, arcSoftmax } from "./arcs.ts";
export {
  BACKEND,
  type EngineName,
  engineFlavour,
  freeDropped,
  memory,
  type StartedEngine,
  type StartedWasm,
  startEngine,
  wantedThreads,
} from "./backend.ts";
export { chooseEngine, ENGINE_CHOICES, type EngineChoice } from "./choice.ts";
export { clipGradients } from "./clip.ts";
export { infoNce } from "./contrast.ts";
export { type DropoutStream, dropout, reluDropout } from "./dropout.ts";
export type { Flavour } from "./engine.ts";
export { type ConvolutionOptions, gcniiConvolutions, lastMap } from "./gcnii.ts";
export { mapLinear, sparseLinear } from "./linear.ts";
export {
  meanSquaredError,
  type Scores,
  scores,
  softmaxCrossEntropy,
  softmaxSoftCrossEntropy,
  Targets,
} from "./loss.ts";
export { type MemoryUse, OutOfMemoryError, WASM_BYTES } from "./memory.ts";
export type { StartedNative } from "./native/backend.ts";
export { NATIVE_BACKEND } from "./native/backend.ts";
export { nativeRecord } from "./native/build.ts";
export {
  Adam,
  type AdamOptions,
  AdamW,
  Optimiser,
  type OptimiserState,
  type ParameterGroup,
  RMSprop,
  SGD,
} from "./optimiser.ts";
export { type PairDistances, pairDistances } from "./pairs.ts";
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
} from "./profiler.ts";
export { uniform } from "./random.ts";
export { takeRows, unitRows } from "./rows.ts";
export { type Similarity, similarities, similarityMismatch } from "./similarity.ts";
export { arcProducts, SparseMatrix, spmm } from "./sparse.ts";
export { tanh } from "./tanh.ts";
export { MOST_THREADS } from "./threads.ts";
