// What can be completed at the cursor: names, members, keys, strings, modules.
import ts from "typescript";
import { runStart } from "../code-points.ts";
import { completeModule } from "./module-completions.ts";
import type { CellFile } from "./notebook.ts";
import type { Completion, TypedMatch, WorkerSettings } from "./protocol.ts";
import type { Workspace } from "./workspace.ts";

const MAX_MATCHES = 600;
/** Types are computed for the first matches, until this time is over. */
const TYPES_MS = 100;
const MAX_TYPE = 200;

/** A possible completion, before it is filtered. */
export interface Candidate {
  readonly text: string;
  readonly type: string;
  /** The sort key; the smallest comes first. */
  readonly rank: string;
  readonly symbol?: ts.Symbol | undefined;
}

export interface Candidates {
  readonly list: readonly Candidate[];
  /** The range of the cell's code that a candidate replaces. */
  readonly start: number;
  readonly end: number;
}

export function complete(
  workspace: Workspace,
  cell: CellFile,
  cursor: number,
  settings: WorkerSettings,
): Completion {
  const file = workspace.program.getSourceFile(cell.file);
  if (!file) throw new Error(`${cell.file} is not in the program`);
  const candidates =
    completeModule(file, cell, cursor, settings) ?? completeCode(workspace, cell, cursor);
  return select(candidates, workspace, cell, cursor);
}

function completeCode(workspace: Workspace, cell: CellFile, cursor: number): Candidates {
  const shift = cell.prelude.length;
  const found = workspace.service.getCompletionsAtPosition(cell.file, shift + cursor, {
    includeSymbol: true,
    includeCompletionsWithInsertText: true,
    // Offer members of values that may be undefined too; the user adds the `?.`.
    includeAutomaticOptionalChainCompletions: true,
  });
  const word = wordAround(cell.code, cursor);
  if (!found) return { list: [], ...word };
  const text = found.entries.find(({ kind }) => kind === "string");
  const list: Candidate[] = [];
  for (const entry of found.entries) {
    const { name, kind, insertText, sortText, symbol } = entry;
    // Skip names that need other text in front of them: `this.`, `["a b"]`.
    const plain = insertText === undefined || insertText === name || insertText === `?.${name}`;
    if (!plain || kind === ts.ScriptElementKind.warning) continue;
    const keyword = kind === ts.ScriptElementKind.keyword;
    // The order is: the cell's own names, then keywords, then globals.
    const rank = keyword ? "14" : sortText;
    list.push({ text: name, type: typeWord(kind), rank, symbol });
  }
  if (!text) return { list, ...word };
  // TypeScript gives no span for a string that is not closed yet.
  const span = text.replacementSpan;
  const start = span ? span.start - shift : textStart(cell.code, cursor);
  const end = span ? start + span.length : word.end;
  return { list: withoutEcho(list, cell.code.slice(start, end)), start, end };
}

/** Returns the position after the quote that opens the string at the cursor. */
function textStart(code: string, cursor: number): number {
  const line = code.slice(code.lastIndexOf("\n", cursor - 1) + 1, cursor);
  return cursor - (/(["'`])((?:(?!\1).)*)$/.exec(line)?.[2]?.length ?? 0);
}

/** Drops the typed text itself: a type inferred from it has it as one of its values. */
function withoutEcho(list: readonly Candidate[], typed: string): readonly Candidate[] {
  const goesOn = list.some(({ text }) => text !== typed && text.startsWith(typed));
  return goesOn ? list.filter(({ text }) => text !== typed) : list;
}

/** Returns the identifier that the cursor is in or at the end of. */
export function wordAround(code: string, cursor: number): { start: number; end: number } {
  const after = /^[\p{ID_Continue}$]*/u.exec(code.slice(cursor))![0];
  const start = runStart(code.slice(0, cursor), /[\p{ID_Continue}$#]/u);
  return { start, end: cursor + after.length };
}

/** Keeps what begins with the typed text. Ignores case only if nothing begins with it exactly. */
function select(
  { list, start, end }: Candidates,
  workspace: Workspace,
  cell: CellFile,
  cursor: number,
): Completion {
  const prefix = cell.code.slice(start, cursor);
  const lower = prefix.toLowerCase();
  const exact = list.filter(({ text }) => text.startsWith(prefix));
  const some =
    exact.length > 0 ? exact : list.filter((c) => c.text.toLowerCase().startsWith(lower));
  const unique = [...new Map(some.map((candidate) => [candidate.text, candidate])).values()];
  unique.sort((a, b) => compare(a.rank, b.rank) || compareNames(a.text, b.text));
  const best = unique.slice(0, MAX_MATCHES);
  const describe = describer(workspace, cell);
  return {
    matches: best.map(({ text }) => text),
    start,
    end,
    types: best.map((candidate): TypedMatch => {
      return { start, end, text: candidate.text, ...describe(candidate) };
    }),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Compares alphabetically; names that begin with an underscore come last. */
function compareNames(a: string, b: string): number {
  const hidden = Number(a.startsWith("_")) - Number(b.startsWith("_"));
  return hidden || compare(a.toLowerCase(), b.toLowerCase()) || compare(a, b);
}

type Describe = (candidate: Candidate) => { readonly type: string; readonly signature: string };

function describer(workspace: Workspace, cell: CellFile): Describe {
  const checker = workspace.program.getTypeChecker();
  const file = workspace.program.getSourceFile(cell.file);
  const until = performance.now() + TYPES_MS;
  return ({ symbol, type }) => {
    if (!file || !symbol) return { type, signature: "" };
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const kind = kindByFlags(target, type);
    if (performance.now() > until) return { type: kind, signature: "" };
    try {
      return describeSymbol(checker, target, kind, file);
    } catch {
      return { type: kind, signature: "" }; // if TypeScript fails on a type, only its text is missing
    }
  };
}

/** Tells a symbol's kind as far as possible without its type. This is free, so it is always done. */
function kindByFlags({ flags }: ts.Symbol, word: string): string {
  const { Value, Variable, Class, Enum, Module } = ts.SymbolFlags;
  if (flags & ts.SymbolFlags.Function) return "function";
  if (flags & (Class | Enum)) return "class";
  if (flags & Module && !(flags & Variable)) return "module";
  return flags & Value ? word : "class";
}

function describeSymbol(
  checker: ts.TypeChecker,
  target: ts.Symbol,
  known: string,
  file: ts.SourceFile,
): ReturnType<Describe> {
  const isValue = target.flags & ts.SymbolFlags.Value;
  const type = isValue
    ? checker.getTypeOfSymbolAtLocation(target, file)
    : checker.getDeclaredTypeOfSymbol(target);
  let kind = known;
  if (type.getCallSignatures().length > 0) kind = "function";
  else if (kind !== "module" && type.getConstructSignatures().length > 0) kind = "class";
  if (kind === "module" || (type.flags & ts.TypeFlags.Any && !isValue)) {
    return { type: kind, signature: "" };
  }
  const text = checker.typeToString(type).replaceAll(/import\("[^"]*"\)\./g, "");
  return { type: kind, signature: text.length > MAX_TYPE ? `${text.slice(0, MAX_TYPE)}…` : text };
}

/** Translates TypeScript's kinds to the words that JupyterLab has icons for. */
export function typeWord(kind: ts.ScriptElementKind): string {
  switch (kind) {
    case ts.ScriptElementKind.functionElement:
    case ts.ScriptElementKind.localFunctionElement:
    case ts.ScriptElementKind.memberFunctionElement:
    case ts.ScriptElementKind.callSignatureElement:
    case ts.ScriptElementKind.constructSignatureElement:
      return "function";
    case ts.ScriptElementKind.classElement:
    case ts.ScriptElementKind.localClassElement:
    case ts.ScriptElementKind.interfaceElement:
    case ts.ScriptElementKind.typeElement:
    case ts.ScriptElementKind.enumElement:
    case ts.ScriptElementKind.typeParameterElement:
    case ts.ScriptElementKind.primitiveType:
      return "class";
    case ts.ScriptElementKind.moduleElement:
    case ts.ScriptElementKind.externalModuleName:
      return "module";
    case ts.ScriptElementKind.keyword:
      return "keyword";
    case ts.ScriptElementKind.memberVariableElement:
    case ts.ScriptElementKind.memberGetAccessorElement:
    case ts.ScriptElementKind.memberSetAccessorElement:
    case ts.ScriptElementKind.enumMemberElement:
      return "property";
    case ts.ScriptElementKind.parameterElement:
      return "param";
    case ts.ScriptElementKind.directory:
    case ts.ScriptElementKind.scriptElement:
      return "path";
    default:
      return "instance";
  }
}
