// How the table of the WebAssembly kernels describes one: arguments by name, cost, what a call moves.

/** What one call of a kernel moves and computes. */
export interface Traffic {
  /**
   * Bytes of operands and results: each array once, except that a row gathered by a sparse matrix counts
   * each time. This is not memory traffic: much of it stays in caches.
   */
  readonly bytes: number;
  /** Floating-point operations; a multiply-add is two. Absent where exponentials dominate the work. */
  readonly operations?: number;
}

/** The 32-bit word at an address. */
export type Words = (address: number) => number;

/** What is known about a kernel. `A`: its arguments by name. */
export interface Facts<A> {
  /** A chunk is a multiple of this many units: a tile's rows, or what shares a cache line. */
  readonly grain: number;
  /** Fewer chunks per thread than usual, for kernels where each chunk rereads a whole operand. */
  readonly chunksAThread?: number;
  /** A unit's cost in nanoseconds on one core; only its order of magnitude matters. */
  readonly cost: (args: A, units: number, words: Words) => number;
  readonly traffic: (args: A, units: number, words: Words) => Traffic;
}

type Split<Names extends string> = Names extends `${infer First} ${infer Rest}`
  ? [First, ...Split<Rest>]
  : [Names];

type Numbers<Names extends readonly string[]> = { [K in keyof Names]: number };

/** A row of the table; `Values`: one number for each name. */
export interface Kernel<Values extends readonly number[]> extends Facts<Values> {
  readonly names: readonly string[];
}

/**
 * @param names the names of the arguments after `begin` and `end`, as in the kernel's source: capitals
 *   are addresses; for a sparse matrix, `P` are the rows' starts, `I` the columns, `V` the values
 */
export function kernel<const Names extends string>(
  names: Names,
  { cost, traffic, ...split }: Facts<Readonly<Record<Split<Names>[number], number>>>,
): Kernel<Numbers<Split<Names>>> {
  const list = names.split(" ");
  // One object with getters: a new one for each call would cost as much as a small kernel.
  let current: readonly number[] = [];
  const named = {} as Record<Split<Names>[number], number>;
  list.forEach((name, k) => {
    Object.defineProperty(named, name, { get: () => current[k] });
  });
  const read = (args: readonly number[]): typeof named => {
    current = args;
    return named;
  };
  return {
    ...split,
    names: list,
    cost: (args, units, words) => cost(read(args), units, words),
    traffic: (args, units, words) => traffic(read(args), units, words),
  };
}

/** Counts the stored entries in a sparse matrix's first rows. */
export const entriesOf = (P: number, rows: number, words: Words): number =>
  words(P + rows * 4) - words(P);

/** The traffic of an elementwise operator, from the numbers read and written and the operations per unit. */
export const each = (units: number, numbers: number, operations?: number): Traffic => ({
  bytes: 4 * numbers * units,
  ...(operations !== undefined && { operations: operations * units }),
});

export const elementwise = (nanoseconds: number, numbers: number, operations?: number) => ({
  grain: 16,
  cost: () => nanoseconds,
  traffic: (_: unknown, units: number) => each(units, numbers, operations),
});

/** The traffic of a sparse product: each entry's index, number and gathered row; each row's pointer. */
export const sparse = (
  entries: number,
  rows: number,
  columns: number,
  indexBytes = 4,
): Required<Traffic> => ({
  bytes: entries * (indexBytes + 4 * (1 + columns)) + 4 * rows,
  operations: 2 * entries * columns,
});

/** The traffic of a per-arc kernel, which reads or writes `rows` rows per unit beside the gathered ones. */
export const gathered = (
  { P, columns }: { readonly P: number; readonly columns: number },
  units: number,
  words: Words,
  { rows, operations }: { readonly rows: number; readonly operations: number },
): Traffic => {
  const entries = entriesOf(P, units, words);
  return {
    bytes: sparse(entries, units, columns).bytes + 4 * rows * units * columns,
    operations: operations * entries * columns,
  };
};

/** A row's share of what the entries of a sparse matrix cost. */
export const sparseRow = (P: number, units: number, words: Words, entry: number): number =>
  3 + (entriesOf(P, units, words) / units) * entry;

/** What a row of B costs for each row of A; columns that do not fill a vector cost most. */
export const tileRow = (columns: number): number => 0.04 * columns + 0.95 * (columns % 4);

/** Reads the shape of narrow convolutions from their plan, which src/tensor/ops/narrow.ts writes. */
function narrowShape(PLAN: number, words: Words) {
  const [rows, starts] = [words(PLAN), words(PLAN + 12)];
  const entries = entriesOf(starts, rows, words);
  return { rows, width: words(PLAN + 4), entries, indexBytes: words(PLAN + 24) };
}

/** Stages of narrow convolutions; a unit is 256 nodes. */
export const narrowStages: Facts<Readonly<Record<"PLAN" | "first" | "last", number>>> = {
  grain: 1,
  cost: ({ PLAN }, _, words) => {
    const { rows, width, entries } = narrowShape(PLAN, words);
    return (256 * (4 + 0.3 * width * width + (entries * (1 + 0.1 * width)) / rows)) | 0;
  },
  traffic: ({ PLAN, first, last }, _, words) => {
    const { rows, width, entries, indexBytes } = narrowShape(PLAN, words);
    const { bytes, operations } = sparse(entries, rows, width, indexBytes);
    const stages = last - first;
    return {
      bytes: stages * (bytes + 12 * rows * width),
      operations: stages * (operations + 2 * rows * width * width),
    };
  },
};
