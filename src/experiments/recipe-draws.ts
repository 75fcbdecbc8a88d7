// The configurations that a search draws from a contender's space.
import { canonicalJson } from "../base/canonical.ts";
import { resolveOptions } from "../base/options.ts";
import { findMethod } from "../distillation/registry.ts";
import { philox } from "../tensor/ops/random.ts";
import type { Contender, Options, StudentSize } from "./contenders.ts";

/** One configuration: one value from each list of a space. */
export interface Draw {
  readonly dropout: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** The limit on its epochs when trained at full length. */
  readonly epochs: number;
  readonly keep: "loss" | "accuracy";
  readonly options: Options;
  /** By default the paper's, GCNII 4L-4H. */
  readonly student?: StudentSize;
}

/**
 * Draws distinct configurations, the same for the same seed: a longer list begins with the shorter one, and ends
 * early if the space is used up. Two that differ only in their limits on epochs count as one, since they are
 * the same run on all rungs but the last.
 */
export function drawConfigurations(
  { method, space, fixed, start }: Pick<Contender, "method" | "space" | "fixed" | "start">,
  count: number,
  seed: number,
): Draw[] {
  const { dropout, learningRate, weightDecay, epochs, keep, options, students } = space;
  const lists: readonly (readonly unknown[])[] = [
    dropout,
    learningRate,
    weightDecay,
    keep,
    ...options,
    ...(students ? [students] : []),
  ];
  const size = lists.reduce((product, list) => product * new Set(list.map(canonicalJson)).size, 1);
  // A draw may spell out what the start leaves to the defaults.
  const key = ({ epochs: _, ...draw }: Draw): string =>
    canonicalJson({ ...draw, options: resolveOptions(findMethod(method), draw.options) });
  const first: Draw = {
    dropout: 0,
    learningRate: 0.01,
    weightDecay: 1e-4,
    epochs: 600,
    keep: "loss",
    options: start,
    ...(students && { student: students[0]! }),
  };
  const drawn = new Map([[key(first), first]]);
  const wanted = Math.min(count, size);
  for (let n = 0; drawn.size < wanted; n++) {
    const pick = <T>(list: readonly T[], k: number): T =>
      list[philox(seed, n, k, 0)[0]! % list.length]!;
    const draw: Draw = {
      dropout: pick(dropout, 0),
      learningRate: pick(learningRate, 1),
      weightDecay: pick(weightDecay, 2),
      epochs: pick(epochs, 3),
      keep: pick(keep, 4),
      options: Object.assign({}, fixed, ...options.map((list, k) => pick(list, 5 + k))) as Options,
      ...(students && { student: pick(students, 5 + options.length) }),
    };
    if (!drawn.has(key(draw))) drawn.set(key(draw), draw);
  }
  return [...drawn.values()];
}
