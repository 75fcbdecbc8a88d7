// The engine after an interrupt: what the killed call stack left open is closed.
import * as tf from "@tensorflow/tfjs";
import type { Backend } from "./backend.ts";

/** Copies that tfjs saved for gradients: kept, yet nobody's once the gradient is abandoned. */
const savedCopies = new WeakSet<tf.Tensor>();
/** Those that no entry of the tape has yet: once the scope in which they were made has ended, nobody knows them. */
let untaped: tf.Tensor[] = [];

/** A tensor that tfjs is entering into its books, and what they said before it began. */
interface Entry {
  readonly tensor: tf.Tensor;
  readonly backend: unknown;
  readonly counts: Counts;
  readonly known: boolean;
}

let entry: Entry | undefined;

/** A scope that is ending, and what it gives to the one around it. */
interface Ending {
  readonly scope: number | undefined;
  readonly results: readonly tf.Tensor[];
}

const noScope: Ending = { scope: undefined, results: [] };
let ending = noScope;

/** What is in progress is noted from now on. */
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
    // Not all: a copy has a node of its own, and comes before that of the operator which saves it.
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

/** What tfjs's engine keeps of tensors and of a computation in progress; its types omit some. */
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

/** Ends an entry that a kill has cut short: entered anew, in full; who is in no scope, out again. */
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
  // Variable.assign took new numbers: next it would have become one more user of them.
  if (tensor instanceof tf.Variable) ours.incRef(tensor.dataId);
  else if (!inScope()) tensor.dispose();
}

/** Ends a scope's end that a kill has cut short: nobody gets what it was giving on. */
function endHandover(state: OpenState): void {
  const { scope, results } = ending;
  ending = noScope;
  // The stack is changed before or after this.
  state.activeScope = state.scopeStack.at(-1) ?? null;
  const inScope = new Set(state.scopeStack.flatMap(({ track }) => track));
  for (const tensor of results)
    if (tensor.scopeId === scope && !tensor.kept && !inScope.has(tensor)) tensor.dispose();
}

/**
 * Does what the `finally` blocks of tf.tidy, tf.grad and the kernels would have done, had they run.
 * Tensors of the open scopes are freed as if their tidy had thrown; those outside of any scope,
 * kept ones and variables stay. To be called when nothing of tf is on the stack.
 *
 * What the kill kept out of the books (data that had no tensor yet, or no longer) is given back when
 * the collector finds it.
 */
export function recover(backend: Backend): void {
  const engine = tf.engine();
  const { state } = booksOf(engine);
  // First of all: threads may still be writing to what is about to be freed.
  backend.engine.settle();
  backend.engine.memory.mend();
  backend.endCpuKernel();
  endEntry(backend);
  endHandover(state);
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
  for (const tensor of [...taped, ...open, ...untaped])
    if (savedCopies.has(tensor)) tensor.dispose();
  untaped = [];
  while (state.scopeStack.length > 0) engine.endScope();
  release();
}
