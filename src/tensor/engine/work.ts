// How finely to split a kernel's work among threads.
import type { Words } from "./kernel-facts.ts";
import { factsOf, type KernelName } from "./kernels.ts";

/**
 * In nanoseconds: a chunk of less work is not worth its ticket, and an operator of fewer than
 * `FEWEST_CHUNKS` such chunks is not worth waking a thread for (bench/threads.ts measures both).
 */
export const SMALLEST_CHUNK = 20_000;
const FEWEST_CHUNKS = 4;
/** The most chunks per thread; if a thread is late, the others share the rest of its work. */
const CHUNKS_A_THREAD = 4;

export interface Splitting {
  readonly threads: number;
  /** SMALLEST_CHUNK, or 0 in tests. */
  readonly smallestChunk: number;
  readonly memory: { word: Words };
}

/** Returns how many units a chunk has; all of them if the work is not worth splitting. */
export function chunkOf(
  kernel: KernelName,
  units: number,
  args: readonly number[],
  { threads, smallestChunk, memory }: Splitting,
): number {
  const { grain, chunksAThread = CHUNKS_A_THREAD, cost } = factsOf(kernel);
  // Empty sums cost almost nothing.
  const each = Math.max(0.1, cost(args, units, memory.word));
  if (each * units < FEWEST_CHUNKS * smallestChunk) return units;
  const most = Math.min(threads * chunksAThread, (each * units) / smallestChunk);
  // Every thread gets equally many: with one more chunk, all would wait for the thread that takes it.
  const chunks = Math.ceil(most / threads) * threads;
  return Math.min(units, Math.ceil(units / chunks / grain) * grain);
}

/**
 * Whether a product's B is so wide that packing it with packPanels pays for the copy: at
 * 500 x 500 from about 150 rows on, at 256 x 256 never.
 */
export function worthPacking(rows: number, inner: number, columns: number): boolean {
  return rows >= 256 && inner * columns > 2 ** 17;
}
