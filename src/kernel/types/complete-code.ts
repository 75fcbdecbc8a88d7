// Whether code is ready to run, needs more lines, or is wrong: TypeScript's parser decides.
import ts from "typescript";
import { isShownText } from "../cell/magic.ts";
import type { Completeness } from "./protocol.ts";
import { parseErrors, parseScript } from "./script.ts";

const INDENT = "  ";
// A string or a regular expression cannot continue on the next line.
const UNTERMINATED = new Set([1002, 1161]);
// A tag or a fragment whose closing tag is still to come: the error stands at the opening one.
const UNCLOSED = new Set([17008, 17014]);

export function checkComplete(code: string): Completeness {
  if (isShownText(code)) return { status: "complete", indent: "" };
  const plain = checkStatements(code);
  if (plain.status !== "invalid" || !/^\s*\{/.test(code)) return plain;
  // A cell that is one object literal: the runner evaluates it as such.
  if (checkStatements(`(${code}\n)`).status === "complete")
    return { status: "complete", indent: "" };
  const isOpen = checkStatements(`(${code}`).status === "incomplete";
  return isOpen ? { status: "incomplete", indent: nextIndent(code) } : plain;
}

function checkStatements(code: string): Completeness {
  const file = parseScript(code);
  const errors = parseErrors(file);
  if (errors.length === 0) return { status: "complete", indent: "" };
  const end = lastTokenEnd(code);
  const atEnd = errors.every(
    ({ start, code: n }) => UNCLOSED.has(n) || (start >= end && !UNTERMINATED.has(n)),
  );
  if (!atEnd) return { status: "invalid", indent: "" };
  return { status: "incomplete", indent: nextIndent(code) };
}

interface Token {
  readonly kind: ts.SyntaxKind;
  readonly start: number;
  readonly end: number;
}

/** Yields tokens without trivia. An unterminated template or comment is the last token. */
function* tokens(code: string): Generator<Token> {
  const scanner = ts.createScanner(ts.ScriptTarget.ESNext, true, ts.LanguageVariant.Standard, code);
  const braces: ("{" | "${")[] = [];
  let operand = false;
  for (;;) {
    let kind = scanner.scan();
    if (kind === ts.SyntaxKind.EndOfFileToken) return;
    if (kind === ts.SyntaxKind.SlashToken || kind === ts.SyntaxKind.SlashEqualsToken) {
      if (!operand) kind = scanner.reScanSlashToken();
    } else if (kind === ts.SyntaxKind.OpenBraceToken) {
      braces.push("{");
    } else if (kind === ts.SyntaxKind.TemplateHead) {
      braces.push("${");
    } else if (kind === ts.SyntaxKind.CloseBraceToken) {
      if (braces.pop() === "${") {
        kind = scanner.reScanTemplateToken(false);
        if (kind === ts.SyntaxKind.TemplateMiddle) braces.push("${");
      }
    }
    operand =
      kind === ts.SyntaxKind.CloseParenToken ||
      kind === ts.SyntaxKind.CloseBracketToken ||
      kind === ts.SyntaxKind.CloseBraceToken ||
      kind === ts.SyntaxKind.Identifier ||
      kind === ts.SyntaxKind.ThisKeyword ||
      (kind >= ts.SyntaxKind.FirstLiteralToken && kind <= ts.SyntaxKind.LastTemplateToken);
    yield { kind, start: scanner.getTokenStart(), end: scanner.getTokenEnd() };
  }
}

function lastTokenEnd(code: string): number {
  let end = 0;
  for (const token of tokens(code)) end = token.end;
  return end;
}

/** Indents two spaces more than the line of the innermost open bracket, or than an unfinished last line. */
function nextIndent(code: string): string {
  const open: Token[] = [];
  let last: Token | undefined;
  for (const token of tokens(code)) {
    last = token;
    switch (token.kind) {
      case ts.SyntaxKind.OpenBraceToken:
      case ts.SyntaxKind.OpenParenToken:
      case ts.SyntaxKind.OpenBracketToken:
        open.push(token);
        break;
      case ts.SyntaxKind.CloseBraceToken:
      case ts.SyntaxKind.CloseParenToken:
      case ts.SyntaxKind.CloseBracketToken:
        open.pop();
        break;
    }
  }
  if (!last) return "";
  // Inside a template, an indent would become part of its text.
  const inTemplate =
    last.end === code.length &&
    (last.kind === ts.SyntaxKind.NoSubstitutionTemplateLiteral ||
      last.kind === ts.SyntaxKind.TemplateTail ||
      last.kind === ts.SyntaxKind.TemplateHead ||
      last.kind === ts.SyntaxKind.TemplateMiddle);
  if (inTemplate) return "";
  const bracket = open.at(-1);
  return lineIndent(code, (bracket && !continues(last.kind) ? bracket : last).start) + INDENT;
}

/** Whether the token, an operator or an arrow, needs more of the same expression. */
function continues(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.EqualsGreaterThanToken ||
    kind === ts.SyntaxKind.DotToken ||
    kind === ts.SyntaxKind.QuestionDotToken ||
    (kind >= ts.SyntaxKind.LessThanToken && kind <= ts.SyntaxKind.LastBinaryOperator)
  );
}

function lineIndent(code: string, offset: number): string {
  const line = code.slice(code.lastIndexOf("\n", offset - 1) + 1);
  return /^[ \t]*/.exec(line)![0];
}
