// Students that a search trained: what a figure and a card say of each.
import type { RunConfig, RunResult } from "../../training/run.ts";
import type { StudentSize } from "../contenders.ts";

/** A student that was trained: on which place of the figure it lies. */
export interface TriedStudent {
  /** The contender's id. */
  readonly contender: string;
  readonly method: string;
  readonly size: StudentSize;
  readonly parameters: number;
  /** Of a pass over the whole graph. */
  readonly microseconds: number;
  /** Fraction of the validation items. */
  readonly validation: number;
  readonly dead: boolean;
}

/** Microseconds of each size, by sizeKey(). */
export type SizeTimes = ReadonlyMap<string, number>;

/** Identifies a size within a search, whose kept features follow from their number. */
export const sizeKey = ({ model, features }: StudentSize): string =>
  `${model.kind} ${model.layers}L-${model.width}H ${features?.length ?? "all"}`;

/** Returns the size of a student that a search drew. */
function sizeOf({ model, features }: RunConfig): StudentSize {
  const { kind, layers, width } = model as StudentSize["model"];
  return { model: { kind, layers, width }, ...(features && { features }) };
}

/** @param contender the id of the one that drew the run */
export function triedOf(
  {
    config,
    parameters,
    accuracy,
    dead,
  }: Pick<RunResult, "config" | "parameters" | "accuracy" | "dead">,
  contender: string,
  times: SizeTimes,
): TriedStudent {
  const size = sizeOf(config);
  return {
    contender,
    method: config.method!.name,
    size,
    parameters: parameters.model,
    microseconds: times.get(sizeKey(size))!,
    validation: accuracy.val,
    dead,
  };
}
