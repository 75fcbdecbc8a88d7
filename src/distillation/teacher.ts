// The trained teacher, and what a method compares the student with.
import * as tf from "@tensorflow/tfjs";
import type { GraphForms } from "../models/graph-forms.ts";
import type { Model, Outline, Outputs, Reads } from "../models/model.ts";
import { findModel } from "../models/registry.ts";
import { takeRows } from "../tensor/ops/rows.ts";
import type { Teacher } from "./method.ts";

/** A trained model that learns no more. */
export class FrozenTeacher implements Teacher {
  readonly #model: Model;
  readonly #inputs: unknown;
  /** The outputs whose rows batches take; made for the first batch. */
  #kept: { readonly logits: tf.Tensor2D; readonly hidden: tf.Tensor2D } | undefined;

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
    this.#kept ??= this.#keep();
    const { logits, hidden } = this.#kept;
    return {
      logits: takeRows(logits, nodes),
      ...(reads !== "logits" && { hidden: takeRows(hidden, nodes) }),
    };
  }

  dispose(): void {
    if (this.#kept) tf.dispose([this.#kept.logits, this.#kept.hidden]);
  }

  #keep() {
    return tf.tidy(() => {
      const { logits, hidden } = this.#model.forward(this.#inputs, { reads: "hidden" });
      return { logits: tf.keep(logits), hidden: tf.keep(hidden!) };
    });
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
