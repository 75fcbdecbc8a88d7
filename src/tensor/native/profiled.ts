// TensorFlow's operators, recorded: stands in for the binding while a profile is recorded.
import type { Profiler } from "../engine/profiler.ts";
import type { Binding } from "./backend.ts";

const BYTES_A_NUMBER = 4;

/** How many numbers the binding's tensors have, by the binding's names for them. */
export type Sizes = Map<number, number>;

const sizeOf = (shape: readonly number[]): number => shape.reduce((p, q) => p * q, 1);

/**
 * The binding with its calls told to a profiler. TensorFlow on a GPU goes on after a call has
 * returned: what is left then shows in the call that reads a result.
 * @param sizes of tensors as far as they are known; kept up to date
 */
export function profiledBinding(binding: Binding, profiler: Profiler, sizes: Sizes): Binding {
  const overrides: Pick<Binding, "createTensor" | "deleteTensor" | "executeOp"> = {
    createTensor(shape, dtype, values) {
      const id = binding.createTensor(shape, dtype, values);
      sizes.set(id, sizeOf(shape));
      return id;
    },
    deleteTensor(id) {
      sizes.delete(id);
      binding.deleteTensor(id);
    },
    executeOp(name, attributes, inputs, count) {
      let numbers = inputs.reduce((sum, id) => sum + (sizes.get(id) ?? Number.NaN), 0);
      profiler.begin("tensorflow", name);
      try {
        const outputs = binding.executeOp(name, attributes, inputs, count);
        for (const { id, shape } of outputs) {
          sizes.set(id, sizeOf(shape));
          numbers += sizeOf(shape);
        }
        return outputs;
      } finally {
        profiler.end(() =>
          Number.isNaN(numbers) ? undefined : { bytes: BYTES_A_NUMBER * numbers },
        );
      }
    },
  };
  // Defined, not assigned: the binding's own methods are read-only.
  return Object.create(binding, Object.getOwnPropertyDescriptors(overrides)) as Binding;
}
