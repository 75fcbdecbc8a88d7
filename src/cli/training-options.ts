// The command line's words for an optimiser, a schedule and the kept epoch: `sgd:0.9`, `step:50:0.5`.
import { InvalidArgumentError } from "commander";
import type { OptimiserConfig, ScheduleConfig, TrainingConfig } from "../training/run.ts";

/** What is asked for is what a configuration without the key means; commander takes null for no value. */
export const LEFT_OUT = Symbol("left out");

/** `adam`, `adamw`, `rmsprop`, `sgd`, `sgd:<momentum>`; whether the numbers are legal is looked at later. */
export function optimiser(text: string): OptimiserConfig | typeof LEFT_OUT {
  if (text === "adam") return LEFT_OUT;
  const [name, momentum, ...rest] = text.split(":");
  if (name === "sgd" && rest.length === 0) {
    return momentum === undefined ? { name } : { name, momentum: Number(momentum) };
  }
  if ((name === "adamw" || name === "rmsprop") && momentum === undefined) return { name };
  throw new InvalidArgumentError("Expected adam, adamw, rmsprop, sgd or sgd:<momentum>.");
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

/** `loss`, `accuracy`. */
export function keep(text: string): NonNullable<TrainingConfig["keep"]> | typeof LEFT_OUT {
  if (text === "loss") return LEFT_OUT;
  if (text === "accuracy") return text;
  throw new InvalidArgumentError("Expected loss or accuracy.");
}

/** A hyper-parameter as it is given on the command line. */
export function hyperParameterText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { name, every, factor, momentum } = value as Partial<Record<string, string | number>>;
  return [name, every, factor, momentum].filter((part) => part !== undefined).join(":");
}
