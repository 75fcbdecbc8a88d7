// The tfjs back end "abkd": float tensors live in the engine's memory; every operator of
// tfjs's cpu back end works on them, and the hot ones run as the engine's kernels.

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

/** What tfjs's cpu back end keeps of a tensor, and the block that holds its numbers. */
interface Entry {
  values?: BackendValues;
  dtype: DataType;
  refCount: number;
  complexTensorInfos?: { readonly real: TensorInfo; readonly imag: TensorInfo };
  block?: Block;
}

/** The back end. Public only for kernels; users go through tf and the operators of src/tensor. */
export class Backend extends MathBackendCPU {
  readonly engine: Engine;
  /** Blocks that wait for the end of a cpu kernel, with their owners; undefined while none runs. */
  #held: { readonly block: Block; readonly owner: object }[] | undefined;

  constructor(engine: Engine) {
    super();
    this.engine = engine;
    // The cpu back end would print its advice to install another one.
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

  /** A copy: neither the tensor's next use nor a kernel that writes to it may change the other. */
  override readSync(dataId: object): BackendValues {
    const values = super.readSync(dataId);
    return ArrayBuffer.isView(values) ? values.slice() : values;
  }

  /**
   * As the cpu back end does it, in an order that an interrupt may cut anywhere: once the count has
   * changed, a tensor that lives on is returned to without another call, so that disposing of it
   * again cannot take its count twice.
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

  /** A float32 tensor whose numbers are not set yet: kernels write their results to it. */
  allocate(shape: readonly number[]): TensorInfo {
    const dataId = {};
    this.#store(dataId, shape, 1);
    return { dataId, shape: [...shape], dtype: "float32" };
  }

  /** A float32 tensor's numbers, in place. Valid until the tensor is disposed of. */
  floats(tensor: TensorInfo): Float32Array {
    return this.data.get(tensor.dataId).values as Float32Array;
  }

  /** Where a float32 tensor's numbers lie in the engine's memory, in bytes. */
  address(tensor: TensorInfo): number {
    const { block } = this.#entry(tensor.dataId);
    if (!block) throw new TypeError(`expected a float32 tensor, got ${tensor.dtype}`);
    return block.address;
  }

  /** As address(), of each. */
  addresses<const Infos extends readonly TensorInfo[]>(
    ...tensors: Infos
  ): { [K in keyof Infos]: number } {
    return tensors.map((tensor) => this.address(tensor)) as { [K in keyof Infos]: number };
  }

  /** Gives back a block that `owner` got. */
  release(block: Block, owner: object): void {
    if (this.#held) this.#held.push({ block, owner });
    else this.engine.memory.release(block, owner);
  }

  /**
   * Runs a kernel of the cpu back end. Some read the numbers of an intermediate tensor after
   * disposing of it (FFT), so blocks are given back at the kernel's end only.
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

  /** Gives back what waited for a cpu kernel's end; also after an interrupt cut the kernel short. */
  endCpuKernel(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { block, owner } of held) this.engine.memory.release(block, owner);
  }

  /**
   * Keeps the data of variables through recover().
   * @returns ends it; each variable still counts as one user of its data
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

/** A tensor of numbers that the back end has, such as allocate() gives. */
export const asTensor = (info: TensorInfo): tf.Tensor => tf.engine().makeTensorFromTensorInfo(info);

/** The running back end. @throws before startEngine() and tfjs's first operator */
export function runningBackend(): Backend {
  if (!backend) throw new UserError("the engine is not started: call startEngine() first");
  return backend;
}

/**
 * Makes "abkd" the back end that tfjs chooses by itself. It starts with tfjs's first operator, and
 * not at all where another one was asked for by then.
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
/** `wasm` is this project's own; `native` is TensorFlow, where `npm run native` has built it. */
export type EngineName = (typeof ENGINES)[number];

export interface EngineOptions {
  readonly threads?: number;
}

export interface StartedWasm {
  readonly name: typeof BACKEND;
  readonly flavour: Flavour;
  readonly threads: number;
}

/** What a result says of the engine that ran. */
export type StartedEngine = StartedWasm | StartedNative;

/**
 * Starts the engine, registers the tfjs back end "abkd" and makes it the current one.
 * Calling it again changes nothing but makes "abkd" current again. In a notebook, a cell that the
 * user interrupts while it computes leaves the engine whole: tensors that were alive outside the
 * killed call stay, its own are freed.
 *
 * The flavour is chosen by a self-test; the environment variable ABKD_FLAVOUR (fma or simd)
 * decides instead where set.
 *
 * With "native" TensorFlow runs tf and all operators of src/tensor instead, until the next call.
 * Tensors move between the two by themselves, at the cost of a copy.
 *
 * @param options.threads of the wasm engine that compute, the calling one among them: by default what
 *   it was, at the first start ABKD_THREADS, or one a core. No result depends on it. The threads start
 *   with the first operator that is large enough, sleep when idle and keep no process alive.
 * @throws UserError where the native engine is asked for and not built
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
  // Synchronous in effect: the factory above is.
  void tf.setBackend(BACKEND);
  const { flavour, threads: running } = backend.engine;
  return { name: BACKEND, flavour, threads: running };
}

/** The flavour that startEngine() would name, without a change of engine or loading TensorFlow. */
export function engineFlavour(engine: EngineName): string {
  if (engine === "native") return nativeFlavour(requireNativeRecord());
  return wasmBackend().engine.flavour;
}

/** The back end, made where there is none yet. */
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

/** What ABKD_FLAVOUR asks for; undefined where it is not set. */
function wantedFlavour(): Flavour | undefined {
  const wanted = process.env["ABKD_FLAVOUR"];
  if (!wanted) return undefined;
  if (wanted === "fma" || wanted === "simd") return wanted;
  throw new OptionError(`the environment variable ABKD_FLAVOUR is ${wanted}, not fma or simd`);
}

/** Threads that compute, where nobody says how many: ABKD_THREADS, or one a core. */
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

/** What the memory of the current engine holds, in bytes. */
export function memory(): MemoryUse {
  return nativeIsCurrent() ? nativeBackend().memoryUse() : runningBackend().engine.memory.use();
}

/**
 * Frees the tensors and sparse matrices that nothing refers to any more, as a notebook leaves
 * them when a cell is run again. Runs the garbage collector; variables stay.
 *
 * @returns how many bytes came free
 */
export async function freeDropped(): Promise<number> {
  const before = memory().used;
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // Finalizers run in a task of their own after the collection; what they drop needs another.
  for (let pass = 0; pass < 2; pass++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return before - memory().used;
}
