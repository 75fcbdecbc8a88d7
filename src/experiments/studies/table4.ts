// Table 4: a one-layer network that starts from the student layer that attention picks.
import { studentConfig } from "../../training/recipes.ts";
import type { InitialWeights, RunConfig } from "../../training/run.ts";
import { defaults, type PublishedAccuracy, table4 as published } from "../published.ts";
import type { Arm, Claim, Study } from "../study.ts";
import { baselines, controls, literal, searched } from "./arms.ts";

/** A trained student whose layer is copied, picked by attention or by number. */
interface Donor {
  readonly arm: Arm;
  readonly layer: InitialWeights["layer"];
  readonly name: string;
}

/** As in the paper: training runs all epochs, and the best one is kept. */
const TRAINED = { epochs: defaults.oneLayerEpochs, patience: defaults.oneLayerEpochs };
const UNTRAINED = { epochs: 0 };

function oneLayer(
  id: string,
  label: string,
  role: Arm["role"],
  training: { readonly epochs: number },
  donor?: Donor,
): Arm {
  return {
    id,
    label,
    role,
    config(subject, teacher): RunConfig {
      const plain = studentConfig(subject, "student", teacher, { model: { layers: 1 }, training });
      if (!donor) return plain;
      return {
        ...plain,
        initial: { from: donor.arm.config(subject, teacher), layer: donor.layer },
      };
    },
  };
}

const [plainStudent] = baselines as readonly [Arm];
const attended: readonly Donor[] = [
  { arm: searched, layer: "attended", name: "searched" },
  { arm: literal, layer: "attended", name: "literal" },
];
const otherDonors: readonly Donor[] = [
  ...[0, 1, 2, 3].map((layer) => ({ arm: searched, layer, name: `layer-${layer + 1}` })),
  { arm: plainStudent, layer: 0, name: "plain-student" },
];

const describe = ({ arm, layer }: Donor): string =>
  layer === "attended"
    ? `the attended layer of ${arm.label}`
    : `layer ${layer + 1} of ${arm.label}`;

const fromDonor = (donor: Donor, role: Arm["role"]): Arm[] => [
  oneLayer(`untrained:${donor.name}`, `no training, ${describe(donor)}`, role, UNTRAINED, donor),
  oneLayer(`initialized:${donor.name}`, `trained from ${describe(donor)}`, role, TRAINED, donor),
];

const random = oneLayer("random", "trained from random weights", "baseline", TRAINED);

/** Returns what the paper prints for a dataset, if anything. */
function row(
  dataset: string,
): Readonly<Record<"initialized" | "random" | "untrained", PublishedAccuracy>> | undefined {
  return Object.hasOwn(published, dataset)
    ? published[dataset as keyof typeof published]
    : undefined;
}

function claims(dataset: string): Claim[] {
  const paper = row(dataset);
  const value = (arm: string, text: string, accuracy?: PublishedAccuracy): Claim[] =>
    accuracy ? [{ kind: "value", text, arm, paper: accuracy }] : [];
  return [
    ...value("random", "random start: test accuracy", paper?.random),
    ...attended.flatMap((donor): Claim[] => [
      ...value(
        `initialized:${donor.name}`,
        `trained from ${describe(donor)}: test accuracy`,
        paper?.initialized,
      ),
      ...value(
        `untrained:${donor.name}`,
        `no training, ${describe(donor)}: test accuracy`,
        paper?.untrained,
      ),
      {
        kind: "ordering",
        text: `a start from ${describe(donor)} is above a random one`,
        better: `initialized:${donor.name}`,
        worse: "random",
        ...(paper && { paper: paper.initialized.mean - paper.random.mean }),
      },
    ]),
  ];
}

export const table4: Study = {
  name: "table4",
  title: "Table 4: weights for a one-layer network, picked by attention",
  about: [
    "The layer is the one that most teacher layers attend to most (row-wise argmax of A). The " +
      "student's input and output layers are copied with it: without them an untrained network " +
      "could not reach the paper's accuracies.",
    `Trained means ${defaults.oneLayerEpochs} epochs with the plain student's recipe, the best ` +
      "epoch by validation loss; the copied convolution gets a first layer's theta.",
    "Controls: each layer of the same student by number, a plain student's first layer, and a " +
      "random start without training.",
  ],
  datasets: Object.keys(published),
  arms: [
    random,
    ...attended.flatMap((donor) => fromDonor(donor, "method")),
    ...otherDonors.flatMap((donor) => fromDonor(donor, "control")),
    oneLayer("untrained:random", "no training, random weights", "control", UNTRAINED),
    searched,
    literal,
    ...controls,
  ],
  subject: "initialized:searched",
  claims,
};
