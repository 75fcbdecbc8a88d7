// Arrays in the engine's memory that are not tensors: indices, optimiser moments.
import { runningBackend } from "./backend.ts";
import type { Block } from "./memory.ts";

/** An array in the engine's memory. It is freed by dispose(), or when nothing refers to it. */
export class Buffer {
  /** Its byte address, which kernels take. */
  readonly address: number;
  readonly #block: Block;

  private constructor(bytes: number, what: string) {
    const backend = runningBackend();
    this.#block = backend.engine.memory.allocate(bytes, what, this);
    this.address = this.#block.address;
  }

  static integers(values: Int32Array | Uint16Array | Int16Array | Int8Array, what: string): Buffer {
    const buffer = new Buffer(values.byteLength, what);
    const { address } = buffer.#block;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    new Uint8Array(runningBackend().engine.memory.wasm.buffer, address, bytes.length).set(bytes);
    return buffer;
  }

  static floats(values: Float32Array, what: string): Buffer {
    const buffer = new Buffer(values.byteLength, what);
    buffer.floats.set(values);
    return buffer;
  }

  /** The numbers of a float array, in place. */
  get floats(): Float32Array {
    return runningBackend().engine.memory.floats(this.#block);
  }

  /** The numbers of an array of 32-bit integers, in place. */
  get integers(): Int32Array {
    return runningBackend().engine.memory.integers(this.#block);
  }

  dispose(): void {
    runningBackend().release(this.#block, this);
  }
}
