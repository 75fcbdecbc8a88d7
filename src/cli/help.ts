// The end of --help: each default of the chosen dataset, and where it comes from.
import type { Command } from "commander";
import type { Recipe } from "../training/recipes.ts";
import { kebab } from "./options.ts";
import { hyperParameterText } from "./training-options.ts";

/** What the help can depend on. */
interface Chosen {
  readonly dataset: string;
  readonly method?: string;
}

/** Adds the recipes for the --dataset (and --method) that are named beside --help. */
export function helpWithRecipes(command: Command, recipes: (chosen: Chosen) => string[]): void {
  command.addHelpText("after", () => {
    const chosen = command.opts<Chosen>();
    const method = chosen.method === undefined ? "" : `, --method ${chosen.method}`;
    return [
      `\nDefaults for --dataset ${chosen.dataset}${method} (name others beside --help to see theirs):`,
      ...recipes(chosen),
    ].join("\n");
  });
}

/** A recipe as a paragraph. @param prefix of its options' flags */
export function recipeText(title: string, recipe: Recipe, prefix = ""): string {
  const { kind: _, ...model } = recipe.model;
  const values = Object.entries({ ...model, ...recipe.training })
    .map(([name, value]) => `--${prefix}${kebab(name)} ${hyperParameterText(value)}`)
    .join(" ");
  return `  ${title}: ${values}\n    source: ${recipe.source}`;
}
