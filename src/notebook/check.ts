// Checks a notebook: its form, and that running it again shows what is saved in it.
import path from "node:path";
import { UserError } from "../base/errors.ts";
import { compareOutputs } from "./compare.ts";
import { findMachinePaths } from "./machine-paths.ts";
import { type CodeCell, type Notebook, tagsOf } from "./nbformat.ts";
import { INTERRUPTED, mayFail, type RunOptions, runNotebook, runnableCells } from "./run.ts";

export const MOST_CELLS = 20;
export const MOST_LINES = 12;
export const TOLERANCE = 1e-3;

/** A problem to fix. */
export interface Problem {
  /** The cell's number among all cells, from 1; null for the notebook as a whole. */
  readonly cell: number | null;
  /** What is wrong and what to do. */
  readonly message: string;
}

export interface CheckOptions
  extends Pick<RunOptions, "kernel" | "transport" | "timeout" | "signal" | "onCell"> {
  readonly file: string;
  /** The relative tolerance for numbers that are not whole. */
  readonly tolerance?: number;
}

/** Checks the form, then runs a copy and compares. The notebook itself is not changed. */
export async function checkNotebook(notebook: Notebook, options: CheckOptions): Promise<Problem[]> {
  const folder = path.dirname(path.resolve(options.file));
  const problems = [...formProblems(notebook, folder), ...(await runProblems(notebook, options))];
  return problems.sort((a, b) => (a.cell ?? 0) - (b.cell ?? 0));
}

/** Returns the problems of the file as it is. */
export function formProblems(notebook: Notebook, folder: string): Problem[] {
  const problems: Problem[] = [];
  const codeCells = notebook.cells.filter((cell) => cell.cell_type === "code");
  if (codeCells.length > MOST_CELLS) {
    const message = `${codeCells.length} code cells; join or drop some; the limit is ${MOST_CELLS}`;
    problems.push({ cell: null, message });
  }
  for (const [index, cell] of notebook.cells.entries()) {
    if (cell.cell_type !== "code") continue;
    const lines = cell.source.replace(/\n$/, "").split("\n").length;
    if (lines > MOST_LINES) {
      const message = `${lines} lines; shorten or split it; the limit is ${MOST_LINES}`;
      problems.push({ cell: index + 1, message });
    }
    const error = cell.outputs.find((output) => output.output_type === "error");
    if (error && !mayFail(cell)) {
      const message = `it holds the error ${error.ename}; fix it, or tag it raises-exception`;
      problems.push({ cell: index + 1, message });
    }
  }
  for (const [index, cell] of runnableCells(notebook).entries()) {
    if (cell.execution_count === index + 1) continue;
    const has = cell.execution_count === null ? "no execution count" : `[${cell.execution_count}]`;
    problems.push({
      cell: notebook.cells.indexOf(cell) + 1,
      message: `${has} instead of [${index + 1}]; run the notebook from start to end`,
    });
    break; // later cells are wrong for the same reason
  }
  for (const { cell, where, text } of findMachinePaths(notebook, folder)) {
    const message = `its ${where} contains ${text}, a path of one machine; use relative paths and run it again`;
    problems.push({ cell, message });
  }
  return problems;
}

async function runProblems(notebook: Notebook, options: CheckOptions): Promise<Problem[]> {
  const { file, tolerance = TOLERANCE, ...rest } = options;
  const copy = structuredClone(notebook);
  const skip = (cell: CodeCell): boolean => tagsOf(cell).includes("nbval-skip");
  const result = await runNotebook(copy, {
    ...rest,
    cwd: path.dirname(path.resolve(file)),
    skip,
  });
  if (result.failure?.kind === "interrupt") {
    throw new UserError(`${file}: interrupted, not checked`, { exitCode: INTERRUPTED });
  }
  const problems: Problem[] = [];
  const cells = runnableCells(copy).filter((cell) => !skip(cell));
  for (const [index, cell] of cells.entries()) {
    const position = copy.cells.indexOf(cell);
    const add = (message: string): void => void problems.push({ cell: position + 1, message });
    const ended = result.failure?.number === index + 1;
    if (ended) {
      const after = cells.length - index - 1;
      const rest = after > 0 ? `; the ${after} after it were not run` : "";
      add(`${result.failure.message}; fix the cell${rest}`);
      break;
    }
    if (mayFail(cell) && !result.errors.has(cell)) {
      add("it is tagged raises-exception but raised none; drop the tag or fix the cell");
    }
    const committed = (notebook.cells[position] as CodeCell).outputs;
    const difference = isCompared(cell) && compareOutputs(committed, cell.outputs, tolerance);
    if (difference) {
      add(`it shows ${difference}; run the notebook again, or tag it nbval-ignore-output`);
    }
  }
  return problems;
}

/** Whether outputs are compared, as in nbval's lax mode: one tag asks for it, another forbids it. */
function isCompared(cell: CodeCell): boolean {
  const tags = tagsOf(cell);
  return tags.includes("nbval-check-output") && !tags.includes("nbval-ignore-output");
}
