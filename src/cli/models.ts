// abkd models: lists the kinds of models that can be teachers and students.
import { Command } from "commander";
import { models } from "../models/registry.ts";
import { describeOption, kebab } from "./flags.ts";
import { addModuleOption } from "./modules.ts";
import { print } from "./output.ts";

export function modelsCommand(): Command {
  return addModuleOption(new Command("models"))
    .description("Lists the kinds of models, their options and defaults.")
    .action(() => {
      const blocks = models.map(({ name, label, summary, options, defaults }) => {
        const lines = Object.entries(options).flatMap(([option, info]) => [
          `  --${kebab(option)} ${defaults[option]}`,
          `      ${describeOption(info)}`,
        ]);
        return [`${name}: ${label}, ${summary}`, ...lines].join("\n");
      });
      print(blocks.join("\n\n"));
    });
}
