// The shape that every distillation method shares.
import type * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import type { GraphInputs, Outline, Outputs, Parameter, Reads } from "../models/model.ts";
import type { TaskTargets } from "../tasks/task.ts";
import type { Targets } from "../tensor/ops/loss.ts";

/** The frozen teacher, of any family. */
export interface Teacher {
  readonly outline: Outline;
  /**
   * A pass without dropout over the whole graph, made when it is asked for; its tensors are the caller's, who
   * keeps what a method needs and lets a tidy free the rest.
   * @param nodes of these alone, in this order: rows of a pass that is made once; without layers
   */
  outputs(reads: Reads, nodes?: Int32Array): Outputs;
}

/** What a step learns from. */
export interface NodeBatch {
  /** The nodes that the outputs' rows are of; absent: all nodes in their order. */
  readonly nodes?: Int32Array;
  /** `train`: the labelled training nodes, by their rows. */
  readonly targets: { readonly train: TaskTargets };
}

/** What a method is started with. */
export interface Scene {
  /** Absent where the method needs none. */
  readonly teacher?: Teacher;
  /** What methods that compare along arcs read; not disposed of by the method. */
  readonly graph: GraphInputs;
  readonly student: Outline;
  /** The labelled training items. */
  readonly train: TaskTargets;
  /** Of everything the method draws; the same seed gives the same bits. */
  readonly seed: number;
}

/** A scene with a teacher, and one class for each item: for methods that train classifiers of their own. */
export interface TaughtScene extends Scene {
  readonly teacher: Teacher;
  readonly train: Targets;
}

/** One distillation in progress: its own trained parameters and its loss. */
export interface Distillation {
  /** Projections and the like, trained beside the student; may be empty. */
  readonly parameters: readonly Parameter[];
  /** Learning rate of the parameters above, if not the student's. */
  readonly learningRate?: number;
  /** How much of the student's pass is read. */
  readonly reads: Reads;
  /**
   * The scalar to minimise, given the cross-entropy on labelled training nodes (scalar).
   * Everything that is added to, or put in place of, the cross-entropy is the method's own.
   * @param step of the training, from 0: what is drawn anew at each step depends on (seed, step)
   *   alone, so that a run that goes on from a checkpoint draws the same
   * @param batch absent: the whole graph
   */
  loss(student: Outputs, crossEntropy: tf.Scalar, step: number, batch?: NodeBatch): tf.Scalar;
  /** Of the whole graph's outputs: numbers and matrices worth logging (attention, dissimilarity, |u_t|); row-major. */
  inspect(student: Outputs): Inspection;
  dispose(): void;
}

/** What a method shows of itself at the end of a run (and now and then in between). */
export interface Inspection {
  readonly scalars: Readonly<Record<string, number>>;
  readonly matrices: Readonly<Record<string, number[][]>>;
  /** Plain sentences that a report must repeat, such as a fall into the trivial optimum. */
  readonly warnings: readonly string[];
}

/** How many numbers a method holds at the least. */
export interface Held {
  /** While it starts, the teacher's maps among them; the student takes no step by then. */
  readonly start: number;
  /** In each step, beside what the student holds. */
  readonly step: number;
}

/** How figures draw a method: hue and marker both tell it apart. */
export interface Look {
  /** `#rrggbb`. */
  readonly colour: string;
  readonly symbol: "circle" | "square" | "diamond" | "triangle-up" | "cross" | "star";
}

/**
 * What methods are to each other, in the order in which they are listed: the student alone, what any method has to
 * beat, what others have published, what the comparison is about.
 */
export const ROLES = ["baseline", "control", "rival", "method"] as const;

/** What a method says of itself to listings, tables, reports and figures. */
interface Introduced<Options> {
  /** As people write it: "G-CRD". Absent: its name. */
  readonly label?: string;
  /** Absent: a rival. */
  readonly role?: (typeof ROLES)[number];
  /** Where it stands among those of its role, from 1 to 98: the order of the paper's tables. Absent: behind these. */
  readonly place?: number;
  /** Absent: one of several looks in turn. */
  readonly look?: Look;
  /** Where the paper leaves much open: what ran, in a few words, and in what it differs from the paper. */
  form?(options: Partial<Options>): {
    readonly short: string;
    readonly differences: readonly string[];
  };
}

/** A method as the registry lists it. `Preset`: the names of its presets, which Tab then offers. */
export interface Method<Options extends object, Preset extends string = string>
  extends Introduced<Options> {
  readonly name: string;
  /** One line for `abkd methods`. */
  readonly summary: string;
  /** Bumped when the same options no longer give the same loss. */
  readonly version: number;
  /** Whether it learns from a teacher. */
  readonly needsTeacher: boolean;
  /** Whether items may have sets of classes. Absent: it takes logits for one distribution over them. */
  readonly labelSets?: true;
  /**
   * Whether its loss is right for some nodes alone too. Absent: each step needs the whole graph, because arcs
   * are read, or all nodes are compared.
   */
  readonly byBatch?: true;
  readonly defaults: Options;
  /** Every option's legal values, meaning and symbol in the paper. */
  readonly options: OptionTable<Options>;
  /** How many students a run trains, which find each other in `Outputs.peers`. Absent: one. */
  students?(options: Options): number;
  /**
   * Looks at options that are legal one by one and contradict each other; before anything is trained.
   * @throws {OptionError} naming them and what is legal
   */
  check?(options: Options): void;
  /** Where that is much: what cannot fit the memory is refused before anything is trained. */
  holds?(options: Options, teacher: Outline, student: Outline, nodes: number): Held;
  /** Named settings, each to be laid over the defaults. */
  readonly presets: Readonly<Record<Preset, Partial<Options>>>;
  /**
   * Called by createDistillation(), which has looked at the options, and for the teacher where
   * `needsTeacher` says so.
   */
  create(scene: TaughtScene, options: Options): Distillation;
}
