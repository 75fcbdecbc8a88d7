// Says where a split can hardly mean anything: classes that nothing is learned of, sets of a handful of nodes.
import { printable } from "../base/printable.ts";
import { counted, percent } from "../display/format.ts";
import { type Graph, type Split, UNLABELLED } from "../graph/graph.ts";

/** Of fewer items, one is more than 10 % of an accuracy. */
const FEW = 10;
/** More classes are counted, not named. */
const MOST_NAMED = 5;

/** @returns a sentence each, or none */
export function splitDoubts(
  { labels, classNames, labelSets }: Pick<Graph, "labels" | "classNames" | "labelSets">,
  { train, val, test }: Pick<Split, "train" | "val" | "test">,
): string[] {
  const learned = new Set(train.map((item) => labels[item]!));
  const missing = labelSets
    ? []
    : [...new Set(labels)].filter((c) => c !== UNLABELLED && !learned.has(c));
  const names = missing
    .sort((a, b) => a - b)
    .slice(0, MOST_NAMED)
    .map((c) => printable(classNames?.[c] ?? String(c)));
  const more = missing.length > MOST_NAMED ? ` and ${missing.length - MOST_NAMED} more` : "";
  const small = (set: Int32Array, what: string): string[] =>
    // A graph without labels has no sets.
    set.length >= FEW || set.length === 0
      ? []
      : [
          `${what} has ${counted(set.length, "node")}: one is ${percent(1 / set.length)} of the accuracy`,
        ];
  return [
    ...(missing.length > 0
      ? [
          `no training node is of ${missing.length === 1 ? "class" : "the classes"} ${names.join(", ")}${more}`,
        ]
      : []),
    ...small(val, "the validation set, which chooses the best epoch,"),
    ...small(test, "the test set"),
  ];
}
