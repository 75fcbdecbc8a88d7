// Compiles cells for V8's REPL mode: imports, exports and declarations are rewritten on a parse.
//
// Everything a cell declares becomes `let` (or stays a class), because only those can be redeclared by
// later cells: V8 refuses const after let, and let after var or function.
import type { AnyNode, ImportDeclaration, Program, VariableDeclaration } from "acorn";
import { ancestor } from "acorn-walk";
import { Constants, type Fixed } from "./constants.ts";
import { withoutEmitted } from "./emitted.ts";
import { withLent } from "./lent.ts";
import { withoutMagic } from "./magic.ts";
import {
  assignments,
  boundNames,
  declaredNames,
  FUNCTIONS,
  type ImportRequest,
  importedNames,
  lexicalNames,
  requestOf,
  usedNames,
} from "./names.ts";
import { type Parsed, parseCell } from "./parse.ts";
import { unmarked } from "./shadows.ts";
import { Edits, Lines, type Position } from "./source.ts";

export { CellSyntaxError } from "./parse.ts";
export type { Position } from "./source.ts";

/** The one global that compiled cells call. It is not enumerable. */
export const HELPER = "__cell__";

/** The functions that compiled cells call. */
export interface CellHelper {
  /** A static import: returns an object with `names`. Those of `unused` that the module exports are
   *  declared under their local names; the others are assumed to be types. */
  import(
    specifier: string,
    attributes: Readonly<Record<string, string>>,
    names?: readonly string[],
    unused?: Readonly<Record<string, string>>,
  ): Promise<unknown>;
  /** import() */
  dynamic(specifier: unknown, options?: unknown): Promise<unknown>;
  /** import.meta */
  readonly meta: object;
  /** `using` at a cell's top level: returns `resource`, and disposes of it when the cell ends. */
  use<T>(resource: T): T;
  /** `await using` */
  useAsync<T>(resource: T): T;
  /** The session's constants: told of declarations, asked before assignments. */
  readonly constants: Pick<Constants, "fix" | "free" | "assign" | "shadows">;
  /** What TypeScript's compiler adds to cells with JSX or decorators, by name or module. */
  readonly emitted: Readonly<Record<string, unknown>>;
  /** Loads files of src/kernel/others: what they lend is then in `lent`. */
  lend(lenders: readonly string[]): Promise<void>;
  readonly lent: Readonly<Record<string, unknown>>;
  /** Is called first: what cells have done to built-ins holds from here on. */
  begin(): void;
  /** Is called last, if with the cell's value: returns it. */
  end<T>(value?: T): T | undefined;
  /** Wraps what is awaited: `value`, or a promise that never settles if the cell was interrupted. */
  go(value: unknown): unknown;
}

export interface CompiledCell {
  /** The code to evaluate in REPL mode. */
  readonly code: string;
  /** The name that `code` has in stack traces. */
  readonly url: string;
  /** Whether the cell, or a block at its end, ends in an expression whose value is to be shown. */
  readonly showsValue: boolean;
  /** Maps a place in `code` to the place as typed. Lines and columns count from 1. */
  map(line: number, column: number): Position | undefined;
}

/** Returns the name of a cell in stack traces. */
export function cellUrl(count: number): string {
  return `cell-${count}.ts`;
}

/** Compiles a cell, the `count` of In[count], in a session with `constants`, of a notebook in `folder`: its
 *  tsconfig.json holds.
 *  @throws CellSyntaxError if it cannot be parsed */
export function compileCell(
  source: string,
  count: number,
  constants = new Constants(),
  folder?: string,
): CompiledCell {
  const typed = parseCell(withoutMagic(source), folder);
  const plain = withoutEmitted(typed, `${HELPER}.emitted`, `${HELPER}.import`);
  const own = withLent(plain, `${HELPER}.lent`, `${HELPER}.lend`);
  const parsed = constants.shadows.marked(own);
  const url = cellUrl(count);
  const edited = rewrite(parsed, constants);
  const code = `${edited.text}\n//# sourceURL=${url}`;
  let lines: Lines | undefined;
  return {
    code,
    url,
    showsValue: lastExpression(parsed.program.body) !== undefined,
    map(line, column) {
      lines ??= new Lines(code);
      const offset = lines.offset({ line, column });
      if (offset === undefined || offset > edited.text.length) return undefined;
      return parsed.origin(edited.origin(offset));
    },
  };
}

/** Returns the expression that a program ends in. If the last statement is a block, looks inside it, as V8's
 *  completion value does. */
function lastExpression(body: Program["body"]): AnyNode | undefined {
  // A transformed namespace ends in its `var`, a compiled module in `export {}`.
  const last = body.findLast(
    (each) =>
      each.type !== "EmptyStatement" &&
      !(each.type === "ExportNamedDeclaration" && !each.declaration && !each.specifiers.length) &&
      !(each.type === "VariableDeclaration" && each.declarations.every(({ init }) => !init)),
  );
  if (last?.type === "BlockStatement") return lastExpression(last.body);
  if (last?.type === "ExportDefaultDeclaration") {
    const { declaration } = last;
    return /^(Class|Function)Declaration$/.test(declaration.type) ? undefined : declaration;
  }
  return last?.type === "ExpressionStatement" ? last.expression : undefined;
}

function rewrite({ text, program }: Parsed, constants: Constants) {
  const edits = new Edits(text);
  const last = lastExpression(program.body);
  if (last) edits.insert(last.start, `${HELPER}.end((`);
  guardConstants(edits, program, constants);
  const variables = new Set<string>();
  ancestor(program, {
    ImportExpression: (node) => edits.replace(node.start, node.start + 6, `${HELPER}.dynamic`),
    AwaitExpression({ argument }) {
      edits.insert(argument.start, `${HELPER}.go(`);
      edits.insert(argument.end, ")");
    },
    CallExpression({ callee, arguments: [code] }) {
      if (constants.shadows.isEmpty || callee.type !== "Identifier" || callee.name !== "eval")
        return;
      if (!code || code.type === "SpreadElement") return;
      edits.insert(code.start, `${HELPER}.constants.shadows.markedCode(`);
      edits.insert(code.end, ")");
    },
    MetaProperty(node) {
      if (node.meta.name === "import") edits.replace(node.start, node.end, `${HELPER}.meta`);
    },
    VariableDeclaration(node, _, ancestors) {
      if (node.kind === "var" && isTopLevel(ancestors)) {
        for (const { id } of node.declarations)
          for (const name of boundNames(id)) variables.add(name);
        editVar(edits, node, ancestors.at(-2));
      }
    },
  });
  const functions = new Map<string, ReturnType<Edits["part"]>>();
  const imports: { text: string; at: number }[] = [];
  const hasImports = program.body.some(({ type }) => type === "ImportDeclaration");
  const used = hasImports ? usedNames(program) : new Set<string>();
  for (const statement of program.body) {
    const { start, end } = statement;
    const declaration =
      "declaration" in statement ? (statement.declaration ?? undefined) : statement;
    const request = requestOf(statement);
    if (request) {
      imports.push({ text: importCode(statement, request, used), at: start });
      edits.replace(start, end, ";");
    } else if (!declaration) {
      edits.replace(start, end, ";"); // export { a, b }
    } else if (declaration.type === "FunctionDeclaration") {
      const { id } = declaration as { id: { name: string; start: number; end: number } | null };
      if (id) {
        // A marked function keeps its name, which its own code does not use.
        const shown = unmarked(id.name);
        edits.replace(id.start, id.end, shown === id.name ? "" : shown);
        functions.delete(id.name);
        functions.set(id.name, edits.part(declaration.start, declaration.end));
        variables.delete(id.name);
      }
      edits.replace(start, end, ";");
    } else {
      if (statement.type === "ExportDefaultDeclaration") {
        const named =
          "id" in declaration && declaration.type === "ClassDeclaration" && declaration.id;
        edits.replace(start, declaration.start, named ? "" : ";(");
        if (!named) edits.insert(declaration.end, ")");
      } else if (declaration !== statement) {
        edits.replace(start, declaration.start, "");
      }
      if (declaration.type === "VariableDeclaration") editLexical(edits, declaration);
      const after = afterDeclaration(declaration, constants);
      if (after !== "") edits.insert(end, `;${after}`);
    }
  }
  if (last) edits.insert(last.end, "))");
  for (const name of functions.keys()) variables.delete(name);
  const names = [...variables];
  const freed = freeCode([...names, ...functions.keys()], constants);
  return edits.join([
    {
      text: `"use strict";${HELPER}.begin();${names.length > 0 ? `let ${names.join()};` : ""}${freed}`,
      at: 0,
    },
    ...[...functions].flatMap(([name, part]) => [
      { text: `let ${name}=`, at: part.start },
      part,
      { text: ";", at: part.end },
    ]),
    ...imports,
    edits.part(0, text.length),
    { text: last ? "" : `\n;${HELPER}.end();`, at: text.length },
  ]);
}

/** Adds a check before each assignment to a constant of an earlier cell or of this one. */
function guardConstants(edits: Edits, program: Program, constants: Constants): void {
  const own = declaredNames(program);
  const fixed = new Set(program.body.flatMap((each) => fixedNames(each).names));
  for (const { names, node } of assignments(program)) {
    const asked = names.filter((each) => (own.has(each) ? fixed.has(each) : constants.has(each)));
    if (asked.length === 0) continue;
    // If an assignment may not happen at all, the check goes with the value that is assigned.
    const isLate = "right" in node && (!("operator" in node) || /[&|?]{2}=/.test(node.operator));
    const { start, end } = isLate ? node.right : node;
    const place = "left" in node ? node.left.start : node.start;
    edits.insert(start, `${HELPER}.constants.assign(${JSON.stringify(asked)})(`, place);
    edits.insert(end, ")");
  }
}

/** Returns the names that a statement declares as constants. */
function fixedNames(statement: AnyNode): { kind: Fixed; names: string[] } {
  if (statement.type === "ImportDeclaration") {
    return { kind: "import", names: statement.specifiers.map(({ local }) => local.name) };
  }
  const declaration = "declaration" in statement ? statement.declaration : statement;
  const isFixed =
    declaration?.type === "VariableDeclaration" && /const|using/.test(declaration.kind);
  return { kind: "constant", names: isFixed ? lexicalNames(declaration) : [] };
}

/** Returns code that reports what has been declared, if that changes anything. */
function afterDeclaration(declaration: AnyNode, constants: Constants): string {
  const { kind, names } = fixedNames(declaration);
  return names.length > 0 ? fixCode(kind, names) : freeCode(lexicalNames(declaration), constants);
}

const fixCode = (kind: Fixed, names: readonly string[]): string =>
  names.length > 0 ? `${HELPER}.constants.fix("${kind}",${JSON.stringify(names)});` : "";

function freeCode(names: readonly string[], constants: Constants): string {
  const freed = names.filter((each) => constants.has(each));
  return freed.length > 0 ? `${HELPER}.constants.free(${JSON.stringify(freed)});` : "";
}

const isTopLevel = (ancestors: readonly { type: string }[]) =>
  !ancestors.some(({ type }) => FUNCTIONS.test(type));

/** Rewrites a `var` outside functions: one `let` in front declares it, and its place assigns to it. */
function editVar(edits: Edits, node: VariableDeclaration, parent: { type: string } | undefined) {
  const first = node.declarations[0]!;
  const isHead = parent && /^For/.test(parent.type) && !("body" in parent && parent.body === node);
  if (!isHead && node.declarations.every(({ init }) => !init)) {
    edits.replace(node.start, node.end, ";"); // keeps the value of the statement before it
    return;
  }
  if (isHead) {
    edits.replace(node.start, first.start, "");
    return;
  }
  edits.replace(node.start, first.start, "{(");
  edits.insert(node.declarations.at(-1)!.end, ")");
  edits.insert(node.end, "}");
}

/** Turns a top-level const into let; hands the resources of `using` to the helper. */
function editLexical(edits: Edits, node: VariableDeclaration) {
  if (node.kind === "const") edits.replace(node.start, node.start + 5, "let");
  if (node.kind !== "using" && node.kind !== "await using") return;
  const isAsync = node.kind === "await using";
  edits.replace(node.start, node.declarations[0]!.start, "let ");
  for (const { init } of node.declarations) {
    if (!init) continue;
    edits.insert(init.start, `${HELPER}.${isAsync ? "useAsync" : "use"}(`);
    edits.insert(init.end, ")");
  }
}

function importCode(
  statement: { type: string },
  { specifier, attributes }: ImportRequest,
  used: ReadonlySet<string>,
): string {
  const call = `await ${HELPER}.import(${JSON.stringify(specifier)},${JSON.stringify(attributes)}`;
  if (statement.type !== "ImportDeclaration") return `${call});`;
  const { namespace, names } = importedNames(statement as ImportDeclaration);
  const star = namespace ? `let ${namespace}=${call});${fixCode("import", [namespace])}` : "";
  if (names.length === 0) return star || `${call});`;
  const bound = names.filter(({ local }) => used.has(local));
  const unused = names.filter(({ local }) => !used.has(local));
  const pattern = bound.map((n) => `${JSON.stringify(n.imported)}:${n.local}`).join();
  const list = JSON.stringify(bound.map((n) => n.imported));
  const types = JSON.stringify(Object.fromEntries(unused.map((n) => [n.local, n.imported])));
  const locals = bound.map(({ local }) => local);
  const declared = pattern ? `let {${pattern}}=` : "";
  return `${star}${declared}${call},${list},${types});${fixCode("import", locals)}`;
}
