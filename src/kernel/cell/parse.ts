// Parsing cells and modules: types stripped by Node, then acorn's tree.
import { SourceMap, stripTypeScriptTypes } from "node:module";
import { type Options, Parser, type Program } from "acorn";
import { full } from "acorn-walk";
import { firstTooDeep } from "./depth.ts";
import { Lines, linesOf, type Position } from "./source.ts";

/** Code that cannot be parsed. Line and column count from 1, in the code as typed. */
export class CellSyntaxError extends SyntaxError {
  readonly line: number;
  readonly column: number;

  constructor(message: string, { line, column }: Position) {
    super(message);
    this.name = "SyntaxError";
    this.line = line;
    this.column = column;
  }
}

/** JavaScript made of TypeScript. */
export interface Parsed {
  readonly text: string;
  readonly program: Program;
  /** The place in the code as typed of an offset in `text`. */
  readonly origin: (offset: number) => Position;
}

/** Blanks or one comment. Not repeated within: a line of slashes can be cut into comments in many ways. */
const TRIVIA = /\s+|\/\/.*|\/\*[\s\S]*?\*\//y;

/** Parses a cell. One that can be an object literal as a whole is one, as in Node's REPL; what ends in a
 *  semicolon is only where it is nothing else. */
export function parseCell(source: string): Parsed {
  if (!beginsWithBrace(source)) return parseTypeScript(source);
  const isStatement = /;\s*$/.test(source);
  if (!isStatement) return tryObject(source) ?? parseTypeScript(source);
  try {
    return parseTypeScript(source);
  } catch (error) {
    const found = tryObject(source.replace(/;\s*$/, ""));
    if (found) return found;
    throw error;
  }
}

/** Whether the first character behind blanks and comments is an opening brace. */
function beginsWithBrace(source: string): boolean {
  let at = 0;
  TRIVIA.lastIndex = 0;
  while (TRIVIA.test(source)) at = TRIVIA.lastIndex;
  return source[at] === "{";
}

function tryObject(source: string): Parsed | undefined {
  try {
    const { text, program, origin } = parseTypeScript(`(${source}\n)`);
    if (program.body.length !== 1) return undefined;
    return {
      text,
      program,
      origin: (offset) => {
        const { line, column } = origin(offset);
        return { line, column: line === 1 ? Math.max(1, column - 1) : column };
      },
    };
  } catch {
    return undefined;
  }
}

/** Parses TypeScript. Types become blanks, so that places stay; where that is not enough (enums,
 *  namespaces, parameter properties) the code is transformed. */
export function parseTypeScript(source: string): Parsed {
  const plain = tryJavaScript(source);
  if (plain) return plain;
  checkDepth(source);
  let text: string;
  try {
    text = stripTypeScriptTypes(source);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
      return transform(source);
    }
    throw stripperError(error, source);
  }
  return { text, program: parseJavaScript(text), origin: originIn(text) };
}

/** Of brackets and type arguments. Node's parser of types overflows its memory at some 600 levels or more, and
 *  then reads nothing more for as long as the process lives. */
const MOST_DEPTH = 500;

/** @throws CellSyntaxError at the bracket that is too much */
function checkDepth(source: string): void {
  const at = firstTooDeep(source, MOST_DEPTH);
  if (at === undefined) return;
  const message = `brackets and type arguments nest deeper than ${MOST_DEPTH}, the most where code has types`;
  throw new CellSyntaxError(message, new Lines(source).position(at));
}

/** Code that is JavaScript already, unless TypeScript would read it as something else. */
function tryJavaScript(text: string): Parsed | undefined {
  try {
    const program = parseJavaScript(text);
    return mayHaveTypeArguments(program) ? undefined : { text, program, origin: originIn(text) };
  } catch {
    return undefined;
  }
}

/** f<a>(b) is a call in TypeScript and two comparisons in JavaScript. */
function mayHaveTypeArguments(program: Program): boolean {
  let opens = false;
  let closes = false;
  full(program, (node) => {
    if (node.type !== "BinaryExpression") return;
    opens ||= node.operator === "<" || node.operator === "<<";
    closes ||= node.operator.startsWith(">");
  });
  return opens && closes;
}

function transform(source: string): Parsed {
  let output: string;
  try {
    output = stripTypeScriptTypes(source, { mode: "transform", sourceMap: true });
  } catch (error) {
    throw stripperError(error, source);
  }
  const at = output.lastIndexOf("\n//# sourceMappingURL=");
  const text = output.slice(0, at);
  const url = output.slice(at);
  const json = Buffer.from(url.slice(url.indexOf(",") + 1), "base64").toString();
  const map = new SourceMap(JSON.parse(json));
  const lines = new Lines(text);
  const origin = (offset: number): Position => {
    const { line, column } = lines.position(offset);
    const entry = map.findEntry(line - 1, column - 1);
    if (!("originalLine" in entry)) return { line: 1, column: 1 };
    return { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  };
  try {
    return { text, program: parse(text), origin };
  } catch (error) {
    throw acornError(error, (offset) => origin(offset));
  }
}

const originIn = (text: string) => {
  const lines = new Lines(text);
  return (offset: number) => lines.position(offset);
};

/** acorn, for a module whose names earlier cells may have declared, and which may declare functions
 *  again: the last one counts. */
class CellParser extends (Parser as unknown as new (options: Options, input: string) => Parser) {
  protected treatFunctionsAsVarInScope(scope: { flags: number }): boolean {
    const topOrFunction = 1 | 2;
    return (scope.flags & topOrFunction) !== 0;
  }

  protected checkLocalExport(): void {}
}

function parse(text: string): Program {
  return new CellParser(
    { ecmaVersion: "latest", sourceType: "module", preserveParens: true },
    text,
  ).parse();
}

/** Parses JavaScript, as a module with top-level await. */
export function parseJavaScript(text: string): Program {
  try {
    return parse(text);
  } catch (error) {
    throw acornError(error, originIn(text));
  }
}

function acornError(error: unknown, origin: (offset: number) => Position): unknown {
  if (!(error instanceof SyntaxError) || !("pos" in error)) return error;
  return new CellSyntaxError(
    error.message.replace(/ \(\d+:\d+\)$/, ""),
    origin(error.pos as number),
  );
}

/** What Node's type stripper threw, in words for a cell. */
function stripperError(error: unknown, source: string): CellSyntaxError {
  const { code } = error as NodeJS.ErrnoException;
  if (code?.endsWith("_TYPESCRIPT_SYNTAX")) return syntaxError(error as Error, source);
  // Everything else is an overflow of its stack or its memory; after the latter it fails at any code.
  const message = stripsTypes()
    ? "the code is too deeply nested for Node's type stripper"
    : "Node's type stripper broke at code that is too deeply nested for it, here or in an earlier cell, and " +
      "reads no more types: restart the kernel";
  return new CellSyntaxError(message, { line: 1, column: 1 });
}

function stripsTypes(): boolean {
  try {
    stripTypeScriptTypes("let x: 1");
    return true;
  } catch {
    return false;
  }
}

/** What Node's parser says; it puts the place in front of the stack, as a line and a marker. */
function syntaxError({ stack, message: full }: Error, source: string): CellSyntaxError {
  const [said = "", ...expected] = full.split(". Expected ");
  const isLong = expected.join().split(", ").length > 3; // a list of all tokens there are
  const message = isLong ? said : full;
  // ":3", the line before if there is one, the line, a marker below it, the line behind.
  const shown = stack?.slice(0, stack.indexOf("SyntaxError [")).split("\n") ?? [];
  const line = Number(/^:(\d+)$/.exec(shown[0] ?? "")?.[1] ?? 1);
  const typed = linesOf(source)[line - 1] ?? "";
  const at = line > 1 ? 2 : 1;
  // What ends in a later line has its lines moved to the right, and no marker.
  if (shown[at]?.startsWith("  > ") && !typed.startsWith("  > ")) {
    return new CellSyntaxError(message, { line, column: 1 });
  }
  const marker = /^( *)\^+$/.exec(shown[at + 1] ?? "")?.[1];
  const place =
    marker !== undefined
      ? { line, column: typedColumn(typed, marker.length) }
      : new Lines(source).position(source.trimEnd().length);
  return new CellSyntaxError(message, place);
}

/** The column in a line as typed of a place in it with tabs shown as blanks, up to a multiple of four. */
function typedColumn(line: string, shown: number): number {
  let at = 0;
  for (let width = 0; width < shown; at++) width += line[at] === "\t" ? 4 - (width % 4) : 1;
  return at + 1;
}
