// The WebAssembly kernels of dense and sparse products, in both flavours, for shapes that reach every tail.
import { describe, test } from "node:test";
import {
  dense,
  type Numbers,
  numbers,
  product,
  ROUNDING,
  randomSparse,
  transposed,
} from "./support.ts";
import { check, FLAVOURS, type Trial } from "./trial.ts";

const ROWS = [0, 1, 3, 5, 6, 7, 13, 64, 65];
const INNER = [0, 1, 3, 7, 64, 65];
// 44 and 45 need a wide tile, a narrow one and the rest in one row.
const COLUMNS = [1, 3, 4, 7, 8, 9, 12, 17, 33, 44, 45, 64, 65];

const magnitude = (x: Numbers): Float64Array => Float64Array.from(x, Math.abs);

/** factor * values, and the sums of the values' absolute terms. */
type Term = readonly [factor: number, values: Numbers, magnitudes: Numbers];

/** Returns each result of the combination, and the sum of the absolute terms times `rounding`. */
function combined(terms: readonly Term[], roundings: number) {
  const size = terms[0]![1].length;
  const values = new Float64Array(size);
  const tolerance = new Float64Array(size).fill(1e-37);
  for (const [factor, x, m] of terms) {
    for (let i = 0; i < size; i++) {
      values[i]! += factor * x[i]!;
      tolerance[i]! += Math.abs(factor) * m[i]! * roundings * ROUNDING;
    }
  }
  return { values, tolerance };
}

/** Packs B in panels of 8 columns, the rest in one of 4 and single ones, each row by row. */
function panelsOf(b: Float32Array, inner: number, columns: number): Float32Array {
  const out: number[] = [];
  for (let j = 0; j < columns; ) {
    const count = [8, 4, 1].find((wide) => wide <= columns - j)!;
    for (let k = 0; k < inner; k++)
      out.push(...b.subarray(k * columns + j, k * columns + j + count));
    j += count;
  }
  return Float32Array.from(out);
}

function panelsTrial(inner: number, columns: number, from: "plain" | "transposed"): Trial {
  const b = numbers(inner * columns, 2);
  const back = Float32Array.from(transposed(b, inner, columns));
  return {
    title: `${inner} x ${columns}, ${from}`,
    kernel: "packPanels",
    units: Math.ceil(columns / 8),
    inputs: { b: from === "plain" ? b : back },
    outputs: { out: inner * columns },
    args: ["b", "out", inner, columns, from === "plain" ? 0 : 1],
    expected: { out: { values: panelsOf(b, inner, columns), tolerance: 0 } },
  };
}

/** Variant 4 reads B in panels. */
function productTrial(rows: number, inner: number, columns: number, variant: number): Trial {
  const a = numbers(rows * inner, 1);
  const b = numbers(inner * columns, 2);
  const packed = variant === 4;
  const z = numbers(rows * columns, 3);
  const acc = numbers(rows * columns, 4);
  const ab = product(a, b, rows, inner, columns);
  const abMagnitude = product(magnitude(a), magnitude(b), rows, inner, columns);
  const [p, q, s] = variant === 0 ? [1, 0, 0] : [0.3, -0.7, 1.7];
  const withAcc = variant >= 2;
  // Z may be A itself if the shapes agree: GCNII's identity map.
  const zIsA = variant === 3 && inner === columns;
  const added = zIsA ? a : z;
  const terms: Term[] = [[p, ab, abMagnitude]];
  if (variant > 0) terms.push([q, added, magnitude(added)]);
  const c = combined(terms, inner + 8);
  const sum = combined(
    [...terms.map(([f, x, m]): Term => [s * f, x, m]), [1, acc, magnitude(acc)]],
    inner + 12,
  );
  return {
    title: `${rows} x ${inner} x ${columns}, variant ${variant}${zIsA ? " (Z = A)" : ""}`,
    kernel: "product",
    units: rows,
    inputs: { a, b: packed ? panelsOf(b, inner, columns) : b, ...(variant > 0 && !zIsA && { z }) },
    outputs: { c: rows * columns, ...(withAcc && { acc }) },
    args: [
      ...["a", "b", "c", inner, columns, p, q],
      ...[variant === 0 ? 0 : zIsA ? "a" : "z", s, withAcc ? "acc" : 0, packed ? 1 : 0],
    ],
    expected: { c, ...(withAcc && { acc: sum }) },
  };
}

function transposedATrial(rows: number, inner: number, columns: number, p: number): Trial {
  const a = numbers(rows * inner, 5);
  const b = numbers(rows * columns, 6);
  const back = transposed(a, rows, inner);
  const ab = product(back, b, inner, rows, columns);
  const abMagnitude = product(magnitude(back), magnitude(b), inner, rows, columns);
  return {
    title: `(${rows} x ${inner})' x ${columns}, times ${p}`,
    kernel: "productTransposedA",
    units: inner,
    inputs: { a, b },
    outputs: { c: inner * columns },
    args: ["a", "b", "c", rows, inner, columns, p],
    expected: { c: combined([[p, ab, abMagnitude]], rows + 4) },
  };
}

function transposeTrial(rows: number, columns: number): Trial {
  const x = numbers(rows * columns, 7);
  return {
    title: `${rows} x ${columns}`,
    kernel: "transposeDense",
    units: rows,
    inputs: { x },
    outputs: { y: rows * columns },
    args: ["x", "y", rows, columns],
    expected: { y: { values: transposed(x, rows, columns), tolerance: 0 } },
  };
}

function sparseTrial(rows: number, inner: number, columns: number, variant: number): Trial {
  const csr = randomSparse(rows, inner, 10 + rows + columns);
  const x = numbers(inner * columns, 8);
  const start = numbers(rows * columns, 9);
  const [withZ, inPlace, masked] = [variant % 2 === 1, variant === 3, variant >= 2];
  const [p, q] = variant === 0 ? [1, 0] : [0.6, -1.3];
  const full = dense(csr);
  const sum = product(full, x, rows, inner, columns);
  const sumMagnitude = product(magnitude(full), magnitude(x), rows, inner, columns);
  const mask = new Int32Array(Math.ceil((rows * columns) / 32));
  for (let e = 0; e < rows * columns; e++) {
    if ((e * 7919) % 5 < 2) mask[e >> 5]! |= 1 << (e & 31);
    else if (masked) sum[e] = sumMagnitude[e] = 0;
  }
  return {
    title: `${rows} x ${inner} times ${inner} x ${columns}, variant ${variant}`,
    kernel: "sparseProduct",
    units: rows + csr.indices.length,
    inputs: {
      ...{ indptr: csr.indptr, indices: csr.indices, values: csr.values!, x },
      ...(withZ && !inPlace && { z: start }),
      ...(masked && { mask }),
    },
    outputs: { y: inPlace ? start : rows * columns },
    args: [
      ...[rows, "indptr", "indices", "values", "x", "y", columns, p, q],
      // Every other variant reads ahead.
      ...[inPlace ? "y" : withZ ? "z" : 0, masked ? "mask" : 0, variant % 2],
    ],
    expected: {
      y: combined(
        [
          [p, sum, sumMagnitude],
          [withZ ? q : 0, start, magnitude(start)],
        ],
        inner + 6,
      ),
    },
  };
}

function gatherTrial(count: number): Trial {
  const v = numbers(count + 3, 12);
  const position = Int32Array.from({ length: count }, (_, k) => (k * 31 + 2) % (count + 3));
  return {
    title: `${count} of ${count + 3}`,
    kernel: "gather",
    units: count,
    inputs: { v, position },
    outputs: { out: count },
    args: ["v", "position", "out"],
    expected: { out: { values: Float64Array.from(position, (k) => v[k]!), tolerance: 0 } },
  };
}

for (const flavour of FLAVOURS) {
  describe(flavour, () => {
    for (const rows of ROWS) {
      test(`product of ${rows} rows`, () => {
        for (const [i, inner] of INNER.entries()) {
          for (const [j, columns] of COLUMNS.entries()) {
            check(flavour, productTrial(rows, inner, columns, (i + j) % 3));
            if (rows >= 5) check(flavour, productTrial(rows, inner, columns, 4));
          }
          if (inner > 0) check(flavour, productTrial(rows, inner, inner, 3));
        }
      });

      test(`product with A transposed, of ${rows} rows`, () => {
        for (const [i, inner] of INNER.entries()) {
          for (const [j, columns] of COLUMNS.entries()) {
            check(flavour, transposedATrial(rows, inner, columns, (i + j) % 2 ? 1 : -0.4));
          }
        }
      });

      test(`transpose and gather of ${rows} rows`, () => {
        for (const columns of COLUMNS) check(flavour, transposeTrial(rows, columns));
        check(flavour, gatherTrial(rows));
      });

      test(`sparse product of ${rows} rows`, () => {
        for (const [i, inner] of [1, 3, 64, 65].entries()) {
          for (const [j, columns] of [1, 3, 4, 7, 31, 32, 33, 36, 64, 65, 97].entries()) {
            check(flavour, sparseTrial(rows, inner, columns, (i + j) % 4));
          }
        }
      });
    }

    test("panels of columns", () => {
      for (const inner of INNER) {
        for (const columns of COLUMNS) {
          for (const from of ["plain", "transposed"] as const) {
            check(flavour, panelsTrial(inner, columns, from));
          }
        }
      }
    });

    test("product with A transposed over many rows", () => {
      for (const rows of [127, 128, 129, 300]) {
        check(flavour, transposedATrial(rows, 13, 21, 1));
        check(flavour, transposedATrial(rows, 64, 64, 0.9));
      }
    });
  });
}
