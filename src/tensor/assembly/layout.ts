// Reorders dense matrices: transposes them, or packs them into the panels that products read fastest.

/**
 * Packs B (inner x columns, or with `transposed` columns x inner) for `product`: the columns of a tile, 8 at a
 * time and the rest 4 and 1 at a time, follow each other row by row. So a wide matrix is read from one end
 * to the other rather than one cache line per row. Panels begin <= u < end of 8 columns.
 */
export function packPanels(
  begin: i32, end: i32, B: usize, OUT: usize, inner: i32, columns: i32, transposed: bool,
): void {
  const rowStep: usize = transposed ? 4 : <usize>columns << 2;
  const columnStep: usize = transposed ? <usize>inner << 2 : 4;
  for (let j = begin << 3; j < min(columns, end << 3); ) {
    const left = columns - j, count = left >= 8 ? 8 : left >= 4 ? 4 : 1;
    let to = OUT + (<usize>j * <usize>inner << 2), row = B + <usize>j * columnStep;
    for (let k = 0; k < inner; k++) {
      let from = row;
      for (const stop = to + (<usize>count << 2); to < stop; to += 4) {
        store<f32>(to, load<f32>(from));
        from += columnStep;
      }
      row += rowStep;
    }
    j += count;
  }
}

/** OUT = IN' for rows begin <= r < end of IN (rows x columns; OUT is columns x rows). */
export function transposeDense(
  begin: i32, end: i32, IN: usize, OUT: usize, rows: i32, columns: i32,
): void {
  const step = <usize>rows << 2;
  for (let r = begin; r < end; r++) {
    let x = IN + (<usize>r * <usize>columns << 2), y = OUT + (<usize>r << 2);
    for (let c = 0; c < columns; c++) {
      store<f32>(y, load<f32>(x));
      x += 4; y += step;
    }
  }
}
