// GraphAKD: adversarial distillation, in which discriminators of logits, arcs and nodes judge the
// student. He et al.: Compressing Deep Graph Neural Networks via Adversarial Knowledge
// Distillation, KDD 2022; losses and weights as in MIRALab-USTC/GraphAKD (node level).
import * as tf from "@tensorflow/tfjs";
import type { OptionInfo } from "../../base/options.ts";
import type { Outputs } from "../../models/model.ts";
import { meanElements } from "../../tensor/ops/elements.ts";
import type { Targets } from "../../tensor/ops/loss.ts";
import { detached, gradientOnly } from "../detached.ts";
import type { NodeBatch } from "../method.ts";
import { scalarOf } from "../objective.ts";
import { Projection } from "../projection.ts";
import { rival, softMixture } from "../rival.ts";
import { TeacherSide } from "../teacher.ts";
import {
  type Critic,
  type Ground,
  globalCritic,
  localCritic,
  logitCritic,
  type Seen,
  seen,
} from "./critics.ts";

export type GraphAkdOptions = {
  readonly logitCritic: boolean;
  readonly localCritic: boolean;
  readonly globalCritic: boolean;
  readonly logitDistance: boolean;
  readonly criticEvery: number;
  readonly learningRate: number | null;
};

/** L2 weight decay on the discriminators; the reference uses Adam's own. */
const CRITIC_DECAY = 5e-4;

const part = (description: string): OptionInfo => ({ kind: "switch", description });

/**
 *     L_akd = 1/2 (class + adversarial)(logits) + |s - t|_1 / n + adversarial(arcs)
 *           + adversarial(nodes, both summaries)
 *
 * over all n nodes and all arcs, including self loops, with the labels of training nodes only. The
 * embeddings are the last hidden maps after their activation, the student's projected to the teacher's
 * width. Critics learn at every `criticEvery`-th step, from step 0. Each critic's loss trains its own
 * weights alone, and the student's loss the student and its projection alone. Both come from the same
 * pass, so the student meets a critic's step one step later than in the reference, which updates the
 * critic first. The reported loss is L_akd alone. Adam counts the steps between updates too when it
 * corrects its moments, which the reference's second optimiser does not.
 *
 * The student's embeddings are products of five numbers per node, and the critics read those: only the
 * teacher's side is as wide as its map, in the steps in which the critics learn.
 */
export const graphakd = rival<
  GraphAkdOptions,
  "citeseer" | "pubmed" | "logits-only" | "maps-only" | "soft-labels"
>({
  name: "graphakd",
  label: "GraphAKD",
  place: 6,
  summary: "GraphAKD: discriminators of logits, arcs and nodes that the student learns to fool",
  source:
    "He et al.: Compressing Deep Graph Neural Networks via Adversarial Knowledge Distillation, KDD 2022",
  // 2: the student fools the critic of nodes under its own summary too; in 1 it helped the critic there.
  version: 2,
  byBatch: "arcs",
  teacherParts: () => ["logits", "hidden"],
  defaults: {
    beta: 1,
    logitCritic: true,
    localCritic: true,
    globalCritic: true,
    logitDistance: true,
    criticEvery: 15,
    learningRate: null,
  },
  options: {
    logitCritic: part("the adversarial and class losses of the discriminator of logits"),
    localCritic: part("the adversarial loss of the discriminator of arcs"),
    globalCritic: part("the adversarial losses of the discriminator of nodes and summaries"),
    logitDistance: part("the L1 distance of the logits"),
    criticEvery: {
      kind: "number",
      min: 1,
      whole: true,
      symbol: "d_critic",
      description: "steps from one update of the discriminators to the next",
    },
    learningRate: {
      kind: "number",
      min: 0,
      above: true,
      none: "the student's",
      description: "learning rate of the discriminators and the projection",
    },
  },
  presets: {
    // The reference's d_critic; the default is Cora's.
    citeseer: { criticEvery: 1 },
    pubmed: { criticEvery: 10 },
    "logits-only": { localCritic: false, globalCritic: false },
    "maps-only": { logitCritic: false, logitDistance: false },
    "soft-labels": softMixture,
  },
  term({ teacher, graph, student, train, seed }, options) {
    const side = new TeacherSide(teacher, "hidden", ({ logits, hidden }) => ({
      ...seen(tf.clone(logits), hidden!),
    }));
    const groundOf = (batch?: NodeBatch): Ground => ({
      teacher: side.of(batch?.nodes),
      // The teacher's classes are the items', one each.
      train: batch?.nodes ? (batch.targets.train as Targets) : train,
      adjacency: (batch?.graph ?? graph).adjacency,
    });
    const width = teacher.outline.hidden;
    const projection = new Projection("graphakd.projection", student.hidden, width, seed);
    const critics: Critic[] = [];
    if (options.logitCritic) critics.push(logitCritic(student.classes, seed));
    if (options.localCritic) critics.push(localCritic(width));
    if (options.globalCritic) critics.push(globalCritic(width));
    const look = (outputs: Outputs): Seen => {
      const hidden = outputs.hidden!;
      const { unit, basis } = projection.unit(hidden);
      return { logits: outputs.logits, unit, basis, mean: projection.mean(hidden) };
    };
    const parameters = critics.flatMap((critic) => critic.parameters);
    const term = {
      parameters: [...projection.parameters, ...parameters],
      ...(options.learningRate !== null && { learningRate: options.learningRate }),
      value(outputs: Outputs, step: number, batch?: NodeBatch): tf.Scalar {
        const fake = look(outputs);
        const ground = groundOf(batch);
        let loss = tf.scalar(0);
        for (const critic of critics) {
          const fixed = critic.parameters.map(({ variable }) => detached(variable));
          loss = tf.add(loss, critic.fooled(fixed, fake, ground));
        }
        if (options.logitDistance)
          loss = tf.add(loss, distance(fake.logits, ground.teacher.logits));
        if (step % options.criticEvery !== 0 || critics.length === 0) return loss;
        return tf.add(loss, gradientOnly(telling(critics, fake, ground)));
      },
      inspect(outputs: Outputs) {
        const told = tf.tidy(() => telling(critics, look(outputs), groundOf()).dataSync()[0]!);
        const scalars = { term: scalarOf(term, outputs), critics: told };
        return { scalars, matrices: {}, warnings: [] };
      },
      dispose() {
        side.dispose();
        projection.dispose();
        for (const { variable } of parameters) variable.dispose();
      },
    };
    return term;
  },
});

/** Returns the critics' own loss on the student's and the teacher's outputs, with weight decay. */
function telling(critics: readonly Critic[], student: Seen, ground: Ground): tf.Scalar {
  const fake = {
    logits: detached(student.logits),
    unit: detached(student.unit),
    ...(student.basis && { basis: detached(student.basis) }),
    mean: detached(student.mean),
  };
  let loss = tf.scalar(0);
  for (const critic of critics) {
    const weights = critic.parameters.map(({ variable }) => variable as unknown as tf.Tensor);
    loss = tf.add(loss, critic.telling(weights, fake, ground));
    for (const weight of weights) {
      loss = tf.add(loss, tf.mul(tf.sum(tf.mul(weight, weight)), CRITIC_DECAY / 2));
    }
  }
  return loss;
}

/** Returns |s - t|_1 / n. */
function distance(student: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar {
  const gaps = tf.sub(student, teacher);
  const mean = meanElements(gaps, (x, slopes) => {
    let sum = 0;
    for (let k = 0; k < x.length; k++) {
      slopes[k] = Math.sign(x[k]!);
      sum += Math.abs(x[k]!);
    }
    return sum;
  });
  return tf.mul(mean, teacher.shape[1]);
}
