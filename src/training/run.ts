// A run: everything that decides its outcome, and everything that came out of it.
import type { Inspection } from "../distillation/method.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { NodeKinds } from "./node-kinds.ts";

export interface TrainingConfig {
  /** At most this many; with 0 the model stays as it starts. */
  readonly epochs: number;
  /** Stop after this many epochs without a better one, as `keep` says which is better. */
  readonly patience: number;
  readonly learningRate: number;
  /** On the model's parameters (not on a method's projections): L2, or decoupled with AdamW. */
  readonly weightDecay: number;
  /** Absent: Adam. */
  readonly optimiser?: OptimiserConfig;
  /** Number of warm-up epochs, 2 or more; in epoch e every learning rate is scaled by e / warmUp. */
  readonly warmUp?: number;
  /** How learning rates fall, counted from the first epoch, warm-up or not. Absent: they stay. */
  readonly schedule?: ScheduleConfig;
  /** Gradients whose common norm (over all that is trained) is above this are scaled down to it. */
  readonly clip?: number;
  /**
   * Which epoch's parameters are kept, and what the patience waits for: the first with the highest
   * validation accuracy. Absent: the first with the lowest validation loss.
   */
  readonly keep?: "accuracy";
  /**
   * At most this many nodes per step, all nodes once an epoch: for models to which a node is what it is by
   * itself, such as the MLP. Absent: the whole graph, one step per epoch.
   */
  readonly batch?: number;
}

/** As torch.optim has them; `momentum` is above 0 and below 1, absent: none. */
export type OptimiserConfig =
  | { readonly name: "adamw" | "rmsprop" }
  | { readonly name: "sgd"; readonly momentum?: number };

/** `step`: times `factor` after every so many epochs. `linear`: to 0 after the last epoch. */
export type ScheduleConfig =
  | { readonly name: "step"; readonly every: number; readonly factor: number }
  | { readonly name: "linear" };

/**
 * The whole configuration: two runs with equal configurations end with the same bits. `M`: its
 * model's, where the kind is known.
 */
export interface RunConfig<M extends ModelConfig = ModelConfig> {
  readonly dataset: string;
  readonly split: string;
  readonly seed: number;
  /**
   * Nodes in the order of their communities (src/graph/order.ts) while the model is trained: faster
   * on large graphs. Dropout's draws follow the order, so the bits differ. Absent: as the dataset
   * numbers them. Files and predictions always are as the dataset numbers them.
   */
  readonly order?: "locality";
  /** Its kind and that kind's options. */
  readonly model: M;
  readonly training: TrainingConfig;
  /** Absent for a teacher or a model trained alone by `abkd train`. */
  readonly method?: {
    readonly name: string;
    readonly version: number;
    readonly options: Readonly<Record<string, unknown>>;
  };
  /** Whose maps and logits are distilled; absent where the method has no teacher. */
  readonly teacher?: RunConfig;
  /** A one-layer network that starts from another run's weights (table 4); else a random start. */
  readonly initial?: InitialWeights;
}

/** Where a one-layer network's weights are copied from: both linear layers and one convolution. */
export interface InitialWeights {
  /** A run of the same width on the same data; trained first. */
  readonly from: RunConfig;
  /** Which convolution, counted from 0; `attended`: that which most teacher layers attend to most. */
  readonly layer: number | "attended";
}

/** What is written to disk, one JSON a run. Accuracies are fractions, 0 to 1. */
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
    /** Of the graph and the split, as inputs.ts makes it; results from before it have none. */
    readonly fingerprint?: string;
  };
  /** ratio = teacher / student. */
  readonly parameters: {
    readonly model: number;
    readonly method: number;
    readonly teacher?: number;
    readonly ratio?: number;
  };
  /** One entry an epoch. */
  readonly curve: {
    readonly loss: readonly number[];
    readonly trainAccuracy: readonly number[];
    readonly valLoss: readonly number[];
    readonly valAccuracy: readonly number[];
  };
  readonly bestEpoch: number;
  /** What `accuracy` and the curve hold in its place. Absent: the accuracy. */
  readonly metric?: "micro-F1";
  /** At the best epoch's parameters. */
  readonly accuracy: { readonly train: number; readonly val: number; readonly test: number };
  /** Where some nodes have no class (NELL), with those counted in. */
  readonly nodeKinds?: NodeKinds;
  /** The model predicts one class for every node: its ReLU units died. */
  readonly dead: boolean;
  /**
   * Where a method trains several students: each, the first too, at the epoch that is the first's best.
   * The parts of the result above are the first's.
   */
  readonly students?: readonly Pick<RunResult, "accuracy" | "dead">[];
  /**
   * Its user stopped it: all of this is that of the best epoch so far. Handed over in memory by
   * runTrials() alone; such a run has no result on disk, and no study counts it.
   */
  readonly interrupted?: true;
  readonly inspection?: { readonly first: Inspection; readonly last: Inspection };
  readonly warnings: readonly string[];
  /**
   * Of the bytes of model.safetensors, 64 hex digits, so that no other model is taken for this result's.
   * Results from before it, and interrupted ones, have none.
   */
  readonly modelSha256?: string;
  /** Never compared: differs from run to run. Seconds; threads at the end, absent are one (older files). */
  readonly timing: {
    readonly seconds: number;
    readonly secondsPerEpoch: number;
    readonly threads?: number;
  };
}
