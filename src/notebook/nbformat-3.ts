// Notebooks of IPython 0.13 to 2 (nbformat 3) as nbformat 4, by the rules of nbformat/v4/convert.py.
// The language, which nbformat drops, is kept: a run refuses a notebook of another one.
import { isObject, JsonError, parseJson } from "../base/json.ts";

type Fields = Record<string, unknown>;

/** MIME types by their names in nbformat 3. */
const TYPES: Readonly<Record<string, string>> = {
  text: "text/plain",
  html: "text/html",
  svg: "image/svg+xml",
  png: "image/png",
  jpeg: "image/jpeg",
  latex: "text/latex",
  json: "application/json",
  javascript: "application/javascript",
};

/** Joins lines; some writers of that time left out the ends of lines (nbformat/v3/rwbase.py). */
function joined(text: unknown): unknown {
  if (!Array.isArray(text) || !text.every((line) => typeof line === "string")) return text;
  return text.join(/[\r\n]$/.test(text[0] ?? "") ? "" : "\n");
}

/**
 * Returns a notebook of nbformat 3 as nbformat 4. Fields of a wrong type stay as they are: the reader of nbformat 4
 * refuses them.
 */
export function upgraded(notebook: Readonly<Fields>): Fields {
  const { worksheets, orig_nbformat: _, nbformat_minor: __, ...rest } = notebook;
  const sheets = Array.isArray(worksheets) ? worksheets : [worksheets];
  const old = sheets.flatMap((sheet: unknown) => (isObject(sheet) ? sheet["cells"] : [sheet]));
  const { name: ___, ...kept } = isObject(rest["metadata"]) ? rest["metadata"] : {};
  const written = old.flatMap((cell) => (isObject(cell) ? [cell["language"]] : []));
  const language = written.find((name) => typeof name === "string");
  const metadata = language === undefined ? kept : { language_info: { name: language }, ...kept };
  return { ...rest, nbformat: 4, nbformat_minor: 4, metadata, cells: old.map(upgradedCell) };
}

function upgradedCell(cell: unknown): unknown {
  if (!isObject(cell)) return cell;
  const metadata = cell["metadata"] ?? {};
  switch (cell["cell_type"]) {
    case "code": {
      const { language: _, collapsed, input = "", prompt_number: count = null, ...rest } = cell;
      const outputs = Array.isArray(cell["outputs"]) ? cell["outputs"].map(upgradedOutput) : [];
      const folded = collapsed === undefined ? {} : { collapsed };
      return {
        ...rest,
        metadata: { ...(metadata as Fields), ...folded },
        source: joined(input),
        execution_count: count,
        outputs,
      };
    }
    case "heading": {
      const { level = 1, source = "", ...rest } = cell;
      const title = String(joined(source)).split(/\r?\n/).join(" ");
      const marks = "#".repeat(Math.min(6, Math.max(1, Number(level) || 1)));
      return { ...rest, metadata, cell_type: "markdown", source: `${marks} ${title}` };
    }
    case "html":
      return { ...cell, metadata, cell_type: "markdown", source: joined(cell["source"]) };
    default:
      return { ...cell, metadata, source: joined(cell["source"]) };
  }
}

function upgradedOutput(output: unknown): unknown {
  if (!isObject(output)) return output;
  switch (output["output_type"]) {
    case "pyout":
    case "display_data": {
      const { output_type: type, prompt_number: count = null, metadata = {}, ...data } = output;
      const views = { metadata: byType(metadata), data: byType(data) };
      if (type === "display_data") return { output_type: type, ...views };
      return { output_type: "execute_result", execution_count: count, ...views };
    }
    case "pyerr":
      return { ...output, output_type: "error" };
    case "stream": {
      const { stream: name = "stdout", ...rest } = output;
      return { ...rest, name, text: joined(rest["text"]) };
    }
    default:
      return output;
  }
}

function byType(data: unknown): unknown {
  if (!isObject(data)) return data;
  const named = Object.entries(data).map(([name, value]) => {
    const type = Object.hasOwn(TYPES, name) ? TYPES[name]! : name;
    return [type, type === "application/json" ? parsed(value) : joined(value)];
  });
  return Object.fromEntries(named);
}

/** Returns the value of JSON kept as text; what is none stays text. */
function parsed(text: unknown): unknown {
  try {
    return parseJson(String(joined(text)));
  } catch (error) {
    if (error instanceof JsonError) return text;
    throw error;
  }
}
