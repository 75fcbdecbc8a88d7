// Recipe files as Markdown: what was searched, by which rule, and what was chosen.
import { optionName } from "../base/options.ts";
import { columnsOf, markdownTable } from "../base/table.ts";
import { inPercent } from "../display/format.ts";
import { findMethod } from "../distillation/registry.ts";
import type { RecipeFile, Rung } from "../training/recipe-file.ts";
import { type Contender, contenders, type Options } from "./contenders.ts";
import type { SearchRule } from "./recipe-search.ts";

const show = (values: object, nameOf = (key: string) => key): string =>
  Object.entries(values)
    .map(([key, value]) => `${nameOf(key)} ${value}`)
    .join(", ");
/** Maps the key of a method's option to the name that readers see. */
const named =
  (method: string) =>
  (key: string): string =>
    optionName(findMethod(method).options, key);

/** Reports a dataset's chosen recipes, by contender. */
export function recipeReport({ dataset, search, later, source, recipes }: RecipeFile): string {
  const labels = new Map(contenders().map(({ id, label }) => [id, label]));
  const rows = Object.entries(recipes).map(([id, recipe]) => {
    const { validation, tried, model, training, options, seconds } = recipe;
    const { epochs: _, ...rates } = training;
    return [
      labels.get(id) ?? id,
      validation ? `${inPercent(validation.mean)} ± ${inPercent(validation.deviation)}` : "",
      validation ? inPercent(validation.median) : "",
      validation ? `${validation.dead} of ${validation.runs}` : "",
      tried
        ? `${inPercent(tried.best)} / ${inPercent(tried.median)} / ${inPercent(tried.worst)}`
        : "",
      tried ? String(tried.diverged) : "",
      seconds === undefined ? "" : String(seconds),
      show({ ...model, ...rates }),
      show(options, named(recipe.method)),
    ];
  });
  const numbers = "val % | median | dead | tried: best / median / worst | diverged | s";
  const columns = columnsOf("", numbers, "recipe | method's options");
  return [
    `## ${dataset}`,
    "",
    search ? identityText(search) : `${source ?? ""}: not by the rule above.`,
    ...(later ?? []).map(({ contenders: ids, ...one }) => {
      const names = ids.map((id) => labels.get(id) ?? id).join(", ");
      const { runs, diverged, seconds, date } = one;
      return (
        `\nSearched again by the same rule until ${date}: ${names}, ${runs} runs (${diverged} diverged), ` +
        `${Math.round(seconds / 60)} minutes of one core; ${engineText(one)}.`
      );
    }),
    "",
    markdownTable({ columns, rows }),
  ].join("\n");
}

function identityText(search: NonNullable<RecipeFile["search"]>): string {
  const { date, configurations, patience, rungs, spaces, runs, diverged, seconds } = search;
  const each = patience === undefined ? " each" : batchesText(configurations, patience);
  return (
    `Searched until ${date}: ${configurations} configurations${each}, ${runs} runs (${diverged} ` +
    `diverged), ${Math.round(seconds / 60)} minutes of one core. Spaces ${spaces}; ${engineText(search)}. ` +
    `${rungsText(rungs)} ` +
    "Accuracies are on validation nodes, of the last rung's runs; *tried* are means of the first rung."
  );
}

function engineText({ engine, versions }: NonNullable<RecipeFile["search"]>): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `engine ${engine.name}, flavour ${engine.flavour}; ${named.join(", ")}`;
}

const batchesText = (batch: number, patience: number): string =>
  ` each, then ${batch} more, until ${patience} such batches in a row raise the best score by no more than its ` +
  "standard error";

function rungsText(rungs: readonly Rung[]): string {
  const texts = rungs.map(({ epochs, splits, seeds, keep }, index) => {
    const kept =
      index < rungs.length - 1 ? `the best ${keep} and the start kept` : "the best taken";
    return `${epochs} epochs on ${splits.join(", ")} with seeds ${seeds.join(", ")}, ${kept}`;
  });
  return `Rungs: ${texts.join("; ")}.`;
}

/** Reports the rule, as for one dataset, and what each contender's search may choose from. */
export function spacesReport({ batch, patience, rungs }: SearchRule): string {
  const { dropout, learningRate, weightDecay, epochs, keep } = contenders()[0]!.space;
  const training =
    `dropout ${dropout.join(", ")}; learning rate ${learningRate.join(", ")}; ` +
    `weight decay ${weightDecay.join(", ")}; at most ${epochs.join(" or ")} epochs; kept is the epoch of the ` +
    `best validation ${keep.join(" or ")}`;
  return [
    `${batch} configurations${batchesText(batch, patience)}; the first is the start, the others are drawn at ` +
      `random. ${rungsText(rungs)} Search 2 has other draws and seeds, and the next two splits, and so on; the ` +
      "splits of another graph have that graph's sizes.",
    "",
    `For all: ${training} (a value that stands twice is drawn twice as often).`,
    "",
    markdownTable({
      columns: columnsOf(" | fixed | starts with | chosen from, a value of each list"),
      rows: contenders().map(spaceCells),
    }),
  ].join("\n");
}

function spaceCells({ label, method, fixed, start, published, space }: Contender): string[] {
  const nameOf = named(method);
  const ours = Object.fromEntries(Object.entries(start).filter(([name]) => !(name in fixed)));
  const begin = show(ours, nameOf);
  const from = published ? ["published weights", begin].filter((text) => text !== "") : [begin];
  return [
    label,
    show(fixed, nameOf),
    from.join(", "),
    space.options.map((list) => listText(list, nameOf)).join("; "),
  ];
}

/** `beta 1, 10, 100`, or for values that belong together `(kernel, beta) cosine 1, l2 0.1`. */
function listText(options: readonly Options[], nameOf: (key: string) => string): string {
  const names = Object.keys(options[0] ?? {});
  const texts = options.map((values) => names.map((name) => String(values[name])).join(" "));
  const shown = names.map(nameOf).join(", ");
  return `${names.length === 1 ? shown : `(${shown})`} ${texts.join(", ")}`;
}
