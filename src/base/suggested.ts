// Names that Tab completion offers, and the name that a typo may have meant.

/** A known name, which Tab offers, or any other string: a name of your own, or from a variable. */
export type Suggested<Known extends string> = Known | (string & Record<never, never>);

/** Returns `; did you mean "cora"?`, or nothing if no name is close. */
export function didYouMean(word: string, names: readonly string[]): string {
  const found = nearest(word, names);
  return found === undefined ? "" : `; did you mean "${found}"?`;
}

/** Finds the name that is a typo away from `word`: letters left out, added, changed or swapped. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, "");
  const wanted = plain(word.slice(0, 64));
  let best: string | undefined;
  // A third of the letters may differ: `abdk` means abkd, `gat` means none.
  let least = Math.floor(wanted.length / 3) + 1;
  for (const name of names) {
    const slips = distance(wanted, plain(name));
    if (slips < least) [best, least] = [name, slips];
  }
  return best;
}

/** The Damerau-Levenshtein distance: swapping two neighbouring letters counts as one edit. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let slips = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + same);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) slips = Math.min(slips, before[j - 2]! + 1);
      row.push(slips);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}
