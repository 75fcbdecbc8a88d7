// abkd train: trains a model alone, such as a teacher.
import { Command } from "commander";
import { teacherConfig, teacherRecipeOf } from "../training/recipes.ts";
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
    "Trains a model alone, by default the teacher of its dataset, and keeps it in the runs " +
      "folder, where abkd distill finds it by its configuration.",
  );
  addRunOptions(command);
  addHyperParameters(command, "Model and training (defaults below):");
  helpWithRecipes(command, ({ dataset, model = "gcnii" }) => [
    recipeText("model", teacherRecipeOf(dataset, model)),
  ]);
  return command.action(async (options: RunOptions & Record<string, unknown>) => {
    const changes = givenHyperParameters(options);
    const configs = givenSeeds(options).map((seed) =>
      teacherConfig({ ...givenSubject(options), seed }, changes),
    );
    await runAndReport(configs, options);
  });
}
