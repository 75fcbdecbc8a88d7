// The trained teacher, and what a method compares the student with.
import * as tf from "@tensorflow/tfjs";
import type { GraphForms } from "../models/graph-forms.ts";
import type { Layers, Model, Outline, Outputs, Reads } from "../models/model.ts";
import { findModel } from "../models/registry.ts";
import { takeRows } from "../tensor/ops/rows.ts";
import type { Teacher } from "./method.ts";

/** A trained model that learns no more. */
export class FrozenTeacher implements Teacher {
  readonly #model: Model;
  readonly #inputs: unknown;
  /** The outputs whose rows batches take; made for the first batch that reads them. */
  #kept: { readonly logits: tf.Tensor2D; readonly hidden: tf.Tensor2D } | undefined;
  #maps: readonly tf.Tensor2D[] | undefined;
  /** Maps after their activation, by layer; made as those before are. */
  readonly #activated = new Map<number, tf.Tensor2D>();

  /** @param model the caller disposes of it */
  constructor(model: Model, forms: GraphForms) {
    this.#model = model;
    this.#inputs = findModel(model.outline.kind).prepare(forms);
  }

  get outline(): Outline {
    return this.#model.outline;
  }

  outputs(reads: Reads, nodes?: Int32Array): Outputs {
    if (!nodes) return this.#model.forward(this.#inputs, { reads });
    this.#kept ??= this.#pass("hidden", ({ logits, hidden }) => ({
      logits: tf.keep(logits),
      hidden: tf.keep(hidden!),
    }));
    const { logits, hidden } = this.#kept;
    return {
      logits: takeRows(logits, nodes),
      ...(reads !== "logits" && { hidden: takeRows(hidden, nodes) }),
      ...(reads === "layers" && { layers: this.#layers(nodes) }),
    };
  }

  dispose(): void {
    const { logits, hidden } = this.#kept ?? {};
    for (const kept of [logits, hidden, ...(this.#maps ?? []), ...this.#activated.values()]) {
      kept?.dispose();
    }
  }

  #layers(nodes: Int32Array): Layers {
    const { widths } = this.outline;
    const map = (i: number): tf.Tensor2D => {
      this.#maps ??= this.#pass("layers", ({ layers }) =>
        widths.map((_, k) => tf.keep(layers!.at(k))),
      );
      return this.#maps[i]!;
    };
    const activated = (i: number): tf.Tensor2D => {
      const found =
        this.#activated.get(i) ??
        this.#pass("layers", ({ layers }) => tf.keep(layers!.activated(i)));
      this.#activated.set(i, found);
      return found;
    };
    return {
      widths,
      at: (i) => takeRows(map(i), nodes),
      activated: (i) => takeRows(activated(i), nodes),
    };
  }

  /** Runs a pass, of which only what is kept stays; no gradient needs it, although a step may. */
  #pass<T extends object>(reads: Reads, keep: (outputs: Outputs) => T): T {
    const { state } = tf.engine();
    // tf records nothing inside an operator.
    state.kernelDepth++;
    tf.engine().startScope("a teacher's pass");
    try {
      return keep(this.#model.forward(this.#inputs, { reads }));
    } finally {
      tf.engine().endScope();
      state.kernelDepth--;
    }
  }
}

/** The teacher's side of a comparison: made once for the whole graph, and on request for a batch's nodes. */
export class TeacherSide<T extends tf.TensorContainer> {
  readonly #teacher: Teacher;
  readonly #reads: Reads;
  readonly #make: (outputs: Outputs) => T;
  readonly #whole: T;

  constructor(teacher: Teacher, reads: Reads, make: (outputs: Outputs) => T) {
    this.#teacher = teacher;
    this.#reads = reads;
    this.#make = make;
    this.#whole = tf.tidy(() => make(teacher.outputs(reads)));
  }

  /** @param nodes if absent, all nodes */
  of(nodes?: Int32Array): T {
    return nodes ? this.#make(this.#teacher.outputs(this.#reads, nodes)) : this.#whole;
  }

  dispose(): void {
    tf.dispose(this.#whole);
  }
}
