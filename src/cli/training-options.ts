// The command line's words for an optimiser, a schedule and the kept epoch: `sgd:0.9`, `step:50:0.5`.
import { InvalidArgumentError } from "commander";
import type { OptimiserConfig, ScheduleConfig, TrainingConfig } from "../training/run.ts";

/** `adamw`, `rmsprop`, `sgd`, `sgd:<momentum>`; whether the numbers are legal is looked at later. */
export function optimiser(text: string): OptimiserConfig {
  const [name, momentum, ...rest] = text.split(":");
  if (name === "sgd" && rest.length === 0) {
    return momentum === undefined ? { name } : { name, momentum: Number(momentum) };
  }
  if ((name === "adamw" || name === "rmsprop") && momentum === undefined) return { name };
  const adam = text === "adam" ? " Without the option it is Adam." : "";
  throw new InvalidArgumentError(`Expected adamw, rmsprop, sgd or sgd:<momentum>.${adam}`);
}

/** `linear`, `step:<epochs>:<factor>`; as above. */
export function schedule(text: string): ScheduleConfig {
  const [name, every, factor, ...rest] = text.split(":");
  if (name === "linear" && every === undefined) return { name };
  if (name === "step" && factor !== undefined && rest.length === 0) {
    return { name, every: Number(every), factor: Number(factor) };
  }
  throw new InvalidArgumentError("Expected linear or step:<epochs>:<factor>.");
}

export function keep(text: string): NonNullable<TrainingConfig["keep"]> {
  if (text === "accuracy") return text;
  throw new InvalidArgumentError("Expected accuracy; without the option it is the lowest loss.");
}

/** A hyper-parameter as it is given on the command line. */
export function hyperParameterText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { name, every, factor, momentum } = value as Partial<Record<string, string | number>>;
  return [name, every, factor, momentum].filter((part) => part !== undefined).join(":");
}
