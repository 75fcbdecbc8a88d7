// The engine after an interrupt: what the killed call stack left open is closed.
import * as tf from "@tensorflow/tfjs";
import type { Backend } from "./backend.ts";

/** Copies that tfjs saved for gradients: kept, yet nobody's once the gradient is abandoned. */
const savedCopies = new WeakSet<tf.Tensor>();

/** Notes the copies from now on. */
export function watchSavedCopies(): void {
  const engine = tf.engine() as unknown as { clone(x: tf.Tensor): tf.Tensor };
  const clone = engine.clone.bind(engine);
  engine.clone = (x) => {
    const copy = clone(x);
    savedCopies.add(copy);
    return copy;
  };
}

/** What tfjs's engine keeps of a computation in progress; its types do not name all of it. */
interface OpenState {
  scopeStack: { readonly track: readonly tf.Tensor[] }[];
  activeTape: { readonly saved: readonly tf.Tensor[] }[] | null;
  gradientDepth: number;
  kernelDepth: number;
  numDataMovesStack: number[];
  profiling: boolean;
  readonly registeredVariables: Readonly<Record<string, tf.Variable>>;
}

/**
 * Does what the `finally` blocks of tf.tidy, tf.grad and the kernels would have done, had they run.
 * Tensors of the open scopes are freed as if their tidy had thrown; those outside of any scope,
 * kept ones and variables stay. To be called when nothing of tf is on the stack.
 *
 * What the kill tore from the books (a tensor between its making and its scope) is given back
 * when the collector finds it.
 */
export function recover(backend: Backend): void {
  const engine = tf.engine();
  const state = engine.state as unknown as OpenState;
  // First of all: threads may still be writing to what is about to be freed.
  backend.engine.settle();
  backend.endCpuKernel();
  // Variable.assign may have been cut after taking the new numbers and before counting them.
  const variables = Object.values(state.registeredVariables).map(({ dataId }) => dataId);
  const release = backend.protect(variables);
  state.gradientDepth = 0;
  state.kernelDepth = 0;
  state.numDataMovesStack = [];
  state.profiling = false;
  const open = state.scopeStack.flatMap(({ track }) => track);
  const taped = (state.activeTape ?? []).flatMap(({ saved }) => saved);
  state.activeTape = null;
  for (const tensor of [...taped, ...open]) if (savedCopies.has(tensor)) tensor.dispose();
  while (state.scopeStack.length > 0) engine.endScope();
  release();
}
