// Measures how deep brackets and type arguments nest in TypeScript, by acorn's tokens.
import { type Token, tokenizer, tokTypes } from "acorn";

const { parenL, bracketL, braceL, dollarBraceL, parenR, bracketR, braceR } = tokTypes;
const { semi, logicalAND, logicalOR, coalesce, name, num, string, regexp, backQuote } = tokTypes;
const OPENING: ReadonlySet<unknown> = new Set([parenL, bracketL, braceL, dollarBraceL]);
const CLOSING: ReadonlySet<unknown> = new Set([parenR, bracketR, braceR]);
/** Tokens that cannot occur inside type arguments. */
const BETWEEN: ReadonlySet<unknown> = new Set([semi, logicalAND, logicalOR, coalesce]);
/** Tokens that an expression may end with. */
const ENDING: ReadonlySet<unknown> = new Set([name, num, string, regexp, backQuote, ...CLOSING]);
/** Text that acorn has no token for: a decorator's `@`, and the `!` of `x! / 2`, after which it would expect
 *  a regular expression. */
const FOREIGN = /@|(?<=[\w$\])])!(?=\s*\/)/g;

/**
 * Finds where brackets and type arguments nest deeper than `most`. Those in strings, comments and regular
 * expressions do not count. A `<` opens type arguments if it directly follows a name and no blank follows it.
 * @returns the offset of the first bracket that is too deep; undefined if there is none, or none before a
 *   token that acorn cannot read
 */
export function firstTooDeep(source: string, most: number): number | undefined {
  /** For each open bracket, whether it is a `<`. */
  const open: boolean[] = [];
  const dropAngles = (): void => {
    while (open.at(-1)) open.pop();
  };
  const text = source.replace(FOREIGN, " ");
  let last: Token | undefined;
  try {
    for (const token of tokenizer(text, { ecmaVersion: "latest", sourceType: "module" })) {
      if (OPENING.has(token.type)) open.push(false);
      else if (CLOSING.has(token.type)) {
        dropAngles();
        open.pop();
      } else if (BETWEEN.has(token.type) || beginsStatement(token, last, text)) dropAngles();
      else if (opensArguments(token, last, text)) open.push(true);
      else for (let k = closings(token, text); k > 0 && open.at(-1); k--) open.pop();
      if (open.length > most) return token.start;
      last = token;
    }
  } catch (error) {
    // The type stripper reports what is wrong there.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return undefined;
}

function opensArguments(token: Token, last: Token | undefined, text: string): boolean {
  const isLess = text.slice(token.start, token.end) === "<" && token.type === tokTypes.relational;
  const followsName = last?.type === name && last.end === token.start;
  return isLess && followsName && !/[ \t]/.test(text[token.end] ?? "");
}

/** Returns how many type arguments a token may close: `>>` closes two. */
function closings({ type, start, end }: Token, text: string): number {
  const mayClose =
    type === tokTypes.relational || type === tokTypes.bitShift || type === tokTypes.assign;
  return mayClose ? text.slice(start, end).split(">").length - 1 : 0;
}

/** Whether a word on a new line follows the end of an expression, so that no semicolon is needed. */
function beginsStatement({ type, start }: Token, last: Token | undefined, text: string): boolean {
  const isWord = type === name || type.keyword !== undefined;
  return isWord && ENDING.has(last?.type) && text.slice(last?.end, start).includes("\n");
}
