// Parameters of a notebook: a cell that overrides its cell tagged `parameters`, as papermill does.

import { UserError } from "../base/errors.ts";
import { JsonError, parseJson } from "../base/json.ts";
import { printable } from "../base/printable.ts";
import { type CodeCell, type Notebook, newCellId, tagsOf } from "./nbformat.ts";

const DEFAULTS = "parameters";
const INJECTED = "injected-parameters";

/** A `name=value` of the command line; the value is JSON where it can be, otherwise a string. */
export function parseParameter(text: string): readonly [name: string, value: unknown] {
  const [, name, value] = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)=(.*)$/su.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new UserError(`"${printable(text)}" is no parameter; write name=value`);
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
 * Puts a cell with the parameters after the cell tagged `parameters`, in place of one from an
 * earlier run. `let` may follow the declarations of that cell: a kernel's cells declare again.
 * @param file named in errors
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
      `${file} has no parameter ${name}: its cell "${DEFAULTS}" does not name it`,
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
