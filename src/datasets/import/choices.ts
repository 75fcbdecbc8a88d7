// What one may decide about how the files of a graph of one's own are read, where a file leaves it open.
import { isText, type Legal } from "../../base/arguments.ts";
import { printable } from "../../base/printable.ts";
import type { TextTable } from "../../formats/csv.ts";

/** Columns are given by their names in the header, or by their numbers from 1. */
export interface ReadChoices {
  /** The column of ids in tables of nodes. */
  readonly idColumn?: string;
  /** The column of labels; several, separated by commas, are the classes of a set, with 0 and 1 as cells. */
  readonly labelColumn?: string;
  /** The columns of both ends in the edge list, separated by a comma. */
  readonly edgeColumns?: string;
  /** What separates the classes of a node that has several; `none` if a label is never taken apart. */
  readonly labelSeparator?: string;
  /** Words, separated by commas, that stand for no label, besides an empty cell; by default UNLABELLED_WORDS. */
  readonly unlabelled?: string;
  /** What becomes of an edge whose end is no node: it is refused, or dropped and counted. */
  readonly unknownEnds?: "refuse" | "drop";
  /** The number of the first node where edges name nodes by their rows, without ids; absent: 0, if the edges say so. */
  readonly firstNode?: "0" | "1";
}

/** Labels, in lower case, that say that there is none; the last four as R, SQL and Python write them. */
export const UNLABELLED_WORDS: readonly string[] = [
  ...["-1", "unknown", "unlabeled", "unlabelled", "?"],
  ...["na", "n/a", "null", "none"],
];

/** The words for no label, in lower case, and the empty cell. */
export function unlabelledWords({ unlabelled }: ReadChoices): ReadonlySet<string> {
  const words = unlabelled === undefined ? UNLABELLED_WORDS : listed(unlabelled.toLowerCase());
  return new Set(["", ...words]);
}

/** What each choice may be. */
export const LEGAL_CHOICES: Readonly<Record<keyof ReadChoices, Legal>> = {
  idColumn: { words: "a column's name, or its number from 1", is: isText },
  labelColumn: { words: "a column's name or number, or several with commas", is: isText },
  edgeColumns: {
    words: "two columns' names or numbers with a comma, such as from,to",
    is: (value) => isText(value) && listed(value as string).length === 2,
  },
  labelSeparator: { words: "a text such as |, or none", is: isText },
  unlabelled: { words: "words with commas, such as unknown,?", is: isText },
  unknownEnds: { words: "refuse, drop", is: (value) => value === "refuse" || value === "drop" },
  firstNode: { words: '"0", "1"', is: (value) => value === "0" || value === "1" },
};

export function listed(text: string): string[] {
  return text.split(",").map((word) => word.trim());
}

/** The number of a column from 0, or undefined where the table has no such column. */
export function columnOf({ header, columns }: TextTable, given: string): number | undefined {
  const names = header?.map((name) => name.toLowerCase());
  const named = names?.indexOf(given.toLowerCase()) ?? -1;
  if (named >= 0) return named;
  const number = /^\d{1,6}$/.test(given) ? Number(given) - 1 : -1;
  return number >= 0 && number < columns ? number : undefined;
}

/**
 * A table's columns, for messages: a few of their names, or how many there are.
 * @param first columns that are named before the others
 */
export function columnsOf({ header, columns }: TextTable, first: readonly number[] = []): string {
  if (!header) return `${columns} columns without names`;
  const order = [...new Set([...first, ...header.keys()])];
  const names = order.slice(0, 12).map((k) => printable(header[k]!));
  return names.join(", ") + (header.length > 12 ? ` and ${header.length - 12} more` : "");
}
