// Chooses the engine that trains a model: the requested one, or the faster one for the model's width.
import { OptionError } from "../../base/errors.ts";
import { nativeRecord, requireNativeRecord } from "../native/build.ts";
import type { EngineName } from "./backend.ts";

export const ENGINE_CHOICES = ["auto", "wasm", "native"] as const;

/** `auto` means native for models of a width at which `npm run native` found it faster, otherwise wasm. */
export type EngineChoice = (typeof ENGINE_CHOICES)[number];

/**
 * @param width the model's hidden width
 * @throws UserError if the native engine is requested but not built
 */
export function chooseEngine(choice: EngineChoice, width: number): EngineName {
  if (!ENGINE_CHOICES.includes(choice)) {
    throw new OptionError(`engine ${String(choice)} is not one of ${ENGINE_CHOICES.join(", ")}`);
  }
  if (choice === "native") requireNativeRecord();
  if (choice !== "auto") return choice;
  const faster = nativeRecord()?.fasterFromWidth;
  return typeof faster === "number" && width >= faster ? "native" : "wasm";
}
