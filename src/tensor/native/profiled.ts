// Wraps the binding while a profile is recorded, to record TensorFlow's operators.
import type { Profiler } from "../engine/profiler.ts";
import type { Binding } from "./backend.ts";

const BYTES_A_NUMBER = 4;

/** How many numbers each of the binding's tensors has, by the binding's id. */
export type Sizes = Map<number, number>;

const sizeOf = (shape: readonly number[]): number => shape.reduce((p, q) => p * q, 1);

/**
 * Returns a binding that reports its calls to a profiler. TensorFlow on a GPU keeps working after a call
 * has returned; the remaining time is counted in the call that reads a result.
 * @param sizes the known sizes of tensors; kept up to date
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
  // Defined rather than assigned, because the binding's own methods are read-only.
  return Object.create(binding, Object.getOwnPropertyDescriptors(overrides)) as Binding;
}
