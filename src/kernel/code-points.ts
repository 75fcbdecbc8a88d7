// Positions in text: Jupyter counts Unicode code points, JavaScript counts UTF-16 units.

/** Returns the UTF-16 offset of the position `points` code points into the text. */
export function utf16Offset(text: string, points: number): number {
  let offset = 0;
  for (let left = points; left > 0 && offset < text.length; left--) {
    offset += (text.codePointAt(offset) as number) > 0xffff ? 2 : 1;
  }
  return offset;
}

/** Returns how many code points lie before the UTF-16 offset. */
export function codePoints(text: string, offset: number): number {
  let points = 0;
  for (let at = 0; at < offset && at < text.length; points++) {
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
  }
  return points;
}

/**
 * Returns the start of the text's trailing run of code points that match `fits`. A pattern that ends
 * in `$` would be tried at every position of the text.
 */
export function runStart(text: string, fits: RegExp): number {
  let start = text.length;
  while (start > 0) {
    const width = (text.codePointAt(start - 2) ?? 0) > 0xffff ? 2 : 1;
    if (!fits.test(text.slice(start - width, start))) break;
    start -= width;
  }
  return start;
}
