// The list of methods: a new one is a file and a line here.
import { OptionError } from "../errors.ts";
import { abkd } from "./abkd/index.ts";
import { at } from "./at.ts";
import { fitnet } from "./fitnet.ts";
import { gcrd } from "./gcrd.ts";
import { geometric } from "./geometric/index.ts";
import { graphakd } from "./graphakd/index.ts";
import { gsp } from "./gsp.ts";
import { lsp } from "./lsp.ts";
import type {
  Distillation,
  Method,
  StudentShape,
  TeacherOutputs,
  TrainingGraph,
} from "./method.ts";
import type { OptionValue } from "./options.ts";
import { softkd } from "./softkd.ts";
import { student } from "./student.ts";

/** A method whose options are known only by its table. */
export type AnyMethod = Method<Readonly<Record<string, OptionValue>>>;

/** In the order in which reports list them. */
export const methods: readonly AnyMethod[] = [
  student,
  softkd,
  fitnet,
  at,
  lsp,
  gsp,
  gcrd,
  graphakd,
  geometric,
  abkd,
];

/** @throws {OptionError} naming the methods there are */
export function findMethod(name: string): AnyMethod {
  const found = methods.find((method) => method.name === name);
  if (!found) {
    const names = methods.map((method) => method.name).join(", ");
    throw new OptionError(`no method "${name}"; there is ${names}`);
  }
  return found;
}

/**
 * Starts the method that a configuration names, with the options it holds.
 *
 * @throws {OptionError} for an unknown method, or options that are missing, unknown or illegal
 */
export function createDistillation(
  { name, options }: { readonly name: string; readonly options: Readonly<Record<string, unknown>> },
  teacher: TeacherOutputs | undefined,
  student: StudentShape,
  graph: TrainingGraph,
  seed: number,
): Distillation {
  // `create` checks the options itself.
  const checked = options as Record<string, OptionValue>;
  return findMethod(name).create(teacher, student, graph, checked, seed);
}
