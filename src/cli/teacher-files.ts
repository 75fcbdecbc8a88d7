// --teacher and --teacher-outputs: a teacher that was trained elsewhere, for the commands that distil.
import { type Command, Option } from "commander";
import { OptionError } from "../base/errors.ts";
import { models } from "../models/registry.ts";
import {
  describeOutputs,
  loadTeacherOutputs,
  type TeacherOutputs,
} from "../training/teacher-outputs.ts";
import { loadTeacher } from "../training/teacher-weights.ts";
import { tell } from "./output.ts";

export interface TeacherFileFlags {
  readonly teacher?: string;
  readonly teacherOutputs?: readonly string[];
  readonly data?: string;
  readonly quiet?: boolean;
}

export function addTeacherFiles(command: Command): Command {
  return command
    .optionsGroup("Your own teacher:")
    .option(
      "--teacher <file>",
      "its weights: a file of abkd export, or PyTorch Geometric's with a JSON beside it (docs/teachers.md)",
    )
    .addOption(
      new Option(
        "--teacher-outputs <path>",
        "logits and maps of a teacher that another program trained: npz, safetensors, or a folder of .npy; given " +
          "several times, their mean teaches (docs/teachers.md)",
      ).argParser((path, before: readonly string[] = []) => [...before, path]),
    );
}

/**
 * Returns the teacher that files give; undefined without such files.
 * @throws OptionError beside an option of a teacher that is trained here
 */
export async function givenTeacher(
  command: Command,
  dataset: string,
  { teacher, teacherOutputs = [], data, quiet }: TeacherFileFlags,
): Promise<TeacherOutputs | undefined> {
  if (teacher === undefined && teacherOutputs.length === 0) return undefined;
  const other = command.options.find(
    (option) =>
      option.name().startsWith("teacher-") &&
      option.name() !== "teacher-outputs" &&
      command.getOptionValueSource(option.attributeName()) === "cli",
  );
  if (other) throw new OptionError(`${other.long} is for a teacher trained here: leave it out`);
  if (models.some(({ name }) => name === teacher)) {
    throw new OptionError(
      `--teacher takes a file of weights; to train one: --teacher-model ${teacher}`,
    );
  }
  const where = { download: true, ...(data !== undefined && { dataDir: data }) };
  const known = teacher === undefined ? [] : [await loadTeacher(teacher, dataset, where)];
  const outputs = await loadTeacherOutputs([...known, ...teacherOutputs]);
  if (!quiet) tell(`the teacher ${outputs.source}: ${describeOutputs(outputs)}`);
  return outputs;
}
