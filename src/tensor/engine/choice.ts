// Which engine trains a model: the one that was asked for, or the faster one by its width.
import { OptionError } from "../../base/errors.ts";
import { nativeRecord, requireNativeRecord } from "../native/build.ts";
import type { EngineName } from "./backend.ts";

export const ENGINE_CHOICES = ["auto", "wasm", "native"] as const;

/** `auto`: native for models as wide as `npm run native` measured it to be faster, else wasm. */
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

/**
 * @param width the model's hidden width
 * @throws UserError where the native engine is asked for and not built
 */
export function chooseEngine(choice: EngineChoice, width: number): EngineName {
  if (!ENGINE_CHOICES.includes(choice)) {
    throw new OptionError(`engine ${String(choice)} is none of ${ENGINE_CHOICES.join(", ")}`);
  }
  if (choice === "native") requireNativeRecord();
  if (choice !== "auto") return choice;
  const faster = nativeRecord()?.fasterFromWidth;
  return typeof faster === "number" && width >= faster ? "native" : "wasm";
}
