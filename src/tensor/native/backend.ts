// The native engine: tfjs's back end "tensorflow", which calls TensorFlow's C++ library.
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import type { BackendValues, DataType, KernelBackend, TensorInfo } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { UserError } from "../../base/errors.ts";
import type { MemoryUse } from "../engine/memory.ts";
import { addProfiled, type Profiler } from "../engine/profiler.ts";
import {
  NATIVE_BINDING,
  NATIVE_FOLDER,
  NATIVE_QUIET,
  nativeFlavour,
  requireNativeRecord,
} from "./build.ts";
import { profiledBinding, type Sizes } from "./profiled.ts";
import { restoreUtilHelpers } from "./util-helpers.ts";

/** The name of tfjs-node's back end: its kernels are registered under it. */
export const NATIVE_BACKEND = "tensorflow";

/** TensorFlow's codes for types for which the binding exports no names. */
export const TYPES = { float: 1, int32: 3, int64: 9, uint16: 17, uint32: 22, uint64: 23 } as const;

export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: number | boolean;
}

/** What an operator returns; `id` is the binding's id for the result. */
export interface Output {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** The compiled native module. */
export interface Binding {
  readonly TF_Version: string;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: readonly number[], dtype: number, values: Int32Array | Float32Array): number;
  deleteTensor(id: number): void;
  executeOp(name: string, attributes: Attribute[], inputs: number[], outputs: number): Output[];
}

/** What tfjs-node keeps about a tensor; `id` is negative until an operator has read it. */
interface Entry {
  readonly shape: readonly number[];
  readonly id: number;
}

/** The parts of tfjs-node's back end that are used here. */
interface NodeBackend extends KernelBackend {
  binding: Binding;
  readonly tensorMap: { has(dataId: object): boolean; get(dataId: object): Entry };
  createOutputTensor(output: Output): tf.Tensor;
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  write(values: BackendValues, shape: number[], dtype: DataType): object;
  move(id: object, values: BackendValues, shape: number[], dtype: DataType, users: number): void;
  disposeData(dataId: object, force?: boolean): boolean;
}

/** tfjs-node's back end, with TensorFlow's own operators and memory accounting. */
export interface NativeBackend extends NodeBackend {
  /** Runs an operator of TensorFlow. The caller disposes of the outputs with `free`. */
  execute(name: string, attributes: Attribute[], inputs: number[], outputs?: number): Output[];
  free(...outputs: readonly (Output | number)[]): void;
  memoryUse(): MemoryUse;
  /** From now on reports its operators to the profiler, or to nobody. */
  recordTo(profiler: Profiler | undefined): void;
}

type NodeBackendClass = new (binding: Binding, packageName: string) => NodeBackend;

const BYTES_A_NUMBER = 4;

function extend(base: NodeBackendClass): new (b: Binding, name: string) => NativeBackend {
  return class extends base implements NativeBackend {
    #used = 0;
    #peak = 0;
    #blocks = 0;
    #plain: Binding | undefined;
    /** Sizes of tensors that operators read while a profile is recorded. */
    #sizes: Sizes | undefined;
    /** Frees tensors that were dropped without dispose(), which tfjs-node would never free. */
    readonly #dropped = new FinalizationRegistry<Entry>((entry) => {
      if (entry.id >= 0) this.binding.deleteTensor(entry.id);
      this.#count(entry, -1);
    });

    override createOutputTensor(output: Output): tf.Tensor {
      const tensor = super.createOutputTensor(output);
      this.#watch(tensor.dataId);
      return tensor;
    }

    /** write() calls this too. */
    override move(
      dataId: object,
      values: BackendValues,
      shape: number[],
      dtype: DataType,
      users: number,
    ): void {
      super.move(dataId, values, shape, dtype, users);
      this.#watch(dataId);
    }

    override disposeData(dataId: object, force = false): boolean {
      const entry = this.tensorMap.has(dataId) ? this.tensorMap.get(dataId) : undefined;
      const gone = super.disposeData(dataId, force);
      if (entry && gone) {
        this.#dropped.unregister(dataId);
        this.#count(entry, -1);
      }
      return gone;
    }

    override getInputTensorIds(tensors: readonly TensorInfo[]): number[] {
      const ids = super.getInputTensorIds(tensors);
      const sizes = this.#sizes;
      if (sizes)
        ids.forEach((id, i) => void sizes.set(id, tf.util.sizeFromShape(tensors[i]!.shape)));
      return ids;
    }

    recordTo(profiler: Profiler | undefined): void {
      this.#plain ??= this.binding;
      this.#sizes = profiler && new Map();
      this.binding = profiler ? profiledBinding(this.#plain, profiler, this.#sizes!) : this.#plain;
    }

    execute(name: string, attributes: Attribute[], inputs: number[], outputs = 1): Output[] {
      return this.binding.executeOp(name, attributes, inputs, outputs);
    }

    free(...outputs: readonly (Output | number)[]): void {
      for (const output of outputs)
        this.binding.deleteTensor(typeof output === "number" ? output : output.id);
    }

    memoryUse(): MemoryUse {
      const [used, peak, blocks] = [this.#used, this.#peak, this.#blocks];
      return { reserved: used, used, free: 0, peak, blocks, limit: Number.POSITIVE_INFINITY };
    }

    #watch(dataId: object): void {
      const entry = this.tensorMap.get(dataId);
      this.#dropped.register(dataId, entry, dataId);
      this.#count(entry, 1);
    }

    #count({ shape }: Entry, sign: 1 | -1): void {
      this.#used += sign * BYTES_A_NUMBER * tf.util.sizeFromShape([...shape]);
      this.#blocks += sign;
      this.#peak = Math.max(this.#peak, this.#used);
    }
  };
}

let backend: NativeBackend | undefined;

/** Whether what is computed now goes to the native engine. */
export function nativeIsCurrent(): boolean {
  return backend !== undefined && tf.getBackend() === NATIVE_BACKEND;
}

/** @throws UserError before startNativeEngine() */
export function nativeBackend(): NativeBackend {
  if (!backend) throw new UserError('the native engine is not started: call startEngine("native")');
  return backend;
}

/** What a result records about the engine that ran. */
export interface StartedNative {
  readonly name: "native";
  /** From nativeFlavour(). */
  readonly flavour: string;
  /** The number of TensorFlow's own threads: one per core. */
  readonly threads: number;
}

/**
 * Loads the binding that `npm run native` built and makes it tfjs's current back end.
 * @throws UserError if it is not built or cannot be loaded
 */
export function startNativeEngine(): StartedNative {
  const record = requireNativeRecord();
  loadNative(record.package);
  return { name: "native", flavour: nativeFlavour(record), threads: availableParallelism() };
}

/**
 * Loads the binding without a record, for `npm run native`, which tests a build before writing its record.
 * @param packageName the npm package in the native engine's folder
 */
export function loadNative(packageName: string): NativeBackend {
  backend ??= load(packageName);
  void tf.setBackend(NATIVE_BACKEND);
  return backend;
}

function load(packageName: string): NativeBackend {
  restoreUtilHelpers();
  const require = createRequire(`${NATIVE_FOLDER}load.cjs`);
  let binding: Binding;
  let quiet: { mute(): void; unmute(): void } | undefined;
  try {
    quiet = require(NATIVE_QUIET) as NonNullable<typeof quiet>;
    quiet.mute();
    binding = require(NATIVE_BINDING) as Binding;
  } catch (cause) {
    const [why] = String((cause as Error).message).split("\n");
    const message = `the native engine cannot be loaded (${why}): run \`npm run native\` again`;
    throw new UserError(message, { cause });
  } finally {
    quiet?.unmute();
  }
  require(`${packageName}/dist/register_all_kernels`);
  const { NodeJSKernelBackend } = require(`${packageName}/dist/nodejs_kernel_backend`) as {
    NodeJSKernelBackend: NodeBackendClass;
  };
  const started = new (extend(NodeJSKernelBackend))(binding, packageName);
  addProfiled((profiler) => started.recordTo(profiler));
  // The priority is below the wasm engine's: this one runs only when requested.
  tf.registerBackend(NATIVE_BACKEND, () => started, 1);
  return started;
}
