// Notebook parameters: adds a cell that overrides the cell tagged `parameters`, as papermill does.

import { UserError } from "../base/errors.ts";
import { JsonError, parseJson } from "../base/json.ts";
import { printable } from "../base/printable.ts";
import { type CodeCell, type Notebook, newCellId, tagsOf } from "./nbformat.ts";

const DEFAULTS = "parameters";
const INJECTED = "injected-parameters";

/** Parses a `name=value` of the command line; the value is JSON if possible, otherwise a string. */
export function parseParameter(text: string): readonly [name: string, value: unknown] {
  const [, name, value] = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)=(.*)$/su.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new UserError(`"${printable(text)}" is not a parameter; write name=value`);
  }
  try {
    return [name, parseJson(value)];
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (error.isSyntax) return [name, value];
    throw new UserError(`parameter ${printable(name)} ${error.message}`);
  }
}

/**
 * Puts a cell with the parameters after the cell tagged `parameters`, replacing one from an earlier
 * run. It can use `let` although that cell declares the names, because a kernel's cells may redeclare.
 * @param file the file's name, for errors
 */
export function injectParameters(
  notebook: Notebook,
  parameters: ReadonlyMap<string, unknown>,
  file: string,
): void {
  if (parameters.size === 0) return;
  const { cells } = notebook;
  const tagged = (tag: string): number =>
    cells.findIndex((cell) => cell.cell_type === "code" && tagsOf(cell).includes(tag));
  const defaults = tagged(DEFAULTS);
  if (defaults < 0) {
    throw new UserError(
      `${file} takes no parameters: no code cell is tagged "${DEFAULTS}"; tag the one that ` +
        "declares them",
    );
  }
  const declared = cells[defaults]!.source;
  for (const name of parameters.keys()) {
    if (mentions(declared, name)) continue;
    throw new UserError(
      `${file} has no parameter ${name}: its cell "${DEFAULTS}" does not mention it`,
    );
  }
  const lines = [...parameters].map(([name, value]) => `let ${name} = ${JSON.stringify(value)};`);
  const source = ["// Parameters", ...lines].join("\n");
  const before = tagged(INJECTED);
  const ids = new Set(cells.map(({ id }) => id));
  const cell: CodeCell = {
    cell_type: "code",
    id: before < 0 ? newCellId(INJECTED, ids) : cells[before]!.id,
    metadata: { tags: [INJECTED] },
    source,
    execution_count: null,
    outputs: [],
  };
  if (before < 0) cells.splice(defaults + 1, 0, cell);
  else cells[before] = cell;
}

function mentions(source: string, name: string): boolean {
  const names: readonly string[] = source.match(/[\p{ID_Start}$_][\p{ID_Continue}$]*/gu) ?? [];
  return names.includes(name);
}
