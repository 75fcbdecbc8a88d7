// Repairs the engine after an interrupt: closes what the killed call stack left open.
import * as tf from "@tensorflow/tfjs";
import type { Backend } from "./backend.ts";

/** Copies that tfjs saved for gradients: they are kept, but have no owner once the gradient is abandoned. */
const savedCopies = new WeakSet<tf.Tensor>();
/** The copies that are not on the tape yet; once the scope that made them ends, nothing refers to them. */
let untaped: tf.Tensor[] = [];

/** A tensor that tfjs is registering, and the memory accounting before it began. */
interface Entry {
  readonly tensor: tf.Tensor;
  readonly backend: unknown;
  readonly counts: Counts;
  readonly known: boolean;
}

let entry: Entry | undefined;

/** A scope that is ending, and what it passes to the scope around it. */
interface Ending {
  readonly scope: number | undefined;
  readonly results: readonly tf.Tensor[];
}

const noScope: Ending = { scope: undefined, results: [] };
let ending = noScope;

/** Starts noting what is in progress. */
export function watchTensors(): void {
  const engine = booksOf(tf.engine());
  const clone = engine.clone.bind(engine);
  engine.clone = (x) => {
    const copy = clone(x);
    savedCopies.add(copy);
    untaped.push(copy);
    return copy;
  };
  const addTapeNode = engine.addTapeNode.bind(engine);
  engine.addTapeNode = (name, inputs, outputs, gradient, saved, attributes) => {
    addTapeNode(name, inputs, outputs, gradient, saved, attributes);
    // Not all: a copy has a tape node of its own, which comes before that of the operator that saves it.
    untaped = untaped.filter((copy) => !saved.includes(copy));
  };
  const endScope = engine.endScope.bind(engine);
  engine.endScope = (result) => {
    const results = result === undefined ? [] : tf.tensor_util.getTensorsInContainer(result);
    ending = { scope: engine.state.activeScope?.id, results };
    endScope(result);
    ending = noScope;
  };
  const track = engine.trackTensor.bind(engine);
  engine.trackTensor = (tensor, backend) => {
    const { numTensors, numBytes, numDataBuffers, tensorInfo } = engine.state;
    const counts = { numTensors, numBytes, numDataBuffers };
    entry = { tensor, backend, counts, known: tensorInfo.has(tensor.dataId) };
    track(tensor, backend);
    entry = undefined;
  };
}

interface Counts {
  numTensors: number;
  numBytes: number;
  numDataBuffers: number;
}

/** What tfjs's engine keeps about tensors and a computation in progress; its types omit some. */
interface Books {
  readonly state: OpenState & Counts & { readonly tensorInfo: WeakMap<object, unknown> };
  clone(x: tf.Tensor): tf.Tensor;
  addTapeNode(
    name: unknown,
    inputs: unknown,
    outputs: unknown,
    gradient: unknown,
    saved: readonly tf.Tensor[],
    attributes: unknown,
  ): void;
  endScope(result?: tf.TensorContainer): void;
  trackTensor(tensor: tf.Tensor, backend: unknown): void;
}

const booksOf = (engine: unknown): Books => engine as Books;

interface Scope {
  readonly id: number;
  readonly track: readonly tf.Tensor[];
}

interface OpenState {
  scopeStack: Scope[];
  activeScope: Scope | null;
  activeTape: { readonly saved: readonly tf.Tensor[] }[] | null;
  gradientDepth: number;
  kernelDepth: number;
  numDataMovesStack: number[];
  profiling: boolean;
  readonly registeredVariables: Readonly<Record<string, tf.Variable>>;
}

/** Completes a registration that a kill cut short: redoes it in full, and undoes it for a tensor in no scope. */
function endEntry(ours: Backend): void {
  if (!entry) return;
  const { tensor, backend, counts, known } = entry;
  entry = undefined;
  const engine = booksOf(tf.engine());
  const { state } = engine;
  const inScope = (): boolean => state.scopeStack.some(({ track }) => track.includes(tensor));
  if (inScope()) return;
  Object.assign(state, counts);
  if (!known) state.tensorInfo.delete(tensor.dataId);
  engine.trackTensor(tensor, backend);
  // Variable.assign took new numbers: next, it would have been counted as one more user of them.
  if (tensor instanceof tf.Variable) ours.incRef(tensor.dataId);
  else if (!inScope()) tensor.dispose();
}

/** Completes a scope's end that a kill cut short: nobody gets what it was passing on. */
function endHandover(state: OpenState): void {
  const { scope, results } = ending;
  ending = noScope;
  // The stack changes before or after this.
  state.activeScope = state.scopeStack.at(-1) ?? null;
  const inScope = new Set(state.scopeStack.flatMap(({ track }) => track));
  for (const tensor of results)
    if (tensor.scopeId === scope && !tensor.kept && !inScope.has(tensor)) tensor.dispose();
}

/**
 * Does what the `finally` blocks of tf.tidy, tf.grad and the kernels would have done if they had run.
 * Tensors of the open scopes are freed as if their tidy had thrown; tensors outside any scope,
 * kept ones and variables stay. Call it when no function of tf is on the stack.
 *
 * Data that the kill left unaccounted for (without a tensor yet, or any more) is freed when the garbage
 * collector finds it.
 */
export function recover(backend: Backend): void {
  const engine = tf.engine();
  const { state } = booksOf(engine);
  // This comes first: threads may still be writing to what is about to be freed.
  backend.engine.settle();
  backend.engine.memory.mend();
  backend.endCpuKernel();
  endEntry(backend);
  endHandover(state);
  // Variable.assign may have been killed after taking the new numbers and before counting itself as a user.
  const variables = Object.values(state.registeredVariables).map(({ dataId }) => dataId);
  const release = backend.protect(variables);
  state.gradientDepth = 0;
  state.kernelDepth = 0;
  state.numDataMovesStack = [];
  state.profiling = false;
  const open = state.scopeStack.flatMap(({ track }) => track);
  const taped = (state.activeTape ?? []).flatMap(({ saved }) => saved);
  state.activeTape = null;
  for (const tensor of [...taped, ...open, ...untaped])
    if (savedCopies.has(tensor)) tensor.dispose();
  untaped = [];
  while (state.scopeStack.length > 0) engine.endScope();
  release();
}
