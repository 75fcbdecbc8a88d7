// A run: everything that decides its outcome, and everything that came out of it.
import type { Inspection } from "../distillation/method.ts";
import type { PrecisionConfig } from "../models/precision/precision.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { IntegerScores } from "./integer-scores.ts";
import type { NodeKinds } from "./node-kinds.ts";

export interface TrainingConfig {
  /** The most epochs; with 0 the model keeps its initial weights. */
  readonly epochs: number;
  /** Stop after this many epochs without a better one; `keep` says what is better. */
  readonly patience: number;
  readonly learningRate: number;
  /** On the model's parameters (not on a method's projections): L2, or decoupled with AdamW. */
  readonly weightDecay: number;
  /** By default Adam. */
  readonly optimiser?: OptimiserConfig;
  /** Number of warm-up epochs, 2 or more; in epoch e every learning rate is scaled by e / warmUp. */
  readonly warmUp?: number;
  /** How learning rates fall, counted from the first epoch, even with a warm-up. By default they stay. */
  readonly schedule?: ScheduleConfig;
  /** Scales gradients down to this norm if their common norm (over all that is trained) exceeds it. */
  readonly clip?: number;
  /**
   * Which epoch's parameters are kept, and what the patience waits for: the first epoch with the highest
   * validation accuracy, or the latest. By default it is the first with the lowest validation loss.
   */
  readonly keep?: "accuracy" | "latest-accuracy";
  /**
   * The most nodes per step, each node once per epoch, for models that read each node by itself, such as the
   * MLP. By default the whole graph, one step per epoch. With `sampler`, the nodes whose neighbours are drawn, or
   * the roots of walks.
   */
  readonly batch?: number;
  /** Weights and activations of few bits, in training and ever after. By default they are float32. */
  readonly precision?: PrecisionConfig;
  /** How each step's part of the graph is drawn, for models that read parts of it. By default it is not. */
  readonly sampler?: SamplerConfig;
}

/**
 * `neighbours`: `fanOut` neighbours of each of the batch's nodes ("15,10": 15, and 10 of each node so far), for as many
 * layers; an epoch has each training node once, and with a method every node. `walks`: the
 * arcs between the nodes that random walks meet; an epoch is `steps` of these.
 */
export type SamplerConfig =
  | { readonly name: "neighbours"; readonly fanOut: string }
  | { readonly name: "walks"; readonly length: number; readonly steps: number };

/** Optimisers as in torch.optim; `momentum` is above 0 and below 1, by default none. */
export type OptimiserConfig =
  | { readonly name: "adamw" | "rmsprop" }
  | { readonly name: "sgd"; readonly momentum?: number };

/** `step`: times `factor` after every `every` epochs. `linear`: to 0 after the last epoch. */
export type ScheduleConfig =
  | { readonly name: "step"; readonly every: number; readonly factor: number }
  | { readonly name: "linear" };

/**
 * The whole configuration: two runs with equal configurations end with the same bits. `M`: the
 * model's, if its kind is known.
 */
export interface RunConfig<M extends ModelConfig = ModelConfig> {
  readonly dataset: string;
  readonly split: string;
  readonly seed: number;
  /**
   * Orders nodes by their communities (src/graph/order.ts) while the model is trained, which is faster
   * on large graphs. Dropout's draws follow the order, so the bits differ. By default nodes are as the
   * dataset numbers them; in files and predictions they always are.
   */
  readonly order?: "locality";
  /** The columns of the graph's features that the model reads, ascending, from 0; by default all. */
  readonly features?: readonly number[];
  /** The model's kind and that kind's options. */
  readonly model: M;
  readonly training: TrainingConfig;
  /** Absent for a teacher or a model trained alone by `abkd train`. */
  readonly method?: {
    readonly name: string;
    readonly version: number;
    readonly options: Readonly<Record<string, unknown>>;
  };
  /** The run whose maps and logits are distilled; absent if the method has no teacher. */
  readonly teacher?: RunConfig;
  /** In place of `teacher`: what is known of a teacher that was not trained here. */
  readonly teacherOutputs?: TeacherOutputsConfig;
  /** Starts a one-layer network from another run's weights (table 4); by default the start is random. */
  readonly initial?: InitialWeights;
}

/** A teacher that was not trained here, by its outputs: never by a path, since files move. */
export interface TeacherOutputsConfig {
  /** Of its outputs, 16 hex digits; of several teachers, whose logits' mean teaches, ascending. */
  readonly fingerprints: readonly string[];
  /** Columns of the logits; absent without logits. */
  readonly classes?: number;
  /** Width of the last hidden map; absent without maps. */
  readonly hidden?: number;
  /** The width of each layer's map, from first to last. */
  readonly widths: readonly number[];
  /** Whether the last of them is the logits, as in a GCN. */
  readonly endsInLogits?: true;
}

/** Where a one-layer network's weights are copied from: both linear layers and one convolution. */
export interface InitialWeights {
  /** A run of the same width on the same data; trained first. */
  readonly from: RunConfig;
  /** Which convolution, counted from 0; `attended`: the one that most teacher layers attend to most. */
  readonly layer: number | "attended";
}

/** What is written to disk, one JSON per run. Accuracies are fractions, 0 to 1. */
export interface RunResult {
  readonly format: "abkd-run/1";
  /** First 16 hex digits of the sha256 of the configuration's canonical JSON. */
  readonly id: string;
  readonly config: RunConfig;
  readonly engine: { readonly name: string; readonly flavour: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly data: {
    readonly nodes: number;
    readonly arcs: number;
    readonly features: number;
    readonly classes: number;
    readonly train: number;
    readonly val: number;
    readonly test: number;
    /** Fingerprint of the graph and the split, see inputs.ts; older results have none. */
    readonly fingerprint?: string;
    /** What was decided when a graph of one's own was imported. */
    readonly decided?: readonly string[];
  };
  /** ratio = teacher / student. */
  readonly parameters: {
    readonly model: number;
    readonly method: number;
    readonly teacher?: number;
    readonly ratio?: number;
  };
  /** One entry per epoch. */
  readonly curve: {
    readonly loss: readonly number[];
    readonly trainAccuracy: readonly number[];
    readonly valLoss: readonly number[];
    readonly valAccuracy: readonly number[];
  };
  readonly bestEpoch: number;
  /** What `accuracy` and the curve hold in its place; by default the accuracy. */
  readonly metric?: "micro-F1";
  /** Measured with the best epoch's parameters. */
  readonly accuracy: { readonly train: number; readonly val: number; readonly test: number };
  /** If outputs teach (`config.teacherOutputs`) and have logits: the teacher's own. */
  readonly teacherAccuracy?: RunResult["accuracy"];
  /** With a precision, where inference in integers is there: what that gives, beside its simulation. */
  readonly integers?: IntegerScores<RunResult["accuracy"]>;
  /** If some nodes have no class (NELL): accuracies that count them too. */
  readonly nodeKinds?: NodeKinds;
  /** The model predicts one class for every node: its ReLU units died. */
  readonly dead: boolean;
  /**
   * If a method trains several students: each, the first too, at the first's best epoch. The parts of the
   * result above are the first's.
   */
  readonly students?: readonly Pick<RunResult, "accuracy" | "dead">[];
  /** Beside `students`: what the mean of their logits gives. */
  readonly together?: Pick<RunResult, "accuracy" | "dead">;
  /**
   * The user stopped the run: the result is that of the best epoch so far. Only runTrials() returns it, in
   * memory; such a run has no result on disk, and no study counts it.
   */
  readonly interrupted?: true;
  readonly inspection?: { readonly first: Inspection; readonly last: Inspection };
  readonly warnings: readonly string[];
  /**
   * Hash of the bytes of model.safetensors, 64 hex digits, so that no other model is taken for this result's.
   * Older results and interrupted ones have none.
   */
  readonly modelSha256?: string;
  /** Seconds, and the threads at the end, one if absent (older files). Differs each time, so never compared. */
  readonly timing: {
    readonly seconds: number;
    readonly secondsPerEpoch: number;
    readonly threads?: number;
  };
}
