// Reads MUSAE's graphs: an edge list and a table of labels as CSV, lists of features as JSON.
import { cellName, openTable, type TextTable, visitRows } from "../formats/csv.ts";
import { BadFileError } from "../formats/errors.ts";
import type { Graph } from "../graph/graph.ts";
import { isFeatureList, readFeatureList } from "./import/feature-list.ts";
import { classesOf } from "./import/labels.ts";
import type { ReadFile } from "./locate.ts";
import { arcsFromPairs, MAX_ENTRIES, MAX_SIDE } from "./sparse.ts";

/** @param stem of the files below a data folder: `musae-facebook/facebook` */
export function musaeFiles(stem: string): string[] {
  return [`${stem}.json`, `${stem}_edges.csv`, `${stem}_target.csv`];
}

/**
 * Nodes are numbered from 0 in all three files; classes in the order of their names. Features are binary, and models
 * read them as they are (docs/decisions.md).
 * Source: benedekrozemberczki/MUSAE, `input/`.
 * @param label the column of the label in the table
 */
export async function loadMusae(
  name: string,
  stem: string,
  label: string,
  read: ReadFile,
): Promise<Graph> {
  const [features, edges, target] = musaeFiles(stem) as [string, string, string];
  const pages = await open(target, label, read);
  const texts = labelTexts(pages, label);
  const nodes = texts.length;
  const { labels, classes, names } = classesOf(texts, pages.file);
  const table = await open(edges, "id_1", read);
  const [from, to]: [number[], number[]] = [[], []];
  visitRows(table, (cells, line) => {
    for (const [column, ends] of [from, to].entries()) {
      ends.push(nodeOf(cells[column] ?? "", nodes, cellName(table, line, column)));
    }
    if (from.length > MAX_ENTRIES)
      throw new BadFileError(table.file, `more than ${MAX_ENTRIES} edges`);
  });
  const { bytes, path } = await read(features);
  const lists = isFeatureList(path, bytes);
  if (!lists) throw new BadFileError(path, "a JSON object with a list for each node is expected");
  return {
    name,
    nodes,
    classes,
    adjacency: arcsFromPairs(nodes, Int32Array.from(from), Int32Array.from(to), from.length),
    features: readFeatureList(path, lists, nodes, (id) =>
      NUMBER.test(id) ? Number(id) : undefined,
    ),
    featuresAsIs: true,
    labels,
    ...(names && { classNames: names }),
  };
}

const NUMBER = /^\d{1,9}$/;

function nodeOf(cell: string, nodes: number, where: string): number {
  const node = NUMBER.test(cell) ? Number(cell) : nodes;
  if (node < nodes) return node;
  throw new BadFileError(where, `no node of 0 to ${nodes - 1}`);
}

/** @param column that its header must have */
async function open(file: string, column: string, read: ReadFile): Promise<TextTable> {
  const { bytes, path } = await read(file);
  const table = openTable(path, bytes, new Set([column]));
  if (table.header?.includes(column)) return table;
  throw new BadFileError(path, `its header has no column ${column}`);
}

/** Each node's label; a row's id must be its number. */
function labelTexts(table: TextTable, label: string): string[] {
  const texts: string[] = [];
  const column = table.header!.indexOf(label);
  visitRows(table, (cells, line) => {
    if (cells[0] !== String(texts.length)) {
      throw new BadFileError(cellName(table, line, 0), `${texts.length} is expected`);
    }
    if (texts.length === MAX_SIDE)
      throw new BadFileError(table.file, `more than ${MAX_SIDE} nodes`);
    texts.push(cells[column]!);
  });
  return texts;
}
