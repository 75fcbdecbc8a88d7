// The public interface of the package `abkd`. Importing it reads no files; tfjs's first operator
// starts the engine. What only audits the paper is in paper.ts.
import "./tensor/offer.ts";

/** All of tfjs, on the engine: a second copy of it would have tensors of its own. */
export * as tf from "@tensorflow/tfjs";
export { canonicalJson } from "./base/canonical.ts";
export { OptionError, UserError } from "./base/errors.ts";
export { type OptionInfo, type OptionValue, resolveOptions } from "./base/options.ts";
export type { Suggested } from "./base/suggested.ts";
export { formatTable, type Table } from "./base/table.ts";
export {
  DATASET_NAMES,
  type DataOptions,
  DatasetError,
  type DatasetName,
  FEATURE_FORMS,
  type FeatureForm,
  firstAvailable,
  type Imported,
  type ImportOptions,
  type ImportReport,
  importDataset,
  loadDataset,
  loadSplit,
  type OwnChoices,
  type OwnDataset,
  type OwnSplit,
  registerDataset,
  type SplitName,
  type SyntheticMagOptions,
  syntheticMag,
} from "./datasets/index.ts";
export { type ProgressCounter, progress } from "./display/progress.ts";
export type { Distillation, Inspection, Method, Scene, Teacher } from "./distillation/method.ts";
export {
  type AnyMethod,
  createDistillation,
  findMethod,
  type MethodName,
  methods,
  type OptionsOf,
  type PresetOf,
  registerMethod,
} from "./distillation/registry.ts";
export { compressCard } from "./experiments/compress/card.ts";
export {
  type Compression,
  type CompressProgress,
  type CompressRequest,
  compress,
} from "./experiments/compress/compress.ts";
export { provenance } from "./experiments/evidence.ts";
export type { StudyReport } from "./experiments/report-data.ts";
export { ResultsStore } from "./experiments/results-store.ts";
export {
  describeFinding,
  describeWarnings,
  resultsTable,
} from "./experiments/results-table.ts";
export { runStudy, type StudyOptions } from "./experiments/run-study.ts";
export { findStudy, registerStudy, type StudyName, studies } from "./experiments/studies/index.ts";
export {
  type Arm,
  type Claim,
  type PlanOptions,
  type Profile,
  planStudy,
  type Study,
  type StudyPlan,
} from "./experiments/study.ts";
export { studyReport } from "./experiments/study-report.ts";
export type { TrialRecord } from "./experiments/trial-record.ts";
export {
  layerPairs,
  type MapAgreement,
  mapAgreement,
  mapsBeforeAfter,
} from "./figures/before-after.ts";
export { compressFigure, liveCompress } from "./figures/compress-figure.ts";
export { dataFrame, type FrameContent } from "./figures/data-frame.ts";
export { type Figure, type Size, styleOf } from "./figures/figure.ts";
export { learningCurves } from "./figures/learning-curves.ts";
export { liveCurve } from "./figures/live-curve.ts";
export { attentionMatrix, dissimilarityMatrix } from "./figures/matrices.ts";
export { openRun, prepareRun } from "./figures/open-run.ts";
export { type Plot, type PlotlyFigure, plot } from "./figures/plot.ts";
export type { PrintLook } from "./figures/print-look.ts";
export { profile, TimeProfile } from "./figures/profile.ts";
export { type SaveOptions, saveFigure } from "./figures/save.ts";
export { type OpenOptions, openStudy, type StudyView } from "./figures/study-view.ts";
export { showTable } from "./figures/table.ts";
export { InputError } from "./graph/check.ts";
export { type ConstantPredictor, constantPredictor } from "./graph/constant-predictor.ts";
export { type Csr, csrFromPairs } from "./graph/csr.ts";
export { type Graph, type NodeType, type Relation, type Split, UNLABELLED } from "./graph/graph.ts";
export { type Ends, type GraphArrays, makeGraph, type SparseRows } from "./graph/make.ts";
export { rowNormalised, symmetricNormalised } from "./graph/normalise.ts";
export { localityOrder } from "./graph/order.ts";
export { NodeOrder } from "./graph/reorder.ts";
export type { CpfConfig, CpfInputs } from "./models/cpf.ts";
export type { GatConfig, GatInputs } from "./models/gat.ts";
export type { GcnConfig } from "./models/gcn.ts";
export { Gcnii, type GcniiConfig } from "./models/gcnii.ts";
export type { GinConfig } from "./models/gin.ts";
export type { GraphForms } from "./models/graph-forms.ts";
export type { MlpConfig } from "./models/mlp.ts";
export {
  type GraphInputs,
  type GraphShape,
  type Hooks,
  itemLogits,
  type KnownClasses,
  type Layers,
  type Model,
  type ModelKind,
  type Outline,
  type Outputs,
  type Parameter,
  type Pass,
  parameterCount,
  type Reads,
  type RelationalShape,
  type Shapes,
  withHooks,
} from "./models/model.ts";
export type { PrecisionConfig } from "./models/precision/precision.ts";
export {
  type AnyModelKind,
  createModel,
  findModel,
  graphShape,
  type ModelConfig,
  type ModelName,
  models,
  registerModel,
} from "./models/registry.ts";
export type { RgcnConfig, RgcnInputs } from "./models/rgcn.ts";
export type { SageConfig } from "./models/sage.ts";
export {
  type AddedNode,
  type Predictions,
  type PreparedGraph,
  type Student,
  StudentError,
  type StudentGraph,
} from "./student/index.ts";
export type { TaskTargets } from "./tasks/task.ts";
export {
  Adam,
  AdamW,
  freeDropped,
  type GatOptions,
  type GatScales,
  gatSums,
  memory,
  type OperatorTime,
  type Optimiser,
  type PhaseTime,
  type ProfileData,
  type ProfileTimes,
  type RelationArcs,
  type RelationalGraph,
  type RelationalOptions,
  RMSprop,
  relationalSums,
  Segments,
  SGD,
  type Span,
  SparseMatrix,
  type StartedEngine,
  type StartedNative,
  type StartedWasm,
  scores,
  softmaxCrossEntropy,
  spmm,
  startEngine,
  Targets,
  type TypeRows,
  weightedProduct,
} from "./tensor/index.ts";
export { type EvaluateOptions, type Evaluation, evaluate } from "./training/apply.ts";
export type { Batch, Batches, TrainingBatch } from "./training/batches.ts";
export { type DistillRequest, distill, type GivenModel, TrainedModel } from "./training/distill.ts";
export { predictedClasses, withForward } from "./training/evaluate.ts";
export type { Executor, Job, Resources, Setting, StartExecutor } from "./training/executor.ts";
export { graphInputs, splitTargets } from "./training/inputs.ts";
export { loadStudent } from "./training/load-student.ts";
export {
  decodeModel,
  encodeModel,
  encodeModelNpz,
  type ModelFile,
  restoreModel,
} from "./training/model-file.ts";
export type {
  EndEvent,
  EpochEvent,
  Observer,
  StopSignal,
  TrainingEvent,
} from "./training/observer.ts";
export { TrialsError } from "./training/outcomes.ts";
export type { PreparedRun } from "./training/prepared.ts";
export {
  type Changes,
  type Recipe,
  type Subject,
  studentConfig,
  studentRecipe,
  TEACHER_SEED,
  teacherConfig,
  teacherRecipe,
} from "./training/recipes.ts";
export type {
  InitialWeights,
  OptimiserConfig,
  RunConfig,
  RunResult,
  ScheduleConfig,
  TeacherOutputsConfig,
  TrainingConfig,
} from "./training/run.ts";
export { describeRun, runId } from "./training/run-id.ts";
export { findRun, readModel, readResult, runFiles } from "./training/run-store.ts";
export {
  describeOutputs,
  type GivenMatrix,
  type GivenOutputs,
  loadTeacherOutputs,
  type TeacherOutputs,
} from "./training/teacher-outputs.ts";
export { loadTeacher } from "./training/teacher-weights.ts";
export {
  DivergedError,
  InterruptedError,
  type TrainingOptions,
  type TrainingOutcome,
  type TrainingTask,
  train,
} from "./training/train.ts";
export { runTrials, type TrialsOptions } from "./training/trials.ts";
