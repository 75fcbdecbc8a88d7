// How finely a kernel's work is worth splitting among threads.
import { factsOf, type KernelName, type Words } from "./kernels.ts";

/**
 * Nanoseconds: a chunk of less work is not worth its ticket, and an operator of fewer than
 * `FEWEST_CHUNKS` such chunks not the waking of a thread (bench/threads.ts measures both).
 */
export const SMALLEST_CHUNK = 20_000;
const FEWEST_CHUNKS = 4;
/** At most so many chunks a thread: the rest of a late one is shared by the others. */
const CHUNKS_A_THREAD = 4;

export interface Splitting {
  readonly threads: number;
  /** SMALLEST_CHUNK, or 0 in tests. */
  readonly smallestChunk: number;
  readonly memory: { word: Words };
}

/** How many units a chunk has; all of them where the work is not worth splitting. */
export function chunkOf(
  kernel: KernelName,
  units: number,
  args: readonly number[],
  { threads, smallestChunk, memory }: Splitting,
): number {
  const { grain, chunksAThread = CHUNKS_A_THREAD, cost } = factsOf(kernel);
  // Sums of nothing cost next to nothing.
  const each = Math.max(0.1, cost(args, units, memory.word));
  if (each * units < FEWEST_CHUNKS * smallestChunk) return units;
  const most = Math.min(threads * chunksAThread, (each * units) / smallestChunk);
  // As many for each thread: with one more, all would wait for whoever takes it.
  const chunks = Math.ceil(most / threads) * threads;
  return Math.min(units, Math.ceil(units / chunks / grain) * grain);
}

/**
 * Whether a product's B is so wide that reading it as packPanels leaves it pays for the copy: at
 * 500 x 500 from some 150 rows on, at 256 x 256 never.
 */
export function worthPacking(rows: number, inner: number, columns: number): boolean {
  return rows >= 256 && inner * columns > 2 ** 17;
}
