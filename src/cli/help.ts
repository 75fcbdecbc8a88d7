// The end of --help: each default for the chosen dataset, and its source.
import type { Command } from "commander";
import type { Recipe } from "../training/recipes.ts";
import { kebab, valueText } from "./flags.ts";

/** The options that the help depends on. */
export interface Chosen {
  readonly dataset: string;
  readonly method?: string;
  readonly model?: string;
  readonly teacherModel?: string;
}

/** Adds the recipes for the --dataset, --method and --model that are given together with --help. */
export function helpWithRecipes(command: Command, recipes: (chosen: Chosen) => string[]): void {
  command.addHelpText("after", () => {
    const chosen = command.opts<Chosen>();
    const { dataset, method, model, teacherModel } = chosen;
    const flags = { dataset, method, model, "teacher-model": teacherModel };
    const named = Object.entries(flags).flatMap(([flag, value]) =>
      value === undefined ? [] : [`--${flag} ${value}`],
    );
    return [
      `\nDefaults for ${named.join(", ")} (give others together with --help to see theirs):`,
      ...recipes(chosen),
    ].join("\n");
  });
}

/** Returns a recipe as a paragraph. @param prefix the prefix of its options' flags */
export function recipeText(title: string, recipe: Recipe, prefix = ""): string {
  const { kind, ...model } = recipe.model;
  const values = Object.entries({ model: kind, ...model, ...recipe.training })
    .map(([name, value]) => `--${prefix}${kebab(name)} ${valueText(value)}`)
    .join(" ");
  return `  ${title}: ${values}\n    source: ${recipe.source}`;
}
