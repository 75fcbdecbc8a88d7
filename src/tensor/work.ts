// What a kernel's work costs, and how finely it is worth splitting among threads.
import type { Kernels } from "./engine.ts";

/**
 * Nanoseconds: a chunk of less work is not worth its ticket, and an operator of fewer than
 * `FEWEST_CHUNKS` such chunks not the waking of a thread (bench/threads.ts measures both).
 */
export const SMALLEST_CHUNK = 20_000;
const FEWEST_CHUNKS = 4;
/** At most so many chunks a thread: the rest of a late one is shared by the others. */
const CHUNKS_A_THREAD = 4;

interface Work {
  /** Units that a chunk is a multiple of: a tile's rows, or what shares a line of the cache. */
  readonly grain: number;
  /** Where each chunk reads all of an operand again, fewer chunks a thread than usual. */
  readonly chunksAThread?: number;
  /** One unit's share, in nanoseconds on one core; only its order of magnitude matters. */
  unit(args: readonly number[], units: number, words: Words): number;
}

/** The 32-bit word at an address. */
type Words = (address: number) => number;

const elementwise = (nanoseconds: number): Work => ({ grain: 16, unit: () => nanoseconds });

/** What a row of B costs for each row of A: columns that fill no vector cost most. */
const tileRow = (columns: number): number => 0.04 * columns + 0.95 * (columns % 4);

/** By kernel; arguments are counted after begin and end, as the kernels' sources name them. */
const WORK: Readonly<Record<keyof Kernels, Work>> = {
  adam: elementwise(1),
  // Groups of 32 elements.
  applyBits: { grain: 4, unit: () => 13 },
  combine: elementwise(0.3),
  combineRows: { grain: 4, unit: ([, , , columns]) => 2 + 0.25 * columns! },
  crossEntropy: { grain: 8, unit: ([, , , , , , classes]) => 20 + 14 * classes! },
  dropout: { grain: 4, unit: ([, , , , , threshold]) => (threshold ? 42 : 10) },
  gather: elementwise(1.5),
  multiply: elementwise(0.3),
  pairDistances: {
    grain: 1,
    // Blocks of 32 nodes.
    unit: ([, , , , , , teacherLayers, studentLayers, width]) =>
      32 * 0.17 * teacherLayers! * studentLayers! * width!,
  },
  product: { grain: 6, unit: ([, , , inner, columns]) => 2 + inner! * tileRow(columns!) },
  productTransposedA: {
    grain: 6,
    chunksAThread: 2,
    unit: ([, , , rows, , columns]) => 2 + rows! * tileRow(columns!),
  },
  relu: elementwise(0.3),
  scale: elementwise(0.3),
  sparseProduct: {
    grain: 4,
    unit([indptr, , , , , columns], units, words) {
      const entries = words(indptr! + units * 4) - words(indptr!);
      return 3 + (entries / units) * (0.9 + 0.1 * columns!);
    },
  },
  sumColumns: { grain: 16, unit: ([, , reduced]) => 0.25 * reduced! },
  sumRows: { grain: 16, unit: ([, , reduced]) => 3 + 0.15 * reduced! },
  transposeDense: { grain: 16, unit: ([, , , columns]) => 1.2 * columns! },
};

export interface Splitting {
  readonly threads: number;
  /** SMALLEST_CHUNK, or 0 in tests. */
  readonly smallestChunk: number;
  readonly memory: { word: Words };
}

/** How many units a chunk has; all of them where the work is not worth splitting. */
export function chunkOf(
  kernel: keyof Kernels,
  units: number,
  args: readonly number[],
  { threads, smallestChunk, memory }: Splitting,
): number {
  const { grain, chunksAThread = CHUNKS_A_THREAD, unit } = WORK[kernel];
  // Sums of nothing cost next to nothing.
  const each = Math.max(0.1, unit(args, units, memory.word));
  if (each * units < FEWEST_CHUNKS * smallestChunk) return units;
  const least = Math.max(units / (threads * chunksAThread), smallestChunk / each);
  return Math.min(units, Math.ceil(least / grain) * grain);
}
