// What a kernel moves and computes, by its arguments: bytes read and written, operations.
import type { Kernels } from "./engine.ts";
import { entriesOf, narrowProductShape, narrowShape, type Words } from "./work.ts";

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

type Count = (args: readonly number[], units: number, words: Words) => Traffic;

/** So many numbers an element read and written, and operations. */
const elements =
  (numbers: number, operations?: number): Count =>
  (_, units) => ({
    bytes: 4 * numbers * units,
    ...(operations !== undefined && { operations: operations * units }),
  });

/** A sparse product's: each entry's index, number and gathered row; each row's pointer. */
const sparse = (
  entries: number,
  rows: number,
  columns: number,
  indexBytes = 4,
): Required<Traffic> => ({
  bytes: entries * (indexBytes + 4 * (1 + columns)) + 4 * rows,
  operations: 2 * entries * columns,
});

/** Stages of narrow convolutions. */
const narrowStages: Count = ([plan, first, last], _, words) => {
  const { rows, width, entries, indexBytes } = narrowShape(plan!, words);
  const { bytes, operations } = sparse(entries, rows, width, indexBytes);
  const stages = last! - first!;
  return {
    bytes: stages * (bytes + 12 * rows * width),
    operations: stages * (operations + 2 * rows * width * width),
  };
};

/** The row pointers being argument 0: as `sparse`, and for each row `rows` rows. */
const gathered =
  (columnsAt: number, rows: number, operations: number): Count =>
  (args, units, words) => {
    const [entries, columns] = [entriesOf(args[0]!, units, words), args[columnsAt]!];
    return {
      bytes: sparse(entries, units, columns).bytes + 4 * rows * units * columns,
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
  applyBits: ([, , , size]) => ({ bytes: (8 + 1 / 8) * size!, operations: size! }),
  arcCrossEntropy: (args, units, words) => ({
    bytes: 4 * (3 * entriesOf(args[0]!, units, words) + 2 * units),
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
  // Units of 64 elements.
  descend: elements(7 * 64, 15 * 64),
  dropout: ([, , bits, size]) => ({ bytes: (8 + (bits ? 1 / 8 : 0)) * size! }),
  gather: elements(3),
  // Operations as if no zero was skipped.
  gcniiBackward: ([, nodes, width, indptr, , , above, , , tap], units, words) => {
    const entries = above ? entriesOf(indptr!, nodes!, words) : 0;
    const { bytes, operations } = sparse(entries, nodes!, width!);
    const size = nodes! * width!;
    return {
      bytes: bytes + 4 * (size * (tap ? 5 : 4) + units * width! * width!),
      operations: operations + 4 * size * width!,
    };
  },
  gcniiForward: ([, nodes, width, indptr, , , , , , , map, next], _, words) => {
    const { bytes, operations } = sparse(entriesOf(indptr!, nodes!, words), nodes!, width!);
    const size = nodes! * width!;
    return {
      bytes: bytes + 4 * size * (next && next !== map ? 4 : 3),
      operations: operations + 2 * size * width!,
    };
  },
  gcniiWeightGradient: ([, , width, blocks], units) => ({
    bytes: 4 * units * width! * (blocks! + 1),
    operations: units * width! * blocks!,
  }),
  layerRows: ([, , , , inner, columns], units) => ({
    bytes: 4 * units * (inner! + inner! * columns! + 2 * columns!),
    operations: 2 * units * inner! * columns!,
  }),
  layerRowsGradient: ([, , , , dx, , columns], units) => ({
    bytes: 4 * units * columns! * (dx ? 2 : 1),
    operations: units * columns! * (dx ? 3 : 1),
  }),
  multiply: elements(3, 1),
  narrowBackward: narrowStages,
  narrowForward: narrowStages,
  narrowHead: ([, , , , width, classes], units) => ({
    bytes: 4 * units * (width! + classes!),
    operations: 2 * units * width! * classes!,
  }),
  narrowHeadGradient: ([, , , , , nodes, width, classes]) => ({
    bytes: 4 * nodes! * (2 * width! + classes!),
    operations: 4 * nodes! * width! * classes!,
  }),
  narrowProduct: (args, _, words) => {
    const { rows, width, entries, indexBytes } = narrowProductShape(args, words);
    const { bytes, operations } = sparse(entries, rows, width, indexBytes);
    return { bytes: bytes + 4 * rows * width, operations };
  },
  packPanels: ([, , inner, columns]) => ({ bytes: 8 * inner! * columns! }),
  pairDistances: ([, , , , sums, nodes, teacherLayers, studentLayers, width]) => ({
    bytes: 4 * nodes! * width! * (teacherLayers! + (sums ? 2 : 1) * studentLayers!),
    operations: (sums ? 5 : 3) * nodes! * width! * teacherLayers! * studentLayers!,
  }),
  pairRegression: ([, , , , , , nodes, teachers, students, width, studentWidth, direct]) => ({
    bytes: 4 * nodes! * (teachers! * width! + 2 * students! * studentWidth!),
    operations: nodes! * students! * width! * (teachers! * (direct ? 6 : 4) + 6 * studentWidth!),
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
  scalarPairs: ([, , , , , , , nodes, teachers, students, width, studentWidth]) => ({
    bytes: 4 * nodes! * (teachers! * width! + 2 * students! * studentWidth!),
    operations:
      nodes! * (4 * teachers! * width! + 5 * teachers! * students! + 4 * students! * studentWidth!),
  }),
  scale: elements(2, 1),
  similarities: ([, , nodes, width], units) => ({
    bytes: 4 * nodes! * (width! + units),
    operations: 2 * units * nodes! * width!,
  }),
  similarityMismatch: ([, , , , , , nodes, width]) => ({
    bytes: 4 * nodes! * (2 * width! + nodes!),
    operations: 4 * nodes! * nodes! * width!,
  }),
  softCrossEntropy: ([, , , , classes], units) => ({ bytes: 4 * units * (1 + 3 * classes!) }),
  // Units are rows and entries.
  sparseProduct: ([rows, , , , , , columns, , q, residual], units) => {
    const { bytes, operations } = sparse(units - rows!, rows!, columns!);
    return { bytes: bytes + 4 * rows! * columns! * (q && residual ? 2 : 1), operations };
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
