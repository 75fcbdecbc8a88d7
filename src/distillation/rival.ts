// What every rival method shares: a term added to the cross-entropy, optional soft labels, and the last
// hidden maps that it compares.
import type * as tf from "@tensorflow/tfjs";
import type { OptionTable } from "../base/options.ts";
import type { Method, TaughtScene, Teacher } from "./method.ts";
import { Objective, type Term, weightOptions, withSoftLabels } from "./objective.ts";

/** Options that every rival has in addition to its own. */
export type RivalOptions = {
  readonly beta: number;
  readonly hardWeight: number;
  /** Weight of the soft labels: publicly `softWeight`, but by this key in configurations. */
  readonly softLabels: number;
  readonly temperature: number;
};

/** What defines a rival: a method without the parts that all rivals share. */
interface RivalParts<Own extends object, Preset extends string>
  extends Omit<
    Method<RivalOptions & Own, Preset>,
    "needsTeacher" | "teacherParts" | "defaults" | "options" | "presets" | "create"
  > {
  /** What its own term reads of the teacher; soft labels add the logits. */
  readonly teacherParts?: Method<RivalOptions & Own>["teacherParts"];
  /** The method's own defaults: beta, its own options, and what differs from the common defaults. */
  readonly defaults: NoInfer<Own> & Pick<RivalOptions, "beta"> & Partial<RivalOptions>;
  /** The method's own options. */
  readonly options: OptionTable<Own>;
  readonly presets: Readonly<Record<Preset, Partial<RivalOptions & NoInfer<Own>>>>;
  term(scene: TaughtScene, options: RivalOptions & Own): Term;
}

/** Makes a method whose loss is hardWeight H(s_p, y) + beta term + softLabels T^2 KL. */
export function rival<Own extends object, Preset extends string>({
  defaults,
  options,
  term,
  teacherParts,
  ...parts
}: RivalParts<Own, Preset>): Method<RivalOptions & Own, Preset> {
  const { beta, hardWeight, softWeight, temperature } = weightOptions;
  const common: OptionTable<RivalOptions> = {
    beta,
    hardWeight,
    softLabels: softWeight,
    temperature,
  };
  return {
    ...parts,
    needsTeacher: true,
    ...(teacherParts && {
      teacherParts: (given) =>
        given.softLabels === 0 ? teacherParts(given) : [...teacherParts(given), "logits"],
    }),
    defaults: { hardWeight: 1, softLabels: 0, temperature: 4, ...defaults },
    options: { ...common, ...options } as OptionTable<RivalOptions & Own>,
    create(scene, given) {
      const weights = { ...given, softWeight: given.softLabels };
      return new Objective(
        given.hardWeight,
        ...withSoftLabels(term(scene, given), scene.teacher, weights),
      );
    },
  };
}

/**
 * Mixes soft labels with the method as chaitjo/efficient-gnns does: alpha = 0.9, T = 4. There the
 * divergence is also divided by the number of classes; here alpha means the same on every dataset.
 */
export const softMixture = { hardWeight: 0.1, softLabels: 0.9, temperature: 4 } as const;

export const KERNELS = ["cosine", "poly", "l2", "rbf"] as const;

/**
 * How similar two nodes are: `cosine` cos(x, y), `poly` its square, `l2` |x - y|, `rbf`
 * exp(-|x - y|^2 / 2). As in the reference, `l2` is the distance itself, not its negative.
 */
export type Kernel = (typeof KERNELS)[number];

/** Returns the teacher's last hidden map after its activation, n x width, which node-level rivals compare. */
export function hiddenOf(teacher: Teacher): tf.Tensor2D {
  return teacher.outputs("hidden").hidden!;
}
