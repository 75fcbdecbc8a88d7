// The options of training: the command line's flags, their help and the checks come from this table.
import type { OptionTable } from "../base/options.ts";
import { precisionOption } from "../models/precision/precision.ts";
import type { TrainingConfig } from "./run.ts";

/** Above 0 and below 1. */
const share = { kind: "number", min: 0, above: true, max: 1, below: true } as const;

/** An option that is left out does not change a run's id. */
export const trainingOptions: OptionTable<TrainingConfig> = {
  epochs: { kind: "number", min: 0, whole: true, description: "the most epochs" },
  patience: {
    kind: "number",
    min: 1,
    whole: true,
    description: "epochs without a better one before it stops",
  },
  learningRate: { kind: "number", min: 0, description: "the optimiser's learning rate" },
  weightDecay: {
    kind: "number",
    min: 0,
    description: "L2 (adamw: decoupled), on all weights of the model",
  },
  optimiser: {
    kind: "variant",
    variants: {
      adamw: {},
      rmsprop: {},
      sgd: {
        momentum: { ...share, absent: "none", description: "share of the last step in the next" },
      },
    },
    absent: "adam",
    description: "as in torch.optim",
  },
  warmUp: {
    kind: "number",
    // A warm-up of one epoch would be none, under another id.
    min: 2,
    whole: true,
    absent: "none",
    description: "epochs in which the learning rate rises linearly",
  },
  schedule: {
    kind: "variant",
    variants: {
      step: {
        every: { kind: "number", min: 1, whole: true, description: "epochs" },
        factor: { ...share, description: "of the learning rate after these" },
      },
      linear: {},
    },
    absent: "none",
    description: "how the learning rate falls: to 0, or times a factor after every so many epochs",
  },
  clip: {
    kind: "number",
    min: 0,
    above: true,
    absent: "none",
    description: "the largest common norm of all gradients",
  },
  batch: {
    kind: "number",
    min: 1,
    whole: true,
    absent: "none",
    description:
      "the most nodes per step, for models that read each node by itself (mlp); with sampler, the nodes " +
      "whose logits it computes, or the roots of its walks",
  },
  sampler: {
    kind: "variant",
    variants: {
      neighbours: {
        fanOut: {
          kind: "counts",
          description:
            "neighbours per node: of the batch's nodes, then of theirs, one for each layer",
        },
      },
      walks: {
        length: { kind: "number", min: 1, whole: true, description: "steps of each walk" },
        steps: { kind: "number", min: 1, whole: true, description: "batches per epoch" },
      },
    },
    absent: "none",
    description:
      "what each step reads, for models that read parts of a graph (sage); needs batch. neighbours:15,10: 15 " +
      "neighbours of each of its nodes, then 10 of each node so far; walks:2:30: what walks of 2 steps meet, 30 times",
  },
  precision: precisionOption,
  keep: {
    kind: "choice",
    choices: ["accuracy", "latest-accuracy"],
    absent: "loss",
    description:
      "keep the epoch of the highest accuracy (of equals the first, or the latest) or the lowest loss on validation nodes",
  },
};
