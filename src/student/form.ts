// Features as a student reads them: in the form of those that it learned from, of the columns that it keeps.
import { type Form, type Rows, StudentError } from "./rows.ts";

/**
 * Returns rows of features, as files have them, in their form.
 * @param columns how many columns they have
 * @param places of the columns that are kept, by which the result has them; the others have -1
 * @param byPlace whether the scales are those of the kept columns alone
 * @throws StudentError for features that were made of the graph itself, or standardised by what is not known
 */
export function formed(
  { indptr, indices, values }: Rows,
  columns: number,
  { featuresMade: made, featureScales: scales }: Form,
  places: ArrayLike<number> | undefined,
  byPlace: boolean,
): Rows {
  if (made && !scales && made !== "binary" && made !== "unit") {
    throw new StudentError(`features that were made ${made} fit their graph's nodes only`);
  }
  const [ends, kept, numbers]: [number[], number[], number[]] = [[0], [], []];
  for (let row = 0, k = 0; row + 1 < indptr.length; row++) {
    const found = new Map<number, number>();
    // A 0 that is not stored is standardised too.
    for (let c = 0; scales && c < columns; c++) found.set(c, 0);
    let squares = 0;
    for (; k < indptr[row + 1]!; k++) {
      const x = values ? values[k]! : 1;
      found.set(indices[k]!, x);
      squares += x * x;
    }
    for (const [c, x] of found) {
      const place = places ? places[c]! : c;
      if (place < 0) continue;
      const at = byPlace ? place : c;
      let value = x;
      if (scales) value = (x - scales.means[at]!) / scales.deviations[at]!;
      else if (made) value = made === "unit" ? x / Math.sqrt(squares) : Number(x !== 0);
      kept.push(place);
      // Not finite: a column that was constant, or a row of zeros.
      numbers.push(Number.isFinite(value) ? value : 0);
    }
    ends.push(kept.length);
  }
  return { indptr: ends, indices: kept, values: numbers };
}
