// The table of the WebAssembly kernels: arguments by name, how work is split, what a call moves and computes.
import {
  each,
  elementwise,
  entriesOf,
  type Facts,
  gathered,
  kernel,
  narrowStages,
  sparse,
  sparseRow,
  tileRow,
} from "./kernel-facts.ts";

export const KERNELS = {
  addHeads: kernel("W A Y heads width", {
    grain: 4,
    cost: ({ heads, width }) => 2 + 0.25 * heads * width,
    traffic: ({ heads, width }, units) => each(units * heads * width, 2, 2),
  }),
  // A unit is 32 elements.
  applyBits: kernel("X Y BITS size scale", {
    grain: 4,
    cost: () => 13,
    traffic: ({ size }) => ({ bytes: (8 + 1 / 8) * size, operations: size }),
  }),
  arcCrossEntropy: kernel("P S T LOSSES D", {
    grain: 4,
    cost: ({ P }, units, words) => sparseRow(P, units, words, 15),
    traffic: ({ P }, units, words) => ({ bytes: 4 * (3 * entriesOf(P, units, words) + 2 * units) }),
  }),
  arcDifferences: kernel("P I W X OUT columns", {
    grain: 4,
    cost: ({ P, columns }, units, words) => sparseRow(P, units, words, 1 + 0.2 * columns),
    traffic: (args, units, words) => gathered(args, units, words, { rows: 2, operations: 3 }),
  }),
  arcPairs: kernel("P I X OUT columns measure", {
    grain: 4,
    cost: ({ P, columns }, units, words) => sparseRow(P, units, words, 2 + 0.2 * columns),
    traffic: (args, units, words) => gathered(args, units, words, { rows: 1, operations: 2 }),
  }),
  arcProducts: kernel("P I X Y OUT columns", {
    grain: 4,
    cost: ({ P, columns }, units, words) => sparseRow(P, units, words, 2 + 0.2 * columns),
    traffic: (args, units, words) => gathered(args, units, words, { rows: 1, operations: 2 }),
  }),
  arcSigns: kernel("P I W X OUT columns", {
    grain: 4,
    cost: ({ P, columns }, units, words) => sparseRow(P, units, words, 1 + 0.2 * columns),
    traffic: (args, units, words) => gathered(args, units, words, { rows: 2, operations: 3 }),
  }),
  arcSums: kernel("P X OUT heads arcs", {
    grain: 4,
    cost: ({ P, heads }, units, words) => sparseRow(P, units, words, 1.2 * heads),
    traffic: ({ P, heads }, units, words) => {
      const entries = entriesOf(P, units, words) * heads;
      return { bytes: 4 * (entries + units * heads), operations: entries };
    },
  }),
  combine: kernel("A B OUT p q", elementwise(0.3, 3, 3)),
  combineRows: kernel("A B OUT columns p q", {
    grain: 4,
    cost: ({ columns }) => 2 + 0.25 * columns,
    traffic: ({ columns }, units) => each(units * columns, 2, 3),
  }),
  contrastRows: kernel("L LOSSES columns first s scale", {
    grain: 4,
    cost: ({ columns }) => 20 + 2 * columns,
    traffic: ({ columns }, units) => each(units * columns, 2),
  }),
  crossEntropy: kernel("LOGITS LABELS NODES LOSSES GRADIENT HITS classes scale", {
    grain: 8,
    cost: ({ classes }) => 15 + 3 * classes,
    traffic: ({ GRADIENT, classes }, units) => each(units, 4 + classes * (GRADIENT ? 2 : 1)),
  }),
  // A unit is 64 elements.
  descend: kernel("SLOTS count keep1 take1 keep2 take2 correction epsilon", {
    grain: 1,
    cost: () => 64,
    traffic: (_, units) => each(units, 7 * 64, 15 * 64),
  }),
  // A unit is 32 elements; sixteen units at rate 1/2 share their random words.
  dropout: kernel("X Y BITS size relu threshold scale step site seedLow seedHigh", {
    grain: 16,
    cost: ({ threshold }) => (threshold === 0x8000 ? 14 : threshold ? 42 : 10),
    traffic: ({ BITS, size }) => ({ bytes: (8 + (BITS ? 1 / 8 : 0)) * size }),
  }),
  // Units of the next three are rows and entries.
  gatBackward: kernel(
    "rows P I POSITION ALPHA Z G L D DOTS R C A DZ DL U SCRATCH heads width arcs slope FAR",
    {
      grain: 1,
      cost: ({ heads, width }) => heads * (8 + 0.25 * width),
      traffic: ({ rows, heads, width }, units) => {
        const { bytes, operations } = sparse(units - rows, rows, heads * width);
        return { bytes: bytes + 8 * rows * heads * width, operations: 2 * operations };
      },
    },
  ),
  gatForward: kernel("rows P I ALPHA Z R Y heads width arcs FAR", {
    grain: 1,
    cost: ({ heads, width }) => heads * (2 + 0.1 * width),
    traffic: ({ rows, heads, width }, units) => {
      const { bytes, operations } = sparse(units - rows, rows, heads * width);
      return { bytes: bytes + 4 * rows * heads * width, operations };
    },
  }),
  gatWeights: kernel("rows P I L D KEPT C ALPHA heads arcs slope", {
    grain: 1,
    cost: ({ heads }) => 8 * heads,
    traffic: ({ rows, heads }, units) => ({ bytes: 4 * (units - rows) * (1 + 2 * heads) }),
  }),
  gather: kernel("V POSITION OUT", elementwise(1.5, 3)),
  gcniiBackward: kernel(
    "rows nodes width P I V ABOVE p MASK TAP Z WT DZ DH0 PARTIAL SCRATCH alpha theta PREVIOUS DW previousTheta far",
    {
      grain: 1,
      chunksAThread: 16,
      cost: ({ rows, width }) => rows * width * (1 + 0.08 * width),
      // Counts operations as if no zero were skipped.
      traffic: ({ nodes, width, P, ABOVE, TAP }, units, words) => {
        const entries = ABOVE ? entriesOf(P, nodes, words) : 0;
        const { bytes, operations } = sparse(entries, nodes, width);
        const size = nodes * width;
        return {
          bytes: bytes + 4 * (size * (TAP ? 5 : 4) + units * width * width),
          operations: operations + 4 * size * width,
        };
      },
    },
  ),
  gcniiForward: kernel(
    "rows nodes width P I V X H0 W Z M Y BITS alpha theta threshold scale step site seedLow seedHigh packed far",
    {
      grain: 1,
      chunksAThread: 16,
      cost: ({ rows, width }) => rows * width * (2 + 0.04 * width),
      traffic: ({ nodes, width, P, M, Y }, _, words) => {
        const { bytes, operations } = sparse(entriesOf(P, nodes, words), nodes, width);
        const size = nodes * width;
        return {
          bytes: bytes + 4 * size * (Y && Y !== M ? 4 : 3),
          operations: operations + 2 * size * width,
        };
      },
    },
  ),
  gcniiWeightGradient: kernel("PARTIAL OUT width blocks p", {
    grain: 4,
    cost: ({ width, blocks }) => 0.5 * width * blocks,
    traffic: ({ width, blocks }, units) => ({
      bytes: 4 * units * width * (blocks + 1),
      operations: units * width * blocks,
    }),
  }),
  headDots: kernel("X Y OUT S heads width same", {
    grain: 16,
    cost: ({ heads, width }) => heads * (3 + 0.15 * width),
    traffic: ({ heads, width, same }, units) => each(units * heads * width, same ? 1 : 2, 2),
  }),
  // Units of rows; of integerSparse rows and entries. `stride` counts padded columns.
  integerCodes: kernel("X CODES VALUES columns stride inverse scale zero least most", {
    grain: 4,
    cost: ({ columns }) => 4 + 0.6 * columns,
    traffic: ({ columns, VALUES }, units) => ({ bytes: units * columns * (VALUES ? 9 : 5) }),
  }),
  integerFloats: kernel("C Y ROWS BIAS columns stride scale", {
    grain: 4,
    cost: ({ columns }) => 2 + 0.3 * columns,
    traffic: ({ columns }, units) => each(units * columns, 2, 1),
  }),
  integerOffsets: kernel("X OFFSETS VALUES columns pairs inverse scale zero least most floor", {
    grain: 4,
    cost: ({ columns }) => 4 + 0.6 * columns,
    traffic: ({ columns, VALUES }, units) => ({ bytes: units * columns * (VALUES ? 10 : 6) }),
  }),
  integerProduct: kernel("A B C pairs panels stride", {
    grain: 4,
    cost: ({ pairs, panels }) => 2 + 0.12 * pairs * panels,
    traffic: ({ pairs, panels }, units) => ({
      bytes: 4 * units * pairs + 16 * pairs * panels + 16 * units * panels,
      operations: 16 * units * pairs * panels,
    }),
  }),
  integerSparse: kernel("rows P I V SUMS X Y stride zero", {
    grain: 1,
    cost: ({ rows, stride }, units) => (3 * rows + (units - rows) * (0.9 + 0.05 * stride)) / units,
    traffic: ({ rows, stride }, units) => ({
      bytes: (units - rows) * (5 + stride) + 4 * rows * (2 + stride),
      operations: 2 * (units - rows) * stride,
    }),
  }),
  layerRows: kernel("X W B Y inner columns", {
    grain: 1,
    cost: ({ inner, columns }) => 0.12 * inner * columns,
    traffic: ({ inner, columns }, units) =>
      each(units, inner + inner * columns + 2 * columns, 2 * inner * columns),
  }),
  layerRowsGradient: kernel("X W DY DW DX inner columns", {
    grain: 4,
    cost: ({ columns }) => 3 + 0.2 * columns,
    traffic: ({ DX, columns }, units) => each(units * columns, DX ? 2 : 1, DX ? 3 : 1),
  }),
  multiply: kernel("A B OUT", elementwise(0.3, 3, 1)),
  multiplyRows: kernel("A B OUT columns", {
    grain: 4,
    cost: ({ columns }) => 2 + 0.25 * columns,
    traffic: ({ columns }, units) => each(units * columns, 2, 1),
  }),
  narrowBackward: kernel("PLAN first last", narrowStages),
  narrowForward: kernel("PLAN first last", narrowStages),
  narrowHead: kernel("X W BIAS Y width classes", {
    grain: 16,
    cost: ({ width, classes }) => 3 + 0.15 * width * classes,
    traffic: ({ width, classes }, units) => each(units, width + classes, 2 * width * classes),
  }),
  // A unit is 256 nodes.
  narrowHeadGradient: kernel("G X WT DX PARTS nodes width classes scale", {
    grain: 1,
    cost: ({ width, classes }) => 256 * (5 + 0.3 * width * classes),
    traffic: ({ nodes, width, classes }) => each(nodes, 2 * width + classes, 4 * width * classes),
  }),
  narrowProduct: kernel("P ORDER I V X Y width BIAS rows blocks SUMS indexBytes", {
    grain: 4,
    cost: ({ P, width, rows, blocks }, _, words) =>
      3 + (entriesOf(P, rows * blocks, words) / rows) * (0.35 + 0.05 * width),
    traffic: ({ P, width, rows, blocks, indexBytes }, _, words) => {
      const entries = entriesOf(P, rows * blocks, words);
      const { bytes, operations } = sparse(entries, rows, width, indexBytes);
      return { bytes: bytes + 4 * rows * width, operations };
    },
  }),
  // A unit is a panel of 8 columns.
  packPanels: kernel("B OUT inner columns transposed", {
    grain: 1,
    cost: ({ inner }) => 6 * inner,
    traffic: ({ inner, columns }) => each(inner * columns, 2),
  }),
  // A unit is a block of 32 nodes, as in pairRegression, scalarPairs and similarityMismatch.
  pairDistances: kernel("T R W PARTIAL U nodes teacherLayers studentLayers width", {
    grain: 1,
    cost: ({ teacherLayers, studentLayers, width }) =>
      32 * 0.09 * teacherLayers * studentLayers * width,
    traffic: ({ U, nodes, teacherLayers, studentLayers, width }) => ({
      bytes: 4 * nodes * width * (teacherLayers + (U ? 2 : 1) * studentLayers),
      operations: (U ? 5 : 3) * nodes * width * teacherLayers * studentLayers,
    }),
  }),
  pairRegression: kernel(
    "T S P W RECORD DS nodes teacherLayers studentLayers width studentWidth direct",
    {
      grain: 1,
      cost: ({ teacherLayers, studentLayers, width, studentWidth }) =>
        32 * (0.09 * teacherLayers + 0.3 * studentWidth) * studentLayers * width,
      traffic: ({ nodes, teacherLayers, studentLayers, width, studentWidth, direct }) => ({
        bytes: 4 * nodes * (teacherLayers * width + 2 * studentLayers * studentWidth),
        operations:
          nodes * studentLayers * width * (teacherLayers * (direct ? 6 : 4) + 6 * studentWidth),
      }),
    },
  ),
  product: kernel("A B C inner columns p q Z s ACC packed", {
    grain: 6,
    cost: ({ inner, columns }) => 2 + inner * tileRow(columns),
    traffic: ({ inner, columns, q, s }, units) => ({
      bytes:
        4 * (units * inner + inner * columns + units * columns * (1 + (q ? 1 : 0) + (s ? 2 : 0))),
      operations: 2 * units * inner * columns,
    }),
  }),
  productTransposedA: kernel("A B C rows inner columns p", {
    grain: 6,
    chunksAThread: 2,
    cost: ({ rows, columns }) => 2 + rows * tileRow(columns),
    traffic: ({ rows, columns }, units) => ({
      bytes: 4 * (rows * units + rows * columns + units * columns),
      operations: 2 * rows * units * columns,
    }),
  }),
  relu: kernel("A OUT", elementwise(0.3, 2, 1)),
  scalarPairs: kernel("T A S B W RECORD DS nodes teacherLayers studentLayers width studentWidth", {
    grain: 1,
    cost: ({ teacherLayers, studentLayers, width }) =>
      32 * teacherLayers * (0.2 * width + studentLayers),
    traffic: ({ nodes, teacherLayers, studentLayers, width, studentWidth }) => ({
      bytes: 4 * nodes * (teacherLayers * width + 2 * studentLayers * studentWidth),
      operations:
        nodes *
        (4 * teacherLayers * width +
          5 * teacherLayers * studentLayers +
          4 * studentLayers * studentWidth),
    }),
  }),
  scale: kernel("A OUT s", elementwise(0.3, 2, 1)),
  similarities: kernel("X4 OUT n width kind", {
    grain: 4,
    cost: ({ n, width }) => n * (1 + 0.15 * width),
    traffic: ({ n, width }, units) => each(n, width + units, 2 * units * width),
  }),
  similarityMismatch: kernel("X4 T S LOSSES G SCRATCH n width size kind scale", {
    grain: 1,
    cost: ({ n, width }) => 32 * n * (1 + 0.5 * width),
    traffic: ({ n, width }) => each(n, 2 * width + n, 4 * n * width),
  }),
  softCrossEntropy: kernel("LOGITS P LOSSES GRADIENT classes beta scale", {
    grain: 16,
    cost: ({ classes }) => 15 + 3 * classes,
    traffic: ({ classes }, units) => each(units, 1 + 3 * classes),
  }),
  // Units are rows and entries.
  sparseProduct: kernel("rows P I V X Y columns p q Z MASK FAR", {
    grain: 1,
    cost: ({ rows, columns }, units) => (3 * rows + (units - rows) * (0.9 + 0.1 * columns)) / units,
    traffic: ({ rows, columns, q, Z }, units) => {
      const { bytes, operations } = sparse(units - rows, rows, columns);
      return { bytes: bytes + 4 * rows * columns * (q && Z ? 2 : 1), operations };
    },
  }),
  sumColumns: kernel("X OUT reduced inner scale", {
    grain: 16,
    cost: ({ reduced }) => 0.25 * reduced,
    traffic: ({ reduced }, units) => each(units, reduced + 1, reduced),
  }),
  sumRows: kernel("X OUT reduced scale", {
    grain: 16,
    cost: ({ reduced }) => 3 + 0.15 * reduced,
    traffic: ({ reduced }, units) => each(units, reduced + 1, reduced),
  }),
  tanh: kernel("X OUT", elementwise(2, 2)),
  transposeDense: kernel("IN OUT rows columns", {
    grain: 16,
    cost: ({ columns }) => 1.2 * columns,
    traffic: ({ columns }, units) => each(units * columns, 2),
  }),
  unitRows: kernel("X OUT INVERSE columns", {
    grain: 4,
    cost: ({ columns }) => 5 + 0.3 * columns,
    traffic: ({ columns }, units) => each(units * columns, 2, 3),
  }),
  unitRowsGradient: kernel("Y INVERSE DY OUT columns", {
    grain: 4,
    cost: ({ columns }) => 5 + 0.3 * columns,
    traffic: ({ columns }, units) => each(units * columns, 3, 5),
  }),
} as const;

export type KernelName = keyof typeof KERNELS;

/** Returns a row of the table for callers that have the kernel's arguments in order. */
export const factsOf = (name: KernelName): Facts<readonly number[]> =>
  KERNELS[name] as unknown as Facts<readonly number[]>;
