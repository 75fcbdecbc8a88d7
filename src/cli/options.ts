// Options that several commands share, and their checks.
import { type Command, Option } from "commander";
import { OptionError } from "../base/errors.ts";
import { SPLIT_FORMS } from "../datasets/splits.ts";
import { ENGINE_CHOICES, type EngineChoice } from "../tensor/engine/choice.ts";
import { MOST_THREADS } from "../tensor/engine/threads.ts";
import { trainingOptions } from "../training/options.ts";
import type { Changes, Subject } from "../training/recipes.ts";
import { camel, describeOption, kebab, LEFT_OUT, tableOption } from "./flags.ts";
import { addModelOptions, givenModel } from "./model-options.ts";
import { addModuleOption, type ModuleOptions } from "./modules.ts";
import { integer, real } from "./numbers.ts";

/** What --dataset takes, everywhere. */
export const DATASET_FLAG = "see abkd data list; or the path of your own graph, a file or a folder";

/** The parts of the machine that training may use. */
export interface MachineOptions {
  readonly workers?: number;
  readonly threads?: number;
  readonly engine?: EngineChoice;
  readonly memoryLimit?: number;
}

export function addMachineOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--workers <n>", "runs at a time (default: one per thread)").argParser(
        integer(1, 256),
      ),
    )
    .addOption(
      new Option(
        "--threads <n>",
        "threads that compute, shared out among the runs (default: $ABKD_THREADS, or one per core)",
      ).argParser(integer(1, MOST_THREADS)),
    )
    .addOption(
      new Option("--engine <name>", "auto: native for wide models where it is built")
        .choices([...ENGINE_CHOICES])
        .default("auto"),
    )
    .addOption(
      new Option(
        "--memory-limit <GiB>",
        "refuse a run that is estimated to take more (default: what the engine or the machine has)",
      ).argParser(real()),
    );
}

/** Returns the machine options that were given, as runTrials takes them. */
export function givenMachineOptions(options: MachineOptions): MachineOptions {
  const { workers, threads, engine, memoryLimit } = options;
  return {
    ...(workers !== undefined && { workers }),
    ...(threads !== undefined && { threads }),
    ...(engine !== undefined && { engine }),
    ...(memoryLimit !== undefined && { memoryLimit }),
  };
}

/** The options of every command that trains: `--data`, `--runs`, `--workers` and others. */
export interface RunOptions extends MachineOptions, ModuleOptions {
  readonly dataset: string;
  readonly split?: string;
  readonly order: "dataset" | "locality";
  readonly seed: number;
  readonly trials: number;
  readonly data?: string;
  readonly runs: string;
  readonly resume?: boolean;
  readonly checkpointEvery: number;
  readonly profile?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function addRunOptions(command: Command): Command {
  addModuleOption(command.optionsGroup("What to run:"))
    .option("--dataset <name>", DATASET_FLAG, "cora")
    .option("--split <split>", SPLIT_FORMS)
    .addOption(
      new Option(
        "--order <order>",
        "order of nodes in training: locality is faster on large graphs, but its last bits differ",
      )
        .choices(["dataset", "locality"])
        .default("dataset"),
    )
    .addOption(
      new Option("--seed <n>", "seed of initial weights and dropout")
        .argParser(integer(0))
        .default(1),
    )
    .addOption(
      new Option("--trials <n>", "runs with the seeds from --seed upwards")
        .argParser(integer(1, 1000))
        .default(1),
    )
    .optionsGroup("Where and how:")
    .option("--data <folder>", "look for datasets here first")
    .option("--runs <folder>", "results, checkpoints and cached teachers", "runs");
  return addMachineOptions(command)
    .option("--resume", "keep finished runs as they are, continue interrupted ones")
    .addOption(
      new Option("--checkpoint-every <seconds>", "does not change the results")
        .argParser(real())
        .default(30),
    )
    .option(
      "--profile",
      "print time and bytes by operator of the first run, and write a trace for chrome://tracing",
    )
    .option("--quiet", "show no progress, only warnings")
    .option("--json", "print the results as JSON, an array of runs");
}

/** @throws OptionError if the last trial's seed would be too large */
export function givenSeeds({ seed, trials }: Pick<RunOptions, "seed" | "trials">): number[] {
  const last = seed + trials - 1;
  if (!Number.isSafeInteger(last)) {
    throw new OptionError(
      `--seed ${seed} is too large for --trials ${trials}: seeds go up to ${Number.MAX_SAFE_INTEGER}`,
    );
  }
  return Array.from({ length: trials }, (_, k) => seed + k);
}

/** Returns what the runs are about, without their seeds. */
export function givenSubject({ dataset, split, order }: RunOptions): Omit<Subject, "seed"> {
  return {
    dataset,
    ...(split !== undefined && { split }),
    ...(order === "locality" && { order }),
  };
}

/**
 * Adds the options of a model and its training; options that are not given come from the recipe.
 * @param prefix `` or `teacher-`
 */
export function addHyperParameters(command: Command, group: string, prefix = ""): Command {
  command.optionsGroup(group);
  addModelOptions(command, prefix);
  for (const [name, info] of Object.entries(trainingOptions)) {
    command.addOption(tableOption(`--${prefix}${kebab(name)}`, describeOption(info), [info]));
  }
  return command;
}

/**
 * Returns what the user gave of the options that addHyperParameters added.
 * @throws OptionError for an option of another kind of model
 */
export function givenHyperParameters(
  options: Readonly<Record<string, unknown>>,
  prefix = "",
): Required<Pick<Changes, "model" | "training">> {
  const training = Object.keys(trainingOptions).flatMap((name) => {
    const value = options[camel(`${prefix}${kebab(name)}`)];
    // Undefined removes the recipe's own value.
    return value === undefined ? [] : [[name, value === LEFT_OUT ? undefined : value]];
  });
  return { model: givenModel(options, prefix), training: Object.fromEntries(training) };
}
