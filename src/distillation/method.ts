// The shape that every distillation method shares.
import type * as tf from "@tensorflow/tfjs";
import type { GraphInputs, Parameter } from "../models/model.ts";
import type { Targets } from "../tensor/loss.ts";
import type { OptionTable } from "./options.ts";

/** What the frozen teacher offers: computed once, without dropout. */
export interface TeacherOutputs {
  /** T_l x n x d_t: the layer maps before activation (the paper's T). */
  readonly maps: tf.Tensor3D;
  /** n x classes. */
  readonly logits: tf.Tensor2D;
}

/** What the student gives at one training step, on the tape. */
export interface StudentOutputs {
  /** S_l x n x d_s (the paper's S). */
  readonly maps: tf.Tensor3D;
  /** n x classes. */
  readonly logits: tf.Tensor2D;
}

/** Facts about the student that a method needs to make its projections. */
export interface StudentShape {
  readonly layers: number;
  readonly width: number;
  readonly classes: number;
}

/** Of a teacher or a student. */
export type ModelSize = Pick<StudentShape, "layers" | "width">;

/** What a method may read beside the two models' outputs. */
export interface TrainingGraph extends GraphInputs {
  /** The labelled training nodes. */
  readonly train: Targets;
}

/** One distillation in progress: its own trained parameters and its loss. */
export interface Distillation {
  /** Projections and the like, trained beside the student; may be empty. */
  readonly parameters: readonly Parameter[];
  /** Learning rate of the parameters above, if not the student's. */
  readonly learningRate?: number;
  /** Whether the student's layer maps are needed. */
  readonly needsMaps: boolean;
  /**
   * The scalar to minimise, given the cross-entropy on labelled training nodes (scalar).
   * Everything that is added to, or put in place of, the cross-entropy is the method's own.
   * @param step of the training, from 0: what is drawn anew at each step depends on (seed, step)
   *   alone, so that a run that goes on from a checkpoint draws the same
   */
  loss(student: StudentOutputs, crossEntropy: tf.Scalar, step: number): tf.Scalar;
  /** Numbers and matrices worth logging (attention, dissimilarity, |u_t|); row-major. */
  inspect(student: StudentOutputs): Inspection;
  dispose(): void;
}

/** What a method shows of itself at the end of a run (and now and then in between). */
export interface Inspection {
  readonly scalars: Readonly<Record<string, number>>;
  readonly matrices: Readonly<Record<string, number[][]>>;
  /** Plain sentences that a report must repeat, such as a fall into the trivial optimum. */
  readonly warnings: readonly string[];
}

/** A method as the registry lists it. `Preset`: the names of its presets, which Tab then offers. */
export interface Method<Options extends object, Preset extends string = string> {
  readonly name: string;
  /** One line for `abkd methods`. */
  readonly summary: string;
  /** Bumped when the same options no longer give the same loss. */
  readonly version: number;
  /** Whether `create` needs a teacher's outputs. */
  readonly needsTeacher: boolean;
  readonly defaults: Options;
  /** Every option's legal values, meaning and symbol in the paper. */
  readonly options: OptionTable<Options>;
  /**
   * Looks at options that are legal one by one and contradict each other; before anything is trained.
   * @throws {OptionError} naming them and what is legal
   */
  check?(options: Options): void;
  /**
   * How many numbers of its own it holds at the least, where that depends on its options: what cannot
   * fit the memory is refused before anything is trained.
   */
  weights?(options: Options, teacher: ModelSize, student: ModelSize): number;
  /** Named settings, each to be laid over the defaults. */
  readonly presets: Readonly<Record<Preset, Partial<Options>>>;
  /**
   * @param teacher undefined only where `needsTeacher` is false; not disposed of by the method
   * @param graph what the models read, for methods that compare along arcs, and the training labels,
   *   for those that train classifiers of their own; not disposed of either
   * @param seed of everything the method draws; the same seed gives the same bits
   * @throws {OptionError} for a value that makes no sense
   */
  create(
    teacher: TeacherOutputs | undefined,
    student: StudentShape,
    graph: TrainingGraph,
    options: Options,
    seed: number,
  ): Distillation;
}
