// Parses cells and modules: Node strips the types, acorn builds the tree.
import { SourceMap, stripTypeScriptTypes } from "node:module";
import { type Options, Parser, type Program } from "acorn";
import { full } from "acorn-walk";
import { firstTooDeep } from "./depth.ts";
import { Lines, linesOf, type Position } from "./source.ts";
import { assignsFields, kindsOf, transpile, type Written } from "./transpile.ts";

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

/** JavaScript made from TypeScript. */
export interface Parsed {
  readonly text: string;
  readonly program: Program;
  /** Returns the place in the code as typed for an offset in `text`. */
  readonly origin: (offset: number) => Position;
  /** Whether TypeScript compiled it, with helpers and imports of its own. */
  readonly isCompiled?: boolean;
}

/** Blanks or one comment. The pattern has no repetition, because a line of slashes splits in many ways. */
const TRIVIA = /\s+|\/\/.*|\/\*[\s\S]*?\*\//y;

/** Parses a cell of a notebook in `folder`. If all of it can be an object literal, it is one, as in Node's REPL. With
 *  a semicolon at its end it is one only if it can be nothing else. */
export function parseCell(source: string, folder?: string): Parsed {
  const written: Written = { as: "cell", ...(folder !== undefined && { folder }) };
  if (!beginsWithBrace(source)) return parseTypeScript(source, written);
  const isStatement = /;\s*$/.test(source);
  if (!isStatement) return tryObject(source, written) ?? parseTypeScript(source, written);
  try {
    return parseTypeScript(source, written);
  } catch (error) {
    const found = tryObject(source.replace(/;\s*$/, ""), written);
    if (found) return found;
    throw error;
  }
}

/** Whether the first character after blanks and comments is an opening brace. */
function beginsWithBrace(source: string): boolean {
  let at = 0;
  TRIVIA.lastIndex = 0;
  while (TRIVIA.test(source)) at = TRIVIA.lastIndex;
  return source[at] === "{";
}

function tryObject(source: string, written: Written): Parsed | undefined {
  try {
    const parsed = parseTypeScript(`(${source}\n)`, written);
    const { program, origin } = parsed;
    const own = program.body.filter(({ type }) => type !== "ImportDeclaration"); // of JSX's runtime
    if (own.length !== 1 || own[0]?.type !== "ExpressionStatement") return undefined;
    return {
      ...parsed,
      origin: (offset) => {
        const { line, column } = origin(offset);
        return { line, column: line === 1 ? Math.max(1, column - 1) : column };
      },
    };
  } catch {
    return undefined;
  }
}

/**
 * Parses TypeScript. Types become blanks, so that places stay the same. If blanking is not enough (enums, namespaces,
 * parameter properties), the code is transformed. What Node cannot read (JSX, decorators) is compiled by TypeScript.
 */
export function parseTypeScript(source: string, written: Written): Parsed {
  let parsed = tryJavaScript(source);
  if (!parsed) checkDepth(source);
  try {
    parsed ??= parseTyped(source);
  } catch (error) {
    const compiled = compile(source, kindsOf(source, written.as), written, error);
    if (!compiled) throw error;
    return compiled;
  }
  if (!assignsFields(source, parsed.program, written.folder)) return parsed;
  return compile(source, [written.as === "cell" ? "ts" : written.as], written) ?? parsed;
}

/**
 * Compiles code that JavaScript has no words for; returns undefined if the compiler does not understand it either.
 * @param error why it is not plain TypeScript
 * @throws CellSyntaxError if it is JSX, but wrong
 */
function compile(
  source: string,
  kinds: ReturnType<typeof kindsOf>,
  { as, folder }: Written,
  error?: unknown,
): Parsed | undefined {
  for (const kind of kinds) {
    const compiled = shallow(() => transpile(source, kind, folder));
    if ("text" in compiled) return { ...mapped(compiled, source), isCompiled: true };
    const place = new Lines(source).position(compiled.at);
    // Who got further in the code has understood it better.
    const isFurther = error instanceof CellSyntaxError && !isBefore(place, error);
    if (isFurther || compiled.isTag || (as === kind && as !== "ts")) {
      throw new CellSyntaxError(compiled.wrong, place);
    }
  }
  return undefined;
}

/** Runs the compiler, which overflows its stack on code that nests too deep. */
function shallow<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = "the code is too deeply nested for TypeScript's compiler";
    throw new CellSyntaxError(message, { line: 1, column: 1 });
  }
}

const isBefore = (a: Position, b: Position): boolean =>
  a.line < b.line || (a.line === b.line && a.column < b.column);

function parseTyped(source: string): Parsed {
  let text: string;
  try {
    text = stripTypeScriptTypes(source);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
      return transform(source);
    }
    throw stripperError(error, source);
  }
  return withoutTypeImports(
    { text, program: parseJavaScript(text), origin: originIn(text) },
    source,
  );
}

const ONLY_TYPES = /^(import|export)\s*\{\s*type\b/;

/** Blanks imports and re-exports all of whose names are marked as types: the stripper leaves `import {} from "x"`,
 *  which would load the module. */
function withoutTypeImports(parsed: Parsed, source: string): Parsed {
  const lines = new Lines(source);
  const isOfTypes = (each: Program["body"][number]): boolean => {
    const isEmpty = "specifiers" in each && each.specifiers.length === 0 && Boolean(each.source);
    const at = isEmpty ? lines.offset(parsed.origin(each.start)) : undefined;
    return at !== undefined && ONLY_TYPES.test(source.slice(at));
  };
  const removed = parsed.program.body.filter(isOfTypes);
  if (removed.length === 0) return parsed;
  let { text } = parsed;
  for (const { start, end } of removed) {
    // The semicolon keeps the statement before from running into the one after.
    const blank = `;${text.slice(start + 1, end).replace(/[^\n\r\u2028\u2029]/g, " ")}`;
    text = text.slice(0, start) + blank + text.slice(end);
  }
  const body = parsed.program.body.filter((each) => !removed.includes(each));
  return { ...parsed, text, program: { ...parsed.program, body } };
}

/** The limit for brackets and type arguments. Node's type parser overflows its memory at some 600 levels or
 *  more, and then cannot read anything for the rest of the process's life. */
const MOST_DEPTH = 500;

/** @throws CellSyntaxError at the first bracket that is too deep */
function checkDepth(source: string): void {
  const at = firstTooDeep(source, MOST_DEPTH);
  if (at === undefined) return;
  const message = `brackets and type arguments nest deeper than ${MOST_DEPTH}, the limit in code with types`;
  throw new CellSyntaxError(message, new Lines(source).position(at));
}

/** Parses code that is already JavaScript, unless TypeScript would read it differently. */
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
  const url = output.slice(at);
  const map = Buffer.from(url.slice(url.indexOf(",") + 1), "base64").toString();
  return mapped({ text: output.slice(0, at), map }, source);
}

/** Parses code that was made from `source`, and that has a source map. */
function mapped({ text, map: json }: { text: string; map: string }, source: string): Parsed {
  const map = new SourceMap(JSON.parse(json));
  const lines = new Lines(text);
  const origin = (offset: number): Position => {
    const { line, column } = lines.position(offset);
    const entry = map.findEntry(line - 1, column - 1);
    if (!("originalLine" in entry)) return { line: 1, column: 1 };
    return { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  };
  try {
    return withoutTypeImports({ text, program: parse(text), origin }, source);
  } catch (error) {
    throw acornError(error, (offset) => origin(offset));
  }
}

const originIn = (text: string) => {
  const lines = new Lines(text);
  return (offset: number) => lines.position(offset);
};

/** acorn, for a module whose names earlier cells may have declared, and which may declare a function
 *  twice: the last one counts. */
class CellParser extends (Parser as unknown as new (options: Options, input: string) => Parser) {
  protected treatFunctionsAsVarInScope(scope: { flags: number }): boolean {
    const topOrFunction = 1 | 2;
    return (scope.flags & topOrFunction) !== 0;
  }

  protected checkLocalExport(): void {}
}

function parse(text: string, sourceType: "module" | "script" = "module"): Program {
  const allowReturnOutsideFunction = sourceType === "script";
  return new CellParser(
    { ecmaVersion: "latest", sourceType, preserveParens: true, allowReturnOutsideFunction },
    text,
  ).parse();
}

/** Parses JavaScript as a module with top-level await, or as a CommonJS module. */
export function parseJavaScript(text: string, sourceType?: "module" | "script"): Program {
  try {
    return parse(text, sourceType);
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

/** Turns what Node's type stripper threw into an error for the cell's author. */
function stripperError(error: unknown, source: string): CellSyntaxError {
  const { code } = error as NodeJS.ErrnoException;
  if (code?.endsWith("_TYPESCRIPT_SYNTAX")) return syntaxError(error as Error, source);
  // Everything else is an overflow of its stack or its memory; after the latter it fails on any code.
  const message = stripsTypes()
    ? "the code is too deeply nested for Node's type stripper"
    : "Node's type stripper broke on code that is too deeply nested for it, in this cell or an earlier one, " +
      "and cannot read types any more: restart the kernel";
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

/** Reads the error of Node's parser, which puts the place in front of the stack: a line and a marker. */
function syntaxError({ stack, message: full }: Error, source: string): CellSyntaxError {
  const [said = "", ...expected] = full.split(". Expected ");
  const isLong = expected.join().split(", ").length > 3; // a list of every possible token
  const message = isLong ? said : full;
  // The parts are ":3", the line before if there is one, the line, a marker below it, the line after.
  const shown = stack?.slice(0, stack.indexOf("SyntaxError [")).split("\n") ?? [];
  const line = Number(/^:(\d+)$/.exec(shown[0] ?? "")?.[1] ?? 1);
  const typed = linesOf(source)[line - 1] ?? "";
  const at = line > 1 ? 2 : 1;
  // An error that ends on a later line has its lines indented and has no marker.
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

/** Returns the column as typed, given the width shown, where tabs become blanks up to a multiple of four. */
function typedColumn(line: string, shown: number): number {
  let at = 0;
  for (let width = 0; width < shown; at++) width += line[at] === "\t" ? 4 - (width % 4) : 1;
  return at + 1;
}
