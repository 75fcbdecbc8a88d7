// Turns labels as text into classes, or into sets of classes.
import { printable } from "../../base/printable.ts";
import { BadFileError } from "../../formats/errors.ts";
import { UNLABELLED } from "../../graph/graph.ts";
import { MAX_CLASSES } from "../sparse.ts";
import { type ReadChoices, unlabelledWords } from "./choices.ts";
import { setsFromPairs } from "./dense.ts";
import type { FoundLabels } from "./found.ts";

/** The labels of a graph without any, which a model can still be applied to. */
export function noLabels(nodes: number): FoundLabels {
  return { labels: new Int32Array(nodes).fill(UNLABELLED), classes: 1 };
}

/**
 * @param texts a node's label; empty, or a word for none (choices.ts), for none
 * @returns classes in the order of their numbers, or of their names
 * @throws BadFileError where no node has a label, or there are too many
 */
export function classesOf(
  texts: readonly string[],
  where: string,
  choices: ReadChoices = {},
): FoundLabels {
  const none = unlabelledWords(choices);
  const names = [...new Set(texts)].filter((text) => !none.has(text.toLowerCase()));
  const { classOf, ...found } = numbered(names, where);
  const labels = Int32Array.from(texts, (text) => classOf.get(text) ?? UNLABELLED);
  if (texts.length > FEW && names.length > texts.length / 2) {
    const fault = `${names.length} different labels for ${texts.length} nodes: names or measurements, and no classes`;
    throw new BadFileError(where, `${fault}; name another column of labels`);
  }
  return { labels, ...found };
}

/** Of fewer nodes, most may have a class of their own. */
const FEW = 100;

function numbered(
  names: string[],
  where: string,
): { classOf: ReadonlyMap<string, number>; classes: number; names?: readonly string[] } {
  if (names.length === 0) throw new BadFileError(where, "no node has a label");
  if (names.length > MAX_CLASSES) {
    throw new BadFileError(where, `${names.length} classes; at most ${MAX_CLASSES}`);
  }
  const numbers = names.every((name) => /^\d{1,9}$/.test(name));
  names.sort((a, b) => (numbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0));
  const classOf = new Map(names.map((name, k) => [name, k]));
  const asTheyAre = names.every((name, k) => name === String(k));
  return { classOf, classes: names.length, ...(!asTheyAre && { names }) };
}

/** What was decided about words that may stand for no label. */
export function labelDecisions(texts: readonly string[], choices: ReadChoices): string[] {
  const none = unlabelledWords(choices);
  const found = new Set(texts.filter((text) => text !== "" && none.has(text.toLowerCase())));
  if (found.size === 0) return [];
  const words = Array.from(found, (word) => `"${printable(word)}"`).join(", ");
  return [`${words} is taken as no label; --unlabelled names other words`];
}

/** What may be wrong with labels as text: classes that differ in nothing but their case. */
export function labelDoubts(texts: readonly string[], choices: ReadChoices): string[] {
  const none = unlabelledWords(choices);
  const names = [...new Set(texts)].filter((text) => !none.has(text.toLowerCase()));
  const byPlain = Map.groupBy(names, (text) => text.toLowerCase());
  const alike = [...byPlain.values()].find(({ length }) => length > 1);
  if (!alike) return [];
  const quoted = alike.slice(0, 3).map((name) => `"${printable(name)}"`);
  return [`${quoted.join(" and ")} are two classes, though they differ in their case alone`];
}

/** What separates the classes of a node, if the labels are lists of classes that occur in several of them. */
export function separatorIn(
  texts: readonly string[],
  { labelSeparator }: ReadChoices,
): string | undefined {
  if (labelSeparator !== undefined) return labelSeparator === "none" ? undefined : labelSeparator;
  return ["|", ";"].find((separator) => {
    const lists = new Set(texts.filter((text) => text.includes(separator)));
    if (lists.size === 0) return false;
    const all = new Set(texts);
    const parts = new Set(Array.from(all, (text) => partsOf(text, separator)).flat());
    return parts.size < all.size;
  });
}

function partsOf(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** The classes of nodes that may have several, from texts such as "drama|comedy". */
export function setsOf(texts: readonly string[], separator: string, where: string): FoundLabels {
  const lists = texts.map((text) => [...new Set(partsOf(text, separator))]);
  const { classOf, classes, names } = numbered([...new Set(lists.flat())], where);
  const owners = lists.flatMap((list, node) => list.map(() => node));
  const members = lists.flat().map((name) => classOf.get(name)!);
  const found = setsFromPairs(texts.length, classes, owners, members);
  return { ...found, ...(names && { names }) };
}
