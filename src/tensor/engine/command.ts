// The shared block through which the engine's threads get their work, and each side's part in it.
//
// It uses node:perf_hooks rather than the global, which is loaded when it is first read: a cell killed at
// that moment leaves it undefined.
import { performance } from "node:perf_hooks";

/** A compiled WebAssembly kernel, as all threads call it. */
export type AnyKernel = (begin: number, end: number, ...args: number[]) => void;

/**
 * The state of a thread. A command changes only while no thread is `RUNNING`. A thread reads it only
 * while `RUNNING`, and after checking that the sequence number is still the one it woke up for. So a
 * thread that wakes late finds the number changed, and never a half-written command.
 */
export const STARTING = 0;
export const IDLE = 1;
export const RUNNING = 2;
export const DEAD = 3;

/**
 * The values of `TROUBLE`, the worst last: a thread died at rest, it never started, or its work is
 * lost.
 */
const GONE = 1;
export const UNSTARTED = 2;
export const FAILED = 3;

/** The words of the block. */
const SEQUENCE = 0;
const NEXT = 1;
const SLEEPERS = 2;
const AWAITED = 3;
const STOP = 4;
const TROUBLE = 5;
const CLAIMED = 6;
const TEXT_LENGTH = 7;
const STATES = 16;
/** The numbers of a command: which kernel, units, units per chunk, chunks, arguments. */
const HEAD = 5;
const MOST_ARGUMENTS = 24;
const TEXT_BYTES = 512;

/** How long a thread spins for its next command before it sleeps, in milliseconds. */
const SPIN = 0.05;

/** Tells the processor that this is a spin loop; older versions of Node have no such function. */
const pause = (Atomics as { readonly pause?: () => void }).pause ?? (() => {});

/** Spins until a word is no longer `value`. @returns whether it changed in time */
function changes(words: Int32Array, at: number, value: number): boolean {
  const until = performance.now() + SPIN;
  do {
    for (let k = 0; k < 16; k++) {
      if (Atomics.load(words, at) !== value) return true;
      pause();
    }
  } while (performance.now() < until);
  return false;
}

/** The shared block: sequence number (odd while a command is open), chunk counter, thread states. */
export class CommandBlock {
  readonly buffer: SharedArrayBuffer;
  /** The number of threads, besides the main one. */
  readonly threads: number;
  readonly #words: Int32Array;
  readonly #command: Float64Array;
  readonly #text: Uint8Array;

  /** @param buffer the buffer of another thread's block; a new one by default */
  constructor(threads: number, buffer?: SharedArrayBuffer) {
    const commandAt = Math.ceil((STATES + threads) / 2) * 8;
    const textAt = commandAt + (HEAD + MOST_ARGUMENTS) * 8;
    this.threads = threads;
    this.buffer = buffer ?? new SharedArrayBuffer(textAt + TEXT_BYTES);
    this.#words = new Int32Array(this.buffer, 0, STATES + threads);
    this.#command = new Float64Array(this.buffer, commandAt, HEAD + MOST_ARGUMENTS);
    this.#text = new Uint8Array(this.buffer, textAt, TEXT_BYTES);
  }

  /** Main thread: posts a command. It must be called when none is open and no thread runs. */
  post(kernel: number, units: number, chunk: number, args: readonly number[]): void {
    if (args.length > MOST_ARGUMENTS) throw new RangeError(`a kernel of ${args.length} arguments`);
    const words = this.#words;
    const chunks = Math.ceil(units / chunk);
    this.#command.set([kernel, units, chunk, chunks, args.length, ...args]);
    Atomics.store(words, NEXT, 0);
    Atomics.add(words, SEQUENCE, 1);
    if (Atomics.load(words, SLEEPERS) > 0) Atomics.notify(words, SEQUENCE, chunks - 1);
  }

  /** Any thread: works on chunks until none is left or the command is closed. */
  work(kernels: readonly AnyKernel[], sequence = Atomics.load(this.#words, SEQUENCE)): void {
    const command = this.#command;
    const run = kernels[command[0]!]!;
    const [units, chunk, chunks] = [command[1]!, command[2]!, command[3]!];
    const args = Array.from(command.subarray(HEAD, HEAD + command[4]!));
    while (Atomics.load(this.#words, SEQUENCE) === sequence) {
      const ticket = Atomics.add(this.#words, NEXT, 1);
      if (!(ticket < chunks)) return;
      // Starts at the end: the last chunk is ragged, and such rows take longest.
      const begin = (chunks - 1 - ticket) * chunk;
      run(begin, Math.min(units, begin + chunk), ...args);
    }
  }

  /** Main thread: closes the open command, if there is one, so that no more of its chunks are begun. */
  close(): void {
    const sequence = Atomics.load(this.#words, SEQUENCE);
    if (sequence & 1) Atomics.store(this.#words, SEQUENCE, (sequence + 1) | 0);
  }

  state(thread: number): number {
    return Atomics.load(this.#words, STATES + thread);
  }

  /**
   * Main thread: waits until a thread is not running.
   * @param milliseconds the longest time to wait
   * @returns whether it is not running
   */
  rests(thread: number, milliseconds: number): boolean {
    const [words, at] = [this.#words, STATES + thread];
    if (this.state(thread) !== RUNNING || changes(words, at, RUNNING)) return true;
    Atomics.store(words, AWAITED, 1);
    const rests = Atomics.wait(words, at, RUNNING, milliseconds) !== "timed-out";
    Atomics.store(words, AWAITED, 0);
    return rests;
  }

  /** Thread `thread`: serves commands until the block is stopped. */
  serve(thread: number, kernels: readonly AnyKernel[]): void {
    const [words, at] = [this.#words, STATES + thread];
    Atomics.store(words, at, IDLE);
    for (let seen = 0; !this.stopped; ) {
      this.#sleepWhile(seen);
      seen = Atomics.load(words, SEQUENCE);
      if (!(seen & 1)) continue;
      Atomics.store(words, at, RUNNING);
      // From here on, the main thread waits for this one before it writes another command.
      if (Atomics.load(words, SEQUENCE) === seen) {
        try {
          this.work(kernels, seen);
        } catch (error) {
          this.fail(error instanceof Error ? error.message : String(error));
        }
      }
      Atomics.store(words, at, IDLE);
      if (Atomics.load(words, AWAITED)) Atomics.notify(words, at);
    }
  }

  #sleepWhile(sequence: number): void {
    const words = this.#words;
    if (changes(words, SEQUENCE, sequence)) return;
    Atomics.add(words, SLEEPERS, 1);
    Atomics.wait(words, SEQUENCE, sequence);
    Atomics.sub(words, SLEEPERS, 1);
  }

  /** Ends all threads that share this block, once they have finished their current work. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    // The number is even again: nothing is open.
    Atomics.add(this.#words, SEQUENCE, 2);
    Atomics.notify(this.#words, SEQUENCE);
  }

  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  /** The keeper: reports that a thread ended. Its current work is lost; an idle thread loses nothing. */
  died(thread: number, why: string): void {
    const at = STATES + thread;
    const before = Atomics.load(this.#words, at);
    if (before === IDLE) this.#trouble(GONE);
    else if (before !== DEAD) this.fail(why, before === STARTING ? UNSTARTED : FAILED);
    Atomics.store(this.#words, at, DEAD);
    Atomics.notify(this.#words, at);
  }

  /** Any thread: reports that the command or a thread failed. The main thread gets the first reason. */
  fail(why: string, trouble = FAILED): void {
    if (Atomics.exchange(this.#words, CLAIMED, 1) === 0) {
      const bytes = new TextEncoder().encode(why).subarray(0, TEXT_BYTES);
      this.#text.set(bytes);
      Atomics.store(this.#words, TEXT_LENGTH, bytes.length);
    }
    this.#trouble(trouble);
  }

  /** Records trouble; lesser trouble does not hide what is worse. */
  #trouble(trouble: number): void {
    const before = this.trouble;
    if (before >= trouble) return;
    const found = Atomics.compareExchange(this.#words, TROUBLE, before, trouble);
    if (found !== before) this.#trouble(trouble);
  }

  /** 0 if there is none. */
  get trouble(): number {
    return Atomics.load(this.#words, TROUBLE);
  }

  get reason(): string {
    // A decoder does not accept shared bytes.
    return new TextDecoder().decode(this.#text.slice(0, Atomics.load(this.#words, TEXT_LENGTH)));
  }
}
