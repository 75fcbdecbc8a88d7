// Notebook files: reads nbformat 4.0 to 4.5, writes 4.5 as Jupyter does.
import { createHash } from "node:crypto";
import { UserError } from "../base/errors.ts";
import { readText } from "../base/files.ts";
import { isObject, JsonError, parseJson } from "../base/json.ts";
import { NAME } from "../base/own-package.ts";
import { printable } from "../base/printable.ts";

/** A file that is not a notebook, or has an unsupported version. */
export class NotebookError extends UserError {}

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}
export type MimeBundle = Record<string, Json>;

export type Output =
  | { output_type: "stream"; name: string; text: string }
  | {
      output_type: "execute_result";
      execution_count: number | null;
      data: MimeBundle;
      metadata: JsonObject;
    }
  | { output_type: "display_data"; data: MimeBundle; metadata: JsonObject }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

/** A code cell. Texts are single strings here, lists of lines in files. Unknown fields are kept. */
export interface CodeCell {
  cell_type: "code";
  id: string;
  metadata: CellMetadata;
  source: string;
  execution_count: number | null;
  outputs: Output[];
}

export interface TextCell {
  cell_type: "markdown" | "raw";
  id: string;
  metadata: CellMetadata;
  source: string;
}

export type CellMetadata = Record<string, Json | undefined> & { tags?: readonly string[] };
export type Cell = CodeCell | TextCell;

export interface Notebook {
  nbformat: 4;
  nbformat_minor: number;
  metadata: Record<string, Json | undefined>;
  cells: Cell[];
}

const NEWEST_MINOR = 5;
/** The characters at which Python ends lines: more than \n and \r. */
const ENDS = String.raw`\n\r\v\f\x1c-\x1e\x85\u2028\u2029`;
const LINE = new RegExp(`[^${ENDS}]*(?:\\r\\n|[${ENDS}])|[^${ENDS}]+$`, "g");
const CELL_ID = /^[a-zA-Z0-9_-]{1,64}$/;

/** Reads a notebook file. */
export function readNotebook(file: string): Notebook {
  return parseNotebook(readText(file, 2), file);
}

/**
 * Parses a notebook.
 * @param file the file's name, for errors
 * @param upgrade makes nbformat 4 of nbformat 3, which is refused without it
 * @throws NotebookError that says where the file is wrong and what to do
 */
export function parseNotebook(
  text: string,
  file: string,
  upgrade?: (notebook: Record<string, unknown>) => Record<string, unknown>,
): Notebook {
  const fail = (what: string): never => {
    throw new NotebookError(`${file}: ${what}`);
  };
  let value: unknown;
  try {
    value = parseJson(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    if (!error.isSyntax) return fail(`not a notebook: it ${error.message}`);
    return fail(
      `not valid JSON, so not a notebook${error.message.replace("is not valid JSON", "")}`,
    );
  }
  if (!isObject(value)) return fail("not a notebook: it does not hold a JSON object");
  const notebook = upgrade && value["nbformat"] === 3 ? upgrade(value) : value;
  const { nbformat, nbformat_minor: minor, metadata, cells } = notebook;
  if (nbformat === undefined) return fail("not a notebook: it has no nbformat");
  if (nbformat === 3) {
    return fail(`nbformat 3 instead of 4; convert it: ${NAME} notebook convert FILE --output NEW`);
  }
  if (nbformat !== 4) {
    return fail(
      `nbformat ${briefly(nbformat)} instead of 4; open and save it in JupyterLab to convert it`,
    );
  }
  if (!Number.isInteger(minor) || (minor as number) < 0 || (minor as number) > NEWEST_MINOR) {
    return fail(`nbformat 4.${briefly(minor)}; versions 4.0 to 4.${NEWEST_MINOR} are supported`);
  }
  if (!isObject(metadata)) return fail("its metadata is not an object");
  if (!Array.isArray(cells)) return fail("its cells are not an array");
  const used = new Set<string>();
  const read = cells.map((cell: unknown, index) => {
    const problem = cellProblem(cell);
    if (problem) return fail(`cell ${index + 1}: ${problem}`);
    return readCell(cell as Record<string, unknown>, index, used);
  });
  return {
    ...notebook,
    nbformat: 4,
    nbformat_minor: minor as number,
    metadata,
    cells: read,
  } as Notebook;
}

/** Returns the file's text: nbformat 4.5, keys sorted, one space of indent, a newline at the end. */
export function serialiseNotebook(notebook: Notebook): string {
  const cells = notebook.cells.map((cell) => ({
    ...cell,
    source: splitLines(cell.source),
    ...(cell.cell_type === "code" && { outputs: cell.outputs.map(splitOutput) }),
  }));
  return `${stringify({ ...notebook, nbformat_minor: NEWEST_MINOR, cells }, "")}\n`;
}

export function tagsOf(cell: Cell): readonly string[] {
  return cell.metadata.tags ?? [];
}

/** Returns an id that no other cell has, and that is the same at every conversion. */
export function newCellId(seed: string, used: { has(id: string): boolean }): string {
  for (let round = 0; ; round++) {
    const id = createHash("sha256").update(`${round} ${seed}`).digest("hex").slice(0, 8);
    if (!used.has(id)) return id;
  }
}

function briefly(value: unknown): string {
  return printable(JSON.stringify(value) ?? "none");
}

function cellProblem(cell: unknown): string | null {
  if (!isObject(cell)) return "it is not an object";
  const type = cell["cell_type"];
  if (type !== "code" && type !== "markdown" && type !== "raw") {
    return `cell_type ${briefly(type)} instead of "code", "markdown" or "raw"`;
  }
  if (!isText(cell["source"])) return "its source is not text";
  if (!isObject(cell["metadata"])) return "its metadata is not an object";
  const { tags } = cell["metadata"];
  if (tags !== undefined && !isStrings(tags)) return "its tags are not an array of strings";
  if (type !== "code") return null;
  const { outputs, execution_count: count } = cell;
  if (!Array.isArray(outputs)) return "its outputs are not an array";
  if (count !== null && count !== undefined && !Number.isInteger(count)) {
    return "its execution_count is not a whole number";
  }
  for (const [index, output] of outputs.entries()) {
    const problem = outputProblem(output);
    if (problem) return `output ${index + 1}: ${problem}`;
  }
  return null;
}

function outputProblem(output: unknown): string | null {
  if (!isObject(output)) return "it is not an object";
  switch (output["output_type"]) {
    case "stream":
      if (typeof output["name"] !== "string") return "its name is not a string";
      return isText(output["text"]) ? null : "its text is not text";
    case "execute_result":
    case "display_data":
      if (!isObject(output["metadata"])) return "its metadata is not an object";
      return isObject(output["data"]) ? null : "its data is not an object";
    case "error": {
      const { ename, evalue, traceback } = output;
      const whole = typeof ename === "string" && typeof evalue === "string" && isStrings(traceback);
      return whole ? null : "no ename, evalue or traceback";
    }
    default:
      return `output_type ${briefly(output["output_type"])} is not known`;
  }
}

/** Reads a cell. Cells of older formats get ids, and so do cells that repeat another cell's id. */
function readCell(cell: Record<string, unknown>, index: number, used: Set<string>): Cell {
  const source = joinText(cell["source"]);
  const given = cell["id"];
  const good = typeof given === "string" && CELL_ID.test(given) && !used.has(given);
  const id = good ? given : newCellId(`${index} ${source}`, used);
  used.add(id);
  const { trusted: _, ...metadata } = cell["metadata"] as Record<string, unknown>;
  if (cell["cell_type"] !== "code") return { ...cell, id, metadata, source } as TextCell;
  const outputs = (cell["outputs"] as Record<string, unknown>[]).map(joinOutput);
  const execution_count = cell["execution_count"] ?? null;
  return { ...cell, id, metadata, source, execution_count, outputs } as CodeCell;
}

function joinOutput(output: Record<string, unknown>): Output {
  if (output["output_type"] === "stream") {
    return { ...output, text: joinText(output["text"]) } as Output;
  }
  if (!isObject(output["data"])) return output as Output;
  const data = Object.fromEntries(
    Object.entries(output["data"]).map(([mime, value]) => [
      mime,
      !isJsonMime(mime) && isText(value) ? joinText(value) : value,
    ]),
  );
  return { ...output, data } as Output;
}

function splitOutput(output: Output): unknown {
  if (output.output_type === "stream") return { ...output, text: splitLines(output.text) };
  if (output.output_type === "error") return output;
  const data = Object.fromEntries(
    Object.entries(output.data).map(([mime, value]) => [
      mime,
      typeof value === "string" && isSplitMime(mime) ? splitLines(value) : value,
    ]),
  );
  return { ...output, data };
}

/** Whether a MIME type's value is JSON, whose structure nbformat keeps. */
export function isJsonMime(mime: string): boolean {
  return /^application\/(.*\+)?json$/.test(mime);
}

function isSplitMime(mime: string): boolean {
  return /^text\//.test(mime) || mime === "application/javascript" || mime === "image/svg+xml";
}

/** Splits as Python's str.splitlines(keepends=True) does, which nbformat uses. */
function splitLines(text: string): string[] {
  return text.match(LINE) ?? [];
}

/** Returns JSON with sorted keys and one space of indent; absent fields are omitted. */
function stringify(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent} `;
  const array = Array.isArray(value);
  const parts = array
    ? value.map((item) => stringify(item, inner))
    : Object.entries(value)
        .filter(([, item]) => item !== undefined)
        .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .map(([key, item]) => `${JSON.stringify(key)}: ${stringify(item, inner)}`);
  const [open, close] = array ? "[]" : "{}";
  if (parts.length === 0) return `${open}${close}`;
  return `${open}\n${inner}${parts.join(`,\n${inner}`)}\n${indent}${close}`;
}

function joinText(text: unknown): string {
  return Array.isArray(text) ? text.join("") : (text as string);
}

function isText(value: unknown): boolean {
  return typeof value === "string" || isStrings(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
