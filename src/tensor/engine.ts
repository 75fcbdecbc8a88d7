// The engine: the compiled kernels over the shared memory, in the flavour that this machine has.
import { existsSync, readFileSync } from "node:fs";
import { UserError } from "../errors.ts";
import { Memory } from "./memory.ts";

/** `fma`: multiply-add rounds once (relaxed SIMD). `simd`: it rounds twice; slower. */
export type Flavour = "fma" | "simd";

/**
 * A kernel: works on outputs begin <= unit < end, which no other range writes. Arguments are
 * numbers: addresses in the shared memory, sizes, factors.
 */
type Kernel = (begin: number, end: number, ...args: number[]) => void;

/** The compiled module's exports; src/tensor/assembly documents each kernel's arguments. */
export interface Kernels {
  readonly adam: Kernel;
  readonly applyBits: Kernel;
  readonly arcCrossEntropy: Kernel;
  readonly arcDifferences: Kernel;
  readonly arcPairs: Kernel;
  readonly arcProducts: Kernel;
  readonly combine: Kernel;
  readonly combineRows: Kernel;
  readonly contrastRows: Kernel;
  readonly crossEntropy: Kernel;
  readonly dropout: Kernel;
  readonly gather: Kernel;
  readonly multiply: Kernel;
  readonly pairDistances: Kernel;
  readonly product: Kernel;
  readonly productTransposedA: Kernel;
  readonly relu: Kernel;
  readonly scale: Kernel;
  readonly similarities: Kernel;
  readonly similarityMismatch: Kernel;
  readonly sparseProduct: Kernel;
  readonly sumColumns: Kernel;
  readonly sumRows: Kernel;
  readonly tanh: Kernel;
  readonly transposeDense: Kernel;
  readonly unitRows: Kernel;
  readonly unitRowsGradient: Kernel;
}

interface Exports extends Kernels {
  readonly multiplyAdd: (a: number, b: number, c: number) => number;
  readonly NODES_A_BLOCK: WebAssembly.Global;
  readonly ROWS_A_BLOCK: WebAssembly.Global;
}

/** The compiled kernels and the memory that they share. */
export class Engine {
  readonly flavour: Flavour;
  readonly memory: Memory;
  /** Nodes whose distances `pairDistances` sums together. */
  readonly nodesABlock: number;
  /** Rows that `similarityMismatch` works on with one row of scratch memory. */
  readonly rowsABlock: number;
  /** The kernels themselves, for whoever splits their work: run() is for all others. */
  readonly kernels: Kernels;

  /**
   * @param wanted a flavour; by default `fma` where the self-test passes, else `simd`
   * @param memory for tests: a memory with a lower limit
   */
  constructor(wanted?: Flavour, memory = new Memory()) {
    this.memory = memory;
    const { flavour, exports } = chooseFlavour(memory, wanted);
    this.flavour = flavour;
    this.kernels = exports;
    this.nodesABlock = exports.NODES_A_BLOCK.value as number;
    this.rowsABlock = exports.ROWS_A_BLOCK.value as number;
  }

  /**
   * Runs a kernel over outputs 0 .. units - 1. The one place where work is split: whoever
   * splits it may do so anywhere, for no unit depends on another.
   */
  run(kernel: keyof Kernels, units: number, ...args: number[]): void {
    if (units > 0) this.kernels[kernel](0, units, ...args);
  }
}

function chooseFlavour(
  memory: Memory,
  wanted: Flavour | undefined,
): { flavour: Flavour; exports: Exports } {
  if (wanted !== "simd") {
    const exports = instantiate("fma", memory);
    if (exports && roundsOnce(exports)) return { flavour: "fma", exports };
    if (wanted === "fma") {
      throw new UserError("the fma flavour needs relaxed SIMD with a fused multiply-add; use simd");
    }
  }
  const exports = instantiate("simd", memory);
  if (!exports) throw new UserError("this Node has no WebAssembly SIMD; Node 20.19 or later does");
  return { flavour: "simd", exports };
}

/** (1 + 2^-13)^2 - (1 + 2^-12) is 2^-26, and 0 when the product is rounded first. */
function roundsOnce(exports: Exports): boolean {
  const a = 1 + 2 ** -13;
  return exports.multiplyAdd(a, a, -(1 + 2 ** -12)) === 2 ** -26;
}

/** The module of a flavour, or undefined where this runtime does not know its instructions. */
function instantiate(flavour: Flavour, memory: Memory): Exports | undefined {
  const file = new URL(`../../build/engine.${flavour}.wasm`, import.meta.url);
  if (!existsSync(file)) {
    throw new UserError(
      `the engine is not built: build/engine.${flavour}.wasm is missing; run: npm run prepare`,
    );
  }
  const bytes = readFileSync(file);
  if (!WebAssembly.validate(bytes)) return undefined;
  const imports = { env: { memory: memory.wasm, abort: trap } };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports);
  return instance.exports as unknown as Exports;
}

function trap(): never {
  throw new Error("a kernel of the engine aborted: please report this with what you ran");
}
