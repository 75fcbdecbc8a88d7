// One run from its configuration to its files.
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { packageVersion } from "../base/version.ts";
import type { Distillation } from "../distillation/method.ts";
import { createDistillation } from "../distillation/registry.ts";
import { FrozenTeacher } from "../distillation/teacher.ts";
import { FormatError } from "../formats/safetensors.ts";
import type { Graph, Split } from "../graph/graph.ts";
import { NodeOrder } from "../graph/reorder.ts";
import { type GraphShape, type Model, parameterCount } from "../models/model.ts";
import { createModel, findModel, hiddenWidth } from "../models/registry.ts";
import {
  beginPhase,
  chooseEngine,
  type EngineChoice,
  engineFlavour,
  type ProfileData,
  type StartedEngine,
  scores,
  startEngine,
  startProfile,
  traceJson,
} from "../tensor/index.ts";
import {
  type CheckpointOwner,
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from "./checkpoint.ts";
import { DEAD_DONOR, DEAD_TEACHER } from "./dead.ts";
import { predictedClasses, withForward } from "./evaluate.ts";
import { inheritedParameters } from "./initial.ts";
import { fingerprint, graphInputs, type SplitTargets, splitTargets } from "./inputs.ts";
import { modelParameters, restoreModel } from "./model-file.ts";
import { nodeBatches } from "./node-batches.ts";
import { nodeKinds } from "./node-kinds.ts";
import type { Observer, StopSignal } from "./observer.ts";
import type { RunConfig, RunResult } from "./run.ts";
import { describeRun, runId } from "./run-id.ts";
import {
  type RunFiles,
  readRun,
  refuseOtherData,
  runFiles,
  type StoredRun,
  writeRun,
  writeStoppedModel,
} from "./run-store.ts";
import { InterruptedError, type TrainingOutcome, train } from "./train.ts";

/** What a run is given; plain data, so that it can be sent to a worker thread. */
export interface Trial {
  readonly config: RunConfig;
  readonly graph: Graph;
  readonly split: Split;
  /** The nodes in the order that the configuration asks for; absent: as they are. */
  readonly order?: Int32Array;
  readonly runsDir: string;
  /**
   * `anew`: train from the start; a finished run stays until the new one replaces it. `resume`: take
   * the finished run, or go on from the checkpoint; where there is only what is damaged, that is an
   * error. `cache`: the same, but what is damaged is reported and retrained.
   */
  readonly start: "anew" | "resume" | "cache";
  readonly checkpointSeconds: number;
  /**
   * How many threads of the wasm engine compute for this run: one number, read before every epoch,
   * since others may change it. The result does not depend on it.
   */
  readonly threads: Int32Array;
  readonly engine: EngineChoice;
  /** Record where time goes, and write a trace beside the result, which is the same. */
  readonly profile?: boolean;
}

/**
 * Trains (or finds) the run, writes its files, and returns the result. A teacher must have been
 * run before, in the same folder. The engine is started in this thread.
 *
 * @throws InterruptedError with the result so far, where an epoch was done: its checkpoint and its
 *   best model are written, and no result
 */
export async function runTrial(
  trial: Trial,
  observer: Observer,
  signal?: StopSignal,
): Promise<RunResult> {
  const { config } = trial;
  let granted = Atomics.load(trial.threads, 0);
  let engine = startTrialEngine(trial, granted);
  const owner = { config, data: fingerprint(trial.graph, trial.split), flavour: engine.flavour };
  const files = runFiles(trial.runsDir, config);
  const id = runId(config);
  refuseOtherData(files, describeRun(config), owner.data);
  const { finished, from } = earlierWork(trial, files, owner, observer);
  if (finished) {
    observer({ type: "finish", id, result: finished.result, cached: true });
    return finished.result;
  }
  observer({
    type: "start",
    id,
    config,
    epoch: from?.epoch ?? 0,
    asTeacher: trial.start === "cache" && config.method === undefined,
  });

  const endProfile = trial.profile ? startProfile() : undefined;
  beginPhase("preparation");
  const held: { dispose(): void }[] = [];
  const hold = <T extends { dispose(): void }>(thing: T): T => {
    held.push(thing);
    return thing;
  };
  try {
    const { graph, split } = inOrder(trial);
    const forms = hold(graphInputs(graph)).value;
    const inputs = findModel(config.model.kind).prepare(forms);
    const targets = hold(splitTargets(graph, split)).value;
    const shape = { features: graph.features.columns, classes: graph.classes };
    const donor = config.initial && readNeeded(trial, config.initial.from, owner);
    const model = hold(startModel(config, shape, donor));
    const teacher = config.teacher && readNeeded(trial, config.teacher, owner);
    const distillation =
      config.method &&
      hold(
        createDistillation(config.method, {
          ...(teacher && {
            teacher: hold(new FrozenTeacher(hold(restoreModel(teacher.model)), forms)),
          }),
          graph: forms,
          student: model.outline,
          train: targets.train,
          seed: config.seed,
        }),
      );
    const { batch } = config.training;
    const batches =
      batch !== undefined &&
      nodeBatches({ inputs, targets }, { graph, split, size: batch, kind: config.model.kind });
    const work = train(
      {
        config,
        model,
        inputs,
        targets,
        ...(batches && { batches }),
        ...(distillation && { distillation }),
      },
      {
        observer(event) {
          const now = Atomics.load(trial.threads, 0);
          if (now !== granted) {
            granted = now;
            engine = startTrialEngine(trial, granted);
          }
          observer(event);
        },
        ...(signal && { signal }),
        ...(from && { from }),
        checkpoints: {
          everySeconds: trial.checkpointSeconds,
          save: (state) => writeCheckpoint(files.checkpoint, owner, state),
        },
      },
    );
    const outcome = await work.catch(outcomeSoFar);
    beginPhase("result");
    const found = measured(model, inputs, targets, { graph, split }, outcome);
    const result: RunResult = {
      format: "abkd-run/1",
      id,
      config,
      engine: { name: engine.name, flavour: engine.flavour },
      versions: { abkd: packageVersion(), node: process.versions.node, tfjs: tf.version_core },
      data: {
        nodes: graph.nodes,
        arcs: graph.adjacency.indices.length,
        ...shape,
        train: split.train.length,
        val: split.val.length,
        test: split.test.length,
        fingerprint: owner.data,
      },
      parameters: countParameters(model, distillation, teacher?.result),
      ...found,
      warnings: [
        ...found.warnings,
        ...(teacher?.result.dead ? [DEAD_TEACHER] : []),
        ...(donor?.result.dead ? [DEAD_DONOR] : []),
      ],
      timing: timing(outcome, engine.threads),
    };
    // Another process may have been at work meanwhile.
    refuseOtherData(files, describeRun(config), owner.data);
    const trained = { ...owner, shape, parameters: modelParameters(model) };
    if (outcome.interrupted) {
      writeStoppedModel(files, trained);
      const stands = earlierWork({ config, start: "cache" }, files, owner, () => {}).finished;
      throw new InterruptedError(describeStop(outcome, !!stands), { results: [result] });
    }
    const written = writeRun(files, result, trained);
    if (endProfile) keepProfile(endProfile(), config, files, observer);
    observer({ type: "finish", id, result: written, cached: false });
    return written;
  } finally {
    endProfile?.();
    for (const thing of held.reverse()) thing.dispose();
  }
}

/** Of a training that was stopped when an epoch was done. */
function outcomeSoFar(error: unknown): TrainingOutcome {
  const outcome = error instanceof InterruptedError ? error.outcome : undefined;
  if (outcome && outcome.bestEpoch > 0) return outcome;
  throw error;
}

/** @param stands whether an earlier run of the same configuration, which is complete, is there still */
function describeStop({ curve, bestEpoch }: TrainingOutcome, stands: boolean): string {
  const kept = stands
    ? "and the run that was finished before stands: it is what resuming takes"
    : "which is kept";
  return `stopped after epoch ${curve.loss.length}, ${kept}; the best so far was ${bestEpoch}`;
}

function keepProfile(
  data: ProfileData,
  config: RunConfig,
  { trace }: RunFiles,
  observer: Observer,
): void {
  writeAtomic(trace, traceJson(data, describeRun(config)));
  const { spans: _, ...profile } = data;
  observer({ type: "profile", id: runId(config), config, profile, trace });
}

/** Once more while it runs: gives it the threads that the trial has by now. */
function startTrialEngine({ config, engine }: Trial, threads: number): StartedEngine {
  return startEngine(chooseEngine(engine, hiddenWidth(config.model)), { threads });
}

/** The graph and the split as the model is to see them. */
function inOrder({ graph, split, order }: Trial): Pick<Trial, "graph" | "split"> {
  if (!order) return { graph, split };
  const nodes = new NodeOrder(order);
  return { graph: nodes.graph(graph), split: nodes.split(split) };
}

/**
 * The finished run, or else the checkpoint, that `start` lets us take.
 * @throws FormatError where there is only what is damaged or another engine's, unless that may be replaced
 */
export function earlierWork(
  { config, start }: Pick<Trial, "config" | "start">,
  files: RunFiles,
  owner: CheckpointOwner,
  observer: Observer,
): { finished?: StoredRun; from?: TrainingState } {
  if (start === "anew") return {};
  const finished = orError(() => readRun(files, owner));
  if (finished && !(finished instanceof UserError)) return { finished };
  // Beside a finished run that cannot be used it is what its retraining has come to.
  const from = orError(() => readCheckpoint(files.checkpoint, owner));
  const sound: { from?: TrainingState } = from && !(from instanceof UserError) ? { from } : {};
  const [error] = [finished, from].filter((found) => found instanceof UserError);
  if (error && start === "resume" && !sound.from) {
    throw new FormatError(`${error.message}; run without --resume to train anew`, {
      cause: error,
      exitCode: 1,
    });
  }
  if (error) {
    const message = `${describeRun(config)}: retrained, as ${error.message}`;
    observer({ type: "note", message });
  }
  return sound;
}

function orError<T>(read: () => T): T | UserError {
  try {
    return read();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** With random weights, or another run's. */
function startModel(config: RunConfig, shape: GraphShape, donor: StoredRun | undefined): Model {
  const { initial, model, seed } = config;
  if (!initial || !donor) return createModel(model, shape, seed);
  const parameters = inheritedParameters(initial, donor, model);
  return restoreModel({ ...donor.model, config, parameters });
}

/** A teacher, or the run whose weights another starts from. */
function readNeeded(
  { engine, runsDir }: Trial,
  config: RunConfig,
  owner: CheckpointOwner,
): StoredRun {
  // With "auto" a wide teacher may have another engine than its narrow student.
  const flavour = engineFlavour(chooseEngine(engine, hiddenWidth(config.model)));
  const needed = readRun(runFiles(runsDir, config), { ...owner, config, flavour });
  if (!needed) throw new Error(`${describeRun(config)} was not trained before what needs it`);
  return needed;
}

/** Everything in a result that is read off the trained model. */
function measured(
  model: Model,
  inputs: unknown,
  targets: SplitTargets,
  { graph, split }: Pick<Trial, "graph" | "split">,
  outcome: TrainingOutcome,
): Pick<
  RunResult,
  | "curve"
  | "bestEpoch"
  | "accuracy"
  | "nodeKinds"
  | "dead"
  | "interrupted"
  | "inspection"
  | "warnings"
> {
  const { curve, bestEpoch, inspection, interrupted } = outcome;
  const { accuracy, classes } = withForward(model, inputs, "logits", (forward) => ({
    accuracy: {
      train: scores(forward.logits, targets.train).accuracy,
      val: scores(forward.logits, targets.val).accuracy,
      test: scores(forward.logits, targets.test).accuracy,
    },
    classes: predictedClasses(forward),
  }));
  const kinds = nodeKinds(graph, split, classes);
  const dead = classes.every((c) => c === classes[0]);
  const warnings = [...(inspection?.last.warnings ?? [])];
  if (interrupted)
    warnings.push(`stopped by its user after epoch ${curve.loss.length}: not finished`);
  if (dead) {
    warnings.push(`dead: every node is given class ${classes[0]}; another seed may live`);
  }
  for (const set of ["train", "val", "test"] as const) {
    const left = split.unlabelled[set];
    if (left > 0) warnings.push(`${left} ${set} nodes have no label and were left out`);
  }
  return {
    curve,
    bestEpoch,
    accuracy,
    ...(kinds && { nodeKinds: kinds }),
    dead,
    ...(interrupted && { interrupted: true }),
    ...(inspection && { inspection }),
    warnings,
  };
}

function timing({ seconds, curve }: TrainingOutcome, threads: number): RunResult["timing"] {
  return { seconds, secondsPerEpoch: seconds / curve.loss.length, threads };
}

function countParameters(
  model: Model,
  distillation: Distillation | undefined,
  teacher: RunResult | undefined,
): RunResult["parameters"] {
  const own = parameterCount(model);
  const method = (distillation?.parameters ?? []).reduce((sum, p) => sum + p.variable.size, 0);
  if (!teacher) return { model: own, method };
  const { model: large } = teacher.parameters;
  return { model: own, method, teacher: large, ratio: large / own };
}
