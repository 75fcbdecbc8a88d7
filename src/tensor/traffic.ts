// What a kernel moves and computes, by its arguments: bytes read and written, operations.
import type { Kernels } from "./engine.ts";

/** Of one call of a kernel. */
export interface Traffic {
  /**
   * Of operands and results: each array once, except that a row which a sparse matrix gathers counts
   * each time. Not what came from memory: much of it lies in caches.
   */
  readonly bytes: number;
  /** Floating-point; a multiply-add is two. Absent where exponentials make up the work. */
  readonly operations?: number;
}

/** The 32-bit word at an address. */
type Words = (address: number) => number;

type Count = (args: readonly number[], units: number, words: Words) => Traffic;

/** So many numbers an element read and written, and operations. */
const elements =
  (numbers: number, operations?: number): Count =>
  (_, units) => ({
    bytes: 4 * numbers * units,
    ...(operations !== undefined && { operations: operations * units }),
  });

/** The stored entries of a sparse matrix's first rows, its row pointers being argument 0. */
const entriesOf = (args: readonly number[], rows: number, words: Words): number =>
  words(args[0]! + rows * 4) - words(args[0]!);

/** For each entry its index, a number and a gathered row; for each row its pointer and `rows` rows. */
const gathered =
  (columnsAt: number, rows: number, operations: number): Count =>
  (args, units, words) => {
    const [entries, columns] = [entriesOf(args, units, words), args[columnsAt]!];
    return {
      bytes: 4 * (entries * (2 + columns) + units * (1 + rows * columns)),
      operations: operations * entries * columns,
    };
  };

/** Rows of `columns` numbers each. */
const rows =
  (columnsAt: number, numbers: number, operations?: number): Count =>
  (args, units) =>
    elements(numbers, operations)(args, units * args[columnsAt]!, () => 0);

/** By kernel; arguments are counted after begin and end, as the kernels' sources name them. */
const TRAFFIC: Readonly<Record<keyof Kernels, Count>> = {
  adam: elements(7, 14),
  applyBits: ([, , , size]) => ({ bytes: (8 + 1 / 8) * size!, operations: size! }),
  arcCrossEntropy: (args, units, words) => ({
    bytes: 4 * (3 * entriesOf(args, units, words) + 2 * units),
  }),
  arcDifferences: gathered(5, 2, 3),
  arcPairs: gathered(4, 1, 2),
  arcProducts: gathered(5, 1, 2),
  combine: elements(3, 3),
  combineRows: rows(3, 2, 3),
  contrastRows: rows(2, 2),
  crossEntropy: ([, , , , gradient, , classes], units) => ({
    bytes: 4 * units * (4 + classes! * (gradient ? 2 : 1)),
  }),
  dropout: ([, , bits, size]) => ({ bytes: (8 + (bits ? 1 / 8 : 0)) * size! }),
  gather: elements(3),
  multiply: elements(3, 1),
  pairDistances: ([, , , , sums, nodes, teacherLayers, studentLayers, width]) => ({
    bytes: 4 * nodes! * width! * (teacherLayers! + (sums ? 2 : 1) * studentLayers!),
    operations: (sums ? 5 : 3) * nodes! * width! * teacherLayers! * studentLayers!,
  }),
  product: ([, , , inner, columns, , q, , s], units) => ({
    bytes:
      4 * (units * inner! + inner! * columns! + units * columns! * (1 + (q ? 1 : 0) + (s ? 2 : 0))),
    operations: 2 * units * inner! * columns!,
  }),
  productTransposedA: ([, , , rows, , columns], units) => ({
    bytes: 4 * (rows! * units + rows! * columns! + units * columns!),
    operations: 2 * rows! * units * columns!,
  }),
  relu: elements(2, 1),
  scale: elements(2, 1),
  similarities: ([, , nodes, width], units) => ({
    bytes: 4 * nodes! * (width! + units),
    operations: 2 * units * nodes! * width!,
  }),
  similarityMismatch: ([, , , , , , nodes, width]) => ({
    bytes: 4 * nodes! * (2 * width! + nodes!),
    operations: 4 * nodes! * nodes! * width!,
  }),
  sparseProduct: (args, units, words) => {
    const [entries, columns] = [entriesOf(args, units, words), args[5]!];
    const residual = args[7] && args[8] ? 1 : 0;
    return {
      bytes: 4 * (entries * (2 + columns) + units * (1 + (1 + residual) * columns)),
      operations: 2 * entries * columns,
    };
  },
  sumColumns: ([, , reduced], units) => ({
    bytes: 4 * units * (reduced! + 1),
    operations: units * reduced!,
  }),
  sumRows: ([, , reduced], units) => ({
    bytes: 4 * units * (reduced! + 1),
    operations: units * reduced!,
  }),
  tanh: elements(2),
  transposeDense: rows(3, 2),
  unitRows: rows(3, 2, 3),
  unitRowsGradient: rows(4, 3, 5),
};

export function trafficOf(
  kernel: keyof Kernels,
  units: number,
  args: readonly number[],
  words: Words,
): Traffic {
  return TRAFFIC[kernel](args, units, words);
}
