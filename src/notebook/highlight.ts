// Colours for TypeScript and JavaScript on a page, by the compiler's own classes of tokens.
import ts from "typescript";
import { plain } from "../base/markup.ts";

const CLASSES: ReadonlyMap<ts.TokenClass, string> = new Map([
  [ts.TokenClass.Keyword, "k"],
  [ts.TokenClass.Comment, "c"],
  [ts.TokenClass.StringLiteral, "s"],
  [ts.TokenClass.RegExpLiteral, "s"],
  [ts.TokenClass.NumberLiteral, "n"],
  [ts.TokenClass.BigIntLiteral, "n"],
]);

/** Returns source text as HTML with a span for each token that has a colour. */
export function highlighted(source: string): string {
  const classifier = ts.createClassifier();
  let state = ts.EndOfLineState.None;
  return source
    .split("\n")
    .map((line) => {
      const { entries, finalLexState } = classifier.getClassificationsForLine(line, state, true);
      state = finalLexState;
      let from = 0;
      const parts = entries.map(({ length, classification }) => {
        const text = plain(line.slice(from, from + length));
        from += length;
        const name = CLASSES.get(classification);
        return name === undefined ? text : `<span class="${name}">${text}</span>`;
      });
      return parts.join("") + plain(line.slice(from));
    })
    .join("\n");
}
