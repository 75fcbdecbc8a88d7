// Turns labels as text into classes.
import { BadFileError } from "../../formats/errors.ts";
import { UNLABELLED } from "../../graph/graph.ts";
import { MAX_CLASSES } from "../sparse.ts";
import type { FoundLabels } from "./found.ts";

/** The labels of a graph without any, which a model can still be applied to. */
export function noLabels(nodes: number): FoundLabels {
  return { labels: new Int32Array(nodes).fill(UNLABELLED), classes: 1 };
}

/**
 * @param texts a node's label; empty, or -1, for none
 * @returns classes in the order of their numbers, or of their names
 * @throws BadFileError where no node has a label, or there are too many
 */
export function classesOf(texts: readonly string[], where: string): FoundLabels {
  const names = [...new Set(texts)].filter((text) => text !== "" && text !== "-1");
  if (names.length === 0) throw new BadFileError(where, "no node has a label");
  if (names.length > MAX_CLASSES) {
    throw new BadFileError(where, `${names.length} classes; at most ${MAX_CLASSES}`);
  }
  const numbers = names.every((name) => /^\d{1,9}$/.test(name));
  names.sort((a, b) => (numbers ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0));
  const classOf = new Map(names.map((name, k) => [name, k]));
  const labels = Int32Array.from(texts, (text) => classOf.get(text) ?? UNLABELLED);
  const asTheyAre = names.every((name, k) => name === String(k));
  return { labels, classes: names.length, ...(!asTheyAre && { names }) };
}
