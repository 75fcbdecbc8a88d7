// The engine's memory: one shared WebAssembly memory, handed out in blocks of size classes.
import { UserError } from "../../base/errors.ts";

const PAGE = 65_536;
const MAXIMUM_PAGES = 65_536;
/** The most that 32-bit addresses reach. */
export const WASM_BYTES = MAXIMUM_PAGES * PAGE;
/** Bytes that a kernel may read (never write) beyond the end of a block. */
const SLACK = 16;
/** Below this address lies what the compiler placed. */
const FIRST_ADDRESS = PAGE;
const SMALLEST_CLASS = 64;
/** From here on a quarter would be much to lose: NELL's teacher maps take 1 of 4 GiB, three times. */
const LARGE = 2 ** 24;

/** A piece of the engine's memory. `address` is what kernels take. */
export interface Block {
  readonly address: number;
  /** Bytes that were asked for. */
  readonly bytes: number;
  /** Bytes that the block takes: its size class. */
  readonly capacity: number;
  /** Not given back yet. */
  live: boolean;
}

interface Place {
  readonly address: number;
  readonly capacity: number;
  /** The list that it is the last of; undefined beyond all places that were ever given out. */
  readonly list?: number[];
}

/** A block that is being given out or back, and what the books say while it is free. */
interface Change {
  readonly block: Block;
  readonly owner: object | undefined;
  readonly list: number[] | undefined;
  readonly top: number;
  readonly used: number;
  readonly freeBytes: number;
  readonly blocks: number;
}

/** What the memory holds, in bytes. */
export interface MemoryUse {
  /** The size of the whole memory; it grows and never shrinks. */
  readonly reserved: number;
  /** In blocks that are in use, rounded up to their size classes. */
  readonly used: number;
  /** In blocks that were given back and wait for the next use. */
  readonly free: number;
  /** The largest `used` so far. */
  readonly peak: number;
  /** Number of blocks in use. */
  readonly blocks: number;
  /** The most that the memory may grow to. */
  readonly limit: number;
}

/** The engine's memory is spent. */
export class OutOfMemoryError extends UserError {}

/**
 * Blocks of the shared memory. Sizes are rounded up to one of four classes an octave (at
 * most a quarter is lost, and of large blocks a 32nd part); a block that is given back waits in its class for the next use.
 *
 * An interrupt in a notebook kills whatever runs, even inside a call of a built-in function, and no
 * `finally` runs. So a change of the books is noted before its first word, and one that was cut
 * short is ended before the next: the block is free then, for nobody has it yet, or any more.
 */
export class Memory {
  readonly wasm: WebAssembly.Memory;
  /** Called before a block is given out: threads may still be writing to what an interrupt freed. */
  beforeUse: () => void = () => {};
  readonly #limit: number;
  readonly #free = new Map<number, number[]>();
  /** Gives back the blocks of owners that were dropped, once the collector finds them. */
  readonly #dropped = new FinalizationRegistry<Block>((block) => this.release(block));
  /** All of the memory as it was when a word was last sought beyond it. */
  #words: Int32Array = new Int32Array(0);
  #top = FIRST_ADDRESS;
  #used = 0;
  #freeBytes = 0;
  #peak = 0;
  #blocks = 0;
  #change: Change | undefined;

  /** @param limit bytes, at most 4 GiB (what 32-bit addresses reach) */
  constructor(limit = WASM_BYTES) {
    this.#limit = Math.min(limit, WASM_BYTES);
    this.wasm = new WebAssembly.Memory({ initial: 2, maximum: MAXIMUM_PAGES, shared: true });
  }

  /**
   * A block of at least `bytes`. Its contents are whatever was there before.
   * @param what named in the error: a shape, or what the block is for
   * @param owner when nothing refers to it any more, the block is given back
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
    if (owner) this.#dropped.register(owner, block, owner);
    this.#change = undefined;
    return block;
  }

  /** Gives a block back; a second time changes nothing. */
  release(block: Block, owner?: object): void {
    this.mend();
    if (!block.live) return;
    const { capacity } = block;
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

  /** Ends a change that a kill has cut short, if there is one; may be cut short itself. */
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

  /** A view of a block as numbers. It stays valid when the memory grows. */
  floats(block: Block): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer, block.address, block.bytes >> 2);
  }

  /** The same as 32-bit integers. */
  integers(block: Block): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.#buffer, block.address, block.bytes >> 2);
  }

  /** The 32-bit word at an address. */
  readonly word = (address: number): number => {
    const at = address >>> 2;
    if (at >= this.#words.length) this.#words = new Int32Array(this.#buffer);
    return this.#words[at]!;
  };

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
    // Growing by an eighth at a time keeps the number of calls small.
    const wanted = Math.max(missing, this.wasm.buffer.byteLength >> 3);
    for (const bytes of [wanted, missing]) {
      try {
        this.wasm.grow(Math.ceil(bytes / PAGE));
        return true;
      } catch {
        // Try the smaller step, then report that memory is spent.
      }
    }
    return false;
  }

  /** A free block of the next larger class that has one: better than failing. */
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

/** The capacity for a size: 64 bytes, then four classes an octave, or 32 among large blocks. */
function sizeClass(bytes: number): number {
  if (bytes <= SMALLEST_CLASS) return SMALLEST_CLASS;
  const octave = 2 ** Math.floor(Math.log2(bytes - 1));
  const step = Math.max(16, octave / (octave >= LARGE ? 32 : 4));
  return Math.ceil(bytes / step) * step;
}
