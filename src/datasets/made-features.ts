// Features that are made, not measured: for graphs whose own are not to be had. Seeded, the same on every machine.
import type { Csr } from "../graph/csr.ts";
import { type RandomStream, randomStream } from "../graph/random.ts";
import { csrFromDense } from "./sparse.ts";

/** How features are made. */
export interface FeatureRecipe {
  readonly columns: number;
  /** The standard deviation of each number of a class's mean; that of the noise around it is 1. */
  readonly separation: number;
  readonly seed: number;
}

/**
 * Draws a mean for each class, and each node's features around the mean of its class: x = separation * m_c + e, with
 * m and e near-normal. Nodes without a class have noise alone.
 *
 * Only +, x and bits are used, and it takes a random number a feature: 22 million take less than a second.
 *
 * @param labels the class of each node, from 0, or below 0
 * @param rows by default those of `labels`; further ones are empty
 */
export function madeFeatures(
  labels: Int32Array,
  classes: number,
  { columns, separation, seed }: FeatureRecipe,
  rows = labels.length,
): Csr {
  const random = randomStream(seed);
  const means = new Float32Array(classes * columns);
  for (let k = 0; k < means.length; k++) means[k] = separation * nearNormal(random);
  const dense = new Float32Array(labels.length * columns);
  for (let node = 0, at = 0; node < labels.length; node++) {
    const label = labels[node]!;
    const mean = label < 0 ? undefined : means.subarray(label * columns, (label + 1) * columns);
    for (let c = 0; c < columns; c++) dense[at++] = (mean ? mean[c]! : 0) + nearNormal(random);
  }
  return csrFromDense(dense, columns, rows);
}

/** The variance of a byte is (256^2 - 1) / 12; three are summed. */
const SCALE = 1 / Math.sqrt((3 * (256 ** 2 - 1)) / 12);

/** The sum of three bytes of a random number, moved and scaled to mean 0 and variance 1: 766 values up to 3, never 0. */
function nearNormal(random: Pick<RandomStream, "integer">): number {
  const bits = random.integer();
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255);
  return (sum - 382.5) * SCALE;
}
