// An optimiser for students that take turns: each has its own, which steps when it is that student's turn.
import { OptionError } from "../base/errors.ts";
import { Students } from "../models/students.ts";
import type { Optimiser, OptimiserState } from "../tensor/index.ts";
import type { TrainingTask } from "./train.ts";

/** What a step needs of an optimiser. */
export type Stepper = Pick<Optimiser, "variables" | "step" | "state" | "restore" | "dispose"> & {
  /** The student whose turn the next step is, from 0; absent if all parameters move at once. */
  readonly turn?: number;
};

/** Step s, from 0, is that of student s modulo their number. */
export class TurnOptimiser implements Stepper {
  readonly #each: readonly Optimiser[];
  #steps = 0;

  /** @param each the students' optimisers, of one kind; two or more */
  constructor(each: readonly Optimiser[]) {
    this.#each = each;
  }

  get turn(): number {
    return this.#steps % this.#each.length;
  }

  get variables(): Optimiser["variables"] {
    return this.#current.variables;
  }

  step(...args: Parameters<Optimiser["step"]>): void {
    this.#current.step(...args);
    this.#steps++;
  }

  state(): OptimiserState {
    const states = this.#each.map((optimiser) => optimiser.state());
    const moments = Object.assign({}, ...states.map((state) => state.moments));
    return { name: states[0]!.name, step: this.#steps, moments };
  }

  restore(state: OptimiserState): void {
    const count = this.#each.length;
    for (const [k, optimiser] of this.#each.entries()) {
      optimiser.restore({ ...state, step: Math.ceil(Math.max(0, state.step - k) / count) });
    }
    this.#steps = state.step;
  }

  dispose(): void {
    for (const optimiser of this.#each) optimiser.dispose();
  }

  get #current(): Optimiser {
    return this.#each[this.turn]!;
  }
}

/**
 * Returns the model whose several students take turns.
 * @throws OptionError for a method that has parameters of its own, which no student's turn would train
 */
export function studentsInTurns({ model, distillation }: TrainingTask): Students<unknown> {
  if (!(model instanceof Students)) throw new RangeError("one model alone takes no turns");
  if (!distillation?.parameters.length) return model;
  throw new OptionError("a method whose students take turns trains no parameters of its own");
}
