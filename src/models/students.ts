// Several students of one run as one model: they take their steps together, and learn from each other.
import type { Model, Outputs, Parameter, Pass } from "./model.ts";

/** Sets the students' dropout apart: each draws from a stream of its own. */
const SEED_STEP = 0x9e3779b9;

/** What stands before the name of a parameter of student k, from 1; the first's are the model's own. */
export function studentPrefix(student: number): string {
  return student === 1 ? "" : `student.${student}/`;
}

/**
 * The first student, or the one whose turn it is, beside which the others learn. `Outputs.peers` are the others'
 * outputs of the same pass. No parameter is shared, so one step of an optimiser on a sum of their losses is one
 * step of each.
 */
export class Students<I> implements Model<I> {
  readonly all: readonly Model<I>[];
  readonly outline: Model<I>["outline"];
  readonly parameters: readonly Parameter[];
  readonly buffers: readonly Parameter[];
  /** The parameters and buffers of each student, by the names that they have in the whole. */
  readonly parts: readonly {
    readonly parameters: readonly Parameter[];
    readonly buffers: readonly Parameter[];
  }[];

  /** @param all two or more models of one configuration, which this one disposes of */
  constructor(all: readonly Model<I>[]) {
    this.all = all;
    this.outline = all[0]!.outline;
    const named = (of: readonly Parameter[], k: number): Parameter[] =>
      of.map(({ name, variable }) => ({ name: studentPrefix(k + 1) + name, variable }));
    this.parts = all.map(({ parameters, buffers = [] }, k) => ({
      parameters: named(parameters, k),
      buffers: named(buffers, k),
    }));
    this.parameters = this.parts.flatMap(({ parameters }) => parameters);
    this.buffers = this.parts.flatMap(({ buffers }) => buffers);
  }

  forward(inputs: I, pass: Pass = {}): Outputs {
    const { dropout, turn = 0 } = pass;
    const each = this.all.map((model, k) => {
      if (k === 0 || !dropout) return model.forward(inputs, pass);
      const seed = (dropout.seed % 2 ** 32) + k * SEED_STEP;
      return model.forward(inputs, { ...pass, dropout: { ...dropout, seed } });
    });
    const moved = new Map(
      each.flatMap((outputs, k) =>
        [...(outputs.moved ?? [])].map(([name, values]) => [studentPrefix(k + 1) + name, values]),
      ),
    ) as Map<string, Float32Array>;
    // The student's outputs by reference: some are computed where they are read.
    return Object.create(each[turn]!, {
      peers: { value: each.filter((_, k) => k !== turn), enumerable: true },
      ...(moved.size > 0 && { moved: { value: moved, enumerable: true } }),
    }) as Outputs;
  }

  dispose(): void {
    for (const model of this.all) model.dispose();
  }
}
