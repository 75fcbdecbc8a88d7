// Patterns for history searches: `*`, `?`, `[a-z]` and `[^a-z]` as in SQLite's GLOB, at a bounded cost.

/** What a token matches: any text, or one code point that passes the test. */
type Token = "star" | ((point: number) => boolean);

const DASH = 0x2d;
const BRACKET = 0x5d;
/** Nobody types longer patterns. */
const PATTERN_CHARACTERS = 1_000;
/** The steps allowed for one search, some 0.1 s. */
const MOST_STEPS = 2e6;

/**
 * Matches whole texts. Once the pattern has used up its steps, it matches nothing more.
 * Backtracking goes to the last star only, which is enough and keeps the cost from exploding.
 */
export class Glob {
  readonly #tokens: readonly Token[];
  #steps = MOST_STEPS;

  /** @throws Error if the pattern is too long */
  constructor(pattern: string) {
    if (pattern.length > PATTERN_CHARACTERS) {
      throw new Error(
        `the pattern has ${pattern.length} characters; the limit is ${PATTERN_CHARACTERS}`,
      );
    }
    this.#tokens = tokensOf([...pattern]);
  }

  get exhausted(): boolean {
    return this.#steps <= 0;
  }

  matches(text: string): boolean {
    const tokens = this.#tokens;
    let at = 0;
    let token = 0;
    let retry: { readonly token: number; at: number } | undefined;
    while (at < text.length) {
      if (--this.#steps <= 0) return false;
      const wanted = tokens[token];
      if (wanted === "star") retry = { token: ++token, at };
      else if (wanted?.(pointAt(text, at))) {
        at += widthAt(text, at);
        token++;
      } else if (retry) {
        at = retry.at += widthAt(text, retry.at);
        token = retry.token;
      } else return false;
    }
    return tokens.slice(token).every((rest) => rest === "star");
  }
}

const pointAt = (text: string, at: number): number => text.codePointAt(at) ?? 0;
const widthAt = (text: string, at: number): number => (pointAt(text, at) > 0xffff ? 2 : 1);

function tokensOf(pattern: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    const set = character === "[" ? setAt(pattern, at + 1) : undefined;
    if (character === "*") {
      if (tokens.at(-1) !== "star") tokens.push("star");
    } else if (character === "?") tokens.push(() => true);
    else if (character === "[") {
      // A bracket that nothing closes matches nothing, as in SQLite.
      tokens.push(set ? set.has : () => false);
      at = set ? set.end : pattern.length;
    } else {
      const wanted = pointAt(character ?? "", 0);
      tokens.push((point) => point === wanted);
    }
  }
  return tokens;
}

/** Parses the set whose first character is at `start`; `end` is the index of its closing bracket. */
function setAt(
  pattern: readonly string[],
  start: number,
): { readonly has: (point: number) => boolean; readonly end: number } | undefined {
  const isNegative = pattern[start] === "^";
  const first = isNegative ? start + 1 : start;
  const end = pattern.indexOf("]", first + 1); // a bracket in first place belongs to the set
  if (end < 0) return undefined;
  const ranges: Range[] = [];
  for (let at = first; at < end; at++) {
    const [from = 0, dash, to = 0] = pattern.slice(at, at + 3).map((text) => pointAt(text, 0));
    ranges.push([from, from]);
    const isFirstBracket = at === first && from === BRACKET;
    if (isFirstBracket || dash !== DASH || at + 2 >= end) continue;
    ranges.push([from, to]);
    at += 2;
  }
  const merged = merge(ranges);
  return { has: (point) => isIn(merged, point) !== isNegative, end };
}

/** Code points from the first to the second, inclusive. */
type Range = readonly [number, number];

/** Returns the same points as ordered ranges that do not overlap. */
function merge(ranges: readonly Range[]): Range[] {
  const merged: Range[] = [];
  for (const [from, to] of ranges.filter(([a, b]) => a <= b).sort(([a], [b]) => a - b)) {
    const [begin, end] = merged.at(-1) ?? [0, -1];
    if (from <= end) merged[merged.length - 1] = [begin, Math.max(end, to)];
    else merged.push([from, to]);
  }
  return merged;
}

/** Searches by halves: a set that fills a whole pattern costs ten comparisons, not a thousand. */
function isIn(ranges: readonly Range[], point: number): boolean {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const [from, to] = ranges[middle]!;
    if (point < from) high = middle;
    else if (point > to) low = middle + 1;
    else return true;
  }
  return false;
}
