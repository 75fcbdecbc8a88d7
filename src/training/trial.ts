// Takes one run from its configuration to its files.
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../base/errors.ts";
import { writeAtomic } from "../base/files.ts";
import { VERSION } from "../base/own-package.ts";
import type { Distillation } from "../distillation/method.ts";
import { FormatError } from "../formats/safetensors.ts";
import { itemName } from "../graph/check.ts";
import { NodeOrder } from "../graph/reorder.ts";
import { type Model, type Outputs, parameterCount } from "../models/model.ts";
import { Quantised } from "../models/precision/quantised.ts";
import { graphShape, hiddenWidth, type ModelConfig } from "../models/registry.ts";
import { Students } from "../models/students.ts";
import { taskOf } from "../tasks/task.ts";
import {
  beginPhase,
  chooseEngine,
  type EngineChoice,
  engineFlavour,
  type ProfileData,
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
import { predictedClasses, type Scored, scoredOutputs, withForward } from "./evaluate.ts";
import type { Job } from "./executor.ts";
import { graphFacts } from "./graph-facts.ts";
import type { SplitTargets } from "./inputs.ts";
import { integerScores } from "./integer-scores.ts";
import { modelParameters } from "./model-file.ts";
import { nodeKinds } from "./node-kinds.ts";
import type { Observer, StopSignal } from "./observer.ts";
import { type PreparedRun, prepare } from "./prepared.ts";
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
import { neededOutputs } from "./teacher-outputs.ts";
import { scoredTeacher } from "./teacher-score.ts";
import { InterruptedError, type TrainingOutcome, train } from "./train.ts";
import type { TrialData } from "./trial-data.ts";

/** What a worker needs to do a job. */
export interface TrialResources {
  readonly data: TrialData;
  readonly runsDir: string;
  readonly engine: EngineChoice;
  /**
   * How many threads of the wasm engine compute for this run: one number, read before every epoch,
   * since others may change it. The result does not depend on it.
   */
  readonly threads: Int32Array;
}

/**
 * Trains (or finds) the run, writes its files, and returns the result. A teacher must have been
 * run before, in the same folder. The engine is started in this thread.
 *
 * @throws UserError if the data is not the job's; InterruptedError, with the result so far if an epoch was
 *   done: its checkpoint and its best model are written, but no result
 */
export async function runTrial(
  job: Job,
  resources: TrialResources,
  observer: Observer,
  signal?: StopSignal,
): Promise<RunResult> {
  const { config } = job;
  const { data, threads, runsDir } = resources;
  if (data.fingerprint !== job.data) {
    throw new UserError(
      `the data named ${config.dataset} ${config.split} is not the data that the run was planned for`,
    );
  }
  let granted = Atomics.load(threads, 0);
  const choice = chooseEngine(resources.engine, hiddenWidth(config.model));
  let engine = startEngine(choice, { threads: granted });
  const owner = { config, data: data.fingerprint, flavour: engine.flavour };
  const files = runFiles(runsDir, config);
  const id = runId(config);
  refuseOtherData(files, describeRun(config), owner.data);
  const { finished, from } = earlierWork(job, files, owner, observer);
  if (finished) {
    observer({ type: "finish", id, result: finished.result, cached: true });
    return finished.result;
  }
  observer({
    type: "start",
    id,
    config,
    epoch: from?.epoch ?? 0,
    asTeacher: job.start === "cache" && config.method === undefined,
  });

  const endProfile = job.profile ? startProfile() : undefined;
  beginPhase("preparation");
  let run: PreparedRun | undefined;
  try {
    const { graph, split } = inOrder(data);
    const donor = config.initial && readNeeded(resources, config.initial.from, owner);
    const teacher = config.teacher && readNeeded(resources, config.teacher, owner);
    const outputs = neededOutputs(config, data.teacher);
    const earlier = { ...(teacher && { teacher }), ...(donor && { donor }) };
    run = prepare(config, graph, split, earlier, outputs && { known: outputs, order: data.order });
    const { model, inputs, targets, distillation } = run;
    const shape = graphShape(graph, config.model.kind);
    const work = train(run, {
      observer(event) {
        const now = Atomics.load(threads, 0);
        if (now !== granted) {
          granted = now;
          // Called again on a running engine, this sets the run's current number of threads.
          engine = startEngine(choice, { threads: granted });
        }
        observer(event);
      },
      ...(signal && { signal }),
      ...(from && { from }),
      checkpoints: {
        everySeconds: job.checkpointSeconds,
        save: (state) => writeCheckpoint(files.checkpoint, owner, state),
      },
    });
    const outcome = await work.catch(outcomeSoFar);
    beginPhase("result");
    for (const one of model instanceof Students ? model.all : [model as Model]) {
      if (one instanceof Quantised) one.calibrate(inputs);
    }
    const found = measured(model, inputs, targets, { graph, split }, outcome, config.model);
    const taught =
      outputs?.logits && scoredTeacher({ known: outputs, order: data.order }, graph, targets);
    const result: RunResult = {
      format: "abkd-run/1",
      id,
      config,
      engine: { name: engine.name, flavour: engine.flavour },
      versions: { abkd: VERSION, node: process.versions.node, tfjs: tf.version_core },
      data: {
        nodes: graph.nodes,
        arcs: graph.adjacency.indices.length,
        ...shape,
        train: split.train.length,
        val: split.val.length,
        test: split.test.length,
        fingerprint: owner.data,
        ...(graph.decided && { decided: graph.decided }),
      },
      parameters: countParameters(model, distillation, teacher?.result),
      ...found,
      ...(taught && { teacherAccuracy: taught.accuracy }),
      warnings: [
        ...found.warnings,
        ...((taught ?? teacher?.result)?.dead ? [DEAD_TEACHER] : []),
        ...(donor?.result.dead ? [DEAD_DONOR] : []),
      ],
      timing: timing(outcome, engine.threads),
    };
    // Another process may have written to the folder meanwhile.
    refuseOtherData(files, describeRun(config), owner.data);
    const trained = {
      ...owner,
      shape,
      parameters: modelParameters(model),
      ...graphFacts(config, graph),
    };
    const { stop, bestEpoch } = outcome;
    if (stop) {
      writeStoppedModel(files, trained);
      const stands = earlierWork({ config, start: "cache" }, files, owner, () => {}).finished;
      const kept = stands
        ? ", and the run that finished earlier is kept: resuming takes that one"
        : stop.kept;
      const message = `stopped after ${stop.at}${kept}; best epoch so far: ${bestEpoch}`;
      throw new InterruptedError(message, { results: [result] });
    }
    const written = writeRun(files, result, trained);
    if (endProfile) keepProfile(endProfile(), config, files, observer);
    observer({ type: "finish", id, result: written, cached: false });
    return written;
  } finally {
    endProfile?.();
    run?.dispose();
  }
}

/** Returns the outcome of a training that was stopped after an epoch was done; else rethrows. */
function outcomeSoFar(error: unknown): TrainingOutcome {
  const outcome = error instanceof InterruptedError ? error.outcome : undefined;
  if (outcome && outcome.bestEpoch > 0) return outcome;
  throw error;
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

/** Returns the graph and the split in the order that the model sees. */
function inOrder({ graph, split, order }: TrialData): Pick<TrialData, "graph" | "split"> {
  if (!order) return { graph, split };
  const nodes = new NodeOrder(order);
  return { graph: nodes.graph(graph), split: nodes.split(split) };
}

/**
 * Returns the finished run, or else the checkpoint, that `start` allows.
 * @throws FormatError if all that exists is damaged or another engine's, unless that may be replaced
 */
export function earlierWork(
  { config, start }: Pick<Job, "config" | "start">,
  files: RunFiles,
  owner: CheckpointOwner,
  observer: Observer,
): { finished?: StoredRun; from?: TrainingState } {
  if (start === "anew") return {};
  const finished = orError(() => readRun(files, owner));
  if (finished && !(finished instanceof UserError)) return { finished };
  // Beside a finished run that cannot be used, a checkpoint is how far retraining has come.
  const from = orError(() => readCheckpoint(files.checkpoint, owner));
  const sound: { from?: TrainingState } = from && !(from instanceof UserError) ? { from } : {};
  const [error] = [finished, from].filter((found) => found instanceof UserError);
  if (error && start === "resume" && !sound.from) {
    throw new FormatError(`${error.message}; run without --resume to train it again`, {
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

/** Reads a teacher, or the run whose weights another starts from. */
function readNeeded(
  { engine, runsDir }: Pick<TrialResources, "engine" | "runsDir">,
  config: RunConfig,
  owner: CheckpointOwner,
): StoredRun {
  // With "auto", a wide teacher may have another engine than its narrow student.
  const flavour = engineFlavour(chooseEngine(engine, hiddenWidth(config.model)));
  const needed = readRun(runFiles(runsDir, config), { ...owner, config, flavour });
  if (!needed) throw new Error(`${describeRun(config)} was not trained first`);
  return needed;
}

/** Returns everything in a result that is measured on the trained model. */
function measured(
  model: Model,
  inputs: unknown,
  targets: SplitTargets,
  { graph, split }: Pick<TrialData, "graph" | "split">,
  outcome: TrainingOutcome,
  config: ModelConfig,
): Pick<
  RunResult,
  | "curve"
  | "bestEpoch"
  | "accuracy"
  | "metric"
  | "integers"
  | "nodeKinds"
  | "dead"
  | "students"
  | "together"
  | "interrupted"
  | "inspection"
  | "warnings"
> {
  const { curve, bestEpoch, inspection, interrupted } = outcome;
  const { metric } = taskOf(graph);
  const scored = ({ logits }: Outputs): Scored => scoredOutputs(logits, graph, targets);
  const { accuracy, dead, classes, peers, together } = withForward(
    model,
    inputs,
    "logits",
    (forward) => ({
      ...scored(forward),
      classes: predictedClasses(forward),
      peers: forward.peers?.map(scored),
      together: forward.peers && scored({ logits: meanLogits([forward, ...forward.peers]) }),
    }),
  );
  const kinds = nodeKinds(graph, split, classes);
  const first = model instanceof Students ? model.all[0] : model;
  const integers = integerScores(first, config, inputs, classes, (logits) => {
    return scoredOutputs(logits, graph, targets).accuracy;
  });
  const warnings = [...(inspection?.last.warnings ?? [])];
  if (interrupted)
    warnings.push(`stopped by the user after epoch ${curve.loss.length}: not finished`);
  if (dead) {
    const given = graph.labelSets ? "the same classes" : `class ${classes[0]}`;
    warnings.push(`dead: every ${itemName(graph)} is given ${given}; another seed may live`);
  }
  for (const set of ["train", "val", "test"] as const) {
    const left = split.unlabelled[set];
    if (left > 0)
      warnings.push(`${left} ${set} ${itemName(graph)}s have no label and were left out`);
  }
  return {
    curve,
    bestEpoch,
    accuracy,
    ...(metric !== "accuracy" && { metric }),
    ...(integers && { integers }),
    ...(kinds && { nodeKinds: kinds }),
    dead,
    ...(peers && { students: [{ accuracy, dead }, ...peers] }),
    ...(together && { together }),
    ...(interrupted && { interrupted: true }),
    ...(inspection && { inspection }),
    warnings,
  };
}

const meanLogits = (each: readonly Outputs[]): tf.Tensor2D =>
  tf.mul(tf.addN(each.map(({ logits }) => logits)), 1 / each.length);

function timing({ seconds, curve }: TrainingOutcome, threads: number): RunResult["timing"] {
  return { seconds, secondsPerEpoch: seconds / curve.loss.length, threads };
}

function countParameters(
  model: Model,
  distillation: Distillation | undefined,
  teacher: RunResult | undefined,
): RunResult["parameters"] {
  const own = parameterCount(model instanceof Students ? model.all[0]! : model);
  const method = (distillation?.parameters ?? []).reduce((sum, p) => sum + p.variable.size, 0);
  if (!teacher) return { model: own, method };
  const { model: large } = teacher.parameters;
  return { model: own, method, teacher: large, ratio: large / own };
}
