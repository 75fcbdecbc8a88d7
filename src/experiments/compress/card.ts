// A student's card: what it is, from what, on which data, how accurate, what was tried, what died.
import path from "node:path";
import { needObject } from "../../base/arguments.ts";
import { escaped } from "../../base/markup.ts";
import { optionName } from "../../base/options.ts";
import { printableLine } from "../../base/printable.ts";
import { commandLine } from "../../base/shell-word.ts";
import { columnsOf, markdownTable, type Table } from "../../base/table.ts";
import { counted, duration, grouped, inPercent, listed, timesFewer } from "../../display/format.ts";
import { findMethod } from "../../distillation/registry.ts";
import { findModel } from "../../models/registry.ts";
import type { StudentSize } from "../contenders.ts";
import { mean, meanInterval, type PairedTest, pairedTest } from "../statistics.ts";
import { BASELINES, type Compression } from "./compress.ts";
import type { Finalist } from "./finalists.ts";
import type { Budget } from "./sizes.ts";
import type { TeacherFacts } from "./teacher.ts";

/** Names a size in a few words: `GCN 2L-16H, 232 of 3,703 features`. */
export function sizeText({ model, features }: StudentSize, all: number): string {
  const title = `${findModel(model.kind).label} ${model.layers}L-${model.width}H`;
  return features ? `${title}, ${grouped(features.length)} of ${grouped(all)} features` : title;
}

/** Names a budget: `6,000 parameters`. */
function budgetText({ parameters, bytes, microseconds }: Budget): string {
  return listed(
    parameters !== undefined && `${grouped(parameters)} parameters`,
    bytes !== undefined && `${grouped(bytes)} bytes`,
    microseconds !== undefined && `${grouped(microseconds)} µs for a pass over the graph`,
  );
}

/** `84.3 % (83.1 to 85.5)`: the mean and Student's 95 % interval, if there are two values. */
function accuracyText(values: readonly number[]): string {
  const interval = meanInterval(values);
  const text = `${inPercent(mean(values))} %`;
  if (!interval) return text;
  // Few values may give an interval beyond what an accuracy can be.
  const ends = interval.map((end) => inPercent(Math.min(1, Math.max(0, end))));
  return `${text} (${ends.join(" to ")})`;
}

/** The chosen student against one of those that every search tries. */
interface Comparison {
  readonly with: Finalist;
  readonly test: PairedTest;
}

/** Compares validation accuracies by seed: the chosen one with the plain student and with SoftKD. */
function comparisons({
  chosen,
  finalists,
}: Pick<Compression, "chosen" | "finalists">): Comparison[] {
  return finalists.flatMap((one) => {
    const isBaseline = BASELINES.some((id) => id === one.contender.id);
    if (!isBaseline || one === chosen) return [];
    const test = pairedTest(chosen.validation.map((value, k) => value - one.validation[k]!));
    return test ? [{ with: one, test }] : [];
  });
}

/** Says whether the chosen student is better than the plain student and SoftKD, or that nothing is. */
export function verdictText(found: Pick<Compression, "chosen" | "finalists">): string {
  const { chosen, finalists } = found;
  const all = comparisons(found);
  const isBaseline = (id: string): boolean => BASELINES.some((one) => one === id);
  const baselines = finalists.some(({ contender }) => contender.id === "softkd")
    ? "the plain student and SoftKD"
    : "the plain student";
  const differences = all.map(({ with: { contender }, test }) => {
    const [low, high] = test.interval.map((end) => (100 * end).toFixed(1));
    return `${(100 * test.difference).toFixed(1)} points over ${contender.label} (95 % interval ${low} to ${high})`;
  });
  const seeds = counted(chosen.validation.length, "seed");
  const lead = `its lead in validation accuracy is ${differences.join(" and ")}, over ${seeds}`;
  if (isBaseline(chosen.contender.id)) {
    const best = `${chosen.contender.label} itself is the best on validation nodes`;
    return `Nothing beats ${baselines} here: ${best}${all.length > 0 ? `; ${lead}` : ""}.`;
  }
  const isClear = all.every(({ test }) => test.interval[0] > 0);
  return isClear
    ? `${chosen.contender.label} beats ${baselines} on validation nodes: ${lead}.`
    : `Nothing beats ${baselines} clearly: ${chosen.contender.label} has the highest mean, but ${lead}.`;
}

/** `GCNII 64L-64H, 354,375 parameters: validation 88.1 %, test 86.7 %`, or the same of a teacher's files. */
function teacherText({ name, parameters, accuracy, outputs }: TeacherFacts): string {
  const what = listed(
    printableLine(name),
    parameters !== undefined && `${grouped(parameters)} parameters`,
    outputs,
  );
  if (!accuracy) return `${what}; without logits its accuracy is not known`;
  return `${what}: validation ${inPercent(accuracy.val)} %, test ${inPercent(accuracy.test)} %`;
}

/** What the student's size is, beside its teacher's if that is known. */
function sizeRow({ chosen, teacher, bytes }: Compression): string {
  const all = teacher.parameters;
  const beside = all === undefined ? "" : `, ${timesFewer(chosen.parameters, all)} the teacher's`;
  return `${grouped(chosen.parameters)} parameters${beside}; ${grouped(bytes)} bytes`;
}

/** The finalists, the best first; accuracies are on validation nodes. */
function finalistsTable({ finalists, chosen, graph }: Compression): Table {
  const rows = finalists.map((one) => [
    one.contender.label + (one === chosen ? " (chosen)" : ""),
    sizeText(one.size, graph.features),
    grouped(one.parameters),
    grouped(Math.round(one.microseconds)),
    accuracyText(one.validation),
    String(one.dead),
    String(one.diverged),
  ]);
  return {
    columns: columnsOf("method | student", "parameters | µs | validation | dead | diverged"),
    rows,
  };
}

/** The best student of each family that was tried, on validation nodes; of its longest training. */
function familiesTable({ tried, graph }: Compression): Table {
  const groups = Map.groupBy(
    tried,
    ({ size }) => `${size.model.kind} ${size.features?.length ?? "all"}`,
  );
  const rows = [...groups.values()].map((group) => {
    const best = group.reduce((one, other) => (other.validation > one.validation ? other : one));
    return [
      sizeText(best.size, graph.features),
      best.contender,
      grouped(best.parameters),
      grouped(Math.round(best.microseconds)),
      `${inPercent(best.validation)} %`,
      String(group.length),
      String(group.filter(({ dead }) => dead).length),
    ];
  });
  return {
    columns: columnsOf(
      "best student tried | method",
      "parameters | µs | validation, one run | runs | dead",
    ),
    rows: rows.sort((a, b) => Number.parseFloat(b[4]!) - Number.parseFloat(a[4]!)),
  };
}

/** What the card says, in the order in which it says it. */
export interface CardParts {
  readonly title: string;
  readonly facts: Table;
  readonly verdict: string;
  /** A sentence each; none if nothing is doubtful. */
  readonly warnings: readonly string[];
  readonly finalists: Table;
  readonly search: string;
  readonly families: Table;
  readonly use: string;
}

export function cardParts(found: Compression): CardParts {
  const { chosen, best, teacher, leftOut, dataset, split, graph, counts, seeds } = found;
  const { draw, contender } = chosen;
  const tests = chosen.records.flatMap((record) => (record ? [record.accuracy.test] : []));
  // The name of a graph that was read from a path says nothing to another process.
  const training = { dropout: draw.dropout, ...best.config.training };
  const named = (key: string): string => optionName(findMethod(contender.method).options, key);
  const options = Object.entries(best.config.method?.options ?? {});
  const rows: string[][] = [
    ["student", sizeText(chosen.size, graph.features)],
    ["size", sizeRow(found)],
    ["budget", budgetText(found.budget)],
    [
      "time",
      `${grouped(Math.round(chosen.microseconds))} µs for all ${grouped(graph.nodes)} nodes, on one thread of the machine that searched`,
    ],
    ["method", contender.label],
    ["its options", options.map(([key, value]) => `${named(key)} ${value}`).join(", ") || "none"],
    [
      "training",
      Object.entries(training)
        .map(
          ([key, value]) => `${key} ${typeof value === "object" ? JSON.stringify(value) : value}`,
        )
        .join(", "),
    ],
    ["teacher", teacherText(teacher)],
    ...teacher.files.map(({ path, sha256 }) => [
      "teacher's file",
      `${printableLine(path)}, ${sha256 === undefined ? "a folder" : `sha256 ${sha256}`}`,
    ]),
    [
      "data",
      `${dataset}, split ${split}: ${grouped(graph.nodes)} nodes, ${grouped(graph.features)} features, ${counted(graph.classes, "class", "classes")}; fingerprint ${found.fingerprint}`,
    ],
    ["validation", `${accuracyText(chosen.validation)} over ${counted(seeds.length, "seed")}`],
    [
      "test",
      `${accuracyText(tests)} over ${counted(tests.length, "seed")}; the file's own run: ${inPercent(best.accuracy.test)} %`,
    ],
    [
      "file's run",
      `${best.id}, seed ${best.config.seed}, the best of the seeds on validation nodes`,
    ],
  ];
  // From the working directory, as the graph's path is; a card is no place for this machine's own paths.
  const file = path.isAbsolute(found.folder) ? found.file : path.join(found.folder, found.file);
  return {
    title: `${dataset}: a student of ${grouped(chosen.parameters)} parameters`,
    facts: { columns: columnsOf(" | "), rows },
    verdict: verdictText(found),
    warnings: found.warnings.map((text) => printableLine(text)),
    finalists: finalistsTable(found),
    search:
      `${counted(counts.runs, "run")} in ${duration(found.seconds)} (asked: ${counted(found.minutes, "minute")}; some ` +
      `runs are done whatever the time), ${counts.dead} dead (one class for every node), ${counts.diverged} diverged. ` +
      "Three rungs of successive halving " +
      "for each method (docs/compress.md), then each method's best with seeds of its own. Validation nodes decided " +
      "everything; they were looked at often, so that validation accuracies are a little too high. Test accuracy was " +
      `read once, for the chosen student.${leftOut.map(({ label, why }) => ` ${label} was left out: ${why}.`).join("")}`,
    families: familiesTable(found),
    use: [
      commandLine(["predict", file], found.place),
      commandLine(["export", file, "--format", "web"], found.place),
      commandLine(["export", file, "--format", "onnx"]),
    ].join("\n"),
  };
}

/** The card as Markdown. */
export function cardMarkdown({
  title,
  facts,
  verdict,
  warnings,
  finalists,
  search,
  families,
  use,
}: CardParts): string {
  return [
    `# ${title}`,
    markdownTable(facts),
    verdict,
    ...(warnings.length > 0
      ? ["## Warnings", warnings.map((text) => `- ${escaped(text)}`).join("\n")]
      : []),
    "## Finalists",
    "Means on validation nodes with 95 % intervals over seeds that the search did not use.",
    markdownTable(finalists),
    "## What was tried",
    search,
    markdownTable(families),
    "## Use",
    `\`\`\`sh\n${use}\n\`\`\``,
    "",
  ].join("\n\n");
}

/** The whole card of a search as Markdown. @param found as returned by compress() */
export function compressCard(found: Compression): string {
  needObject(found, "compressCard: found", "as returned by compress()", "finalists", "tried");
  return cardMarkdown(cardParts(found));
}
