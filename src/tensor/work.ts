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
export type Words = (address: number) => number;

const elementwise = (nanoseconds: number): Work => ({ grain: 16, unit: () => nanoseconds });

/** What a row of B costs for each row of A: columns that fill no vector cost most. */
const tileRow = (columns: number): number => 0.04 * columns + 0.95 * (columns % 4);

/** The stored entries of a sparse matrix's first rows. */
export const entriesOf = (indptr: number, rows: number, words: Words): number =>
  words(indptr + rows * 4) - words(indptr);

/** What a kernel of narrow layers works on. */
interface NarrowShape {
  readonly rows: number;
  readonly width: number;
  readonly entries: number;
  readonly indexBytes: number;
}

/** By the plan of narrow convolutions; its words are src/tensor/narrow.ts's. */
export function narrowShape(plan: number, words: Words): NarrowShape {
  const [rows, starts] = [words(plan), words(plan + 12)];
  const entries = entriesOf(starts, rows, words);
  return { rows, width: words(plan + 4), entries, indexBytes: words(plan + 24) };
}

/** By the arguments of `narrowProduct`. */
export function narrowProductShape(args: readonly number[], words: Words): NarrowShape {
  const [starts, , , , , , width, , rows, blocks, , indexBytes] = args as number[];
  const entries = entriesOf(starts!, rows! * blocks!, words);
  return { rows: rows!, width: width!, entries, indexBytes: indexBytes! };
}

/** A row's share of what each entry of a sparse matrix costs, of `columns` numbers each. */
const sparseRow =
  (entry: number, number = 0, columnsAt = 0): Work["unit"] =>
  (args, units, words) => {
    const entries = entriesOf(args[0]!, units, words);
    return 3 + (entries / units) * (entry + number * args[columnsAt]!);
  };

/** A stage of narrow convolutions for 256 nodes. */
const narrowUnit: Work["unit"] = ([plan], _, words) => {
  const { rows, width, entries } = narrowShape(plan!, words);
  return (256 * (4 + 0.3 * width * width + (entries * (1 + 0.1 * width)) / rows)) | 0;
};

/** By kernel; arguments are counted after begin and end, as the kernels' sources name them. */
const WORK: Readonly<Record<keyof Kernels, Work>> = {
  arcCrossEntropy: { grain: 4, unit: sparseRow(15) },
  arcDifferences: { grain: 4, unit: sparseRow(1, 0.2, 5) },
  arcPairs: { grain: 4, unit: sparseRow(2, 0.2, 4) },
  arcProducts: { grain: 4, unit: sparseRow(2, 0.2, 5) },
  // Groups of 32 elements.
  applyBits: { grain: 4, unit: () => 13 },
  combine: elementwise(0.3),
  combineRows: { grain: 4, unit: ([, , , columns]) => 2 + 0.25 * columns! },
  contrastRows: { grain: 4, unit: ([, , columns]) => 20 + 2 * columns! },
  crossEntropy: { grain: 8, unit: ([, , , , , , classes]) => 15 + 3 * classes! },
  // Units of 64 elements.
  descend: { grain: 1, unit: () => 64 },
  // Sixteen groups at rate 1/2 share their random words.
  dropout: {
    grain: 16,
    unit: ([, , , , , threshold]) => (threshold === 0x8000 ? 14 : threshold ? 42 : 10),
  },
  gather: elementwise(1.5),
  gcniiBackward: {
    grain: 1,
    chunksAThread: 16,
    unit: ([rows, , width]) => rows! * width! * (1 + 0.08 * width!),
  },
  gcniiForward: {
    grain: 1,
    chunksAThread: 16,
    unit: ([rows, , width]) => rows! * width! * (2 + 0.04 * width!),
  },
  gcniiWeightGradient: {
    grain: 4,
    unit: ([, , width, blocks]) => 0.5 * width! * blocks!,
  },
  layerRows: { grain: 1, unit: ([, , , , inner, columns]) => 0.12 * inner! * columns! },
  layerRowsGradient: { grain: 4, unit: ([, , , , , , columns]) => 3 + 0.2 * columns! },
  multiply: elementwise(0.3),
  // Units of 256 nodes.
  narrowBackward: { grain: 1, unit: narrowUnit },
  narrowForward: { grain: 1, unit: narrowUnit },
  narrowHead: { grain: 16, unit: ([, , , , width, classes]) => 3 + 0.15 * width! * classes! },
  narrowHeadGradient: {
    grain: 1,
    unit: ([, , , , , , width, classes]) => 256 * (5 + 0.3 * width! * classes!),
  },
  narrowProduct: {
    grain: 4,
    unit: (args, _, words) => {
      const { rows, width, entries } = narrowProductShape(args, words);
      return 3 + (entries / rows) * (0.35 + 0.05 * width);
    },
  },
  // Panels of 8 columns.
  packPanels: { grain: 1, unit: ([, , inner]) => 6 * inner! },
  // Blocks of 32 nodes.
  pairDistances: {
    grain: 1,
    unit: ([, , , , , , teacherLayers, studentLayers, width]) =>
      32 * 0.09 * teacherLayers! * studentLayers! * width!,
  },
  pairRegression: {
    grain: 1,
    unit: ([, , , , , , , teacherLayers, studentLayers, width, studentWidth]) =>
      32 * (0.09 * teacherLayers! + 0.3 * studentWidth!) * studentLayers! * width!,
  },
  product: { grain: 6, unit: ([, , , inner, columns]) => 2 + inner! * tileRow(columns!) },
  productTransposedA: {
    grain: 6,
    chunksAThread: 2,
    unit: ([, , , rows, , columns]) => 2 + rows! * tileRow(columns!),
  },
  relu: elementwise(0.3),
  // Blocks of 32 nodes.
  scalarPairs: {
    grain: 1,
    unit: ([, , , , , , , , teacherLayers, studentLayers, width]) =>
      32 * teacherLayers! * (0.2 * width! + studentLayers!),
  },
  scale: elementwise(0.3),
  similarities: { grain: 4, unit: ([, , nodes, width]) => nodes! * (1 + 0.15 * width!) },
  similarityMismatch: {
    grain: 1,
    // Blocks of 32 rows.
    unit: ([, , , , , , nodes, width]) => 32 * nodes! * (1 + 0.5 * width!),
  },
  softCrossEntropy: { grain: 16, unit: ([, , , , classes]) => 15 + 3 * classes! },
  sparseProduct: {
    grain: 1,
    // Rows and entries.
    unit: ([rows, , , , , , columns], units) =>
      (3 * rows! + (units - rows!) * (0.9 + 0.1 * columns!)) / units,
  },
  sumColumns: { grain: 16, unit: ([, , reduced]) => 0.25 * reduced! },
  sumRows: { grain: 16, unit: ([, , reduced]) => 3 + 0.15 * reduced! },
  tanh: elementwise(2),
  transposeDense: { grain: 16, unit: ([, , , columns]) => 1.2 * columns! },
  unitRows: { grain: 4, unit: ([, , , columns]) => 5 + 0.3 * columns! },
  unitRowsGradient: { grain: 4, unit: ([, , , , columns]) => 5 + 0.3 * columns! },
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
