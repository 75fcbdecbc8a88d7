// The engine: the compiled kernels on the shared memory, in the flavour that suits this machine.
import { existsSync, readFileSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { factsOf, type KERNELS, type KernelName } from "./kernels.ts";
import { link } from "./link.ts";
import { Memory } from "./memory.ts";
import type { Profiler } from "./profiler.ts";
import { KernelError, type Linked, Threads } from "./threads.ts";
import { chunkOf, SMALLEST_CHUNK } from "./work.ts";

/** `fma`: multiply-add rounds once (relaxed SIMD). `simd`: it rounds twice; slower. */
export type Flavour = "fma" | "simd";

/**
 * A WebAssembly kernel. It computes outputs begin <= unit < end, which no other range writes. Arguments
 * are numbers: addresses in the shared memory, sizes, factors.
 */
type Kernel = (begin: number, end: number, ...args: number[]) => void;

/** The compiled kernels by name. */
export type Kernels = { readonly [Name in KernelName]: Kernel };

/** What a kernel takes after `begin` and `end`: one number for each name in the table. */
type Arguments<Name extends KernelName> = Parameters<(typeof KERNELS)[Name]["cost"]>[0];

interface Exports extends Kernels {
  readonly multiplyAdd: (a: number, b: number, c: number) => number;
  readonly ELEMENTS_A_UNIT: WebAssembly.Global;
  readonly NODES_A_BLOCK: WebAssembly.Global;
  readonly NODES_A_UNIT: WebAssembly.Global;
  readonly ROWS_A_BLOCK: WebAssembly.Global;
}

/** The compiled kernels, the memory that they share, and the threads that run them. */
export class Engine {
  readonly flavour: Flavour;
  readonly memory: Memory;
  /** How many elements of a parameter `descend` counts as one unit. */
  readonly elementsAUnit: number;
  /** How many nodes' distances the kernels of layer pairs sum together. */
  readonly nodesABlock: number;
  /** How many nodes `narrowForward` and similar kernels work on together. */
  readonly nodesAUnit: number;
  /** How many rows `similarityMismatch` works on with one row of scratch memory. */
  readonly rowsABlock: number;
  /** The kernels themselves, for callers that split the work; all others use run(). */
  readonly kernels: Kernels;
  /** For tests: 0 splits even the smallest piece of work. */
  smallestChunk = SMALLEST_CHUNK;
  /** Gets each kernel's begin and end while a timing profile is recorded. */
  profiler: Profiler | undefined;
  readonly #linked: Linked;
  #threads: Threads;

  /**
   * @param wanted a flavour; by default `fma` if the self-test passes, otherwise `simd`
   * @param memory for tests: a memory with a lower limit
   * @param threads how many threads compute, including the calling one
   */
  constructor(wanted?: Flavour, memory = new Memory(), threads = 1) {
    this.memory = memory;
    const { flavour, linked } = chooseFlavour(memory.wasm, wanted);
    this.flavour = flavour;
    this.#linked = linked;
    const exports = linked.exports as unknown as Exports;
    this.kernels = exports;
    this.elementsAUnit = exports.ELEMENTS_A_UNIT.value as number;
    this.nodesABlock = exports.NODES_A_BLOCK.value as number;
    this.nodesAUnit = exports.NODES_A_UNIT.value as number;
    this.rowsABlock = exports.ROWS_A_BLOCK.value as number;
    this.#threads = new Threads(threads - 1, linked);
    memory.beforeUse = () => this.settle();
  }

  /** How many threads compute, including the calling one. No result depends on it. */
  get threads(): number {
    return this.#threads.count + 1;
  }

  set threads(count: number) {
    if (count === this.threads) return;
    this.close();
    this.#threads = new Threads(count - 1, this.#linked);
  }

  /**
   * Runs a kernel over outputs 0 .. units - 1. Work is split only here, and may be split anywhere,
   * because no unit depends on another.
   * @throws KernelError if the kernel traps, or a thread dies while running it
   */
  run<Name extends KernelName>(kernel: Name, units: number, ...args: Arguments<Name>): void {
    this.#run(kernel, units, args);
  }

  #run(kernel: KernelName, units: number, args: number[]): void {
    if (units <= 0) return;
    const { profiler } = this;
    if (profiler) {
      this.#record(profiler, kernel, units, args);
      return;
    }
    const threads = this.#threads;
    const chunk = this.#chunk(kernel, units, args);
    if (chunk < units) {
      threads.run(kernel, units, chunk, args);
      return;
    }
    threads.settle();
    try {
      this.kernels[kernel](0, units, ...args);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new KernelError(kernel, why, { cause });
    }
  }

  #record(profiler: Profiler, kernel: KernelName, units: number, args: number[]): void {
    profiler.begin("kernel", kernel);
    // #run() does the recording itself; without a profile it costs no more than this check.
    this.profiler = undefined;
    try {
      this.#run(kernel, units, args);
    } finally {
      this.profiler = profiler;
      profiler.end(() => factsOf(kernel).traffic(args, units, this.memory.word));
    }
  }

  /** Whether run() would share this work among threads; work in stages must then be run stage by stage. */
  splits<Name extends KernelName>(kernel: Name, units: number, ...args: Arguments<Name>): boolean {
    return this.#chunk(kernel, units, args) < units;
  }

  #chunk(kernel: KernelName, units: number, args: readonly number[]): number {
    return this.#threads.count > 0 ? chunkOf(kernel, units, args, this) : units;
  }

  /** Waits for threads that an interrupt left at work. */
  settle(): void {
    this.#threads.settle();
  }

  /** Ends the threads; the next large operator starts new ones. @returns when they have ended */
  close(): Promise<void> {
    this.settle();
    return this.#threads.close();
  }
}

function chooseFlavour(
  memory: WebAssembly.Memory,
  wanted: Flavour | undefined,
): { flavour: Flavour; linked: Linked } {
  if (wanted !== "simd") {
    const linked = instantiate("fma", memory);
    if (linked && roundsOnce(linked.exports as unknown as Exports))
      return { flavour: "fma", linked };
    if (wanted === "fma") {
      throw new UserError("the fma flavour needs relaxed SIMD with a fused multiply-add; use simd");
    }
  }
  const linked = instantiate("simd", memory);
  if (!linked) throw new UserError("this Node has no WebAssembly SIMD; Node 20.19 or later does");
  return { flavour: "simd", linked };
}

/** (1 + 2^-13)^2 - (1 + 2^-12) is 2^-26, but 0 if the product is rounded first. */
function roundsOnce(exports: Exports): boolean {
  const a = 1 + 2 ** -13;
  return exports.multiplyAdd(a, a, -(1 + 2 ** -12)) === 2 ** -26;
}

/** Instantiates a flavour's module; undefined if this runtime does not know its instructions. */
function instantiate(flavour: Flavour, memory: WebAssembly.Memory): Linked | undefined {
  const file = new URL(`../../../build/engine.${flavour}.wasm`, import.meta.url);
  if (!existsSync(file)) {
    throw new UserError(
      `the engine is not built: build/engine.${flavour}.wasm is missing; run: npm run prepare`,
    );
  }
  const bytes = readFileSync(file);
  if (!WebAssembly.validate(bytes)) return undefined;
  const module = new WebAssembly.Module(bytes);
  return { module, memory, exports: link(module, memory) };
}
