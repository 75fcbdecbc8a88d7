// abkd train: a model alone, such as a teacher.
import { Command } from "commander";
import { teacherConfig, teacherRecipe } from "../training/recipes.ts";
import { helpWithRecipes, recipeText } from "./help.ts";
import {
  addHyperParameters,
  addRunOptions,
  givenHyperParameters,
  givenSeeds,
  givenSubject,
  type RunOptions,
} from "./options.ts";
import { runAndReport } from "./run.ts";

export function trainCommand(): Command {
  const command = new Command("train").description(
    "Trains a GCNII alone, by default the teacher of its dataset, and keeps it in the runs " +
      "folder, where abkd distill finds it by its configuration.",
  );
  addRunOptions(command);
  addHyperParameters(command, "Model and training (defaults below):");
  helpWithRecipes(command, ({ dataset }) => [recipeText("model", teacherRecipe(dataset))]);
  return command.action(async (options: RunOptions & Record<string, unknown>) => {
    const changes = givenHyperParameters(options);
    const configs = givenSeeds(options).map((seed) =>
      teacherConfig({ ...givenSubject(options), seed }, changes),
    );
    await runAndReport(configs, options);
  });
}
