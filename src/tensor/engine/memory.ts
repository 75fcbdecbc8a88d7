// The engine's memory: one shared WebAssembly memory, handed out in blocks of size classes.
import { UserError } from "../../base/errors.ts";

const PAGE = 65_536;
const MAXIMUM_PAGES = 65_536;
/** The most bytes that 32-bit addresses reach. */
export const WASM_BYTES = MAXIMUM_PAGES * PAGE;
/** How many bytes a kernel may read (never write) beyond the end of a block. */
const SLACK = 16;
/** Addresses below this one hold what the compiler placed. */
const FIRST_ADDRESS = PAGE;
const SMALLEST_CLASS = 64;
/** From this size on, losing a quarter would be too much: NELL's teacher maps take 1 of 4 GiB, three times. */
const LARGE = 2 ** 24;

/** A piece of the engine's memory. `address` is what kernels take. */
export interface Block {
  readonly address: number;
  /** The requested bytes. */
  readonly bytes: number;
  /** The bytes that the block takes: its size class. */
  readonly capacity: number;
  /** Whether the block has not been released yet. */
  live: boolean;
}

interface Place {
  readonly address: number;
  readonly capacity: number;
  /** The free list that it is the last of; undefined for a place that was never handed out before. */
  readonly list?: number[];
}

/** A block that is being handed out or released, and the memory accounting while it is free. */
interface Change {
  readonly block: Block;
  readonly owner: object | undefined;
  readonly list: number[] | undefined;
  readonly top: number;
  readonly used: number;
  readonly freeBytes: number;
  readonly blocks: number;
}

/** The memory use, in bytes. */
export interface MemoryUse {
  /** The size of the whole memory, which grows and never shrinks. */
  readonly reserved: number;
  /** The size of the blocks in use, rounded up to their size classes. */
  readonly used: number;
  /** The size of the released blocks, which wait to be reused. */
  readonly free: number;
  /** The largest `used` so far. */
  readonly peak: number;
  /** The number of blocks in use. */
  readonly blocks: number;
  /** The size up to which the memory may grow. */
  readonly limit: number;
}

/** The engine's memory is exhausted. */
export class OutOfMemoryError extends UserError {}

/**
 * Hands out blocks of the shared memory. Sizes are rounded up to one of four classes per octave (at
 * most a quarter is lost, and of large blocks a 32nd); a released block waits in its class to be
 * reused.
 *
 * An interrupt in a notebook kills whatever runs, even inside a call of a built-in function, and no
 * `finally` runs. So a change of the memory accounting is noted before its first write, and one that
 * was cut short is completed before the next: the block is then free, because nobody holds it.
 */
export class Memory {
  readonly wasm: WebAssembly.Memory;
  /** Called before a block is handed out: threads may still be writing to what an interrupt freed. */
  beforeUse: () => void = () => {};
  readonly #limit: number;
  readonly #free = new Map<number, number[]>();
  /** Releases the blocks of owners that were dropped, once the garbage collector finds them. */
  readonly #dropped = new FinalizationRegistry<Block>((block) => this.release(block));
  /** A view of the whole memory; renewed when a word beyond its end is read. */
  #words: Int32Array = new Int32Array(0);
  #top = FIRST_ADDRESS;
  #used = 0;
  #freeBytes = 0;
  #peak = 0;
  #blocks = 0;
  #change: Change | undefined;
  /** The requested bytes in use, and the most of them since mostDuring() began; only that method reads them. */
  #asked = 0;
  #mostAsked = 0;

  /** @param limit bytes, at most 4 GiB (what 32-bit addresses reach) */
  constructor(limit = WASM_BYTES) {
    this.#limit = Math.min(limit, WASM_BYTES);
    this.wasm = new WebAssembly.Memory({ initial: 2, maximum: MAXIMUM_PAGES, shared: true });
  }

  /**
   * Hands out a block of at least `bytes`. Its contents are whatever was there before.
   * @param what what the block is for, or a shape: named in the error
   * @param owner the block is released when nothing refers to its owner any more
   * @throws {OutOfMemoryError} when the limit is reached
   */
  allocate(bytes: number, what: string, owner?: object): Block {
    this.beforeUse();
    this.mend();
    const size = sizeClass(bytes + SLACK);
    const place = this.#last(size) ?? this.#beyond(size) ?? this.#lastOfLarger(size);
    if (!place) throw new OutOfMemoryError(this.#spent(bytes, what), { exitCode: 1 });
    const { address, capacity, list } = place;
    const block = { address, bytes, capacity, live: true };
    const [used, freeBytes, blocks, top] = [this.#used, this.#freeBytes, this.#blocks, this.#top];
    this.#change = { block, owner, list, top, used, freeBytes, blocks };
    if (list) {
      list.pop();
      this.#freeBytes = freeBytes - capacity;
    } else this.#top = address + capacity;
    this.#used = used + capacity;
    this.#peak = Math.max(this.#peak, this.#used);
    this.#blocks = blocks + 1;
    this.#asked += bytes;
    this.#mostAsked = Math.max(this.#mostAsked, this.#asked);
    if (owner) this.#dropped.register(owner, block, owner);
    this.#change = undefined;
    return block;
  }

  /** Releases a block; a second call changes nothing. */
  release(block: Block, owner?: object): void {
    this.mend();
    if (!block.live) return;
    const { bytes, capacity } = block;
    this.#asked -= bytes;
    this.#change = {
      block,
      owner,
      list: this.#listOf(capacity),
      top: this.#top,
      used: this.#used - capacity,
      freeBytes: this.#freeBytes + capacity,
      blocks: this.#blocks - 1,
    };
    this.mend();
  }

  /** Completes a change that a kill cut short, if there is one; may itself be cut short. */
  mend(): void {
    const change = this.#change;
    if (!change) return;
    const { block, owner, list } = change;
    block.live = false;
    if (list && list.at(-1) !== block.address) list.push(block.address);
    this.#top = change.top;
    this.#used = change.used;
    this.#freeBytes = change.freeBytes;
    this.#blocks = change.blocks;
    if (owner) this.#dropped.unregister(owner);
    this.#change = undefined;
  }

  /** Returns a view of a block as floats. It stays valid when the memory grows. */
  floats(block: Block): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer, block.address, block.bytes >> 2);
  }

  /** Returns a view of a block as 32-bit integers. */
  integers(block: Block): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.#buffer, block.address, block.bytes >> 2);
  }

  /** The 32-bit word at an address. */
  readonly word = (address: number): number => {
    const at = address >>> 2;
    if (at >= this.#words.length) this.#words = new Int32Array(this.#buffer);
    return this.#words[at]!;
  };

  /**
   * Returns the most bytes that were requested and in use at a time while `act` ran, beyond those before.
   * @param act takes a function that returns how many are in use now
   */
  mostDuring(act: (used: () => number) => void): number {
    const [before, outer] = [this.#asked, this.#mostAsked];
    this.#mostAsked = before;
    act(() => this.#asked - before);
    const most = this.#mostAsked - before;
    this.#mostAsked = Math.max(outer, this.#mostAsked);
    return most;
  }

  use(): MemoryUse {
    return {
      reserved: this.wasm.buffer.byteLength,
      used: this.#used,
      free: this.#freeBytes,
      peak: this.#peak,
      blocks: this.#blocks,
      limit: this.#limit,
    };
  }

  get #buffer(): SharedArrayBuffer {
    return this.wasm.buffer as unknown as SharedArrayBuffer;
  }

  #listOf(capacity: number): number[] {
    const list = this.#free.get(capacity) ?? [];
    if (list.length === 0) this.#free.set(capacity, list);
    return list;
  }

  #last(capacity: number): Place | undefined {
    const list = this.#free.get(capacity);
    const address = list?.at(-1);
    return address === undefined || !list ? undefined : { address, capacity, list };
  }

  #beyond(capacity: number): Place | undefined {
    const end = this.#top + capacity;
    if (end > this.#limit) return undefined;
    const missing = end - this.wasm.buffer.byteLength;
    if (missing > 0 && !this.#grow(missing)) return undefined;
    return { address: this.#top, capacity };
  }

  #grow(missing: number): boolean {
    // Growing by an eighth at a time keeps the number of calls low.
    const wanted = Math.max(missing, this.wasm.buffer.byteLength >> 3);
    for (const bytes of [wanted, missing]) {
      try {
        this.wasm.grow(Math.ceil(bytes / PAGE));
        return true;
      } catch {
        // Try the smaller step, then report that memory is exhausted.
      }
    }
    return false;
  }

  /** Finds a free block in the next larger class that has one, which is better than failing. */
  #lastOfLarger(capacity: number): Place | undefined {
    const larger = [...this.#free.entries()]
      .filter(([size, addresses]) => size > capacity && addresses.length > 0)
      .map(([size]) => size);
    return larger.length > 0 ? this.#last(Math.min(...larger)) : undefined;
  }

  #spent(bytes: number, what: string): string {
    const mib = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`;
    return (
      `out of memory: ${what} needs ${mib(bytes)}, but ${mib(this.#used)} of the engine's ` +
      `${mib(this.#limit)} are in use and no free block is large enough; dispose of tensors ` +
      `(tf.tidy), or call freeDropped() for those that are no longer reachable`
    );
  }
}

/** The capacity for a size: 64 bytes, then four classes per octave, or 32 for large blocks. */
function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST_CLASS) return SMALLEST_CLASS;
  const octave = 2 ** Math.floor(Math.log2(bytes - 1));
  const step = Math.max(16, octave / (octave >= LARGE ? 32 : 4));
  return Math.ceil(bytes / step) * step;
}
