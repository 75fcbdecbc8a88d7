// A cell's type errors, as lines to show under it.
import ts from "typescript";
import { type CellFile, type Notebook, readable } from "./notebook.ts";
import type { Diagnosis, TypeProblem, WorkerSettings } from "./protocol.ts";
import { parseScript } from "./script.ts";
import type { Workspace } from "./workspace.ts";

const SILENT = new Set([
  2451, // a name declared twice in one cell: a syntax error when it runs
  2632, // assignment to an import: functions of earlier cells look like imports, and the runner knows better
  7016, // a package without types: nothing is wrong with the cell
  7026, // tags of such a package
  1286, // ESM syntax in a file that its package.json calls CommonJS: cells are modules
]);

/** Keeps to a screenful: one wrong type can spoil every line after it, and explanations are long. */
const MAX_PROBLEMS = 10;
const MAX_LINES = 5;

export function diagnose(
  workspace: Workspace,
  notebook: Notebook,
  cell: CellFile,
  settings: WorkerSettings,
): Diagnosis {
  if (asksForSilence(cell.code)) return { problems: [], text: "" };
  // The runner reports syntax errors itself, and types mean little next to one.
  if (workspace.service.getSyntacticDiagnostics(cell.file).length > 0) {
    return { problems: [], text: "" };
  }
  const file = parseScript(cell.code);
  const problems: TypeProblem[] = [];
  for (const found of workspace.service.getSemanticDiagnostics(cell.file)) {
    const start = (found.start ?? 0) - cell.prelude.length;
    if (found.category !== ts.DiagnosticCategory.Error || start < 0) continue;
    if (SILENT.has(found.code) || isSyntax(found.code)) continue;
    const { line, character } = file.getLineAndCharacterOfPosition(start);
    const lines = ts.flattenDiagnosticMessageText(found.messageText, "\n").split("\n");
    const message = lines.slice(0, MAX_LINES).join("\n");
    problems.push({
      line: line + 1,
      column: character + 1,
      code: found.code,
      message: readable(message, notebook, settings),
    });
  }
  return { problems, text: describe(problems, cell.count) };
}

/** Whether V8 rejects this too, such as a `return` outside functions. */
function isSyntax(code: number): boolean {
  const sameKeyTwice = 1117;
  return code < 1200 && code !== sameKeyTwice;
}

function describe(problems: readonly TypeProblem[], count: number): string {
  const lines = problems
    .slice(0, MAX_PROBLEMS)
    .map(
      ({ line, column, code, message }) =>
        `Cell [${count}]:${line}:${column} - warning TS${code}: ${message}\n`,
    );
  const more = problems.length - MAX_PROBLEMS;
  if (more > 0) lines.push(`... and ${more} more warnings\n`);
  return lines.join("");
}

/** Whether the cell begins with `// @ts-nocheck`. TypeScript itself would look for it before the prelude. */
function asksForSilence(code: string): boolean {
  const comments = ts.getLeadingCommentRanges(code, 0) ?? [];
  return comments.some(({ pos, end }) =>
    /^(\/\/|\/\*+)\s*@ts-nocheck\b/.test(code.slice(pos, end)),
  );
}
