// How TypeScript reads a cell: as TSX only where it is no TypeScript, because tags take `<T>x` from the language.
import ts from "typescript";
import { mayHaveTags } from "../cell/transpile.ts";

interface ParsedFile extends ts.SourceFile {
  readonly parseDiagnostics: readonly ts.DiagnosticWithLocation[];
}

/** Returns the errors that the parser alone finds. */
export function parseErrors(file: ts.SourceFile): readonly ts.DiagnosticWithLocation[] {
  return (file as ParsedFile).parseDiagnostics;
}

/** Parses a cell, however broken it is. Its file name has the extension of its language. */
export function parseScript(code: string): ts.SourceFile {
  const file = parse("cell.ts", code);
  return mayHaveTags(code) && parseErrors(file).length > 0 ? parse("cell.tsx", code) : file;
}

function parse(name: string, code: string): ts.SourceFile {
  return ts.createSourceFile(name, code, ts.ScriptTarget.ESNext, false);
}
