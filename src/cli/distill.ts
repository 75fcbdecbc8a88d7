// abkd distill: trains small students from a teacher, by any of the methods.
import { Command, Option } from "commander";
import { OptionError } from "../base/errors.ts";
import { type AnyMethod, findMethod, methods } from "../distillation/registry.ts";
import {
  studentConfig,
  studentRecipeOf,
  TEACHER_SEED,
  teacherConfig,
  teacherRecipeOf,
} from "../training/recipes.ts";
import { type Chosen, helpWithRecipes, recipeText } from "./help.ts";
import {
  addMethodOptions,
  givenMethodOptions,
  methodFlag,
  withMethodFlag,
} from "./method-options.ts";
import { integer } from "./numbers.ts";
import {
  addHyperParameters,
  addRunOptions,
  givenHyperParameters,
  givenSeeds,
  givenSubject,
  type RunOptions,
} from "./options.ts";
import { runAndReport } from "./run.ts";
import { addTeacherFiles, givenTeacher, type TeacherFileFlags } from "./teacher-files.ts";

interface DistillOptions extends RunOptions, TeacherFileFlags, Record<string, unknown> {
  readonly method: string;
  readonly preset?: string;
  readonly students?: number;
  readonly teacherSeed: number;
}

export function distillCommand(): Command {
  const command = new Command("distill").description(
    "Trains students from a teacher. The teacher is loaded from the runs folder if a run with its " +
      "configuration is there, and trained first otherwise.",
  );
  addRunOptions(command);
  command
    .optionsGroup("Method:")
    .option("--method <name>", methods.map(({ name }) => name).join(", "), "abkd")
    .option("--preset <name>", "a named setting of the method, see abkd methods")
    .addOption(
      new Option(
        "--students <n>",
        "how many students learn from each other, by a method that trains several",
      ).argParser(integer(2)),
    );
  for (const method of methods) addMethodOptions(command, method);
  addHyperParameters(command, "Student (defaults below):");
  addHyperParameters(command, "Teacher (defaults below):", "teacher-");
  command.addOption(
    new Option("--teacher-seed <n>", "one teacher serves the students of all seeds")
      .argParser(integer(0))
      .default(TEACHER_SEED),
  );
  command.configureOutput({
    outputError(message, write) {
      const { method } = command.opts<DistillOptions>();
      const chosen = methods.find(({ name }) => name === method) ?? findMethod("abkd");
      write(withMethodFlag(message, chosen, methods));
    },
  });
  addTeacherFiles(command);
  helpWithRecipes(command, defaultsText);
  return command.action(async (options: DistillOptions) => {
    const { preset } = options;
    const method = findMethod(options.method);
    const subject = givenSubject(options);
    const teacher =
      (await givenTeacher(command, options.dataset, options)) ??
      teacherConfig(
        { ...subject, seed: options.teacherSeed },
        givenHyperParameters(options, "teacher-"),
      );
    const changes = {
      ...givenHyperParameters(options),
      options: {
        ...givenMethodOptions(options, method, methods),
        ...givenStudents(options, method),
      },
      ...(preset !== undefined && { preset }),
    };
    const configs = givenSeeds(options).map((seed) =>
      studentConfig({ ...subject, seed }, method.name, teacher, changes),
    );
    await runAndReport(configs, options);
  });
}

/** @throws OptionError for a method that trains one student */
function givenStudents(
  { students }: DistillOptions,
  { name, options }: AnyMethod,
): Readonly<Record<string, number>> {
  if (students === undefined) return {};
  if ("students" in options) return { students };
  const several = methods.filter((method) => "students" in method.options);
  throw new OptionError(
    `${name} trains one student: leave --students out, or choose --method ` +
      several.map((method) => method.name).join(" or "),
  );
}

function defaultsText({
  dataset,
  method: methodName = "abkd",
  model = "gcnii",
  teacherModel = "gcnii",
}: Chosen): string[] {
  const method = findMethod(methodName);
  const recipe = studentRecipeOf(dataset, methodName, model);
  const options = Object.entries({ ...method.defaults, ...recipe.options })
    .map(([name, value]) => `${methodFlag(method, name)} ${value}`)
    .join(" ");
  const texts = [recipeText("student", recipe)];
  if (options !== "") {
    texts.push(`  ${methodName}: ${options}\n    source: ${recipe.source}`);
  }
  return [...texts, recipeText("teacher", teacherRecipeOf(dataset, teacherModel), "teacher-")];
}
