// Products of dense matrices at given addresses of the engine's memory.
import type { Backend } from "../engine/backend.ts";
import { worthPacking } from "../engine/work.ts";

/** A product by addresses. */
export interface DenseProduct {
  readonly a: number;
  readonly b: number;
  readonly out: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Whether it is added to what `out` holds; not with `transposeA`. */
  readonly onto?: boolean;
}

/** Multiplies matrices at given addresses; B' is copied into the order in which tiles read it. */
export function denseProduct(backend: Backend, product: DenseProduct): void {
  const { a, b, out, rows, inner, columns } = product;
  const { transposeA = false, transposeB = false, onto = false } = product;
  const { engine } = backend;
  const packed = !transposeA && rows > 5 && (transposeB || worthPacking(rows, inner, columns));
  const copy =
    packed || transposeB
      ? engine.memory.allocate(inner * columns * 4, `a copy of [${inner}, ${columns}]`, product)
      : undefined;
  if (copy && packed) {
    engine.run("packPanels", Math.ceil(columns / 8), b, copy.address, inner, columns, +transposeB);
  } else if (copy) {
    engine.run("transposeDense", columns, b, copy.address, columns, inner);
  }
  const right = copy?.address ?? b;
  if (transposeA) {
    engine.run("productTransposedA", rows, a, right, out, inner, rows, columns, 1);
  } else {
    const [q, z] = onto ? [1, out] : [0, 0];
    engine.run("product", rows, a, right, out, inner, columns, 1, q, z, 0, 0, +packed);
  }
  if (copy) engine.memory.release(copy, product);
}
