// The tfjs back end "abkd": float tensors live in the engine's memory; every operator of
// tfjs's cpu back end works on them, and the hot ones run as the engine's WebAssembly kernels.

import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { BackendValues, DataType, TensorInfo } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import { needObject, refuse } from "../../base/arguments.ts";
import { OptionError, UserError } from "../../base/errors.ts";
import { notebookInterrupts } from "../../display/host.ts";
import {
  nativeBackend,
  nativeIsCurrent,
  type StartedNative,
  startNativeEngine,
} from "../native/backend.ts";
import { nativeFlavour, requireNativeRecord } from "../native/build.ts";
import { registerKernels } from "../ops/operators.ts";
import { Engine, type Flavour } from "./engine.ts";
import type { Block, MemoryUse } from "./memory.ts";
import { addProfiled } from "./profiler.ts";
import { recover, watchTensors } from "./recover.ts";
import { MOST_THREADS } from "./threads.ts";

export const BACKEND = "abkd";

/** What tfjs's cpu back end keeps about a tensor, and the block that holds its numbers. */
interface Entry {
  values?: BackendValues;
  dtype: DataType;
  refCount: number;
  complexTensorInfos?: { readonly real: TensorInfo; readonly imag: TensorInfo };
  block?: Block;
}

/** The back end. Only kernels use it directly; users go through tf and the operators of src/tensor. */
export class Backend extends MathBackendCPU {
  readonly engine: Engine;
  /** Blocks, with their owners, that are released when a cpu kernel ends; undefined while none runs. */
  #held: { readonly block: Block; readonly owner: object }[] | undefined;

  constructor(engine: Engine) {
    super();
    this.engine = engine;
    // Otherwise the cpu back end prints its advice to install another one.
    (this as unknown as { firstUse: boolean }).firstUse = false;
  }

  override write(values: BackendValues, shape: number[], dtype: DataType): object {
    if (dtype !== "float32" || values === undefined) return super.write(values, shape, dtype);
    const info = this.allocate(shape);
    this.floats(info).set(values as Float32Array);
    return info.dataId;
  }

  override move(
    dataId: object,
    values: BackendValues,
    shape: number[],
    dtype: DataType,
    refCount: number,
  ): void {
    if (dtype !== "float32") {
      super.move(dataId, values, shape, dtype, refCount);
      return;
    }
    this.#store(dataId, shape, refCount).set(values as Float32Array);
  }

  /** Returns a copy, so that neither a write to the tensor nor one to the result changes the other. */
  override readSync(dataId: object): BackendValues {
    const values = super.readSync(dataId);
    return ArrayBuffer.isView(values) ? values.slice() : values;
  }

  /**
   * Does what the cpu back end does, in an order that an interrupt may cut anywhere: once the count has
   * changed, nothing else is called for a tensor that stays alive, so that disposing of it again
   * cannot decrement its count twice.
   */
  override disposeData(dataId: object, force = false): boolean {
    const entry = this.data.has(dataId) ? this.#entry(dataId) : undefined;
    if (!entry) return true;
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    const { complexTensorInfos, block } = entry;
    if (complexTensorInfos) {
      this.disposeData(complexTensorInfos.real.dataId, true);
      this.disposeData(complexTensorInfos.imag.dataId, true);
    }
    this.data.delete(dataId);
    if (block) this.release(block, dataId);
    return true;
  }

  /** Makes a float32 tensor with unset numbers, for kernels to write their results to. */
  allocate(shape: readonly number[]): TensorInfo {
    const dataId = {};
    this.#store(dataId, shape, 1);
    return { dataId, shape: [...shape], dtype: "float32" };
  }

  /** Returns a float32 tensor's numbers in place, valid until the tensor is disposed of. */
  floats(tensor: TensorInfo): Float32Array {
    return this.data.get(tensor.dataId).values as Float32Array;
  }

  /** Returns the byte address of a float32 tensor's numbers in the engine's memory. */
  address(tensor: TensorInfo): number {
    const { block } = this.#entry(tensor.dataId);
    if (!block) throw new TypeError(`expected a float32 tensor, got ${tensor.dtype}`);
    return block.address;
  }

  /** Returns the address() of each tensor. */
  addresses<const Infos extends readonly TensorInfo[]>(
    ...tensors: Infos
  ): { [K in keyof Infos]: number } {
    return tensors.map((tensor) => this.address(tensor)) as { [K in keyof Infos]: number };
  }

  /** Releases a block that `owner` got. */
  release(block: Block, owner: object): void {
    if (this.#held) this.#held.push({ block, owner });
    else this.engine.memory.release(block, owner);
  }

  /**
   * Runs a kernel of the cpu back end. Some (FFT) read an intermediate tensor's numbers after
   * disposing of it, so blocks are released only when the kernel ends.
   */
  runCpuKernel<T>(kernel: () => T): T {
    if (this.#held) return kernel();
    this.#held = [];
    try {
      return kernel();
    } finally {
      this.endCpuKernel();
    }
  }

  /** Releases the blocks held during a cpu kernel; also after an interrupt cut the kernel short. */
  endCpuKernel(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { block, owner } of held) this.engine.memory.release(block, owner);
  }

  /**
   * Keeps the data of variables through recover().
   * @returns a function that ends this; each variable still counts as one user of its data
   */
  protect(dataIds: readonly object[]): () => void {
    const entries = dataIds.flatMap((id) => (this.data.has(id) ? [this.#entry(id)] : []));
    for (const entry of entries) entry.refCount++;
    return () => {
      for (const entry of entries) entry.refCount = Math.max(1, entry.refCount - 1);
    };
  }

  #store(dataId: object, shape: readonly number[], refCount: number): Float32Array {
    const bytes = tf.util.sizeFromShape([...shape]) * 4;
    const block = this.engine.memory.allocate(
      bytes,
      `a tensor of shape [${shape.join(", ")}]`,
      dataId,
    );
    const values = this.engine.memory.floats(block);
    this.data.set(dataId, { values, dtype: "float32", refCount, block } as Entry);
    return values;
  }

  #entry(dataId: object): Entry {
    return this.data.get(dataId) as Entry;
  }
}

let backend: Backend | undefined;
let prepared = false;

/** Makes a tensor of data that the back end already holds, such as from allocate(). */
export const asTensor = (info: TensorInfo): tf.Tensor => tf.engine().makeTensorFromTensorInfo(info);

/** Returns the running back end. @throws UserError before startEngine() or tfjs's first operator */
export function runningBackend(): Backend {
  if (!backend) throw new UserError("the engine is not started: call startEngine() first");
  return backend;
}

/**
 * Makes "abkd" the back end that tfjs chooses by default. It starts with tfjs's first operator, or
 * never if another one was chosen by then.
 */
export function offerEngine(): void {
  if (tf.findBackendFactory(BACKEND) === null) tf.registerBackend(BACKEND, preparedBackend, 10);
}

function preparedBackend(): Backend {
  const started = wasmBackend();
  if (prepared) return started;
  registerKernels(BACKEND);
  const interrupts = notebookInterrupts();
  if (interrupts) watchTensors();
  interrupts?.addEventListener("interrupt", () => recover(started));
  prepared = true;
  return started;
}

const ENGINES = ["wasm", "native"] as const;
/** `wasm` is this project's own engine; `native` is TensorFlow, if `npm run native` has built it. */
export type EngineName = (typeof ENGINES)[number];

export interface EngineOptions {
  readonly threads?: number;
}

export interface StartedWasm {
  readonly name: typeof BACKEND;
  readonly flavour: Flavour;
  readonly threads: number;
}

/** What a result records about the engine that ran. */
export type StartedEngine = StartedWasm | StartedNative;

/**
 * Starts the engine, registers the tfjs back end "abkd" and makes it the current one.
 * Calling it again only makes "abkd" current again. In a notebook, a cell that the user interrupts
 * while it computes leaves the engine intact: tensors that were alive outside the killed call stay,
 * its own are freed.
 *
 * A self-test chooses the flavour, unless the environment variable ABKD_FLAVOUR (fma or simd) is
 * set.
 *
 * With "native", TensorFlow runs tf and all operators of src/tensor instead, until the next call.
 * Tensors move between the two automatically, at the cost of a copy.
 *
 * @param options.threads how many threads of the wasm engine compute, including the calling one. The
 *   default is the current number, or at the first start ABKD_THREADS or one per core. No result depends
 *   on it. The threads start with the first operator that is large enough, sleep when idle and do not
 *   keep the process alive.
 * @throws UserError if the native engine is requested but not built
 */
export function startEngine(engine?: "wasm", options?: EngineOptions): StartedWasm;
export function startEngine(engine: EngineName, options?: EngineOptions): StartedEngine;
export function startEngine(
  engine: EngineName = "wasm",
  options: EngineOptions = {},
): StartedEngine {
  if (!ENGINES.includes(engine)) refuse(engine, "startEngine: engine", ENGINES.join(" or "));
  needObject(options, "startEngine: options", "an object, such as { threads: 2 }");
  const { threads } = options;
  if (threads !== undefined) checkThreads(threads, "threads");
  if (engine === "native") return startNativeEngine();
  const backend = wasmBackend(threads);
  if (threads !== undefined) backend.engine.threads = threads;
  preparedBackend();
  offerEngine();
  // In effect this is synchronous, because the factory above is.
  void tf.setBackend(BACKEND);
  const { flavour, threads: running } = backend.engine;
  return { name: BACKEND, flavour, threads: running };
}

/** Returns the flavour that startEngine() would report, without changing the engine or loading TensorFlow. */
export function engineFlavour(engine: EngineName): string {
  if (engine === "native") return nativeFlavour(requireNativeRecord());
  return wasmBackend().engine.flavour;
}

/** Returns the back end, and makes it first if necessary. */
function wasmBackend(threads?: number): Backend {
  if (!backend) {
    const engine = new Engine(wantedFlavour(), undefined, threads ?? wantedThreads());
    backend = new Backend(engine);
    addProfiled((profiler) => {
      engine.profiler = profiler;
    });
  }
  return backend;
}

/** Reads ABKD_FLAVOUR; undefined if it is not set. */
function wantedFlavour(): Flavour | undefined {
  const wanted = process.env["ABKD_FLAVOUR"];
  if (!wanted) return undefined;
  if (wanted === "fma" || wanted === "simd") return wanted;
  throw new OptionError(`the environment variable ABKD_FLAVOUR is ${wanted}, not fma or simd`);
}

/** The default number of computing threads: ABKD_THREADS, or one per core. */
export function wantedThreads(): number {
  const wanted = process.env["ABKD_THREADS"];
  if (!wanted) return Math.min(availableParallelism(), MOST_THREADS);
  checkThreads(Number(wanted), "the environment variable ABKD_THREADS");
  return Number(wanted);
}

function checkThreads(threads: number, what: string): void {
  if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return;
  throw new OptionError(`${what} must be a whole number from 1 to ${MOST_THREADS}`);
}

/** Returns the memory use of the current engine, in bytes. */
export function memory(): MemoryUse {
  return nativeIsCurrent() ? nativeBackend().memoryUse() : runningBackend().engine.memory.use();
}

/** As Memory.mostDuring(), on the engine "wasm". */
export function mostDuring(act: (used: () => number) => void): number {
  return runningBackend().engine.memory.mostDuring(act);
}

/**
 * Frees the tensors and sparse matrices that nothing refers to any more, such as a notebook leaves
 * behind when a cell is run again. Runs the garbage collector; variables stay.
 *
 * @returns how many bytes were freed
 */
export async function freeDropped(): Promise<number> {
  const before = memory().used;
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // Finalizers run in a separate task after the collection; what they drop needs a second pass.
  for (let pass = 0; pass < 2; pass++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return before - memory().used;
}
