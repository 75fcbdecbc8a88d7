// The interface of every distillation method.
import type * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import type { GraphInputs, Outline, Outputs, Parameter, Reads } from "../models/model.ts";
import type { TaskTargets } from "../tasks/task.ts";
import type { Targets } from "../tensor/ops/loss.ts";

/** The frozen teacher, a model of any kind. */
export interface Teacher {
  readonly outline: Outline;
  /**
   * Runs a pass without dropout over the whole graph. The caller owns its tensors, keeps what a method needs
   * and lets a tidy free the rest.
   * @param nodes if given, returns only their rows, in this order, of a pass that runs once
   */
  outputs(reads: Reads, nodes?: Int32Array): Outputs;
}

/** What a step learns from. */
export interface NodeBatch {
  /** The node of each row of the outputs; if absent, all nodes in order. */
  readonly nodes?: Int32Array;
  /** `train`: the labelled training nodes, numbered by the outputs' rows. */
  readonly targets: { readonly train: TaskTargets };
  /** Of walks: the arcs between the batch's nodes as a graph of its own, numbered by the outputs' rows. */
  readonly graph?: GraphInputs;
}

/** What a method is given when it starts. */
export interface Scene {
  /** Absent if the method needs none. */
  readonly teacher?: Teacher;
  /** Methods that compare along arcs read it, and do not dispose of it. */
  readonly graph: GraphInputs;
  readonly student: Outline;
  /** The labelled training items. */
  readonly train: TaskTargets;
  /** Seed of everything that the method draws; the same seed gives the same bits. */
  readonly seed: number;
}

/** A scene with a teacher and one class per item, for methods that train classifiers of their own. */
export interface TaughtScene extends Scene {
  readonly teacher: Teacher;
  readonly train: Targets;
}

/** A distillation in progress: its own trained parameters and its loss. */
export interface Distillation {
  /** Projections and the like, trained with the student; may be empty. */
  readonly parameters: readonly Parameter[];
  /** Learning rate of these parameters; by default the student's. */
  readonly learningRate?: number;
  /** How much of the student's pass the loss reads. */
  readonly reads: Reads;
  /**
   * Returns the scalar to minimise, given the cross-entropy on labelled training nodes (a scalar), to which
   * the method adds terms, or which it replaces.
   * @param step the training step, from 0: random draws depend on (seed, step) alone, so that a run
   *   that goes on from a checkpoint draws the same
   * @param batch if absent, the whole graph
   */
  loss(student: Outputs, crossEntropy: tf.Scalar, step: number, batch?: NodeBatch): tf.Scalar;
  /** Returns what is worth logging about the whole graph's outputs, such as attention; matrices are row-major. */
  inspect(student: Outputs): Inspection;
  dispose(): void;
}

/** What a method reports about itself at the start and the end of a run. */
export interface Inspection {
  readonly scalars: Readonly<Record<string, number>>;
  readonly matrices: Readonly<Record<string, number[][]>>;
  /** Sentences that a report must repeat, e.g. that the run fell into the trivial optimum. */
  readonly warnings: readonly string[];
}

/** The fewest numbers that a method holds at a time. */
export interface Held {
  /** Its trained weights, which steps hold with their gradients and the optimiser's moments. */
  readonly trained: number;
  /** While it starts, including the teacher's maps; the student has taken no step yet. */
  readonly start: number;
  /** In each step, apart from what the student holds. */
  readonly step: number;
}

/** How figures draw a method: both its colour and its marker tell it apart. */
export interface Look {
  /** `#rrggbb`. */
  readonly colour: string;
  readonly symbol: "circle" | "square" | "diamond" | "triangle-up" | "cross" | "star";
}

/**
 * The roles of methods in a comparison, in the order of listings: the student alone, what any method has to beat,
 * what others have published, what is no part of it, and what the comparison is about.
 */
export const ROLES = ["baseline", "control", "rival", "apart", "method"] as const;

/** How a method appears in listings, tables, reports and figures. */
interface Introduced<Options> {
  /** The name as people write it, e.g. "G-CRD"; by default `name`. */
  readonly label?: string;
  /** By default "rival". */
  readonly role?: (typeof ROLES)[number];
  /** Its place among those of its role, from 1 to 98, as in the paper's tables; by default after these. */
  readonly place?: number;
  /** By default one of several looks in turn. */
  readonly look?: Look;
  /** For a paper that leaves much open: says briefly what ran, and how it differs from the paper. */
  form?(options: Partial<Options>): {
    readonly short: string;
    readonly differences: readonly string[];
  };
}

/** A method as the registry lists it. `Preset`: the names of its presets, for completion. */
export interface Method<Options extends object, Preset extends string = string>
  extends Introduced<Options> {
  readonly name: string;
  /** One line for `abkd methods`. */
  readonly summary: string;
  /** Where it was published: authors, title, venue and year. */
  readonly source?: string;
  /** Bumped when the same options no longer give the same loss. */
  readonly version: number;
  /** Whether it learns from a teacher. */
  readonly needsTeacher: boolean;
  /**
   * What it reads of its teacher with these options. If absent, a teacher whose outputs lack it is found out only
   * when the run starts.
   */
  teacherParts?(options: Options): readonly Reads[];
  /** Whether items may have sets of classes. If absent, it reads logits as one distribution over the classes. */
  readonly labelSets?: true;
  /**
   * Whether its loss is also right for a batch: the loss of a graph that has only the batch's nodes and the arcs
   * between them. "arcs": it reads these arcs, so that only batches with a `graph` will do. If absent, each step
   * needs the whole graph.
   */
  readonly byBatch?: true | "arcs";
  readonly defaults: Options;
  /** Every option's legal values, meaning and symbol in the paper. */
  readonly options: OptionTable<Options>;
  /** How many students a run trains, which see each other in `Outputs.peers`; by default one. */
  students?(options: Options): number;
  /**
   * Whether several students take turns: an epoch is then a step of each, one after the other, and `loss` is that
   * of the student whose turn it is, with the others' outputs at that time. If absent, one step moves all of them,
   * and `loss` is given the first student and adds the others' losses itself. Each learns from every batch.
   */
  readonly turns?: true;
  /**
   * Refuses options that are legal one by one but contradict each other, before anything is trained.
   * @throws {OptionError} naming them and what is legal
   */
  check?(options: Options): void;
  /**
   * Refuses a student that it cannot train, such as one with too few layers, before anything is trained.
   * @throws {OptionError} saying what the student lacks and what to do
   */
  checkStudent?(student: Outline, options: Options): void;
  /**
   * Given if an option makes that much: a run that cannot fit the memory is refused before anything is trained.
   * @param nodes those of a step
   */
  holds?(options: Options, teacher: Outline, student: Outline, nodes: number): Held;
  /** Named settings, each applied over the defaults. */
  readonly presets: Readonly<Record<Preset, Partial<Options>>>;
  /**
   * Called by createDistillation(), which has checked the options, and the teacher if `needsTeacher` is
   * set.
   */
  create(scene: TaughtScene, options: Options): Distillation;
}
